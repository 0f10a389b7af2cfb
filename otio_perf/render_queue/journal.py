"""What was asked of the queue and is not over, on disk: written before it is acted upon, replayed after a crash.

An SQLite file with a row for each event of ``state`` that says what is wanted (submissions, cancels, pauses, priorities, pins)
or over (``Recorded``). What runs where is no part of it: after a crash nothing runs. Tasks are kept once, however many events
name them.

What a person asked for is written with ``synchronous=FULL``: an answer means that it survives the end of power. What is over is
written with ``NORMAL``: it survives our own end, by ``kill -9`` too; the end of power may forget the last of it, and costs a
look at a product that is found ready.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from otio_perf.cache.database import Connection, Database
from otio_perf.errors import CacheError
from otio_perf.model import wire
from otio_perf.model.tasks import Task
from otio_perf.render_queue import messages

VERSION = 1
_TABLES = """
    CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT);
    CREATE TABLE events(number INTEGER PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE tasks(key TEXT PRIMARY KEY, body BLOB NOT NULL);
"""

#: Rewritten when it has so many events, and so many times more than what it says.
_COMPACTED_EVENTS, _COMPACTED_RATIO = 1000, 4

Kept = (
    messages.Submitted
    | messages.CancelRequested
    | messages.PauseRequested
    | messages.ResumeRequested
    | messages.Prioritized
    | messages.Focused
    | messages.Recorded
)


class Journal:
    """:param snapshot: the events that say what is wanted now: written where the file got lost or damaged under way

    :raises CacheError: it cannot be opened, or a newer otio-perf wrote it
    """

    def __init__(self, path: Path, *, snapshot: Callable[[], Sequence[messages.Event]] = tuple) -> None:
        self._path, self._snapshot = path, snapshot
        self._was_there = path.exists()
        self._notices: list[str] = []
        self._compact_at = _COMPACTED_EVENTS
        self._database: Database | None = self._opened()
        self._events = self._alive().read(lambda c: int(c.execute("SELECT count(*) FROM events").fetchone()[0]))

    def read(self, snapshot: Callable[[], Sequence[messages.Event]]) -> list[messages.Event]:
        """All that was written, in order; from now on ``snapshot`` says what is wanted.

        What another version wrote and this one cannot read is left out, with a notice.
        """
        self._snapshot = snapshot
        tasks: dict[str, Task] = {}
        events: list[messages.Event] = []
        foreign = 0

        def rows(connection: Connection) -> tuple[list[Any], list[Any]]:
            return (
                connection.execute("SELECT key, body FROM tasks").fetchall(),
                connection.execute("SELECT body FROM events ORDER BY number").fetchall(),
            )

        bodies, texts = self._alive().read(rows)
        for key, body in bodies:
            try:
                tasks[key] = wire.loads(Task, zlib.decompress(body))  # type: ignore[arg-type]  # a union is a type to wire
            except (ValueError, TypeError, zlib.error):
                foreign += 1
        for (text,) in texts:
            try:
                events.append(_event(text, tasks))
            except (ValueError, TypeError, KeyError):
                foreign += 1
        if foreign:
            self._notices.append(f"{self._path.name}: {foreign} entries are of another version of otio-perf, and left out")
        return events

    def append(self, events: Sequence[Kept], *, known: Container[str], is_lasting: bool = True) -> None:
        """Write ``events``, all or none. The tasks of those ``known`` (keys) are written already.

        :raises DiskFullError, CacheError: nothing was written
        """

        def write(connection: Connection) -> None:
            _write(connection, events, known)

        self._alive().write(write, is_lasting=is_lasting)
        self._events += len(events)

    def compact(self, wanted: int) -> None:
        """Leave nothing but what is wanted, where much of it is over. :param wanted: tasks without an outcome

        :raises DiskFullError, CacheError: it stays as it is
        """
        if self._events < max(self._compact_at, _COMPACTED_RATIO * wanted):
            return
        self._compact_at = self._events + _COMPACTED_EVENTS  # not again at once, should it fail
        self.rewrite()
        self._compact_at = _COMPACTED_EVENTS

    def rewrite(self) -> None:
        """Leave nothing but the snapshot."""
        events = self._snapshot()

        def write(connection: Connection) -> None:
            connection.execute("DELETE FROM events")
            connection.execute("DELETE FROM tasks")
            _write(connection, events, ())

        self._alive().write(write)
        self._events = len(events)

    def notices(self) -> list[str]:
        """What has to be said since it was last asked."""
        found = [*self._notices]
        self._notices.clear()
        if self._database is not None:
            found += self._database.notices
            self._database.notices.clear()
        return found

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _alive(self) -> Database:
        """Removed under way, it is made anew: SQLite would go on writing into a file that nobody finds again."""
        if self._database is None or not self._path.exists():
            self._notices += self.notices()
            self.close()
            self._database = self._opened()
        return self._database

    def _opened(self) -> Database:
        try:
            self._path.parent.mkdir(exist_ok=True)
        except OSError as e:
            raise CacheError(f"the queue's journal cannot be made: {e.strerror}", path=self._path) from e
        lock = self._path.with_suffix(".lock")
        return Database(self._path, lock, tables=_TABLES, version=VERSION, fill=self._fill, called="the queue's journal")

    def _fill(self, connection: Connection) -> str:
        events = self._snapshot()
        _write(connection, events, ())
        self._events = len(events)
        was_there, self._was_there = self._was_there, True
        if events:
            return "what is wanted was written anew"
        return "what was asked for before is forgotten" if was_there else ""


def _write(connection: Connection, events: Iterable[messages.Event], known: Container[str]) -> None:
    for event in events:
        body = wire.to_json(replace(event, tasks=()) if isinstance(event, messages.Submitted) else event)
        if isinstance(event, messages.Submitted):
            body["tasks"] = [task.key for task in event.tasks]
            connection.executemany(
                "INSERT OR REPLACE INTO tasks VALUES (?, ?)",
                ((task.key, zlib.compress(wire.dumps(task).encode(), 1)) for task in event.tasks if task.key not in known),
            )
        connection.execute("INSERT INTO events(body) VALUES (?)", (json.dumps(body),))


def _event(text: str, tasks: dict[str, Task]) -> messages.Event:
    body = json.loads(text)
    if body["type"] != messages.Submitted.__name__:
        event: messages.Event = wire.from_json(Kept, body)
        return event
    keys = body["tasks"]
    submitted: messages.Submitted = wire.from_json(messages.Submitted, {**body, "tasks": []})
    return replace(submitted, tasks=tuple(tasks[key] for key in keys if key in tasks))
