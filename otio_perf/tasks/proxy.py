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
from otio_perf.errors import CacheError
from otio_perf.media import transcode
from otio_perf.model.events import Ready
from otio_perf.model.plans import Product
from otio_perf.model.tasks import ProxyTask


def run(task: ProxyTask, *, progress: Callable[[int], None], cancelled: Callable[[], bool]) -> Ready:
    """``Ready.products`` are in the order of ``task.products``; a path differs from the planned one where that was taken.

    :raises MediaError, CacheError, TaskCancelledError: the registry makes them a ``Failed``
    """
    began = time.monotonic()
    workspace = Workspace.open(task.workspace)

    def waiting() -> bool:
        progress(0)  # waiting for another process is no stall
        return cancelled()

    with ExitStack() as held:
        held.enter_context(workspace.writing())
        held.enter_context(workspace.lock(f"source {task.media.fingerprint}", cancelled=waiting))
        index = held.enter_context(Index.open(workspace.root))
        ready = {p.key: found for p in task.products if (found := index.product(p.key))}
        for found in ready.values():
            if found.source_path != task.media.path:  # the same content in another place
                index.put_product(replace(found, source_path=task.media.path))
        missing = [p for p in task.products if p.key not in ready]
        notes: tuple[str, ...] = ("made by another run in the meantime",)
        if missing:
            placed = _claim(missing, workspace, index, held, waiting)
            for product in placed:
                _make_folder(Path(product.path).parent, held)
            made = transcode.transcode(replace(task, products=placed), progress=progress, cancelled=cancelled)
            for product in made.products:
                index.put_product(product)
                ready[product.key] = product
            notes = made.notes
    return Ready(
        key=task.key,
        products=tuple(ready[p.key] for p in task.products),
        seconds=time.monotonic() - began,
        notes=notes,
    )


def _claim(
    products: Sequence[Product], workspace: Workspace, index: Index, held: ExitStack, waiting: Callable[[], bool]
) -> tuple[Product, ...]:
    """The products under paths that are theirs alone until ``held`` closes.

    Two runs that plan at the same time may give one name to two sources. Whoever comes second waits until the first has
    recorded its product, and then takes another name; locks are taken in one order, so nobody waits in a circle.
    """
    locked: set[str] = set()
    given: dict[str, str] = {}

    def lock(name: str) -> None:
        if name not in locked:  # a lock that this process holds would never come free
            held.enter_context(workspace.lock(f"path {name}", cancelled=waiting))
            locked.add(name)

    def taken(path: Path) -> str | None:
        return given.get(names.same_name(path)) or index.key_at(path)

    for name in sorted({names.same_name(p.path) for p in products}):
        lock(name)
    placed: list[Product] = []
    for product in products:
        while taken(Path(product.path)) not in (None, product.key):
            product = replace(product, path=str(_another(product, workspace, taken)))
            lock(names.same_name(product.path))
        given[names.same_name(product.path)] = product.key
        placed.append(product)
    return tuple(placed)


def _another(product: Product, workspace: Workspace, taken: names.Taken) -> Path:
    """:raises CacheError: beside the source there is only one name"""
    if Path(product.path).parent != workspace.proxies:
        return names.beside_name(product.source_path, key=product.key, taken=taken)
    return names.free_name(Path(product.path), key=product.key, taken=taken)


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
