"""OpenTimelineIO's JSON, as it writes it: every field of every object, so that no other reader has to look at it again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otio_perf.timeline.references import Json

DEFAULT = "DEFAULT_MEDIA"


class Speller:
    """Objects of a timeline whose times are frames at ``rate``, a float as OpenTimelineIO has it."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def time(self, frames: float) -> Json:
        return {"OTIO_SCHEMA": "RationalTime.1", "rate": self.rate, "value": float(frames)}

    def span(self, start: float, frames: float) -> Json:
        return {"OTIO_SCHEMA": "TimeRange.1", "duration": self.time(frames), "start_time": self.time(start)}

    def timeline(self, name: str, stack: Json, metadata: Json) -> Json:
        return {
            "OTIO_SCHEMA": "Timeline.1",
            "metadata": metadata,
            "name": name,
            "global_start_time": None,
            "tracks": stack,
        }

    def stack(self, name: str, children: Sequence[Json], **item: Any) -> Json:
        return {"OTIO_SCHEMA": "Stack.1", **_item(name, **item), "children": list(children)}

    def track(self, name: str, kind: str, children: Sequence[Json], **item: Any) -> Json:
        return {"OTIO_SCHEMA": "Track.1", **_item(name, **item), "children": list(children), "kind": kind}

    def gap(self, frames: float) -> Json:
        return {"OTIO_SCHEMA": "Gap.1", **_item("", source_range=self.span(0, frames))}

    def clip(self, name: str, references: dict[str, Json], active: str, **item: Any) -> Json:
        """:param references: by key; the original's is ``DEFAULT``"""
        return {
            "OTIO_SCHEMA": "Clip.2",
            **_item(name, **item),
            "media_references": references,
            "active_media_reference_key": active,
        }

    def transition(self, name: str, kind: str, before: float, after: float, metadata: Json) -> Json:
        return {
            "OTIO_SCHEMA": "Transition.1",
            "metadata": metadata,
            "name": name,
            "in_offset": self.time(before),
            "out_offset": self.time(after),
            "transition_type": kind,
        }

    def marker(self, name: str, start: float, frames: float, colour: str, metadata: Json) -> Json:
        return {
            "OTIO_SCHEMA": "Marker.2",
            "metadata": metadata,
            "name": name,
            "color": colour,
            "marked_range": self.span(start, frames),
            "comment": "",
        }

    def effect(self, name: str, effect_name: str, metadata: Json, *, enabled: bool = True) -> Json:
        return {"OTIO_SCHEMA": "Effect.1", "metadata": metadata, "name": name, "effect_name": effect_name, "enabled": enabled}

    def speed(self, factor: float) -> Json:
        return {
            "OTIO_SCHEMA": "LinearTimeWarp.1",
            "metadata": {},
            "name": "",
            "effect_name": "LinearTimeWarp",
            "enabled": True,
            "time_scalar": float(factor),
        }

    def external(self, url: str, frames: float | None, metadata: Json) -> Json:
        return {"OTIO_SCHEMA": "ExternalReference.1", **self._medium("", frames, metadata), "target_url": url}

    def missing(self, name: str, frames: float | None, metadata: Json) -> Json:
        return {"OTIO_SCHEMA": "MissingReference.1", **self._medium(name, frames, metadata)}

    def generator(self, kind: str, frames: float | None, parameters: Json, metadata: Json) -> Json:
        medium = self._medium(kind, frames, metadata)
        return {"OTIO_SCHEMA": "GeneratorReference.1", **medium, "generator_kind": kind, "parameters": parameters}

    def _medium(self, name: str, frames: float | None, metadata: Json) -> Json:
        available = None if frames is None else self.span(0, frames)
        return {"metadata": metadata, "name": name, "available_range": available, "available_image_bounds": None}


def _item(
    name: str,
    *,
    source_range: Json | None = None,
    effects: Sequence[Json] = (),
    markers: Sequence[Json] = (),
    enabled: bool = True,
    metadata: Json | None = None,
) -> Json:
    return {
        "metadata": metadata or {},
        "name": name,
        "source_range": source_range,
        "effects": list(effects),
        "markers": list(markers),
        "enabled": enabled,
        "color": None,
    }
