"""What the machine does at a moment, as far as the background has to know."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """``None``: this machine cannot say."""

    cores: int  # that this process may use
    own_cores: float  # that this process and its children keep busy
    other_cores: float  # that other programs kept busy, at the worst of the last seconds
    memory_bytes: int  # of the machine, or of the container where that has less
    available_memory_bytes: int
    own_memory_bytes: int  # resident, of this process and its children
    free_disk_bytes: int | None
    battery_percent: float | None = None  # None: no battery
    is_on_battery: bool = False
