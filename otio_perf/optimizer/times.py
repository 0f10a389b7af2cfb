"""Times as users write them: a frame of the timeline, a timecode, or seconds."""

from __future__ import annotations

import math
import re
from fractions import Fraction

from otio_perf.errors import SettingsError
from otio_perf.model.composition import Composition
from otio_perf.model.timing import FrameRange, is_drop_frame_rate, parse_timecode

_TIME_HINT = "Write a frame (48), 01:00:02:00 or 2.5s"


def frame_number(time: str | int, composition: Composition) -> int:
    """``12`` (frame, 0 = first), ``"01:00:02:12"`` (label, as the timeline counts) or ``"2.5s"`` (from the start).

    :raises SettingsError: none of these, or outside the timeline.
    """
    number = _number(str(time).strip(), composition)
    if not 0 <= number < composition.duration.stop:
        raise _outside(str(time).strip(), composition)
    return number


def frame_range(text: str | None, composition: Composition) -> FrameRange:
    """``"START-END"``, each as ``frame_number`` has it, ``END`` being the first frame that is not in it. Without ``START`` it
    begins with the timeline, without ``END`` it ends with it. ``None``: all of it.

    :raises SettingsError: no such range, or not in the timeline.
    """
    whole = composition.duration
    if text is None:
        return whole
    start, dash, stop = (part.strip() for part in text.partition("-"))
    if not dash or "-" in stop or not (start or stop):
        raise SettingsError(f"{text!r} is no range", hint="Write START-END: 48-96, 01:00:02:00-01:00:04:00 or 2.5s-4s")
    first = _number(start, composition) if start else 0
    after = _number(stop, composition) if stop else whole.stop
    if not 0 <= first < whole.stop or after > whole.stop:
        raise _outside(text, composition)
    if after <= first:
        raise SettingsError(
            f"{text} ends before it begins", hint="Write START-END, END being the first frame that is not in it"
        )
    return FrameRange(first, after, whole.rate)


def _number(text: str, composition: Composition) -> int:
    if ":" in text:
        _refuse_other_rates(text, composition)
    try:
        if ":" in text:
            return parse_timecode(text, composition.frame_rate) - composition.start_frame
        if text.endswith("s"):
            return math.floor(Fraction(text[:-1]) * composition.frame_rate)
        return int(text)
    except (ValueError, ZeroDivisionError):
        raise SettingsError(f"{text!r} is no time", hint=_TIME_HINT) from None


def _refuse_other_rates(text: str, composition: Composition) -> None:
    """:raises SettingsError: a timecode that is none at the rate of the timeline"""
    rate = composition.frame_rate
    last = math.ceil(rate) - 1
    frames = re.split("[:;.,]", text)[-1]
    at = f"{float(rate):.5g} fps"
    if text[-len(frames) - 1] != ":" and not is_drop_frame_rate(rate):
        raise SettingsError(f"{text!r} is drop-frame timecode, which there is none of at {at}", hint="Write ':' for ';'")
    if frames.isdecimal() and int(frames) > last:
        raise SettingsError(f"{text!r} is no time: at {at} the frames of a second end at :{last:02d}", hint=_TIME_HINT)


def _outside(text: str, composition: Composition) -> SettingsError:
    first, end = composition.timecode(0), composition.timecode(composition.duration.stop)
    return SettingsError(f"{text} lies outside the timeline, which runs from {first} up to, not including, {end}")
