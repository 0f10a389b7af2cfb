"""What was learnt of media: unchanged means not looked at again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from otio_perf.cache.bodies import blob, bodies, body
from otio_perf.cache.database import Connection, Database
from otio_perf.cache.manifests import Manifests
from otio_perf.model.media import MediaInfo, Sequence

TABLES = """
CREATE TABLE probes(
    path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, fingerprint TEXT NOT NULL,
    body TEXT NOT NULL, crc INTEGER NOT NULL)"""

Identity = tuple[str, int, int]
"""Path, size in bytes and modification time in nanoseconds of a medium."""


class Probes:
    """The probes on record."""

    def __init__(self, database: Database, manifests: Manifests) -> None:
        self._database, self._manifests = database, manifests

    def count(self) -> int:
        return int(self._database.read(lambda c: c.execute("SELECT count(*) FROM probes").fetchone()[0]))

    def get(self, identity: Identity) -> MediaInfo | None:
        """What was learnt of a medium that has not changed since."""

        def find(c: Connection) -> list[MediaInfo]:
            query = "SELECT body, crc FROM probes WHERE path = ? AND size = ? AND mtime_ns = ?"
            return bodies(MediaInfo, c.execute(query, (blob(self._manifests.inward(path)), size, mtime_ns)))

        path, size, mtime_ns = identity
        return next((_at(path, info) for info in self._database.read(find)), None)

    def put(self, identity: Identity, media: MediaInfo) -> None:
        """Keep what a probe said; an older answer for that path is replaced."""
        path, size, mtime_ns = identity
        row = (blob(self._manifests.inward(path)), size, mtime_ns, media.fingerprint, *body(media))
        self._database.write(lambda c: c.execute("INSERT OR REPLACE INTO probes VALUES (?,?,?,?,?,?)", row))

    def clear(self) -> None:
        self._database.write(lambda c: c.execute("DELETE FROM probes"))

    def pictures_at(self, recorded: str) -> Sequence | None:
        """The numbered pictures that were found where ``recorded`` is, when it was looked at."""
        query = "SELECT body, crc FROM probes WHERE path = ?"
        found = self._database.read(lambda c: bodies(MediaInfo, c.execute(query, (blob(recorded),))))
        return next((_at(self._manifests.absolute(recorded), info).sequence for info in found), None)


def _at(path: str, media: MediaInfo) -> MediaInfo:
    """``media`` where it is now: the folder may have moved since it was looked at."""
    sequence = media.sequence and replace(media.sequence, directory=str(Path(path).parent))
    return replace(media, path=path, sequence=sequence)
