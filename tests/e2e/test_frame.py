"""``otio-perf frame``: a picture of any frame of a timeline, proven by the number in it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from sample_timelines.make_media import read_number

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def pixels(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


def number_in(picture: np.ndarray, *, columns: slice = slice(None)) -> int:
    return read_number(picture[:, columns, 1].astype(float) * 219 / 255 + 16)


#: Time, and the source frame that is seen there: cuts, start timecodes, speeds, other rates.
SHOWN = [
    ("0", 12),
    ("01:00:01:06", 42),
    ("53", 65),
    ("66", 14),
    ("2.9s", 17),  # frame 69 of a 24 fps timeline, 9 after the cut to frame 8
    ("99", 47),
    ("250", 28),  # 25 fps on 24: frame 10 and 18 · 25/24
    ("260", 72),  # half speed, from frame 70
    ("263", 73),
]
#: A contact sheet is made of pictures of this size by itself. HDR in an SDR timeline is never exact.
SMALL = ("--size", "540p", "--fidelity", "approximate")


def test_every_time_shows_its_frame(film: Path, otio_perf: Command, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    times = [time for time, _ in SHOWN]
    done = otio_perf("frame", film / "short_film.otio", *times, "-o", sheet, *SMALL)
    assert done.returncode == 0, done.stderr
    picture = pixels(sheet)
    for index, (time, wanted) in enumerate(SHOWN):
        top, left = 12 + index // 3 * (270 + 45), 12 + index % 3 * (480 + 12)
        assert number_in(picture[top : top + 270, left : left + 480]) == wanted, time


def test_a_still_has_the_size_of_the_timeline(film: Path, otio_perf: Command, tmp_path: Path) -> None:
    done = otio_perf("frame", film / "short_film.otio", SHOWN[1][0], "-o", tmp_path / "still.png")
    assert done.returncode == 0, done.stderr
    picture = pixels(tmp_path / "still.png")
    assert picture.shape == (2160, 3840, 3)
    assert number_in(picture) == SHOWN[1][1]


def test_a_contact_sheet_and_its_json(film: Path, otio_perf: Command, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    times = ["0", "60", "01:00:03:18", "250"]
    done = otio_perf("frame", film / "short_film.otio", *times, "-o", sheet, "--json", "-", *SMALL)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    picture = pixels(sheet)
    assert (answer["height"], answer["width"]) == picture.shape[:2]
    assert [f["frame"] for f in answer["frames"]] == [0, 60, 90, 250]
    assert number_in(picture[12:282, 12:492]) == 12
    assert number_in(picture[12 + 270 + 45 : 12 + 270 + 45 + 270, 12:492]) == 38
    assert answer["engine"]


def test_effects_that_are_not_exact_are_named_and_refused(film: Path, otio_perf: Command, tmp_path: Path) -> None:
    still = tmp_path / "x.png"
    done = otio_perf("frame", film / "short_film.otio", "120", "-o", still)  # picture in picture by Resolve's Transform
    assert done.returncode == 5
    assert "Transform" in done.stderr
    assert "--fidelity approximate" in done.stderr
    assert "Traceback" not in done.stderr
    assert not still.exists()
    done = otio_perf("frame", film / "short_film.otio", "120", "-o", still, *SMALL)
    assert done.returncode == 0, done.stderr
    assert "Transform" in done.stdout
    assert pixels(still).shape == (540, 960, 3)


def test_a_missing_medium_is_a_slate_never_black(film: Path, otio_perf: Command, tmp_path: Path) -> None:
    (film / "media" / "A001_C001.mp4").unlink()
    still = tmp_path / "x.jpg"
    done = otio_perf("frame", film / "short_film.otio", "10", "-o", still)
    assert done.returncode == 4
    assert "A001_C001.mp4" in done.stdout
    picture = pixels(still)
    assert picture.mean() > 5
    assert picture.max() > 150


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["99999", "-o", "x.png"], 2, "01:00:11:16"),
        (["yesterday", "-o", "x.png"], 2, "no time"),
        (["0", "-o", "x.mp4"], 2, ".png"),
        (["0", "-o", "x.png", "--size", "9p"], 2, "canvas"),
        (["0", "-o", "nowhere/x.png"], 5, "nowhere"),
        (["0", "-o", "x.png", "--gpu", "on"], 5, "GPU"),
        (["0", "-o", "x.png", "--gpu", "maybe"], 2, "auto"),
    ],
)
def test_mistakes_get_one_line(film: Path, otio_perf: Command, words: list[str], code: int, text: str) -> None:
    done = otio_perf("frame", "short_film.otio", *words, cwd=film)
    assert done.returncode == code, done.stderr
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("otio-perf:") == 1, done.stderr
