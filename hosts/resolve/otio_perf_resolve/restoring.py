"""Everything of ours goes: proxies that we linked, markers that we set."""

from . import marking
from . import pool as pools


def restore(session):
    """In the whole project. Timelines that were imported stay: there may be work in them."""
    calls, report = session.calls, session.report
    for item in pools.items(calls, session.pool):
        note = calls.ask(item.name, item.item, "GetThirdPartyMetadata", pools.NOTE) or ""
        if note:
            _restore_one(report, calls, item, note)
    for name, timeline in session.timelines():
        marking.unmark(session, name, timeline)


def _restore_one(report, calls, item, note):
    if not item.proxy:
        report.left(item.name, "its proxy is not linked any more")
    elif pools.same_file(item.proxy) != pools.same_file(note):
        report.left(item.name, "has another proxy by now, that otio_perf did not link: %s" % item.proxy)
    else:
        _, problem = calls.try_out(item.item, "UnlinkProxyMedia")
        if problem:
            report.failed(item.name, "still plays its proxy: %s" % problem)
            return  # the note stays, so that it can be tried again
        report.done(item.name, "plays its original")
    calls.ask(item.name, item.item, "SetThirdPartyMetadata", pools.NOTE, "")
