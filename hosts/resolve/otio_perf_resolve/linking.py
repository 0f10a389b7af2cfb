"""Proxies: made by ``otio-perf``, linked to the clips of the media pool."""

from . import pool as pools

_MAKING = "make"
_THERE = ("have", "adopt")
#: A refusal is explained by a look at both files, a second each.
_MOST_EXPLAINED = 25
#: Resolve's own words for "proxies are off".
_DISABLED = "0"


class Wanted:
    """A file and its proxy. ``frames``: of the file. ``is_found``: some clip of the pool shows it."""

    def __init__(self, path, proxy, frames):
        self.path = path
        self.proxy = proxy
        self.frames = frames
        self.is_found = False


def link(session):
    """Make what is needed for the current timeline, and link it."""
    answer = session.run(["optimize", session.exported(), "--link", "none", "--scope", "full", *session.workspace()])
    link_made(session, answer["proxies"])


def link_made(session, proxies):
    """Link what a run of ``otio-perf`` made or found: ``proxies`` of its answer."""
    report, calls = session.report, session.calls
    wanted = _wanted(report, proxies)
    by_path = {pools.same_file(one.path): one for one in wanted}
    by_real_path = {pools.real_file(one.path): one for one in wanted}
    refused = []
    pool = session.pool_again()
    for item in pools.items(calls, pool) if wanted else ():
        if item.is_numbered:
            continue
        one = by_path.get(pools.same_file(item.path)) or by_real_path.get(pools.real_file(item.path))
        if one is not None:
            one.is_found = True
            problem = _link_one(report, calls, item, one)
            if problem:
                refused.append((item, one, problem))
    for one in wanted:
        if not one.is_found:
            report.left(one.path, "no clip of the media pool shows it")
    for number, (item, one, problem) in enumerate(refused):
        report.failed(item.name, "\n".join([problem] + (_why(session, item, one) if number < _MOST_EXPLAINED else [])))
    if wanted:
        _tell_mode(session)


def _wanted(report, proxies):
    """What can be linked; what was not made is told."""
    infos = {medium["path"]: medium["info"] for medium in proxies["media"]}
    ready = {product["key"] for one in proxies["outcomes"] if one["state"] == "ready" for product in one["products"]}
    failed = {one["key"]: one for one in proxies["outcomes"] if one["state"] == "failed"}
    for one in failed.values():
        report.failed(one["path"] or "", "no proxy: %s" % ". ".join(filter(None, (one["message"], one["hint"]))))
    wanted, needless = [], 0
    for decision in proxies["decisions"]:
        action, path = decision["action"], decision["path"]
        info = infos.get(path)
        made = [p for p in decision["products"] if action in _THERE or p["key"] in ready]
        if action == "skip":
            needless += 1
        elif action not in (*_THERE, _MAKING):
            report.left(path or decision["url"], decision["reason"])
        elif info is not None and info["kind"] == "sequence":
            report.left(path, "numbered pictures: DaVinci Resolve links a proxy to a movie only")
        elif made:
            video = info["video"] if info is not None else None
            wanted.append(Wanted(path, made[0]["path"], video[0]["frame_count"] if video else None))
    if needless:
        report.note("", "%d media need no proxy here" % needless)
    return wanted


def _link_one(report, calls, item, one):
    """The problem, or ``""``. The note comes first: what is linked without one would never be taken back."""
    note = calls.ask(item.name, item.item, "GetThirdPartyMetadata", pools.NOTE) or ""
    is_ours = bool(item.proxy) and pools.same_file(item.proxy) == pools.same_file(note)
    if is_ours and pools.same_file(item.proxy) == pools.same_file(one.proxy):
        report.done(item.name, "has its proxy already")
        return ""
    if item.proxy and not is_ours:
        report.left(item.name, "has a proxy that otio_perf did not link: %s" % item.proxy)
        return ""
    if item.frames is not None and one.frames is not None and item.frames < one.frames:
        said = (item.frames, one.frames)
        report.left(item.name, "is a subclip: it has %d of the %d frames of its file, and a proxy of all" % said)
        return ""
    _, problem = calls.try_out(item.item, "SetThirdPartyMetadata", pools.NOTE, one.proxy)
    if problem:
        report.failed(item.name, "not linked: it could not be noted whose proxy it is (%s)" % problem)
        return ""
    _, problem = calls.try_out(item.item, "LinkProxyMedia", one.proxy)
    if not problem:
        report.done(item.name, "plays %s" % one.proxy)
        return ""
    calls.ask(item.name, item.item, "SetThirdPartyMetadata", pools.NOTE, note)
    return problem


def _why(session, item, one):
    """Lines: what differs between the file and the proxy, then between the proxy and what Resolve takes the clip for."""
    answer = session.command(["probe", one.proxy, "--proxy-of", one.path])
    if answer.document is None:
        return ["why: %s" % answer.last_line]
    lines = [difference["text"] for difference in answer.document["differences"]]
    info = answer.document["media"][0]["info"]
    if info is not None and info["video"]:
        lines += _otherwise_in_resolve(item, info)
    if not lines:
        lines = ["the proxy agrees with the file in all that otio-perf knows of; can DaVinci Resolve read its format here?"]
    return ["why: %s" % line for line in lines]


def _otherwise_in_resolve(item, info):
    """Clip attributes can be changed, and then a proxy that fits the file does not fit the clip."""
    video = info["video"][0]
    numerator, _, denominator = video["frame_rate"].partition("/")
    rate = float(numerator) / float(denominator or 1)
    said = str(item.properties.get("FPS", "")).strip()
    try:
        if said and abs(float(said) - rate) > 0.006:  # 23.976 and 59.94 are short for what they are
            yield "DaVinci Resolve plays this clip at %s fps (Clip Attributes), and the proxy has %.3f" % (said, rate)
    except ValueError:
        pass
    if item.frames is not None and item.frames != video["frame_count"]:
        yield "DaVinci Resolve counts %d frames, and the proxy has %d" % (item.frames, video["frame_count"])
    label, ours = str(item.properties.get("Start TC", "")).strip(), info["start_timecode"] or "00:00:00:00"
    if label and label.replace(";", ":") != ours.replace(";", ":"):
        yield "DaVinci Resolve starts this clip at %s, and the proxy starts at %s" % (label, ours)


def _tell_mode(session):
    """Proxies that are linked are not always shown; whether they are is the user's to say."""
    mode, problem = session.calls.try_out(session.project, "GetSetting", "perfProxyMediaMode")
    if problem:
        session.report.note("", "whether this project shows proxies could not be told (%s)" % problem)
    elif mode == _DISABLED:
        session.report.note("", "proxies are switched off: Playback > Proxy Handling > Prefer Proxies shows them")
