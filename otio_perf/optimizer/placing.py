"""Copies of proxies where programs that are made of MLT look for them: under the hash of their source.

A program switches such a proxy off and on by itself, as one that it made; one in any other place is gone for it once it was
switched off (seen with Kdenlive 22.12: it then encodes its own). A copy is a product of the workspace like any other, at
another path: ``cache`` counts, checks and deletes it, and a project that shows it can be restored.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from otio_perf.errors import ContractError, EncodeError, OfflineMediaError, OtioPerfError, UnwritableTimelineError
from otio_perf.media import arranged, contract, fingerprint
from otio_perf.media.finished import key_in
from otio_perf.media.probe import probe
from otio_perf.model.media import MediaInfo
from otio_perf.model.placing import Placed, Placing
from otio_perf.model.plans import Product
from otio_perf.optimizer.session import Session
from otio_perf.timeline.mlt import storage
from otio_perf.timeline.mlt.project import KDENLIVE

#: Of files that are larger than both, these many bytes at the beginning and at the end count.
_PART_BYTES = 1_000_000
#: Behind the key of a proxy: the copy of it in one place.
_AT = "@"


def file_hash(path: str | Path) -> str:
    """How Kdenlive and Shotcut know a file, wherever it lies: MD5 of its bytes, of large files of their beginning and end.

    Kdenlive writes it into projects as ``kdenlive:file_hash``, Shotcut as ``shotcut:hash`` (compared with what 22.12 of both
    wrote, for files on either side of the limit).

    :raises OfflineMediaError: it cannot be read
    """
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with Path(path).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            if size <= 2 * _PART_BYTES:
                digest.update(file.read())
            else:
                digest.update(file.read(_PART_BYTES))
                file.seek(size - _PART_BYTES)
                digest.update(file.read())
    except OSError as e:
        raise OfflineMediaError(f"cannot be read: {e.strerror}", path=path) from e
    return digest.hexdigest()


def extension_of(properties: Mapping[str, str]) -> str:
    """Suffix of Kdenlive's proxies of video. :param properties: of a project's bin; "" where Kdenlive chooses"""
    return f".{storage.extension_of(properties, 'proxyextension', 'mkv')}"


def placed(session: Session, target: Path, product: Product, media: MediaInfo, *, dry_run: bool = False) -> Placed:
    """A copy of ``product``, the whole of ``media``, at ``target``, with the numbers that the streams of ``media`` have.

    What the program itself made there stays. Nothing is done where the copy is there already.
    """

    def told(placing: Placing, reason: str = "", size_bytes: int = 0) -> Placed:
        return Placed(source=media.path, path=str(target), placing=placing, reason=reason, size_bytes=size_bytes)

    known, key = session.index.products, f"{product.key}{_AT}{_digest(target)}"
    try:
        if (found := known.get(key)) is not None:
            return told(Placing.THERE, size_bytes=found.size_bytes)
        said, size = key_in(target), _size(target)
        if said == key:  # another workspace placed it
            made = fingerprint.digest(str(target))
            known.put(replace(product, key=key, path=str(target), source_path=media.path, size_bytes=size, digest=made))
            return told(Placing.THERE, size_bytes=size)
        if size and not (said is not None and _AT in said):  # else ours, of another size
            return told(Placing.LEFT, "the program has one of its own", size)
        if dry_run:
            return told(Placing.PLACED)
        _make_folder(target.parent)
        order = arranged.order_of(media, probe(product.path))
        if (before := known.key_at(target)) is not None:
            known.forget(before)
        turned = media.picture.rotation if media.picture is not None else 0
        size, made = arranged.arrange(product.path, target, order, key=key, turned=turned, tick=session.check_stop)
        if wrong := contract.compare_numbers(media, probe(str(target))):
            target.unlink(missing_ok=True)
            return told(Placing.FAILED, "; ".join(difference.text for difference in wrong))
        known.put(replace(product, key=key, path=str(target), source_path=media.path, size_bytes=size, digest=made))
        return told(Placing.PLACED, size_bytes=size)
    except ContractError as e:  # none can stand for it there
        return told(Placing.LEFT, e.message)
    except OtioPerfError as e:
        return told(Placing.FAILED, e.message)


def forget_stale(session: Session, media: MediaInfo) -> None:
    """A source with other bytes has another hash: nothing looks for what was placed of the old ones."""
    for product, _ in session.index.products.on_record(media.path):
        if is_copy(product) and product.source_fingerprint != media.fingerprint:
            session.index.products.forget(product.key)


def is_placed(session: Session, path: Path) -> bool:
    """Is the file one that ``placed`` made, here or from another workspace?"""
    key = session.index.products.key_at(path) if session.has_workspace else None
    return _AT in (key or key_in(path) or "")


def is_copy(product: Product) -> bool:
    return _AT in product.key


@dataclass(slots=True)
class Instead:
    """What a project shows: by path of each proxy, its copy; ``""``: it must not be shown there. ``placed``: copies that were
    not there before."""

    paths: dict[str, str] = field(default_factory=dict)
    placed: int = 0


def shown_instead(
    session: Session, project: Path, properties: Mapping[str, str], pairs: Iterable[tuple[Product, MediaInfo]]
) -> Instead:
    """Put copies where the program looks for proxies.

    :param project: where it is written. :param properties: of its bin
    :param pairs: whole proxies, with their sources
    """
    suffix, folder = extension_of(properties), _proxy_folder(properties, project)
    found = Instead()
    for product, media in pairs:
        if product.path in found.paths:
            continue
        session.check_stop()
        if media.sequence is not None:
            continue
        try:
            is_right = arranged.is_arranged(arranged.order_of(media, probe(product.path)))
            if folder is None and is_right:
                continue
            name = f"{file_hash(media.path)}{suffix}"
            one = placed(session, (folder or session.workspace.proxies) / name, product, media)
        except OtioPerfError as e:
            session.note(f"{media.path}: {e.message}")
            found.paths[product.path] = ""
            continue
        if one.placing in (Placing.PLACED, Placing.THERE):
            found.paths[product.path] = one.path
            found.placed += one.placing is Placing.PLACED
            forget_stale(session, media)
        elif not is_right:
            session.note(f"{media.path}: its proxy is not shown: {one.reason}")
            found.paths[product.path] = ""
        else:
            session.note(f"{media.path}: its proxy is shown, and gone when it is switched off in Kdenlive: {one.reason}")
    return found


def _proxy_folder(properties: Mapping[str, str], project: Path) -> Path | None:
    """Where Kdenlive looks for the proxies of a project; ``None``: it is not Kdenlive's, or that has never run here."""
    if project.suffix.lower() != KDENLIVE:
        return None
    caches = [c for c in storage.cache_folders(Path.home(), os.environ, sys.platform) if c.is_dir()]
    if not caches and not properties.get(f"{storage.DOCUMENT}storagefolder"):
        return None
    try:
        return storage.storage_of(properties, project, caches).proxies
    except UnwritableTimelineError:  # a document that has no number has no previews, but proxies
        return caches[0] / "proxy" if caches else None


def _digest(path: Path) -> str:
    return hashlib.md5(os.fsencode(path), usedforsecurity=False).hexdigest()


def _make_folder(folder: Path) -> None:
    """:raises EncodeError"""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise EncodeError(f"cannot be made: {e.strerror}", path=folder) from e


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
