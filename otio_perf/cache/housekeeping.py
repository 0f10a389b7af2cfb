"""Looking at all that a workspace holds: how much it is, whether it is whole, and deleting it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from otio_perf.cache import names
from otio_perf.cache.index import Index
from otio_perf.cache.manifests import Record
from otio_perf.cache.products import delete
from otio_perf.cache.renders import RenderKind
from otio_perf.model.media import Sequence

#: Surveys of timelines, as ``timeline.sidecar`` names them.
SIDECARS = "survey-*.index"
#: Small pictures of media, as ``service.thumbnails`` names them.
THUMBNAILS = "thumbnail-*.jpg"

ContentOf = Callable[[str, "Sequence | None"], "str | None"]
"""Fingerprint of the medium that is at a path now (of these numbered pictures, where it was known to be some); ``None``: there
is none."""

Played = Mapping[str, tuple[str, ...]]
"""Timelines that play a file, by its path: ``cache.players``."""


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
    previews: int = 0  # chunks in Kdenlive's own preview whose project is gone
    size_bytes: int = 0
    kept: int = 0  # prerendered regions that stay, for timelines play them
    kept_proxies: int = 0  # likewise
    players: tuple[str, ...] = ()  # these timelines

    def __add__(self, other: Freed) -> Freed:
        both = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        return Freed(**{**both, "players": tuple(sorted({*self.players, *other.players}))})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A product or render that ``verify`` found wrong. ``repair``: what was done about it, or ``None``."""

    path: str
    reason: str
    repair: str | None


def status(index: Index, content_of: ContentOf) -> Status:
    """What is here. Every source of a proxy is looked at through ``content_of``, once."""
    known, renders = index.products.present(), index.renders.present()
    sizes = {kind: [r.size_bytes for r in renders if r.kind is kind] for kind in RenderKind}
    proxies = [r for r in known if not r.product.is_adopted]
    sources = Counter(source_states(index, proxies, content_of))
    kept = {names.same_name(index.manifests.outward(r).path) for r in proxies}
    analysis = _analysis(index)
    return Status(
        workspace=str(index.workspace.root),
        proxies=len(proxies),
        proxy_bytes=sum(r.product.size_bytes for r in proxies),
        missing=index.products.recorded() - len(known) + index.renders.recorded() - len(renders),
        stale=sources["changed"],
        sources_gone=sources["gone"],
        probes=index.probes.count(),
        analysis_files=len(analysis),
        analysis_bytes=sum(p.stat().st_size for p in analysis),
        index_bytes=index.size_bytes,
        unknown_files=sum(names.same_name(p) not in kept for p in index.workspace.proxies.iterdir()),
        renders=len(sizes[RenderKind.REGION]),
        render_bytes=sum(sizes[RenderKind.REGION]),
        chunks=len(sizes[RenderKind.CHUNK]),
        chunk_bytes=sum(sizes[RenderKind.CHUNK]),
    )


def verify(index: Index, digest: Callable[[Path], str], *, repair: bool = False) -> tuple[Fault, ...]:
    """Check every product and render: there, of its size, of its digest.

    ``repair`` forgets what is gone or damaged (damaged files in the workspace are deleted), so that the next run makes
    them anew, and takes back a file whose time changed but not its bytes.
    """
    found = (*index.products.faults(digest, repair=repair), *index.renders.faults(digest, repair=repair))
    return tuple(Fault(path=path, reason=reason, repair=done) for path, reason, done in found)


def clear(index: Index, kind: str, *, played: Played | None = None, dry_run: bool = False) -> Freed:
    """Delete ``"proxies"``, ``"renders"`` or ``"analysis"`` (probes too); ``dry_run``: say what would be deleted.

    Of proxies: those on record that were made here. Beside a source they are left alone where somebody has changed them; in
    the workspace, which is ours, they go all the same.

    :param played: these files stay, for an editing program shows what is missing as black or red.
    """
    played = played or {}
    if kind == "proxies":
        kept = {str(p.path) for p in index.products.all() if not p.is_adopted} & played.keys()
        freed = index.products.clear(keep=kept, dry_run=dry_run)
        sources = {source for source, _ in freed}
        return Freed(
            kept_proxies=len(kept),
            players=_players(kept, played),
            proxies=len(freed),
            sources=len(sources),
            size_bytes=sum(size for _, size in freed),
        )
    if kind == "renders":
        kept = {r.path for r in index.renders.present() if r.kind is RenderKind.REGION} & played.keys()
        rendered = index.renders.clear(keep=kept, dry_run=dry_run)
        kinds = Counter(kind for kind, _ in rendered)
        return Freed(
            kept=len(kept),
            players=_players(kept, played),
            renders=kinds[RenderKind.REGION],
            chunks=kinds[RenderKind.CHUNK],
            size_bytes=sum(size for _, size in rendered),
        )
    if kind == "analysis":
        # by name: a user may have made a folder his workspace that had an "analysis" of his own
        sidecars = _analysis(index)
        if dry_run:
            return Freed(size_bytes=sum(p.stat().st_size for p in sidecars))
        index.probes.clear()
        return Freed(size_bytes=sum(delete(p) or 0 for p in sidecars))
    raise ValueError(f"cannot clear {kind!r}: say proxies, renders or analysis")


def _analysis(index: Index) -> list[Path]:
    folder = index.workspace.analysis
    return sorted(path for pattern in (SIDECARS, THUMBNAILS) for path in folder.glob(pattern))


def _players(kept: Iterable[str], played: Played) -> tuple[str, ...]:
    return tuple(sorted({timeline for path in kept for timeline in played[path]}))


def source_states(index: Index, records: Iterable[Record], content_of: ContentOf) -> Iterator[str]:
    """Of each product: is its source ``"here"`` (anywhere it was seen), ``"changed"`` or ``"gone"``?"""
    contents: dict[str, str | None] = {}
    for record in records:
        for path in record.source_paths:
            if path not in contents:
                contents[path] = content_of(index.manifests.absolute(path), index.probes.pictures_at(path))
        now = {contents[path] for path in record.source_paths}
        if record.product.source_fingerprint in now:
            yield "here"
        else:
            yield "gone" if now == {None} else "changed"
