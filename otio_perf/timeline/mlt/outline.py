"""Who is who in a project that is being changed: its services by id, the tracks of a tractor, its times."""

from __future__ import annotations

from fractions import Fraction

from otio_perf.timeline.mlt.project import SERVICES
from otio_perf.timeline.mlt.spans import Span
from otio_perf.timeline.mlt.tree import Times


def by_id(root: Span) -> dict[str, Span]:
    return {name: s for s in root.walk() if s.tag in SERVICES and (name := s.attributes.get("id"))}


def tracks(tractor: Span) -> list[Span]:
    """The lowest first; old projects have them in a group."""
    groups = [tractor, *(child for child in tractor if child.tag == "multitrack")]
    return [child for group in groups for child in group if child.tag == "track"]


def times(root: Span) -> Times:
    profile = next((s.attributes for s in root if s.tag == "profile"), {})
    try:
        return Times(Fraction(int(profile["frame_rate_num"]), int(profile["frame_rate_den"])))
    except (KeyError, ValueError, ZeroDivisionError):
        return Times(Fraction(25))
