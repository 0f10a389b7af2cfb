"""What this machine can do, measured once by ``otio-perf calibrate``."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeCost:
    """Milliseconds of wall time a decoded frame takes in playback (all threads busy), as a line:
    ``per_frame + per_megapixel · megapixels + per_megabit · megabits of the frame``."""

    per_frame: float
    per_megapixel: float
    per_megabit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectTime:
    """What rendering ``frames`` frames has taught of an effect. ``unit_ms``: as ``MachineProfile.effect_ms_per_megapixel``."""

    unit_ms: float
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineProfile:
    """Costs of this machine. Keys of ``decode``: codec name, ``:10`` for more than 8 bits, ``:intra`` for keyframes only."""

    machine: str  # identity: processor, cores, FFmpeg version; another machine must calibrate anew
    measured_at: str  # ISO 8601, UTC
    seconds_taken: float
    cores: int
    memory_bytes: int
    decode: dict[str, DecodeCost]
    encode_ms_per_megapixel: dict[str, float]  # key: proxy codec (recipes.CODECS)
    scale_ms_per_megapixel: float  # source megapixels
    composite_ms_per_megapixel: float  # one more layer, canvas megapixels
    effect_ms_per_megapixel: float  # the unit of effects' costs: one exposure, all cores busy; unknown effects take it
    disk_read_bytes_per_second: float
    notes: tuple[str, ...] = ()  # hardware found, or why not
    effects: dict[str, EffectTime] = field(default_factory=dict)  # learnt since it was measured, by name in the registry
