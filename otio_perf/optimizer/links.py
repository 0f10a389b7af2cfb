"""Which proxies a timeline plays, and which of them are not there any more."""

from __future__ import annotations

import json
import mmap
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from otio_perf.cache.workspace import write_whole
from otio_perf.model.analysis import GoneProxy, LinkedProxy, MediaFinding
from otio_perf.model.plans import Product
from otio_perf.optimizer import timelines
from otio_perf.optimizer.records import Records
from otio_perf.optimizer.session import Session
from otio_perf.optimizer.timelines import Surveyed
from otio_perf.timeline import files
from otio_perf.timeline.linked import shown
from otio_perf.timeline.locate import Reference
from otio_perf.timeline.references import PREFIX

_VERSION = 1


def gone(session: Session, surveyed: Surveyed) -> tuple[GoneProxy, ...]:
    """Proxies that clips of the timeline show and that are not where it says: cleared, moved or never brought along.

    Nobody sees that in the survey, which asks for originals. An unchanged timeline is not parsed again.
    """
    if surveyed.path.suffix.lower() == ".otioz":  # it holds its proxies itself
        return ()
    locator = surveyed.locator.based(files.base_of(surveyed.path))
    found = []
    for url, clips in _shown(session, surveyed).items():
        path = locator.target(Reference("external", url)).path
        if path is None or not Path(path).exists():
            found.append(GoneProxy(path=path or url, clips=clips))
    return tuple(found)


def linked(session: Session, surveyed: Surveyed, findings: Mapping[str, MediaFinding]) -> tuple[LinkedProxy, ...]:
    """Proxies that the timeline plays, are there, and were made of their originals as these are now.

    Only of media whose clips all show one: where a clip was added since, one is still to be linked.
    """
    if surveyed.path.suffix.lower() == ".otioz":
        return ()
    urls = _shown(session, surveyed)
    if not urls:
        return ()
    locator = surveyed.locator.based(files.base_of(surveyed.path))
    uses = Counter(use.target.medium for use in surveyed.survey.uses)
    media: dict[str, list[str]] = {}
    for medium, finding in findings.items():
        if finding.info is not None and finding.info.picture is not None:
            media.setdefault(finding.info.fingerprint, []).append(medium)
    clips: Counter[str] = Counter()  # that show a proxy, by the fingerprint of its source
    products: dict[str, Product] = {}
    with Records(session) as records:
        for url, count in urls.items():
            path = locator.target(Reference("external", url)).path
            product = records.product_of(path) if path is not None and Path(path).is_file() else None
            if product is not None and product.source_fingerprint in media:
                clips[product.source_fingerprint] += count
                products[product.source_fingerprint] = product
    return tuple(
        LinkedProxy(medium=medium, media_path=findings[medium].path, recipe=product.recipe)
        for content, product in products.items()
        if clips[content] >= sum(uses[medium] for medium in media[content])
        for medium in media[content]
    )


def _shown(session: Session, surveyed: Surveyed) -> Mapping[str, int]:
    """URL of each proxy that is active in a clip, and in how many clips; kept beside the sidecar of the survey."""
    if surveyed.path.suffix.lower() not in files.KEEPS_REFERENCES | files.PROJECTS or not _may_have_proxies(surveyed.path):
        return {}
    kept = session.workspace.analysis / f"survey-{surveyed.survey.digest}-links.index"
    with suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(kept.read_text(encoding="utf-8"))
        if known["version"] == _VERSION:
            return {str(url): int(clips) for url, clips in known["shown"].items()}
    document = timelines.read(session, surveyed.path)
    found = shown(document.root)
    if document.digest == surveyed.survey.digest:  # else it changed in between
        with suppress(OSError):
            write_whole(kept, json.dumps({"version": _VERSION, "shown": found}))
    return found


def _may_have_proxies(path: Path) -> bool:
    """Whether our keys appear in the file at all: most timelines were never optimized, and need no second look."""
    file = path / "content.otio" if path.is_dir() else path
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b'"' + PREFIX.encode()) >= 0  # in a project: our notes
