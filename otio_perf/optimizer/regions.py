"""Files of prerendered regions, joined of chunks: what any host plays."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from otio_perf.cache.renders import RegionNames, Render, RenderKind
from otio_perf.media import concat
from otio_perf.model.chunks import Chunk
from otio_perf.model.timing import FrameRange
from otio_perf.model.uses import Survey
from otio_perf.optimizer.chunked import Chunks
from otio_perf.optimizer.session import Session

#: Raise it when the same chunks are joined otherwise.
_REGION_VERSION = 2


class Stored(NamedTuple):
    """Frames ``[start, stop)`` of a timeline, where they can be played."""

    start: int
    stop: int
    key: str
    path: str
    size_bytes: int


class Storing(Protocol):
    """How runs of chunks, one after the other without a gap, become something that is played."""

    def is_there(self, run: Sequence[Chunk]) -> bool:
        """Is there nothing to be written?"""
        ...

    def held(self, run: Sequence[Chunk]) -> Sequence[tuple[FrameRange, str]]:
        """Parts of the run that have no place, and why."""
        ...

    def joining(self) -> AbstractContextManager[None]:
        """Around all calls of ``join`` of a run of the command."""
        ...

    def join(self, run: Sequence[Chunk]) -> Stored | None:
        """``None``: the run is too short for what is played. :raises MediaError, CacheError: it cannot be read, or written"""
        ...


class Regions:
    """A file of its own for each run, in the workspace."""

    def __init__(self, session: Session, chunks: Chunks, survey: Survey, timeline: Path) -> None:
        self.session, self.chunks, self.survey, self.timeline = session, chunks, survey, timeline
        self.renders = session.index.renders
        self._names: RegionNames | None = None
        self._elsewhere: set[str] = set()

    def is_there(self, run: Sequence[Chunk]) -> bool:
        return self.chunks.there(self._key(run)) is not None

    def held(self, run: Sequence[Chunk]) -> Sequence[tuple[FrameRange, str]]:
        del run
        return ()

    @contextmanager
    def joining(self) -> Iterator[None]:
        workspace = self.session.workspace
        with workspace.writing(), workspace.lock("regions"):
            self._names = self.renders.region_names()
            yield
        if elsewhere := sorted(self._elsewhere - {str(self.renders.folder)}):
            self.session.note(f"prerendered regions of other workspaces are used where they lie: {', '.join(elsewhere)}")

    def join(self, run: Sequence[Chunk]) -> Stored:
        file = self._file(run)
        self._elsewhere.add(str(Path(file.path).parent))
        return Stored(run[0].start, run[-1].stop, file.key, file.path, file.size_bytes)

    def _file(self, run: Sequence[Chunk]) -> Render:
        """The file of ``run``; joined where it is not there."""
        key = self._key(run)
        found = self.chunks.there(key)
        if found is not None:
            return found
        assert self._names is not None
        label, frames = self.survey.timecode(run[0].start), sum(map(len, run))
        joined = concat.join(
            [self.chunks.piece(chunk) for chunk in run],
            self._names.path(self.timeline.stem, label, frames, key=key),
            frame_rate=self.survey.frame_rate,
            start_timecode=label,
            key=key,
            tick=self.session.check_stop,
        )
        render = Render(
            key=key,
            kind=RenderKind.REGION,
            path=joined.path,
            frames=joined.frames,
            size_bytes=joined.size_bytes,
            digest=joined.digest,
        )
        self.renders.put(render)
        return render

    def _key(self, run: Sequence[Chunk]) -> str:
        words = ["region", str(_REGION_VERSION), self.survey.timecode(run[0].start), *map(self.chunks.key_of, run)]
        return hashlib.blake2b("\n".join(words).encode(), digest_size=16).hexdigest()
