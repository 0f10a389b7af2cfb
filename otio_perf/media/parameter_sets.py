"""Parameter sets of H.264 and HEVC as QuickTime and MP4 keep them, once for all pictures of a track (ISO/IEC 14496-15 sections
5.3.3.1 and 8.3.3.1).

A track may have several of them, as long as each has a number of its own: every picture names the one it was made with. So
pictures of two encoders can stand in one track.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_SELF_DESCRIBED = ("prores", "prores_ks", "dnxhd")
_HIGH_PROFILES = (100, 110, 122, 144)


@dataclass(frozen=True, slots=True)
class Sets:
    """``nal_length``: bytes of the length before each unit of a picture. ``units``: the sets, in the order in which they are
    needed; ``others``: what else is in the description (SEI)."""

    nal_length: int
    units: tuple[bytes, ...]
    others: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What is to be known of a codec: kinds of units (Rec. ITU-T H.264 table 7-1, H.265 table 7-1), and how tracks are
    described.

    ``limits``: how many sets of each kind a description can hold. ``written``: of joined sets and the two descriptions.
    """

    kind: Callable[[bytes], int]
    refreshing: frozenset[int]  # IDR: pictures from which on nothing before is needed
    limits: dict[int, int]
    number: Callable[[bytes], int]
    parsed: Callable[[bytes], Sets | None]
    written: Callable[[Sets, bytes, bytes], bytes]

    def is_parameters(self, unit: bytes) -> bool:
        return self.kind(unit) in self.limits


def family(codec: str) -> Family | None:
    """By FFmpeg's name of a codec, or of its encoder; ``None``: each of its pictures says all of itself, or it is unknown."""
    return _FAMILIES.get(codec)


def joined(codec: str, one: bytes, other: bytes) -> bytes | None:
    """The description of a track with the pictures of both; ``None``: there is none.

    :param codec: FFmpeg's name; pictures of codecs that are no ``family`` go together where their descriptions are equal. Those
        of ProRes and DNxHR say all of themselves.
    """
    if one == other or codec in _SELF_DESCRIBED:
        return one
    kin = family(codec)
    if kin is None:
        return None
    first, second = kin.parsed(one), kin.parsed(other)
    if first is None or second is None or first.nal_length != second.nal_length:
        return None
    known = {(kin.kind(unit), kin.number(unit)): unit for unit in first.units}
    for unit in second.units:
        if known.setdefault((kin.kind(unit), kin.number(unit)), unit) != unit:
            return None  # two of one number
    units = tuple(sorted(known.values(), key=kin.kind))
    if any(sum(kin.kind(unit) == kind for unit in units) > most for kind, most in kin.limits.items()):
        return None
    others = tuple(unit for unit in first.others if unit in second.others)
    return kin.written(Sets(first.nal_length, units, others), one, other)


def numbers(codec: str, sets: Sets) -> frozenset[int]:
    """Of all its sets."""
    kin = _FAMILIES[codec]
    return frozenset(kin.number(unit) for unit in sets.units)


def exp_golomb(data: bytes) -> int:
    """The first ue(v) of ``data``; -1: none that is short enough."""
    bits = int.from_bytes(data[:8].ljust(8, b"\0"))
    zeros = 64 - bits.bit_length()
    return (bits >> (63 - 2 * zeros)) - 1 if zeros < 32 else -1


def payload(unit: bytes) -> bytes:
    """Without the bytes that keep start codes from showing up in it (Rec. ITU-T H.264 and H.265 section 7.3.1.1)."""
    return unit.replace(b"\0\0\3", b"\0\0")


def _units(data: bytes, at: int, count: int) -> tuple[tuple[bytes, ...], int]:
    """So many units from ``at`` on, and where the next byte is; none, where they are not all there."""
    units = []
    for _ in range(count):
        length = int.from_bytes(data[at : at + 2])
        units.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    return (tuple(units) if at <= len(data) and all(len(unit) > 2 for unit in units) else ()), at


def _with_lengths(units: tuple[bytes, ...]) -> bytes:
    return b"".join(len(unit).to_bytes(2) + unit for unit in units)


# ---- H.264: AVCDecoderConfigurationRecord

_AVC_SPS, _AVC_PPS = 7, 8


def _avc_kind(unit: bytes) -> int:
    return unit[0] & 31


def _avc_number(unit: bytes) -> int:
    """Sections 7.3.2.1.1 and 7.3.2.2."""
    body = payload(unit[1:])
    return exp_golomb(body[3:] if _avc_kind(unit) == _AVC_SPS else body)


def _avc_parsed(data: bytes) -> Sets | None:
    if len(data) < 7 or data[0] != 1:
        return None
    sequence, at = _units(data, 6, data[5] & 31)
    picture, at = _units(data, at + 1, data[at]) if at < len(data) else ((), at)
    return Sets((data[4] & 3) + 1, sequence + picture) if sequence and picture else None


