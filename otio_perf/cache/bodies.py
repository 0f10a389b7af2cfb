"""Values in rows of the index, each with a checksum, and names of files in a form that SQLite takes."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable
from typing import Any, TypeVar

from otio_perf.cache.database import damaged
from otio_perf.model import wire

T = TypeVar("T")


def body(value: object) -> tuple[str, int]:
    """As it is stored, and its checksum."""
    stored = json.dumps(wire.to_json(value))
    return stored, zlib.crc32(stored.encode())


def bodies(cls: type[T], rows: Iterable[tuple[Any, Any]]) -> list[T]:
    """The values of ``(body, crc)`` rows. SQLite has no checksums for what it stores, so each body carries one."""
    values: list[T] = []
    for stored, crc in rows:
        if not isinstance(stored, str) or zlib.crc32(stored.encode(errors="replace")) != crc:
            raise damaged("a row has changed")
        try:
            values.append(wire.from_json(cls, json.loads(stored)))
        except (ValueError, TypeError, KeyError):
            continue  # written by another version of the model: as if it were not there
    return values


def blob(path: str) -> bytes:
    """A path, whatever bytes it has."""
    return os.fsencode(path)


def text(name: str) -> str:
    """Undecodable bytes of a file name, in a form that SQLite takes."""
    return name.encode("utf-8", "backslashreplace").decode()
