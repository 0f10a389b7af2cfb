"""What a timeline asks of its media. ``timeline.survey`` makes these; nobody else enumerates media."""

from __future__ import annotations

from collections.abc import Sequence as SequenceABC
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from otio_perf.model.media import Sequence
from otio_perf.model.timing import FrameRange, FrameRate, format_timecode, is_drop_frame_rate


class TrackKind(StrEnum):
    VIDEO = "video"
    AUDIO = "audio"


class TargetKind(StrEnum):
    FILE = "file"
    SEQUENCE = "sequence"
    GENERATOR = "generator"  # made by the host: solid, bars …
    MISSING = "missing"  # a MissingReference, an empty URL
    REFUSED = "refused"  # a URL that is not a local file
    UNUSABLE = "unusable"  # it is not asked for, for what the timeline says of the clip makes no sense


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a media reference points to. ``path`` is absolute and resolved; ``None`` where there is no file to look for.

    Equal targets are one object within a survey. Whether the file exists is asked later, by the probe.
    """

    kind: TargetKind
    url: str  # as the timeline writes it
    path: str | None
    sequence: Sequence | None = None
    sequence_rate: FrameRate | None = None  # at which its pictures are shown: they carry none themselves
    generator: str | None = None
    reason: str | None = None  # for REFUSED and MISSING: why
    found_by: str | None = None  # how the file was found, where no URL leads to it: a clause for people

    @property
    def medium(self) -> str:
        """What findings, claims and proxies are kept by: the path, else the URL, else what stands in its place.

        One folder of pictures is several media where references take other pictures of it, or show them at another rate.
        """
        name = self.path or self.url or f"{self.kind}:{self.generator or ''}"
        if self.sequence is None:
            return name
        numbers = self.sequence
        rate = "" if self.sequence_rate is None else f"@{self.sequence_rate}"
        return f"{name}#{numbers.first}-{numbers.last}/{numbers.step}{rate}"


#: ``Target.medium`` of all references that lead nowhere, and have no name that was looked for.
NAMELESS = f"{TargetKind.MISSING}:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retime:
    """``speed`` source frames per timeline frame; 0 freezes, negative runs backwards."""

    speed: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectUse:
    """An effect on a clip, as the host names it."""

    dialect: str  # "fcp7", "mlt", "resolve", "aaf", "cdl" or "otio": where the name comes from
    name: str  # the key to translate by: effect_name, effectid, Resolve's "Effect Name"
    label: str  # for people
    parameters: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One clip's claim on one medium.

    ``position`` is in timeline frames (the survey's rate, 0 = first frame of the timeline). ``source`` counts frames at
    the *media reference's* rate and in its own numbering: frame ``available_start`` is the first one in the file. ``source``
    holds what is really consumed: retime applied, transition handles included.
    """

    index: int  # ordinal in the survey
    clip: str
    track: int  # layer, bottom = 0; nested stacks are flattened in compositing order
    track_kind: TrackKind
    target: Target
    position: FrameRange
    source: FrameRange
    available_start: int | None  # None: the reference has no available_range, numbering is unknown until probed
    available_frames: int | None
    retime: Retime | None = None
    effects: tuple[EffectUse, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionUse:
    name: str
    kind: str  # OTIO's transition_type, "SMPTE_Dissolve" or "Custom_Transition"
    track: int
    position: FrameRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A clip that could not be used, and why; the others go on."""

    clip: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """All that a timeline asks for. The sequences may be lazy: index and iterate, do not copy."""

    name: str
    path: str
    digest: str  # of the file's bytes
    frame_rate: FrameRate
    duration: FrameRange  # [0, length) at frame_rate
    start_frame: int  # global_start_time in frames: for timecode labels
    canvas: tuple[int, int] | None  # width, height where the timeline's metadata say so
    layers: tuple[str, ...]  # names of the flattened layers, bottom first
    targets: tuple[Target, ...]
    uses: SequenceABC[Use]
    transitions: SequenceABC[TransitionUse]
    problems: tuple[Problem, ...] = ()

    def timecode(self, frame: int) -> str:
        """Label of a timeline frame (0 = first), in drop-frame where the rate has it."""
        return format_timecode(self.start_frame + frame, self.frame_rate, drop_frame=is_drop_frame_rate(self.frame_rate))
