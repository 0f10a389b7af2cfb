"""Frames and prerenders made from the proxies that a timeline has: the same frames, of other pixels."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import opentimelineio as otio
import pytest
from numpy.typing import NDArray

from sample_timelines.make_media import read_number

pytestmark = pytest.mark.slow

Command = Callable[..., "subprocess.CompletedProcess[str]"]
Time = otio.opentime.RationalTime

#: Frames of the timeline, and the numbers of the source frames that they show: cuts, a retime and a long way into the source.
SHOWN = {0: 30, 19: 49, 20: 90, 39: 109, 40: 20, 49: 38}


def span(start: float, frames: float) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(Time(start, 24), Time(frames, 24))


def clip(name: str, start: float, frames: int, speed: float = 1) -> otio.schema.Clip:
    found = otio.schema.Clip(name, otio.schema.ExternalReference(f"media/{name}"), span(start, frames))
    if speed != 1:
        found.effects.append(otio.schema.LinearTimeWarp(time_scalar=speed))
    found.effects.append(otio.schema.Effect(name="exposure", effect_name="exposure", metadata={"otio_perf": {"stops": 0.15}}))
    return found


@pytest.fixture(scope="module", params=["full", "used"])
def cut(request: pytest.FixtureRequest, film_media: Path, tmp_path_factory: pytest.TempPathFactory, otio_perf: Command) -> Path:
    """A folder with ``cut.perf.otio``, whose proxies are of whole media, or of the used ranges."""
    folder = tmp_path_factory.mktemp("cut")
    (folder / "media").mkdir()
    for name in ("A001_C001.mp4", "A001_C002.mp4"):
        (folder / "media" / name).write_bytes((film_media / "media" / name).read_bytes())
    track = otio.schema.Track("V1", kind="Video")
    track.extend([clip("A001_C001.mp4", 30, 20), clip("A001_C001.mp4", 90, 20), clip("A001_C002.mp4", 20, 10, 2)])
    timeline = otio.schema.Timeline("cut", global_start_time=Time(86400, 24))
    timeline.tracks.append(track)
    otio.adapters.write_to_file(timeline, str(folder / "cut.otio"))
    words = ("--proxy", "120p", "--all", "--scope", request.param, "--handles", "3")
    done = otio_perf("optimize", "cut.otio", "-o", "cut.perf.otio", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def luma(path: Path) -> NDArray[np.uint8]:
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        return frame.reformat(format="gray").to_ndarray()


def blurred(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Means of blocks."""
    height, width = (size // 24 * 24 for size in picture.shape)
    return picture[:height, :width].reshape(height // 24, 24, width // 24, 24).mean((1, 3))


def test_a_proxy_shows_the_frames_of_its_original(cut: Path, otio_perf: Command, tmp_path: Path) -> None:
    seen = {}
    for source, words in {"original": (), "proxy": ("--use-proxies", "120p")}.items():
        still = tmp_path / f"{source}.png"
        done = otio_perf("frame", "cut.perf.otio", "39", "-o", still, *words, cwd=cut)
        assert done.returncode == 0, done.stderr
        seen[source] = luma(still)
        assert read_number(seen[source]) == SHOWN[39], source
    assert seen["proxy"].shape == seen["original"].shape
    assert not np.array_equal(seen["proxy"], seen["original"])
    apart = blurred(seen["proxy"]) - blurred(seen["original"])  # without the grain that fewer pixels cannot hold
    assert np.abs(apart).mean() < 4


def test_prerenders_know_what_they_were_made_of(cut: Path, otio_perf: Command) -> None:
    answers = []
    for words in ((), ("--use-proxies", "120p"), ("--use-proxies", "120p")):
        done = otio_perf("prerender", "cut.perf.otio", "-o", "out.otio", "--prerender", "all", "--json", "-", *words, cwd=cut)
        assert done.returncode == 0, done.stderr
        answers.append(json.loads(done.stdout))
    assert [answer["new_frames"] for answer in answers] == [50, 50, 0]
    paths = [[region["path"] for region in answer["regions"]] for answer in answers]
    assert paths[0] != paths[1] == paths[2]
    with av.open(paths[1][0]) as container:
        numbers = [read_number(frame.reformat(format="gray").to_ndarray()) for frame in container.decode(video=0)]
    assert [numbers[frame] for frame in SHOWN] == list(SHOWN.values())


def test_what_is_not_there_is_said(cut: Path, otio_perf: Command, tmp_path: Path) -> None:
    still = tmp_path / "still.png"
    for size, reason in (("240p", "no medium has a 240p proxy"), ("huge", "unknown proxy size 'huge'")):
        done = otio_perf("frame", "cut.perf.otio", "0", "-o", still, "--use-proxies", size, cwd=cut)
        assert done.returncode == 2
        assert reason in done.stderr
        assert not still.exists()


def test_originals_may_stay_on_the_shelf(cut: Path, otio_perf: Command, tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    (cut / "media").rename(shelf)
    try:
        still = tmp_path / "still.png"
        done = otio_perf("frame", "cut.perf.otio", "20", "-o", still, "--use-proxies", "120p", cwd=cut)
        assert done.returncode == 0, done.stderr
        assert read_number(luma(still)) == SHOWN[20]
    finally:
        shelf.rename(cut / "media")


def sound(path: Path) -> NDArray[np.int32]:
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray().reshape(-1, 2) for frame in container.decode(audio=0)])


def test_what_stays_on_the_shelf_is_heard_from_its_proxies(cut: Path, otio_perf: Command, tmp_path: Path) -> None:
    timeline = otio.adapters.read_from_file(str(cut / "cut.otio"))
    track = otio.schema.Track("A1", kind="Audio")
    for one in timeline.tracks[0]:
        heard = one.clone()
        heard.effects.clear()
        heard.source_range = span(one.source_range.start_time.value, one.source_range.duration.value)
        track.append(heard)
    timeline.tracks.append(track)
    otio.adapters.write_to_file(timeline, str(cut / "heard.otio"))
    words = ("--proxy", "120p", "--all")
    done = otio_perf("optimize", "heard.otio", "-o", "heard.perf.otio", *words, cwd=cut)
    assert done.returncode == 0, done.stderr
    found = []
    for shelf in (None, tmp_path / "shelf"):
        if shelf:
            (cut / "media").rename(shelf)
        try:
            name = f"{len(found)}.mov"
            done = otio_perf("render", "heard.perf.otio", "-o", name, "--use-proxies", "120p", cwd=cut)
            assert done.returncode == 0, done.stdout + done.stderr
        finally:
            if shelf:
                shelf.rename(cut / "media")
        found.append(sound(cut / name).astype(float) / 2**31)
    assert found[0].shape == found[1].shape == (50 * 2000, 2)
    assert np.abs(found[0]).max() > 0.05
    assert np.abs(found[0] - found[1]).max() < 2e-4  # 16 bits
