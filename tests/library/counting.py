"""Films that count: the number of a frame stands in its picture."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from sample_timelines.make_media import draw_number


def film(path: Path, first: int, *, size: tuple[int, int], frames: int, noise: int = 0) -> None:
    """``frames`` frames at 24 fps that count from ``first``; a keyframe every 12. ``noise``: codes; it makes files large."""
    random = np.random.default_rng(first)
    width, height = size
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast", "g": "12", "bf": "0", "qp": "14"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(first, first + frames):
            luma = np.full((height, width), 40 + number % 90, np.uint8)
            luma += random.integers(0, noise + 1, luma.shape, np.uint8)
            draw_number(luma, number)
            planes = np.vstack([luma, np.full((height // 2, width), 128, np.uint8)])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode())
