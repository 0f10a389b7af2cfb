"""Sources that must stay as they were known while something is made of them: what is made would be a mixture otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from otio_perf.errors import CorruptMediaError, EffectError, MediaError
from otio_perf.media.fingerprint import Identity, fingerprint, identity
from otio_perf.model.media import MediaInfo, Sequence


class Unchanged:
    """``media`` by their fingerprints, other ``files`` by their ``digest``: looked at when it is made, and by ``require``.

    :raises CorruptMediaError: one has changed. :raises MediaError, EffectError: one cannot be read.
    """

    def __init__(self, media: Iterable[MediaInfo], files: Mapping[str, str], digest: Callable[[str], str]) -> None:
        self._media, self._files, self._digest = tuple(media), files, digest
        self._before: dict[str, Identity] = {info.path: identity(_medium(info)) for info in self._media}
        self.require()

    def require(self) -> None:
        """:raises CorruptMediaError: one is another by now, or was touched. :raises MediaError: one is gone"""
        for info in self._media:
            medium = _medium(info)
            if identity(medium) != self._before[info.path] or fingerprint(medium) != info.fingerprint:
                raise _changed(info.path)
        for path, content in self._files.items():
            if self._digest(path) != content:
                raise _changed(path)

    @contextmanager
    def throughout(self) -> Iterator[None]:
        """Required at the end of the block; where the block fails, that a source has changed is the better reason."""
        try:
            yield
        except (MediaError, EffectError):
            self.require()
            raise
        self.require()


def _medium(info: MediaInfo) -> str | Sequence:
    return info.sequence or info.path


def _changed(path: str) -> CorruptMediaError:
    return CorruptMediaError("has changed since it was looked at", path=path, hint="Run it again when the file has settled")
