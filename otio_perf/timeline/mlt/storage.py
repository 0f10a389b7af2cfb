"""Where Kdenlive keeps what belongs to a document: its own cache folder, or the folder that the document names.

::

    <folder>/proxy/<hash>.mkv                   of all documents
    <folder>/<document id>/preview/25.mov       a chunk of the main sequence, from its frame 25 on
    <folder>/<document id>/preview/<md5>/25.mov one of another sequence: md5 of its identity, braces included
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from otio_perf.errors import UnwritableTimelineError
from otio_perf.model.hosts import Packaging

#: Before the names of what Kdenlive keeps of a document, on its bin.
DOCUMENT = "kdenlive:docproperties."
_APP = "kdenlive"
#: Caches of the programs that are shut in, in the user's home.
_SANDBOXES = {Packaging.FLATPAK: ".var/app/org.kde.kdenlive/cache", Packaging.SNAP: "snap/kdenlive/common/.cache"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """``folder`` holds the proxies of all documents, and a folder of each."""

    folder: Path
    document_id: str

    @property
    def proxies(self) -> Path:
        return self.folder / "proxy"

    def previews(self, sequence: str | None = None) -> Path:
        """:param sequence: identity of a sequence that is not the main one, as the project spells it: ``{…}``"""
        main = self.folder / self.document_id / "preview"
        if sequence is None:
            return main
        return main / hashlib.md5(sequence.encode(), usedforsecurity=False).hexdigest()


def documents_in(cache: Path) -> tuple[Path, ...]:
    """The folders of documents in a cache of Kdenlive's."""
    return tuple(entry for entry in _entries(cache) if entry.name.isdigit())


def marked_in(document: Path) -> tuple[Path, ...]:
    """Projects for which Kdenlive has used the folder of a document, there or not: ``.%2Fpath%2Fto%2Fcut.kdenlive``, empty."""
    return tuple(Path(unquote(mark.name[1:])) for mark in _entries(document) if mark.name.startswith(".%2F"))


def _entries(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(folder.iterdir())
    return []


def cache_folder(packaging: Packaging, home: Path, variables: Mapping[str, str], platform: str) -> Path:
    """Kdenlive's cache: Qt's CacheLocation, and what Flatpak and Snap make of it.

    :param home: the user's home; :param variables: environment; :param platform: as ``sys.platform``
    """
    if packaging in _SANDBOXES:
        return home / _SANDBOXES[packaging] / _APP
    if platform == "win32":
        local = variables.get("LOCALAPPDATA")
        return (Path(local) if local else home / "AppData" / "Local") / _APP / "cache"
    if platform == "darwin":
        return home / "Library" / "Caches" / _APP
    said = variables.get("XDG_CACHE_HOME", "")
    return (Path(said) if os.path.isabs(said) else home / ".cache") / _APP  # noqa: PTH117


def cache_folders(home: Path, variables: Mapping[str, str], platform: str) -> tuple[Path, ...]:
    """Where Kdenlive's cache may be, the most likely first."""
    found = [cache_folder(Packaging.SYSTEM, home, variables, platform)]
    if platform not in ("win32", "darwin"):
        found.append(cache_folder(Packaging.SYSTEM, home, {}, platform))  # one that was started elsewhere
        found += [cache_folder(packaging, home, variables, platform) for packaging in _SANDBOXES]
    return tuple(dict.fromkeys(found))


def extension_of(properties: Mapping[str, str], name: str, default: str) -> str:
    """Of files that a document makes, without the dot; what is none leads nowhere else: ``default``.

    :param name: of the property, without ``DOCUMENT``
    """
    said = properties.get(DOCUMENT + name, "").strip().lstrip(".")
    return said if said.isascii() and said.isalnum() else default


def storage_of(properties: Mapping[str, str], project: Path, caches: Sequence[Path]) -> Storage:
    """The storage of a document.

    :param properties: of its bin, see ``DOCUMENT``
    :param project: its file; a relative storage folder starts beside it
    :param caches: ``cache_folders``; the first in which the document has a folder already is taken, or the first
    :raises UnwritableTimelineError: it has no number by which Kdenlive would know its files
    """
    document_id = properties.get(f"{DOCUMENT}documentid", "")
    if not (document_id.isascii() and document_id.isdigit()):
        raise UnwritableTimelineError(
            "has no document id, by which Kdenlive finds its files", path=project, hint="Open it in Kdenlive and save it again"
        )
    own = properties.get(f"{DOCUMENT}storagefolder", "")
    if own:  # it ends in the document's id
        folder = Path(os.path.normpath(project.absolute().parent / own)).parent
    else:
        folder = next((c for c in caches if (c / document_id).is_dir()), caches[0])
    return Storage(folder=folder, document_id=document_id)
