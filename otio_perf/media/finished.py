"""Finished proxies that need not be made again: one that no index knows, one that lies elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from otio_perf.errors import MediaError
from otio_perf.media.encode import KEY_TAG, look_of
from otio_perf.media.encodings import ENCODINGS
from otio_perf.media.fingerprint import digest
from otio_perf.media.publish import part_file, publish, require_room, write_error
from otio_perf.media.safe_open import safe_open
from otio_perf.media.verify import verify
from otio_perf.model.media import MediaInfo
from otio_perf.model.plans import Product
from otio_perf.model.timing import FrameRate

_CHUNK_BYTES = 1 << 20


def key_in(path: str | Path) -> str | None:
    """``Product.key`` that the file itself carries; ``None``: nothing is there, or nothing that otio_perf made."""
    try:
        with safe_open(str(path)) as container:
            tags = {name.lower(): value for name, value in container.metadata.items()}  # Matroska writes them in capitals
            return tags.get(KEY_TAG)
    except MediaError:
        return None


def recovered(product: Product, media: MediaInfo, rate: FrameRate, tick: Callable[[], None]) -> Product | None:
    """``product`` with its size and digest, if the file at its path is that and keeps the contract; ``None``: it is not.

    Whoever made it was killed between giving it its name and recording it.

    :raises TaskCancelledError: ``tick`` did.
    """
    video, path = media.picture, Path(product.path)
    if video is None or key_in(path) != product.key:
        return None
    try:
        look = look_of(product, video, ENCODINGS[product.recipe.codec])
        verify(product, media, path, rate=rate, look=look, tick=tick)
        return replace(product, size_bytes=path.stat().st_size, digest=digest(str(path), tick))
    except (MediaError, FileNotFoundError):
        return None


def copied(found: Product, wanted: Product, tick: Callable[[], None]) -> Product | None:
    """A copy of ``found`` under the path of ``wanted``; ``None``: its bytes are no longer those that were made.

    :raises DiskFullError: no room. :raises EncodeError: the folder cannot be written to.
    :raises TaskCancelledError: ``tick`` did.
    """
    require_room(wanted.path, found.size_bytes)
    with part_file(wanted.path) as part:
        try:
            with Path(found.path).open("rb") as source, part.open("wb") as target:
                while chunk := source.read(_CHUNK_BYTES):
                    target.write(chunk)
                    tick()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise write_error(error, wanted.path) from error
        if digest(str(part), tick) != found.digest:
            return None
        publish(part, wanted.path, tick=tick)
    return replace(found, path=wanted.path, source_path=wanted.source_path)
