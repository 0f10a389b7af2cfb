"""What a timeline sounds like: ``composition`` for its audio tracks, counted in samples of the output.

- Clips on audio tracks are heard, clips on video tracks are not, whatever their media hold: a host that means their sound
  writes it on audio tracks.
- Of nested stacks the audio tracks are heard. Hosts that write a nested sequence twice, on a video and on an audio track, mean
  the one on the audio track: beside such a track, what is nested on video tracks is silent.
- Which channels of a medium a clip plays is read where the host says so: Resolve's ``Channels``, Final Cut Pro's
  ``sourcetrack`` (and the kind of channel that Premiere adds, for OpenTimelineIO's adapter keeps the first of its two tracks),
  and the tracks ``A1``, ``A2`` … of an EDL, which are channels. Where it does not, ``render.sound_plan`` has the rule.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, TypeGuard

from otio_perf.model.composition import Lane, Pick, Placed, Shot
from otio_perf.model.sound import Soundtrack
from otio_perf.model.timing import FrameRate
from otio_perf.model.uses import EffectUse
from otio_perf.timeline.clock import Frames
from otio_perf.timeline.composition import Composer, kind_of
from otio_perf.timeline.describe import FINAL_CUT, host_data, name_of
from otio_perf.timeline.effects import effects_of
from otio_perf.timeline.files import Document, unreadable_if_damaged
from otio_perf.timeline.json_text import no_collection
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.references import Json, schema_of

_EDL = "cmx_3600"
_EDL_CHANNEL = re.compile(r"A([1-9]\d?)")
_MOST_CHANNELS = 1024
#: Channels that Premiere's kinds of audio have, as far as it writes them.
_PREMIERE_CHANNELS = {"mono": 1, "stereo": 2, "5.1": 6}


def compose_sound(document: Document, locator: Locator, sample_rate: int) -> Soundtrack:
    """The audio of ``document``, with the media found by ``locator``.

    :raises UnreadableTimelineError: no timeline, track, stack, clip or collection of these.
    """
    with no_collection(), unreadable_if_damaged(document):
        composer = _SoundComposer(document, locator.based(document.base), FrameRate(sample_rate))
        return Soundtrack(tree=composer.composition(), frame_rate=composer.measure.rate)


class _SoundComposer(Composer):
    kind = "Audio"

    def __init__(self, document: Document, locator: Locator, rate: FrameRate) -> None:
        super().__init__(document, locator, rate)
        self._is_edl = document.format == _EDL
        self._track: Json = {}  # the one that is walked, and whether its clips are heard
        self._hears = False
        self._nesting: set[int] = set()  # ids of video tracks of which what is nested is heard

    def _takes(self, track: Json) -> bool:
        return super()._takes(track) or id(track) in self._nesting

    def _lanes(self, stack: Json) -> tuple[Lane, ...]:
        tracks = [child for child in stack.get("children") or () if schema_of(child) == "Track"]
        if not any(_nests(track) for track in tracks if kind_of(track) == self.kind):
            self._nesting.update(id(track) for track in tracks if kind_of(track) == "Video")
        return super()._lanes(stack)

    def _lane(self, track: Json, name: str, effects: tuple[EffectUse, ...] = ()) -> Lane:
        outside = self._hears, self._track
        self._hears, self._track = kind_of(track) == self.kind, track
        try:
            return super()._lane(track, name, effects)
        finally:
            self._hears, self._track = outside

    def _item(self, item: Json, start: Frames, length: Frames) -> Placed | None:
        """Cuts lie on the nearest sample; what is inside keeps its exact place, so that nothing jumps at a through edit."""
        placed = super()._item(item, start, length)
        if placed is None or placed.start == start:
            return placed
        return replace(placed, inner_start=placed.inner(2 * placed.start - start))

    def _clip(self, clip: Json, start: int, stop: int) -> Placed | None:
        if not self._hears:
            return None
        placed = super()._clip(clip, start, stop)
        if placed is None or not isinstance(placed.content, Shot):
            return placed
        content = placed.content
        if placed.speed < 0 and content.available_start is not None and effects_of(clip).retimed_in_point:
            # played backwards from the medium's end: pictures begin with the last frame, sound with the end of that frame
            placed = replace(placed, inner_start=placed.inner_start + 1 + placed.speed)
        content = replace(content, picks=self._picks(clip))
        return replace(placed, content=content, effects=(*placed.effects, *self._position(clip, placed)))

    # ---- channels

    def _picks(self, clip: Json) -> tuple[Pick, ...]:
        if self._is_edl:
            channel = _EDL_CHANNEL.fullmatch(name_of(self._track))
            return (Pick(channel=int(channel[1]) - 1),) if channel else ()
        channels = host_data(clip, "Resolve_OTIO").get("Channels")
        if isinstance(channels, list):
            numbers = [(c.get("Source Track ID"), c.get("Source Channel ID")) for c in channels if isinstance(c, dict)]
            return tuple(Pick(stream=s, channel=c) for s, c in numbers if _is_number(s) and _is_number(c))
        first, count = _premiere_channels(clip)
        return tuple(Pick(channel=first + n) for n in range(count))

    def _position(self, clip: Json, placed: Placed) -> tuple[EffectUse, ...]:
        """Single channels lie left and right in turn, where a host numbers its tracks by outputs and nothing else is said."""
        if self._is_edl:
            channel = _EDL_CHANNEL.fullmatch(name_of(self._track))
            return (_side(int(channel[1])),) if channel else ()
        output = host_data(self._track, FINAL_CUT).get("outputchannelindex")
        is_panned = any(effect.name == "audiopan" for effect in placed.effects)
        is_premiere = "@premiereChannelType" in host_data(clip, FINAL_CUT)
        if is_panned or is_premiere or not str(output).isdecimal() or _premiere_channels(clip)[1] != 1:
            return ()
        return (_side(int(str(output))),)


def _nests(track: Json) -> bool:
    return any(schema_of(child) in ("Stack", "Track") for child in track.get("children") or ())


def _is_number(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < _MOST_CHANNELS


def _premiere_channels(clip: Json) -> tuple[int, int]:
    """First channel of a clip's sound, 0 = first of the medium, and how many it has; 0: the clip does not say."""
    own = host_data(clip, FINAL_CUT)
    track: Any = own.get("sourcetrack")
    index = str(track.get("trackindex")) if isinstance(track, dict) and track.get("mediatype") == "audio" else ""
    if not index.isdecimal() or not 0 < int(index) <= _MOST_CHANNELS:
        return 0, 0
    return int(index) - 1, _PREMIERE_CHANNELS.get(str(own.get("@premiereChannelType")), 1)


def _side(number: int) -> EffectUse:
    position = -1.0 if number % 2 else 1.0
    return EffectUse(dialect="otio", name="balance", label="balance", parameters=(("otio_perf", (("position", position),)),))
