"""Plans of frames that can be rendered, in place of those that cannot."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from otio_perf.model.frames import Applied, FramePlan, Layer, Mix, Stacked
from otio_perf.render.generated import slate
from otio_perf.render.keys import files_read


def without_files(plan: FramePlan, unreadable: Collection[str]) -> FramePlan:
    """``plan`` without the effects that read one of these files (a LUT)."""

    def keeps(applied: Applied) -> bool:
        return not set(files_read(applied)) & set(unreadable)

    return replace(plan, root=_stacked(plan.root, keeps))


def slated(plan: FramePlan, title: str, text: str) -> FramePlan:
    """A slate in place of the whole frame."""
    return replace(plan, root=Stacked(layers=(Layer(content=slate(title, text)),)))


def _stacked(stack: Stacked, keeps: Callable[[Applied], bool]) -> Stacked:
    return Stacked(layers=tuple(_layer(layer, keeps) for layer in stack.layers))


def _layer(layer: Layer, keeps: Callable[[Applied], bool]) -> Layer:
    content = layer.content
    match content:
        case Mix():
            sides = [None if side is None else _layer(side, keeps) for side in (content.outgoing, content.incoming)]
            content = replace(content, outgoing=sides[0], incoming=sides[1])
        case Stacked():
            content = _stacked(content, keeps)
    return replace(layer, content=content, effects=tuple(filter(keeps, layer.effects)))
