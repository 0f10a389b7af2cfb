"""How much is tried where chance chooses what."""

from __future__ import annotations

import os


def examples(count: int) -> int:
    """``count``, of which a quarter does where a change is judged: every run tries the same ones there."""
    return max(10, count // 4) if "CI" in os.environ else count
