"""Where a media reference points: URL → ``Target``.

Only local files are ever looked for. Everything with a scheme other than ``file:`` is refused by name; a Windows path is
looked for on Windows, elsewhere only through ``--map`` or ``--media-root``. A clip that refers to no medium (an EDL has names
only) is looked for by its name, below the media roots alone.
"""

# ruff: noqa: PTH100, PTH113, PTH117, PTH118, PTH119, PTH120, PTH122, PTH206
# Paths are text here: pathlib would swallow "./", doubled and final slashes, and Path.resolve() follows links.

from __future__ import annotations

import ntpath
import os
import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote_to_bytes

from otio_perf.model.media import Sequence
from otio_perf.model.uses import Target, TargetKind

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.\-]+)(,[^:/]*)?:")
_WINDOWS = re.compile(r"^(?:[A-Za-z]:[\\/]|\\\\|//[^/])")
#: Kdenlive writes the speed of a retimed clip before its path, with the decimal mark of the user's country.
_SPEED = re.compile(r"^-?\d+(?:[.,]\d+)?:(?=.)")
#: Protocols of FFmpeg and of the web that are written without "//"; any other "name:rest" may be a file's name.
_PROTOCOLS = frozenset(
    "async bluray cache concat concatf crypto data dvd fd ffrtmpcrypt ffrtmphttp ftp gopher gophers hls http httpproxy https "
    "icecast ipfs ipns javascript lavfi mailto md5 mmsh mmst pipe prompeg rist rtmp rtmpe rtmps rtmpt rtmpte rtmpts rtp rtsp "
    "sctp sftp smb srt srtp subfile tcp tee tls udp udplite unix urn zmq".split()
)
_ON_WINDOWS = os.name == "nt"
#: Folders that Resolve and Kdenlive keep proxies in, called like their originals.
_PROXY_FOLDERS = frozenset({"proxy", "proxies"})
#: Files that are named where several may be meant.
_MOST_NAMED = 3
#: Before the path of a bundle that is not unpacked: stands where a base folder would, and cannot be one.
PACKED = "packed:"


@dataclass(frozen=True, slots=True)
class Reference:
    """A media reference without the rest of the timeline: what ``Locator.target`` needs. JSON-able with ``astuple``."""

    kind: str  # "external", "sequence", "generator", "missing"
    url: str = ""  # target_url; for a sequence target_url_base
    prefix: str = ""
    suffix: str = ""
    padding: int = 0
    first: int = 0
    last: int = 0
    step: int = 1
    rate: str = ""  # of a sequence: pictures per second, "24000/1001"
    generator: str = ""
    reason: str = ""
    clip: str = ""  # name of the clip, where the reference leads nowhere


