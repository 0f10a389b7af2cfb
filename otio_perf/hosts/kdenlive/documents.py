"""Which project a running Kdenlive has open.

Kdenlive does not say: its window's title has the name without folder and suffix. Where the file is, is put together from what
it leaves behind: the words that it was started with, the lock of its automatic backup, the marks in its cache, its list of
recent files. Of all these only those count whose name is in the title; several of one name are not guessed at.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes

from otio_perf.errors import HostBusyError, HostError, HostGoneError
from otio_perf.hosts.home import Home
from otio_perf.hosts.kdenlive.bus import Bus, Program
from otio_perf.timeline.mlt.project import KDENLIVE
from otio_perf.timeline.mlt.storage import cache_folders, documents_in, marked_in

_SCHEME, _RANDOM_LETTERS = "file_%2F", 8
_RECENT = re.compile(r"^File\d+(?:\[\$e\])?=(.*)$", re.MULTILINE)
#: Of Kdenlive from packages, as an AppImage and as a Snap; with the projects that were opened from its menu.
_SETTINGS = ("kdenliverc", "kdenlive-appimagerc", "kdenlive-snaprc")
#: Of a Snap, in the home; a Flatpak cannot be asked at all.
_SNAP_CONFIG, _SNAP_DATA = "snap/kdenlive/current/.config", "snap/kdenlive/current/.local/share"
#: Which start of which machine this is: in Qt's locks, too.
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
#: Files with what Kdenlive left behind are small.
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDocument:
    """``name``: of the project as the title has it, ``""`` where there is none. ``places``: project files that it may be, the
    likeliest first; ``is_sure``: it is this one, no other."""

    program: Program
    name: str
    places: tuple[Path, ...]
    is_sure: bool
    version: str

    @property
    def path(self) -> Path | None:
        """The file, where it is known."""
        return self.places[0] if len(self.places) == 1 else None

    def may_be(self, path: Path) -> bool:
        return self.name in _titles(path)

    def __str__(self) -> str:
        return f"Kdenlive {self.version} (process {self.program.pid})"


def meant(bus: Bus, home: Home, *, project: Path | None, pid: int | None) -> OpenDocument | None:
    """What that Kdenlive has open that is meant: the one that has ``project``, the process ``pid``, or the only one that runs;
    ``None``: none that runs has ``project``.

    :raises HostBusyError: one that may be meant does not answer, or is just opening a project: nobody knows which
    :raises HostError: it cannot be told
    """
    programs = bus.programs()
    if pid is not None:
        return _of_process(programs, pid, project, home)
    documents, silent = _answering(programs, home)
    if project is None:
        if silent is not None:
            raise silent
        if not documents and bus.has_sandboxed():
            raise HostError("Kdenlive runs in a sandbox, and cannot be asked what it has open", hint="Say --project FILE")
        if len(documents) != 1:
            what = "no Kdenlive has a project open" if not documents else f"{len(documents)} Kdenlives have projects open"
            raise HostError(what, hint="Name the project with --project FILE, or the process with --pid")
        return documents[0]
    found = [d for d in documents if d.may_be(project) and any(_is_same(p, project) for p in d.places)]
    if silent is not None and len(found) != 1:
        raise silent
    found = found or [d for d in documents if d.may_be(project) and not d.is_sure]
    if len(found) > 1:
        raise HostError(f"{len(found)} Kdenlives have a project of that name", path=project, hint="Name one with --pid")
    return found[0] if found else None


def _of_process(programs: Sequence[Program], pid: int, project: Path | None, home: Home) -> OpenDocument:
    """:raises HostBusyError, HostError"""
    with suppress(HostGoneError):
        for program in programs:
            if program.pid == pid:
                found = _document_of(program, home)
                if project is not None and not found.may_be(project):
                    hint = "Open the project there, or leave out --pid"
                    raise HostError(f"{found} has {found.name} open", path=project, hint=hint)
                return found
    raise HostError(f"no Kdenlive with a project runs as process {pid}", hint="Leave out --pid, or name another")


def _answering(programs: Sequence[Program], home: Home) -> tuple[list[OpenDocument], HostBusyError | None]:
    """What those have open that say so, and why another does not; what was closed meanwhile is left out."""
    found: list[OpenDocument] = []
    silent = None
    for program in programs:
        try:
            found.append(_document_of(program, home))
        except HostBusyError as e:
            silent = e
        except HostGoneError:
            continue
    return found, silent


def _document_of(program: Program, home: Home) -> OpenDocument:
    """:raises HostGoneError, HostBusyError"""
    document = document_of(program, home)
    if document is None:
        raise HostBusyError("a Kdenlive is just opening a project", hint="Answer what it asks, and try again")
    return document


def document_of(program: Program, home: Home) -> OpenDocument | None:
    """:returns: ``None`` while it begins, or reads a project. :raises HostGoneError, HostBusyError"""
    name = name_in(program.title())
    if name is None:
        return None
    locked = _by_lock(name, program.pid, home)
    return OpenDocument(
        program=program,
        name=name,
        places=places(name, program.pid, home) if locked is None else (locked,),
        is_sure=locked is not None,
        version=program.version(),
    )


def name_in(title: str) -> str | None:
    """The project's name in a window's title, ``"cut [*]/ HD 1080p 25 fps"``; ``None`` where there is no project.

    Names of files have no ``/``; what else the title says, it is only compared with.
    """
    head, slash, _ = title.partition("/")
    return head.removesuffix("[*]").rstrip(" ") if slash else None


def located(document: OpenDocument, project: Path | None) -> Path:
    """The file of ``document``. :raises HostError: it is not known, or it has none yet"""
    if project is not None:
        return project
    if document.path is not None:
        return document.path
    if document.places:
        several = ", ".join(str(p) for p in document.places[:4])
        raise HostError(f"{document} has {document.name} open: which file, it does not say", hint=f"Say --project: {several}")
    raise HostError(
        f"{document} has {document.name or 'a project'} open: where its file is, it does not say",
        hint="Save it, or say --project FILE",
    )


def places(name: str, pid: int, home: Home) -> tuple[Path, ...]:
    """Project files that are there, that the Kdenlive may have open, and that its title calls so; the likeliest first."""
    if (locked := _by_lock(name, pid, home)) is not None:
        return (locked,)
    found: dict[str, Path] = {}
    for path in _left_behind(pid, home):
        if name in _titles(path) and path.suffix == KDENLIVE and path.is_file():
            found.setdefault(os.path.realpath(path), path)
    return tuple(found.values())


def _by_lock(name: str, pid: int, home: Home) -> Path | None:
    """The project file whose changes this process holds a lock for."""
    for data in (home.data_folder, home.folder / _SNAP_DATA):
        for folder in _locked(pid, data / "stalefiles" / "kdenlive"):
            if (path := folder / f"{name}{KDENLIVE}").is_file():
                return path
    return None


def _left_behind(pid: int, home: Home) -> Iterator[Path]:
    yield from _words(pid)
    for cache in cache_folders(home.folder, home.variables, home.platform):
        for document in documents_in(cache):
            yield from marked_in(document)
    for config in (home.config_folder, home.folder / _SNAP_CONFIG):
        for name in _SETTINGS:
            for match in _RECENT.finditer(_text(config / name)):
                yield Path(match[1].replace("$HOME", str(home.folder)).replace("$$", "$"))


def _locked(pid: int, folder: Path) -> Iterator[Path]:
    """Folders of documents with changes, from the locks of their automatic backups.

    The name is ``<digest>.kdenlive<3 letters>file_%2Ffolder%2F…<8 letters>.lock`` (22.12 and 26.08; KAutoSaveFile cuts long
    ones); the lines are process, program, machine, its number, and which of its starts it was. Those of a crash stay.
    """
    boot = _text(_BOOT_ID).strip()
    for lock in _entries(folder):
        lines = _text(lock).splitlines() if lock.suffix == ".lock" else []
        if lines[:1] == [str(pid)] and lines[4:5] in ([], [""], [boot]):
            at = lock.stem.find(_SCHEME)
            if at >= 0:
                yield Path(unquote(lock.stem[at + len(_SCHEME) - 3 : -_RANDOM_LETTERS]))


def _words(pid: int) -> Iterator[Path]:
    """Of the command line, where the system shows it (Linux)."""
    process = Path("/proc") / str(pid)
    with suppress(OSError):
        if "kdenlive" not in process.joinpath("comm").read_text():
            return  # a number of a sandbox
        here = process.joinpath("cwd").readlink()
        for word in process.joinpath("cmdline").read_bytes().split(b"\0")[1:]:
            text = os.fsdecode(unquote_to_bytes(word[7:]) if word.startswith(b"file://") else word)
            if text.endswith(KDENLIVE):
                yield here / text


def _titles(path: Path) -> tuple[str, ...]:
    """How a title may name a project."""
    return path.stem, path.name, path.name.partition(".")[0]


def _entries(folder: Path) -> Iterable[Path]:
    with suppress(OSError):
        return sorted(folder.iterdir())
    return ()


def _text(path: Path) -> str:
    with suppress(OSError), path.open("rb") as file:
        return file.read(_MOST_BYTES).decode("utf-8", "replace")
    return ""


def _is_same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
