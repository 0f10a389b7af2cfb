"""Identity of a medium's content: survives moving, renaming and copying; changes with the bytes."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass

import xxhash

from otio_perf.errors import CorruptMediaError
from otio_perf.media import sequences
from otio_perf.media.regular import open_regular, regular_file
from otio_perf.model.media import Sequence

#: Files up to this size are hashed whole.
WHOLE_BYTES = 1 << 20
#: Larger ones: this much at the head, at the tail and at the starts of the second to fourth quarter.
SAMPLE_BYTES = 64 << 10
#: Pictures of a sequence whose content is sampled, evenly spread, the first and the last among them.
SAMPLED_PICTURES = 16

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What the file system says about a file: cheap to ask, so that a fingerprint need not be computed again.

    Of a sequence: sum of sizes, latest time, and a hash of all its files' identities in ``inode``.
    """

    size_bytes: int
    mtime_ns: int
    inode: int
    device: int


def fingerprint(medium: str | Sequence) -> str:
    """``"xxh3:"`` and 32 hex digits made of size and sampled content; well under a millisecond for a file in cache.

    A file: its size and five pieces of 64 KiB (head, tail, and between); up to 1 MiB all of it. A sequence: number and
    size of every picture, and the fingerprints of 16 of them, spread evenly; neither folder nor name count.

    :raises OfflineMediaError: not there. :raises RefusedMediaError: not a regular file.
    :raises CorruptMediaError: cannot be read.
    """
    if isinstance(medium, Sequence):
        return _sequence_fingerprint(medium)
    file, descriptor = open_regular(medium)
    size = file.status.st_size
    state = xxhash.xxh3_128(struct.pack("<Q", size))
    with os.fdopen(descriptor, "rb", buffering=0) as stream:
        try:
            if size <= WHOLE_BYTES:
                state.update(stream.read(WHOLE_BYTES))
            else:
                for start in (0, size // 4, size // 2, size // 4 * 3, size - SAMPLE_BYTES):
                    stream.seek(start)
                    state.update(stream.read(SAMPLE_BYTES))
        except OSError as error:
            raise _unreadable(medium, error) from error
    return f"xxh3:{state.hexdigest()}"


def identity(medium: str | Sequence) -> Identity:
    """Size, time of change, inode and device: equal as long as nobody touched the file.

    :raises MediaError: as :func:`fingerprint`.
    """
    if not isinstance(medium, Sequence):
        return _identity(regular_file(medium).status)
    state = xxhash.xxh3_64()
    size = latest = device = 0
    for number, entry in sequences.files(medium):
        status = entry.stat()
        state.update(struct.pack("<QqqQ", number, status.st_size, status.st_mtime_ns, status.st_ino))
        size, latest, device = size + status.st_size, max(latest, status.st_mtime_ns), status.st_dev
    return Identity(size_bytes=size, mtime_ns=latest, inode=state.intdigest(), device=device)


def digest(path: str, tick: Callable[[], None] = lambda: None) -> str:
    """``"xxh3:"`` and 32 hex digits of all bytes: the checksum of a finished proxy.

    :param tick: called for each mebibyte: a sign of life, and a place to stop by raising.
    :raises MediaError: as :func:`fingerprint`.
    """
    _, descriptor = open_regular(path)
    state = xxhash.xxh3_128()
    with os.fdopen(descriptor, "rb", buffering=0) as stream:
        try:
            while chunk := stream.read(_CHUNK_BYTES):
                state.update(chunk)
                tick()
        except OSError as error:
            raise _unreadable(path, error) from error
    return f"xxh3:{state.hexdigest()}"


def _sequence_fingerprint(sequence: Sequence) -> str:
    sequences.require_complete(sequence)
    pictures = sequences.files(sequence)
    state = xxhash.xxh3_128(struct.pack("<Q", len(pictures)))
    for number, entry in pictures:
        state.update(struct.pack("<QQ", number, entry.stat().st_size))
    last = len(pictures) - 1
    count = min(SAMPLED_PICTURES, len(pictures))
    for index in sorted({round(i * last / max(1, count - 1)) for i in range(count)}):
        state.update(fingerprint(pictures[index][1].path).encode())
    return f"xxh3:{state.hexdigest()}"


def _identity(status: os.stat_result) -> Identity:
    return Identity(size_bytes=status.st_size, mtime_ns=status.st_mtime_ns, inode=status.st_ino, device=status.st_dev)


def _unreadable(path: str, error: OSError) -> CorruptMediaError:
    return CorruptMediaError(f"cannot be read: {error.strerror}", path=path, hint="Check the disk or the network share")
