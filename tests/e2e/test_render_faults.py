"""What goes wrong while a timeline is rendered: one bad span never spoils the others, no chunk is published half, and the same
command heals what can be healed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import opentimelineio as otio
import psutil
import pytest
from counting import film

from otio_perf import optimizer
from otio_perf.effects.cpu.engine import CpuEngine
from otio_perf.effects.engine import Image
from otio_perf.errors import EffectError, SettingsError
from otio_perf.media.publish import is_part
from otio_perf.model.events import Outcome
from otio_perf.optimizer import picturing
from otio_perf.optimizer.devices import Devices
from otio_perf.optimizer.session import Session
from otio_perf.render.engines import FoundEngine
from otio_perf.tasks import prerender as task
from otio_perf.tasks import registry
from sample_timelines.make_media import read_number

Command = Callable[..., "subprocess.CompletedProcess[str]"]
ROOT = Path(__file__).parent.parent.parent
Time = otio.opentime.RationalTime
SIZE = (320, 180)
FRAMES = 72
ALL = ("--prerender", "all", "--gpu", "off")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def rushes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``a.mov`` counts from 1000, ``b.mov`` from 2000, ``c.mov`` from 3000. ``n.mov`` is noise: it makes large files."""
    folder = tmp_path_factory.mktemp("rushes")
    for number, name in enumerate("abc", 1):
        film(folder / f"{name}.mov", 1000 * number, size=SIZE, frames=FRAMES)
    film(folder / "n.mov", 4000, noise=120, size=SIZE, frames=FRAMES)
    return folder


@pytest.fixture
def room(rushes: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(rushes, tmp_path / "room"))


Effects = dict[str, dict[str, Any]]
GOOD: Effects = {"exposure": {"stops": 0.1}}


def clip(name: str, effects: Effects = GOOD, start: int = 0, frames: int = 48) -> otio.schema.Clip:
    found = otio.schema.Clip(
        name,
        otio.schema.ExternalReference(f"{name}.mov", otio.opentime.TimeRange(Time(0, 24), Time(FRAMES, 24))),
        otio.opentime.TimeRange(Time(start, 24), Time(frames, 24)),
    )
    for effect, values in effects.items():
        found.effects.append(otio.schema.Effect(name=effect, effect_name=effect, metadata={"otio_perf": values}))
    return found


def edit(folder: Path, *clips: otio.schema.Clip) -> Path:
    timeline = otio.schema.Timeline("cut", global_start_time=Time(86400, 24))
    timeline.tracks.append(otio.schema.Track("V1", children=list(clips), kind="Video"))
    otio.adapters.write_to_file(timeline, str(folder / "cut.otio"))
    return folder / "cut.otio"


class Answer:
    """What ``prerender`` said of ``cut.otio``, and what lies on the timeline that it wrote."""

    def __init__(self, folder: Path, done: subprocess.CompletedProcess[str]) -> None:
        assert "Traceback" not in done.stderr, done.stderr
        self.code, self.folder = done.returncode, folder
        assert done.stdout, done.stderr
        self.document: dict[str, Any] = json.loads(done.stdout)
        self.regions = [(r["start"], r["stop"]) for r in self.document["regions"]]
        self.left = {(one["start"], one["stop"]): one["reason"] for one in self.document["left_to_host"]}
        self.failed = [(one["start"], one["stop"]) for one in self.document["left_to_host"] if one["failed"]]

    def numbers(self) -> dict[int, int]:
        """The number in each picture of the overlay, by frame of the timeline."""
        found = {}
        track = otio.adapters.read_from_file(str(self.folder / "out.otio")).tracks[-1]
        for one in track.find_clips():
            at = track.range_of_child(one).start_time.to_frames()
            with av.open(str(self.folder / one.media_reference.target_url)) as container:
                for number, frame in enumerate(container.decode(video=0)):
                    found[at + number] = read_number(frame.reformat(format="gray").to_ndarray())
        return found


