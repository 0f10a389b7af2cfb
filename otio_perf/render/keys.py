"""What a frame *is*, in one word: equal for equal pictures, wherever they stand, in every edit and on every machine.

All that shapes the pixels is in a key, and nothing else: not where the frame lies, not where its media lie (they are known by
their fingerprints), not which of the host's effects are left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from otio_perf.effects.parameters import File
from otio_perf.effects.registry import registry
from otio_perf.model.frames import Applied, FramePlan, Layer, Mix, Stacked
from otio_perf.model.wire import to_json

#: Raise it when the compositor itself makes other pixels of the same plan.
_COMPOSITOR_VERSION = 6


def frame_key(plan: FramePlan, *, engine: str, output: str, digests: Mapping[str, str] | None = None) -> str:
    """32 hexadecimal digits.

    :param engine: name of the engine that renders: pictures of two engines are alike, not equal.
    :param output: the format of the pixels, one spelling for each: ``"rgba32f 1920x1080"``.
    :param digests: of the files that the plan's effects read (``files_of``), by path.
    :raises KeyError: a file without a digest. :raises EffectError: a blend mode that is not there.
    """
    body = {
        "compositor": _COMPOSITOR_VERSION,
        "engine": engine,
        "output": output,
        "width": plan.width,
        "height": plan.height,
        "colour": plan.colour,
        "blends": {layer.blend: registry().blend(layer.blend).version for layer in _layers(plan.root)},
        "root": _canonical(to_json(plan.root), {path: (digests or {})[path] for path in files_of(plan)}),
    }
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def files_of(plan: FramePlan) -> tuple[str, ...]:
    """Paths of the files that the effects of ``plan`` read, LUTs say, each once."""
    return tuple(
        dict.fromkeys(path for layer in _layers(plan.root) for applied in layer.effects for path in files_read(applied))
    )


def files_read(applied: Applied) -> tuple[str, ...]:
    """Paths of the files that one effect reads."""
    names = file_parameters(applied)
    return tuple(str(value) for name, value in applied.values if name in names)


def file_parameters(applied: Applied) -> set[str]:
    """Names of the parameters of an effect that are paths of files."""
    row = registry().effects.get(applied.name)
    return {p.name for p in row.parameters if isinstance(p, File)} if row else set()


def _layers(stack: Stacked) -> Iterator[Layer]:
    """Also those that are in others."""
    waiting: list[Layer] = list(stack.layers)
    while waiting:
        layer = waiting.pop()
        yield layer
        if isinstance(layer.content, Mix):
            waiting += [side for side in (layer.content.outgoing, layer.content.incoming) if side is not None]
        elif isinstance(layer.content, Stacked):
            waiting += layer.content.layers


def _canonical(value: Any, digests: Mapping[str, str]) -> Any:
    """Media by their fingerprints alone, files by their digests."""
    if isinstance(value, dict):
        kept = {k: _canonical(v, digests) for k, v in value.items()}
        if value.get("type") == "SourceFrame":
            del kept["medium"]
        return kept
    if isinstance(value, list):
        return [_canonical(v, digests) for v in value]
    return digests.get(value, value) if isinstance(value, str) else value
