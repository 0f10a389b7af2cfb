"""An SQLite file that may be lost: damage is noticed, the file moved aside, and a new one filled by the caller.

Write-ahead log, several processes at once. SQLite's log needs shared memory, which network file systems do not offer: on
them SQLite falls back to a plain journal where it can tell; a workspace used from two machines at once is not supported.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from otio_perf.cache import locks
from otio_perf.errors import CacheError, CorruptCacheError, DiskFullError

T = TypeVar("T")
Connection = sqlite3.Connection

_BUSY_SECONDS = 30.0
#: ``quick_check`` reads the whole file (about 1 s per GB from the page cache); beyond this, damage shows when it is met.
_CHECKED_BYTES = 64 << 20


class _DamagedError(Exception):
    """The file is no index of ours any more."""


class Database:
    """One connection, used under a lock.

    :param called: what it is, in messages
    :param tables: statements that make them; one must be ``meta(name TEXT PRIMARY KEY, value TEXT)``.
    :param fill: called within the transaction that makes the tables; says in words what it brought back, or ``""``.
    :raises CacheError: the file cannot be opened, or a newer program wrote it.
    """

    def __init__(
        self,
        path: Path,
        lock: Path,
        *,
        tables: str,
        version: int,
        fill: Callable[[Connection], str],
        called: str = "index",
    ) -> None:
        self._path, self._lock_path, self._called = path, lock, called
        self._tables, self._version, self._fill = tables, version, fill
        self._mutex = threading.RLock()
        self._connection: Connection | None = None
        self._file: tuple[int, int] | None = None
        self.notices: list[str] = []
        with locks.held(lock):
            self._open()

    def read(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` returns; done a second time on a new file if this one turns out to be damaged."""
        with self._mutex:
            try:
                return work(self._alive())
            except sqlite3.DatabaseError as e:
                self._recover(e)
            except _DamagedError as e:
                self._heal(str(e))
            try:
                return work(self._alive())
            except (sqlite3.DatabaseError, _DamagedError) as e:
                raise CorruptCacheError(
                    f"{self._called} cannot be used: {e}", path=self._path, hint="delete it and run again"
                ) from e

    def write(self, work: Callable[[Connection], T], *, is_lasting: bool = False) -> T:
        """As ``read``, in a transaction.

        :param is_lasting: it survives the end of power too, with all that was written before; without, only our own end
        """

        def transaction(connection: Connection) -> T:
            connection.execute(f"PRAGMA synchronous={'FULL' if is_lasting else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                value = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return value

        return self.read(transaction)

    def close(self) -> None:
        with self._mutex:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @property
    def size_bytes(self) -> int:
        return sum(p.stat().st_size for p in self._files() if p.exists())

    def _alive(self) -> Connection:
        if self._connection is None:
            raise CacheError(f"{self._called} is closed", path=self._path)
        return self._connection

    def _open(self) -> None:
        """With the lock held."""
        try:
            self._connection = self._connect()
            self._check(self._connection)
        except _DamagedError as e:
            self._replace(str(e))
        except sqlite3.DatabaseError as e:
            if not _means_damage(e):
                raise self._explained(e) from e
            self._replace(str(e))
        self._file = _identity(self._path)

    def _connect(self) -> Connection:
        connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchone()
            connection.execute("PRAGMA synchronous=NORMAL")
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection

    def _check(self, connection: Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if version == 0 and tables == 0:
            self._make(connection, f"{self._called} was missing")
            return
        row = connection.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchone()
        if row is None or row[0] != str(version):
            raise _DamagedError("its version is unreadable")
        if version > self._version:
            connection.close()
            raise CacheError(
                f"{self._called} of version {version}, this otio-perf knows {self._version}",
                path=self._path,
                hint="update otio-perf, or choose another folder with --workspace DIR",
            )
        if version < self._version:
            raise _DamagedError(f"its version {version} is out of date")
        if self._path.stat().st_size <= _CHECKED_BYTES:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise _DamagedError(str(verdict).splitlines()[-1])

    def _make(self, connection: Connection, why: str) -> None:
        connection.execute("BEGIN IMMEDIATE")
        for statement in filter(str.strip, self._tables.split(";")):
            connection.execute(statement)
        connection.execute("INSERT INTO meta VALUES ('schema_version', ?)", (str(self._version),))
        connection.execute(f"PRAGMA user_version = {self._version:d}")
        brought_back = self._fill(connection)
        connection.execute("COMMIT")
        if brought_back:
            self.notices.append(f"{why}: {brought_back}")

    def _replace(self, why: str) -> None:
        """Move the file aside and make a new one. With the lock held."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        aside = self._path.with_name(time.strftime(f"{self._path.stem}.corrupt-%Y%m%dT%H%M%S", time.gmtime()))
        number = 1
        while aside.exists():
            number += 1
            aside = aside.with_name(f"{aside.name.partition('~')[0]}~{number}")
        try:
            for file, suffix in zip(self._files(), ("", "-wal", "-shm"), strict=True):
                if file.exists():
                    file.replace(f"{aside}{suffix}")
            self._connection = self._connect()
            self._make(self._connection, f"{self._called} was damaged ({why}) and is now {aside.name}")
        except sqlite3.DatabaseError as e:
            raise self._explained(e) from e
        except OSError as e:
            raise CacheError(f"damaged {self._called} cannot be moved: {e.strerror}", path=self._path, hint="delete it") from e

    def _recover(self, error: sqlite3.DatabaseError) -> None:
        """Make the next try possible, or say why there is none."""
        if _identity(self._path) != self._file:  # somebody else moved it aside
            self._reopen()
        elif _means_damage(error):
            self._heal(str(error))
        else:
            raise self._explained(error) from error

    def _heal(self, why: str) -> None:
        with locks.held(self._lock_path):
            if _identity(self._path) == self._file:
                self._replace(why)
                self._file = _identity(self._path)
                return
        self._reopen()

    def _reopen(self) -> None:
        self.close()
        with locks.held(self._lock_path):
            self._open()

    def _explained(self, error: sqlite3.DatabaseError) -> CacheError:
        code = _code(error)
        if code == sqlite3.SQLITE_FULL:
            return DiskFullError("disk full", path=self._path, hint="make room: otio-perf cache clear")
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return CacheError(f"{self._called} is busy", path=self._path, hint="another otio-perf is at work: wait for it")
        return CacheError(
            f"{self._called} cannot be used: {error}", path=self._path, hint="choose another folder with --workspace DIR"
        )

    def _files(self) -> tuple[Path, Path, Path]:
        return self._path, Path(f"{self._path}-wal"), Path(f"{self._path}-shm")


def damaged(why: str) -> Exception:
    """To be raised by ``work`` that met an impossible value."""
    return _DamagedError(why)


def _means_damage(error: sqlite3.DatabaseError) -> bool:
    code = _code(error)
    if code == sqlite3.SQLITE_ERROR:
        return "no such table" in str(error) or "no such column" in str(error) or "malformed" in str(error)
    if code == sqlite3.SQLITE_IOERR:
        return error.sqlite_errorcode == sqlite3.SQLITE_IOERR_SHORT_READ
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_FORMAT)


def _code(error: sqlite3.DatabaseError) -> int:
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
