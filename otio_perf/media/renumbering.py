"""HEVC with numbers of its own: x265 calls all its parameter sets 0, as nearly every encoder does, and has no option to change
that; of two sets of one number in a track only one would count.

A number is written in as many bits as it is large (ue(v): 0 in one, 15 in nine). So from 0 to 15 whatever follows moves by
exactly one byte, and all that is aligned to bytes behind it (the slice's data) stays so: nothing is encoded anew.
"""

from __future__ import annotations

import re
from typing import Any

from av.packet import Packet

from otio_perf.media.parameter_sets import (
    HEVC_PPS,
    HEVC_SPS,
    HEVC_VPS,
    hevc_kind,
    hevc_sps_number_at,
    payload,
)

#: The highest that a sequence parameter set and a video parameter set can have.
OWN_NUMBER = 15
_CODE, _CODE_BITS = OWN_NUMBER + 1, 9
_START = re.compile(b"\0\0\0?\1")
#: Three bytes that may not stand in a unit as they are, and zeros at its end (section 7.3.1.1).
_HIDDEN = re.compile(b"\0\0(?=[\0-\3]|\\Z)")


def renumbered(data: bytes) -> bytes:
    """Units between start codes (Rec. ITU-T H.265 annex B), as encoders hand them out: a description, or a picture.

    :raises ValueError: their parameter sets have other numbers than 0.
    """
    units = [unit for unit in _START.split(data) if unit]
    return b"".join(b"\0\0\0\1" + _unit(unit) for unit in units)


def renumbered_packet(packet: Packet[Any]) -> Packet[Any]:
    """:raises ValueError: see ``renumbered``"""
    found: Packet[Any] = Packet(renumbered(bytes(packet)))
    found.stream, found.time_base, found.duration = packet.stream, packet.time_base, packet.duration
    found.pts, found.dts, found.is_keyframe = packet.pts, packet.dts, packet.is_keyframe
    return found


def _unit(unit: bytes) -> bytes:
    kind = hevc_kind(unit)
    if kind > HEVC_PPS:
        return unit
    body = bytearray(payload(unit))
    if kind == HEVC_VPS:
        _require(body[2] >> 4 == 0)
        body[2] |= OWN_NUMBER << 4
    elif kind == HEVC_SPS:
        _require(body[2] >> 4 == 0)
        body[2] |= OWN_NUMBER << 4  # of its video parameter set
        _put(body, hevc_sps_number_at(body), 0)
    elif kind == HEVC_PPS:  # its own, then that of its sequence parameter set
        _put(body, 2, 0)
        _put(body, 3, 1)
    else:  # slice_segment_header: first_slice_segment_in_pic_flag, no_output_of_prior_pics_flag where decoding begins anew
        _put(body, 2, 2 if 16 <= kind <= 23 else 1)
    return _HIDDEN.sub(b"\0\0\3", bytes(body))


def _put(body: bytearray, at: int, bit: int) -> None:
    """The number 0 in bit ``bit`` of byte ``at`` (0: the highest) becomes ``OWN_NUMBER``."""
    behind = 7 - bit
    _require(bool(body[at] >> behind & 1))
    before, after = body[at] >> (behind + 1), body[at] & ((1 << behind) - 1)
    body[at : at + 1] = (before << (_CODE_BITS + behind) | _CODE << behind | after).to_bytes(2)


def _require(is_zero: bool) -> None:
    if not is_zero:
        raise ValueError("a parameter set has another number than 0")
