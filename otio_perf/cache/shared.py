"""Products of other workspaces, used where they lie.

They are looked at and never touched: what is gone or damaged there is another's to repair, and is made anew here. Nothing of
them is on record here but that their bytes were checked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from otio_perf.cache.index import Index
from otio_perf.cache.manifests import Manifests, Record, state_of, stem
from otio_perf.cache.renders import Render, Renders
from otio_perf.cache.workspace import Workspace
from otio_perf.errors import MediaError
from otio_perf.model.plans import Product

#: Note of what a file was found to be.
_CONTENT = "content"


class Shared:
    """What the workspaces at ``roots`` have, for that of ``index``.

    :param digest: of the bytes of a file, as products have it on record. Asked once for each product: its answer is noted in
        ``index``. Without both, where nobody can wait so long, size and time of a file speak for its bytes.
    """

    def __init__(self, index: Index | None, roots: Sequence[Path], digest: Callable[[Path], str] | None) -> None:
        self._index = index
        self._digest = digest
        self._others = tuple(map(Manifests, roots))
        self._stems: list[set[str]] | None = None
        self._found: dict[str, Product | None] = {}
        self._renders = tuple(Renders(Workspace(root, "")) for root in roots)
        self._render_stems: list[set[str]] | None = None
        self._rendered: dict[str, Render | None] = {}

    @property
    def has_others(self) -> bool:
        return bool(self._others)

    def product(self, key: str) -> Product | None:
        """The product ``key``, if one of the others has it as it was made: size, time and bytes."""
        if key not in self._found:
            self._found[key] = self._look_for(key)
        return self._found[key]

    def render(self, key: str) -> Render | None:
        """The chunk or region ``key``, likewise."""
        if key not in self._rendered:
            if self._render_stems is None:  # a timeline asks for thousands, and a machine knows dozens of workspaces
                self._render_stems = [renders.stems() for renders in self._renders]
            name = stem(key)
            having = (one for one, stems in zip(self._renders, self._render_stems, strict=True) if name in stems)
            found = (render for one in having if (render := one.peek(key)) is not None)
            self._rendered[key] = next((r for r in found if r.key == key and self._is_digest(Path(r.path), r.digest)), None)
        return self._rendered[key]

    def of_source(self, source_fingerprint: str) -> tuple[Product, ...]:
        """What they have of a medium, wherever it lay; of the same proxy twice, the one of the workspace that was used last."""
        found: dict[str, Product] = {}
        for manifests in self._others:
            for record in manifests.records():
                product = record.product
                if product.source_fingerprint != source_fingerprint or product.is_adopted or product.key in found:
                    continue
                outward = manifests.outward(record)
                if self._is_whole(outward, record):
                    found[product.key] = outward
        return tuple(found.values())

    def _look_for(self, key: str) -> Product | None:
        if self._stems is None:
            self._stems = [manifests.stems() for manifests in self._others]
        for manifests, stems in zip(self._others, self._stems, strict=True):
            record = manifests.read(key) if stem(key) in stems else None
            if record is None or record.product.key != key or record.product.is_adopted:
                continue
            product = manifests.outward(record)
            if self._is_whole(product, record):
                return product
        return None

    def _is_whole(self, product: Product, record: Record) -> bool:
        is_here = bool(product.digest) and state_of(product, record) == "here"
        return is_here and self._is_digest(Path(product.path), product.digest)

    def _is_digest(self, path: Path, digest: str) -> bool:
        if self._index is None or self._digest is None:
            return True
        try:
            checked = f"{path.stat().st_mtime_ns} {digest}"
            if self._index.notes.get(_CONTENT, str(path)) == checked.encode():
                return True
            if self._digest(path) != digest:
                return False
        except (OSError, MediaError):
            return False
        self._index.notes.put(_CONTENT, str(path), checked.encode())
        return True
