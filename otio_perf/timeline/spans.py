"""Cut a survey into spans: maximal runs of timeline frames with the same picture layers and transitions.

An event sweep over the starts and ends of uses, O(n log n + members). Sound has no part in it. What an upper layer covers
is not assumed to be invisible: only the host knows whether it is opaque.
"""

from __future__ import annotations

from bisect import bisect_left, insort

from otio_perf.model.uses import Survey, TrackKind
from otio_perf.timeline.columns import KINDS, SPAN_COLUMNS, Column, Spans, Transitions, Uses
from otio_perf.timeline.json_text import no_collection

_VIDEO = KINDS.index(TrackKind.VIDEO)


def cut(survey: Survey) -> Spans:
    """Spans from frame 0 to the end, gaps included (a span without uses).

    Each use begins and ends a span, so that within one neither the layers nor their effects change.
    """
    with no_collection():
        return _swept(survey)


def _swept(survey: Survey) -> Spans:
    uses = survey.uses
    if not isinstance(uses, Uses) or not isinstance(survey.transitions, Transitions):
        raise TypeError("spans are cut from a survey as timeline.survey made it")
    columns = uses.columns
    layers, starts, stops = columns["track"], columns["start"], columns["stop"]
    frames = len(survey.duration)
    # (frame, 0 for an end and 1 for a start, index): at one frame, what ends goes before what starts
    events = [
        event
        for i, (kind, start, stop) in enumerate(zip(columns["kind"], starts, stops, strict=True))
        if kind == _VIDEO and start < stop
        for event in ((start, 1, i), (stop, 0, i))
    ]
    others = survey.transitions.columns
    events += [
        event
        for i, (start, stop) in enumerate(zip(others["start"], others["stop"], strict=True))
        if start < stop
        for event in ((start, 3, i), (stop, 2, i))
    ]
    events.sort()

    span_starts: list[int] = []
    uses_stops: list[int] = []
    transitions_stops: list[int] = []
    members: list[int] = []
    transition_members: list[int] = []
    active: list[tuple[int, int]] = []  # (layer, use), sorted: bottom first
    active_transitions: list[int] = []

    def close(start: int) -> None:
        """Note the span that begins at ``start`` with what is active now."""
        span_starts.append(start)
        members.extend(use for _, use in active)
        transition_members.extend(active_transitions)
        uses_stops.append(len(members))
        transitions_stops.append(len(transition_members))

    at = 0
    for frame, what, index in events:
        if frame > at:
            if frame > 0 and at < frames:
                close(max(at, 0))
            at = frame
        if what == 1:
            insort(active, (layers[index], index))
        elif what == 0:
            del active[bisect_left(active, (layers[index], index))]
        elif what == 3:
            active_transitions.append(index)
        else:
            active_transitions.remove(index)
    if at < frames:
        close(max(at, 0))
    table: dict[str, Column] = dict(zip(SPAN_COLUMNS, (span_starts, uses_stops, transitions_stops), strict=True))
    return Spans(table, members, transition_members, frames, survey.frame_rate)
