"""Where a media reference points: URL → ``Target``.

Only local files are ever looked for. Everything with a scheme other than ``file:`` is refused by name; a Windows path is
looked for on Windows, elsewhere only through ``--map`` or ``--media-root``. A clip that refers to no medium (an EDL has names
only) is looked for by its name, or that of its reel, below the media roots alone.
"""

# ruff: noqa: PTH100, PTH114, PTH117, PTH118, PTH119, PTH120
# Paths are text here: pathlib would swallow "./", doubled and final slashes, and Path.resolve() follows links.

from __future__ import annotations

import ntpath
import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from otio_perf.model.media import Sequence
from otio_perf.model.uses import Target, TargetKind
from otio_perf.timeline.media_roots import NO_SUFFIXES, MediaRoots, Suffixes, spellings

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
#: What the path of a URL has as it is beside letters and digits (RFC 3986, section 3.3); without ":", the end of a scheme.
_IN_PATHS = "/!$&'()*+,;=@"
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
    audio: bool = False  # such a clip is in an audio track
    reel: str = ""  # of such a clip, as an EDL names it


@dataclass(frozen=True, slots=True)
class Locator:
    """Finds media for the references of one timeline.

    :param timeline: the timeline's file; relative URLs start in its folder, or in ``base`` where that is given.
    :param media_roots: folders to search for files that are not where the timeline says.
    :param maps: pairs of path prefixes (from, to); Windows and POSIX spelling. The first that fits is applied.
    :param suffixes: those of media: what a clip that is called like a file without its suffix may be.
    """

    timeline: str | os.PathLike[str]
    media_roots: tuple[str | os.PathLike[str], ...] = ()
    maps: tuple[tuple[str, str], ...] = ()
    base: str | None = None
    suffixes: Suffixes = NO_SUFFIXES
    _cache: dict[Reference, Target] = field(default_factory=dict, repr=False, compare=False)
    _roots: MediaRoots = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_roots", MediaRoots(self.media_roots, self.suffixes))

    @property
    def folder(self) -> str:
        """Where relative URLs start; not a folder where the timeline is inside a bundle that is not unpacked."""
        if self.base is not None and self.base.startswith(PACKED):
            return self.base
        return os.path.abspath(self.base if self.base is not None else os.path.dirname(os.path.abspath(self.timeline)))

    def based(self, base: str) -> Locator:
        """The same for a document whose relative URLs start in ``base``, unless another was asked for."""
        return self if self.base is not None or base == self.folder else self.moved(base)

    def moved(self, base: str) -> Locator:
        """The same for relative URLs that start in ``base``; the media roots are searched through once for both."""
        moved = Locator(self.timeline, self.media_roots, self.maps, base, self.suffixes)
        object.__setattr__(moved, "_roots", self._roots)
        return moved

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
        """A reference that leads nowhere: what is called like its clip, else like its reel, if that is one file below the
        media roots.

        Where it is none or several, the clip's name stands for the URL, so that each such clip is told of.
        """
        why = reference.reason or "the media reference has no URL"
        names = {"the clip's name": reference.clip, f"the name of its reel, {reference.reel}": reference.reel}
        names = {what: name for what, name in names.items() if name}
        if not (self.media_roots and names):
            return Target(kind=TargetKind.MISSING, url="", path=None, reason=why)
        for what, name in names.items():
            named = self._roots.of_clip(name, audio=reference.audio)
            if len(named) == 1:
                return Target(kind=TargetKind.FILE, url="", path=named[0], found_by=f"{why}; found by {what}")
            if named:
                shown = ", ".join(named[:_MOST_NAMED]) + (" …" if len(named) > _MOST_NAMED else "")
                why = f"{why}, and {len(named)} files below the media roots are called by {what}: {shown}"
                break
        else:
            its_reel = f" or its reel, {reference.reel}" if reference.reel else ""
            why = f"{why}, and no file below the media roots is called like it{its_reel}"
        return Target(kind=TargetKind.MISSING, url=reference.clip or reference.reel, path=None, reason=why)

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
        paths = [spelling for c in candidates for spelling in spellings(self._mapped(c) or c)]
        local = [full for p in paths if _ON_WINDOWS or not _WINDOWS.match(p) for full in _joined(self.folder, p)]
        if len(local) > 1 or (local and self.media_roots):
            local = [p for p in local if os.path.lexists(p)] or ([] if self.media_roots else local)
        if local:
            return local[0], None
        if self.media_roots:
            return self._searched(paths)
        if _WINDOWS.match(paths[0]) and not _ON_WINDOWS:
            root = paths[0].replace("\\", "/").rsplit("/", 1)[0]
            return None, f"a Windows path; say where it is here with --map {root}=FOLDER or --media-root FOLDER"
        return _joined(self.folder, paths[0])[0], None

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
        answer = None if first is None else _joined(self.folder, first)[0]
        for path in paths:
            parts = [p for p in path.replace("\\", "/").split("/") if p not in ("", ".", "..")]
            if parts and re.match(r"^[A-Za-z]:$", parts[0]):
                parts = parts[1:]
            if not parts:
                continue
            if (found := self._roots.below(parts)) is not None:
                return found, None
            named = self._roots.named(parts[-1])
            if len(named) == 1:
                return named[0], None
            if named:
                return answer, f"{len(named)} files below the media roots are called {parts[-1]}: which one is meant?"
        if answer is None:
            return None, "a Windows path, and no file of that name is below the media roots"
        return answer, None


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
    if decoded == plain:
        return [plain], None
    return ([plain, decoded] if any(ord(c) < 32 for c in decoded) else [decoded, plain]), None  # a literal "%04d"


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


