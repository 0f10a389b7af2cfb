"""Reading LUT files: ``.cube`` (Adobe and DaVinci Resolve), ``.3dl`` (Flame and Lustre), ``.spi1d``, ``.spi3d`` (Sony).

Formats: Adobe, Cube LUT Specification 1.0; Blackmagic, "Resolve LUT info"; OpenColorIO's readers for what is written nowhere
(how a ``.3dl`` tells its bit depth, and what its first row does). A file is trusted in nothing: sizes are checked before
anything is reserved, every row is counted, and every number must be one.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otio_perf.errors import EffectError

Triple = tuple[float, float, float]

#: A cube of 129 with 12 digits a number has 90 MB. OpenColorIO reads none larger.
_MOST_BYTES = 128 * 1024 * 1024
_LARGEST_CUBE = 129
_LONGEST_CURVE = 65536

#: No LUT holds more, and sums of this stay finite.
_LARGEST_NUMBER = 1e9

#: Integers below this are no code values: it is some other format (OpenColorIO's rule).
_LEAST_CODE = 128

_ZERO, _ONE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One dimension: ``entries`` is ``(size, 3)``, from ``low`` to ``high`` of each channel."""

    entries: NDArray[np.float32]
    low: Triple
    high: Triple

    @property
    def size(self) -> int:
        return len(self.entries)


@dataclass(frozen=True, slots=True, eq=False)
class Cube:
    """Three dimensions: ``entries[blue, green, red]`` is a colour."""

    entries: NDArray[np.float32]
    low: Triple
    high: Triple

    @property
    def size(self) -> int:
        return len(self.entries)


@dataclass(frozen=True, slots=True, eq=False)
class Lut:
    """``curve`` first, then ``cube``; one of them may be missing."""

    curve: Curve | None
    cube: Cube | None


def read_lut(path: str) -> Lut:
    """The tables of a file; kept, and read again when its size or time of change is another.

    :raises EffectError: it is not there, no LUT that can be read, or damaged; names the file, and the line where there is one.
    """
    return _parsed(path, *_state(path))


def digest(path: str) -> str:
    """What a frame key holds of a LUT: 32 hexadecimal digits that stand for the file's bytes.

    :raises EffectError: the file is not there, or no regular file.
    """
    return _digested(path, *_state(path))


def _state(path: str) -> tuple[int, int]:
    """Time of change and size; a FIFO or a device is not opened."""
    try:
        status = os.stat(path)  # noqa: PTH116 (paths come as text, and stay it)
    except (OSError, ValueError) as error:
        raise EffectError(
            f"the LUT cannot be read: {_why(error)}",
            path=path,
            hint="Bring the file back, say with --media-root where it is, or take the effect away",
        ) from None
    if not stat.S_ISREG(status.st_mode):
        raise EffectError("the LUT is no regular file", path=path)
    if status.st_size > _MOST_BYTES:
        raise EffectError(f"the LUT has {status.st_size} bytes, more than the {_MOST_BYTES} that are read", path=path)
    return status.st_mtime_ns, status.st_size


def _why(error: Exception) -> str:
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)


