from __future__ import annotations

from pathlib import Path

import pytest

from otio_perf.media.camera import camera_proxies, raw_kind

CARDS = [
    ("GoPro HEVC", "DCIM/100GOPRO/GX010042.MP4", "DCIM/100GOPRO/GL010042.LRV"),
    ("GoPro AVC", "DCIM/100GOPRO/GH020042.MP4", "DCIM/100GOPRO/GL020042.LRV"),
    ("GoPro to HERO5", "DCIM/100GOPRO/GOPR0042.MP4", "DCIM/100GOPRO/GOPR0042.LRV"),
    ("GoPro chapters", "DCIM/100GOPRO/GP010042.MP4", "DCIM/100GOPRO/GP010042.LRV"),
    ("DJI", "DCIM/DJI_001/DJI_20240501_0042_D.MP4", "DCIM/DJI_001/DJI_20240501_0042_D.LRF"),
    ("Sony XAVC S", "PRIVATE/M4ROOT/CLIP/C0042.MP4", "PRIVATE/M4ROOT/SUB/C0042S03.MP4"),
    ("Sony XAVC", "XDROOT/Clip/C0042.MXF", "XDROOT/Sub/C0042S03.MP4"),
    ("Resolve", "A001/A001_C001.braw", "A001/Proxy/A001_C001.mov"),
    ("lower case", "dcim/gx010042.mp4", "dcim/gl010042.lrv"),
    ("mixed case", "A001/Clip.R3D", "A001/PROXY/clip.MP4"),
]


@pytest.mark.parametrize(("card", "source", "proxy"), CARDS, ids=[row[0] for row in CARDS])
def test_camera_proxies_are_found(tmp_path: Path, card: str, source: str, proxy: str) -> None:
    for name in (source, proxy):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert camera_proxies(str(tmp_path / source)) == (str(tmp_path / proxy),)


def test_others_are_left_alone(tmp_path: Path) -> None:
    for name in ("GX010042.MP4", "GL010043.LRV", "GX010042.THM", "Proxy/GX010042.txt", "Proxy/GX010042_1080p.mov"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "GL010042.LRV").mkdir()
    assert camera_proxies(str(tmp_path / "GX010042.MP4")) == ()
    assert camera_proxies(str(tmp_path / "nowhere" / "GX010042.MP4")) == ()


def test_a_proxy_that_arrives_later_is_seen(tmp_path: Path) -> None:
    source = tmp_path / "DJI_0001.MP4"
    source.touch()
    assert camera_proxies(str(source)) == ()
    (tmp_path / "DJI_0001.LRF").touch()
    assert camera_proxies(str(source)) == (str(tmp_path / "DJI_0001.LRF"),)


def test_raw_kinds_by_name() -> None:
    kind = raw_kind("/cards/A001/A001_C001.R3D")
    assert kind is not None
    assert "RED" in kind.name
    assert raw_kind("/cards/A001/A001_C001.mov") is None
