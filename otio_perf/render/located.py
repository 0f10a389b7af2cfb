"""Files that effects read, a LUT say, beside the timeline that names them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from otio_perf.effects.parameters import File
from otio_perf.effects.registry import registry
from otio_perf.model.frames import Applied, Moment, Translate, Translated
from otio_perf.model.uses import EffectUse


def located(translate: Translate, folder: Path) -> Translate:
    """``translate``, its relative paths taken from ``folder``: never from where the program happens to be started."""

    def absolute(applied: Applied) -> Applied:
        row = registry().effects.get(applied.name)
        names = {p.name for p in row.parameters if isinstance(p, File)} if row else set()
        if not names:
            return applied
        values = tuple((k, str(folder / v) if k in names and v else v) for k, v in applied.values)
        return replace(applied, values=values)

    def translated(use: EffectUse, moment: Moment) -> Translated:
        said = translate(use, moment)
        return replace(said, applied=tuple(map(absolute, said.applied))) if said.applied else said

    return translated
