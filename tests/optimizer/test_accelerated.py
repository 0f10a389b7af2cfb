"""Hardware that encodes and decodes beside a GPU: what is taken, and that its name is in the engine's."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from otio_perf.model.colour import ColourSpace
from otio_perf.model.devices import GpuDevice
from otio_perf.model.recipes import ChunkCodec, PrerenderRecipe
from otio_perf.optimizer.accelerated import accelerated
from otio_perf.render.engines import FoundEngine

GPU = FoundEngine(name="gpu", why="GPU by cuda: One", devices=(GpuDevice(arch="cuda", name="One"),))
WORKING = ("h264_nvenc", "hevc_nvenc", "h264 on cuda", "hevc on cuda")


class Session:
    """On a machine with hardware."""

    def hardware(self, codecs: Collection[str]) -> tuple[str, ...]:
        return tuple(name for name in WORKING if name.replace("_", " ").partition(" ")[0] in codecs)


class Medium:
    def __init__(self, codec: str) -> None:
        self.video: tuple[Any, ...] = (type("Video", (), {"codec": codec}),)


def found(engine: FoundEngine, codec: ChunkCodec, *, encodes: bool = True, colour: ColourSpace = ColourSpace.BT709) -> Any:
    session: Any = Session()
    media: Any = {"a": Medium("hevc"), "b": Medium("prores")}
    return accelerated(session, engine, PrerenderRecipe(codec=codec), colour.tags, media=media, encodes=encodes)


def test_the_encoder_is_in_the_name_that_keys_are_made_of() -> None:
    engine = found(GPU, ChunkCodec.H264)
    assert (engine.name, engine.encoder, engine.decoders) == ("gpu h264_nvenc", "h264_nvenc", ("hevc on cuda",))
    assert engine.why == "GPU by cuda: One; encoded by h264_nvenc; decoded by hevc on cuda"
    assert engine.devices == GPU.devices


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        (ChunkCodec.PRORES_422, {}),
        (ChunkCodec.H264, {"encodes": False}),
        (ChunkCodec.HEVC_LONG_GOP, {"colour": ColourSpace.BT2020_PQ}),
    ],
)
def test_what_hardware_does_not_encode_keeps_its_name(codec: ChunkCodec, options: dict[str, Any]) -> None:
    engine = found(GPU, codec, **options)
    assert (engine.name, engine.encoder, engine.decoders) == ("gpu", "", ("hevc on cuda",))


def test_without_a_gpu_nobody_is_asked() -> None:
    processor = FoundEngine(name="cpu", why="processor")
    assert found(processor, ChunkCodec.H264) is processor
