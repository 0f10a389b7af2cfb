"""Stored samples to pictures and back on the device, against their definition; and memory that is used again."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from otio_perf.effects.gpu import memory
from otio_perf.effects.gpu.engine import GpuEngine
from otio_perf.effects.pixels import Coding, from_picture, to_picture
from otio_perf.effects.registry import Picture
from otio_perf.model.pixels import Layout

Pictures = Callable[..., Picture]


@pytest.fixture(scope="module")
def gpu() -> GpuEngine:
    return GpuEngine(os.environ.get("OTIO_PERF_TEST_ARCH", "cpu"))


def yuv(bits: int, across: int, down: int, *, alpha: bool = False) -> Layout:
    return Layout(is_rgb=False, is_grey=False, bits=bits, across=across, down=down, has_alpha=alpha)


CODINGS = [
    *(Coding(layout=yuv(bits, *sampling)) for bits in (8, 10, 12) for sampling in ((1, 1), (1, 0), (0, 0), (2, 0), (2, 2))),
    *(Coding(layout=yuv(8, 1, 1), siting=siting) for siting in ("center", "topleft", "top", "bottomleft", "bottom")),
    Coding(layout=yuv(8, 1, 1), is_full_range=True, matrix="smpte170m"),
    Coding(layout=yuv(10, 0, 0, alpha=True), matrix="bt2020nc"),
    Coding(layout=yuv(8, 1, 1, alpha=True)),
    Coding(layout=Layout(is_rgb=False, is_grey=True, bits=8)),
    Coding(layout=Layout(is_rgb=False, is_grey=True, bits=16), is_full_range=True),
    *(
        Coding(layout=Layout(is_rgb=True, is_grey=False, bits=bits, has_alpha=alpha), is_full_range=True)
        for bits in (8, 10, 16)
        for alpha in (False, True)
    ),
    *(
        Coding(
            layout=Layout(is_rgb=True, is_grey=False, bits=32, is_float=True, has_alpha=alpha),
            is_full_range=True,
            is_premultiplied=alpha,
        )
        for alpha in (False, True)
    ),
]


@pytest.mark.parametrize("coding", CODINGS, ids=str)
def test_samples_are_read_and_stored_as_defined(gpu: GpuEngine, picture: Pictures, coding: Coding) -> None:
    source = picture(67, 45, alpha=coding.layout.has_alpha)
    planes = from_picture(source, coding)
    kept = [plane.copy() for plane in planes]
    image = gpu.read(planes, coding)
    wanted = to_picture(planes, coding)
    assert image.is_opaque != coding.layout.has_alpha
    assert np.abs(gpu.download(image) - wanted).max() <= 1e-5
    assert all(map(np.array_equal, planes, kept))
    stored = gpu.store(gpu.upload(source, is_opaque=False), coding, 67, 45)
    assert [plane.dtype for plane in stored] == [plane.dtype for plane in planes]
    for ours, theirs in zip(stored, planes, strict=True):
        far = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
        assert far.max() <= (1e-5 if coding.layout.is_float else 1)  # a half may be rounded either way
        assert far.mean() <= 0.01


@pytest.mark.parametrize("size", [(68, 46), (66, 44), (67, 46)])
def test_sizes_of_codecs_differ_by_a_pixel(gpu: GpuEngine, reference: Any, picture: Pictures, size: tuple[int, int]) -> None:
    source, coding = picture(67, 45), Coding(layout=yuv(10, 1, 1))
    ours = gpu.store(gpu.upload(source, is_opaque=True), coding, *size)
    theirs = reference.store(reference.upload(source, is_opaque=True), coding, *size)
    assert [plane.shape for plane in ours] == [plane.shape for plane in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert np.abs(one.astype(int) - other.astype(int)).max() <= 1


def test_planes_with_gaps_between_their_rows(gpu: GpuEngine, picture: Pictures) -> None:
    """As decoders give them."""
    coding = Coding(layout=yuv(8, 1, 1))
    planes = from_picture(picture(66, 44), coding)
    gapped = [np.pad(plane, ((0, 0), (0, 30)))[:, : plane.shape[1]] for plane in planes]
    assert not gapped[0].flags.c_contiguous
    assert np.array_equal(gpu.download(gpu.read(gapped, coding)), gpu.download(gpu.read(planes, coding)))


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("is_mirrored", [False, True])
def test_turned_as_cameras_say(gpu: GpuEngine, reference: Any, picture: Pictures, turn: int, is_mirrored: bool) -> None:
    source = picture(67, 45, alpha=True)
    ours, theirs = (
        engine.download(engine.turned(engine.upload(source, is_opaque=False), turn, is_mirrored=is_mirrored))
        for engine in (gpu, reference)
    )
    assert np.array_equal(ours, theirs)


def test_frames_are_fetched_in_any_order_while_others_are_made(gpu: GpuEngine, picture: Pictures) -> None:
    coding = Coding(layout=yuv(8, 1, 0))
    frames = [from_picture(picture(66, 44, seed=seed), coding) for seed in range(5)]
    told: list[str] = []
    gpu.listen(lambda stage, began, ended: told.append(stage) if ended >= began else None)
    waiting = [gpu.storing(gpu.read(planes, coding), coding, 66, 44) for planes in frames]
    for number in (3, 0, 4, 1, 2):
        alone = gpu.store(gpu.read(frames[number], coding), coding, 66, 44)
        assert all(map(np.array_equal, waiting[number](), alone))
    assert {stage: told.count(stage) for stage in set(told)} == {"upload": 10, "compute": 10, "download": 10}


def test_memory_is_used_again(gpu: GpuEngine) -> None:
    """Taichi keeps what it ever gave out: a frame would cost a device all that its pictures take."""
    memory.free()
    first = memory.empty(31, 17)
    inner = first.arr
    del first
    gc.collect()
    assert memory.empty(31, 17).arr is inner
    held = [memory.empty(31, 17) for _ in range(3)]
    assert len({id(one.arr) for one in held}) == 3
    assert memory.empty(17, 31).shape == (31, 17)
