"""Chunks that GPUs render: frames on their way to and fro in order, devices that are lost with frames under way, and two
devices at one queue. Kernels run on Taichi's CPU arch and, where Mesa's driver in software is, on Vulkan."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from otio_perf.effects.gpu.engine import GpuEngine
from otio_perf.effects.registry import registry as effects
from otio_perf.media.planes import planes_of
from otio_perf.media.probe import probe
from otio_perf.model.devices import GpuDevice
from otio_perf.model.events import Failed, Prerendered
from otio_perf.model.frames import Applied, FramePlan, Layer, Mix, SourceFrame, Stacked
from otio_perf.model.media import MediaInfo
from otio_perf.model.recipes import ChunkCodec, PrerenderRecipe
from otio_perf.model.tasks import PrerenderTask
from otio_perf.render.chunks import chunks
from otio_perf.render_queue.backend import ProcessBackend
from otio_perf.render_queue.runner import run
from otio_perf.tasks import prerender, registry
from sample_timelines.make_media import draw_number, read_number

RATE = Fraction(25)
SIZE = (192, 108)
FRAMES = 30

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def medium(tmp_path_factory: pytest.TempPathFactory) -> MediaInfo:
    """Sixty pictures with texture and hard edges of colour, and their numbers in them."""
    path = tmp_path_factory.mktemp("footage") / "a.mov"
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "g": "10", "qp": "8"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        context = stream.codec_context  # BT.709, as the timeline is, or all of it would be converted
        context.color_primaries = context.color_trc = context.colorspace = context.color_range = 1
        for number in range(60):
            luma = (120 + 50 * np.sin((x + 3 * number) / 17) * np.cos(y / 11)).astype(np.uint8)
            draw_number(luma, number)
            bars = np.where((x[: SIZE[1] // 4, : SIZE[0] // 2] + number) // 7 % 2, 90, 165).astype(np.uint8)
            checks = np.where((x + y + number)[: SIZE[1] // 4, : SIZE[0] // 2] // 5 % 2, 100, 150).astype(np.uint8)
            planes = np.concatenate([plane.ravel() for plane in (luma, *(np.vstack([p, p]) for p in (bars, checks)))])
            planes = planes.reshape(-1, SIZE[0])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode())
    return probe(str(path))


@pytest.fixture
def tasks(medium: MediaInfo, tmp_path: Path) -> list[PrerenderTask]:
    """Two chunks, for a GPU: a dissolve of two places of the clip with effects that change from frame to frame."""

    def shot(number: int, *applied: Applied) -> Layer:
        return Layer(content=SourceFrame(medium="a", fingerprint=medium.fingerprint, number=number), effects=applied)

    def at(n: int) -> FramePlan:
        values = effects().effect("gaussian_blur").checked({"sigma": 0.5 + n / 40})
        blur = Applied(name="gaussian_blur", version=1, values=tuple(sorted(values.items())))
        warmer = Applied(name="exposure", version=1, values=(("stops", -n / 200),))
        dissolve = Applied(name="dissolve", version=1)
        mix = Mix(transition=dissolve, progress=0.2, outgoing=shot(n), incoming=shot(n + 25, blur, warmer))
        return FramePlan(width=SIZE[0], height=SIZE[1], root=Stacked(layers=(Layer(content=mix),)))

    workspace = tmp_path / "ws"
    (workspace / "chunks").mkdir(parents=True)
    made = chunks(
        [at(n) for n in range(FRAMES)],
        start=0,
        media={"a": medium},
        frame_rate=RATE,
        recipe=PrerenderRecipe(),
        engine="gpu",
    )
    assert len(made) == 2
    return [
        PrerenderTask(
            key=chunk.key,
            plans=chunk.plans,
            media={"a": medium},
            frame_rate=RATE,
            recipe=chunk.recipe,
            path=str(workspace / "chunks" / f"{chunk.key}.mov"),
            workspace=str(workspace),
            gpu="auto",
            processor_key=chunk.processor_key,
            processor_path=str(workspace / "chunks" / f"{chunk.processor_key}.mov"),
            cores=2,
            label=f"frames {chunk.start}–{chunk.stop}",
        )
        for chunk in made
    ]


def here(task: PrerenderTask) -> Prerendered | Failed:
    outcome = registry.outcome_of(task, registry.KINDS["prerender"], lambda _: None, lambda: False)
    assert isinstance(outcome, (Prerendered, Failed))
    return outcome


def by_processor(tasks: Sequence[PrerenderTask]) -> list[Prerendered]:
    """In place of a GPU, in files of their own."""
    found = []
    for task in tasks:
        path = task.path.replace(".mov", "_alone.mov")
        outcome = here(replace(task, gpu="off", key=task.processor_key, processor_path=path))
        assert isinstance(outcome, Prerendered), outcome
        found.append(outcome)
    return found


def pictures(path: str) -> list[list[np.ndarray]]:
    """Planes of 4:2:2, 10 bits."""
    with av.open(path) as container:
        assert container.streams.video[0].pix_fmt == "yuv422p10le"
        return [[plane.copy() for plane in planes_of(frame)[1]] for frame in container.decode(video=0)]


#: Of Y', Cb and Cr alike: what rounding to the other side comes to after a lossy codec.
LEAST_DB, MOST_CODES = 60, 12


def alike(one: str, other: str) -> bool:
    """The same pictures, of every plane."""
    for a, b in zip(pictures(one), pictures(other), strict=True):
        for ours, theirs in zip(a, b, strict=True):
            apart = np.abs(ours.astype(float) - theirs)
            decibels = 10 * np.log10(1023**2 / max((apart**2).mean(), 1e-9))
            if apart.max() > MOST_CODES or decibels < LEAST_DB:
                return False
    return True


def test_the_processor_in_place_of_a_gpu_makes_chroma_as_soft(
    tasks: list[PrerenderTask], rendering_with: Callable[[Any], None]
) -> None:
    """And without one it keeps it sharper: chunks of both kinds side by side would show where one ends."""
    rendering_with(GpuEngine("cpu"))
    plain = [replace(plan, root=Stacked(layers=(plan.root.layers[0].content.outgoing,))) for plan in tasks[0].plans]  # type: ignore[union-attr]
    task = replace(tasks[0], plans=tuple(plain))
    ours = here(task)
    (instead,) = by_processor([task])
    otherwise = here(replace(task, gpu="off", key="0" * 32, path=task.path + "o.mov", processor_key="", processor_path=""))
    assert isinstance(ours, Prerendered), ours
    assert isinstance(otherwise, Prerendered), otherwise
    assert alike(ours.path, instead.path)
    assert not alike(ours.path, otherwise.path)


@pytest.fixture
def rendering_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    real = prerender.engine_for

    def use(engine: Any) -> None:
        found = engine, "GPU by a test"
        monkeypatch.setattr(prerender, "engine_for", lambda gpu, **_: real("off") if gpu == "off" else found)

    return use


def test_frames_come_back_in_order_and_times_are_told(
    tasks: list[PrerenderTask], rendering_with: Callable[[Any], None]
) -> None:
    alone = by_processor(tasks)
    rendering_with(GpuEngine("cpu"))
    for task, wanted in zip(tasks, alone, strict=True):
        outcome = here(task)
        assert isinstance(outcome, Prerendered), outcome
        assert (outcome.engine, outcome.chunk, outcome.path) == ("gpu", task.key, task.path)
        assert alike(outcome.path, wanted.path)
        stages = {timing.name: timing for timing in outcome.timings}
        assert [stages[name].count for name in ("upload", "compute", "download")] == [
            2 * len(task.plans),
            len(task.plans),
            len(task.plans),
        ]
        rows = {stages[name].thread for name in ("decode", "upload", "compute", "download")}
        assert len(rows) == 4, "each has a row in the trace"
    first = pictures(alone[0].path)
    assert [read_number(picture[0].astype(float) / 4) for picture in first[:3]] == [0, 1, 2]


class Lost(GpuEngine):
    """Its device is gone at one of three moments."""

    def __init__(self, when: str) -> None:
        super().__init__("cpu")
        self.when, self.calls = when, 0

    def _fail(self, moment: str) -> None:
        if moment == self.when:
            self.calls += 1
            if self.calls == 5:
                raise RuntimeError("CUDA error 719 in cuEventSynchronize")

    def read(self, *arguments: Any) -> Any:
        self._fail("upload")
        return super().read(*arguments)

    def storing(self, *arguments: Any) -> Callable[[], list[Any]]:
        self._fail("compute")
        fetched = super().storing(*arguments)

        def fetch() -> list[Any]:
            self._fail("download")
            return fetched()

        return fetch


@pytest.mark.parametrize("when", ["upload", "compute", "download"])
def test_a_device_that_is_lost_with_frames_under_way_is_made_up_for(
    tasks: list[PrerenderTask], rendering_with: Callable[[Any], None], when: str
) -> None:
    task = tasks[1]
    (alone,) = by_processor([task])
    rendering_with(Lost(when))
    outcome = here(task)
    assert isinstance(outcome, Prerendered), outcome
    assert (outcome.engine, outcome.chunk, outcome.path) == ("cpu", task.processor_key, task.processor_path)
    assert "the GPU gave up: RuntimeError: CUDA error 719" in outcome.notes[0]
    assert outcome.digest == alone.digest
    assert not Path(task.path).exists()
    rendering_with(Lost(when))
    demanded = here(replace(task, gpu="on", processor_key="0" * 32, processor_path=task.path + "x.mov"))
    assert isinstance(demanded, Failed)
    assert "gave up" in demanded.message


def test_an_encoder_that_fails_is_made_up_for_and_said(
    tasks: list[PrerenderTask], rendering_with: Callable[[Any], None]
) -> None:
    """NVENC without a device: FFmpeg really says no. What the processor writes in its place goes by the processor's key."""
    if "h264_nvenc" not in av.codecs_available or Path("/dev/nvidiactl").exists():
        pytest.skip("NVENC: it works here, or is not in this build of FFmpeg")
    task = replace(tasks[1], recipe=PrerenderRecipe(codec=ChunkCodec.H264))
    rendering_with(GpuEngine("cpu"))
    outcome = here(replace(task, encoder="h264_nvenc"))
    assert isinstance(outcome, Prerendered), outcome
    assert (outcome.engine, outcome.chunk, outcome.path) == ("cpu", task.processor_key, task.processor_path)
    assert outcome.notes[0].startswith("rendered by processor, for h264_nvenc gave up: ")
    assert not Path(task.path).exists()
    demanded = here(replace(task, encoder="h264_nvenc", gpu="on"))
    assert isinstance(demanded, Failed)
    assert demanded.error == "EncodeError"


