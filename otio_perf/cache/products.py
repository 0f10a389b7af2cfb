"""What was made of media: proxies. The manifests are the truth about them; a product is written there first."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterator
from dataclasses import replace
from pathlib import Path

from otio_perf.cache import names
from otio_perf.cache.bodies import blob, bodies, body, text
from otio_perf.cache.database import Connection, Database
from otio_perf.cache.manifests import Manifests, Record, state_of, stem, touch
from otio_perf.cache.notes import Notes
from otio_perf.errors import CacheError
from otio_perf.model.plans import Product

TABLES = """
CREATE TABLE products(
    key TEXT PRIMARY KEY, stem TEXT NOT NULL, fingerprint TEXT NOT NULL, path BLOB NOT NULL, same_name TEXT NOT NULL,
    size INTEGER NOT NULL, state TEXT NOT NULL, body TEXT NOT NULL, crc INTEGER NOT NULL);
CREATE INDEX product_paths ON products(path);
CREATE INDEX product_names ON products(same_name);
CREATE TABLE sources(path BLOB NOT NULL, key TEXT NOT NULL, seen INTEGER NOT NULL, PRIMARY KEY (path, key)) WITHOUT ROWID;
CREATE INDEX source_keys ON sources(key)"""

#: Note of what the proxy of another workspace was made of.
_ORIGINAL = "original"
_TOUCHED = "its modification time has changed"

_IS_STALE = """(    EXISTS (SELECT 1 FROM sources s JOIN probes p ON p.path = s.path
            WHERE s.key = products.key AND p.fingerprint <> products.fingerprint)
    AND NOT EXISTS (SELECT 1 FROM sources s JOIN probes p ON p.path = s.path
            WHERE s.key = products.key AND p.fingerprint = products.fingerprint))"""


class Products:
    """The products on record."""

    def __init__(self, database: Database, manifests: Manifests, notes: Notes) -> None:
        self._database, self._manifests, self._notes = database, manifests, notes
        self._follow_manifests()

    @staticmethod
    def fill(c: Connection, manifests: Manifests) -> str:
        """Bring back into an empty index what ``manifests`` have; in words."""
        count = 0
        for record in manifests.records():
            _insert(c, record)
            count += 1
        return f"rebuilt with {count} products from {manifests.folder.name}/" if count else ""

    def put(self, product: Product) -> None:
        """Record a finished product. :raises CacheError: its file is not there, or not of ``product.size_bytes``."""
        try:
            stat = Path(product.path).stat()
        except OSError as e:
            raise CacheError(f"finished proxy is not there: {e.strerror}", path=product.path) from e
        if stat.st_size != product.size_bytes:
            raise CacheError(f"finished proxy has {stat.st_size} bytes, not {product.size_bytes}", path=product.path)
        before = self._manifests.read(product.key)
        source = self._manifests.inward(product.source_path)
        paths = [p for p in (before.source_paths if before else ()) if p != source]
        record = Record(
            product=replace(product, path=self._manifests.inward(product.path), source_path=source),
            source_paths=(*paths, source),
            mtime_ns=stat.st_mtime_ns,
        )
        self._keep(record)

    def add_source(self, key: str, path: str) -> None:
        """Note that the source of the product ``key`` is at ``path`` by now: where it was seen last is where it is."""
        record = self._record(key)
        source = self._manifests.inward(path)
        if record is not None and record.source_paths[-1:] != (source,):
            paths = [p for p in record.source_paths if p != source]
            product = replace(record.product, source_path=source)
            self._keep(replace(record, product=product, source_paths=(*paths, source)))

    def get(self, key: str) -> Product | None:
        """The product ``key`` if its file is there and unchanged (size, modification time)."""
        record = self._record(key)
        found = self._present(record) if record else None
        if found is not None:
            touch(self._manifests.path_of(key))
        return found

    def all(self) -> tuple[Product, ...]:
        """All products whose file is there, by key."""
        return tuple(p for r in self._records() if (p := self._present(r)))

    def of_path(self, source_path: str) -> tuple[Product, ...]:
        """The products of the medium at ``source_path`` that are there and not stale."""

        def find(c: Connection) -> list[Record]:
            return bodies(
                Record,
                c.execute(
                    "SELECT body, crc FROM products JOIN sources USING (key) WHERE sources.path = ?"
                    f" AND NOT {_IS_STALE} ORDER BY key",
                    (blob(self._manifests.inward(source_path)),),
                ),
            )

        return tuple(p for r in self._database.read(find) if (p := self._present(r)))

    def original_of(self, proxy_path: str) -> str | None:
        """Path of the medium that ``proxy_path`` was made of, where it was seen last; also if the proxy is gone."""

        def find(c: Connection) -> list[Record]:
            return bodies(
                Record, c.execute("SELECT body, crc FROM products WHERE path = ?", (blob(self._manifests.inward(proxy_path)),))
            )

        paths = [self._manifests.absolute(p) for record in self._database.read(find) for p in record.source_paths]
        if not paths and (noted := self._notes.get(_ORIGINAL, proxy_path)) is not None:
            return self._manifests.absolute(os.fsdecode(noted))
        here = [p for p in paths if Path(p).exists()]
        return next(reversed(here or paths), None)

    def key_at(self, path: str | Path) -> str | None:
        """Key of the product that owns ``path`` (or a name that a case-insensitive file system takes for it)."""
        name = names.same_name(self._manifests.inward(path))
        row = self._database.read(lambda c: c.execute("SELECT key FROM products WHERE same_name = ?", (text(name),)).fetchone())
        return None if row is None else str(row[0])

    def put_original(self, proxy_path: str, source_path: str) -> None:
        """Note what the proxy of another workspace stands for here: the other may know the medium in another place."""
        if self.original_of(proxy_path) != source_path:
            self._notes.put(_ORIGINAL, proxy_path, blob(self._manifests.inward(source_path)))

    def on_record(self, source_path: str) -> tuple[tuple[Product, bool], ...]:
        """All of the medium at ``source_path`` that are there; whether each is stale: the source was found to be another."""

        def find(c: Connection) -> list[tuple[Record, bool]]:
            rows = c.execute(
                f"SELECT body, crc, {_IS_STALE} FROM products JOIN sources USING (key) WHERE sources.path = ? ORDER BY key",
                (blob(self._manifests.inward(source_path)),),
            ).fetchall()
            return [(record, bool(stale)) for said, crc, stale in rows for record in bodies(Record, [(said, crc)])]

        return tuple((p, stale) for r, stale in self._database.read(find) if (p := self._present(r)))

    def source_paths(self) -> tuple[str, ...]:
        """Where media were seen that something is on record of; nothing is looked at."""
        rows = self._database.read(lambda c: c.execute("SELECT DISTINCT path FROM sources").fetchall())
        return tuple(self._manifests.absolute(os.fsdecode(path)) for (path,) in rows)

    def forget(self, key: str) -> int | None:
        """Delete the file of ``key`` if it was made here, and what is known of it. :returns: bytes of a file that went"""
        record = self._record(key)
        return None if record is None else self._forget(record)

    # ---- all of them

    def recorded(self) -> int:
        return int(self._database.read(lambda c: c.execute("SELECT count(*) FROM products").fetchone()[0]))

    def present(self) -> tuple[Record, ...]:
        """All whose file is there and unchanged; paths as they are recorded."""
        return tuple(r for r in self._records() if self._present(r))

    def faults(self, digest: Callable[[Path], str], *, repair: bool) -> Iterator[tuple[str, str, str | None]]:
        """Path, what is wrong with it, and what was done about it: as ``housekeeping.verify``."""
        for record in self._records():
            product = self._manifests.outward(record)
            problem = _problem(product, record, digest)
            if problem is None:
                continue
            done = None
            if repair and problem is _TOUCHED:
                self.put(product)
                done = "taken back"
            elif repair:
                self._forget(record)
                done = "will be made anew"
            yield product.path, problem, done

    def clear(self, *, keep: Container[str] = (), dry_run: bool = False) -> tuple[tuple[str, int], ...]:
        """Delete those that were made here: fingerprint of the source and bytes of each file that went.

        :param keep: paths of those that stay.
        :param dry_run: delete nothing, say what would go.
        """
        free = self._size_to_free if dry_run else self._forget
        here = self._manifests.absolute
        going = [r for r in self._records() if not r.product.is_adopted and here(r.product.path) not in keep]
        return tuple((r.product.source_fingerprint, size) for r in going if (size := free(r)) is not None)

    # ---- records

    def _records(self) -> list[Record]:
        return self._database.read(lambda c: bodies(Record, c.execute("SELECT body, crc FROM products ORDER BY key")))

    def _record(self, key: str) -> Record | None:
        def find(c: Connection) -> list[Record]:
            return bodies(Record, c.execute("SELECT body, crc FROM products WHERE key = ?", (key,)))

        found = next(iter(self._database.read(find)), None)
        if found is None and (found := self._manifests.read(key)):  # another process wrote it to an index since replaced
            self._keep(found)
        return found

    def _present(self, record: Record) -> Product | None:
        product = self._manifests.outward(record)
        state = state_of(product, record)

        def mark(c: Connection) -> None:
            c.execute("UPDATE products SET state = ? WHERE key = ?", (state, product.key))

        def known(c: Connection) -> bool:
            return c.execute("SELECT 1 FROM products WHERE key = ? AND state = ?", (product.key, state)).fetchone() is not None

        if not self._database.read(known):
            self._database.write(mark)
        return product if state == "here" else None

    def _keep(self, record: Record) -> None:
        self._manifests.write(record)
        self._database.write(lambda c: _insert(c, record))

    def _size_to_free(self, record: Record) -> int | None:
        """Bytes of its file, if it is there and (still) ours to delete."""
        product = self._manifests.outward(record)
        path = Path(product.path)
        is_ours = path.is_relative_to(self._manifests.root) or state_of(product, record) == "here"
        try:
            return path.stat().st_size if is_ours and not product.is_adopted else None
        except OSError:
            return None

    def _forget(self, record: Record) -> int | None:
        """Delete the file if it is (still) ours, and what is known of it; bytes freed, ``None``: no file was deleted."""
        is_ours = self._size_to_free(record) is not None
        freed = delete(Path(self._manifests.absolute(record.product.path))) if is_ours else None
        self._manifests.remove(record.product.key)
        self._database.write(lambda c: _drop(c, record.product.key))
        return freed

    def _follow_manifests(self) -> None:
        stems = self._manifests.stems()
        known = dict(self._database.read(lambda c: c.execute("SELECT stem, key FROM products").fetchall()))
        added = [r for name in sorted(stems - known.keys()) if (r := self._manifests.read_stem(name))]
        gone = [key for name, key in known.items() if name not in stems]
        if not added and not gone:
            return

        def follow(c: Connection) -> None:
            for record in added:
                _insert(c, record)
            for key in gone:
                _drop(c, key)

        self._database.write(follow)


def _insert(c: Connection, record: Record) -> None:
    p = record.product
    _drop(c, p.key)
    c.execute(
        "INSERT INTO products VALUES (?,?,?,?,?,?,?,?,?)",
        (
            p.key,
            stem(p.key),
            p.source_fingerprint,
            blob(p.path),
            text(names.same_name(p.path)),
            p.size_bytes,
            "here",
            *body(record),
        ),
    )
    rows = [(blob(path), p.key, seen) for seen, path in enumerate(record.source_paths)]
    c.executemany("INSERT OR REPLACE INTO sources VALUES (?,?,?)", rows)


def _drop(c: Connection, key: str) -> None:
    c.execute("DELETE FROM products WHERE key = ?", (key,))
    c.execute("DELETE FROM sources WHERE key = ?", (key,))


def _problem(product: Product, record: Record, digest: Callable[[Path], str]) -> str | None:
    path = Path(product.path)
    try:
        size = path.stat().st_size
        if size != product.size_bytes:
            return f"has {size} bytes, not {product.size_bytes}"
        if product.digest and not product.is_adopted and digest(path) != product.digest:
            return "its content has changed"
    except OSError as e:
        return f"cannot be read: {e.strerror}"
    return _TOUCHED if state_of(product, record) != "here" else None


def delete(path: Path) -> int | None:
    """Bytes freed; ``None``: nothing was deleted."""
    try:
        size = path.stat().st_size
        path.unlink()
    except OSError:
        return None
    return size
