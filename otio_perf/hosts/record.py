"""What was installed where: kept in our own data folder, so that it can be taken away again after any upgrade."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from otio_perf.errors import HostError
from otio_perf.hosts import own_files

_SCHEMA = "otio_perf.installed"
_VERSION = 1


@dataclass(slots=True, kw_only=True)
class Installed:
    """What was put into one installation. All paths are absolute.

    ``files``: digests of all that we ever wrote to a file of ours; ``entries``: keys of ours by file and group, with the value
    that we wrote; ``made_files``, ``made_groups``, ``made_folders``: that were not there before.
    """

    host: str
    packaging: str
    data_folder: str
    command: str
    files: dict[str, list[str]] = field(default_factory=dict)
    entries: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    made_files: list[str] = field(default_factory=list)
    made_groups: dict[str, list[str]] = field(default_factory=dict)
    made_folders: list[str] = field(default_factory=list)


def load(path: Path) -> list[Installed]:
    """:raises HostError: it is there, and cannot be used"""
    hint = "Delete it, then install again; folders that were made for it may stay when it is taken away"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as e:
        raise HostError(f"the record of what was installed cannot be read: {e}", path=path, hint=hint) from e
    try:
        document = json.loads(text)
        if document["schema"] != _SCHEMA or document["schema_version"] > _VERSION:
            raise HostError("was written by a newer otio-perf", path=path, hint="Use that one")
        return [Installed(**one) for one in document["installed"]]
    except (ValueError, KeyError, TypeError) as e:
        raise HostError("the record of what was installed is damaged", path=path, hint=hint) from e


def save(path: Path, installed: Iterable[Installed]) -> None:
    """:raises HostError: it cannot be written"""
    rows = [asdict(one) for one in installed]
    if rows:
        document = {"schema": _SCHEMA, "schema_version": _VERSION, "installed": rows}
        own_files.make_folder(path.parent)
        own_files.write(path, (json.dumps(document, indent=2) + "\n").encode())
        return
    own_files.remove(path)
    with suppress(OSError):  # there is something else in it
        path.parent.rmdir()
