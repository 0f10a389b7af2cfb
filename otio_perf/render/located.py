"""Files that effects read, a LUT say, where they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from otio_perf.model.frames import Applied, Moment, Translate, Translated
from otio_perf.model.uses import EffectUse
from otio_perf.render.keys import file_parameters


def located(translate: Translate, find: Callable[[str], str]) -> Translate:
    """``translate``, with the paths of files as ``find`` answers for what the timeline names."""

    def absolute(applied: Applied) -> Applied:
        names = file_parameters(applied)
        if not names:
            return applied
        values = tuple((k, find(v) if k in names and v else v) for k, v in applied.values)
        return replace(applied, values=values)

    def translated(use: EffectUse, moment: Moment) -> Translated:
        said = translate(use, moment)
        return replace(said, applied=tuple(map(absolute, said.applied))) if said.applied else said

    return translated
