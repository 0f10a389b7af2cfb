"""What goes wrong on real machines, through the front door: one clear line, nothing half made, the same command heals."""

from __future__ import annotations

import http.server
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import opentimelineio as otio
import pytest

from sample_timelines.make_media import CLIPS, make

pytestmark = pytest.mark.slow

Command = Callable[..., "subprocess.CompletedProcess[str]"]
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip that takes a few seconds to make a proxy of."""
    one = replace(CLIPS["A001_C001.mp4"], width=1280, height=720, bit_rate=8_000_000)
    return make(one, tmp_path_factory.mktemp("clip"))


def start(home: dict[str, str], *words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "otio_perf", *map(str, words)]
    environment = {**home, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_part(folder: Path, process: subprocess.Popen[str]) -> None:
    """Until an encode has begun to write."""
    end = time.monotonic() + 60
    while not any(folder.glob(".*.part.*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)


def one_line(text: str) -> str:
    lines = [line for line in text.splitlines() if not line.startswith(("note:", "Looking", "Making", "["))]
    assert len(lines) == 1, text
    assert "Traceback" not in text
    return lines[0]


def test_ctrl_c_stops_soon_and_the_same_command_goes_on(
    clip: Path, tmp_path: Path, home: dict[str, str], otio_perf: Command
) -> None:
    words = ("proxy", clip, "--proxy", "360p", "--proxy", "540p", "--workspace", tmp_path / "ws", "--quality", "100")
    assert otio_perf("calibrate", "--quiet").returncode == 0
    process = start(home, *words)
    wait_for_part(tmp_path / "ws" / "proxies", process)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert time.monotonic() - began < 3  # one second on a machine that does nothing else
    assert process.returncode == 130
    assert "same command goes on" in stderr
    assert "Traceback" not in stderr
    assert list((tmp_path / "ws" / "proxies").iterdir()) == []
    assert otio_perf(*words).returncode == 0
    assert sorted(p.name for p in (tmp_path / "ws" / "proxies").iterdir()) == ["A001_C001_360p.mov", "A001_C001_540p.mov"]


def test_killed_at_any_moment_no_half_file_gets_its_name(
    clip: Path, tmp_path: Path, home: dict[str, str], otio_perf: Command, ffprobe: Path
) -> None:
    assert otio_perf("calibrate", "--quiet").returncode == 0
    words = ("proxy", clip, "--proxy", "180p", "--workspace", tmp_path / "ws")
    proxies = tmp_path / "ws" / "proxies"
    chance = random.Random(9)
    killed = 0
    while killed < 20:
        process = start(home, *words)
        wait_for_part(proxies, process)
        time.sleep(chance.random() * 0.8)
        process.kill()
        process.communicate()
        killed += 1
        for finished in proxies.glob("[!.]*"):
            assert frames(ffprobe, finished) == 120
            assert otio_perf("cache", "verify", "--workspace", tmp_path / "ws").returncode == 0
            assert otio_perf("cache", "clear", "proxies", "--force", "--workspace", tmp_path / "ws").returncode == 0
            finished.unlink(missing_ok=True)
    assert otio_perf(*words).returncode == 0
    assert [p.name for p in proxies.iterdir()] == ["A001_C001_180p.mov"]
    assert frames(ffprobe, proxies / "A001_C001_180p.mov") == 120


def frames(ffprobe: Path, path: Path) -> int:
    command = [ffprobe, "-v", "error", "-count_frames", "-select_streams", "v:0", "-show_entries", "stream=nb_read_frames"]
    answer = subprocess.run([*command, "-of", "csv=p=0", path], capture_output=True, text=True, check=True)
    return int(answer.stdout.strip().rstrip(","))


def test_two_runs_at_once_make_each_proxy_once(film: Path, home: dict[str, str]) -> None:
    both = [
        start(
            home,
            *("optimize", film / "short_film.otio", "-o", film / f"out{n}.otio", "--proxy", "120p", "--all"),
            *("--json", film / f"report{n}.json"),
        )
        for n in (1, 2)
    ]
    for process in both:
        assert process.communicate(timeout=100) is not None
        assert process.returncode == 0
    notes: dict[str, list[str]] = {}
    for n in (1, 2):
        for outcome in json.loads((film / f"report{n}.json").read_text())["proxies"]["outcomes"]:
            notes.setdefault(outcome["key"], []).append(" ".join(outcome["notes"]))
    for several in notes.values():
        assert len([n for n in several if "made by another run" not in n]) <= 1
    assert len(list((film / ".otio_perf" / "proxies").iterdir())) == len(CLIPS)
    assert (film / "out1.otio").read_bytes() == (film / "out2.otio").read_bytes()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("NOT ROOT: a small file system cannot be mounted, a full disk is not tested")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"NO MOUNT: a full disk is not tested ({mounted.stderr.strip()})")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_one_line_and_nothing_stays(clip: Path, small_disk: Path, otio_perf: Command) -> None:
    done = otio_perf("proxy", clip, "--proxy", "360p", "--workspace", small_disk / "ws")
    assert done.returncode == 5
    assert "disk" in one_line(done.stderr)
    assert list((small_disk / "ws" / "proxies").iterdir()) == []


def test_a_read_only_workspace_is_one_line(clip: Path, small_disk: Path, otio_perf: Command) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    done = otio_perf("proxy", clip, "--proxy", "360p", "--workspace", small_disk / "ws")
    assert done.returncode == 5
    assert "--workspace" in one_line(done.stderr)


def test_what_is_no_medium_is_refused_in_a_line_each(tmp_path: Path, otio_perf: Command) -> None:
    (tmp_path / "text.mp4").write_text("hello")
    (tmp_path / "empty.mov").write_bytes(b"")
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1,\n/etc/passwd\n")
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\n/etc/passwd\n")
    (tmp_path / "list.ffconcat").write_text("ffconcat version 1.0\nfile secret.mp4\n")
    (tmp_path / "zero.mp4").symlink_to("/dev/zero")
    files = ["text.mp4", "empty.mov", "list.m3u8", "list.mp4", "list.ffconcat", "zero.mp4"]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.mp4")
        files.append("pipe.mp4")
    done = otio_perf("proxy", *(tmp_path / f for f in files), "--all", "--workspace", tmp_path / "ws", "--json", "-")
    assert done.returncode == 5
    decisions = json.loads(done.stdout)["decisions"]
    assert {Path(d["path"]).name for d in decisions} == set(files)
    for decision in decisions:
        assert decision["action"] in ("refuse", "offline")
        assert decision["reason"]
        assert "\n" not in decision["reason"]
    assert "Traceback" not in done.stderr


def test_urls_in_a_timeline_are_refused_without_a_packet(tmp_path: Path, otio_perf: Command) -> None:
    hits: list[str] = []

    class Canary(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hits.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Canary)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    host = f"127.0.0.1:{server.server_port}"
    urls = [
        f"http://{host}/a.mp4",
        f"concat:http://{host}/b.mp4|c",
        f"subfile,,start,0,end,9,,:http://{host}/d",
        f"tcp://{host}",
    ]
    timeline = otio.schema.Timeline("urls", tracks=[otio.schema.Track("V1", kind="Video")])
    length = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(24, 24))
    for url in urls:
        timeline.tracks[0].append(otio.schema.Clip(url, otio.schema.ExternalReference(url, length)))
    otio.adapters.write_to_file(timeline, str(tmp_path / "urls.otio"))
    done = otio_perf("optimize", tmp_path / "urls.otio", "-o", tmp_path / "out.otio", "--json", "-", "--all")
    server.shutdown()
    server.server_close()
    thread.join()
    assert hits == []
    assert done.returncode == 4, done.stderr
    report = json.loads(done.stdout)
    assert all(d["action"] in ("refuse", "offline") for d in report["proxies"]["decisions"])
    assert len(report["written"][0]["left_alone"]) == len(urls)


NAMES: list[str | bytes] = [
    "with space.mp4",
    "quote'\"s.mp4",
    "new\nline.mp4",
    "pattern%04d.mp4",
    "a:b.mp4",
    "-n.mp4",
    "日本語 é.mp4",
    "x" * 251 + ".mp4",
    b"latin-\xe9.mp4",
]


@pytest.mark.skipif(sys.platform != "linux", reason="NAMES OF LINUX: other file systems do not take them")
@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_any_file_name_goes_through(name: str | bytes, tiny: Path, tmp_path: Path, otio_perf: Command) -> None:
    source = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name if isinstance(name, bytes) else name.encode())))
    shutil.copy(tiny, source)
    done = otio_perf("proxy", source, "--all", "--proxy", "120p", "--workspace", tmp_path / "ws")
    assert done.returncode == 0, done.stderr
    (made,) = (tmp_path / "ws" / "proxies").iterdir()
    assert made.name.endswith("_120p.mov")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    one = replace(CLIPS["A001_C001.mp4"], width=320, height=180, frames=24, bit_rate=500_000)
    return make(one, tmp_path_factory.mktemp("tiny"))


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
def test_a_truncated_file_gets_no_proxy(keep: float, tiny: Path, tmp_path: Path, otio_perf: Command) -> None:
    data = tiny.read_bytes()
    # fast start puts the index first, so that the file still opens: cut the samples only
    source = tmp_path / "cut.mp4"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", tiny, "-c", "copy", "-movflags", "faststart", source],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    data = source.read_bytes()
    source.write_bytes(data[: int(len(data) * keep)])
    done = otio_perf("proxy", source, "--all", "--proxy", "120p", "--workspace", tmp_path / "ws")
    assert done.returncode == 5
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "ws" / "proxies").iterdir()) == []


@pytest.mark.parametrize("damage", ["cut", "zeros", "garbage", "empty"])
def test_a_damaged_index_is_moved_aside_and_nothing_is_lost(
    damage: str, tiny: Path, tmp_path: Path, otio_perf: Command
) -> None:
    words = ("proxy", tiny, "--all", "--proxy", "120p", "--workspace", tmp_path / "ws")
    assert otio_perf(*words).returncode == 0
    for extra in ("index.sqlite-wal", "index.sqlite-shm"):
        (tmp_path / "ws" / extra).unlink(missing_ok=True)
    index = tmp_path / "ws" / "index.sqlite"
    data = index.read_bytes()
    spoilt = {
        "cut": data[: len(data) // 2],
        "zeros": bytes(len(data)),
        "garbage": random.Random(1).randbytes(9999),
        "empty": b"",
    }
    index.write_bytes(spoilt[damage])
    done = otio_perf(*words, "--json", "-")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcomes"] == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["analyze", "missing.otio"], 3),
        (["optimize", "missing.otio"], 3),
        (["proxy", "missing.mp4", "--quiet"], 5),
        (["probe", "missing.mp4", "--quiet"], 5),
        (["analyze", "."], 3),
        (["cache", "clear", "--workspace", "."], 5),
        (["cache", "status", "--workspace", "typo"], 5),
        (["proxy", "x.mp4", "--proxy", "9000"], 2),
        (["proxy", "x.mp4", "--quality", "101"], 2),
        (["proxy", "x.mp4", "--codec", "divx"], 2),
        (["analyze", "x.otio", "--rate", "0"], 2),
        (["analyze", "x.otio", "--json", "-", "--html", "-"], 2),
        (["convert", "-i", "a.otio", "-o", "b.otio", "--map", "nonsense"], 2),
        (["restore", "missing.otio", "-o", "b.otio"], 3),
    ],
)
def test_wrong_words_are_answered_in_one_line(words: list[str], code: int, tmp_path: Path, otio_perf: Command) -> None:
    done = otio_perf(*words, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert one_line(done.stderr).startswith("otio-perf: ")
    assert list(tmp_path.iterdir()) == []


def test_the_input_is_never_overwritten(film: Path, otio_perf: Command) -> None:
    before = (film / "short_film.otio").read_bytes()
    for option in ("--json", "--html", "--trace"):
        done = otio_perf("analyze", film / "short_film.otio", option, film / "media" / ".." / "short_film.otio")
        assert done.returncode == 2
        assert "overwrite" in one_line(done.stderr)
    for words in (["optimize"], ["restore"], ["convert", "-i"]):
        done = otio_perf(*words, film / "short_film.otio", "-o", film / "short_film.otio")
        assert done.returncode == 2
        assert "overwritten" in one_line(done.stderr)
    assert (film / "short_film.otio").read_bytes() == before
