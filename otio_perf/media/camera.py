"""What cameras deliver beside plain media: RAW that FFmpeg cannot decode, and proxies made while recording."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath


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


def raw_kind(path: str) -> CameraRaw | None:
    """The camera RAW format that the name of ``path`` says; ``None`` for anything else.

    A name only accuses: it is asked after FFmpeg has failed (some ``.dng`` and ``.cine`` files do decode).
    """
    return _RAW.get(PurePath(path).suffix.lower())
