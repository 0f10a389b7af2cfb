"""Short notes of the index, by name."""

from __future__ import annotations

from otio_perf.cache.bodies import text
from otio_perf.cache.database import Database

#: Of the whole index, and of its notes.
TABLES = "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL)"


class Notes:
    """What was learnt of files that are on no record here, those of other workspaces: ``what`` of the file at ``path``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, what: str, path: str) -> bytes | None:
        row = self._database.read(lambda c: c.execute("SELECT value FROM meta WHERE name = ?", (_name(what, path),)).fetchone())
        return bytes(row[0]) if row is not None and isinstance(row[0], bytes) else None

    def put(self, what: str, path: str, value: bytes) -> None:
        self._database.write(lambda c: c.execute("INSERT OR REPLACE INTO meta VALUES (?,?)", (_name(what, path), value)))


def _name(what: str, path: str) -> str:
    return text(f"{what} of {path}")
