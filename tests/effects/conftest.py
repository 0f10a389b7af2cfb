"""Pictures, values and engines that all effect tests draw from."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ElementTree, SubElement

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks._contract import drawn, hard_picture
from otio_perf.effects.engine import Engine
from otio_perf.effects.parameters import Parameter
from otio_perf.effects.reference import ReferenceEngine
from otio_perf.effects.registry import Picture

Pictures = Callable[..., Picture]


@pytest.fixture(scope="session")
def picture() -> Pictures:
    """A picture with ramps, edges, noise, a black and a white area; ``alpha``: transparent, half and opaque areas."""
    return hard_picture


@pytest.fixture(scope="session")
def draw() -> Callable[[tuple[Parameter, ...], int], dict[str, Any]]:
    """Values from the usual ranges of a schema; number 0 is all defaults."""
    return drawn


def _engines() -> dict[str, Callable[[], Engine]]:
    def cpu() -> Engine:
        from otio_perf.effects.cpu.engine import CpuEngine

        return CpuEngine()

    def gpu() -> Engine:
        from otio_perf.effects.gpu.engine import GpuEngine

        # Taichi's own CPU arch: the same kernels. Others have a process of their own, see test_vulkan.py
        return GpuEngine(os.environ.get("OTIO_PERF_TEST_ARCH", "cpu"))

    def native() -> Engine:
        from otio_perf.effects.cpu.native import NativeEngine

        return NativeEngine()

    return {"cpu": cpu, "taichi": gpu, "native": native}


@pytest.fixture(scope="session", params=["cpu", "taichi"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    yield _engines()[request.param]()


@pytest.fixture(scope="session", params=sorted(_engines()))
def rendering_engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Those that read stored planes; "native" keeps them, and is "cpu" otherwise."""
    yield _engines()[request.param]()


@pytest.fixture(scope="session")
def reference() -> Engine:
    return ReferenceEngine()


@pytest.fixture(scope="session")
def melt_each(
    ffmpeg: Path, tmp_path_factory: pytest.TempPathFactory, melted_by: Callable[..., None]
) -> Callable[..., list[list[NDArray[np.uint8]]]]:
    """MLT's own rendering: ``melt_each(planes, clips)``, each plane ``(frames, height, width)``, 8 bits, 4:2:2, BT.709, or
    BT.601 where there are fewer than 720 rows.

    ``clips``: the filters of each, which is of all these frames; a filter is its properties, ``in`` and ``out`` among them.
    ``below``: planes of a picture that each is laid over, as editors have it, ``by`` a transition of its own, ``qtblend`` for
    want of others; where there is nothing below, melt takes no notice of alpha. Answers with the planes of each clip. Skips
    where melt is missing.
    """
    program = shutil.which("melt") or pytest.skip("NO MELT: the command line tool melt is not installed")

    def rendered(
        planes: Sequence[NDArray[np.uint8]],
        clips: Sequence[Sequence[Mapping[str, str]]],
        *,
        below: Sequence[NDArray[np.uint8]] | None = None,
        by: Sequence[Mapping[str, str]] = (),
    ) -> list[list[NDArray[np.uint8]]]:
        folder = tmp_path_factory.mktemp("melt")
        frames, height, width = planes[0].shape
        layout = ["-f", "rawvideo", "-pix_fmt", "yuv422p", "-s", f"{width}x{height}", "-r", "25"]
        matrix = "smpte170m" if height < 720 else "bt709"
        tags = ["-colorspace", matrix, "-color_range", "tv"]  # untagged, melt takes small pictures for BT.601 and converts
        quiet = [str(ffmpeg), "-v", "error"]
        media = {"a": planes} if below is None else {"a": planes, "below": below}
        for name, one in media.items():
            raw = np.concatenate([plane.reshape(frames, -1) for plane in one], axis=1).tobytes()
            subprocess.run([*quiet, *layout, "-i", "-", "-c:v", "ffv1", *tags, f"{folder}/{name}.mkv"], input=raw, check=True)
        project = Element("mlt", LC_NUMERIC="C", producer="main")
        shape = {"width": width, "height": height, "display_aspect_num": width, "display_aspect_den": height}
        rate = {"frame_rate_num": 25, "frame_rate_den": 1, "colorspace": 601 if height < 720 else 709, "progressive": 1}
        square = {"sample_aspect_num": 1, "sample_aspect_den": 1}
        SubElement(project, "profile", {k: str(v) for k, v in (shape | rate | square).items()})
        span = {"in": "0", "out": str(frames - 1)}
        for name in media:
            words = {"resource": f"{name}.mkv", "mlt_service": "avformat"}
            _with(SubElement(project, "producer", {"id": name} | span), words)
        playlist = SubElement(project, "playlist", id="main")
        for filters in clips:
            entry = SubElement(playlist, "entry", {"producer": "a"} | span)
            for given in filters:
                where = {k: v for k, v in given.items() if k in ("in", "out")}
                _with(SubElement(entry, "filter", where), {k: v for k, v in given.items() if k not in where})
        if below is not None:
            lower = SubElement(project, "playlist", id="lower")
            for _ in clips:
                SubElement(lower, "entry", {"producer": "below"} | span)
            tracks = SubElement(project, "tractor", {"id": "over", "in": "0", "out": str(len(clips) * frames - 1)})
            for name in ("lower", "main"):
                SubElement(tracks, "track", producer=name)
            for number, words in enumerate(by or [{"mlt_service": "qtblend"}] * len(clips)):
                where = {"in": str(number * frames), "out": str(number * frames + frames - 1)}
                _with(SubElement(tracks, "transition", where), {"a_track": "0", "b_track": "1", **words})
            project.set("producer", "over")
        ElementTree(project).write(f"{folder}/p.mlt")
        target = ["avformat:out.mkv", "vcodec=ffv1", "pix_fmt=yuv422p", "an=1", "real_time=0"]
        # MLT's Qt filters ask whether there is a display, and then need none
        environment = {"DISPLAY": ":0", **os.environ, "QT_QPA_PLATFORM": "offscreen"}
        command = [program, "p.mlt", "-consumer", *target]
        shown = [*quiet, "-i", f"{folder}/out.mkv", "-f", "rawvideo", "-pix_fmt", "yuv422p", "-"]
        for _ in range(3):  # on a busy machine melt now and then ends well and leaves a file that nobody can read
            melted_by(command, cwd=folder, env=environment)
            seen = subprocess.run(shown, capture_output=True, check=False)
            if seen.returncode == 0:
                break
        seen.check_returncode()
        data = np.frombuffer(seen.stdout, np.uint8).reshape(len(clips), frames, 2 * width * height)
        corners = np.array([2, 3]) * width * height // 2
        return [[part.reshape(frames, height, -1) for part in np.split(clip, corners, axis=1)] for clip in data]

    return rendered


@pytest.fixture(scope="session")
def melt(melt_each: Callable[..., list[list[NDArray[np.uint8]]]]) -> Callable[..., list[NDArray[np.uint8]]]:
    """``melt(planes, filters)``: the same of one clip."""
    return lambda planes, filters: melt_each(planes, [filters])[0]


def _with(element: Element, properties: Mapping[str, str]) -> None:
    for name, value in properties.items():
        SubElement(element, "property", name=name).text = value
