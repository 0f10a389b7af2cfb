"""What goes wrong while a timeline is rendered, for ``prerender`` and ``render`` alike; ``test_render_faults`` has more of it.

One bad span never spoils the others, and is named: ``prerender`` leaves it to the host, ``render`` makes no movie. Nothing is
published half, and the same command heals what can be healed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import opentimelineio as otio
import pytest
from counting import film

from otio_perf import optimizer
from otio_perf.effects.cpu.engine import CpuEngine
from otio_perf.effects.engine import Image
from otio_perf.media.publish import is_part
from otio_perf.model.events import Outcome, TaskProgress
from otio_perf.optimizer.devices import Devices
from otio_perf.optimizer.session import Session
from otio_perf.render.engines import FoundEngine
from otio_perf.tasks import prerender as task
from otio_perf.tasks import registry
from sample_timelines.make_media import read_number

Command = Callable[..., "subprocess.CompletedProcess[str]"]
ROOT = Path(__file__).parent.parent.parent
Time = otio.opentime.RationalTime
SIZE = (192, 108)
FRAMES = 48
#: A movie and a prerender of the same pieces.
ASKED = {
    "prerender": ("prerender", "cut.otio", "-o", "out.otio", "--prerender", "all", "--gpu", "off"),
    "render": ("render", "cut.otio", "-o", "out.mov", "--gpu", "off"),
}


@pytest.fixture(scope="session")
def reels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``a.mov`` counts from 1000, ``b.mov`` from 2000; ``n.mov``, from 4000, is noise: its pieces are large."""
    folder = tmp_path_factory.mktemp("reels")
    film(folder / "a.mov", 1000, size=SIZE, frames=FRAMES)
    film(folder / "b.mov", 2000, size=SIZE, frames=FRAMES)
    film(folder / "n.mov", 4000, noise=120, size=SIZE, frames=FRAMES)
    return folder


Effects = dict[str, dict[str, Any]]
GOOD: Effects = {"exposure": {"stops": 0.1}}


def clip(name: str, effects: Effects = GOOD, *, start: int = 0, frames: int = 24, speed: float | None = None) -> Any:
    made = otio.schema.Clip(
        name,
        otio.schema.ExternalReference(f"{name}.mov", otio.opentime.TimeRange(Time(0, 24), Time(FRAMES, 24))),
        otio.opentime.TimeRange(Time(start, 24), Time(frames, 24)),
    )
    for effect, values in effects.items():
        made.effects.append(otio.schema.Effect(name=effect, effect_name=effect, metadata={"otio_perf": values}))
    if speed is not None:
        made.effects.append(otio.schema.LinearTimeWarp(time_scalar=speed))
    return made


class Room:
    """A folder in which ``cut.otio`` is rendered by one of the two commands."""

    def __init__(self, folder: Path, command: str, otio_perf: Command) -> None:
        self.folder, self.command, self.otio_perf = folder, command, otio_perf
        self.output = folder / ASKED[command][3]

    def cut(self, *clips: Any) -> None:
        timeline = otio.schema.Timeline("cut", global_start_time=Time(86400, 24))
        timeline.tracks.append(otio.schema.Track("V1", children=list(clips), kind="Video"))
        otio.adapters.write_to_file(timeline, str(self.folder / "cut.otio"))

    def run(self, *words: str) -> Answer:
        return Answer(self, self.otio_perf(*ASKED[self.command], *words, "--json", "-", cwd=self.folder))

    def numbers(self) -> dict[int, int]:
        """The number in each picture that was made, by frame of the timeline."""
        return {frame: read_number(picture) for frame, picture in self.pictures().items()}

    def pictures(self) -> dict[int, Any]:
        """The luma of all that was made, by frame of the timeline."""
        if self.command == "render":
            return dict(enumerate(pictures_in(self.output)))
        found = {}
        track = otio.adapters.read_from_file(str(self.output)).tracks[-1]
        for one in track.find_clips():
            at = track.range_of_child(one).start_time.to_frames()
            found.update(enumerate(pictures_in(self.folder / one.media_reference.target_url), at))
        return found

    def nothing_is_half(self) -> None:
        """Every file has its name because it is whole, and nothing else lies about."""
        assert not [p for p in self.folder.rglob("*") if is_part(p.name)]
        for path in self.folder.rglob(".otio_perf/renders/**/*.mov"):
            with av.open(str(path)) as container:
                assert container.streams.video[0].frames == sum(1 for _ in container.decode(video=0)) > 0


