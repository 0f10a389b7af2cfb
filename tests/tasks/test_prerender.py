"""Chunks through the real queue: what is in them is what ``frame`` shows, whatever is killed on the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from otio_perf.cache.workspace import Workspace
from otio_perf.effects.cpu.engine import CpuEngine
from otio_perf.effects.engine import Image
from otio_perf.effects.pixels import coding_of, to_picture
from otio_perf.effects.registry import Picture
from otio_perf.media.concat import join
from otio_perf.media.fingerprint import digest
from otio_perf.media.pieces import whole
from otio_perf.media.planes import planes_of
from otio_perf.media.probe import probe
from otio_perf.media.publish import is_part
from otio_perf.model import wire
from otio_perf.model.events import Failed, Prerendered
from otio_perf.model.frames import Applied, FramePlan, Generated, Layer, Mix, SourceFrame, Stacked
from otio_perf.model.media import ColourTags, MediaInfo
from otio_perf.model.recipes import ChunkCodec, PrerenderRecipe
from otio_perf.model.tasks import PrerenderTask
from otio_perf.render.chunks import chunks
from otio_perf.render.compositor import Compositor
from otio_perf.render.sources import Sources
from otio_perf.render_queue.backend import ProcessBackend
from otio_perf.render_queue.runner import run
from otio_perf.tasks import prerender, registry
from sample_timelines.make_media import draw_number, read_number

RATE = Fraction(25)
SIZE = (320, 180)
POSIX_KILL = pytest.mark.skipif(sys.platform == "win32", reason="POSIX SIGNALS: the test kills with them")


@pytest.fixture(scope="session")
def footage(tmp_path_factory: pytest.TempPathFactory) -> dict[str, MediaInfo]:
    """Two clips with texture, colour and their numbers: ``a`` counts from 1000, ``b`` from 2000."""
    folder = tmp_path_factory.mktemp("footage")
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    for first, name in ((1000, "a"), (2000, "b")):
        with av.open(str(folder / f"{name}.mov"), "w") as container:
            stream = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "g": "10", "qp": "12"})
            stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
            for number in range(60):
                luma = (120 + 60 * np.sin((x + 3 * number) / 17) * np.cos(y / (11 + first / 500))).astype(np.uint8)
                draw_number(luma, first + number)
                chroma = np.full((2, SIZE[1] // 2, SIZE[0] // 2), 128, np.uint8)
                chroma[:, :, : SIZE[0] // 4] = 100 + first // 100
                planes = np.vstack([luma, chroma.reshape(-1, SIZE[0])])
                container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
            container.mux(stream.encode())
    return {name: probe(str(folder / f"{name}.mov")) for name in "ab"}


Shot = Callable[..., Layer]


@pytest.fixture(scope="session")
def shot(footage: dict[str, MediaInfo]) -> Shot:
    def make(name: str, number: int, **fields: Any) -> Layer:
        return Layer(content=SourceFrame(medium=name, fingerprint=footage[name].fingerprint, number=number), **fields)

    return make


def plan(*layers: Layer, size: tuple[int, int] = SIZE) -> FramePlan:
    return FramePlan(width=size[0], height=size[1], root=Stacked(layers=layers))


WARMER = Applied(name="exposure", version=1, values=(("stops", -0.25),))


@pytest.fixture(scope="session")
def region(shot: Shot) -> list[FramePlan]:
    """Sixty frames: a graded clip, a dissolve, the other clip with a picture over it."""

    def mixed(i: int) -> Layer:
        transition = Applied(name="dissolve", version=1)
        return Layer(content=Mix(transition=transition, progress=i / 10, outgoing=shot("a", 35 + i), incoming=shot("b", i)))

    small = Layer(content=Generated(kind="solid", version=1, values=(("alpha", 1.0), ("colour", (0.2, 0.4, 0.1)))), opacity=0.3)
    return [
        *(plan(shot("a", 5 + i, effects=(WARMER,))) for i in range(30)),
        *(plan(mixed(i)) for i in range(10)),
        *(plan(shot("b", 10 + i), small) for i in range(20)),
    ]


@pytest.fixture
def tasks(footage: dict[str, MediaInfo], tmp_path: Path) -> Callable[..., list[PrerenderTask]]:
    """What is to be done for a region."""

    def make(plans: Sequence[FramePlan], *, gpu: str = "off", media: dict[str, MediaInfo] | None = None, **recipe: Any) -> Any:
        known = media or footage
        workspace = tmp_path / "ws"
        (workspace / "proxies").mkdir(parents=True, exist_ok=True)
        made = chunks(plans, start=0, media=known, frame_rate=RATE, recipe=PrerenderRecipe(**recipe), engine="cpu")
        return [
            PrerenderTask(
                key=chunk.key,
                plans=chunk.plans,
                media=known,
                frame_rate=RATE,
                recipe=chunk.recipe,
                path=str(workspace / "proxies" / f"{chunk.key}.mov"),
                workspace=str(workspace),
                gpu=gpu,
                cores=2,
                label=f"frames {chunk.start}–{chunk.stop}",
            )
            for chunk in made
        ]

    return make


def here(task: PrerenderTask, progress: Callable[[int], None] = lambda done: None) -> Prerendered | Failed:
    """The outcome, in this process."""
    outcome = registry.outcome_of(task, registry.KINDS[task.kind], progress, lambda: False)
    assert isinstance(outcome, (Prerendered, Failed))
    return outcome


def shown(path: str) -> Iterator[tuple[int, Picture]]:
    """The pictures of a file, each with the number in it (−1: none can be read)."""
    with av.open(path) as container:
        for frame in container.decode(video=0):
            layout, planes = planes_of(frame)
            tags = ColourTags(primaries="bt709", transfer="bt709", matrix="bt709", range="tv", chroma_location="left")
            luma = planes[0].astype(float) / (1 << (layout.bits - 8))
            try:
                number = read_number(luma)
            except ValueError:
                number = -1
            yield number, to_picture(planes, coding_of(layout, tags, frame.height))


def psnr(ours: Picture, wanted: Picture) -> float:
    """Of R'G'B' from 0 to 1, and alpha."""
    error = np.mean((np.clip(ours, 0, 1) - np.clip(wanted, 0, 1)) ** 2)
    return float(10 * np.log10(1 / max(error, 1e-12)))


