"""What is on record of the proxies that a timeline has: where they come from, and which of them are right still."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from otio_perf.cache.index import Index
from otio_perf.cache.workspace import MARKER
from otio_perf.errors import CacheError, MediaError
from otio_perf.media import fingerprint
from otio_perf.model.analysis import MediaFinding
from otio_perf.model.media import MediaInfo
from otio_perf.model.plans import Product
from otio_perf.model.uses import Target
from otio_perf.optimizer.session import Session
from otio_perf.timeline.files import Document
from otio_perf.timeline.linked import linked
from otio_perf.timeline.locate import Locator


class Records:
    """What is on record of a proxy: in this session's workspace, or in the one that its path lies in."""

    def __init__(self, session: Session) -> None:
        self._indices = {session.workspace.root: session.index}
        self._opened = ExitStack()

    def __enter__(self) -> Records:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def original_of(self, proxy_path: str) -> str | None:
        return next((o for i in self._near(proxy_path) if (o := i.products.original_of(proxy_path)) is not None), None)

    def product_of(self, proxy_path: str) -> Product | None:
        keys = ((i, i.products.key_at(proxy_path)) for i in self._near(proxy_path))
        return next((p for i, key in keys if key is not None and (p := i.products.get(key)) is not None), None)

    def _near(self, proxy_path: str) -> tuple[Index, ...]:
        root = Path(proxy_path).parent.parent
        if root not in self._indices and (root / MARKER).is_file():
            with suppress(CacheError):  # not ours to open: what this session knows has to do
                self._indices[root] = self._opened.enter_context(Index.open(root))
        return tuple(self._indices.values())


def earlier(
    session: Session, document: Document, locator: Locator, findings: Mapping[str, MediaFinding]
) -> tuple[dict[str, list[Product]], dict[str, MediaFinding]]:
    """The proxies that ``document`` has already and that are still good, by medium, and findings with those of their originals.

    Good is what is on record, is there, and was made of the original as it is now. An original that is not here today
    (proxies go where originals stay on the shelf) speaks against none.
    """
    pairs = linked(document, locator)
    found = {**session.look_up(p.original for p in pairs if p.original.medium not in findings), **findings}
    kept: dict[str, list[Product]] = {}
    with Records(session) as records:
        for pair in pairs:
            product = records.product_of(pair.proxy.path) if pair.proxy.path else None
            if product is not None and _is_of(product, pair.original, found[pair.original.medium].info):
                kept.setdefault(pair.original.medium, []).append(product)
    return kept, found


def _is_of(product: Product, original: Target, info: MediaInfo | None) -> bool:
    if info is not None:
        return info.fingerprint == product.source_fingerprint
    subject = original.sequence or original.path
    try:  # it may be a file that cannot be decoded here (camera RAW), and is the same still
        return subject is None or fingerprint.fingerprint(subject) == product.source_fingerprint
    except MediaError:
        return True
