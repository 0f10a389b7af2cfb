"""How much the background may work right now. Pure: readings, what the user does and settings in, a posture out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from otio_perf.model.readings import Readings
from otio_perf.model.views import Activity

#: Who edits shall not feel that something works: so long after a touch, nothing does.
QUIET_SECONDS = 2.0

#: Memory that is left to the system and to others: below the first share nothing more is started beside the one task that
#: goes on, below the second, or so many bytes, it sleeps, before the system has to choose whom it kills.
_SCARCE_MEMORY_SHARE, _LAST_MEMORY_SHARE, _LAST_MEMORY_BYTES = 0.10, 0.04, 300 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Posture:
    """:param niceness: of the workers, 0 (as any program) to 19 (only what nobody else wants), POSIX scale"""

    slots: int  # tasks that may be awake
    niceness: int = 0
    suspended: bool = False  # nothing may run: whatever ``slots`` says
    reason: str = ""  # why not more: "the user plays"; "" where nothing holds it back


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How the background behaves towards others."""

    niceness: int
    asleep_above: float  # share of the machine that other programs keep busy; above 1: never for that
    battery_percent: float  # below it nothing runs on battery


#: Setting ``background_priority``. With ``normal`` and ``high`` busy programs are left their share by niceness and by fewer
#: tasks: a machine that is never idle gets its proxies all the same.
MANNERS: dict[str, Manners] = {
    "low": Manners(niceness=19, asleep_above=0.5, battery_percent=100.0),
    "normal": Manners(niceness=10, asleep_above=2.0, battery_percent=30.0),
    "high": Manners(niceness=5, asleep_above=2.0, battery_percent=10.0),
}

#: Below this share of the machine other programs are not made room for by fewer tasks.
_LITTLE_SHARE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limit:
    slots: int  # 0: nothing runs
    reason: str


def posture(
    readings: Readings,
    activity: Activity,
    *,
    jobs: int,
    background_priority: str = "normal",
    quiet_seconds: float = QUIET_SECONDS,
    disk_reserve_bytes: int = 0,
) -> Posture:
    """The posture that all of them allow; its reason is the narrowest one's.

    :param jobs: tasks at once on a machine that has nothing else to do
    :param background_priority: a key of ``MANNERS``
    :param quiet_seconds: since the user last touched something, as far as known
    :param disk_reserve_bytes: that stay free where the workspace is
    """
    manners = MANNERS[background_priority]
    limits = _limits(readings, activity, manners, jobs, quiet_seconds, disk_reserve_bytes)
    narrowest = min(limits, key=lambda limit: limit.slots, default=_Limit(slots=jobs, reason=""))
    return Posture(
        slots=min(jobs, narrowest.slots),
        niceness=manners.niceness,
        suspended=narrowest.slots == 0,
        reason=narrowest.reason,
    )


def _limits(
    readings: Readings, activity: Activity, manners: Manners, jobs: int, quiet_seconds: float, disk_reserve_bytes: int
) -> Iterator[_Limit]:
    if activity is Activity.PLAYING:
        yield _Limit(slots=0, reason="the user plays")
    if activity is Activity.EXPORTING:
        yield _Limit(slots=0, reason="the user exports")
    if activity is Activity.EDITING and quiet_seconds < QUIET_SECONDS:
        yield _Limit(slots=0, reason="the user edits")
    free = readings.free_disk_bytes
    if free is not None and free < disk_reserve_bytes:
        yield _Limit(
            slots=0, reason=f"{free / 1e9:.1f} GB are free on the workspace's disk, {disk_reserve_bytes / 1e9:.1f} stay free"
        )
    memory = readings.available_memory_bytes
    if memory < max(_LAST_MEMORY_BYTES, _LAST_MEMORY_SHARE * readings.memory_bytes):
        yield _Limit(slots=0, reason=f"{memory / 1e6:.0f} MB of memory are left")
    elif memory < _SCARCE_MEMORY_SHARE * readings.memory_bytes and jobs > 1:
        yield _Limit(slots=1, reason=f"{memory / 1e9:.1f} GB of memory are left")
    if readings.is_on_battery and readings.battery_percent is not None:
        if readings.battery_percent < manners.battery_percent:
            yield _Limit(slots=0, reason=f"battery at {readings.battery_percent:.0f} %")
        elif jobs > 1 and manners.battery_percent > MANNERS["high"].battery_percent:
            yield _Limit(slots=1, reason=f"on battery, at {readings.battery_percent:.0f} %")
    others = _others(readings)
    if others > manners.asleep_above:
        yield _Limit(slots=0, reason=_busy(others))
    elif (share := max(1, round(jobs * (1 - others)))) < jobs and others >= _LITTLE_SHARE:
        yield _Limit(slots=share, reason=_busy(others))


def _others(readings: Readings) -> float:
    """Share of the machine that other programs keep busy."""
    return min(1.0, readings.other_cores / max(1, readings.cores))


def _busy(share: float) -> str:
    return f"other programs use {share:.0%} of the processors"