#: Least PSNR in dB of any frame of ``region`` against the picture that ``otio-perf frame`` shows, at quality 80.
#: Found: 39.7, 46.0, 49.8, 52.7, 51.3, 49.0, 51.0, 51.4, 56.7, 46.9, 45.9, 45.8.
LEAST = {
    ChunkCodec.PRORES_PROXY: 38,
    ChunkCodec.PRORES_LT: 44,
    ChunkCodec.PRORES_422: 48,
    ChunkCodec.PRORES_HQ: 51,
    ChunkCodec.PRORES_4444: 50,
    ChunkCodec.DNXHR_LB: 47,
    ChunkCodec.DNXHR_SQ: 49,
    ChunkCodec.DNXHR_HQ: 50,
    ChunkCodec.DNXHR_HQX: 55,
    ChunkCodec.H264: 45,
    ChunkCodec.H264_LONG_GOP: 44,
    ChunkCodec.HEVC_LONG_GOP: 44,
}


@pytest.mark.parametrize("codec", list(ChunkCodec))
def test_joined_chunks_are_what_frame_shows(
    codec: ChunkCodec,
    region: list[FramePlan],
    footage: dict[str, MediaInfo],
    tasks: Callable[..., list[PrerenderTask]],
    tmp_path: Path,
) -> None:
    work = tasks(region, codec=codec)
    assert [task.total for task in work] == ([20, 20, 15, 5] if codec.is_intra else [40, 20])
    with ProcessBackend(1) as backend:
        outcomes = run(work, backend=backend)
    pieces = []
    for task in work:
        outcome = outcomes[task.key]
        assert isinstance(outcome, Prerendered), outcome
        assert (outcome.path, outcome.frames, outcome.engine) == (task.path, task.total, "cpu")
        pieces.append(whole(outcome.path, outcome.frames))
    joined = join(pieces, tmp_path / "joined.mov", frame_rate=RATE, start_timecode="01:00:00:00", stands_alone=codec.is_intra)
    found = list(shown(joined.path))
    assert [number for number, _ in found[:31]] == list(range(1005, 1036))
    assert [number for number, _ in found[40:]] == list(range(2010, 2030))
    with Sources(footage, RATE) as sources:
        compositor = Compositor(CpuEngine(), sources)
        worst = min(psnr(picture, compositor.picture(one)) for (_, picture), one in zip(found, region, strict=True))
    assert worst >= LEAST[codec], worst