def _avc_written(sets: Sets, one: bytes, other: bytes) -> bytes:
    """Profile and level are the higher ones of both; what only one of them guarantees, the track does not."""
    high = max((one, other), key=lambda data: (data[1] in _HIGH_PROFILES, data[1]))
    data = bytearray([1, high[1], one[2] & other[2], max(one[3], other[3]), 0xFC | (sets.nal_length - 1)])
    for kind, reserved in ((_AVC_SPS, 0xE0), (_AVC_PPS, 0)):
        units = tuple(unit for unit in sets.units if _avc_kind(unit) == kind)
        data.append(reserved | len(units))
        data += _with_lengths(units)
    if high[1] in _HIGH_PROFILES:
        data += _avc_extension(high)
    return bytes(data)


def _avc_extension(data: bytes) -> bytes:
    """Chroma format and bit depths, which the pixel format says to be equal in both; 4:2:0 in 8 bits where there are none."""
    _, at = _units(data, 6, data[5] & 31)
    _, at = _units(data, at + 1, data[at])
    return data[at:] or bytes([0xFD, 0xF8, 0xF8, 0])


# ---- HEVC: HEVCDecoderConfigurationRecord

HEVC_VPS, HEVC_SPS, HEVC_PPS = 32, 33, 34
_HEVC_IDR = frozenset({19, 20})
_HEVC_HEAD = 23


def hevc_kind(unit: bytes) -> int:
    return unit[0] >> 1 & 63


def hevc_sps_number_at(body: bytes | bytearray) -> int:
    """Byte in which the number of a sequence parameter set begins (sections 7.3.2.2.1 and 7.3.3), in its ``payload``."""
    at, layers = 2 + 1 + 12, body[2] >> 1 & 7
    if layers:
        flags = int.from_bytes(body[at : at + 2])
        at += 2
        for layer in range(layers):
            has_profile, has_level = flags >> (15 - 2 * layer) & 1, flags >> (14 - 2 * layer) & 1
            at += 11 * has_profile + has_level
    return at


def _hevc_number(unit: bytes) -> int:
    """Sections 7.3.2.1 to 7.3.2.3."""
    body, kind = payload(unit), hevc_kind(unit)
    if kind == HEVC_VPS:
        return body[2] >> 4
    return exp_golomb(body[hevc_sps_number_at(body) :] if kind == HEVC_SPS else body[2:])


def _hevc_parsed(data: bytes) -> Sets | None:
    if len(data) <= _HEVC_HEAD or data[0] != 1:
        return None
    at, found = _HEVC_HEAD, list[bytes]()
    for _ in range(data[_HEVC_HEAD - 1]):
        if at + 3 > len(data):
            return None
        count = int.from_bytes(data[at + 1 : at + 3])
        units, at = _units(data, at + 3, count)
        if len(units) != count:
            return None
        found += units
    sets = tuple(sorted((u for u in found if HEVC_VPS <= hevc_kind(u) <= HEVC_PPS), key=hevc_kind))
    is_whole = {hevc_kind(unit) for unit in sets} == {HEVC_VPS, HEVC_SPS, HEVC_PPS}
    return Sets((data[21] & 3) + 1, sets, tuple(u for u in found if u not in sets)) if is_whole else None


def _hevc_written(sets: Sets, one: bytes, other: bytes) -> bytes:
    """The higher profile, tier and level; of compatibility and constraints what holds of both."""
    data = bytearray(max((one, other), key=lambda record: record[1] & 63)[:_HEVC_HEAD])
    data[2:12] = bytes(a & b for a, b in zip(one[2:12], other[2:12], strict=True))
    data[12] = max(one[12], other[12])
    data[13:15] = min(one[13:15], other[13:15])
    if one[15:16] != other[15:16]:
        data[15] = 0xFC  # parallelism: mixed
    if one[19:22] != other[19:22]:  # frame rate: not said; temporal layers: the most
        data[19:21] = b"\0\0"
        data[21] = max(one[21] & 0x38, other[21] & 0x38) | (one[21] & other[21] & 4) | one[21] & 3
    arrays = [[u for u in sets.units if hevc_kind(u) == kind] for kind in (HEVC_VPS, HEVC_SPS, HEVC_PPS)]
    arrays += [[u for u in sets.others if hevc_kind(u) == kind] for kind in sorted({hevc_kind(u) for u in sets.others})]
    data[_HEVC_HEAD - 1] = len(arrays)
    for units in arrays:
        data += bytes([0x80 | hevc_kind(units[0])]) + len(units).to_bytes(2) + _with_lengths(tuple(units))
    return bytes(data)


_AVC = Family(
    kind=_avc_kind,
    refreshing=frozenset({5}),
    limits={_AVC_SPS: 31, _AVC_PPS: 255},
    number=_avc_number,
    parsed=_avc_parsed,
    written=_avc_written,
)
_HEVC = Family(
    kind=hevc_kind,
    refreshing=_HEVC_IDR,
    limits={HEVC_VPS: 16, HEVC_SPS: 16, HEVC_PPS: 64},
    number=_hevc_number,
    parsed=_hevc_parsed,
    written=_hevc_written,
)
_FAMILIES = {"h264": _AVC, "libx264": _AVC, "hevc": _HEVC, "libx265": _HEVC}
