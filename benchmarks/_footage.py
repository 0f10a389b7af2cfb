"""Benchmark footage, made on first use into ``benchmarks/media`` (never committed): a camera-like 4K shot.

A 1/f texture (the statistics of natural pictures) under pan, rotation and two moving objects, with temporal grain: what
makes decoders and encoders work as they do on rushes. Needs ``imageio-ffmpeg`` (the ``dev`` extra), whose ``ffmpeg`` is
also the peer that the benchmarks compare with.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np

MEDIA = Path(__file__).parent / "media"
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()

#: Cameras keep their rate: without a buffer the first frame would take eight megabytes.
_CAMERA = ["-maxrate", "140M", "-bufsize", "25M"]
_SMALL_CAMERA = ["-maxrate", "40M", "-bufsize", "8M"]

#: name: (width, height, frames, pixel format, encoder options)
SHOTS: dict[str, tuple[int, int, int, str, list[str]]] = {
    "h264_4k": (
        3840,
        2160,
        120,
        "yuv420p",
        ["libx264", "-preset", "fast", "-tune", "grain", "-g", "30", "-bf", "3", "-b:v", "100M", *_CAMERA],
    ),
    "h264_1080": (
        1920,
        1080,
        300,
        "yuv420p",
        ["libx264", "-preset", "fast", "-tune", "grain", "-g", "30", "-bf", "3", "-b:v", "26M", *_SMALL_CAMERA],
    ),
}


def texture(width: int, height: int, seed: int) -> np.ndarray:
    """8-bit RGB picture whose amplitude spectrum falls as 1/f."""
    fx, fy = np.fft.rfftfreq(width)[None, :], np.fft.fftfreq(height)[:, None]
    amplitude = 1 / np.maximum(np.hypot(fx, fy), 1 / max(width, height)) ** 1.05
    planes = []
    for plane in range(3):
        noise = np.random.default_rng((seed, plane)).standard_normal((height, width))
        picture = np.fft.irfft2(np.fft.rfft2(noise) * amplitude, s=(height, width))
        planes.append(np.clip(picture / picture.std() * 40 + 118, 0, 255))
    return np.stack(planes, axis=-1).astype(np.uint8)


def _save_ppm(path: Path, picture: np.ndarray) -> None:
    path.write_bytes(b"P6 %d %d 255\n" % (picture.shape[1], picture.shape[0]) + picture.tobytes())


def footage(name: str) -> Path:
    """Path of the shot ``name`` (see ``SHOTS``), with one stereo AAC track; made if it is not there yet."""
    width, height, frames, pixel_format, encoder = SHOTS[name]
    path = MEDIA / f"{name}.mp4"
    if path.exists():
        return path
    MEDIA.mkdir(exist_ok=True)
    print(f"making {path.name} (once) …", flush=True)
    backdrop, card, part = MEDIA / "backdrop.ppm", MEDIA / "card.ppm", path.with_suffix(".part.mp4")
    _save_ppm(backdrop, texture(width * 5 // 4, height * 5 // 4, 7))
    _save_ppm(card, texture(width // 5, height // 4, 11))
    graph = (
        f"[0]rotate=a='0.03*sin(t*1.3)':bilinear=1,crop={width}:{height}:x='(iw-ow)/2*(1+0.8*sin(t*0.9))'"
        f":y='(ih-oh)/2*(1+0.8*cos(t*0.7))'[b];[1]split[c][d];"
        "[b][c]overlay=x='(W-w)*(0.5+0.5*sin(t*0.7))':y='(H-h)*(0.5+0.5*cos(t*0.5))'[e];"
        "[e][d]overlay=x='(W-w)*(0.5+0.5*cos(t*1.1))':y='(H-h)*(0.5+0.5*sin(t*0.9))',"
        f"noise=c0s=6:c0f=t:all_seed=5,format={pixel_format}[v]"
    )
    still = ["-framerate", "30", "-loop", "1", "-i"]
    tags = ["-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-color_range", "tv"]
    command = [FFMPEG, "-v", "error", "-y", *still, str(backdrop), *still, str(card)]
    command += ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-filter_complex", graph, "-map", "[v]"]
    command += ["-map", "2:a", "-ac", "2", "-frames:v", str(frames), "-shortest", *tags]
    subprocess.run([*command, "-c:v", *encoder, "-c:a", "aac", str(part)], check=True)
    part.replace(path)
    backdrop.unlink()
    card.unlink()
    return path


def looped(path: Path, times: int) -> Path:
    """The shot ``times`` times over, its packets copied: longer without an hour of encoding."""
    longer = path.with_stem(f"{path.stem}_x{times}")
    if not longer.exists():
        part = longer.with_suffix(".part.mp4")
        loop = [FFMPEG, "-v", "error", "-y", "-stream_loop", str(times - 1), "-i", str(path), "-c", "copy", str(part)]
        subprocess.run(loop, check=True)
        part.replace(longer)
    return longer