@dataclass(frozen=True, slots=True)
class Locator:
    """Finds media for the references of one timeline.

    :param timeline: the timeline's file; relative URLs start in its folder, or in ``base`` where that is given.
    :param media_roots: folders to search for files that are not where the timeline says.
    :param maps: pairs of path prefixes (from, to); Windows and POSIX spelling. The first that fits is applied.
    :param suffixes: those of media, in lower case: what a clip that is called like a file without its suffix may be.
    """

    timeline: str | os.PathLike[str]
    media_roots: tuple[str | os.PathLike[str], ...] = ()
    maps: tuple[tuple[str, str], ...] = ()
    base: str | None = None
    suffixes: frozenset[str] = frozenset()
    _cache: dict[Reference, Target] = field(default_factory=dict, repr=False, compare=False)
    _names: dict[str, list[str]] = field(default_factory=dict, repr=False, compare=False)
    _clips: dict[str, list[str]] = field(default_factory=dict, repr=False, compare=False)
    _indexed: list[bool] = field(default_factory=list, repr=False, compare=False)

    @property
    def folder(self) -> str:
        """Where relative URLs start; not a folder where the timeline is inside a bundle that is not unpacked."""
        if self.base is not None and self.base.startswith(PACKED):
            return self.base
        return os.path.abspath(self.base if self.base is not None else os.path.dirname(os.path.abspath(self.timeline)))

    def based(self, base: str) -> Locator:
        """The same for a document whose relative URLs start in ``base``, unless another was asked for."""
        if self.base is not None or base == self.folder:
            return self
        return Locator(self.timeline, self.media_roots, self.maps, base, self.suffixes)

    def target(self, reference: Reference) -> Target:
        """What ``reference`` points to. Equal references give the same object."""
        found = self._cache.get(reference)
        if found is None:
            try:
                found = self._target(reference)
            except (ValueError, OSError) as e:  # letters or numbers that no path can have
                found = Target(
                    kind=TargetKind.REFUSED, url=reference.url, path=None, reason=f"its name cannot be that of a file ({e})"
                )
            self._cache[reference] = found
        return found

    def _target(self, reference: Reference) -> Target:
        url = reference.url
        if reference.kind == "generator":
            return Target(kind=TargetKind.GENERATOR, url="", path=None, generator=reference.generator)
        if reference.kind == "missing" or (reference.kind == "external" and not url):
            return self._nameless(reference)
        if reference.kind == "sequence":
            return self._sequence(reference)
        path, reason = self._path(url)
        if path is None:
            return Target(kind=TargetKind.REFUSED, url=url, path=None, reason=reason)
        return Target(kind=TargetKind.FILE, url=url, path=path, reason=reason)

    def _nameless(self, reference: Reference) -> Target:
        """A reference that leads nowhere: what is called like its clip, if that is one file below the media roots.

        Where it is none or several, the clip's name stands for the URL, so that each such clip is told of.
        """
        why = reference.reason or "the media reference has no URL"
        if not (self.media_roots and reference.clip):
            return Target(kind=TargetKind.MISSING, url="", path=None, reason=why)
        named = self._by_clip(reference.clip)
        if len(named) == 1:
            return Target(kind=TargetKind.FILE, url="", path=named[0], found_by=f"{why}; found by the clip's name")
        if named:
            shown = ", ".join(named[:_MOST_NAMED]) + (" …" if len(named) > _MOST_NAMED else "")
            why = f"{why}, and {len(named)} files below the media roots are called like it: {shown}"
        else:
            why = f"{why}, and no file below the media roots is called like it"
        return Target(kind=TargetKind.MISSING, url=reference.clip, path=None, reason=why)

    def _sequence(self, reference: Reference) -> Target:
        base = reference.url
        written = f"{base}{'' if not base or base.endswith(('/', chr(92))) else '/'}{reference.prefix}"
        number = f"{reference.first:0{max(reference.padding, 0)}d}"
        path, reason = self._path(written + number + reference.suffix)
        if path is None:
            return Target(kind=TargetKind.REFUSED, url=base, path=None, reason=reason)
        directory, name = os.path.split(path)
        stem = len(name) - len(os.path.basename(number + reference.suffix))
        sequence = Sequence(
            directory=directory,
            prefix=name[:stem],
            suffix=reference.suffix,
            padding=max(reference.padding, 0),
            first=reference.first,
            last=reference.last,
            step=reference.step,
        )
        rate = Fraction(reference.rate) if reference.rate else None
        return Target(kind=TargetKind.SEQUENCE, url=base, path=path, sequence=sequence, sequence_rate=rate, reason=reason)

    def _path(self, url: str) -> tuple[str | None, str | None]:
        """Absolute path and a remark, or ``None`` and why there is none."""
        if "\0" in url:
            return None, "the URL has a null character in it"
        candidates, refusal = _spellings(url)
        if refusal:
            return None, refusal
        if self.folder.startswith(PACKED) and is_relative(url) and not self.media_roots:
            return None, f"packed inside {os.path.basename(self.folder)}; unpack it first"
        paths = [mapped if (mapped := self._mapped(c)) else c for c in candidates]
        local = [os.path.abspath(os.path.join(self.folder, p)) for p in paths if _ON_WINDOWS or not _WINDOWS.match(p)]
        if len(local) > 1 or (local and self.media_roots):
            local = [p for p in local if os.path.lexists(p)] or ([] if self.media_roots else local)
        if local:
            return local[0], None
        if self.media_roots:
            return self._searched(paths)
        if _WINDOWS.match(paths[0]) and not _ON_WINDOWS:
            root = paths[0].replace("\\", "/").rsplit("/", 1)[0]
            return None, f"a Windows path; say where it is here with --map {root}=FOLDER or --media-root FOLDER"
        return os.path.abspath(os.path.join(self.folder, paths[0])), None

    def _mapped(self, path: str) -> str | None:
        plain = path.replace("\\", "/") if _WINDOWS.match(path) else path
        for source, target in self.maps:
            wanted = source.replace("\\", "/") if _WINDOWS.match(source) or re.match(r"^[A-Za-z]:$", source) else source
            wanted = wanted.rstrip("/")
            head, rest = plain[: len(wanted)], plain[len(wanted) :]
            same = head.casefold() == wanted.casefold() if _WINDOWS.match(plain) else head == wanted
            if same and (not rest or rest.startswith("/")):
                return target.rstrip("/\\") + rest or "/"
        return None

    def _searched(self, paths: list[str]) -> tuple[str | None, str | None]:
        """Look below the media roots: the same relative path first, longest tail first, then the base name."""
        first = paths[0] if _ON_WINDOWS or not _WINDOWS.match(paths[0]) else None
        answer = None if first is None else os.path.abspath(os.path.join(self.folder, first))
        for path in paths:
            parts = [p for p in path.replace("\\", "/").split("/") if p not in ("", ".", "..")]
            if parts and re.match(r"^[A-Za-z]:$", parts[0]):
                parts = parts[1:]
            for start in range(len(parts) - 1):
                for root in self.media_roots:
                    candidate = os.path.join(os.path.abspath(root), *parts[start:])
                    if os.path.isfile(candidate):
                        return candidate, None
            named = self._by_name(parts[-1]) if parts else []
            if len(named) == 1:
                return named[0], None
            if named:
                return answer, f"{len(named)} files below the media roots are called {parts[-1]}: which one is meant?"
        if answer is None:
            return None, "a Windows path, and no file of that name is below the media roots"
        return answer, None

    def _by_name(self, name: str) -> list[str]:
        self._index()
        return sorted(set(self._names.get(name, ())))

    def _by_clip(self, name: str) -> list[str]:
        """Files of the name of a clip: with its suffix, in letters of any case, before those of media without theirs."""
        self._index()
        stem, suffix = os.path.splitext(name)
        return sorted(set(self._clips.get(stem + suffix.lower()) or self._clips.get(f"{name}.*") or ()))

    def _index(self) -> None:
        if self._indexed:
            return
        for root in map(os.path.abspath, self.media_roots):
            for folder, folders, files in os.walk(root):
                folders[:] = sorted(f for f in folders if not f.startswith("."))
                is_proxies = not _PROXY_FOLDERS.isdisjoint(os.path.relpath(folder, root).lower().split(os.sep))
                for file in files:
                    path = os.path.join(folder, file)
                    self._names.setdefault(file, []).append(path)
                    if is_proxies or file.startswith("."):
                        continue  # called like the originals beside it
                    stem, suffix = os.path.splitext(file)
                    suffix = suffix.lower()
                    self._clips.setdefault(stem + suffix, []).append(path)
                    if suffix in self.suffixes:
                        self._clips.setdefault(f"{stem}.*", []).append(path)
        self._indexed.append(True)