def test_alpha_is_kept(shot: Shot, footage: dict[str, MediaInfo], tasks: Callable[..., list[PrerenderTask]]) -> None:
    plans = [plan(shot("a", i, opacity=i / 12)) for i in range(12)]
    (work,) = tasks(plans, codec=ChunkCodec.PRORES_4444, keeps_alpha=True)
    outcome = here(work)
    assert isinstance(outcome, Prerendered), outcome
    with Sources(footage, RATE) as sources:
        compositor = Compositor(CpuEngine(), sources)
        for (_, picture), one in zip(shown(outcome.path), plans, strict=True):
            wanted = compositor.engine.download(compositor.image(one, on_black=False))
            assert np.abs(picture[..., 3] - wanted[..., 3]).max() <= 1 / 1023
            assert psnr(picture, wanted) >= 45


@pytest.mark.parametrize(
    ("canvas", "size", "stored"),
    [
        ((321, 181), "canvas", (320, 180)),
        ((640, 360), "half", (320, 180)),
        ((642, 362), "half", (320, 180)),
        ((500, 281), "320x180", (320, 180)),
    ],
)
def test_sizes(
    canvas: tuple[int, int], size: str, stored: tuple[int, int], shot: Shot, tasks: Callable[..., list[PrerenderTask]]
) -> None:
    (work,) = tasks([plan(shot("a", i), size=canvas) for i in range(5)], size=size)
    outcome = here(work)
    assert isinstance(outcome, Prerendered), outcome
    video = probe(outcome.path).picture
    assert video is not None
    assert (video.width, video.height) == stored
    assert [number for number, _ in shown(outcome.path)] == list(range(1000, 1005))


# ---- again


