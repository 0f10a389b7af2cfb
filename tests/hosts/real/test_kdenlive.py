"""What the real Kdenlive of this system makes of what we write: seen in the projects that it saves, and on its screen.

Media are blue. What we have made of them is orange, so that it is told on the screen: proxies by a LUT of ours, preview chunks
because the media were orange while we rendered. No file of ours is touched before Kdenlive plays it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import av
import colours
import numpy as np
import pytest
from desktop import until
from editors import Kdenlive

from otio_perf.media.planes import planes_of
from sample_timelines.make_media import read_number

Command = Callable[..., None]


def show(host: Kdenlive, frame: int, colour: str) -> None:
    """Seek until the project's monitor shows it: while Kdenlive loads a clip anew, keys go to that one's monitor."""

    def is_shown() -> bool:
        host.show_project(frame)
        with suppress(TimeoutError):
            await_picture(host, colour, frame, seconds=4)
            return True
        return False

    until(is_shown, f"{colour} {frame} in the project's monitor")


def await_picture(host: Kdenlive, colour: str, number: int, *, seconds: float = 60) -> None:
    def is_shown() -> bool:
        return (colour, number) in [(one.colour, one.number) for one in colours.seen(host.screenshot())]

    until(is_shown, f"{colour} {number} in a monitor", seconds)


def media_of(project: bytes) -> set[str]:
    return set(re.findall(r'name="resource">([^<]+)<', project.decode())) - {"black"}


def test_a_project_opens_without_a_question(kdenlive: Callable[[Path], Kdenlive], edit: Path) -> None:
    host = kdenlive(edit)
    await_picture(host, "blue", 10)
    host.seek(80)
    await_picture(host, "blue", 215)
    assert not host.is_modified


def test_proxies_of_a_patched_project(
    kdenlive: Callable[[Path], Kdenlive], edit: Path, otio_perf: Command, lut: Path, picture: Callable[[str], None]
) -> None:
    original = edit.read_bytes()
    otio_perf("optimize", "edit.kdenlive", "-o", "edit.perf.kdenlive", "--all", "--proxy", "half", "--lut", lut)
    patched = edit.with_name("edit.perf.kdenlive")
    proxies = {Path(edit.parent, resource) for resource in media_of(patched.read_bytes())}
    assert len(proxies) == 2
    otio_perf("host", "place", "kdenlive", "edit.kdenlive", "--all", "--proxy", "half", "--lut", lut)
    placed = {*edit.parent.parent.joinpath("home", ".cache", "kdenlive", "proxy").iterdir()}
    assert len(placed) == 2

    host = kdenlive(patched)
    await_picture(host, "orange", 10)
    until(lambda: host.badges() == 2, "2 badges")
    assert not host.is_modified
    picture(f"kdenlive-{host.version[:5]}-proxies")
    host.select_all_clips()
    assert host.action("proxy_clip")
    show(host, 10, "blue")
    until(lambda: host.badges() == 0, "0 badges")
    switched_off = host.save()
    assert media_of(switched_off) == {"a.mp4", "b.mp4"}
    assert host.action("proxy_clip")  # and on again: what Kdenlive finds in its own place
    show(host, 10, "orange")
    until(lambda: host.badges() == 2, "2 badges")
    assert {Path(edit.parent, resource) for resource in media_of(host.save())} == placed
    host.close()

    patched.write_bytes(switched_off)
    otio_perf("restore", "edit.perf.kdenlive", "-o", "back.kdenlive")
    back = edit.with_name("back.kdenlive")
    assert {Path(edit.parent, name).name for name in media_of(back.read_bytes())} == {"a.mp4", "b.mp4"}
    host = kdenlive(back)
    show(host, 10, "blue")
    until(lambda: host.badges() == 0, "0 badges")
    assert edit.read_bytes() == original


def test_our_chunks_in_its_preview(
    kdenlive: Callable[[Path], Kdenlive], edit: Path, otio_perf: Command, picture: Callable[[str], None]
) -> None:
    original = edit.read_bytes()
    with colours.painted(edit.with_name("b.mp4")):
        otio_perf("prerender", "edit.kdenlive", "-o", "edit.perf.kdenlive", "--prerender", "all")
    patched = edit.with_name("edit.perf.kdenlive")
    before = patched.read_bytes()
    chunks = previewed(edit)
    assert [path.stem for path in chunks] == ["75", "100", "125"]
    ages = [chunk.stat().st_mtime_ns for chunk in chunks]

    host = kdenlive(patched)
    await_picture(host, "blue", 10)
    until(lambda: host.preview_bar() == [("green", 75, 150)], "a green bar over the second clip")
    host.seek(80)
    await_picture(host, "orange", 215)
    picture(f"kdenlive-{host.version[:5]}-preview")
    host.close()
    assert [chunk.stat().st_mtime_ns for chunk in previewed(edit)] == ages
    assert patched.read_bytes() == before

    otio_perf("restore", "edit.perf.kdenlive", "-o", "back.kdenlive")
    assert edit.with_name("back.kdenlive").read_bytes() == edit.read_bytes() == original
    assert previewed(edit) == chunks  # which edit.perf.kdenlive plays


def previewed(edit: Path) -> list[Path]:
    """Chunks of its preview."""
    found = edit.parent.parent.joinpath("home", ".cache", "kdenlive", "1700000000001", "preview").glob("*.*")
    return sorted(found, key=lambda path: int(path.stem))


@pytest.mark.skipif(shutil.which("melt") is None, reason="NO MELT: what is patched was not rendered")
@pytest.mark.parametrize("program", ["22.12"], indirect=True)
def test_melt_plays_it_the_same(edit: Path, otio_perf: Command, melted_by: Callable[..., None]) -> None:
    """Patched, the same frames; restored, the same bytes, which play the same by all means."""
    otio_perf("optimize", "edit.kdenlive", "-o", "proxies.kdenlive", "--all", "--proxy", "half")
    otio_perf("prerender", "edit.kdenlive", "-o", "preview.kdenlive", "--prerender", "all")
    plain = melted(edit, melted_by)
    assert [read_number(one) for one in plain] == [*range(60, 75), *range(210, 230)]
    for name in ("proxies", "preview"):
        patched = melted(edit.with_name(f"{name}.kdenlive"), melted_by)
        assert [read_number(one) for one in patched] == [read_number(one) for one in plain], name
        assert np.median(np.abs(patched.astype(np.int16) - plain)) <= 2, name
        otio_perf("restore", f"{name}.kdenlive", "-o", f"{name}-back.kdenlive")
        assert edit.with_name(f"{name}-back.kdenlive").read_bytes() == edit.read_bytes()


def melted(project: Path, melted_by: Callable[..., None]) -> colours.Pixels:
    """Luma of its frames 60 to 94, as melt renders them."""
    out = project.with_suffix(".mkv")
    words = ["vcodec=ffv1", "pix_fmt=yuv422p", "an=1", "real_time=-1"]
    melted_by(
        ["melt", "-silent", f"xml:{project}", "in=60", "out=94", "-consumer", f"avformat:{out}", *words], cwd=project.parent
    )
    with av.open(str(out)) as container:
        return np.array([planes_of(frame)[1][0] for frame in container.decode(video=0)])
