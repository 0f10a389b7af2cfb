"""Make the proxies of one source: once, however many processes want them, and under names that nobody else has."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from otio_perf.cache import names
from otio_perf.cache.index import Index
from otio_perf.cache.workspace import Workspace
from otio_perf.errors import CacheError, TaskCancelledError
from otio_perf.media import finished, transcode
from otio_perf.media.decode import constant_rate
from otio_perf.media.publish import alive
from otio_perf.model.events import Ready
from otio_perf.model.plans import Product
from otio_perf.model.tasks import ProxyTask


def run(task: ProxyTask, *, progress: Callable[[int], None], cancelled: Callable[[], bool]) -> Ready:
    """``Ready.products`` are in the order of ``task.products``; a path differs from the planned one where that was taken.

    :raises MediaError, CacheError, TaskCancelledError: the registry makes them a ``Failed``
    """
    began = time.monotonic()
    workspace = Workspace.open(task.workspace)
    ready: dict[str, Product] = {}

    def waiting() -> bool:
        progress(0)  # waiting for another process is no stall
        return cancelled()

    def tick() -> None:
        if waiting():
            raise TaskCancelledError("stopped", path=task.media.path)

    with ExitStack() as held:
        held.enter_context(workspace.writing())
        held.enter_context(workspace.lock(f"source {task.media.fingerprint}", cancelled=waiting))
        index = held.enter_context(Index.open(workspace.root))

        def keep(product: Product) -> None:
            with alive(lambda: progress(task.total)):  # the disk may still be busy with the proxy itself
                index.products.put(product)
            ready[product.key] = product

        known = {p.key: found for p in task.products if (found := index.products.get(p.key))}
        for product in task.products:
            found = known.get(product.key)
            if found is None or _is_wanted_elsewhere(found, product, workspace):
                continue
            ready[product.key] = found
            if found.source_path != task.media.path:  # the same content in another place
                index.products.put(replace(found, source_path=task.media.path))
        missing = [p for p in task.products if p.key not in ready]
        notes = [] if missing else ["made by another run in the meantime"]
        placed = _claim(missing, workspace, index, held, waiting)
        for product in placed:
            _make_folder(Path(product.path).parent, held)
            there = known.get(product.key)
            if there and (copy := finished.copied(there, product, tick)):
                notes.append(f"copied from {there.path}")
                keep(copy)
            elif whole := finished.recovered(product, task.media, constant_rate(task.media, task.constant_rate), tick):
                notes.append("made by a run that was killed before it could say so")
                keep(whole)
        left = tuple(p for p in placed if p.key not in ready)
        if left:
            made = transcode.transcode(
                replace(task, products=left), progress=progress, cancelled=cancelled, paint_for=_paint_for(left, tick)
            )
            for product in made.products:
                keep(product)
            notes += made.notes
    return Ready(
        key=task.key,
        products=tuple(ready[p.key] for p in task.products),
        seconds=time.monotonic() - began,
        notes=tuple(dict.fromkeys(notes)),
    )


def _paint_for(products: Sequence[Product], tick: Callable[[], None]) -> transcode.PaintFor:
    """Effects are loaded where they are needed only: most proxies show what their source does."""
    if all(product.recipe.is_plain for product in products):
        return transcode.unpainted
    with alive(tick):  # what compiles them is large
        from otio_perf.tasks import painting

    return painting.paint_for


def _is_wanted_elsewhere(found: Product, wanted: Product, workspace: Workspace) -> bool:
    """Beside the source, and is not there. (Whoever wants it in the workspace takes it from wherever it is.)"""
    folder = Path(wanted.path).parent
    return folder != workspace.proxies and names.same_name(Path(found.path).parent) != names.same_name(folder)


def _claim(
    products: Sequence[Product], workspace: Workspace, index: Index, held: ExitStack, waiting: Callable[[], bool]
) -> list[Product]:
    """The products under paths that are theirs alone until ``held`` closes.

    Two runs that plan at the same time may give one name to two sources. Whoever comes second waits until the first has
    recorded its product, and then takes another name; locks are taken in one order, so nobody waits in a circle.

    :raises CacheError: beside the source there is only one name, and another file has it
    """
    locked: set[str] = set()
    given: dict[str, str] = {}

    def lock(name: str) -> None:
        if name not in locked:  # a lock that this process holds would never come free
            held.enter_context(workspace.lock(f"path {name}", cancelled=waiting))
            locked.add(name)

    def taken(path: Path) -> str | None:
        return given.get(names.same_name(path)) or index.products.key_at(path)

    for name in sorted({names.same_name(p.path) for p in products}):
        lock(name)
    placed: list[Product] = []
    for product in products:
        if Path(product.path).parent != workspace.proxies:
            names.require_free_beside(
                Path(product.path), product.source_path, key=product.key, taken=lambda p: taken(p) or finished.key_in(p)
            )
        while taken(Path(product.path)) not in (None, product.key):
            product = replace(product, path=str(names.free_name(Path(product.path), key=product.key, taken=taken)))
            lock(names.same_name(product.path))
        given[names.same_name(product.path)] = product.key
        placed.append(product)
    return placed


def _make_folder(folder: Path, held: ExitStack) -> None:
    """``Proxy`` beside a source; gone again if nothing came of it. :raises CacheError"""
    try:
        folder.mkdir()
    except FileExistsError:
        return
    except OSError as e:
        hint = "leave --beside away: proxies then go to the workspace"
        raise CacheError(f"cannot be made: {e.strerror}", path=folder, hint=hint) from e
    held.callback(_remove_if_empty, folder)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
