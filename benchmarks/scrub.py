"""How fast any frame is shown: originals and every proxy encoding, from which ``media.encodings`` was chosen.

    python benchmarks/scrub.py [--quality 60] [--requests 60] [--json FILE]

For each file: milliseconds from "show frame N" to the decoded picture (median, 95th percentile; random N, exact frame, two
slice threads for proxies as a player would use), megabytes a second, PSNR and SSIM of luma against the scaled source, and
what encoding cost. Alternatives that were not chosen are measured with the rest.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from _footage import footage
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

sys.path.insert(0, str(Path(__file__).parent.parent))

from otio_perf.media.encodings import ENCODINGS
from otio_perf.model.recipes import Codec

SIZE = (1920, 1080)
FRAMES = 60

X264 = {"preset": "ultrafast", "crf": "28"}
KS, AW = ("prores_ks", "yuv422p10le"), ("prores_aw", "yuv422p10le")
X265 = "log-level=error:frame-threads=1:pools=none:bframes=0"

#: What else could have been chosen: name → encoder, pixel format, options.
ALTERNATIVES: dict[str, tuple[str, str, dict[str, str]]] = {
    "h264 gop 30": ("libx264", "yuv420p", {**X264, "g": "30"}),
    "h264 gop 10": ("libx264", "yuv420p", {**X264, "g": "10"}),
    "h264 intra, one slice": ("libx264", "yuv420p", {**X264, "g": "1"}),
    "h264 intra, superfast": ("libx264", "yuv420p", {"preset": "superfast", "crf": "28", "g": "1", "x264-params": "slices=4"}),
    "hevc gop 10": ("libx265", "yuv420p", {"preset": "ultrafast", "crf": "28", "x265-params": f"{X265}:keyint=10"}),
    "hevc intra, x265's own block sizes": (
        "libx265",
        "yuv420p",
        {"preset": "ultrafast", "crf": "28", "x265-params": f"{X265}:keyint=1"},
    ),
    "prores_aw proxy": (*AW, {"profile": "0"}),
    "prores_aw lt": (*AW, {"profile": "1"}),
    "prores_ks proxy, own rate control": (*KS, {"profile": "0"}),
}


def scaled_source(path: Path) -> list[VideoFrame]:
    scaler = VideoReformatter()
    frames = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for frame in container.decode(stream):
            frames.append(scaler.reformat(frame, *SIZE, "yuv420p", interpolation=Interpolation.AREA, threads=1))
            if len(frames) == FRAMES:
                break
    return frames


def encode(path: Path, pictures: list[VideoFrame], encoder: str, pixels: str, options: dict[str, str]) -> float:
    """Milliseconds of CPU a frame, one encoder thread; conversion of the pixel format is not counted."""
    converter = VideoReformatter()
    frames = [converter.reformat(frame, format=pixels) for frame in pictures]
    with av.open(str(path), "w") as output:
        stream = output.add_stream(encoder, rate=30, options=options)
        stream.width, stream.height = SIZE
        stream.pix_fmt = pixels
        stream.codec_context.thread_count = 1
        start = time.process_time()
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base, frame.pict_type = number, Fraction(1, 30), 0
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        return (time.process_time() - start) * 1000 / len(frames)


def random_access(path: Path, requests: int, threads: int) -> list[float]:
    """Milliseconds per request: seek to the keyframe before, decode to the very frame."""
    taken = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "SLICE"
        stream.codec_context.thread_count = threads
        count = stream.frames
        step = 1 / stream.average_rate / stream.time_base
        rng = random.Random(3)
        for _ in range(requests):
            wanted = (stream.start_time or 0) + int((rng.randrange(count) + Fraction(1, 4)) * step)
            begin = time.perf_counter()
            container.seek(wanted, stream=stream, backward=True)
            for frame in container.decode(stream):
                if frame.pts + step > wanted:
                    break
            taken.append((time.perf_counter() - begin) * 1000)
    return sorted(taken)


def luma(frame: VideoFrame) -> np.ndarray:
    plane = VideoReformatter().reformat(frame, format="yuv420p").planes[0]
    return (
        np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width].astype(np.float32)
    )


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Mean SSIM over 8 × 8 blocks (Wang et al. 2004, with the usual constants for 8 bits)."""

    def mean(x: np.ndarray) -> np.ndarray:
        height, width = (side // 8 * 8 for side in x.shape)
        return x[:height, :width].reshape(height // 8, 8, width // 8, 8).mean(axis=(1, 3))

    mean_a, mean_b = mean(a), mean(b)
    variance_a, variance_b = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2
    covariance = mean(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return float((top / ((mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2))).mean())


def quality(path: Path, pictures: list[VideoFrame]) -> tuple[float, float]:
    """Mean PSNR (dB) and SSIM of every tenth frame."""
    measured = []
    with av.open(str(path)) as container:
        for number, (frame, source) in enumerate(zip(container.decode(video=0), pictures, strict=True)):
            if number % 10 == 0:
                ours, theirs = luma(frame), luma(source)
                error = float(((ours - theirs) ** 2).mean())
                measured.append((10 * np.log10(255**2 / max(error, 1e-9)), ssim(ours, theirs)))
    return statistics.mean(p for p, _ in measured), statistics.mean(s for _, s in measured)


def contestants(level: int) -> Iterator[tuple[str, str, str, dict[str, str]]]:
    for codec in Codec:
        if codec is Codec.PRORES_4444:
            continue
        row = ENCODINGS[codec]
        yield f"{codec} (chosen)", row.encoder, row.pixel_format, {**row.options(level), **row.extra}
    for name, (encoder, pixels, options) in ALTERNATIVES.items():
        yield name, encoder, pixels, options


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quality", type=int, default=60)
    parser.add_argument("--requests", type=int, default=60)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    original = footage("h264_4k")
    pictures = scaled_source(original)
    threads = min(2, os.cpu_count() or 1)
    rows: list[dict[str, Any]] = []

    def note(name: str, path: Path, frames: int, encode_ms: float | None, psnr: float | None, structure: float | None) -> None:
        requests = arguments.requests if encode_ms is not None else arguments.requests // 3
        taken = random_access(path, requests, threads)
        rows.append(
            {
                "name": name,
                "median_ms": statistics.median(taken),
                "p95_ms": taken[int(len(taken) * 0.95)],
                "mb_per_second": path.stat().st_size / frames * 30 / 1e6,
                "psnr_db": psnr,
                "ssim": structure,
                "encode_cpu_ms": encode_ms,
            }
        )
        row = rows[-1]
        rest = "" if encode_ms is None else f"{psnr:7.2f} {structure:7.4f} {encode_ms:9.1f}"
        print(f"{name:36s} {row['median_ms']:9.1f} {row['p95_ms']:8.1f} {row['mb_per_second']:8.2f} {rest}", flush=True)

    print(f"{'':36s} {'median ms':>9s} {'p95 ms':>8s} {'MB/s':>8s} {'PSNR':>7s} {'SSIM':>7s} {'enc ms':>9s}")
    note("original: H.264 4K long GOP", original, 120, None, None, None)
    with tempfile.TemporaryDirectory(dir=original.parent) as folder:
        for name, encoder, pixels, options in contestants(arguments.quality):
            path = Path(folder) / "proxy.mov"
            cost = encode(path, pictures, encoder, pixels, options)
            note(name, path, FRAMES, cost, *quality(path, pictures))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
