"""The documents that a command writes (``--json``, ``--html``, ``--trace``), and what they must never be written over."""

from __future__ import annotations

import argparse
import os
from contextlib import suppress
from pathlib import Path

from otio_perf.errors import CacheError, SettingsError

#: Suffixes by option, the usual one first. An existing file with content is replaced only if it has one of them.
SUFFIXES = {"json": (".json",), "html": (".html", ".htm"), "trace": (".json", ".trace")}
#: One of these is near the beginning of what we write, an answer, a page, a trace; needed to replace it.
_MARKS = (b'"schema": "otio_perf.', b'<meta name="generator" content="otio-perf">', b'"args": {"name": "otio-perf"}')
#: Timelines get these names, also by default: no document takes one, there already or not.
_TIMELINES = (".otio", ".otioz", ".otiod")
_ARGUMENTS = ("timeline", "timelines", "media", "input", "output", "settings", "project")


def asked_for(arguments: argparse.Namespace) -> dict[str, str]:
    """File of each document that a command line asks for, by option; those to standard output are left out."""
    named = {option: getattr(arguments, option, None) for option in SUFFIXES}
    return {option: name for option, name in named.items() if name and name != "-"}


def refuse_unusable(arguments: argparse.Namespace) -> None:
    """Before any work: ``--json -`` owns standard output, and no document is written over another or over anything else.

    :raises SettingsError
    """
    if any(getattr(arguments, option, None) == "-" for option in SUFFIXES if option != "json"):
        raise SettingsError("only --json can be written to standard output")
    taken = [getattr(arguments, name, None) for name in _ARGUMENTS]
    names = [str(t) for t in taken if isinstance(t, str)] + [
        str(t) for several in taken if isinstance(several, list) for t in several
    ]
    for option, name in asked_for(arguments).items():
        if any(_same_file(name, other) for other in names):
            raise SettingsError(f"--{option} would overwrite it", path=name, hint="Name another file")
        refuse_other_kind(option, name)
        names.append(name)


def refuse_other_kind(option: str, name: str) -> None:
    """:raises SettingsError: a file is there that does not look like such a document, or that we did not make, or the name is
    that of a timeline
    """
    kinds = {Path(n).suffix.lower() for n in (name, os.path.realpath(name))}
    if kinds <= set(SUFFIXES[option]):
        if _is_foreign(name):
            noun = {"json": "answer", "html": "page", "trace": "trace"}[option]
            reason = f"is there, and is no {noun} that was made by otio-perf: it would be overwritten"
            raise SettingsError(reason, path=name, hint="Name another file, or move that one away")
        return
    hint = f"Name a file that ends in {SUFFIXES[option][0]}"
    if os.path.isfile(name) and os.path.getsize(name) > 0:  # noqa: PTH113, PTH202 - Path raises for long names
        raise SettingsError(f"--{option} would overwrite it", path=name, hint=hint)
    if any(kind in _TIMELINES for kind in kinds):
        raise SettingsError(f"--{option} would take the name of a timeline", path=name, hint=hint)


def _is_foreign(name: str) -> bool:
    if not os.path.isfile(name) or os.path.getsize(name) == 0:  # noqa: PTH113, PTH202 - Path raises for long names
        return False
    try:
        with Path(name).open("rb") as file:
            begin = file.read(4096)
    except OSError:  # nobody may read it
        return True
    return not any(mark in begin for mark in _MARKS)


def write(option: str, name: str, text: str) -> None:
    """Whole or not at all; what is no regular file (a pipe, a device) is written to as it is.

    :raises SettingsError: see ``refuse_other_kind``. :raises CacheError: it cannot be written
    """
    refuse_other_kind(option, name)
    path = Path(name)
    temporary: Path | None = None
    try:
        if os.path.exists(name) and not os.path.isfile(name):  # noqa: PTH110, PTH113 - Path raises for long names
            path.write_text(text, encoding="utf-8", errors="surrogateescape")
            return
        path = _landing(path)
        temporary = path.with_name(f".{path.name[:40]}.{os.getpid()}.part")
        temporary.write_text(text, encoding="utf-8", errors="surrogateescape")
        temporary.replace(path)
    except OSError as e:
        raise CacheError(f"cannot be written: {e.strerror or e}", path=path, hint="Name another file") from e
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _landing(path: Path) -> Path:
    """A link stays, and its file is written. :raises CacheError: it leads nowhere"""
    if not os.path.islink(path):  # noqa: PTH114 - Path.is_symlink raises where a name is too long
        return path
    try:
        return Path(os.path.realpath(path, strict=True))
    except OSError as e:
        raise CacheError(f"is a link that leads nowhere ({e.strerror})", path=path, hint="Name another file") from e


def _same_file(one: str, other: str) -> bool:
    try:
        return Path(one).resolve() == Path(other).resolve() or Path(one).samefile(other)
    except (OSError, RuntimeError):  # a link to itself
        return False
