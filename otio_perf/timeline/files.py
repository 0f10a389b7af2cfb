"""Reading and writing timelines: ``read`` gives a ``Document`` of plain dicts, ``write`` puts one on the disk.

``.otio`` files that are spelled as this OpenTimelineIO spells them (``shape``) are parsed here, without it; everything else
is read by OpenTimelineIO in a process of its own (``child``), so that no file can take this one down.
"""

# ruff: noqa: PTH100, PTH112
# Paths are text here: pathlib would swallow "./", doubled and final slashes, and Path.resolve() follows links.

from __future__ import annotations

import codecs
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import xxhash

from otio_perf.errors import (
    HostileTimelineError,
    LossyTimelineError,
    MissingDependencyError,
    OtioPerfError,
    UnreadableTimelineError,
    UnwritableTimelineError,
)
from otio_perf.model.uses import Problem
from otio_perf.timeline import bundle_folders, bundles, child, guard, json_text, projects, stamp
from otio_perf.timeline.appearing import appearing, landing, sweep, sync, write_bytes
from otio_perf.timeline.guard import Limits
from otio_perf.timeline.locate import PACKED, Locator
from otio_perf.timeline.mlt import reading as mlt
from otio_perf.timeline.mlt.overlay import Overlay
from otio_perf.timeline.mlt.preview import Preview
from otio_perf.timeline.mlt.project import KDENLIVE, MLT
from otio_perf.timeline.mlt.proxied import IsPlaced, is_none
from otio_perf.timeline.packing import packed
from otio_perf.timeline.references import DAMAGE, Json, by_id, is_ours, schema_of
from otio_perf.timeline.shape import is_plain
from otio_perf.timeline.tree import clips_of

