"""A host that knows one reference a clip and drops what it does not know writes the timeline back: originals are found."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import opentimelineio as otio
import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]
FRAMES = 24


def movie(path: Path, width: int, height: int, *, frames: int = FRAMES) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast", "crf": "35"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for i in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.roll(noise, i, axis=1))))
        container.mux(stream.encode())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    movie(tmp_path / "rushes" / "S.mov", 640, 360)
    write(tmp_path, "rushes/S.mov")
    return tmp_path


def write(folder: Path, url: str) -> None:
    span = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(FRAMES, 24))
    timeline = otio.schema.Timeline("cut")
    clip = otio.schema.Clip("shot", otio.schema.ExternalReference(url, span), span)
    timeline.tracks.append(otio.schema.Track("V1", kind="Video", children=[clip]))
    (folder / "cut.otio").write_text(timeline.to_json_string(), encoding="utf-8")


def through_host(folder: Path) -> str:
    """``from_host.otio``, and the URL that it plays."""
    timeline = otio.adapters.read_from_file(str(folder / "cut.perf.otio"))
    timeline.metadata.clear()
    (clip,) = timeline.find_clips()
    reference = clip.media_reference.clone()
    reference.metadata.clear()
    clip.metadata.clear()
    clip.set_media_references({"DEFAULT_MEDIA": reference}, "DEFAULT_MEDIA")
    otio.adapters.write_to_file(timeline, str(folder / "from_host.otio"))
    return str(reference.target_url)


def played(path: Path) -> str:
    """The file that a timeline plays, relative to its folder; its URL may be either."""
    (clip,) = otio.adapters.read_from_file(str(path)).find_clips()
    return (path.parent / clip.media_reference.target_url).relative_to(path.parent).as_posix()


def test_a_proxy_that_was_adopted_leads_back_to_its_original(project: Path, otio_perf: Command) -> None:
    proxy = project / "rushes" / "Proxy" / "S.mov"
    movie(proxy, 160, 90)
    made = proxy.read_bytes()
    for _ in range(2):  # on record, it is still adopted
        done = otio_perf("optimize", "cut.otio", "--proxy", "120p", "--all", cwd=project)
        assert done.returncode == 0, done.stdout + done.stderr
        assert through_host(project) == "rushes/Proxy/S.mov", done.stdout
    back = otio_perf("restore", "from_host.otio", "-o", "back.otio", cwd=project)
    assert back.returncode == 0, back.stdout + back.stderr
    assert played(project / "back.otio") == "rushes/S.mov"
    workspace = ("--workspace", project / ".otio_perf")
    assert otio_perf("cache", "verify", *workspace).returncode == 0
    assert otio_perf("cache", "clear", "--force", *workspace).returncode == 0
    assert proxy.read_bytes() == made


def test_a_source_that_moved_since_is_found_where_it_is(project: Path, otio_perf: Command) -> None:
    assert otio_perf("optimize", "cut.otio", "--proxy", "120p", "--all", cwd=project).returncode == 0
    shutil.move(project / "rushes", project / "archive")
    write(project, "archive/S.mov")
    done = otio_perf("optimize", "cut.otio", "--proxy", "120p", "--all", cwd=project)
    assert done.returncode == 0, done.stderr
    assert len(list((project / ".otio_perf" / "proxies").iterdir())) == 1
    through_host(project)
    back = otio_perf("restore", "from_host.otio", "-o", "back.otio", cwd=project)
    assert back.returncode == 0, back.stdout + back.stderr
    assert played(project / "back.otio") == "archive/S.mov"
    linked = otio_perf("convert", "-i", "cut.otio", "-o", "linked.otio", "--use-proxies", "120p", cwd=project)
    assert linked.returncode == 0, linked.stdout + linked.stderr
    assert ".otio_perf/proxies/" in played(project / "linked.otio")


def test_an_original_that_is_gone_is_named(project: Path, otio_perf: Command) -> None:
    assert otio_perf("optimize", "cut.otio", "--proxy", "120p", "--all", cwd=project).returncode == 0
    through_host(project)
    (project / "rushes" / "S.mov").unlink()
    back = otio_perf("restore", "from_host.otio", "-o", "back.otio", cwd=project)
    assert back.returncode == 4, back.stdout + back.stderr
    assert "S.mov" in back.stdout
    assert played(project / "back.otio") == "rushes/S.mov"


def test_a_proxy_size_that_is_none_is_refused(project: Path, otio_perf: Command) -> None:
    done = otio_perf("convert", "-i", "cut.otio", "-o", "out.otio", "--use-proxies", "banana", cwd=project)
    assert done.returncode == 2
    assert "banana" in done.stderr
    assert not (project / "out.otio").exists()


def test_a_proxy_size_that_no_clip_has_is_an_error(project: Path, otio_perf: Command) -> None:
    done = otio_perf("convert", "-i", "cut.otio", "-o", "out.otio", "--use-proxies", "720p", cwd=project)
    assert done.returncode == 2
    assert "no clip has a 720p proxy" in done.stderr
    assert not (project / "out.otio").exists()


@pytest.mark.parametrize(
    ("words", "known"),
    [
        ((), False),
        pytest.param((), True, marks=pytest.mark.slow),
        *(pytest.param(("--scope", "used"), known, marks=pytest.mark.slow) for known in (True, False)),
    ],
)
def test_every_proxy_that_a_timeline_refers_to_is_checked(
    project: Path, otio_perf: Command, words: tuple[str, ...], known: bool
) -> None:
    """Also of those that this workspace knows nothing of."""
    assert otio_perf("optimize", "cut.otio", "--proxy", "120p", "--all", *words, cwd=project).returncode == 0
    workspace = () if known else ("--workspace", "another")
    check = ("convert", "-i", "cut.perf.otio", "-o", "out.otio", "--check-contract", *workspace)
    sound = otio_perf(*check, cwd=project)
    assert sound.returncode == 0, sound.stdout + sound.stderr
    (proxy,) = (project / ".otio_perf" / "proxies").iterdir()
    proxy.unlink()
    movie(proxy, 214, 120, frames=FRAMES - 3)
    short = otio_perf(*check, cwd=project)
    assert short.returncode == 4, short.stdout
    assert f"broken proxy: {proxy}" in short.stdout.replace("\n", "")
    proxy.write_bytes(b"junk")
    junk = otio_perf(*check, cwd=project)
    assert junk.returncode == 4, junk.stdout
    assert f"broken proxy: {proxy}" in junk.stdout.replace("\n", "")
    assert (project / "out.otio").exists()
