from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from otio_perf.cache.index import Index
from otio_perf.cache.workspace import Workspace
from otio_perf.media.probe import probe
from otio_perf.model.plans import Product
from otio_perf.model.recipes import ProxyRecipe
from otio_perf.model.tasks import ProxyTask
from otio_perf.model.timing import FrameRange


@pytest.fixture(scope="session")
def make_clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A small H.264 clip of moving noise; every seed is other content."""
    folder = tmp_path_factory.mktemp("clips")

    def make(name: str, *, seed: int = 0, frames: int = 20, size: tuple[int, int] = (320, 180)) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(seed).integers(0, 255, (size[1] * 2, size[0] * 2, 3), np.uint8)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "30"})
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            for i in range(frames):
                picture = np.ascontiguousarray(noise[i % size[1] :][: size[1], : size[0]])
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
            container.mux(stream.encode())
        return path

    return make


@pytest.fixture
def make_task() -> Callable[..., ProxyTask]:
    """The task that a plan would hold for a clip, under the name that it would choose."""

    def make(clip: Path, root: Path, *rungs: str) -> ProxyTask:
        workspace, media = Workspace.open(root), probe(str(clip))
        video = media.picture
        assert video is not None
        products = []
        with Index.open(root) as index:
            for rung in rungs or ("half",):
                recipe = ProxyRecipe(rung=rung)
                key = hashlib.sha256(f"{media.fingerprint}{recipe.digest}".encode()).hexdigest()[:32]
                width, height = recipe.size_for(video.width, video.height)
                products.append(
                    Product(
                        key=key,
                        source_path=str(clip),
                        source_fingerprint=media.fingerprint,
                        recipe=recipe,
                        path=str(workspace.name_for(str(clip), recipe, key=key, taken=index.products.key_at)),
                        source_range=FrameRange(0, video.frame_count, Fraction(25)),
                        width=width,
                        height=height,
                    )
                )
        return ProxyTask(media=media, products=tuple(products), constant_rate=None, workspace=str(root))

    return make


@pytest.fixture
def make_parts() -> Callable[..., ProxyTask]:
    """``task`` for used ranges of its source only, each under the name that a plan would choose."""

    def make(task: ProxyTask, *parts: tuple[int, int]) -> ProxyTask:
        workspace, whole = Workspace.open(task.workspace), task.products[0]
        products = []
        for start, stop in parts:
            part = FrameRange(start, stop, whole.source_range.rate)
            key = hashlib.sha256(f"{whole.key}{start}-{stop}".encode()).hexdigest()[:32]
            path = workspace.name_for(whole.source_path, whole.recipe, key=key, source_range=part, taken=lambda _: None)
            products.append(replace(whole, key=key, path=str(path), source_range=part))
        return replace(task, products=tuple(products))

    return make