Prerender = Callable[..., Answer]


@pytest.fixture
def prerender(room: Path, otio_perf: Command) -> Prerender:
    def run(*words: str) -> Answer:
        (room / "out.otio").unlink(missing_ok=True)
        return Answer(room, otio_perf("prerender", "cut.otio", "-o", "out.otio", *ALL, *words, "--json", "-", cwd=room))

    return run


def shows(at: int, first: int, frames: int = 48) -> dict[int, int]:
    return {at + number: first + number for number in range(frames)}


def nothing_is_half(room: Path) -> None:
    """Every file has its name because it is whole, and nothing else lies about."""
    renders = room / ".otio_perf" / "renders"
    assert not [p for p in renders.rglob("*") if is_part(p.name)]
    for path in renders.rglob("*.mov"):
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            assert stream.frames == sum(1 for _ in container.decode(stream)) > 0


# -- effects -----------------------------------------------------------------------------------------------------------


def test_a_missing_lut_leaves_its_span_to_the_host(room: Path, prerender: Prerender, otio_perf: Command) -> None:
    lut = room / "look.cube"
    edit(room, clip("a"), clip("b", {"lut": {"path": str(lut)}}), clip("c"))
    answer = prerender()
    assert answer.regions == [(0, 48), (96, 144)]
    assert "look.cube" in answer.left[48, 96]
    assert answer.numbers() == {**shows(0, 1000), **shows(96, 3000)}
    still = otio_perf("frame", "cut.otio", "60", "-o", "60.png", cwd=room)
    assert still.returncode == 5
    assert "look.cube" in still.stderr
    assert "Traceback" not in still.stderr
    shutil.copy(ROOT / "sample_timelines" / "warm.cube", lut)
    healed = prerender()
    assert (healed.code, healed.regions, healed.document["new_frames"]) == (0, [(0, 144)], 48)
    assert len(healed.numbers()) == 144


def test_damaged_luts_fail_alone(room: Path, prerender: Prerender) -> None:
    damaged = [b"", b"LUT_3D_SIZE 9\n0 0 0\n", os.urandom(3000), b"LUT_3D_SIZE 2\n" + b"nan nan nan\n" * 8]
    luts = [room / f"look{number}.cube" for number in range(len(damaged))]
    clips, wrong = [clip("c", frames=24)], []
    for number, (lut, content) in enumerate(zip(luts, damaged, strict=True)):
        lut.write_bytes(content)
        wrong.append((48 * number + 24, 48 * number + 48))
        clips += [clip("b", {"lut": {"path": str(lut)}}, frames=24), clip("c", frames=24)]
    edit(room, *clips)
    answer = prerender()
    assert answer.code == 4
    assert answer.failed == wrong
    assert answer.regions == [(48 * n, 48 * n + 24) for n in range(len(luts) + 1)]
    for place, lut in zip(wrong, luts, strict=True):
        assert lut.name in answer.left[place]
    nothing_is_half(room)
    for lut in luts:
        shutil.copy(ROOT / "sample_timelines" / "warm.cube", lut)
    healed = prerender()
    assert (healed.code, healed.regions, healed.document["new_frames"]) == (0, [(0, 216)], 24)  # by content they are one LUT


