"""GPUs as tasks name them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuDevice:
    """One GPU. ``arch``: how it is spoken to, in Taichi's words (``cuda``, ``metal``, ``vulkan``). ``environment``: what a
    process must be told before it starts the GPU, or it takes another one. ``name``: the maker's."""

    arch: str
    name: str
    environment: dict[str, str] = field(default_factory=dict)
