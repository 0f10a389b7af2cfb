"""A timeline as it is drawn: tracks, spans with what they cost and how far their work is, and what would help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from otio_perf.model.analysis import Remedy, SpanCost
from otio_perf.model.chunks import Chunk
from otio_perf.model.events import Failed, Ready, Skipped
from otio_perf.model.plans import Action
from otio_perf.model.uses import TrackKind
from otio_perf.model.views import ItemView, SpanState, SpanView, SuggestionView, TrackView
from otio_perf.optimizer.rounds import Round
from otio_perf.service.identity import medium_id

#: Of its budget a span needs no more once it is one prerendered layer: what suggestions reckon with, too.
_PRERENDERED_FACTOR = 0.5


@dataclass(frozen=True, slots=True)
class _Place:
    """What a span depends on."""

    cost: SpanCost
    played: float  # factor with all proxies that it gets
    media: tuple[str, ...]
    chunks: tuple[Chunk, ...]
    left: tuple[str, ...]  # why it stays with the host


class Drawing:
    """Of one round; what changes while its tasks are done is asked for with ``running``: frames done, by key of the task."""

    def __init__(self, round: Round) -> None:
        self._round = round
        survey = round.surveyed.survey
        media = round.media_of_products()
        self._works: dict[str, list[str]] = {}  # keys of the tasks that make proxies, by medium
        for task in round.tasks.values():
            for product in getattr(task, "products", ()):
                for medium in media[product.key]:
                    self._works.setdefault(medium, []).append(task.key)
        self._ready = {d.target.medium for d in round.plan.decisions if d.action in (Action.HAVE, Action.ADOPT)}
        if round.prerendering is None:
            played = [c.factor if c.with_proxy_factor is None else c.with_proxy_factor for c in round.analysis.spans]
        else:
            played = [c.factor for c in round.prerendering.played]
        chunks = [] if round.prerendering is None else list(round.prerendering.every_chunk())
        left = () if round.prerendering is None else round.prerendering.predicted.left
        self._timecodes: dict[int, str] = {}
        self._places: list[_Place] = []
        at = 0
        for cost, then in zip(round.analysis.spans, played, strict=True):
            start, stop = cost.span.position.start, cost.span.position.stop
            while at < len(chunks) and chunks[at].stop <= start:
                at += 1
            inside = []
            for chunk in chunks[at:]:
                if chunk.start >= stop:
                    break
                inside.append(chunk)
            self._places.append(
                _Place(
                    cost=cost,
                    played=then,
                    media=tuple(dict.fromkeys(survey.uses[index].target.medium for index in cost.span.uses)),
                    chunks=tuple(inside),
                    left=tuple(one.reason for one in left if one.start < stop and start < one.stop),
                )
            )

    @cached_property
    def tracks(self) -> tuple[TrackView, ...]:
        """Top to bottom, as editors draw them: pictures above sound."""
        survey = self._round.surveyed.survey
        items: dict[tuple[TrackKind, int], list[ItemView]] = {}
        for use in survey.uses:
            items.setdefault((use.track_kind, use.track), []).append(
                ItemView(
                    start=use.position.start,
                    stop=use.position.stop,
                    kind="clip",
                    name=use.clip,
                    medium=medium_id(use.target.medium),
                )
            )
        for transition in survey.transitions:
            position = transition.position
            items.setdefault((TrackKind.VIDEO, transition.track), []).append(
                ItemView(start=position.start, stop=position.stop, kind="transition", name=transition.name, medium=None)
            )
        order = sorted(items, key=lambda at: (at[0] is TrackKind.AUDIO, at[1] if at[0] is TrackKind.AUDIO else -at[1]))
        sounds = [track for kind, track in order if kind is TrackKind.AUDIO]
        return tuple(
            TrackView(
                name=_named(survey.layers, track) or (f"A{sounds.index(track) + 1}" if track in sounds else f"V{track + 1}"),
                kind=kind.value,
                items=tuple(sorted(items[kind, track], key=lambda item: (item.start, item.kind))),
            )
            for kind, track in order
        )

    @cached_property
    def suggestions(self) -> tuple[SuggestionView, ...]:
        """What would help and is not under way."""
        paths = {d.target.path for d in self._round.plan.decisions if d.target.medium in self._ready | self._works.keys()}
        renders = self._round.prerendering is not None
        return tuple(
            SuggestionView(
                text=one.text,
                kind=one.remedy.value,
                saved_ms=one.saved_ms,
                work_seconds=one.work_seconds,
                size_bytes=one.size_bytes,
                action="generate" if one.remedy is Remedy.PROXY else "optimize",
                arguments={"path": one.media_path or ""} if one.remedy is Remedy.PROXY else {"prerender": "auto"},
            )
            for one in self._round.analysis.suggestions
            if not (one.media_path in paths if one.remedy is Remedy.PROXY else renders)
        )

    def spans(self, running: Mapping[str, int]) -> tuple[SpanView, ...]:
        return tuple(self._span(place, running) for place in self._places)

    def smooth_share(self, running: Mapping[str, int]) -> float:
        """Of the frames, as they play now, 0–1."""
        total = sum(len(place.cost.span.position) for place in self._places)
        smooth = sum(len(place.cost.span.position) for place in self._places if self._plays(place, running))
        return smooth / total if total else 1.0

    def _plays(self, place: _Place, running: Mapping[str, int]) -> bool:
        if place.cost.offline:
            return False
        return place.cost.is_smooth or self._plays_by_proxies(place) or self._state(place, running) is SpanState.READY

    def _plays_by_proxies(self, place: _Place) -> bool:
        """By those that are there now, whatever is rendered of it besides: a pin makes nothing worse meanwhile."""
        return place.played <= 1.0 and all(
            medium in self._ready
            or all(isinstance(self._round.outcomes.get(key), (Ready, Skipped)) for key in self._works.get(medium, ("",)))
            for medium in place.media
        )

    def _span(self, place: _Place, running: Mapping[str, int]) -> SpanView:
        position = place.cost.span.position
        state = self._state(place, running)
        now = place.cost.factor
        if state is SpanState.READY:
            now = _PRERENDERED_FACTOR if place.chunks else place.played
        elif not place.cost.offline and self._plays_by_proxies(place):
            now = place.played
        reasons = place.cost.reasons
        if state is SpanState.HOST:
            reasons = (*reasons, *place.left)
        return SpanView(
            start=position.start,
            stop=position.stop,
            start_timecode=self._timecode(position.start),
            stop_timecode=self._timecode(position.stop),
            factor=place.cost.factor,
            factor_now=min(now, place.cost.factor),
            state=state,
            reasons=(*reasons, *self._failures(place)),
            done=self._done(place, running),
        )

    def _timecode(self, frame: int) -> str:
        """Reckoned once: a view of a thousand spans is asked for at each change of one of them."""
        if frame not in self._timecodes:
            self._timecodes[frame] = self._round.surveyed.survey.timecode(frame)
        return self._timecodes[frame]

    def _state(self, place: _Place, running: Mapping[str, int]) -> SpanState:
        if place.cost.offline:
            return SpanState.OFFLINE
        outcomes = self._round.outcomes
        keys = [chunk.key for chunk in place.chunks] or [key for m in place.media for key in self._works.get(m, ())]
        ahead = [key for key in keys if self._is_ahead(key)]
        if any(key in running for key in ahead):
            return SpanState.RENDERING
        if ahead:
            return SpanState.QUEUED
        if any(isinstance(outcomes.get(key), Failed) for key in keys) or self._unjoined(place):
            return SpanState.NEEDS_WORK
        if place.chunks:
            return SpanState.READY
        if place.cost.is_smooth:
            return SpanState.SMOOTH
        if place.played <= 1.0:
            return SpanState.READY if all(m in self._ready or self._works.get(m) for m in place.media) else SpanState.NEEDS_WORK
        return SpanState.HOST if place.left else SpanState.NEEDS_WORK

    def _is_ahead(self, key: str) -> bool:
        """Has the task not ended? That it runs may be told after its end."""
        return key in self._round.tasks and key not in self._round.outcomes

    def _failures(self, place: _Place) -> tuple[str, ...]:
        keys = [chunk.key for chunk in place.chunks] + [key for m in place.media for key in self._works.get(m, ())]
        found = (self._round.outcomes.get(key) for key in keys)
        return tuple(dict.fromkeys([*(one.message for one in found if isinstance(one, Failed)), *self._unjoined(place)]))

    def _unjoined(self, place: _Place) -> tuple[str, ...]:
        """Why no file came of what was rendered."""
        position = place.cost.span.position
        return tuple(one.reason for one in self._round.unjoined if one.start < position.stop and position.start < one.stop)

    def _done(self, place: _Place, running: Mapping[str, int]) -> int:
        """Frames of the span that are rendered."""
        total = 0
        for chunk in place.chunks:
            inside = min(chunk.stop, place.cost.span.position.stop) - max(chunk.start, place.cost.span.position.start)
            if chunk.key in running and self._is_ahead(chunk.key):
                total += min(inside, running[chunk.key])
            elif chunk.key not in self._round.missing or not isinstance(
                self._round.outcomes.get(chunk.key), (Failed, type(None))
            ):
                total += inside
        return total


def _named(layers: Sequence[str], track: int) -> str:
    return layers[track] if track < len(layers) else ""
