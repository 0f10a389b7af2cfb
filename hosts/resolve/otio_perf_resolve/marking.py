"""Markers where the timeline does not play, and their removal."""

#: Begins the hidden data of our markers; those without are the user's.
OURS = "otio_perf:"

#: How the first line of a marker's note begins.
FACTOR = "needs "

#: Colour and name of a marker, by verdict.
VERDICTS = {
    "slow": ("Red", "does not play in real time"),
    "helped": ("Yellow", "does not play in real time, with proxies it does"),
    "offline": ("Purple", "media are missing"),
}


class Region:
    """Frames ``[start, stop)``, counted from the timeline's first."""

    def __init__(self, start, stop, verdict, factor, reasons):
        self.start = start
        self.stop = stop
        self.verdict = verdict
        self.factor = factor
        self.reasons = list(reasons)


def mark(session):
    """Predict the current timeline, and mark what does not play; our markers of last time go."""
    answer = session.run(["analyze", session.exported(), *session.workspace()])
    timeline = session.timeline_again()
    found = regions(answer["spans"])
    taken = unmark(session, session.timeline_name, timeline)
    if taken is None:
        return  # where markers are is not known, and two on one frame would be one too many
    for region in found:
        _mark_one(session, timeline, region, taken)
    share = round(100 * answer["smooth_share"])
    session.report.note("", "%d %% of this timeline plays in real time here, from its originals" % share)


def regions(spans):
    """Touching spans of one verdict are one region."""
    found = []
    for span in spans:
        verdict = _verdict(span)
        if verdict is None:
            continue
        last = found[-1] if found else None
        if last is not None and last.stop == span["start"] and last.verdict == verdict:
            last.stop = span["stop"]
            last.factor = max(last.factor, span["factor"])
            last.reasons += [r for r in span["reasons"] if r not in last.reasons]
        else:
            found.append(Region(span["start"], span["stop"], verdict, span["factor"], span["reasons"]))
    return found


def unmark(session, about, timeline):
    """Take our markers away; the frames that have others now, or ``None``: these could not be told."""
    markers = session.calls.ask(about, timeline, "GetMarkers")
    if markers is None:
        return None
    taken, removed = set(), 0
    for frame, marker in sorted(markers.items()):
        data = marker.get("customData") if isinstance(marker, dict) else None
        is_gone = False
        if isinstance(data, str) and data.startswith(OURS):
            _, problem = session.calls.try_out(timeline, "DeleteMarkerByCustomData", data)
            is_gone = not problem
            if problem:
                session.report.failed(about, "the marker at frame %d stays: %s" % (frame, problem))
        removed += is_gone
        if not is_gone:
            taken.add(int(frame))
    if removed:
        session.report.done(about, "%d markers of otio_perf removed" % removed)
    return taken


def _mark_one(session, timeline, region, taken):
    """On the first frame of the region that has no marker: there is room for one each."""
    colour, name = VERDICTS[region.verdict]
    about = "frames %d-%d" % (region.start, region.stop)
    frame = next((f for f in range(region.start, region.stop) if f not in taken), None)
    if frame is None:
        session.report.left(about, "each of its frames has a marker already")
        return
    factor = "%s%.1f x the time it has" % (FACTOR, region.factor) if region.verdict != "offline" else ""
    note = "\n".join(filter(None, [factor, *region.reasons]))
    data = "%s%s:%d-%d" % (OURS, region.verdict, region.start, region.stop)
    length = region.stop - frame
    _, problem = session.calls.try_out(timeline, "AddMarker", frame, colour, "otio_perf: " + name, note, length, data)
    if problem:
        session.report.failed(about, problem)
        return
    taken.add(frame)
    session.report.done(about, "marked %s: %s" % (colour.lower(), name))


def _verdict(span):
    if span["state"] == "offline":
        return "offline"
    if span["state"] != "slow":
        return None
    helped = span["with_proxy_factor"]
    return "helped" if helped is not None and helped <= 1 else "slow"