def _bytes(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise EffectError(f"the LUT cannot be read: {_why(error)}", path=path) from None


@lru_cache(maxsize=64)
def _digested(path: str, changed_ns: int, size_bytes: int) -> str:
    return hashlib.blake2b(_bytes(path), digest_size=16).hexdigest()


@lru_cache(maxsize=4)
def _parsed(path: str, changed_ns: int, size_bytes: int) -> Lut:
    suffix = Path(path).suffix.lower()
    if suffix not in _READERS:
        raise EffectError(
            f"{suffix or 'a name without an ending'} is no LUT format that can be read", path=path, hint=_READABLE
        )
    text = _bytes(path).decode("latin-1").removeprefix("\xef\xbb\xbf")
    lines = _Lines(path, [(number, words) for number, line in enumerate(text.splitlines(), 1) if (words := line.split())])
    return _READERS[suffix](lines)


@dataclass(slots=True)
class _Lines:
    """A file as words by line, empty lines left out, and where a reader is in it."""

    path: str
    lines: list[tuple[int, list[str]]]
    at: int = field(default=0)

    def next(self) -> tuple[int, list[str]]:
        if self.at == len(self.lines):
            raise EffectError("the LUT ends too early", path=self.path)
        self.at += 1
        return self.lines[self.at - 1]

    def left(self) -> list[tuple[int, list[str]]]:
        return self.lines[self.at :]

    def wrong(self, number: int, what: str) -> EffectError:
        return EffectError(f"line {number}: {what}", path=self.path, hint="Export the LUT again")

    def rows(self, lines: Sequence[tuple[int, list[str]]], width: int, wanted: int) -> NDArray[np.float64]:
        """``wanted`` lines of ``width`` numbers."""
        if len(lines) < wanted:
            last = self.lines[-1][0] if self.lines else 1
            raise self.wrong(last, f"the LUT ends after {len(lines)} of {wanted} rows")
        if len(lines) > wanted:
            raise self.wrong(lines[wanted][0], f"more than the {wanted} rows that it says it has")
        for number, words in lines:
            if len(words) != width:
                raise self.wrong(number, f"{len(words)} numbers where {width} belong")
        try:
            found = np.array([words for _, words in lines], np.float64)
        except ValueError:
            found = np.array([self.floats(number, words, width) for number, words in lines])
        bad = np.flatnonzero(~(np.abs(found) <= _LARGEST_NUMBER).all(axis=1))
        if len(bad):
            number, words = lines[bad[0]]
            raise self.wrong(number, f"{' '.join(words)[:60]!r} are no usable numbers")
        return found.reshape(wanted, width)

    def floats(self, number: int, words: Sequence[str], count: int) -> tuple[float, ...]:
        try:
            found = tuple(map(float, words))
        except ValueError:
            found = ()
        if len(found) != count or not all(abs(v) <= _LARGEST_NUMBER for v in found):
            raise self.wrong(number, f"{' '.join(words)[:60]!r} where {count} numbers belong")
        return found

    def size(self, number: int, words: Sequence[str], most: int) -> int:
        """A number of entries: 2 to ``most``."""
        if len(words) != 1 or not words[0].isdecimal() or not words[0].isascii() or not 2 <= int(words[0][:12]) <= most:
            raise self.wrong(number, f"{' '.join(words)[:60]!r} is no size from 2 to {most}")
        return int(words[0])

    def domain(self, number: int, low: Sequence[float], high: Sequence[float]) -> tuple[Triple, Triple]:
        if not all(a < b for a, b in zip(low, high, strict=True)):
            raise self.wrong(number, "a domain that ends before it begins")
        return (low[0], low[1], low[2]), (high[0], high[1], high[2])


def _cube_entries(rows: NDArray[np.float64], size: int) -> NDArray[np.float32]:
    """Rows with red running fastest → ``[blue, green, red]``."""
    return np.ascontiguousarray(rows.reshape(size, size, size, 3), np.float32)


def _is_number(word: str) -> bool:
    return word[0] in "+-.0123456789" or word.lower() in ("nan", "inf", "infinity")


def _read_cube(lines: _Lines) -> Lut:
    """``LUT_1D_SIZE``, ``LUT_3D_SIZE`` or both; ``DOMAIN_MIN``, ``DOMAIN_MAX`` (Adobe) or ``LUT_xD_INPUT_RANGE`` (Resolve)."""
    sizes: dict[str, int] = {}
    ends: dict[str, Triple] = {}
    ranges: dict[str, tuple[Triple, Triple]] = {}
    number = 1
    while lines.left() and not _is_number(lines.left()[0][1][0]):
        number, (word, *rest) = lines.next()
        match word.upper():
            case "LUT_1D_SIZE":
                sizes["1D"] = lines.size(number, rest, _LONGEST_CURVE)
            case "LUT_3D_SIZE":
                sizes["3D"] = lines.size(number, rest, _LARGEST_CUBE)
            case "DOMAIN_MIN" | "DOMAIN_MAX" as end:
                red, green, blue = lines.floats(number, rest, 3)
                ends[end] = (red, green, blue)
            case "LUT_1D_INPUT_RANGE" | "LUT_3D_INPUT_RANGE" as name:
                low, high = lines.floats(number, rest, 2)
                ranges[name[4:6]] = lines.domain(number, (low,) * 3, (high,) * 3)
            case "TITLE":
                pass
            case keyword if not keyword.startswith("#"):
                raise lines.wrong(number, f"{word[:60]!r} is not understood")
    if not sizes:
        raise lines.wrong(number, "neither LUT_1D_SIZE nor LUT_3D_SIZE before the rows")
    if ends:
        if len(sizes) == 2 or ranges:
            raise lines.wrong(number, "DOMAIN_MIN and DOMAIN_MAX do not say which of the tables they belong to")
        domain = lines.domain(number, ends.get("DOMAIN_MIN", _ZERO), ends.get("DOMAIN_MAX", _ONE))
        ranges = dict.fromkeys(sizes, domain)
    rows = [line for line in lines.left() if not line[1][0].startswith("#")]
    curve_size, cube_size = sizes.get("1D", 0), sizes.get("3D", 0)
    found = lines.rows(rows, 3, curve_size + cube_size**3)
    curve = Curve(found[:curve_size].astype(np.float32), *ranges.get("1D", (_ZERO, _ONE))) if curve_size else None
    cube = Cube(_cube_entries(found[curve_size:], cube_size), *ranges.get("3D", (_ZERO, _ONE))) if cube_size else None
    return Lut(curve, cube)


def _read_3dl(lines: _Lines) -> Lut:
    """A row of code values (a curve before the cube, mostly the straight one), then the cube with blue running fastest.

    ``Mesh 4 12`` says that values have 12 bits; without it their largest tells.
    """
    bits: int | None = None
    shaper: list[float] | None = None
    first = 1
    rows: list[tuple[int, list[str]]] = []
    for number, words in lines.left():
        if words[0].lower() == "mesh" and len(words) == 3 and words[2] in ("8", "10", "12", "16"):
            bits = int(words[2])
        elif not _is_number(words[0]) or words[0].upper() == "3DMESH":
            continue  # LUT8, gamma 1.0, comments
        elif len(words) > 3 and shaper is None and not rows:
            if len(words) > _LONGEST_CURVE:
                raise lines.wrong(number, f"more than {_LONGEST_CURVE} values")
            shaper, first = list(lines.floats(number, words, len(words))), number
        else:
            rows.append((number, words))
    size = round(len(rows) ** (1 / 3))
    if not 2 <= size <= _LARGEST_CUBE or size**3 != len(rows):
        raise lines.wrong(lines.lines[-1][0] if lines.lines else 1, f"{len(rows)} rows make no cube of 2 to {_LARGEST_CUBE}")
    values = lines.rows(rows, 3, len(rows))
    white = 2**bits - 1 if bits else _white(lines, rows[0][0], values)
    entries = np.ascontiguousarray((values / white).reshape(size, size, size, 3).transpose(2, 1, 0, 3), np.float32)
    return Lut(_shaper(lines, first, shaper), Cube(entries, _ZERO, _ONE))


def _shaper(lines: _Lines, number: int, values: list[float] | None) -> Curve | None:
    """The curve before the cube; none where it is straight within two codes."""
    if values is None:
        return None
    codes = np.array(values)
    white = _white(lines, number, codes)
    if np.all(np.abs(codes - np.linspace(0, white, len(codes))) < 2):
        return None
    return Curve(np.repeat((codes / white).astype(np.float32)[:, None], 3, axis=1), _ZERO, _ONE)


def _white(lines: _Lines, number: int, codes: NDArray[np.float64]) -> int:
    """The white of the depth that values up to twice their white would have."""
    most = codes.max()
    if most < _LEAST_CODE:
        raise lines.wrong(number, f"values up to {most:g} only, which are no code values")
    return next((2**bits - 1 for bits in (8, 10, 12) if most < 2 ** (bits + 1)), 65535)


def _read_spi1d(lines: _Lines) -> Lut:
    """``Version 1``, ``From 0 1``, ``Length``, ``Components`` (1 or 3), then rows between braces."""
    low, high, length, components = 0.0, 1.0, 0, 0
    number, words = lines.next()
    while words[0] != "{":
        match words[0].lower():
            case "version":
                if words[1:] != ["1"]:
                    raise lines.wrong(number, "only version 1 is known")
            case "from":
                low, high = lines.floats(number, words[1:], 2)
                lines.domain(number, (low,) * 3, (high,) * 3)
            case "length":
                length = lines.size(number, words[1:], _LONGEST_CURVE)
            case "components":
                components = int(words[1]) if words[1:] in (["1"], ["3"]) else 0
            case keyword if not keyword.startswith("#"):
                raise lines.wrong(number, f"{words[0][:60]!r} is not understood")
        number, words = lines.next()
    if not length or not components:
        raise lines.wrong(number, "Length and Components (1 or 3) are not said before the rows")
    rows = lines.left()
    end = next((i for i, (_, words) in enumerate(rows) if words == ["}"]), len(rows))
    values = lines.rows(rows[:end], components, length).astype(np.float32)
    return Lut(Curve(np.ascontiguousarray(np.broadcast_to(values, (length, 3))), (low,) * 3, (high,) * 3), None)


def _read_spi3d(lines: _Lines) -> Lut:
    """``SPILUT 1.0``, ``3 3``, three equal sizes, then rows of red, green, blue index and colour, in any order."""
    number, words = lines.next()
    if words[0] != "SPILUT":
        raise lines.wrong(number, "no SPILUT")
    number, words = lines.next()
    if words != ["3", "3"]:
        raise lines.wrong(number, "only cubes with three channels are known")
    number, words = lines.next()
    if len(words) != 3 or len(set(words)) != 1:
        raise lines.wrong(number, "the three sizes are not equal")
    size = lines.size(number, words[:1], _LARGEST_CUBE)
    rows = [line for line in lines.left() if not line[1][0].startswith("#")]
    values = lines.rows(rows, 6, size**3)
    entries = np.full((size, size, size, 3), np.nan, np.float32)
    at = values[:, :3]
    bad = np.flatnonzero(((at != np.floor(at)) | (at < 0) | (at >= size)).any(axis=1))
    if len(bad):
        raise lines.wrong(rows[bad[0]][0], f"an entry outside the cube of {size}")
    red, green, blue = at.astype(np.intp).T
    entries[blue, green, red] = values[:, 3:]
    if np.isnan(entries).any():
        raise lines.wrong(rows[-1][0], "some entries are there twice, others not at all")
    return Lut(None, Cube(entries, _ZERO, _ONE))


_READERS: dict[str, Callable[[_Lines], Lut]] = {
    ".cube": _read_cube,
    ".3dl": _read_3dl,
    ".spi1d": _read_spi1d,
    ".spi3d": _read_spi3d,
}
#: Of files that can be read.
SUFFIXES = frozenset(_READERS)
_READABLE = f"Take one of {', '.join(_READERS)}"
