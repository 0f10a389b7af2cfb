"""The sound of a timeline for a movie: planned, and mixed while the movie is written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from typing import Any

from otio_perf.effects.translate.sound import curve_of, heard
from otio_perf.errors import CorruptMediaError
from otio_perf.media.sound_writer import SoundTrack
from otio_perf.model import wire
from otio_perf.model.exports import ExportedSound
from otio_perf.model.frames import with_reasons
from otio_perf.model.media import MediaInfo, sound_origin
from otio_perf.model.sound import Pitch, SoundPlan, SoundReport, Voice
from otio_perf.model.stand_ins import StandIn, StandIns, as_original
from otio_perf.model.timing import FrameRange
from otio_perf.optimizer.session import Session
from otio_perf.render.sound import Mixer
from otio_perf.render.sound_plan import sound_plan
from otio_perf.timeline.files import Document
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.sound import compose_sound

_SAMPLE_RATE = 48_000
#: Raise it when the same plan is mixed, or written, otherwise.
_SOUND_VERSION = 2


@dataclass(slots=True, kw_only=True)
class Sounding:
    """``media`` are those that are online, by ``Target.medium``. ``allow_silence``: where a medium is damaged."""

    plan: SoundPlan
    media: Mapping[str, MediaInfo]
    within: FrameRange
    codec: str
    allow_silence: bool
    heard: SoundReport | None = field(default=None, init=False)  # once the movie is there

    @property
    def start(self) -> int:
        return _samples(self.within)[0]

    @property
    def stop(self) -> int:
        return _samples(self.within)[1]

    @property
    def key(self) -> str:
        """What it sounds like."""
        named = {v.medium: self.media[v.medium].fingerprint for v in self.plan.voices if v.medium in self.media}
        content = [f"{medium} {fingerprint}" for medium, fingerprint in sorted(named.items())]
        mixed = replace(self.plan, approximate=(), unknown=(), silent=(), why=())
        words = [str(_SOUND_VERSION), wire.dumps(mixed), self.codec, str(self.start), str(self.stop), *content]
        return hashlib.blake2b("\n".join(words).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def track(self, session: Session) -> SoundTrack:
        """To be written. What was found while it is mixed is in ``heard`` then."""
        return SoundTrack(
            sample_rate=self.plan.sample_rate,
            layout=self.plan.layout,
            channels=self.plan.channels,
            codec=self.codec,
            samples=self.stop - self.start,
            blocks=self._blocks(session),
        )

    def _blocks(self, session: Session) -> Iterator[Any]:
        """:raises CorruptMediaError: some of it cannot be had, and silence is not allowed in its place"""
        with Mixer(self.plan, self.media, partial(heard, frame_rate=self.within.rate), tick=session.check_stop) as mixer:
            for block in mixer.blocks(self.start, self.stop):
                self._require_whole(mixer.report())
                yield block
            self.heard = mixer.report()
            self._require_whole(self.heard)

    def _require_whole(self, report: SoundReport) -> None:
        if report.damaged and not self.allow_silence:
            first = report.damaged[0]
            names = (voice.medium for voice in self.plan.voices if voice.name == first.clip)
            raise CorruptMediaError(
                f"the sound of {first.clip} is damaged: {first.reason}",
                path=next((self.media[name].path for name in names if name in self.media), None),
                hint="--allow-missing puts silence there, --audio none leaves the sound out",
            )

    def report(self) -> ExportedSound:
        plan, found = self.plan, self.heard
        why = dict(plan.why)
        notes = [f"not as in the host: {with_reasons([name], why)}" for name in plan.approximate]
        notes += [f"left out: {with_reasons([name], why)}" for name in plan.unknown]
        silent = [(one.clip, one.reason) for one in plan.silent]
        silent += [(one.clip, one.reason) for one in (found.damaged if found else ())]
        notes += [f"silent: {clip}: {reason}" for clip, reason in dict.fromkeys(silent)]
        if found is not None and found.over_samples and self.codec.startswith("pcm"):
            notes.append(f"{found.over_samples} samples are louder than full scale and were cut off (peak {found.peak:.2f})")
        return ExportedSound(
            codec=self.codec,
            sample_rate=plan.sample_rate,
            layout=plan.layout,
            samples=self.stop - self.start,
            peak=None if found is None else found.peak,
            notes=tuple(notes),
        )


def _samples(within: FrameRange) -> tuple[int, int]:
    """Cuts lie on the nearest sample."""
    start, stop = (round(frame / within.rate * _SAMPLE_RATE) for frame in (within.start, within.stop))
    return start, stop


def sounding(
    session: Session,
    document: Document,
    where: Locator,
    within: FrameRange,
    *,
    codec: str,
    layout: str,
    pitch: Pitch,
    allow_silence: bool,
    stand_ins: StandIns,
) -> Sounding | None:
    """``None``: the timeline has no sound.

    :param stand_ins: proxies, which carry the sound of originals that are not there.
    :raises UnreadableTimelineError: see ``compose_sound``
    """
    soundtrack = compose_sound(document, where, _SAMPLE_RATE)
    found = session.look_up(shot.target for shot in soundtrack.tree.shots())
    media = {name: finding.info for name, finding in found.items() if finding.info is not None}
    instead = {name: ones for name, ones in stand_ins.items() if name not in media}
    known = {**{name: _as_original(ones) for name, ones in instead.items()}, **media}
    hear = partial(heard, frame_rate=soundtrack.frame_rate)
    plan = sound_plan(soundtrack, known, hear, curve_of, layout=layout, pitch=pitch, within=_samples(within))
    voices = tuple(_of_stand_in(v, instead[v.medium]) if v.medium in instead else v for v in plan.voices)
    plan = replace(plan, voices=voices)
    media |= {one.medium: one.info for ones in instead.values() for one in ones}
    if not (plan.voices or plan.silent):
        return None
    return Sounding(plan=plan, media=media, within=within, codec=codec, allow_silence=allow_silence)


def _as_original(stand_ins: Sequence[StandIn]) -> MediaInfo:
    """With the sound that its proxies have, from the first to the last of them."""
    info = as_original(stand_ins)
    begin = min(one.source_range.start / one.source_range.rate for one in stand_ins)
    end = max(one.source_range.stop / one.source_range.rate for one in stand_ins)
    origin = sound_origin(info)
    return replace(info, audio=tuple(replace(s, start_time=origin + begin, duration=end - begin) for s in info.audio))


def _of_stand_in(voice: Voice, stand_ins: Sequence[StandIn]) -> Voice:
    """``voice`` of an original, heard from the proxy that holds most of it."""
    far = voice.position + voice.speed * Fraction(voice.stop - voice.start, _SAMPLE_RATE)
    first, last = sorted((voice.position, far))

    def shared(one: StandIn) -> Fraction:
        frames = one.source_range
        return min(last, frames.stop / frames.rate) - max(first, frames.start / frames.rate)

    chosen = max(stand_ins, key=shared)
    begin = chosen.source_range.start / chosen.source_range.rate
    return replace(voice, medium=chosen.medium, position=voice.position - begin)
