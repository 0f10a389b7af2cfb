"""What was made and what was learnt: products and probes. One SQLite file in the workspace.

The manifests (``cache.manifests``) are the truth about products; a product is written there first. Opening compares
the two and brings the index up to date, so that a process killed between both writes costs nothing.
"""

from __future__ import annotations

import json
import os
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from otio_perf.cache import names
from otio_perf.cache.database import Connection, Database, damaged
from otio_perf.cache.manifests import Manifests, Record, state_of, stem
from otio_perf.cache.renders import RenderKind, Renders
from otio_perf.cache.workspace import Workspace
from otio_perf.errors import CacheError
from otio_perf.model import wire
from otio_perf.model.media import MediaInfo, Sequence
from otio_perf.model.plans import Product

T = TypeVar("T")
SCHEMA_VERSION = 1

#: Surveys of timelines, as ``timeline.sidecar`` names them.
SIDECARS = "survey-*.index"

_TABLES = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE products(
    key TEXT PRIMARY KEY, stem TEXT NOT NULL, fingerprint TEXT NOT NULL, path BLOB NOT NULL, same_name TEXT NOT NULL,
    size INTEGER NOT NULL, state TEXT NOT NULL, body TEXT NOT NULL, crc INTEGER NOT NULL);
CREATE INDEX product_paths ON products(path);
CREATE INDEX product_names ON products(same_name);
CREATE TABLE sources(path BLOB NOT NULL, key TEXT NOT NULL, seen INTEGER NOT NULL, PRIMARY KEY (path, key)) WITHOUT ROWID;
CREATE INDEX source_keys ON sources(key);
CREATE TABLE probes(
    path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, fingerprint TEXT NOT NULL,
    body TEXT NOT NULL, crc INTEGER NOT NULL)
"""

Identity = tuple[str, int, int]
"""Path, size in bytes and modification time in nanoseconds of a medium: unchanged means not looked at again."""

ContentOf = Callable[[str, "Sequence | None"], "str | None"]
"""Fingerprint of the medium that is at a path now (of these numbered pictures, where it was known to be some); ``None``: there
is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What the workspace holds."""

    workspace: str
    proxies: int
    proxy_bytes: int
    missing: int  # recorded, but the file is gone or was changed
    stale: int  # proxies whose source has other content by now
    sources_gone: int  # proxies whose source is not where it was seen
    probes: int
    analysis_files: int
    analysis_bytes: int
    index_bytes: int
    unknown_files: int  # in proxies/, but recorded nowhere
    renders: int  # prerendered regions
    render_bytes: int
    chunks: int  # that regions are joined of
    chunk_bytes: int
    orphans: int = 0  # see ``cache.orphans``
    others: tuple[str, ...] = ()  # workspaces whose products serve here, too


@dataclass(frozen=True, slots=True, kw_only=True)
class Freed:
    """What ``clear`` deleted, or would."""

    proxies: int = 0
    sources: int = 0  # of which they were proxies
    renders: int = 0  # prerendered regions
    chunks: int = 0
    size_bytes: int = 0
    kept: int = 0  # prerendered regions that stay, for timelines play them
    players: tuple[str, ...] = ()  # these timelines

    def __add__(self, other: Freed) -> Freed:
        return Freed(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A product or render that ``verify`` found wrong. ``repair``: what was done about it, or ``None``."""

    path: str
    reason: str
    repair: str | None


