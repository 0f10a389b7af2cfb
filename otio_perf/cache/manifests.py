"""One small JSON per product, written whole: the truth about what was made. The index can be rebuilt from them.

Paths inside the workspace, and in the folder it lies in, are written relative to it: the whole folder can move, or come back
under another drive letter.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from otio_perf.cache.workspace import write_whole
from otio_perf.errors import CacheError, DiskFullError
from otio_perf.model import wire
from otio_perf.model.plans import Product

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
#: Some file systems keep times to two seconds (FAT), and servers round them after the file was closed.
_MTIME_TOLERANCE_NS = 2_000_000_000
_TOUCH_SECONDS = 3600.0
_PLAIN = re.compile(r"^[0-9a-z]{8,64}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A product, and what it was when it was made. ``source_paths``: where its source was seen, latest last.

    Paths, those of ``product`` included, are as ``Manifests.inward`` writes them.
    """

    product: Product
    source_paths: tuple[str, ...]
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Manifests:
    """The folder ``products/`` of the workspace ``root``."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / "products"

    def read(self, key: str) -> Record | None:
        """The record of ``key``; ``None`` where it is missing or damaged."""
        return self.read_stem(stem(key))

    def read_stem(self, name: str) -> Record | None:
        try:
            return wire.loads(Record, (self.folder / f"{name}.json").read_bytes())
        except (OSError, ValueError):
            return None

    def path_of(self, key: str) -> Path:
        return self.folder / f"{stem(key)}.json"

    def write(self, record: Record) -> None:
        """:raises CacheError, DiskFullError"""
        path = self.path_of(record.product.key)
        try:
            write_whole(path, wire.dumps(record))
        except OSError as e:
            kind = DiskFullError if e.errno in _FULL else CacheError
            raise kind(f"cannot be written: {e.strerror}", path=path, hint="make room: otio-perf cache clear") from e

    def remove(self, key: str) -> None:
        self.path_of(key).unlink(missing_ok=True)

    def stems(self) -> set[str]:
        return {p.stem for p in self.folder.glob("*.json")}

    def records(self) -> Iterator[Record]:
        for name in sorted(self.stems()):
            if record := self.read_stem(name):
                yield record

    def inward(self, path: str | Path) -> str:
        """``path`` as it is recorded: relative to the workspace (with ``/``) in or beside it, else as it is."""
        path = Path(path)
        if path.is_relative_to(self.root):
            return path.relative_to(self.root).as_posix()
        if path.is_relative_to(self.root.parent):
            return "../" + path.relative_to(self.root.parent).as_posix()
        return str(path)

    def absolute(self, recorded: str) -> str:
        """The path that ``inward`` recorded, from where the workspace is now."""
        if recorded.startswith("../"):
            return str(self.root.parent / recorded.removeprefix("../"))
        return str(self.root / recorded)

    def outward(self, record: Record) -> Product:
        """The product with absolute paths."""
        product = record.product
        return replace(product, path=self.absolute(product.path), source_path=self.absolute(product.source_path))


def state_of(product: Product, record: Record) -> str:
    """Is the file of ``product`` (with absolute paths) ``"here"`` as it was recorded, ``"changed"`` or ``"missing"``?"""
    try:
        stat = Path(product.path).stat()
    except OSError:
        return "missing"
    same = stat.st_size == product.size_bytes and abs(stat.st_mtime_ns - record.mtime_ns) <= _MTIME_TOLERANCE_NS
    return "here" if same else "changed"


def touch(record: Path) -> None:
    """What ``record`` is about is being used: its time says so, to an hour. For ``pruning``; nothing else hangs on it."""
    with suppress(OSError):
        if abs(time.time() - record.stat().st_mtime) > _TOUCH_SECONDS:
            os.utime(record)


def stem(key: str) -> str:
    """File name of a key's manifest; keys are hexadecimal, anything else is hashed."""
    return key if _PLAIN.match(key) else hashlib.blake2b(key.encode(errors="surrogatepass"), digest_size=16).hexdigest()
