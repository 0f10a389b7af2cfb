"""Sound effects of the hosts, as levels: exact, approximate, unknown or nothing, as for pictures.

Hosts other than MLT run in a line from the level at one frame to that at the next. MLT runs, during a frame, from the level of
the frame before to that of this frame (``filter_volume.c``); in its first frame the level stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from otio_perf.effects.keyframes import Key, mlt_number, sampled
from otio_perf.effects.translate import dialects, fcp7, mlt_values, own, resolve
from otio_perf.effects.translate.answers import Asked, UntranslatableError, reason_of
from otio_perf.errors import EffectError
from otio_perf.model.frames import Fidelity, Moment
from otio_perf.model.sound import Curve, Heard, Level
from otio_perf.model.timing import FrameRate
from otio_perf.model.uses import EffectUse

#: What an effect does at one moment, and what differs from the host (""): ``None``, it does nothing there.
Answer = tuple[Level, str] | None
Row = Callable[[Asked], Answer]

_UNITY = Level()
_SILENCE_DB = -100.0  # the lowest that Resolve's fader goes to is silence
#: Where a factor is no longer a sound: 100 dB.
_MOST_GAIN = 1e5


def heard(use: EffectUse, frames: range, at: Callable[[int], Moment], *, frame_rate: FrameRate) -> list[Heard]:
    """What an effect does during each of ``frames`` of its item. Never raises: what cannot be told is unknown, with the reason.

    :param at: the moment of a frame's start.
    :param frame_rate: of the timeline.
    """
    row = _row_of(use)
    if row is None and dialects.is_of_pictures(use):
        return [Heard(fidelity=Fidelity.NOTHING)] * len(frames)
    if row is None:
        return [_unknown(f"{use.label}: nothing of ours is known to be the same")] * len(frames)
    asked = Asked(
        name=use.label or use.name,
        parameters=dict(use.parameters),
        moment=at(frames.start),
        canvas=(1, 1),
        frame_rate=frame_rate,
    )
    is_late = use.dialect == "mlt"
    try:
        if _is_still(use):
            answers = [row(asked)] * (len(frames) + 1)
        else:
            first = frames.start - is_late
            answers = [row(replace(asked, moment=at(frame))) for frame in range(first, first + len(frames) + 1)]
    except (ValueError, ArithmeticError, EffectError) as error:  # numbers beyond all measure among them
        return [_unknown(f"{asked.name}: {reason_of(error)}")] * len(frames)
    if not is_late:
        return [_during(now, now, after) for now, after in pairwise(answers)]
    return [
        _during(now, None if frame == 0 else before, now)
        for frame, (before, now) in zip(frames, pairwise(answers), strict=True)
    ]


def _during(now: Answer, start: Answer, end: Answer) -> Heard:
    """From the level at the ``start`` of a frame to that at its ``end``; where there is none, the level stands."""
    if now is None:
        return Heard(fidelity=Fidelity.NOTHING)
    (first, _), (last, _), (_, why) = start or now, end or now, now
    if first == last == _UNITY:
        return Heard(fidelity=Fidelity.NOTHING)
    return Heard(first=first, last=last, fidelity=Fidelity.APPROXIMATE if why else Fidelity.EXACT, why=why)


def _unknown(why: str) -> Heard:
    return Heard(fidelity=Fidelity.UNKNOWN, why=why)


def _is_still(use: EffectUse) -> bool:
    """Nothing in it changes over time: most are so, and are then asked once."""
    values = dict(use.parameters)
    if use.dialect == "mlt":
        return not values.keys() & {"in", "out", "end"} and not any("=" in str(value) for value in values.values())
    if "otio_perf" in values:
        return not any(isinstance(value, tuple) for _, value in values["otio_perf"])
    return not any(isinstance(value, tuple) for value in values.values())


def curve_of(use: EffectUse) -> tuple[Curve, Fidelity]:
    """How a transition between two sounds runs. OpenTimelineIO has no word for it: without the host's, powers add up to 1, as
    most editing programs do unless told otherwise."""
    for name in (use.name, use.label):
        for pattern, curve, fidelity in _CURVES:
            if pattern.fullmatch(name):
                return curve, fidelity
    return Curve.EQUAL_POWER, Fidelity.APPROXIMATE


#: Names of transitions: Final Cut's and Resolve's ("Cross Fade +3 dB"), Premiere's, Avid's, and those that only say what it is.
_CURVES = [
    (re.compile(r".*\+ ?3 ?dB\)?|KGAudioTransCrossFade3dB|Constant Power", re.IGNORECASE), Curve.EQUAL_POWER, Fidelity.EXACT),
    (re.compile(r".*[ (F]0 ?dB\)?|KGAudioTransCrossFade0dB|Constant Gain", re.IGNORECASE), Curve.LINEAR, Fidelity.EXACT),
    (re.compile(r"(Mono )?Audio Dissolve", re.IGNORECASE), Curve.LINEAR, Fidelity.APPROXIMATE),
    (re.compile(r"SMPTE_Dissolve|((Cross )?(Dissolve|Fade))?", re.IGNORECASE), Curve.EQUAL_POWER, Fidelity.EXACT),
]


def _row_of(use: EffectUse) -> Row | None:
    row = _ROWS.get(use.dialect, {}).get(use.name.removesuffix("_2") if use.dialect == "aaf" else use.name)
    if row is None or use.dialect != "mlt":
        return row
    return lambda asked: row(asked) if mlt_values.active(asked) else None


def _nothing(asked: Asked) -> Answer:
    """What shows sound, or what the host does by itself."""
    return None


def _untouched(asked: Asked) -> Answer:
    """Blocks that hosts write on every clip; ours is only that they do nothing as long as nothing in them is changed."""
    resolve.refuse_others(asked)
    return None


def _gain(factor: float) -> Level:
    if not 0 <= factor <= _MOST_GAIN:
        raise UntranslatableError(f"a gain of {factor:g}")
    return Level(gain=factor)


def _decibels(value: float) -> Level:
    return _gain(10 ** (value / 20))


def _balance(position: float) -> Level:
    """−1: left alone, 1: right alone; in between the other side is turned down, in a line."""
    position = min(1.0, max(-1.0, position))
    return Level(stereo=(min(1.0, 1 - position), 0.0, 0.0, min(1.0, 1 + position)))


# --------------------------------------------------------------------------------------------------------------------- MLT

_AMOUNT = re.compile(r"\s*([-+]?[\d.,]+(?:[eE][-+]?\d+)?)\s*(dB)?", re.IGNORECASE)


def _amount(text: str, name: str) -> float:
    """``0.5`` or ``-6dB`` as a factor."""
    found = _AMOUNT.match(text)
    if not found:
        raise UntranslatableError(f"{name} is {text!r}, not a level")
    value = mlt_number(found[1])
    return 10 ** (value / 20) if found[2] else abs(value)


def _mlt_volume(asked: Asked) -> Answer:
    if any(asked.parameters.get(name) is not None for name in ("normalise", "normalize")):
        raise UntranslatableError("it levels out by loudness")
    if mlt_values.text(asked, "level"):
        gain = 10 ** (mlt_values.number(asked, "level", 0) / 20)
    else:
        gain = _amount(mlt_values.text(asked, "gain") or "1", "gain")
        if mlt_values.text(asked, "end"):
            gain += (_amount(mlt_values.text(asked, "end"), "end") - gain) * mlt_values.progress(asked)
    most = mlt_values.text(asked, "max_gain")
    return _gain(min(gain, _amount(most, "max_gain")) if most else gain), ""


def _mlt_panner(asked: Asked) -> Answer:
    channel = int(mlt_values.number(asked, "channel", -1))
    if not mlt_values.text(asked, "start") or mlt_values.number(asked, "length", 0):
        raise UntranslatableError("it moves by itself")
    start = mlt_values.number(asked, "start", 0.5)
    if mlt_values.text(asked, "split"):
        start = mlt_values.number(asked, "split", 0.5)
    elif mlt_values.text(asked, "end"):
        start += (mlt_values.number(asked, "end", start) - start) * mlt_values.progress(asked)
    weight = 2 * start - 1
    if channel == -1:
        return _balance(weight), ""
    there = (1 + weight) / 2
    if channel == 0:
        return Level(stereo=(1 - there, 0.0, there, 1.0)), ""
    if channel == 1:
        return Level(stereo=(1.0, 1 - there, 0.0, there)), ""
    raise UntranslatableError(f"channel {channel}")


def _mlt_channelcopy(asked: Asked) -> Answer:
    pair = tuple(int(mlt_values.number(asked, name, default)) for name, default in (("from", 0), ("to", 1)))
    if pair not in ((0, 1), (1, 0)):
        raise UntranslatableError(f"channels {pair[0]} and {pair[1]}")
    if mlt_values.number(asked, "swap", 0):
        return Level(stereo=(0.0, 1.0, 1.0, 0.0)), ""
    return Level(stereo=(1.0, 0.0, 1.0, 0.0) if pair == (0, 1) else (0.0, 1.0, 0.0, 1.0)), ""


def _mlt_mono(asked: Asked) -> Answer:
    """It adds the channels, and halves nothing."""
    return Level(stereo=(1.0, 1.0, 1.0, 1.0)), ""


def _ffmpeg_volume(asked: Asked) -> Answer:
    text = mlt_values.text(asked, "av.volume") or "1"
    if not re.fullmatch(_AMOUNT.pattern, text, re.IGNORECASE):
        raise UntranslatableError(f"volume is {text!r}")
    return _gain(_amount(text, "volume")), ""


# --------------------------------------------------------------------------------------------------------- the other hosts

_LINE = "the host may run between its key frames in another way than in a line"


def _fcp7_levels(asked: Asked) -> Answer:
    """``level`` is a factor: 3.98109 is +12 dB."""
    is_keyed = isinstance(asked.parameters.get("level"), tuple)
    return _gain(fcp7.number(asked, "level", 1)), _LINE if is_keyed else ""


def _fcp7_pan(asked: Asked) -> Answer:
    level = _balance(fcp7.number(asked, "pan", 0))
    sides = (level.stereo[0], level.stereo[3])
    return level, "" if set(sides) <= {0.0, 1.0} else "the host's law of panning is not known"


def _resolve_volume(asked: Asked) -> Answer:
    resolve.refuse_others(asked, "volume")
    volume = resolve.number(asked, "volume", 0)
    level = _gain(0) if volume <= _SILENCE_DB else _decibels(volume)
    return level, _LINE if isinstance(asked.parameters.get("volume"), tuple) else ""


def _aaf_gain(asked: Asked) -> Answer:
    value = _aaf_value(asked, "Amplitude multiplier", 1)
    return _gain(value), ""


def _aaf_pan(asked: Asked) -> Answer:
    """0 is left, 1 is right."""
    level = _balance(2 * _aaf_value(asked, "Pan value", 0.5) - 1)
    return level, "" if set(level.stereo) <= {0.0, 1.0} else "the host's law of panning is not known"


def _avid_pan(asked: Asked) -> Answer:
    """The pan of a track, of which all but the stereo kind, standing in the middle, is not known."""
    if asked.parameters.get("AvidPannerKind") != "AvidPannerKind_Stereo":
        raise UntranslatableError("it pans to more than two sides")
    level = _balance(2 * _aaf_value(asked, "Pan", 0.5) - 1)
    return level, "" if level == _UNITY else "the host's law of panning is not known"


def _aaf_value(asked: Asked, name: str, default: float) -> float:
    """``100000000/100000000``, or key frames over the length of the effect, 0 to 1."""
    value = asked.parameters.get(name)
    if value is None:
        return default
    try:
        if not isinstance(value, tuple):
            return float(Fraction(str(value)))
        keys = [Key(Fraction(time) * asked.moment.length, float(v)) for time, v in dict(value)["keyframe_values"]]
        return float(sampled(keys, asked.moment.frame))  # type: ignore[arg-type]
    except (TypeError, ValueError, KeyError, IndexError) as error:
        raise UntranslatableError(f"{name} cannot be read ({error})") from error


def _own_volume(asked: Asked) -> Answer:
    return _decibels(_own(asked, "decibels")), ""


def _own_balance(asked: Asked) -> Answer:
    return _balance(_own(asked, "position")), ""


def _own(asked: Asked, name: str) -> float:
    value = own.values_of(asked).get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UntranslatableError(f"{name} is {value!r}, not a number")
    return float(value)


_METERS = ("audiolevel", "audiowave", "audiolevelgraph", "audiospectrum", "loudness_meter", "audioconvert", "swresample")
_BLOCKS = ("Pan", "Pitch", "Equaliser")

_ROWS: dict[str, Mapping[str, Row]] = {
    "aaf": {"Mono Audio Gain": _aaf_gain, "Audio Gain": _aaf_gain, "Mono Audio Pan": _aaf_pan, "Audio Pan": _avid_pan},
    "fcp7": {"audiolevels": _fcp7_levels, "audiopan": _fcp7_pan},
    "mlt": {
        **dict.fromkeys(_METERS, _nothing),
        "avfilter.volume": _ffmpeg_volume,
        "channelcopy": _mlt_channelcopy,
        "mono": _mlt_mono,
        "panner": _mlt_panner,
        "volume": _mlt_volume,
    },
    "otio": {"volume": _own_volume, "balance": _own_balance},
    "resolve": {
        "Fairlight Clip Volume and Fades": _resolve_volume,
        **{f"Fairlight Clip {block}": _untouched for block in _BLOCKS},
        "Fairlight Equaliser Band": _untouched,
    },
}