def _joined(folder: str, path: str) -> list[str]:
    """Absolute paths that ``path`` may mean in ``folder``, likeliest first.

    Where the folder is reached through a link, ".." is what is above the real one, as for the system; only where the
    characters are not looked at closely is it what is above the link.
    """
    plain = os.path.abspath(os.path.join(folder, path))
    if _ON_WINDOWS or os.path.isabs(path) or not os.path.normpath(path).startswith(os.pardir):
        return [plain]
    real = os.path.abspath(os.path.join(os.path.realpath(folder), path))
    return [real] if real == plain else [real, plain]


def relative_url(path: str, folder: str, *, like: str) -> str:
    """``path`` as a relative URL from ``folder``, percent-encoded (RFC 3986).

    In the manner of a URL of the timeline's own: where ``like`` has letters as they are that should be encoded, who wrote it
    does not decode. What cuts a URL short is encoded nevertheless.

    :raises ValueError: on another Windows drive.
    """
    path = relative_to(path, folder)
    if quote(like, safe=f"{_IN_PATHS}%", errors="surrogateescape") != like:
        return re.sub("[%#?]", lambda found: f"%{ord(found[0]):02X}", path)
    return quote(os.fsencode(path), safe=_IN_PATHS)


def relative_to(path: str, folder: str) -> str:
    """``path`` as seen from ``folder``, with forward slashes. :raises ValueError: on another Windows drive."""
    relative = os.path.relpath(path, folder)
    if relative.startswith(os.pardir) and not _ON_WINDOWS:
        real = os.path.realpath(folder)  # that is where the way up starts
        if real != folder and os.path.realpath(os.path.join(real, relative)) != os.path.realpath(path):
            relative = os.path.relpath(path, real)
    return relative.replace(os.sep, "/")


def relative_or_absolute(path: str, folder: str | None) -> str:
    """``path`` as seen from ``folder``; absolute where there is no way, or no folder: see ``output_folder``."""
    if folder is not None:
        with suppress(ValueError):
            return relative_to(path, folder)
    return os.path.abspath(path)


def moved_url(url: str, old_folder: str, new_folder: str | None) -> str:
    """A relative URL as it reads from another folder. A slash at its end stays."""
    speed = _SPEED.match(url)
    paths = [path for spelled in _spellings(url)[0] for path in _joined(old_folder, spelled)]
    path = next(filter(os.path.lexists, paths), paths[0])
    new = os.path.abspath(path)
    if new_folder is not None:
        with suppress(ValueError):
            new = relative_url(path, new_folder, like=url)
    new = new + "/" if url.endswith("/") and not new.endswith("/") else new
    return speed[0] + new if speed else new


def output_folder(path: str | os.PathLike[str]) -> str | None:
    """Where relative URLs of a timeline that is written to ``path`` start.

    ``None`` for a link to a file in another folder: who reads it there starts elsewhere than who reads it here. Only
    absolute paths lead to the same media from both.
    """
    path = os.path.abspath(path)
    folder = os.path.dirname(path)
    if os.path.islink(path) and os.path.dirname(os.path.realpath(path)) != os.path.realpath(folder):
        return None
    return folder


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
