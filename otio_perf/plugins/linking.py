"""What the media linker and the write hook share: OTIO objects in, our documents between, OTIO objects out."""

from __future__ import annotations

import functools
import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import opentimelineio as otio

from otio_perf import settings
from otio_perf.cache.index import Index
from otio_perf.cache.shared import Shared
from otio_perf.cache.workspace import MARKER
from otio_perf.errors import CacheError, MediaError
from otio_perf.model.plans import Product
from otio_perf.model.recipes import Scope
from otio_perf.model.uses import Target
from otio_perf.optimizer.places import other_workspaces, workspace_root
from otio_perf.timeline import json_text
from otio_perf.timeline.convert import use_reference
from otio_perf.timeline.describe import described
from otio_perf.timeline.files import Document
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.references import NOTES, PREFIX, is_ours, original_of
from otio_perf.timeline.relink import of_target, relink
from otio_perf.timeline.tree import clips_of

ORIGINAL = "original"


def link_clip(clip: Any, arguments: dict[str, Any]) -> None:
    """Add proxies to an OTIO clip in place; nothing is changed unless all went well."""
    base = str(arguments.get("base") or Path.cwd())
    document = _document(clip, Path(base, "timeline.otio"))
    linked = _linked(document, arguments.get("rung"), arguments.get("workspace"))
    if linked is document:
        return
    references = {
        # clones, always: setting a dict that holds a clip's live reference is a use after free in OTIO 0.18
        key: clip.media_references()[key].clone()
        if key in clip.media_references() and not is_ours(key)
        else otio.core.deserialize_json_from_string(json.dumps(reference))
        for key, reference in linked.root["media_references"].items()
    }
    clip.set_media_references(references, linked.root["active_media_reference_key"])
    notes = linked.root["metadata"].get(NOTES)
    if notes is not None:
        clip.metadata[NOTES] = notes


def linked_timeline(timeline: Any, arguments: dict[str, Any]) -> Any:
    """A timeline with proxies, or ``timeline`` itself where there is nothing to change."""
    document = _document(timeline, Path(arguments.get("_filepath") or "timeline.otio").absolute())
    linked = _linked(document, arguments["otio_perf_rung"], arguments.get("otio_perf_workspace"))
    return timeline if linked.root == document.root else linked.to_otio()


def _document(item: Any, path: Path) -> Document:
    root = json_text.loads(item.to_json_string(), exact=True)
    return Document(path=str(path), format="otio_json", base=str(path.parent), digest="", root=root, is_canonical=True)


def _linked(document: Document, rung: str | None, workspace: str | None) -> Document:
    locator = Locator(document.path, base=document.base)
    products = _products(document, locator, workspace)
    if not products:
        return use_reference(document, None).document if rung == ORIGINAL else document
    if rung is None:
        found = [p for ones in products.values() for p in ones]
        usual = _usual_rungs(str(_root(document, workspace)))
        rung = max(found, key=lambda p: (usual.get(p.recipe.rung, 0), p.width * p.height)).recipe.rung
    active = None if rung == ORIGINAL else PREFIX + rung
    return relink(document, products, {}, active=active, output_path=document.path, locator=locator).document


def _products(document: Document, locator: Locator, workspace: str | None) -> dict[str, tuple[Product, ...]]:
    """Proxies that are there, by medium of the original: of the workspace asked for; else of the one that the ``otio-perf``
    command would take, and of all that were used before. None of ranges: only ``otio-perf`` knows what they cover."""
    root = _root(document, workspace)
    index = _opened(str(root)) if (root / MARKER).is_file() else None
    others = Shared(None, () if workspace else other_workspaces(root), None)
    found = {}
    for clip in clips_of(document.root):
        reference = original_of(clip)
        target = locator.target(described(reference)) if reference else None
        if target is not None and target.path is not None and target.medium not in found:
            known = index.products.of_path(target.path) if index else ()
            if not known and others.has_others:
                known = _of_others(others, target)
            found[target.medium] = tuple(p for p in of_target(known, target) if p.recipe.scope is Scope.FULL)
    return {medium: products for medium, products in found.items() if products}


def _of_others(others: Shared, target: Target) -> tuple[Product, ...]:
    """Nothing of a medium that cannot be looked at."""
    from otio_perf.media.fingerprint import fingerprint

    try:
        return others.of_source(fingerprint(target.sequence or target.path or ""))
    except MediaError:
        return ()


def _root(document: Document, workspace: str | None) -> Path:
    return Path(workspace) if workspace else workspace_root(settings.load(), Path(document.path), create=False)


@functools.lru_cache(maxsize=4)
def _usual_rungs(workspace: str) -> Counter[str]:
    """How many proxies of each size there are: a linker sees one clip at a time, and all of a timeline are to play the same."""
    index = _opened(workspace) if (Path(workspace) / MARKER).is_file() else None
    products = index.products.all() if index else ()
    return Counter(p.recipe.rung for p in products if p.recipe.scope is Scope.FULL)


@functools.lru_cache(maxsize=4)
def _opened(workspace: str) -> Index | None:
    """Opened once per process, not once per clip; one that cannot be is told of once and left alone."""
    try:
        return Index.open(workspace)
    except CacheError as e:
        logging.getLogger("otio_perf").warning("no proxies are linked: %s", e)
        return None
