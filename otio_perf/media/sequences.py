"""Numbered pictures: which files belong together, and which of them are missing."""

from __future__ import annotations

import os
import re
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from otio_perf.errors import CorruptMediaError, OfflineMediaError
from otio_perf.model.media import Sequence

#: Suffixes of pictures that are delivered one file a frame. Not ``.gif``: that is a movie more often than a frame of one.
PICTURE_SUFFIXES = frozenset(
    (
        ".bmp .cin .dng .dpx .exr .hdr .j2c .j2k .jp2 .jpeg .jpg .jxl .pbm .pgm .png .ppm .psd .qoi .sgi .tga .tif .tiff .webp"
    ).split()
)

#: ``shot.`` ``1007`` ``.exr``: the last run of digits before the extension is the frame number.
_NUMBERED = re.compile(r"^(?P<prefix>.*?)(?P<number>\d+)(?P<suffix>\.[^.\d][^.]*)$", re.DOTALL)

#: As many siblings at least as make a sequence. Two numbered photographs are two photographs.
_LEAST = 3
#: Missing numbers that are named.
_SHOWN = 5


def find(path: str) -> Sequence | None:
    """The run of numbered pictures on disk that ``path`` belongs to, or ``None`` where it is a single picture.

    The run is the longest one without a gap around ``path``'s own number (camera stills and other shots in the same
    folder stay out of it); fewer than three pictures are stills. A step of 1 is looked for only.

    :raises OfflineMediaError: the folder cannot be listed.
    """
    directory, name = os.path.split(Path(path).absolute())
    match = _NUMBERED.match(name)
    if not match or match["suffix"].lower() not in PICTURE_SUFFIXES:
        return None
    prefix, suffix, digits = match["prefix"], match["suffix"], match["number"]
    # without a leading zero it may be "1001" of four digits, or one of "97, … 103": the longer run decides
    paddings = (len(digits),) if digits.startswith("0") else (len(digits), 1)
    runs = [(_run(directory, prefix, suffix, padding, int(digits)), padding) for padding in paddings]
    numbers, padding = max(runs, key=lambda run: len(run[0]))
    if len(numbers) < _LEAST:
        return None
    return Sequence(directory=directory, prefix=prefix, suffix=suffix, padding=padding, first=numbers[0], last=numbers[-1])


def _run(directory: str, prefix: str, suffix: str, padding: int, here: int) -> range:
    """Consecutive numbers on disk around ``here``."""
    numbers = {number for number, _ in _numbered_names(directory, prefix, suffix, padding)}
    first = last = here
    while first - 1 in numbers:
        first -= 1
    while last + 1 in numbers:
        last += 1
    return range(first, last + 1)


class Missing(NamedTuple):
    total: int
    first: tuple[int, ...]  # five at most


def missing(sequence: Sequence) -> Missing:
    """Numbers within the sequence that have no regular file; one listing of the folder, no file is opened.

    They are counted from what is there: a timeline may ask for millions of pictures.

    :raises OfflineMediaError: the folder cannot be listed.
    """
    present = {number for number, _ in files(sequence)}
    return Missing(
        total=len(sequence.numbers) - len(present),
        first=tuple(islice((number for number in sequence.numbers if number not in present), _SHOWN)),
    )


def require_complete(sequence: Sequence) -> None:
    """:raises OfflineMediaError: none of the pictures is there. :raises CorruptMediaError: some are missing (named)."""
    gaps = missing(sequence)
    if not gaps.total:
        return
    pattern = f"{sequence.directory}/{sequence.label}"
    if gaps.total == len(sequence.numbers):
        raise OfflineMediaError(
            f"is offline: none of its {gaps.total} frames is there",
            path=pattern,
            hint="Check the path, or map it to where it is now",
        )
    shown = ", ".join(map(str, gaps.first)) + (f" and {gaps.total - _SHOWN} more" if gaps.total > _SHOWN else "")
    what = (
        f"frame {shown} of {sequence.label} is missing"
        if gaps.total == 1
        else f"frames {shown} of {sequence.label} are missing"
    )
    raise CorruptMediaError(what, path=pattern, hint="Render or copy the missing frames")


def files(sequence: Sequence) -> list[tuple[int, os.DirEntry[str]]]:
    """The regular files of the sequence that exist, as (number, directory entry), in order.

    :raises OfflineMediaError: the folder cannot be listed.
    """
    wanted = sequence.numbers
    found = _numbered_names(sequence.directory, sequence.prefix, sequence.suffix, sequence.padding)
    return sorted(((number, entry) for number, entry in found if number in wanted), key=lambda item: item[0])


def _numbered_names(directory: str, prefix: str, suffix: str, padding: int) -> list[tuple[int, os.DirEntry[str]]]:
    """Regular files ``prefix<number, at least padding digits>suffix``. ``padding`` leading zeros exactly, no more."""
    found = []
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                name = entry.name
                digits = (
                    name[len(prefix) : len(name) - len(suffix)] if name.startswith(prefix) and name.endswith(suffix) else ""
                )
                if not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
                    continue
                number = int(digits)
                if f"{number:0{padding}d}" == digits and entry.is_file():
                    found.append((number, entry))
    except OSError as error:
        raise OfflineMediaError(f"is offline: its folder cannot be listed ({error.strerror})", path=directory) from error
    return found
