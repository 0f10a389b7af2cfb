"""What lies where a timeline is written: may it be replaced, or has somebody worked on it since?

Timelines with notes of ours carry a stamp, the digest of their own text. A file whose stamp is right is as we wrote it; one
that a host has saved since is not, and is kept beside the new one.
"""

# ruff: noqa: PTH112, PTH113, PTH114
# os.path answers for names that no file system takes; Path raises.

from __future__ import annotations

import filecmp
import itertools
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import xxhash

from otio_perf.timeline import json_text
from otio_perf.timeline.references import NOTES, Json, notes_of
from otio_perf.timeline.tree import with_metadata

_CONTENT = "content.otio"  # of a bundle
_STAMP = re.compile(rb'"stamp": "([0-9a-f]{32})"')
_BLANK = "0" * 32
_MARK = re.compile(rb'<!-- otio_perf "stamp": "[0-9a-f]{32}" -->\n\Z')


def stamped(root: Json) -> bytes:
    """The text of a timeline, as it is written; with a stamp where there are notes of ours on the whole of it."""
    notes = notes_of(root)
    if notes:
        root = with_metadata(root, NOTES, dict(sorted({**notes, "stamp": _BLANK}.items())))
    text = json_text.dumps(root).encode("utf-8", "surrogateescape")
    if not notes:
        return text
    return text.replace(f'"stamp": "{_BLANK}"'.encode(), f'"stamp": "{_digest(text)}"'.encode(), 1)


def marked(project: bytes) -> bytes:
    """The text of a project (XML) with a stamp behind it: its program reads over it, and leaves it out when it saves."""
    text = without_mark(project) + _mark(_BLANK)
    return text.removesuffix(_mark(_BLANK)) + _mark(_digest(text))


def without_mark(project: bytes) -> bytes:
    return _MARK.sub(b"", project)


def _mark(digest: str) -> bytes:
    return f'<!-- otio_perf "stamp": "{digest}" -->\n'.encode()


def is_stamped(path: Path) -> bool:
    """Does the timeline in ``path`` carry a stamp, right or wrong?"""
    return _STAMP.search(_text(path)) is not None


def keep_edited(new: Path, old: Path, is_worth_it: Callable[[], bool] | None = None) -> Path | None:
    """Before ``new`` takes the place of ``old``: where ``old`` is now, if it is worth keeping.

    That is what is neither the same as ``new`` nor as we once wrote it, unless that ``is_worth_it``. What has been kept before
    stays: the names are ``NAME.bak``, ``NAME.bak2`` and so on, and a file that is kept already is not kept twice.

    :raises OSError
    """
    if not (os.path.isfile(old) or _is_bundle(old)) or _is_same(new, old):
        return None
    if is_as_written(old) and not (is_worth_it is not None and is_worth_it()):
        return None
    names = (old.with_name(f"{old.name}.bak{number if number > 1 else ''}") for number in itertools.count(1))
    kept = next(name for name in names if not os.path.lexists(name) or _is_copy(name, old))
    old.replace(kept)
    return kept


def _digest(text: bytes) -> str:
    return xxhash.xxh3_128_hexdigest(text)


def is_as_written(path: Path) -> bool:
    """Does it carry a stamp, and the right one?"""
    text = _text(path)
    found = _STAMP.search(text)
    return found is not None and found[1].decode() == _digest(text[: found.start(1)] + _BLANK.encode() + text[found.end(1) :])


def _text(path: Path) -> bytes:
    """Of the timeline in a file or bundle; empty where there is none."""
    try:
        if os.path.isdir(path):
            return (path / _CONTENT).read_bytes()
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as bundle:
                return bundle.read(_CONTENT)
        return path.read_bytes()
    except (OSError, KeyError, RuntimeError, NotImplementedError, EOFError, ValueError, zipfile.BadZipFile):
        return b""


def _is_bundle(path: Path) -> bool:
    return os.path.isfile(path / _CONTENT)


def _is_same(new: Path, old: Path) -> bool:
    if os.path.isdir(new) != os.path.isdir(old):
        return False
    if os.path.isdir(new):
        return _text(new) == _text(old) and _sizes(new) == _sizes(old)
    if zipfile.is_zipfile(new) and zipfile.is_zipfile(old):
        return _members(new) == _members(old)
    return filecmp.cmp(new, old, shallow=False)


def _is_copy(kept: Path, old: Path) -> bool:
    """Byte for byte. Of folders none is taken for another, nor is what a link leads to."""
    return os.path.isfile(old) and os.path.isfile(kept) and not os.path.islink(kept) and filecmp.cmp(kept, old, shallow=False)


def _sizes(folder: Path) -> dict[str, int]:
    return {str(p.relative_to(folder)): p.stat().st_size for p in folder.rglob("*") if p.is_file()}


def _members(path: Path) -> dict[str, tuple[int, int]]:
    try:
        with zipfile.ZipFile(path) as bundle:
            return {m.filename: (m.file_size, m.CRC) for m in bundle.infolist()}
    except (OSError, ValueError, zipfile.BadZipFile):
        return {}
