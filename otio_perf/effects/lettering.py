"""Text in a picture: capital and small letters of 5 × 7 dots, the same on every machine and engine."""

from __future__ import annotations

import textwrap
import unicodedata

import numpy as np
from numpy.typing import NDArray

#: Dots of a character, and of the space that it takes.
WIDTH, HEIGHT = 5, 7
ADVANCE, LINE = 6, 9

#: Characters from space to tilde: five columns each, from the left; the lowest bit is the dot at the top.
_COLUMNS = bytes.fromhex(
    "0000000000 00005F0000 0007000700 147F147F14 242A7F2A12 2313086462 3649552250 0005030000"  # space ! " # $ % & '
    "001C224100 0041221C00 082A1C2A08 08083E0808 0050300000 0808080808 0060600000 2010080402"  # ( ) * + , - . /
    "3E5149453E 00427F4000 4261514946 2141454B31 1814127F10 2745454539 3C4A494930 0171090503"  # 0 to 7
    "3649494936 064949291E 0036360000 0056360000 0008142241 1414141414 4122140800 0201510906"  # 8 9 : ; < = > ?
    "324979413E 7E1111117E 7F49494936 3E41414122 7F4141221C 7F49494941 7F09090101 3E41415132"  # @ A to G
    "7F0808087F 00417F4100 2040413F01 7F08142241 7F40404040 7F0204027F 7F0408107F 3E4141413E"  # H to O
    "7F09090906 3E4151215E 7F09192946 4649494931 01017F0101 3F4040403F 1F2040201F 7F2018207F"  # P to W
    "6314081463 0304780403 6151494543 007F414100 0204081020 0041417F00 0402010204 4040404040"  # X Y Z [ \ ] ^ _
    "0001020400 2054545478 7F48444438 3844444420 384444487F 3854545418 087E090102 081454543C"  # ` a to g
    "7F08040478 00447D4000 2040443D00 7F10284400 00417F4000 7C04180478 7C08040478 3844444438"  # h to o
    "7C14141408 081414187C 7C08040408 4854545420 043F444020 3C4040207C 1C2040201C 3C4030403C"  # p to w
    "4428102844 0C5050503C 4464544C44 0008364100 00007F0000 0041360800 0201020402"  # x y z { | } ~
)

#: For what has no letter here.
_OTHER = bytes.fromhex("7F4141417F")


def plain(text: str) -> str:
    """``text`` in the characters that there are: accents go, what is left over becomes a box (``\\ufffd``)."""
    letters = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return "".join(c if " " <= c <= "~" else "\ufffd" for c in letters)


def line(text: str) -> NDArray[np.bool_]:
    """``(7, 6 · characters)``: where the dots of one line are."""
    columns = [_COLUMNS[5 * (ord(c) - 32) :][:5] if c != "\ufffd" else _OTHER for c in plain(text)]
    bits = np.frombuffer(b"".join(c + b"\0" for c in columns), np.uint8)
    return (bits[None, :] >> np.arange(HEIGHT, dtype=np.uint8)[:, None] & 1).astype(bool)


def wrapped(text: str, length: int, lines: int) -> list[str]:
    """``text`` in so many lines of so many characters, broken between words where no word is longer than a line.

    Of what is longer the middle is left out: ends of file names tell more.
    """
    text = plain(text)
    room = min(len(text), length * lines)
    while True:
        kept = max(0, room - 3)
        shown = text if room == len(text) else text[: kept // 2] + "..."[:room] + text[len(text) - (kept - kept // 2) :]
        found = textwrap.wrap(shown, length, break_on_hyphens=False)
        if len(found) <= lines:
            return found
        room -= 1