def test_a_second_run_makes_nothing(region: list[FramePlan], tasks: Callable[..., list[PrerenderTask]]) -> None:
    work = tasks(region)[0]
    first = here(work)
    assert isinstance(first, Prerendered)
    before = os.stat(work.path).st_mtime_ns
    second = here(work)
    assert isinstance(second, Prerendered)
    assert second.notes == ("made by another run in the meantime",)
    assert (second.digest, second.size_bytes) == (first.digest, first.size_bytes)
    assert os.stat(work.path).st_mtime_ns == before
    os.truncate(work.path, first.size_bytes // 2)
    healed = here(work)
    assert isinstance(healed, Prerendered)
    assert (healed.engine, healed.digest) == ("cpu", first.digest)


def test_another_chunk_under_the_name_is_not_taken_for_it(region: list[FramePlan], tasks: Callable[..., Any]) -> None:
    first, second, *_ = tasks(region)
    assert isinstance(here(first), Prerendered)
    outcome = here(replace(second, path=first.path))
    assert isinstance(outcome, Prerendered)
    assert outcome.engine == "cpu"
    assert outcome.frames == second.total


@POSIX_KILL
def test_a_kill_in_the_middle_leaves_no_half_chunk(region: list[FramePlan], tasks: Callable[..., Any], tmp_path: Path) -> None:
    work = tasks(region * 4)[0]
    work = replace(work, plans=tuple(region * 4))
    (tmp_path / "task.json").write_text(wire.dumps(work))
    script = """
        import sys
        from otio_perf.tasks import registry
        text = open(sys.argv[1]).read()
        registry.run_json(text, lambda done: print(done, flush=True), lambda: False)
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "task.json")], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) >= 40:
            break
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    left = [path.name for path in Path(work.path).parent.iterdir()]
    assert len(left) == 1
    assert is_part(left[0])
    again = here(work)
    assert isinstance(again, Prerendered), again
    assert again.frames == 240
    assert probe(work.path).picture is not None


# ---- what goes wrong


def test_a_damaged_frame_costs_its_chunk_and_is_named(
    shot: Shot, footage: dict[str, MediaInfo], tasks: Callable[..., list[PrerenderTask]], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mov"
    data = bytearray(Path(footage["a"].path).read_bytes())
    with av.open(footage["a"].path) as container:
        packet = [p for p in container.demux(video=0) if p.size][33]
    assert packet.pos is not None
    data[packet.pos + 8 : packet.pos + packet.size] = bytes(packet.size - 8)
    broken.write_bytes(data)
    info = probe(str(broken))
    content = SourceFrame(medium="broken", fingerprint=info.fingerprint, number=0)
    plans = [plan(Layer(content=replace(content, number=number))) for number in range(50)]
    outcomes = [here(task) for task in tasks(plans, media={"broken": info})]
    good, bad = outcomes
    assert isinstance(good, Prerendered), good
    assert isinstance(bad, Failed)
    assert bad.error == "CorruptMediaError"
    assert bad.path == str(broken)
    assert "frame 33 " in bad.message
    assert [path.name for path in (tmp_path / "ws" / "proxies").iterdir()] == [Path(good.path).name]


def test_stopping_leaves_nothing(region: list[FramePlan], tasks: Callable[..., list[PrerenderTask]]) -> None:
    work = replace(tasks(region)[0], plans=tuple(region * 4))
    asked: list[float] = []
    done = 0

    def progress(frames: int) -> None:
        nonlocal done
        done = frames

    def cancelled() -> bool:
        if done >= 20:
            asked.append(time.monotonic())
        return done >= 20

    outcome = registry.outcome_of(work, registry.KINDS["prerender"], progress, cancelled)
    took = time.monotonic() - asked[0]
    assert isinstance(outcome, Failed)
    assert outcome.error == "TaskCancelledError"
    assert done == 20
    assert took < 1
    assert list(Path(work.path).parent.iterdir()) == []


class Lost(CpuEngine):
    """An engine whose device goes away at its tenth frame."""

    name = "gpu"
    is_shared = False  # as a GPU is

    def __init__(self) -> None:
        self.frames = 0

    def download(self, image: Image) -> Picture:
        self.frames += 1
        if self.frames == 10:
            raise RuntimeError("CUDA error: device lost\nand more")
        return super().download(image)


@pytest.fixture
def for_gpu(region: list[FramePlan], footage: dict[str, MediaInfo], tasks: Callable[..., Any]) -> tuple[Any, Any]:
    """A task as it is given out where a GPU renders, and the same as the processor's in its place."""
    (chunk, *_) = chunks(region, start=0, media=footage, frame_rate=RATE, recipe=PrerenderRecipe(), engine="gpu")
    otherwise = tasks(region)[0]
    assert len({chunk.processor_key, otherwise.key, chunk.key}) == 3, "what stands in for a GPU is not what renders without one"
    path, instead = (str(Path(otherwise.path).with_name(f"{key}.mov")) for key in (chunk.key, chunk.processor_key))
    work = replace(otherwise, gpu="auto", key=chunk.key, path=path, processor_key=chunk.processor_key, processor_path=instead)
    return work, replace(work, gpu="off", key=work.processor_key, path=instead)


def test_a_lost_gpu_is_made_up_for_and_said(
    for_gpu: tuple[PrerenderTask, PrerenderTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the processor renders in its place is the processor's: another key, another file, and just what it renders alone."""
    real = prerender.engine_for
    monkeypatch.setattr(prerender, "engine_for", lambda gpu, **_: real("off") if gpu == "off" else (Lost(), "GPU by lost"))
    work, alone = for_gpu
    outcome = here(work)
    assert isinstance(outcome, Prerendered), outcome
    assert (outcome.key, outcome.chunk, outcome.path, outcome.engine) == (work.key, alone.key, alone.path, "cpu")
    assert outcome.notes == ("rendered by processor, for the GPU gave up: RuntimeError: CUDA error: device lost",)
    assert not Path(work.path).exists()
    again = here(alone)  # taken for what it is
    assert isinstance(again, Prerendered)
    assert again.notes == ("made by another run in the meantime",)
    os.unlink(alone.path)
    anew = here(alone)
    assert isinstance(anew, Prerendered)
    assert anew.digest == outcome.digest
    os.unlink(alone.path)
    died = here(work.again())  # the driver took the worker with it
    assert isinstance(died, Prerendered)
    assert (died.chunk, died.digest, Path(work.path).exists()) == (alone.key, outcome.digest, False)
    os.unlink(alone.path)
    demanded = here(replace(work, gpu="on"))
    assert isinstance(demanded, Failed)
    assert demanded.error == "EffectError"
    assert list(Path(work.path).parent.iterdir()) == []


def test_a_worker_that_finds_no_gpu_writes_what_is_the_processors(
    for_gpu: tuple[PrerenderTask, PrerenderTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    work, alone = for_gpu
    real = prerender.engine_for
    monkeypatch.setattr(prerender, "engine_for", lambda gpu, **_: real("off"))
    outcome = here(work)
    assert isinstance(outcome, Prerendered), outcome
    assert (outcome.key, outcome.chunk, outcome.path) == (work.key, alone.key, alone.path)
    assert [path.name for path in Path(work.path).parent.iterdir()] == [Path(alone.path).name]


def test_compiled_kernels_are_kept_where_the_task_says(
    for_gpu: tuple[PrerenderTask, PrerenderTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, folders = prerender.engine_for, []

    def engine_for(gpu: str, *, cache_folder: str | None = None, **_: Any) -> Any:
        folders.append(cache_folder)
        return real("off")

    monkeypatch.setattr(prerender, "engine_for", engine_for)
    assert isinstance(here(replace(for_gpu[0], kernels="/cache/kernels")), Prerendered)
    assert folders == ["/cache/kernels"]


def test_what_another_run_made_with_the_processor_is_taken_and_waited_for(
    for_gpu: tuple[PrerenderTask, PrerenderTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    work, alone = for_gpu
    real, lost = prerender.engine_for, Lost()
    monkeypatch.setattr(prerender, "engine_for", lambda gpu, **_: real("off") if gpu == "off" else (lost, "GPU by lost"))
    with Workspace.open(work.workspace).lock(f"chunk {alone.key}"):
        waiting = registry.outcome_of(work, registry.KINDS["prerender"], lambda _: None, lambda: lost.frames >= 10)
    assert isinstance(waiting, Failed)
    assert "another otio-perf was at work" in waiting.message
    assert not Path(alone.path).exists()
    assert isinstance(here(alone), Prerendered)
    before = os.stat(alone.path).st_mtime_ns
    lost.frames = 0
    outcome = here(work)
    assert isinstance(outcome, Prerendered), outcome
    assert (outcome.chunk, outcome.engine, outcome.notes) == (alone.key, "", ("made by another run in the meantime",))
    assert os.stat(alone.path).st_mtime_ns == before


def test_a_task_is_started_again_without_the_gpu(region: list[FramePlan], tasks: Callable[..., list[PrerenderTask]]) -> None:
    work = tasks(region, gpu="auto")[0]
    assert work.again().gpu == "off"
    assert replace(work, gpu="on").again().gpu == "on"
    assert json.loads(wire.dumps(work))["value"]["kind"] == "prerender"


@pytest.mark.parametrize("when", ["before", "in the middle", "gone", "lut"])
def test_a_source_that_changes_gets_no_chunk(
    when: str, shot: Shot, footage: dict[str, MediaInfo], tasks: Callable[..., list[PrerenderTask]], tmp_path: Path
) -> None:
    """What is made of another file than was planned would be found under the key of that plan for ever."""
    source, lut = tmp_path / "a.mov", tmp_path / "warm.cube"
    shutil.copy(footage["a"].path, source)
    shutil.copy(Path(__file__).parent.parent.parent / "sample_timelines" / "warm.cube", lut)
    content = SourceFrame(medium="a", fingerprint=footage["a"].fingerprint, number=0)
    effects = (Applied(name="lut", version=1, values=(("interpolation", "tetrahedral"), ("path", str(lut)))),)
    plans = [plan(Layer(content=replace(content, number=number), effects=effects)) for number in range(20)]
    found = {"a": replace(footage["a"], path=str(source))}
    made = chunks(
        plans,
        start=0,
        media=found,
        frame_rate=RATE,
        recipe=PrerenderRecipe(),
        engine="cpu",
        digests={str(lut): digest(str(lut))},
    )
    (work,) = tasks([plan(shot("a", number)) for number in range(20)], media=found)
    work = replace(work, key=made[0].key, plans=tuple(plans), files={str(lut): digest(str(lut))})

    def change(done: int) -> None:
        if done == 10 and when == "in the middle":
            shutil.copy(footage["b"].path, source)
        if done == 10 and when == "gone":
            source.unlink(missing_ok=True)
        if done == 10 and when == "lut":
            lut.write_text(lut.read_text().replace("0.96", "0.90"))

    if when == "before":
        shutil.copy(footage["b"].path, source)
    outcome = here(work, change)
    assert isinstance(outcome, Failed), outcome
    assert outcome.path == str(lut if when == "lut" else source)
    assert outcome.error == ("OfflineMediaError" if when == "gone" else "CorruptMediaError")
    assert "changed" in outcome.message or when == "gone"
    assert list(Path(work.path).parent.iterdir()) == []
    shutil.copy(footage["a"].path, source)
    shutil.copy(Path(__file__).parent.parent.parent / "sample_timelines" / "warm.cube", lut)
    assert isinstance(here(work), Prerendered)