class Answer:
    """What a command said. ``told``: why, by the frames of which it was said."""

    def __init__(self, room: Room, done: subprocess.CompletedProcess[str]) -> None:
        assert "Traceback" not in done.stderr, done.stderr
        assert done.stdout, done.stderr
        self.code, self.document = done.returncode, json.loads(done.stdout)
        rows = self.document["left_to_host" if room.command == "prerender" else "problems"]
        self.told = {(row["start"], row["stop"]): row["reason"] for row in rows}
        self.failed = [(r["start"], r["stop"]) for r in rows if r.get("failed") or r.get("kind") == "failed"]


def pictures_in(path: Path) -> list[Any]:
    with av.open(str(path)) as container:
        return [frame.reformat(format="gray").to_ndarray() for frame in container.decode(video=0)]


def shows(at: int, first: int, frames: int = 24) -> dict[int, int]:
    return {at + number: first + number for number in range(frames)}


@pytest.fixture(params=list(ASKED))
def room(request: pytest.FixtureRequest, reels: Path, tmp_path: Path, otio_perf: Command) -> Room:
    return Room(Path(shutil.copytree(reels, tmp_path / "room")), request.param, otio_perf)


#: Faults that are seen before anything is rendered, and what must be said of each.
WRONG: dict[str, tuple[Any, str]] = {
    "missing LUT": (clip("b", {"lut": {"path": "gone.cube"}}, frames=6), "gone.cube"),
    "unknown effect": (
        clip("b", {"Sapphire Glow": {"amount": 3}}, frames=6),
        "not rendered here: Sapphire Glow (nothing of ours is known to be the same)",
    ),
    "not a number": (
        clip("b", {"exposure": {"stops": float("nan")}}, frames=6),
        "not rendered here: exposure (stops is nan, not a number)",
    ),
    "out of range": (
        clip("b", {"exposure": {"stops": 1e9}}, frames=6),
        "not rendered here: exposure (stops is 1e+09, outside -20 to 20 stops)",
    ),
    "speed": (clip("b", frames=6, speed=float("nan")), "cannot be shown: b (speed nan is not a usable number)"),
}


def test_what_is_wrong_is_named_with_the_reason_and_spoils_nothing_else(room: Room) -> None:
    """A good clip between each two wrong ones."""
    clips = [clip("a", frames=6)]
    for wrong, _ in WRONG.values():
        clips += [wrong.clone(), clip("a", frames=6)]
    room.cut(*clips)
    answer = room.run()
    places = {(12 * number + 6, 12 * number + 12): said for number, (_, said) in enumerate(WRONG.values())}
    if room.command == "prerender":  # to which a clip without a usable time is none; that is said, too
        del places[54, 60]
        assert "clip 'b': speed nan is not a usable number" in answer.document["notices"]
    assert sorted(answer.told) == sorted(places)
    for place, said in places.items():
        assert said in answer.told[place]
    if room.command == "prerender":
        assert (answer.code, answer.failed) == (0, [])
        good = [(12 * number, 12 * number + 6) for number in range(len(WRONG) + 1)]
        assert [(r["start"], r["stop"]) for r in answer.document["regions"]] == good
        assert room.numbers() == {frame: number for start, _ in good for frame, number in shows(start, 1000, 6).items()}
    else:
        assert (answer.code, room.output.exists()) == (5, False)
        kinds = [row["kind"] for row in answer.document["problems"]]
        assert kinds == ["missing", "unknown", "unknown", "unknown", "unusable"]
        why = {row["start"]: row["why"] for row in answer.document["problems"]}
        assert why[30] == [{"name": "exposure", "reason": "stops is nan, not a number"}]
    room.nothing_is_half()