def test_a_decoder_that_is_not_there_is_made_up_for(tasks: list[PrerenderTask], rendering_with: Callable[[Any], None]) -> None:
    if Path("/dev/nvidiactl").exists():
        pytest.skip("DEVICE: there is one here")
    (alone,) = by_processor(tasks[1:])
    rendering_with(GpuEngine("cpu"))
    outcome = here(replace(tasks[1], hardware=("h264 on cuda",)))
    assert isinstance(outcome, Prerendered), outcome
    assert (outcome.engine, outcome.chunk) == ("gpu", tasks[1].key)
    assert alike(outcome.path, alone.path)


@pytest.fixture
def two_devices(tmp_path: Path) -> tuple[GpuDevice, GpuDevice]:
    """Mesa's driver, installed twice: a process that is not told takes the first."""
    pytest.importorskip("taichi", reason="NO TAICHI: the kernels cannot be run")
    installed = sorted(Path("/usr/share/vulkan/icd.d").glob("lvp_icd.*.json"))
    if not installed:
        pytest.skip("NO VULKAN, two devices not tried (Debian: mesa-vulkan-drivers)")
    shutil.copy(installed[0], tmp_path / "second_icd.json")
    drivers = os.pathsep.join([str(installed[0]), str(tmp_path / "second_icd.json")])
    both = {"VK_ICD_FILENAMES": drivers, "VK_DRIVER_FILES": drivers}
    script = "from otio_perf.effects.gpu.devices import *; print(len(vulkan_devices(software=True)), len(vulkan_devices()))"
    said = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **both}, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == ["2", "0"], "what draws on the processor is no GPU"
    first, second = (
        GpuDevice(arch="vulkan", name=name, environment={**both, "TI_VISIBLE_DEVICE": number})
        for name, number in (("First", "0"), ("Second", "1"))
    )
    return first, second


