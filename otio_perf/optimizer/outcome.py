"""What became of proxies that were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from otio_perf.model.events import Failed, Ready
from otio_perf.model.plans import Action, Product
from otio_perf.model.results import ProxyReport, WrittenTimeline
from otio_perf.model.uses import NAMELESS


def finished(report: ProxyReport) -> dict[str, tuple[Product, ...]]:
    """The proxies that are there now, by ``Target.medium`` of their original."""
    made = {p.key: p for o in report.outcomes if isinstance(o, Ready) for p in o.products}
    found: dict[str, tuple[Product, ...]] = {}
    for decision in report.plan.decisions:
        there = tuple(made.get(p.key, p) for p in decision.products)
        there = tuple(p for p in there if p.digest and Path(p.path).is_file())  # not cleared in the meantime
        if there:
            found[decision.target.medium] = there
    return found


def failed_sources(report: ProxyReport) -> dict[str, str]:
    """Media (``Target.medium``) that should have a proxy and have none, and why."""
    reasons = {f.path: f.message for f in report.failed if f.path is not None}
    wanting: dict[str, str] = {}
    there = finished(report)
    for decision in report.plan.decisions:
        medium = decision.target.medium
        if decision.action is Action.MAKE and medium not in there and report.outcomes:
            wanting[medium] = reasons.get(decision.target.path or "", "no proxy could be made")
        elif decision.action in (Action.HAVE, Action.ADOPT) and medium not in there:
            wanting[medium] = "its proxy is gone: run the command again"
        elif medium == NAMELESS:
            wanting[medium] = f"{decision.reason}: --media-root DIR looks for files called like the clips"
        elif decision.action in (Action.REFUSE, Action.OFFLINE):
            wanting[medium] = decision.reason
    return wanting


def exit_code(report: ProxyReport, written: Sequence[WrittenTimeline] = ()) -> int:
    """0 done · 4 something was made or written, but not for all · 5 nothing could be made."""
    short = failed_sources(report) or report.failed or any(w.left_alone for w in written)
    if not short:
        return 0
    useful = bool(written) or any(isinstance(o, Ready) for o in report.outcomes)
    useful = useful or any(d.action in (Action.HAVE, Action.ADOPT, Action.SKIP, Action.MAKE) for d in report.plan.decisions)
    made_nothing = bool(report.outcomes) and all(isinstance(o, Failed) for o in report.outcomes) and not written
    if made_nothing and finished(report):  # sizes that were there before
        return 4
    return 4 if useful and not made_nothing else 5
