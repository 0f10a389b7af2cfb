"""Files that effects read, a LUT say, where they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

from otio_perf.effects.parameters import File
from otio_perf.effects.registry import registry
from otio_perf.model.frames import Applied, Moment, Translate, Translated
from otio_perf.model.uses import EffectUse


def located(translate: Translate, find: Callable[[str], str]) -> Translate:
    """``translate``, with the paths of files as ``find`` answers for what the timeline names."""
    path_of = cache(find)

    def absolute(applied: Applied) -> Applied:
        row = registry().effects.get(applied.name)
        names = {p.name for p in row.parameters if isinstance(p, File)} if row else set()
        if not names:
            return applied
        values = tuple((k, path_of(v) if k in names and v else v) for k, v in applied.values)
        return replace(applied, values=values)

    def translated(use: EffectUse, moment: Moment) -> Translated:
        said = translate(use, moment)
        return replace(said, applied=tuple(map(absolute, said.applied))) if said.applied else said

    return translated