@pytest.mark.vulkan
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_two_devices_at_one_queue_render_what_one_does(
    tasks: list[PrerenderTask], two_devices: tuple[GpuDevice, GpuDevice], tmp_path: Path
) -> None:
    def rendered(devices: tuple[GpuDevice, ...], workers: int) -> list[Prerendered]:
        kernels = str(tmp_path / "kernels")
        ready = [replace(task, devices=devices, kernels=kernels) for task in tasks]
        with ProcessBackend(workers) as backend:
            outcomes = run(ready, backend=backend)
        found = list(outcomes.values())
        for outcome in found:
            assert isinstance(outcome, Prerendered), outcome
            assert outcome.engine == "gpu", outcome
            os.rename(outcome.path, f"{outcome.path}_{len(devices)}.mov")
        return found  # type: ignore[return-value]

    alone = by_processor(tasks)
    one, two = rendered(two_devices[:1], 1), rendered(two_devices, 2)
    assert [outcome.notes for outcome in one] == [("rendered by GPU by vulkan: First",)] * 2
    assert {outcome.notes[0].rpartition(": ")[2] for outcome in two} == {"First", "Second"}
    assert [outcome.digest for outcome in one] == [outcome.digest for outcome in two]
    assert all(alike(f"{ours.path}_2.mov", wanted.path) for ours, wanted in zip(two, alone, strict=True))