#: Formats that hold every media reference of a clip. In all others only the active one is kept.
KEEPS_REFERENCES = frozenset({".otio", ".otioz", ".otiod"})
#: Projects that are read here, for no adapter of OpenTimelineIO reads them as they are; written by changing what there is.
PROJECTS = frozenset({KDENLIVE, MLT})
_ROOTS = ("Timeline", "SerializableCollection", "Stack", "Track", "Clip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A timeline as plain dicts, in the shape of OTIO's JSON. Nobody changes ``root``; see ``tree.map_clips``."""

    path: str  # absolute
    format: str  # name of OTIO's adapter: "otio_json", "cmx_3600" …
    base: str  # folder in which its relative URLs start
    digest: str  # of the file's bytes
    root: Json = field(repr=False)
    shared: dict[str, Json] = field(default_factory=dict, repr=False)  # objects that SerializableObjectRef refers to
    rate: Fraction | None = None  # that an EDL was read at
    notices: tuple[str, ...] = ()  # for the user
    is_exact: bool = False  # unusual numbers keep their letters: it can be written as it was
    is_canonical: bool = False  # root is what OpenTimelineIO itself makes of the file; exact, too

    def to_json_string(self) -> str:
        """As OpenTimelineIO would write it."""
        return json_text.dumps(self.root)

    def to_otio(self) -> Any:
        """A new OpenTimelineIO object. For callers of the Python API; this package works on ``root``."""
        import opentimelineio as otio

        return otio.core.deserialize_json_from_string(self.to_json_string())


def read(
    path: str | os.PathLike[str],
    *,
    rate: Fraction | None = None,
    limits: Limits | None = None,
    exact: bool = False,
    canonical: bool = False,
    unpack_into: Path | None = None,
) -> Document:
    """The timeline in ``path``, in any format for which OpenTimelineIO has an adapter.

    :param rate: frames per second of an EDL; without it the usual ones are tried, and a notice says which was taken.
    :param exact: keep the letters of unusual numbers, as is needed before a document is written as it was.
    :param canonical: have OpenTimelineIO spell it, as is needed before a document is changed and written.
    :param unpack_into: folder for the media of an ``.otioz``; without it they count as refused.
    :raises UnreadableTimelineError: not there, not a timeline, damaged.
    :raises HostileTimelineError: too large, too deep, refers to itself, crashes or hangs its adapter.
    :raises UnsupportedSchemaError: from a newer OpenTimelineIO; the schemas are named.
    :raises MissingDependencyError: its adapter is not installed.
    """
    limits = limits or Limits()
    file = Path(os.path.abspath(path))
    suffix = file.suffix.lower()
    if suffix == ".otioz":
        text = bundles.content_of_zip(file, limits)
        base = bundles.unpack(file, unpack_into, limits) if unpack_into else PACKED + str(file)
        return _read_json(text, file, "otioz", base, limits, exact=exact, canonical=canonical)
    if suffix == ".otiod":
        text = guard.read_bytes(file / "content.otio", max_bytes=limits.max_bytes)
        return _read_json(text, file, "otiod", str(file), limits, exact=exact, canonical=canonical)
    if suffix == ".otio":
        text = guard.read_bytes(file, max_bytes=limits.max_bytes)
        return _read_json(text, file, "otio_json", str(file.parent), limits, exact=exact, canonical=canonical)
    if suffix in PROJECTS:
        text = projects.text_of(file, limits)
        spelled = json_text.dumps(mlt.read(text, str(file))).encode()
        document = _read_json(spelled, file, "kdenlive_perf", str(file.parent), limits, exact=exact, canonical=canonical)
        return replace(document, digest=digest_of(text))
    digest = digest_of(guard.read_bytes(file, max_bytes=limits.max_adapter_bytes))
    with tempfile.TemporaryDirectory(prefix="otio_perf-") as folder:
        target = Path(folder, "timeline.otio")
        asked = None if rate is None else str(rate)
        reply = child.convert(file, target, seconds=limits.adapter_seconds, shown=file, target_adapter="otio_json", rate=asked)
        text = guard.read_bytes(target, max_bytes=limits.max_bytes)
    document = _parsed(text, file, reply["adapter"], str(file.parent), digest, limits, exact=True, canonical=True)
    return replace(document, rate=Fraction(reply["rate"]) if reply["rate"] else rate, notices=tuple(reply["notices"]))


def read_others(path: str | os.PathLike[str], *, limits: Limits | None = None) -> Document | None:
    """What only those sequences of a project play that were not open in it: a clip of each medium; canonical, see ``read``.

    :returns: ``None`` where there is nothing of the kind
    :raises UnreadableTimelineError, HostileTimelineError: as ``read``
    """
    limits = limits or Limits()
    file = Path(os.path.abspath(path))
    if file.suffix.lower() not in PROJECTS:
        return None
    text = projects.text_of(file, limits)
    root = mlt.read_others(text, str(file))
    if root is None:
        return None
    spelled = json_text.dumps(root).encode()
    document = _read_json(spelled, file, "kdenlive_perf", str(file.parent), limits, exact=True, canonical=True)
    return replace(document, digest=digest_of(text))


def canonical(document: Document, *, limits: Limits | None = None) -> Document:
    """The same as OpenTimelineIO spells it: old schemas upgraded, every field there, checked by its reader.

    :raises UnreadableTimelineError: OpenTimelineIO cannot read it, or the file has changed since ``document`` was read.
    """
    return document if document.is_canonical else _again(document, limits, canonical=True)


def exact(document: Document, *, limits: Limits | None = None) -> Document:
    """The same with the letters of its numbers. :raises UnreadableTimelineError: the file has changed since it was read."""
    return document if document.is_exact or document.is_canonical else _again(document, limits, canonical=False)


def _again(document: Document, limits: Limits | None, *, canonical: bool) -> Document:
    again = read(document.path, rate=document.rate, limits=limits, exact=True, canonical=canonical)
    if again.digest != document.digest:
        raise UnreadableTimelineError("changed while it was worked on", path=document.path, hint="Run the command again")
    return replace(again, base=document.base, notices=document.notices)


class Written(NamedTuple):
    kept: Path | None  # where what was there before is: what is neither the same nor untouched since we wrote it (``stamp``)
    left: tuple[Problem, ...] = ()  # clips whose medium should be in the bundle, and is not


def write(
    document: Document,
    path: str | os.PathLike[str],
    *,
    allow_lossy: bool = False,
    limits: Limits | None = None,
    locator: Locator | None = None,
    project: Document | None = None,
    ahead: Preview | Overlay | None = None,
    stand_ins: Mapping[str, str] | None = None,
    is_placed: IsPlaced = is_none,
    is_worth_keeping: Callable[[], bool] | None = None,
    others: tuple[Document, Document] | None = None,
) -> Written:
    """Write ``document`` in the format of ``path``'s suffix: whole or not at all. A link is written through.

    Bundles get the media of all references; with ``allow_lossy``, of the active ones alone.

    :param locator: finds the media that a bundle gets, where they are not where the document says.
    :param project: of Kdenlive or MLT, as it was read, that ``document`` comes of: it is written with what is active in
        ``document``, and as it is otherwise.
    :param ahead: what a project shows as rendered ahead by us; ``None``: what it has.
    :param stand_ins: by path of a proxy, the file that a project shows in its place; ``""``: none. ``is_placed``: see
        ``mlt.proxied.with_originals``.
    :param others: of a project, what ``read_others`` has, as it was read and as it is to be shown
    :param is_worth_keeping: asked of what is there now, if it is another, and as we wrote it
    :raises LossyTimelineError: the format holds one media reference a clip, and there are proxies beside originals; or a
        folder in the place of an ``.otiod`` holds something that the new one does not.
    :raises UnreadableTimelineError: nobody here can write the format.
    :raises UnwritableTimelineError, DiskFullError: not to that place.
    :raises MissingDependencyError: its adapter is not installed.
    """
    limits = limits or Limits()
    suffix = Path(path).suffix.lower()
    target = landing(Path(os.path.abspath(path)))
    clear_up(target)
    if suffix == ".otio":
        with appearing(target, suffix) as partial:
            write_bytes(partial, stamp.stamped(document.root))
            return Written(stamp.keep_edited(partial, target, is_worth_keeping))
    if suffix in bundles.SUFFIXES:
        where = (locator or Locator(document.path)).moved(document.base)
        with appearing(target, suffix, seen=bundle_folders.seen) as partial:
            bundle = packed(document.root, where, target, every=not allow_lossy)
            if suffix == ".otiod" and os.path.isdir(target):
                bundle_folders.refuse_loss(target, bundle.members.values())
            bundles.write(partial, bundle)
            sync(partial)
            return Written(stamp.keep_edited(partial, target, is_worth_keeping), bundle.left)
    if suffix in PROJECTS:
        with appearing(target, suffix) as partial:
            if project is None or Path(project.path).suffix.lower() not in PROJECTS:
                raise UnwritableTimelineError(
                    "cannot be written: a project can only be changed, and the input is none",
                    path=target,
                    hint="Write .otio, which Kdenlive imports from 25.04 on",
                )
            data = projects.text_of(project.path, limits)
            if digest_of(data) != project.digest:
                raise UnreadableTimelineError("changed while it was worked on", path=project.path, hint="Run the command again")
            text = projects.changed(
                data,
                project.path,
                before=project.root,
                after=document.root,
                others=None if others is None else (others[0].root, others[1].root),
                target=target,
                ahead=ahead,
                stand_ins=stand_ins or {},
                is_placed=is_placed,
            )
            write_bytes(partial, text)
            return Written(stamp.keep_edited(partial, target, is_worth_keeping))
    if not allow_lossy and has_proxies(document):
        raise LossyTimelineError(
            f"{suffix or 'this format'} holds one media reference a clip, so that the originals would be lost",
            path=target,
            hint="Write .otio, or allow it and keep the .otio as the master",
        )
    with tempfile.TemporaryDirectory(prefix="otio_perf-") as folder, appearing(target, suffix) as partial:
        source = Path(folder, "timeline.otio")
        source.write_bytes(document.to_json_string().encode("utf-8", "surrogateescape"))
        child.convert(source, partial, seconds=limits.adapter_seconds, shown=target, source_adapter="otio_json")
        sync(partial)
        return Written(stamp.keep_edited(partial, target, is_worth_keeping))


def clear_up(path: str | os.PathLike[str]) -> None:
    """Before ``path`` is written or read: what killed runs left beside it goes, and what they had moved aside comes back."""
    with suppress(UnwritableTimelineError):
        sweep(
            landing(Path(os.path.abspath(path))),
            KEEPS_REFERENCES,
            is_held=lambda old, new: not bundle_folders.lost(old, bundle_folders.files_of(new)),
        )


def refuse_unwritable(path: str | os.PathLike[str]) -> None:
    """Can a timeline be written to ``path``, as far as its name tells, and what is there?

    :raises UnwritableTimelineError: a link that leads nowhere; a format that nobody here can write.
    :raises LossyTimelineError: a folder that would be replaced, and is no bundle.
    :raises MissingDependencyError: the adapter that could is not installed.
    """
    target, suffix = landing(Path(os.path.abspath(path))), Path(path).suffix.lower()
    if suffix == ".otiod" and os.path.isdir(target):
        bundle_folders.refuse_foreign(target)
    if suffix in KEEPS_REFERENCES or suffix in PROJECTS:
        return
    known = formats()
    if not known.get(suffix, (False, False))[1]:
        if suffix in child.OPTIONAL and suffix not in known:
            raise MissingDependencyError(
                f"no OpenTimelineIO adapter for {child.OPTIONAL[suffix]} is installed", path=target, hint=child.INSTALL
            )
        what = f"{suffix} files" if suffix else "a file without suffix"
        can = ", ".join(s for s, (_, is_written) in known.items() if is_written)
        raise UnwritableTimelineError(f"cannot be written: no adapter writes {what}", path=target, hint=f"There are: {can}")


@contextmanager
def unreadable_if_damaged(document: Document) -> Iterator[None]:
    """Turn what plain dicts raise into one line. :raises UnreadableTimelineError"""
    try:
        yield
    except OtioPerfError:
        raise
    except DAMAGE as e:
        raise UnreadableTimelineError(f"is damaged ({type(e).__name__}: {e})", path=document.path) from e


def formats() -> dict[str, tuple[bool, bool]]:
    """Suffix → (can be read, can be written), as installed here."""
    import opentimelineio as otio

    readable = otio.adapters.suffixes_with_defined_adapters(read=True)
    writable = otio.adapters.suffixes_with_defined_adapters(write=True)
    return {f".{s}": (s in readable, s in writable) for s in sorted(readable | writable)}


def base_of(path: str | os.PathLike[str]) -> str:
    """Where the relative URLs of a timeline start, as ``read`` has it without ``unpack_into``."""
    file = Path(os.path.abspath(path))
    suffix = file.suffix.lower()
    return PACKED + str(file) if suffix == ".otioz" else str(file if suffix == ".otiod" else file.parent)


def digest_at(path: str | os.PathLike[str], limits: Limits | None = None) -> str:
    """``Document.digest`` of a file, without reading it as a timeline. :raises UnreadableTimelineError, HostileTimelineError"""
    limits = limits or Limits()
    file = Path(os.path.abspath(path))
    suffix = file.suffix.lower()
    if suffix == ".otioz":
        return digest_of(bundles.content_of_zip(file, limits))
    most = limits.max_bytes if suffix in KEEPS_REFERENCES else limits.max_adapter_bytes
    return digest_of(guard.read_bytes(file / "content.otio" if suffix == ".otiod" else file, max_bytes=most))


def digest_of(data: bytes) -> str:
    """Hex digest of a timeline file's bytes. For change detection, not against forgery."""
    return xxhash.xxh3_128_hexdigest(data)


def _read_json(data: bytes, file: Path, name: str, base: str, limits: Limits, *, exact: bool, canonical: bool) -> Document:
    digest = digest_of(data)
    data = data.removeprefix(codecs.BOM_UTF8)  # some editors of text leave one; JSON has none
    scan = guard.scan(data, path=file, limits=limits)
    if not canonical and not scan.foreign:
        try:
            return _parsed(data, file, name, base, digest, limits, exact=exact, scan=scan)
        except _NotPlainJsonError:
            pass  # older, damaged, or "Inf": OpenTimelineIO knows which
    if scan.has_references:
        try:
            by_id(json_text.loads(data))  # a circle of references must not reach OpenTimelineIO
        except HostileTimelineError as e:
            raise HostileTimelineError(e.message, path=file) from e
        except (ValueError, RecursionError):
            pass
    with tempfile.TemporaryDirectory(prefix="otio_perf-") as folder:
        source, target = Path(folder, "in.otio"), Path(folder, "out.otio")
        source.write_bytes(data)
        adapters = {"source_adapter": "otio_json", "target_adapter": "otio_json"}
        child.convert(source, target, seconds=limits.adapter_seconds, shown=file, foreign=scan.foreign, **adapters)
        text = guard.read_bytes(target, max_bytes=limits.max_bytes)
    return _parsed(text, file, name, base, digest, limits, exact=True, canonical=True)


class _NotPlainJsonError(ValueError):
    pass


def _parsed(
    data: bytes,
    file: Path,
    name: str,
    base: str,
    digest: str,
    limits: Limits,
    *,
    exact: bool,
    canonical: bool = False,
    scan: guard.Scan | None = None,
) -> Document:
    scan = scan or guard.scan(data, path=file, limits=limits)
    try:
        root = json_text.loads(data, exact=exact)
    except RecursionError as e:
        raise HostileTimelineError("nested too deep", path=file) from e
    except ValueError as e:
        raise _NotPlainJsonError(str(e)) from e
    if schema_of(root) not in _ROOTS:
        kind = root.get("OTIO_SCHEMA") if isinstance(root, dict) else type(root).__name__
        raise UnreadableTimelineError(f"holds no timeline but a {kind or 'JSON object of another kind'}", path=file)
    if not exact and not is_plain(root, data):
        raise _NotPlainJsonError
    try:
        shared = by_id(root) if scan.has_references else {}
    except HostileTimelineError as e:
        raise HostileTimelineError(e.message, path=file) from e
    return Document(
        path=str(file), format=name, base=base, digest=digest, root=root, shared=shared, is_exact=exact, is_canonical=canonical
    )


def has_proxies(document: Document) -> bool:
    return any(is_ours(key) for clip in clips_of(document.root) for key in clip.get("media_references") or ())