def _spellings(url: str) -> tuple[list[str], str | None]:
    """Paths that ``url`` may mean, likeliest first, or why it is refused."""
    if _WINDOWS.match(url):
        return [url], None
    scheme = _SCHEME.match(url)
    name = scheme[1].lower() if scheme else ""
    if name == "file":
        return _file_url(url[5:])
    if scheme and (name in _PROTOCOLS or scheme[2] is not None or url[scheme.end() :].startswith("//")):
        return [], f"a {name}: URL; only local files are opened"
    speed = _SPEED.match(url)
    plain = url[speed.end() :] if speed else url
    decoded = _decoded(plain)
    return [plain] if decoded == plain else [plain, decoded], None


def _file_url(rest: str) -> tuple[list[str], str | None]:
    """``file:`` URLs: ``file:///p``, ``file://localhost/p``, ``file:/p``, ``file:p``, ``file://server/p``, ``file:///D:/p``."""
    if rest.startswith("//"):
        host, slash, tail = rest[2:].partition("/")
        if host.lower() in ("", "localhost", "127.0.0.1", "."):
            rest = slash + tail
        elif re.match(r"^[A-Za-z](?::|%3[Aa]|\|)$", host):  # file://D:/p, a common slip
            rest = f"/{host}/{tail}"
    decoded = re.sub(r"^/([A-Za-z])[:|](?=[\\/])", r"\1:", _decoded(rest))
    if decoded == rest or _WINDOWS.match(decoded):
        return [decoded], None
    # some writers do not encode: a literal "%04d" would decode to a control character, which no name has
    return ([rest, decoded] if any(ord(c) < 32 for c in decoded) else [decoded, rest]), None


def _decoded(text: str) -> str:
    """Percent-decoded; bytes that are no UTF-8 stay as the file system gives them."""
    return os.fsdecode(unquote_to_bytes(os.fsencode(text))) if "%" in text else text


def relative_to(path: str, folder: str) -> str:
    """``path`` as a relative URL from ``folder``, with forward slashes. :raises ValueError: on another Windows drive."""
    return os.path.relpath(path, folder).replace(os.sep, "/")


def relative_or_absolute(path: str, folder: str) -> str:
    try:
        return relative_to(path, folder)
    except ValueError:
        return os.path.abspath(path)


def moved_url(url: str, old_folder: str, new_folder: str) -> str:
    """A relative URL as it reads from another folder. A slash at its end stays."""
    new = relative_or_absolute(os.path.join(old_folder, url), new_folder)
    return new + "/" if url.endswith("/") and not new.endswith("/") else new


def as_file_url(path: str) -> str:
    return Path(path).as_uri()


def is_relative(url: str) -> bool:
    """Is ``url`` a path that starts in the timeline's folder?"""
    spellings, refusal = _spellings(url)
    return (
        not refusal
        and not url.lower().startswith("file:")
        and not _WINDOWS.match(url)
        and not os.path.isabs(spellings[0])
        and not ntpath.splitdrive(url)[0]
    )
