"""The index of a workspace: what was made and what was learnt. One SQLite file.

The manifests (``cache.manifests``) are the truth about products; a product is written there first. Opening compares
the two and brings the index up to date, so that a process killed between both writes costs nothing.
"""

from __future__ import annotations

from pathlib import Path

from otio_perf.cache import notes, probes, products
from otio_perf.cache.database import Connection, Database
from otio_perf.cache.manifests import Manifests
from otio_perf.cache.notes import Notes
from otio_perf.cache.probes import Probes
from otio_perf.cache.products import Products
from otio_perf.cache.renders import Renders
from otio_perf.cache.workspace import Workspace

SCHEMA_VERSION = 1

_TABLES = ";".join((notes.TABLES, products.TABLES, probes.TABLES))


class Index:
    """The index of one workspace; may be used from several threads. ``notices`` tells of a rebuilt index."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.renders = Renders(workspace)
        self.manifests = Manifests(workspace.root)
        self._database = Database(
            workspace.root / "index.sqlite",
            workspace.root / "locks" / "index.lock",
            tables=_TABLES,
            version=SCHEMA_VERSION,
            fill=self._fill,
        )
        self.notes = Notes(self._database)
        self.probes = Probes(self._database, self.manifests)
        self.products = Products(self._database, self.manifests, self.notes)

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

    @property
    def size_bytes(self) -> int:
        """Of the index itself."""
        return self._database.size_bytes

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fill(self, c: Connection) -> str:
        return Products.fill(c, self.manifests)
