"""H.264's parameter sets as QuickTime and MP4 keep them, once for all pictures of a track (ISO/IEC 14496-15 section 5.3.3.1).

A track may have several of them, as long as each has a number of its own: every picture names the one it was made with. So
pictures of two encoders can stand in one track.
"""

from __future__ import annotations

from dataclasses import dataclass

_SPS = 7
_SELF_DESCRIBED = ("prores", "prores_ks", "dnxhd")
_HIGH_PROFILES = (100, 110, 122, 144)


@dataclass(frozen=True, slots=True)
class Sets:
    """``nal_length``: bytes of the length before each unit of a picture."""

    nal_length: int
    sequence: tuple[bytes, ...]
    picture: tuple[bytes, ...]


def joined(codec: str, one: bytes, other: bytes) -> bytes | None:
    """The description of a track with the pictures of both; ``None``: there is none.

    :param codec: FFmpeg's name; pictures of others than ``h264`` go together where their descriptions are equal. Those of
        ProRes and DNxHR say all of themselves.
    """
    if one == other or codec in _SELF_DESCRIBED:
        return one
    if codec not in ("h264", "libx264"):
        return None
    first, second = parsed(one), parsed(other)
    if first is None or second is None or first.nal_length != second.nal_length:
        return None
    sequence = {_number(unit): unit for unit in first.sequence}
    picture = {_number(unit): unit for unit in first.picture}
    for known, units in ((sequence, second.sequence), (picture, second.picture)):
        for unit in units:
            if known.setdefault(_number(unit), unit) != unit:
                return None  # two of one number
    if len(sequence) > 31 or len(picture) > 255:
        return None
    return _written(Sets(first.nal_length, tuple(sequence.values()), tuple(picture.values())), one, other)


def parsed(data: bytes) -> Sets | None:
    """``None``: no AVCDecoderConfigurationRecord."""
    if len(data) < 7 or data[0] != 1:
        return None
    sequence, at = _units(data, 6, data[5] & 31)
    picture, at = _units(data, at + 1, data[at]) if at < len(data) else ((), at)
    return Sets((data[4] & 3) + 1, sequence, picture) if sequence and picture else None


def numbers(sets: Sets) -> frozenset[int]:
    """Of all its sets."""
    return frozenset(_number(unit)[1] for unit in (*sets.sequence, *sets.picture))


def _units(data: bytes, at: int, count: int) -> tuple[tuple[bytes, ...], int]:
    """So many parameter sets from ``at`` on, and where the next byte is; none, where they are not all there."""
    units = []
    for _ in range(count):
        length = int.from_bytes(data[at : at + 2])
        units.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    return (tuple(units) if at <= len(data) and all(len(unit) > 1 for unit in units) else ()), at


def _written(sets: Sets, one: bytes, other: bytes) -> bytes:
    """Profile and level are the higher ones of both; what only one of them guarantees, the track does not."""
    high = max((one, other), key=lambda data: (data[1] in _HIGH_PROFILES, data[1]))
    data = bytearray([1, high[1], one[2] & other[2], max(one[3], other[3]), 0xFC | (sets.nal_length - 1)])
    data.append(0xE0 | len(sets.sequence))
    for unit in sets.sequence:
        data += len(unit).to_bytes(2) + unit
    data.append(len(sets.picture))
    for unit in sets.picture:
        data += len(unit).to_bytes(2) + unit
    if high[1] in _HIGH_PROFILES:
        data += _extension(high)
    return bytes(data)


def _extension(data: bytes) -> bytes:
    """Chroma format and bit depths, which the pixel format says to be equal in both; 4:2:0 in 8 bits where there are none."""
    _, at = _units(data, 6, data[5] & 31)
    _, at = _units(data, at + 1, data[at])
    return data[at:] or bytes([0xFD, 0xF8, 0xF8, 0])


def _number(unit: bytes) -> tuple[int, int]:
    """Kind and number of a parameter set (Rec. ITU-T H.264 sections 7.3.2.1.1 and 7.3.2.2)."""
    kind = unit[0] & 31
    body = unit[1:].replace(b"\0\0\3", b"\0\0")
    return kind, _exp_golomb(body[3:] if kind == _SPS else body)


def _exp_golomb(data: bytes) -> int:
    """The first ue(v) of ``data``."""
    bits = int.from_bytes(data[:8].ljust(8, b"\0"))
    zeros = 64 - bits.bit_length()
    return (bits >> (63 - 2 * zeros)) - 1 if zeros < 32 else -1