WRONG: dict[str, Effects] = {
    "not a number": {"exposure": {"stops": float("nan")}},
    "infinite": {"exposure": {"stops": float("inf")}},
    "out of range": {"exposure": {"stops": 1e9}},
    "a word": {"exposure": {"stops": "bright"}},
    "a list": {"exposure": {"stops": [1, 2]}},
    "nothing": {"exposure": {"stops": None}},
    "true": {"exposure": {"stops": True}},
    "no such parameter": {"exposure": {"stop": 1}},
    "key frames of words": {"exposure": {"stops": {"keys": [["zero", 1]]}}},
    "key frames at no time": {"exposure": {"stops": {"keys": [[float("nan"), 1], [10, 2]]}}},
    "key frames without values": {"exposure": {"stops": {"keys": [[0], [10]]}}},
    "key frames that are none": {"exposure": {"stops": {"keys": 7}}},
    "a choice that is none": {"gaussian_blur": {"sigma": 2.0, "quality": "best"}},
    "a colour of two numbers": {"lift_gamma_gain": {"gain": [1, 1]}},
    "a curve that falls back": {"curves": {"master": [[0, 0], [0.5, 1], [0.4, 0]]}},
    "a path of another kind": {"lut": {"path": "/dev/zero"}},
    "a path that is a folder": {"lut": {"path": "/etc"}},
    "a path with a null byte": {"lut": {"path": "a\x00b.cube"}},
    "no effect of ours": {"Sapphire Glow": {"amount": 3}},
    "opacity of a word": {"opacity": {"opacity": "half"}},
    "a blend mode of nobody": {"blend": {"mode": "dazzle"}},
}


def test_wrong_parameters_leave_their_spans_to_the_host_by_name(room: Path, prerender: Prerender, otio_perf: Command) -> None:
    """All in one timeline, a good clip between each two of them: these are rendered, and nothing else."""
    clips, wrong = [clip("c", frames=12)], []
    for number, effects in enumerate(WRONG.values()):
        wrong.append(((24 * number) + 12, 24 * number + 24))
        clips += [clip("a", effects, frames=12), clip("c", frames=12)]
    edit(room, *clips)
    answer = prerender()
    assert answer.failed == []
    assert answer.code == 0
    assert sorted(answer.left) == wrong
    assert answer.regions == [(24 * n, 24 * n + 12) for n in range(len(WRONG) + 1)]
    assert answer.document["new_frames"] == 12  # it is one and the same
    for place, effects in zip(wrong, WRONG.values(), strict=True):
        names = " ".join(
            [*effects, *(v["path"].partition("\0")[0].rpartition("/")[2] for v in effects.values() if "path" in v)]
        )
        assert any(word in answer.left[place] for word in names.split()), (names, answer.left[place])
    for number, (name, effects) in enumerate(WRONG.items()):
        if number % 8 == 0:
            still = otio_perf("frame", "cut.otio", str(24 * number + 12), "-o", "x.png", cwd=room)
            assert still.returncode == 5, (name, still.stderr)
            assert next(iter(effects)) in still.stderr.lower(), name
            assert "Traceback" not in still.stderr
    analysis = otio_perf("analyze", "cut.otio", "--json", "-", cwd=room)
    assert analysis.returncode == 0, analysis.stderr


# -- sources -----------------------------------------------------------------------------------------------------------


def test_a_damaged_frame_costs_its_chunk_alone(room: Path, prerender: Prerender, rushes: Path) -> None:
    with av.open(str(room / "b.mov")) as container:
        packet = [p for p in container.demux(video=0) if p.size][30]
    assert packet.pos is not None
    data = bytearray((room / "b.mov").read_bytes())
    data[packet.pos + 6 : packet.pos + packet.size] = bytes(packet.size - 6)
    (room / "b.mov").write_bytes(data)
    edit(room, clip("a"), clip("b", frames=72), clip("c"))
    answer = prerender()
    assert answer.code == 4
    assert answer.failed == [(72, 96)]  # the second of three chunks
    assert "frame 30" in answer.left[72, 96]
    assert "b.mov" in answer.left[72, 96] or "damaged" in answer.left[72, 96]
    assert answer.numbers() == {**shows(0, 1000), **shows(48, 2000, 24), **shows(96, 2048, 24), **shows(120, 3000)}
    nothing_is_half(room)
    shutil.copy(rushes / "b.mov", room)
    healed = prerender()
    assert (healed.code, healed.regions) == (0, [(0, 168)])
    assert healed.numbers() == {**shows(0, 1000), **shows(48, 2000, 72), **shows(120, 3000)}