def test_a_speed_without_sense_is_no_missing_medium(reels: Path, tmp_path: Path, otio_perf: Command) -> None:
    """Neither in what is said, nor in what is advised; a still shows a slate, and says why."""
    room = Room(Path(shutil.copytree(reels, tmp_path / "room")), "render", otio_perf)
    room.cut(clip("a", frames=6), clip("b", frames=6, speed=float("nan")))
    done = otio_perf(*ASKED["render"], cwd=room.folder)
    assert done.returncode == 5
    assert "01:00:00:06 – 01:00:00:12 cannot be shown: b (speed nan is not a usable number)" in done.stdout
    assert "--allow-missing" in done.stdout
    assert "--media-root" not in done.stdout
    assert "missing:" not in done.stdout
    still = otio_perf("frame", "cut.otio", "8", "-o", "x.png", "--json", "-", cwd=room.folder)
    (frame,) = json.loads(still.stdout)["frames"]
    assert (still.returncode, frame["missing"], frame["unusable"]) == (4, [], ["b"])
    assert frame["why"] == [{"name": "b", "reason": "speed nan is not a usable number"}]
    answer = room.run("--allow-missing")
    assert (answer.code, answer.document["written"]) == (4, True)


def test_a_damaged_frame(room: Room, reels: Path) -> None:
    data = bytearray((room.folder / "b.mov").read_bytes())
    with av.open(str(room.folder / "b.mov")) as container:
        packet = [p for p in container.demux(video=0) if p.size][30]
    assert packet.pos is not None
    data[packet.pos + 6 : packet.pos + packet.size] = bytes(packet.size - 6)
    (room.folder / "b.mov").write_bytes(data)
    room.cut(clip("a"), clip("b", frames=48))
    answer = room.run()
    assert answer.failed == [(48, 72)]  # the second of its two pieces
    assert "frame 30" in answer.told[48, 72]
    if room.command == "prerender":
        assert answer.code == 4
        assert room.numbers() == {**shows(0, 1000), **shows(24, 2000)}
    else:
        assert (answer.code, room.output.exists()) == (5, False)
    room.nothing_is_half()
    shutil.copy(reels / "b.mov", room.folder)
    assert room.run().code == 0
    assert room.numbers() == {**shows(0, 1000), **shows(24, 2000, 48)}


def in_this_process(_: Session, tasks: Any, *, workers: int, done: Callable[[Outcome], None] | None = None) -> Any:
    """``Session.run`` with the engines that a test puts in the place of ours."""
    found = {}
    for one in tasks:
        found[one.key] = registry.outcome_of(one, registry.KINDS[one.kind], lambda _: None, lambda: False)
        if done is not None:
            done(found[one.key])
    return found


@pytest.fixture
def work(room: Room, home: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """The command's answer, made in this process. ``work(gpu)``"""
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, home[name])
    monkeypatch.setattr(Session, "run", in_this_process)

    def run(gpu: str) -> Any:
        if room.command == "render":
            return optimizer.export(room.folder / "cut.otio", room.output, gpu=gpu)
        return optimizer.prerender(room.folder / "cut.otio", room.output, mode="all", gpu=gpu)

    return run


