"""What is to be done, and why. A plan is made by a pure function (``planning.planner``); running it is another step."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from otio_perf.model.media import MediaInfo
from otio_perf.model.recipes import ProxyRecipe
from otio_perf.model.timing import FrameRange
from otio_perf.model.uses import Target


class Action(StrEnum):
    MAKE = "make"  # a proxy has to be encoded
    HAVE = "have"  # a valid proxy is there already
    ADOPT = "adopt"  # a camera-made or foreign proxy passes the contract
    SKIP = "skip"  # none needed
    REFUSE = "refuse"  # none possible
    OFFLINE = "offline"  # the medium is not there


#: How the keys of proxies begin that a camera or another program made.
ADOPTED = "adopted:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One proxy file of one rung: the whole medium, or one used range of it.

    ``source_range`` counts frames of the source file (0 = first) at its constant rate. ``key`` identifies what the bytes
    are: source fingerprint × recipe × range × constant rate; nothing positional (``planning.planner`` makes it).
    """

    key: str
    source_path: str
    source_fingerprint: str
    recipe: ProxyRecipe
    path: str  # where it is, or will be
    source_range: FrameRange
    width: int
    height: int
    size_bytes: int = 0  # 0 until made
    digest: str = ""  # of the file's bytes; "" until made

    @property
    def is_adopted(self) -> bool:
        """Made elsewhere: nobody here deletes its file, and ``digest`` is its fingerprint."""
        return self.key.startswith(ADOPTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What happens to one medium. ``reason`` is a clause for people."""

    target: Target
    action: Action
    reason: str
    media: MediaInfo | None = None
    products: tuple[Product, ...] = ()
    predicted_seconds: float = 0.0
    predicted_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    decisions: tuple[Decision, ...]

    @property
    def predicted_seconds(self) -> float:
        return sum(d.predicted_seconds for d in self.decisions)

    @property
    def predicted_bytes(self) -> int:
        return sum(d.predicted_bytes for d in self.decisions)

    def with_action(self, action: Action) -> tuple[Decision, ...]:
        return tuple(d for d in self.decisions if d.action is action)