@pytest.fixture
def running(room: Path, home: dict[str, str], otio_perf: Command) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """``prerender`` of ``cut.otio`` in the background; killed at the end, if it still runs."""
    assert otio_perf("calibrate", "--quiet").returncode == 0
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "otio_perf", "prerender", "cut.otio", "-o", "out.otio", *ALL, "--json", "-", *words]
        started.append(
            subprocess.Popen(
                command,
                cwd=room,
                env={**home, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


#: Dear enough to be met in the middle of a chunk.
SLOW: Effects = {"bilateral": {"sigma": 4.0}, "exposure": {"stops": 0.1}}
LARGE = ("--prerender-size", "960x540")


def wait_until(process: subprocess.Popen[str], is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 90
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


def chunks_of(room: Path) -> set[str]:
    return {p.name for p in (room / ".otio_perf" / "renders" / "chunks").glob("[!.]*.mov")}


def parts_of(room: Path) -> list[Path]:
    return list((room / ".otio_perf" / "renders" / "chunks").glob(".*.part.mov"))


def test_a_source_that_changes_under_way_is_named_and_its_chunk_is_not_kept(
    room: Path, running: Callable[..., subprocess.Popen[str]], prerender: Prerender, rushes: Path
) -> None:
    edit(room, clip("a", SLOW, frames=72), clip("c"))
    process = running(*LARGE)
    wait_until(process, lambda: bool(chunks_of(room) and parts_of(room)))
    shutil.copy(rushes / "b.mov", room / "a.mov")
    stdout, stderr = process.communicate(timeout=100)
    answer = Answer(room, subprocess.CompletedProcess([], process.returncode, stdout, stderr))
    assert answer.code == 4
    assert answer.failed
    assert all("changed" in answer.left[place] for place in answer.failed)
    assert all(stop <= 72 for _, stop in answer.failed)
    assert shows(72, 3000).items() <= answer.numbers().items()
    shown = answer.numbers()
    assert all(shown[frame] == 1000 + frame for frame in shown if frame < 72)  # of the old one, never of both
    nothing_is_half(room)
    healed = prerender(*LARGE)
    assert healed.code == 0
    assert healed.numbers() == {**shows(0, 2000, 72), **shows(72, 3000)}


# -- the machine -------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX SIGNALS: the test kills with them")
def test_a_killed_worker_is_replaced(room: Path, running: Callable[..., subprocess.Popen[str]], prerender: Prerender) -> None:
    edit(room, clip("a", SLOW), clip("c"))
    process = running(*LARGE)
    wait_until(process, lambda: bool(parts_of(room)))
    for child in psutil.Process(process.pid).children(recursive=True):
        if child.is_running() and child.cpu_percent(0.05) > 20:
            child.kill()
    stdout, stderr = process.communicate(timeout=100)
    answer = Answer(room, subprocess.CompletedProcess([], process.returncode, stdout, stderr))
    assert answer.numbers() == {**shows(0, 1000), **shows(48, 3000)}
    assert (answer.code, answer.regions) == (0, [(0, 96)])
    assert prerender(*LARGE).document["new_frames"] == 0
    nothing_is_half(room)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX SIGNALS: the test kills with them")
def test_a_killed_run_goes_on_where_it_was(
    room: Path, running: Callable[..., subprocess.Popen[str]], prerender: Prerender, otio_perf: Command
) -> None:
    edit(room, clip("a", SLOW, frames=72), clip("c"))
    process = running(*LARGE)
    wait_until(process, lambda: bool(chunks_of(room) and parts_of(room)))
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    before = chunks_of(room)
    assert before
    assert not (room / "out.otio").exists()
    status = json.loads(otio_perf("cache", "status", "--json", "-", cwd=room).stdout)["status"]
    assert status["orphans"] >= len(parts_of(room)) >= 1
    healed = prerender(*LARGE)
    assert healed.code == 0
    assert 0 < healed.document["new_frames"] <= 120 - 24 * len(before) + 24  # the last of them may be on no record
    assert healed.numbers() == {**shows(0, 1000, 72), **shows(72, 3000)}
    assert before <= chunks_of(room)
    nothing_is_half(room)


@pytest.fixture
def disk_of_70_megabytes(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("NOT ROOT: a small file system cannot be mounted, a full disk is not tested")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=70m", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"NO MOUNT: a full disk is not tested ({mounted.stderr.strip()})")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_keeps_what_is_whole_and_says_so(room: Path, prerender: Prerender, disk_of_70_megabytes: Path) -> None:
    """One chunk fits; the reserve for other programs is then used up."""
    workspace = ("--workspace", str(disk_of_70_megabytes / "ws"))
    filler = disk_of_70_megabytes / "filler"
    edit(room, clip("n", frames=72), clip("c"))
    filler.write_bytes(bytes(5 << 20))
    answer = prerender(*workspace, *LARGE, "--prerender-quality", "100")
    assert answer.code in (4, 5)
    assert answer.failed
    assert all("disk full" in answer.left[place] for place in answer.failed)
    chunks = disk_of_70_megabytes / "ws" / "renders"
    assert not [p for p in chunks.rglob("*") if is_part(p.name)]
    for path in chunks.rglob("*.mov"):
        with av.open(str(path)) as container:
            assert container.streams.video[0].frames == sum(1 for _ in container.decode(video=0))
    filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=300m", disk_of_70_megabytes], check=True)
    healed = prerender(*workspace, *LARGE, "--prerender-quality", "100")
    assert (healed.code, healed.regions) == (0, [(0, 120)])


def test_a_full_disk_is_the_one_that_is_written_to(room: Path, otio_perf: Command, disk_of_70_megabytes: Path) -> None:
    """The workspace lies on another, and has room: nobody is told to move it."""
    edit(room, clip("c", frames=24))
    with pytest.raises(OSError, match="No space left"):
        (disk_of_70_megabytes / "filler").write_bytes(bytes(80 << 20))
    for words in (
        ("render", "cut.otio", "-o", disk_of_70_megabytes / "out.mov"),
        ("frame", "cut.otio", "3", "-o", disk_of_70_megabytes / "3.png"),
    ):
        done = otio_perf(*words, "--gpu", "off", cwd=room)
        assert done.returncode == 5, done.stderr
        (line,) = [line for line in done.stderr.splitlines() if "disk full" in line]
        assert "-o" in line
        assert "--workspace" not in line
    assert sorted(p.name for p in disk_of_70_megabytes.iterdir()) == ["filler"]


@pytest.mark.skipif(sys.platform == "win32", reason="NO ULIMIT: the test limits the size of files")
def test_a_disk_that_takes_no_more_in_the_middle_of_a_file(room: Path, home: dict[str, str], prerender: Prerender) -> None:
    import resource

    edit(room, clip("n", frames=24), clip("n", start=24, frames=24))

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    assert prerender("--dry-run").code == 0  # so that the machine is measured, and the index is there
    words = [sys.executable, "-m", "otio_perf", "prerender", "cut.otio", "-o", "out.otio", *ALL, *LARGE]
    done = subprocess.run(
        [*words, "--prerender-quality", "100", "--json", "-"],
        cwd=room,
        env={**home, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        preexec_fn=limit,
        check=False,
        timeout=100,
    )
    answer = Answer(room, done)
    assert answer.code in (4, 5)
    assert answer.failed == [(0, 48)]
    assert "larger than this file system or your account's limit" in answer.left[0, 48]
    nothing_is_half(room)
    assert chunks_of(room) == set()
    healed = prerender(*LARGE, "--prerender-quality", "100")
    assert (healed.code, healed.regions) == (0, [(0, 48)])


class LostGpu(CpuEngine):
    """Stands for a GPU that goes away, or has no memory left, in the second chunk."""

    name = "gpu"
    made = 0

    def __init__(self) -> None:
        LostGpu.made += 1
        self.number, self.calls = LostGpu.made, 0

    def apply(self, image: Image, *arguments: Any) -> Image:
        self.calls += 1
        if self.number >= 2 and self.calls >= 5:
            raise RuntimeError("CUDA_ERROR_OUT_OF_MEMORY: out of memory")
        return super().apply(image, *arguments)


def here(_: Session, tasks: Any, *, workers: int, done: Callable[[Outcome], None] | None = None) -> dict[str, Outcome]:
    """``Session.run`` in this process, so that it renders with ``LostGpu``."""
    found = {}
    for one in tasks:
        found[one.key] = registry.outcome_of(one, registry.KINDS[one.kind], lambda _: None, lambda: False)
        if done is not None:
            done(found[one.key])
    return found


def test_a_lost_gpu_is_made_up_for_by_the_processor(
    room: Path, prerender: Prerender, monkeypatch: pytest.MonkeyPatch, home: dict[str, str]
) -> None:
    """What was rendered by which engine is known by its key: nothing is taken for what it is not."""
    alone = edit(room, clip("a", SLOW, frames=72))
    assert prerender().code == 0
    with_processor = {p.name: p.read_bytes() for p in (room / ".otio_perf" / "renders" / "chunks").iterdir()}
    shutil.rmtree(room / ".otio_perf")
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, home[name])
    real = task.engine_for
    engines = lambda gpu, **_: real("off") if gpu == "off" else (LostGpu(), "GPU by a test")  # noqa: E731
    monkeypatch.setattr(task, "engine_for", engines)
    monkeypatch.setattr(Devices, "engine", lambda *_: FoundEngine(name="gpu", why="GPU by a test"))
    monkeypatch.setattr(Session, "run", here)
    LostGpu.made = 0
    report = optimizer.prerender(alone, room / "out.otio", mode="all", gpu="auto")
    assert [(r.start, r.stop) for r in report.regions] == [(0, 72)]
    assert any("GPU gave up" in note and "out of memory" in note for note in report.notices)
    made = {p.name: p.read_bytes() for p in (room / ".otio_perf" / "renders" / "chunks").iterdir()}
    assert len(made) == 3
    assert not made.keys() & with_processor.keys()  # two of them look like the GPU's, not like what is rendered without one
    LostGpu.made = 0
    again = optimizer.prerender(alone, room / "out.otio", mode="all", gpu="auto")
    assert again.new_frames == 0
    assert [r.key for r in again.regions] == [r.key for r in report.regions]
    monkeypatch.setattr(picturing, "engine_for", engines)
    LostGpu.made = 2
    still = optimizer.frame(alone, ["1", "2", "3", "4", "2"], room / "lost.png", gpu="auto")
    assert "GPU gave up" in still.engine
    optimizer.frame(alone, ["1", "2", "3", "4", "2"], room / "wanted.png", gpu="off")
    assert (room / "lost.png").read_bytes() == (room / "wanted.png").read_bytes()
    LostGpu.made = 2
    with pytest.raises(EffectError, match="gave up"):
        optimizer.frame(alone, ["1", "2", "3", "4"], room / "none.png", gpu="on")
    assert not (room / "none.png").exists()
    monkeypatch.undo()
    assert prerender().document["new_frames"] == 72  # none of it is the processor's own


def test_words_that_are_none_are_mistakes(room: Path) -> None:
    edit(room, clip("a"))
    with pytest.raises(SettingsError):
        optimizer.prerender(room / "cut.otio", room / "out.otio", fidelity="nearly")
    with pytest.raises((SettingsError, EffectError)):
        optimizer.prerender(room / "cut.otio", room / "out.otio", gpu="perhaps")