def test_a_source_that_changes_while_its_piece_is_rendered(
    room: Room, work: Callable[[str], Any], reels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of ``b``'s; nothing shows half of the one and half of the other."""
    real, calls = task.engine_for, []

    class Disturbed(CpuEngine):
        def apply(self, image: Image, *arguments: Any) -> Image:
            calls.append(1)
            if len(calls) == 36:
                shutil.copy(reels / "n.mov", room.folder / "b.mov")
            return super().apply(image, *arguments)

    monkeypatch.setattr(task, "engine_for", lambda *_, **__: (Disturbed(), "by a test"))
    room.cut(clip("a"), clip("b"))
    report = work("off")
    assert len(calls) >= 36
    told = report.left if room.command == "prerender" else report.problems
    assert [(one.start, one.stop) for one in told] == [(24, 48)]
    assert "b.mov" in told[0].reason
    assert "changed" in told[0].reason
    if room.command == "prerender":
        assert room.numbers() == shows(0, 1000)
    else:
        assert not room.output.exists()
    room.nothing_is_half()
    monkeypatch.setattr(task, "engine_for", real)
    work("off")
    assert room.numbers() == {**shows(0, 1000), **shows(24, 4000)}


def test_a_gpu_that_is_lost(room: Room, work: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """In the second piece. The processor goes on, and that is said; ``--gpu on`` does not take that for an answer."""
    lost: list[int] = []
    fails_after = [29.0]

    class LostGpu(CpuEngine):
        name = "gpu"

        def __init__(self) -> None:
            self.calls = 0

        def apply(self, image: Image, *arguments: Any) -> Image:
            self.calls += 1
            if lost or self.calls > fails_after[0]:
                lost.append(1)
                raise RuntimeError("CUDA_ERROR_OUT_OF_MEMORY: out of memory")
            return super().apply(image, *arguments)

    real, gpu = task.engine_for, LostGpu()
    monkeypatch.setattr(task, "engine_for", lambda asked, **_: real("off") if asked == "off" else (gpu, "GPU by a test"))
    monkeypatch.setattr(Devices, "engine", lambda *_: FoundEngine(name="gpu", why="GPU by a test"))
    room.cut(clip("a"), clip("b"))
    report = work("auto")
    assert lost
    assert any("GPU gave up" in note and "out of memory" in note for note in report.notices)
    assert room.numbers() == {**shows(0, 1000), **shows(24, 2000)}
    room.nothing_is_half()
    made = room.pictures()
    shutil.rmtree(room.folder / ".otio_perf")
    room.output.unlink()
    lost.clear()
    fails_after[0] = np.inf
    whole = work("auto")
    assert not [note for note in whole.notices if "gave up" in note]
    for frame, picture in room.pictures().items():  # within the rounding of a code
        assert np.abs(picture.astype(int) - made[frame]).max() <= 1, frame
    fails_after[0] = 0
    if room.command == "render":
        assert (report.is_written, report.problems) == (True, ())
        room.output.unlink()
    room.cut(clip("a"), clip("b", start=1))  # nothing of it is there
    refused = work("on")
    told = refused.left if room.command == "prerender" else refused.problems
    assert any("gave up" in one.reason for one in told)


@pytest.mark.skipif(sys.platform == "win32", reason="NO ULIMIT: the test limits the size of files")
def test_a_disk_that_takes_no_more(room: Room, home: dict[str, str]) -> None:
    """In the middle of a file: pieces of noise are larger than is allowed, plain ones are not."""
    import resource

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    room.cut(clip("a"), clip("n"))
    room.run("--dry-run")  # so that the index is there
    words = [sys.executable, "-m", "otio_perf", *ASKED[room.command], "--json", "-"]
    environment = {**home, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        words, cwd=room.folder, env=environment, capture_output=True, text=True, preexec_fn=limit, check=False, timeout=100
    )
    answer = Answer(room, done)
    assert answer.failed == [(24, 48)]
    assert "larger than this file system or your account's limit" in answer.told[24, 48]
    if room.command == "prerender":
        assert (answer.code, room.numbers()) == (4, shows(0, 1000))
    else:
        assert (answer.code, room.output.exists()) == (5, False)
    room.nothing_is_half()
    healed = room.run()
    assert healed.code == 0
    assert room.numbers() == {**shows(0, 1000), **shows(24, 4000)}


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX SIGNALS: the test kills with them")
def test_a_run_that_is_killed_goes_on(room: Room, home: dict[str, str]) -> None:
    room.cut(*(clip(name, {"bilateral": {"sigma": 3.0}}, frames=48) for name in "ab"))
    running = started(room, home)
    chunks = room.folder / ".otio_perf" / "renders" / "chunks"
    wait_until(running, lambda: bool(list(chunks.glob("[!.]*.mov"))))
    running.kill()
    running.wait(timeout=30)
    assert not room.output.exists()
    time.sleep(0.7)  # orphaned workers notice that they are alone
    healed = room.run()
    assert healed.code == 0
    assert room.numbers() == {**shows(0, 1000, 48), **shows(48, 2000, 48)}
    room.nothing_is_half()


def started(room: Room, home: dict[str, str], *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "otio_perf", *ASKED[room.command], *words, "--quiet"],
        cwd=room.folder,
        env={**home, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_until(running: subprocess.Popen[bytes], is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not is_so():
        assert running.poll() is None, running.returncode
        assert time.monotonic() < end
        time.sleep(0.002)


# -- while the movie is joined


@pytest.fixture
def long(reels: Path, tmp_path: Path, otio_perf: Command) -> Room:
    """A timeline of 1,200 frames that are packets of a source: nothing has to be rendered for it."""
    room = Room(Path(shutil.copytree(reels, tmp_path / "room")), "render", otio_perf)
    room.cut(clip("n", start=0, frames=48))
    assert room.run("--codec", "prores_422", "--audio", "none").code == 0
    room.output.rename(room.folder / "p.mov")
    room.cut(*(clip("p", {}, frames=48) for _ in range(25)))
    return room


def parts_beside(path: Path) -> set[str]:
    return {one.name for one in path.parent.iterdir() if is_part(one.name)}


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX SIGNALS: the test kills with them")
def test_what_is_killed_while_the_movie_is_joined_leaves_what_was_there(long: Room, home: dict[str, str]) -> None:
    assert long.run("--range", "0-10").code == 0
    before = long.output.read_bytes()
    left: set[str] = set()
    for number in (signal.SIGKILL, signal.SIGINT):
        running = started(long, home)
        wait_until(running, lambda: bool(parts_beside(long.output) - left))  # noqa: B023
        running.send_signal(number)
        running.wait(timeout=30)
        assert running.returncode == (130 if number == signal.SIGINT else -number)
        assert long.output.read_bytes() == before  # whole, as it was
        left = left or parts_beside(long.output)
        assert parts_beside(long.output) == left  # of the first alone, whom nobody asked
    (part,) = left
    os.utime(long.folder / part, (0, 0))  # a young one may be another's
    answer = long.run()
    assert (answer.code, answer.document["copied_frames"], answer.document["rendered_frames"]) == (0, 1200, 0)
    assert [*long.numbers().values()] == [*range(4000, 4048)] * 25
    long.nothing_is_half()


def test_how_far_a_movie_is_is_told_while_it_is_joined(
    long: Room, home: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, home[name])
    heard: list[Any] = []
    optimizer.export(long.folder / "cut.otio", long.output, gpu="off", listener=heard.append)
    told = [(one.done, one.total) for one in heard if isinstance(one, TaskProgress) and one.key == str(long.output)]
    assert told == [(done, 2400) for done in range(100, 2401, 100)]


@pytest.mark.skipif(sys.platform == "win32", reason="NO ULIMIT: the test limits the size of files")
def test_a_disk_that_has_no_room_for_the_movie_is_told_by_its_own_name(long: Room, home: dict[str, str]) -> None:
    """The pieces fit, or need no room: it is the place of ``-o`` that is full, not the workspace."""
    import resource

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))

    words = [sys.executable, "-m", "otio_perf", *ASKED["render"]]
    done = subprocess.run(
        words,
        cwd=long.folder,
        env={**home, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        preexec_fn=limit,
        check=False,
        timeout=100,
    )
    assert done.returncode in (4, 5), done.stderr
    (line,) = [line for line in done.stderr.splitlines() if "out.mov" in line]
    assert "-o" in line
    assert "--workspace" not in line
    assert not long.output.exists()
    long.nothing_is_half()
