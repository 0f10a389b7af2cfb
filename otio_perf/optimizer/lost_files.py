"""Files that effects name, LUTs say, and that are not there: told before anything is rendered."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from otio_perf.errors import EffectError
from otio_perf.model.uses import EffectUse, Use
from otio_perf.optimizer import timelines
from otio_perf.optimizer.effect_costs import middle
from otio_perf.optimizer.named_files import finder
from otio_perf.optimizer.session import Session
from otio_perf.optimizer.timelines import Surveyed

#: Clips that stand for more.
_MOST_CLIPS = 5


def tell_lost(session: Session, surveyed: Surveyed) -> None:
    """A note for each file that is not there, with the clips whose effects name it. The timeline is read for it only where
    effects name files."""
    named: dict[str, dict[str, None]] = {}
    known: dict[EffectUse, tuple[str, ...]] = {}
    canvas = surveyed.survey.canvas or (1920, 1080)
    for use in surveyed.survey.uses:
        for effect in use.effects:
            if effect not in known:
                known[effect] = _files_of(effect, use, canvas)
            for name in known[effect]:
                named.setdefault(name, {})[use.clip] = None
    if not named:
        return
    find = cache(finder(timelines.read(session, surveyed.path), surveyed.locator))
    for name, clips in named.items():
        if Path(find(name)).is_file():
            continue
        several = ", ".join(repr(clip) for clip in list(clips)[:_MOST_CLIPS]) + (" …" if len(clips) > _MOST_CLIPS else "")
        noun = "clip" if len(clips) == 1 else "clips"
        session.note(f"{noun} {several}: {name}, which an effect reads, is not there; --media-root says where to look for it")


def _files_of(effect: EffectUse, use: Use, canvas: tuple[int, int]) -> tuple[str, ...]:
    """What the effect names, as the timeline spells it."""
    from otio_perf.effects.registry import registry
    from otio_perf.effects.translate.dialects import translated
    from otio_perf.render.keys import files_read

    try:
        registry()
    except EffectError:  # an installed package breaks it: whatever renders names the package
        return ()
    said = translated(effect, middle(use), canvas, use.position.rate)
    return tuple(name for applied in said.applied for name in files_read(applied) if name)
