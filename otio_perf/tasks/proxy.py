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
    planned = sorted({names.same_name(p.path) for p in products})
    for name in planned:
        held.enter_context(workspace.lock(f"path {name}", cancelled=waiting))
    placed: list[Product] = []
    for product in products:
        if index.key_at(product.path) not in (None, product.key):
            product = replace(product, path=str(_another(product, workspace, index)))
            if names.same_name(product.path) not in planned:
                held.enter_context(workspace.lock(f"path {names.same_name(product.path)}", cancelled=waiting))
        placed.append(product)
    return tuple(placed)


def _another(product: Product, workspace: Workspace, index: Index) -> Path:
    """:raises CacheError: beside the source there is only one name"""
    if Path(product.path).parent != workspace.proxies:
        return names.beside_name(product.source_path, key=product.key, taken=index.key_at)
    return workspace.name_for(product.source_path, product.recipe, key=product.key, taken=index.key_at)


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
