"""What a timeline sounds like.

The tree is that of ``model.composition``, counted in samples of the output instead of frames: a cut at frame ``f`` lies on
sample ``round(f / frame_rate * sample_rate)``, reckoned exactly. For mixing it is laid flat (``SoundPlan``), because all that
can happen to sound here (level, balance, fades, retimes) is linear: it may be done to each voice before they are added.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from otio_perf.model.composition import Composition
from otio_perf.model.frames import Fidelity, Moment
from otio_perf.model.timing import FrameRate
from otio_perf.model.uses import EffectUse, Problem


class Pitch(StrEnum):
    """What becomes of the pitch of sound that is played faster or slower."""

    FOLLOW = "follow"  # as a tape does: twice as fast is an octave higher
    KEEP = "keep"  # time is stretched


class Curve(StrEnum):
    """How a fade runs."""

    LINEAR = "linear"  # amplitudes add up to 1 ("0 dB"): right for two parts of one recording
    EQUAL_POWER = "equal power"  # powers add up to 1 ("+3 dB"): right for two that have nothing in common


@dataclass(frozen=True, slots=True, kw_only=True)
class Soundtrack:
    """The audio of a timeline whose pictures run at ``frame_rate``. ``tree.frame_rate`` is the sample rate."""

    tree: Composition
    frame_rate: FrameRate


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What happens to sound at one moment. ``gain`` is a factor of the amplitude of all channels.

    ``stereo`` mixes the first two, left and right: left from left, left from right, right from left, right from right.
    """

    gain: float = 1.0
    stereo: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a host's effect does to sound during one frame: from ``first`` at its start to ``last`` at its end, in a line."""

    first: Level = Level()
    last: Level = Level()
    fidelity: Fidelity = Fidelity.EXACT
    why: str = ""  # it is not exact


Hear = Callable[[EffectUse, range, Callable[[int], Moment]], Sequence[Heard]]
"""What an effect does during some frames of its item, from the moments of its frames' starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """An effect over a voice. At sample ``t`` of the timeline its item is at frame ``(t − start) · frames_per_sample``.

    ``inner_start`` and ``inner_step`` are as in ``model.frames.Moment``: the position inside, and frames of it for each frame.
    """

    effect: EffectUse
    start: Fraction
    frames_per_sample: Fraction
    length: Fraction  # frames
    inner_start: Fraction
    inner_step: Fraction

    def moment(self, frame: int) -> Moment:
        """The start of ``frame`` of the item."""
        return Moment(frame=Fraction(frame), length=self.length, inner=self.inner_start + frame * self.inner_step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fade:
    """Over samples ``[start, stop)`` of the timeline; silence before a rising one, and after a falling one."""

    start: int
    stop: int
    rises: bool
    curve: Curve


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One stream of one medium, heard in samples ``[start, stop)`` of the timeline, fades included.

    ``position``: where in the medium, in seconds after its first frame, ``start`` is. ``speed``: seconds of the medium for each
    of the timeline, negative for backwards. ``matrix``: a row for each channel of the output, a factor for each of the
    stream's.
    """

    name: str
    medium: str
    stream_index: int
    start: int
    stop: int
    position: Fraction
    speed: Fraction
    matrix: tuple[tuple[float, ...], ...]
    pitch: Pitch
    effects: tuple[Carried, ...] = ()  # the innermost first
    fades: tuple[Fade, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Samples ``[start, stop)`` of the timeline in which ``clip`` is not heard. ``is_unusable``: for what the timeline says of
    it makes no sense; its medium may be there."""

    clip: str
    reason: str
    start: int
    stop: int
    is_unusable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundPlan:
    """Everything that is heard, by its start. ``layout`` is the output's, by FFmpeg's name.

    ``approximate`` and ``unknown`` name the host's effects that are not heard exactly, or not at all, ``why`` what differs or
    is wrong; ``silent`` is what is silent though the timeline has sound there.
    """

    sample_rate: int
    samples: int
    layout: str
    channels: int
    voices: tuple[Voice, ...]
    approximate: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    silent: tuple[Silence, ...] = ()
    why: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundReport:
    """What was mixed. ``peak`` is the largest amplitude (1: full scale), ``over_samples`` how many samples lie beyond full
    scale; ``damaged`` names media of which parts could not be decoded: silence there."""

    peak: float
    over_samples: int
    damaged: tuple[Problem, ...] = ()
