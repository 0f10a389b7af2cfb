"""What would help: proxies and prerenders, ranked by playback time saved per second of work. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from otio_perf.model.analysis import Analysis, LinkedProxy, MediaFinding, Remedy, SpanCost, Suggestion
from otio_perf.model.machine import MachineProfile
from otio_perf.model.media import MediaInfo, MediaKind
from otio_perf.model.recipes import ProxyRecipe
from otio_perf.model.spans import Span
from otio_perf.model.timing import FrameRange
from otio_perf.model.uses import Survey
from otio_perf.planning import cost, explain, proxies
from otio_perf.planning.policy import choose_rung

#: The longest list of suggestions; what is left out helps least.
_MOST = 20
#: A proxy that saves less than this of the decode time of its source is not worth suggesting.
_LEAST_SAVING = 0.25
#: Parts of a span's cost that proxies make smaller; the rest (effects, layers, transitions) wants a prerender.
_PROXIES_HELP = ("decode ", "scaling", "waiting")
#: Prerendered video plays like an all-intra proxy of the canvas: this encoder bounds the work (with the span's own cost).
_PRERENDER = ProxyRecipe(rung="1080p")


def analyze(
    survey: Survey,
    costs: Sequence[SpanCost],
    *,
    machine: MachineProfile,
    findings: Sequence[MediaFinding],
    recipes: Sequence[ProxyRecipe] = (),
    effect_costs: cost.EffectCosts = cost.by_words,
    linked: Sequence[LinkedProxy] = (),
    known: cost.CostMemory | None = None,
) -> Analysis:
    """The whole analysis: ``costs`` with what proxies would make of them, and the suggestions.

    :param costs: from ``cost.predict``.
    :param findings: one for each of the survey's targets.
    :param recipes: rungs that the user asked for, of which the largest is suggested; empty: chosen for timeline and machine.
    :param linked: proxies that the timeline shows: their media need no other.
    :param known: as for ``cost.predict``
    """
    media = {target.medium: finding.info for target, finding in zip(survey.targets, findings, strict=True)}
    if recipes:
        recipe = max(recipes, key=lambda r: r.size_for(3840, 2160)[0])
    else:
        recipe = ProxyRecipe(rung=choose_rung([survey], machine)[0])
    played = {
        one.medium: proxies.proxied(info, one.recipe, survey.frame_rate)
        for one in linked
        if (info := media.get(one.medium)) is not None
    }
    candidates = {
        path: stand_in
        for path, info in media.items()
        if path not in played and (stand_in := _stand_in(info, recipe, survey, machine))
    }
    spans = [c.span for c in costs]
    stand_ins = {**media, **candidates, **played}
    after = cost.predict(survey, spans, stand_ins, machine, effect_costs, known) if candidates or played else tuple(costs)
    now = cost.predict(survey, spans, {**media, **played}, machine, effect_costs, known) if played else ()
    gains = _gains(survey, costs, media, candidates, machine)
    suggestions = [*_proxies(survey, gains, media, recipe, machine), *_prerenders(survey, after, media, machine)]
    suggestions.sort(key=lambda s: (-s.gain_per_second, s.text))
    return Analysis(
        survey=survey,
        machine=machine,
        media=tuple(findings),
        spans=tuple(
            replace(
                before,
                with_proxy_factor=then.factor if then.factor < before.factor * 0.99 else before.with_proxy_factor,
                linked_factor=now[index].factor if played else None,
            )
            for index, (before, then) in enumerate(zip(costs, after, strict=True))
        ),
        suggestions=tuple(suggestions[:_MOST]),
        linked=tuple(linked),
    )


def factor_with(
    survey: Survey,
    spans: Sequence[Span],
    media: Mapping[str, MediaInfo | None],
    recipe: ProxyRecipe,
    machine: MachineProfile,
    effect_costs: cost.EffectCosts = cost.by_words,
) -> float:
    """The factor that 95 % of the timeline's frames stay below when every medium has a proxy by ``recipe``."""
    stand_ins = {path: _stand_in(info, recipe, survey, machine) or info for path, info in media.items()}
    costs = sorted(cost.predict(survey, spans, stand_ins, machine, effect_costs), key=lambda c: c.factor)
    left = 0.95 * sum(len(c.span.position) for c in costs)
    for costed in costs:
        left -= len(costed.span.position)
        if left <= 0:
            return costed.factor
    return 0.0


def _stand_in(info: MediaInfo | None, recipe: ProxyRecipe, survey: Survey, machine: MachineProfile) -> MediaInfo | None:
    """``info`` with a proxy in its place, if that helps."""
    if info is None or info.picture is None or info.kind is MediaKind.STILL:
        return None
    then = proxies.proxied(info, recipe, survey.frame_rate)
    assert then.picture is not None
    saving = 1 - cost.decode_ms(then.picture, machine) / cost.decode_ms(info.picture, machine)
    return then if saving >= _LEAST_SAVING else None


