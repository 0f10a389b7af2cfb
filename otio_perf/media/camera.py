"""What cameras deliver beside plain media: RAW that FFmpeg cannot decode, and proxies made while recording."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePath


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraRaw:
    """A camera RAW format that needs its maker's own software."""

    name: str
    tool: str

    @property
    def advice(self) -> str:
        return (
            f"Make a proxy in {self.tool}, with the same base name, in a Proxy folder beside it or mapped: it is then adopted"
        )


_RAW = {
    ".r3d": CameraRaw(name="RED R3D", tool="REDCINE-X PRO or DaVinci Resolve"),
    ".nev": CameraRaw(name="Nikon N-RAW", tool="NX Studio or DaVinci Resolve"),
    ".braw": CameraRaw(name="Blackmagic RAW", tool="Blackmagic Proxy Generator or DaVinci Resolve"),
    ".ari": CameraRaw(name="ARRIRAW", tool="ARRI Reference Tool or DaVinci Resolve"),
    ".arx": CameraRaw(name="ARRIRAW HDE", tool="ARRI Reference Tool or DaVinci Resolve"),
    ".crm": CameraRaw(name="Canon Cinema RAW Light", tool="Canon Cinema RAW Development or DaVinci Resolve"),
    ".rmf": CameraRaw(name="Canon Cinema RAW", tool="Canon Cinema RAW Development or DaVinci Resolve"),
    ".cine": CameraRaw(name="Phantom Cine RAW", tool="Phantom CineViewer or DaVinci Resolve"),
    ".dng": CameraRaw(name="CinemaDNG", tool="DaVinci Resolve"),
    ".mlv": CameraRaw(name="Magic Lantern RAW", tool="MLV App"),
    ".zraw": CameraRaw(name="Z CAM ZRAW", tool="ZRAW Converter"),
    ".vrw": CameraRaw(name="Panasonic V-RAW", tool="DaVinci Resolve"),
    ".kvd": CameraRaw(name="Kinefinity KineRAW", tool="KineMAX"),
    ".krw": CameraRaw(name="Kinefinity KineRAW", tool="KineMAX"),
    ".insv": CameraRaw(name="an Insta360 spherical clip", tool="Insta360 Studio"),
}


#: Suffixes of camera RAW. Some are read all the same (``.dng``, ``.cine``); of the others, a proxy may be adopted.
RAW_SUFFIXES = frozenset(_RAW)


def raw_kind(path: str) -> CameraRaw | None:
    """The camera RAW format that the name of ``path`` says; ``None`` for anything else.

    A name only accuses: it is asked after FFmpeg has failed (some ``.dng`` and ``.cine`` files do decode).
    """
    return _RAW.get(PurePath(path).suffix.lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class _ProxyRule:
    """Where a maker puts its proxies. ``name`` matches the source's file name; ``folder`` and ``proxy`` may use its groups.

    ``folder`` is relative to the source's; names are compared without regard to case.
    """

    maker: str
    name: str
    folder: str
    proxy: str


_VIDEO_SUFFIXES = "mov|mp4|m4v|mxf|mkv|avi"

#: Sources: GoPro's "Camera File Naming Convention"; Kdenlive's externalproxies.rc (GoPro, DJI, Sony); DaVinci Resolve's
#: manual, "Proxy subfolder"; Sony XAVC S and XAVC folder structure (M4ROOT/CLIP + SUB, XDROOT/Clip + Sub).
_PROXY_RULES = (
    _ProxyRule(maker="GoPro", name=r"G[XH](?P<n>\d{6})\.mp4", folder=".", proxy=r"GL{n}\.lrv"),
    _ProxyRule(maker="GoPro", name=r"(?P<n>G(OPR|P\d\d)\d{4})\.mp4", folder=".", proxy=r"{n}\.lrv"),
    _ProxyRule(maker="DJI", name=r"(?P<n>DJI_.+)\.(mp4|mov)", folder=".", proxy=r"{n}\.lrf"),
    _ProxyRule(maker="Sony", name=r"(?P<n>.+)\.(mp4|mxf)", folder="../Sub", proxy=r"{n}S03\.mp4"),
    _ProxyRule(maker="Resolve", name=r"(?P<n>.+)\.[^.]+", folder="Proxy", proxy=rf"{{n}}\.({_VIDEO_SUFFIXES})"),
)


#: Folders of a card that hold no rushes, in small letters, with the folder that they lie in (``""``: any). Sources: as above,
#: and Panasonic's P2 structure (``CONTENTS/ICON``, ``CONTENTS/PROXY``).
_ASIDE = frozenset({("", "thmbnl"), ("m4root", "sub"), ("xdroot", "sub"), ("contents", "icon"), ("contents", "proxy")})


def holds_rushes(around: str, name: str) -> bool:
    """Not the folders in which cameras keep proxies and thumbnails. ``around``: name of the folder that it lies in."""
    return not {("", name.lower()), (around.lower(), name.lower())} & _ASIDE


def camera_proxies(path: str) -> tuple[str, ...]:
    """Files beside ``path`` that its camera (or Resolve, in ``Proxy/``) named as its proxies, in the table's order.

    Only names are looked at: whether one passes is for ``contract.compare(…, adopted=True)``. Unreadable folders hold none.
    """
    source = Path(path).absolute()
    found: dict[str, None] = {}
    for rule in _PROXY_RULES:
        match = re.fullmatch(rule.name, source.name, re.IGNORECASE | re.DOTALL)
        if not match:
            continue
        wanted = re.compile(rule.proxy.replace("{n}", re.escape(match["n"])), re.IGNORECASE | re.DOTALL)
        folder = _folder(source.parent, rule.folder)
        if folder is None:
            continue
        for proxy in (folder / name for name in _names(folder) if wanted.fullmatch(name)):
            if proxy != source and proxy.is_file():
                found.setdefault(str(proxy))
    return tuple(found)


def _folder(parent: Path, relative: str) -> Path | None:
    """The folder called ``relative`` in whatever case the card was formatted in."""
    base, name = (parent.parent, relative[3:]) if relative.startswith("../") else (parent, relative)
    if name == ".":
        return base
    actual = next((entry for entry in _names(base) if entry.lower() == name.lower()), None)
    return base / actual if actual else None


def _names(folder: Path) -> tuple[str, ...]:
    try:
        return _listing(folder, folder.stat().st_mtime_ns)
    except OSError:
        return ()


@lru_cache(maxsize=64)
def _listing(folder: Path, _changed_ns: int) -> tuple[str, ...]:
    """Sorted names in ``folder``; a card with a thousand clips is listed once, and again when it has changed."""
    return tuple(sorted(entry.name for entry in folder.iterdir()))
