"""How much the background may work right now. Pure: readings, what the user does and settings in, a posture out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Posture:
    """:param niceness: of the workers, 0 (as any program) to 19 (only what nobody else wants), POSIX scale"""

    slots: int  # tasks that may be awake
    niceness: int = 0
    suspended: bool = False  # nothing may run: whatever ``slots`` says
    reason: str = ""  # why not more: "the user plays"; "" where nothing holds it back