class Index:
    """The index of one workspace; may be used from several threads. ``notices`` tells of a rebuilt index."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.renders = Renders(workspace)
        self._manifests = Manifests(workspace.root)
        self._database = Database(
            workspace.root / "index.sqlite",
            workspace.root / "locks" / "index.lock",
            tables=_TABLES,
            version=SCHEMA_VERSION,
            fill=self._fill,
        )
        self._follow_manifests()

    @classmethod
    def open(cls, workspace_root: str | Path) -> Index:
        """Open, and where needed make or rebuild, the index of a workspace.

        :raises CacheError: the workspace cannot be used, or a newer otio_perf wrote the index.
        """
        return cls(Workspace.open(workspace_root))

    @property
    def notices(self) -> tuple[str, ...]:
        """Words to the user: a damaged index was moved aside and rebuilt."""
        return tuple(self._database.notices)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Products

    def put_product(self, product: Product) -> None:
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

    def product(self, key: str) -> Product | None:
        """The product ``key`` if its file is there and unchanged (size, modification time)."""
        record = self._record(key)
        return self._present(record) if record else None

    def products(self) -> tuple[Product, ...]:
        """All products whose file is there, by key."""
        rows = self._database.read(lambda c: _bodies(Record, c.execute("SELECT body, crc FROM products ORDER BY key")))
        return tuple(p for r in rows if (p := self._present(r)))

    def products_of_path(self, source_path: str) -> tuple[Product, ...]:
        """The products of the medium at ``source_path`` that are there and not stale."""

        def find(c: Connection) -> list[Record]:
            return _bodies(
                Record,
                c.execute(
                    "SELECT body, crc FROM products JOIN sources USING (key) WHERE sources.path = ?"
                    f" AND NOT {_IS_STALE} ORDER BY key",
                    (_blob(self._manifests.inward(source_path)),),
                ),
            )

        return tuple(p for r in self._database.read(find) if (p := self._present(r)))

    def original_of(self, proxy_path: str) -> str | None:
        """Path of the medium that ``proxy_path`` was made of, where it was seen last; also if the proxy is gone."""

        def find(c: Connection) -> list[Record]:
            return _bodies(
                Record, c.execute("SELECT body, crc FROM products WHERE path = ?", (_blob(self._manifests.inward(proxy_path)),))
            )

        paths = [self._manifests.absolute(p) for record in self._database.read(find) for p in record.source_paths]
        if not paths and (noted := self._noted(_of_other("original", proxy_path))) is not None:
            return self._manifests.absolute(os.fsdecode(noted))
        here = [p for p in paths if Path(p).exists()]
        return next(reversed(here or paths), None)

    def key_at(self, path: str | Path) -> str | None:
        """Key of the product that owns ``path`` (or a name that a case-insensitive file system takes for it)."""
        name = names.same_name(self._manifests.inward(path))
        row = self._database.read(
            lambda c: c.execute("SELECT key FROM products WHERE same_name = ?", (_text(name),)).fetchone()
        )
        return None if row is None else str(row[0])

    # Probes

    def probe(self, identity: Identity) -> MediaInfo | None:
        """What was learnt of a medium that has not changed since."""

        def find(c: Connection) -> list[MediaInfo]:
            query = "SELECT body, crc FROM probes WHERE path = ? AND size = ? AND mtime_ns = ?"
            return _bodies(MediaInfo, c.execute(query, (_blob(self._manifests.inward(path)), size, mtime_ns)))

        path, size, mtime_ns = identity
        return next((_at(path, info) for info in self._database.read(find)), None)

    def put_probe(self, identity: Identity, media: MediaInfo) -> None:
        """Keep what a probe said; an older answer for that path is replaced."""
        path, size, mtime_ns = identity
        row = (_blob(self._manifests.inward(path)), size, mtime_ns, media.fingerprint, *_body(media))
        self._database.write(lambda c: c.execute("INSERT OR REPLACE INTO probes VALUES (?,?,?,?,?,?)", row))

    # Products of other workspaces, see ``cache.shared``

    def is_checked(self, path: str, content: str) -> bool:
        """Was the file at ``path`` found to be ``content`` (what it says of it, in any words)?"""
        return self._noted(_of_other("content", path)) == content.encode()

    def put_checked(self, path: str, content: str) -> None:
        self._note(_of_other("content", path), content.encode())

    def put_original(self, proxy_path: str, source_path: str) -> None:
        """Note what the proxy of another workspace stands for here: the other may know the medium in another place."""
        if self.original_of(proxy_path) != source_path:
            self._note(_of_other("original", proxy_path), _blob(self._manifests.inward(source_path)))

    def _noted(self, name: str) -> bytes | None:
        row = self._database.read(lambda c: c.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone())
        return bytes(row[0]) if row is not None and isinstance(row[0], bytes) else None

    def _note(self, name: str, value: bytes) -> None:
        self._database.write(lambda c: c.execute("INSERT OR REPLACE INTO meta VALUES (?,?)", (name, value)))

    # Housekeeping

    def status(self, content_of: ContentOf) -> Status:
        """What is here. Every source of a proxy is looked at through ``content_of``, once."""
        records = self._database.read(lambda c: _bodies(Record, c.execute("SELECT body, crc FROM products ORDER BY key")))
        known, renders = [r for r in records if self._present(r)], self.renders.present()
        sizes = {kind: [r.size_bytes for r in renders if r.kind is kind] for kind in RenderKind}
        proxies = [r for r in known if not r.product.is_adopted]
        products = [self._manifests.outward(r) for r in proxies]
        sources = Counter(self._source_states(proxies, content_of))
        kept = {names.same_name(p.path) for p in products}
        analysis = list(self.workspace.analysis.glob(SIDECARS))
        recorded, probes = self._database.read(
            lambda c: tuple(c.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("products", "probes"))
        )
        return Status(
            workspace=str(self.workspace.root),
            proxies=len(products),
            proxy_bytes=sum(p.size_bytes for p in products),
            missing=recorded - len(known) + self.renders.recorded() - len(renders),
            stale=sources["changed"],
            sources_gone=sources["gone"],
            probes=probes,
            analysis_files=len(analysis),
            analysis_bytes=sum(p.stat().st_size for p in analysis),
            index_bytes=self._database.size_bytes,
            unknown_files=sum(names.same_name(p) not in kept for p in self.workspace.proxies.iterdir()),
            renders=len(sizes[RenderKind.REGION]),
            render_bytes=sum(sizes[RenderKind.REGION]),
            chunks=len(sizes[RenderKind.CHUNK]),
            chunk_bytes=sum(sizes[RenderKind.CHUNK]),
        )

    def verify(self, digest: Callable[[Path], str], *, repair: bool = False) -> tuple[Fault, ...]:
        """Check every product and render: there, of its size, of its digest.

        ``repair`` forgets what is gone or damaged (damaged files in the workspace are deleted), so that the next run makes
        them anew, and takes back a file whose time changed but not its bytes.
        """
        records = self._database.read(lambda c: _bodies(Record, c.execute("SELECT body, crc FROM products ORDER BY key")))
        faults = []
        for record in records:
            product = self._manifests.outward(record)
            problem = _problem(product, record, digest)
            if problem is None:
                continue
            done = None
            if repair and problem is _TOUCHED:
                self.put_product(product)
                done = "taken back"
            elif repair:
                self._forget(record)
                done = "will be made anew"
            faults.append(Fault(path=product.path, reason=problem, repair=done))
        rendered = self.renders.faults(digest, repair=repair)
        return (*faults, *(Fault(path=path, reason=reason, repair=done) for path, reason, done in rendered))

    def clear(self, kind: str, *, force: bool = False, dry_run: bool = False) -> Freed:
        """Delete ``"proxies"``, ``"renders"`` or ``"analysis"`` (probes too); ``dry_run``: say what would be deleted.

        Of renders: not the regions that a timeline plays, for an editing program shows a missing one as black or red, above
        the edit; with ``force`` these too. Of proxies: those on record that were made here. Beside a source they are left
        alone where somebody has changed them; in the workspace, which is ours, they go all the same.
        """
        if kind == "proxies":
            records = self._database.read(lambda c: _bodies(Record, c.execute("SELECT body, crc FROM products")))
            free = self._size_to_free if dry_run else self._forget
            freed = [(r, size) for r in records if not r.product.is_adopted and (size := free(r)) is not None]
            sources = {r.product.source_fingerprint for r, _ in freed}
            return Freed(proxies=len(freed), sources=len(sources), size_bytes=sum(size for _, size in freed))
        if kind == "renders":
            played = {} if force else self.renders.played()
            rendered = self.renders.clear(keep=played, dry_run=dry_run)
            kinds = Counter(kind for kind, _ in rendered)
            return Freed(
                kept=len(played),
                players=tuple(sorted({timeline for timelines in played.values() for timeline in timelines})),
                renders=kinds[RenderKind.REGION],
                chunks=kinds[RenderKind.CHUNK],
                size_bytes=sum(size for _, size in rendered),
            )
        if kind == "analysis":
            # by name: a user may have made a folder his workspace that had an "analysis" of his own
            sidecars = sorted(self.workspace.analysis.glob(SIDECARS))
            if dry_run:
                return Freed(size_bytes=sum(p.stat().st_size for p in sidecars))
            self._database.write(lambda c: c.execute("DELETE FROM probes"))
            return Freed(size_bytes=sum(_delete(p) or 0 for p in sidecars))
        raise ValueError(f"cannot clear {kind!r}: say proxies, renders or analysis")

    def _record(self, key: str) -> Record | None:
        def find(c: Connection) -> list[Record]:
            return _bodies(Record, c.execute("SELECT body, crc FROM products WHERE key = ?", (key,)))

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

    def _source_states(self, records: Iterable[Record], content_of: ContentOf) -> Iterator[str]:
        """Of each product: is its source ``"here"`` (anywhere it was seen), ``"changed"`` or ``"gone"``?"""
        contents: dict[str, str | None] = {}
        for record in records:
            for path in record.source_paths:
                if path not in contents:
                    contents[path] = content_of(self._manifests.absolute(path), self._pictures_at(path))
            now = {contents[path] for path in record.source_paths}
            if record.product.source_fingerprint in now:
                yield "here"
            else:
                yield "gone" if now == {None} else "changed"

    def _pictures_at(self, recorded: str) -> Sequence | None:
        """The numbered pictures that were found where ``recorded`` is, when it was looked at."""
        query = "SELECT body, crc FROM probes WHERE path = ?"
        found = self._database.read(lambda c: _bodies(MediaInfo, c.execute(query, (_blob(recorded),))))
        return next((_at(self._manifests.absolute(recorded), info).sequence for info in found), None)

    def _size_to_free(self, record: Record) -> int | None:
        """Bytes of its file, if it is there and (still) ours to delete."""
        product = self._manifests.outward(record)
        path = Path(product.path)
        is_ours = path.is_relative_to(self.workspace.root) or state_of(product, record) == "here"
        try:
            return path.stat().st_size if is_ours and not product.is_adopted else None
        except OSError:
            return None

    def _forget(self, record: Record) -> int | None:
        """Delete the file if it is (still) ours, and what is known of it; bytes freed, ``None``: no file was deleted."""
        is_ours = self._size_to_free(record) is not None
        freed = _delete(Path(self._manifests.absolute(record.product.path))) if is_ours else None
        self._manifests.remove(record.product.key)
        self._database.write(lambda c: _drop(c, record.product.key))
        return freed

    def _fill(self, c: Connection) -> str:
        count = 0
        for record in self._manifests.records():
            _insert(c, record)
            count += 1
        return f"rebuilt with {count} products from {self._manifests.folder.name}/" if count else ""

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


_TOUCHED = "its modification time has changed"

_IS_STALE = """(
    EXISTS (SELECT 1 FROM sources s JOIN probes p ON p.path = s.path
            WHERE s.key = products.key AND p.fingerprint <> products.fingerprint)
    AND NOT EXISTS (SELECT 1 FROM sources s JOIN probes p ON p.path = s.path
            WHERE s.key = products.key AND p.fingerprint = products.fingerprint))"""


def _at(path: str, media: MediaInfo) -> MediaInfo:
    """``media`` where it is now: the folder may have moved since it was looked at."""
    sequence = media.sequence and replace(media.sequence, directory=str(Path(path).parent))
    return replace(media, path=path, sequence=sequence)


def _insert(c: Connection, record: Record) -> None:
    p = record.product
    _drop(c, p.key)
    c.execute(
        "INSERT INTO products VALUES (?,?,?,?,?,?,?,?,?)",
        (
            p.key,
            stem(p.key),
            p.source_fingerprint,
            _blob(p.path),
            _text(names.same_name(p.path)),
            p.size_bytes,
            "here",
            *_body(record),
        ),
    )
    rows = [(_blob(path), p.key, seen) for seen, path in enumerate(record.source_paths)]
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


def _body(value: object) -> tuple[str, int]:
    text = json.dumps(wire.to_json(value))
    return text, zlib.crc32(text.encode())


def _bodies(cls: type[T], rows: Iterable[tuple[Any, Any]]) -> list[T]:
    """The values of ``(body, crc)`` rows. SQLite has no checksums for what it stores, so each body carries one."""
    values: list[T] = []
    for body, crc in rows:
        if not isinstance(body, str) or zlib.crc32(body.encode(errors="replace")) != crc:
            raise damaged("a row has changed")
        try:
            values.append(wire.from_json(cls, json.loads(body)))
        except (ValueError, TypeError, KeyError):
            continue  # written by another version of the model: as if it were not there
    return values


def _of_other(what: str, path: str) -> str:
    return _text(f"{what} of {path}")


def _blob(path: str) -> bytes:
    return os.fsencode(path)


def _text(name: str) -> str:
    """Undecodable bytes of a file name, in a form that SQLite takes."""
    return name.encode("utf-8", "backslashreplace").decode()


def _delete(path: Path) -> int | None:
    try:
        size = path.stat().st_size
        path.unlink()
    except OSError:
        return None
    return size
