"""Frames of a timeline as pictures: stills and contact sheets."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from otio_perf import settings
from otio_perf.effects.engine import Engine
from otio_perf.errors import DiskFullError, EffectError, OtioPerfError, SettingsError
from otio_perf.media.stills import refuse_other, require_format, write_still
from otio_perf.metrics import system
from otio_perf.model.composition import Composition
from otio_perf.model.events import Stage
from otio_perf.model.frames import FIDELITIES, FramePlan, with_reasons
from otio_perf.model.recipes import CANVAS, PrerenderRecipe
from otio_perf.model.results import RenderedFrame, StillReport
from otio_perf.optimizer import records, timelines
from otio_perf.optimizer.composed import Composed, composed
from otio_perf.optimizer.named_files import finder
from otio_perf.optimizer.overwriting import refuse_media
from otio_perf.optimizer.session import Session
from otio_perf.optimizer.standing_in import stand_ins
from otio_perf.optimizer.times import frame_number
from otio_perf.render.compositor import Compositor
from otio_perf.render.engines import PROCESSOR, engine_for, gave_up
from otio_perf.render.measured import MeasuredSources, Stopwatch, measured
from otio_perf.render.sheet import Pixels, contact_sheet, eight_bits
from otio_perf.timeline.composition import compose
from otio_perf.timeline.referred import targets_of


def frame(
    session: Session,
    timeline: Path,
    times: Sequence[str | int],
    output: Path,
    *,
    size: str = CANVAS,
    fidelity: str,
    use_proxies: str | None = None,
) -> StillReport:
    """Render the frames at ``times`` into ``output``; several become a contact sheet, in which no picture is wide.

    :param size: as of ``PrerenderRecipe``.
    :param use_proxies: size of the timeline's proxies that are shown in the place of originals.
    :raises SettingsError: an unknown size, a time that is none or lies outside, a picture format that is not written, a picture
        that the timeline uses or that we did not make, no proxies of that size.
    :raises EffectError: an effect that ``fidelity`` does not allow; it is named.
    """
    require_format(output)
    if fidelity not in FIDELITIES:
        raise SettingsError(f"{fidelity!r} is not one of {', '.join(FIDELITIES)}")
    try:
        recipe = PrerenderRecipe(size=size)
    except ValueError as e:
        raise SettingsError(str(e)) from e
    with session.stage(Stage.READ):
        document = timelines.read(session, timeline)
        where = timelines.locator(session.settings, timeline)
        refuse_media([output], targets_of(document, where))
        refuse_other(output)
        composition = compose(document, where)
    timelines.tell_problems(session, composition.problems)
    numbers = [frame_number(text, composition) for text in times]
    found = session.look_up(shot.target for shot in composition.shots())
    linked, _ = records.earlier(session, document, where, found) if use_proxies else ({}, found)
    instead = stand_ins(session, linked, found, use_proxies)
    shown = composed(composition, found, finder(document, where), colour=session.settings.colour, stand_ins=instead)
    engine, why = engine_for(session.settings.gpu, cache_folder=str(settings.kernels_folder()))
    scale = float(recipe.scale_for(*shown.canvas))
    plans = {number: shown.plan(number) for number in numbers}
    for number, plan in plans.items():
        _require(plan, fidelity, composition, number)
    with session.stage(Stage.RENDER, len(numbers)):
        try:
            drawn = _drawn(session, shown, plans, scale, engine)
        except OtioPerfError:
            raise
        except Exception as error:
            if engine.name == PROCESSOR:
                raise
            why = gave_up(error, session.settings.gpu)
            drawn = _drawn(session, shown, plans, scale, engine_for("off")[0])
    pictures = [drawn[number] for number in numbers]
    rendered = [_rendered(plans[number], composition, number) for number in numbers]
    pixels = pictures[0] if len(pictures) == 1 else contact_sheet(pictures, [r.timecode for r in rendered])
    with session.stage(Stage.WRITE):
        try:
            write_still(output, pixels)
        except DiskFullError as e:  # it is not the workspace's disk
            raise DiskFullError(e.message, path=e.path, hint="Make room there, or write to another disk with -o") from e
    return StillReport(
        path=str(output),
        width=pixels.shape[1],
        height=pixels.shape[0],
        colour=shown.colour,
        engine=why,
        frames=tuple(rendered),
        notices=tuple(session.notices),
    )


def _drawn(
    session: Session, shown: Composed, plans: Mapping[int, FramePlan], scale: float, engine: Engine
) -> dict[int, Pixels]:
    """Pictures of ``plans``, each of which is rendered once; the trace hears where the time went."""
    watch, began, rate = Stopwatch(), time.monotonic(), shown.composition.frame_rate
    with MeasuredSources(watch, shown.media, rate, cores=system.cores(), tick=session.check_stop) as sources:
        compositor = Compositor(measured(engine, watch), sources, scale=scale)
        drawn = {number: eight_bits(compositor.picture(plan), plan.colour) for number, plan in plans.items()}
    session.trace.breakdown(watch.timings(), began=began, lane="render")
    return drawn


def _require(plan: FramePlan, fidelity: str, composition: Composition, number: int) -> None:
    barred = [*(plan.unknown if fidelity != "any" else ()), *(plan.approximate if fidelity == "exact" else ())]
    if barred:
        names = with_reasons(dict.fromkeys(barred), dict(plan.why))
        wider = "any" if plan.unknown else "approximate"
        raise EffectError(
            f"frame {composition.timecode(number)} has what is not rendered exactly: {names}",
            hint=f"Take --fidelity {wider}, or let the editing program render it",
        )


def _rendered(plan: FramePlan, composition: Composition, number: int) -> RenderedFrame:
    return RenderedFrame(
        frame=number,
        timecode=composition.timecode(number),
        approximate=plan.approximate,
        unknown=plan.unknown,
        missing=plan.missing,
        unusable=plan.unusable,
        why=plan.why,
    )