@dataclass(slots=True)
class _Gain:
    """What a proxy of one medium would save."""

    spans: list[int] = field(default_factory=list)
    frames: int = 0
    saved_ms: float = 0.0


def _gains(
    survey: Survey,
    costs: Sequence[SpanCost],
    media: Mapping[str, MediaInfo | None],
    candidates: Mapping[str, MediaInfo],
    machine: MachineProfile,
) -> dict[str, _Gain]:
    """By ``Target.medium``, over the spans that are not smooth."""
    now, then = cost.Layers(survey, media, machine), cost.Layers(survey, {**media, **candidates}, machine)
    gains: dict[str, _Gain] = {}
    for index, costed in enumerate(costs):
        if costed.is_smooth:
            continue
        frames = len(costed.span.position)
        for use in costed.span.uses:
            layer = now[use]
            if layer.medium not in candidates:
                continue
            other = then[use]
            gain = gains.setdefault(layer.medium, _Gain())
            saved = layer.decode_ms + layer.scale_ms - other.decode_ms - other.scale_ms
            if not gain.spans or gain.spans[-1] != index:
                gain.spans.append(index)
                gain.frames += frames
            gain.saved_ms += saved * frames
    return gains


def _proxies(
    survey: Survey,
    gains: Mapping[str, _Gain],
    media: Mapping[str, MediaInfo | None],
    recipe: ProxyRecipe,
    machine: MachineProfile,
) -> list[Suggestion]:
    found = []
    for medium, gain in gains.items():
        info = media[medium]
        assert info is not None and info.picture is not None
        if gain.saved_ms <= 0:
            continue
        video = info.picture
        width, height = proxies.size_of(video, recipe)
        rate = survey.frame_rate if video.is_vfr else video.frame_rate
        whole = FrameRange(0, max(1, proxies.frame_count(video, rate)), rate)
        found.append(
            Suggestion(
                remedy=Remedy.PROXY,
                text=f"{recipe.rung} proxy of {explain.file_name(info.path)}",
                media_path=info.path,
                rung=recipe.rung,
                spans=tuple(gain.spans),
                work_seconds=proxies.work_seconds(info, [(recipe, width, height)], [whole], machine),
                size_bytes=proxies.size_bytes(info, recipe, width, height, whole),
                saved_ms=gain.saved_ms / max(1, gain.frames),
                saved_seconds=gain.saved_ms / 1e3,
            )
        )
    return found


def _prerenders(
    survey: Survey, after: Sequence[SpanCost], media: Mapping[str, MediaInfo | None], machine: MachineProfile
) -> list[Suggestion]:
    """Runs of spans that stutter even with proxies, because of effects, layers or transitions: one suggestion a run."""
    width, height = cost.Layers(survey, media, machine).canvas
    encode_ms = machine.encode_ms_per_megapixel.get(_PRERENDER.codec.value, 0.0) * width * height / 1e6
    found: list[Suggestion] = []
    run: list[int] = []
    for index in range(len(after) + 1):
        is_slow = index < len(after) and not after[index].is_smooth and _is_renderable(after[index])
        if is_slow and (not run or after[index].span.position.start == after[index - 1].span.position.stop):
            run.append(index)
            continue
        if run:
            found.append(_prerender(survey, [after[i] for i in run], tuple(run), encode_ms, (width, height)))
        run = [index] if is_slow else []
    return found


def _is_renderable(costed: SpanCost) -> bool:
    return any(not name.startswith(_PROXIES_HELP) for name, _ in costed.parts_ms)


def _prerender(
    survey: Survey, costs: Sequence[SpanCost], indices: tuple[int, ...], encode_ms: float, canvas: tuple[int, int]
) -> Suggestion:
    frames = sum(len(c.span.position) for c in costs)
    total_ms = sum(c.frame_ms * len(c.span.position) for c in costs)
    budget_ms = 1e3 / float(survey.frame_rate)
    parts = (name for c in costs for name, _ in c.parts_ms if not name.startswith(_PROXIES_HELP))
    names = dict.fromkeys("layers" if name.endswith(" layers") else name for name in parts)
    start = survey.timecode(costs[0].span.position.start)
    stop = survey.timecode(costs[-1].span.position.stop)
    saved = max(0.0, total_ms - 0.5 * budget_ms * frames)  # what is prerendered plays at half its budget or better
    return Suggestion(
        remedy=Remedy.PRERENDER,
        text=f"prerender {start} – {stop}: {', '.join(names)}",
        media_path=None,
        rung=None,
        spans=indices,
        work_seconds=(total_ms + encode_ms * frames) / 1e3,
        size_bytes=round(frames * _PRERENDER.bits_per_frame(*canvas) / 8),
        saved_ms=saved / max(1, frames),
        saved_seconds=saved / 1e3,
    )
