"""Is the prediction right? Predicted and measured milliseconds per frame of sequential playback, for many kinds of media.

The footage is not the calibration's: another picture, motion by rotation, pan and zoom, other sizes and bit rates, and
other encoder builds and presets (the ``ffmpeg`` of imageio-ffmpeg). Each clip is played through ``safe_open`` as often as
there are rounds, in turn; the quickest round counts: other programs only ever make it slower. Before each, the benchmark waits
(within its patience) until other programs leave the processors alone; rows that were disturbed all the same are marked ``!``.

    python benchmarks/cost_model.py [--rounds 5] [--patience SECONDS] [--json FILE] [--calibrate]

Exit code 1 where the median error is above 25 %.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from otio_perf.media import ffmpeg_version
from otio_perf.media.probe import probe
from otio_perf.media.safe_open import safe_open
from otio_perf.metrics import system
from otio_perf.model import wire
from otio_perf.model.machine import MachineProfile
from otio_perf.planning.cost import decode_ms
from otio_perf.planning.explain import video_words
from otio_perf.tasks.calibrate import calibrate

MEDIA = Path(__file__).parent / "media"
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
MEDIAN_ERROR_LIMIT = 0.25
DISTURBED_SHARE = 0.15

#: name, suffix, scale filter, frames, encoder options
X264, X265 = "-c:v libx264 -preset", "-c:v libx265 -x265-params log-level=none:sao=1 -preset"
DEEP = "-pix_fmt yuv420p10le"
KINDS: tuple[tuple[str, str, str, int, str], ...] = (
    ("4K H.264 100 Mb/s", "mp4", "", 60, f"{X264} fast -b:v 100M -g 50 -pix_fmt yuv420p"),
    ("4K H.264 25 Mb/s", "mp4", "", 60, f"{X264} veryfast -b:v 25M -g 60 -pix_fmt yuv420p"),
    ("1080p H.264 12 Mb/s", "mp4", "1920:1080", 120, f"{X264} medium -b:v 12M -g 100 -pix_fmt yuv420p"),
    ("1080p H.264 10-bit 4:2:2 intra", "mov", "1920:1080", 60, f"{X264} veryfast -b:v 180M -g 1 -pix_fmt yuv422p10le"),
    ("4K HEVC 10-bit 60 Mb/s", "mp4", "", 50, f"{X265} fast -b:v 60M {DEEP}"),
    ("1080p HEVC 8 Mb/s", "mp4", "1920:1080", 100, f"{X265} fast -b:v 8M -pix_fmt yuv420p"),
    ("4K ProRes HQ", "mov", "", 30, "-c:v prores_ks -profile:v 3 -q:v 5 -pix_fmt yuv422p10le"),
    ("1080p ProRes 422", "mov", "1920:1080", 80, "-c:v prores_ks -profile:v 2 -q:v 8 -pix_fmt yuv422p10le"),
    ("1080p DNxHR SQ", "mov", "1920:1080", 100, "-c:v dnxhd -profile:v dnxhr_sq -pix_fmt yuv422p"),
    ("1080p MJPEG", "mov", "1920:1080", 100, "-c:v mjpeg -q:v 4 -pix_fmt yuvj420p"),
    (
        "1080p MPEG-2 4:2:2 50 Mb/s", "mxf", "1920:1080", 100,
        "-c:v mpeg2video -b:v 50M -minrate 50M -maxrate 50M -bufsize 18M -g 12 -bf 2 -pix_fmt yuv422p",
    ),
    (
        "1440p VP9 18 Mb/s", "webm", "2560:1440", 60,
        "-c:v libvpx-vp9 -deadline good -cpu-used 5 -row-mt 1 -b:v 18M -pix_fmt yuv420p",
    ),
    ("4K AV1 10-bit 20 Mb/s", "mp4", "", 60, f"-c:v libsvtav1 -preset 9 -b:v 20M {DEEP}"),
    ("8K HEVC 10-bit 120 Mb/s", "mp4", "7680:4320", 20, f"{X265} ultrafast -b:v 120M {DEEP}"),
)  # fmt: skip


def still(width: int, height: int) -> np.ndarray:
    """An RGB picture of overlapping shaded shapes over a 1/f ground: large calm areas, hard edges and detail together."""
    random = np.random.default_rng(4711)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    ground = np.zeros((height, width), np.float32)
    for octave in range(2, 9):
        cells = random.standard_normal((2**octave + 1, 2**octave * 2 + 1)).astype(np.float32)
        rows = np.linspace(0, cells.shape[0] - 1.001, height)
        columns = np.linspace(0, cells.shape[1] - 1.001, width)
        r, c = rows.astype(int)[:, None], columns.astype(int)[None, :]
        fr, fc = (rows % 1)[:, None].astype(np.float32), (columns % 1)[None, :].astype(np.float32)
        low = cells[r, c] * (1 - fc) + cells[r, c + 1] * fc
        high = cells[r + 1, c] * (1 - fc) + cells[r + 1, c + 1] * fc
        ground += (low * (1 - fr) + high * fr) * 0.62**octave
    picture = np.stack([ground * g for g in (300, 260, 220)], -1) + 120
    for _ in range(90):
        cx, cy, radius = random.uniform(0, width), random.uniform(0, height), random.uniform(20, height / 6)
        inside = (x - cx) ** 2 + ((y - cy) * random.uniform(0.5, 2)) ** 2 < radius**2
        stripes = np.sin((x[inside] * random.uniform(-1, 1) + y[inside]) * random.uniform(0.02, 0.5)) * random.uniform(0, 40)
        picture[inside] = random.uniform(30, 220, 3) + stripes[:, None]
    return np.clip(picture, 0, 255).astype(np.uint8)


def run(*arguments: str) -> None:
    subprocess.run([FFMPEG, "-v", "error", "-y", *arguments], check=True)


def master() -> Path:
    """Two and a half seconds of 4K, close to lossless, that all clips are made from."""
    path = MEDIA / "cost_master.mkv"
    if not path.exists():
        MEDIA.mkdir(exist_ok=True)
        width, height = 4608, 2592
        picture = MEDIA / "cost_still.ppm"
        picture.write_bytes(b"P6 %d %d 255\n" % (width, height) + still(width, height).tobytes())
        graph = (
            "rotate=a='0.04*sin(n/17)':bilinear=1,crop=3840:2160:x='384+180*sin(n/11)':y='216+120*cos(n/14)',"
            "noise=alls=5:allf=t:all_seed=9,format=yuv420p10le"
        )
        part = path.with_suffix(".part.mkv")
        run("-framerate", "25", "-loop", "1", "-i", str(picture), "-vf", graph, "-frames:v", "60",
            "-c:v", "libx264", "-preset", "ultrafast", "-crf", "6", str(part))  # fmt: skip
        part.replace(path)
        picture.unlink()
    return path


def clip(name: str, suffix: str, scale: str, frames: int, options: str) -> Path:
    path = MEDIA / f"cost_{''.join(c if c.isalnum() else '_' for c in name)}.{suffix}"
    if not path.exists():
        source = master()
        print(f"making {name} (once) …", flush=True)
        part = path.with_name(f"part_{path.name}")
        graph = ["-vf", f"scale={scale}:flags=area,noise=alls=3:allf=t:all_seed=3"] if scale else []
        run("-stream_loop", "3", "-i", str(source), *graph, "-frames:v", str(frames), *options.split(), "-an", str(part))
        part.replace(path)
    return path


class Patience:
    """Waits for quiet, up to so many seconds in all."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    def wait(self) -> None:
        while self.left > 0:
            busy, began = system.busy_seconds(), time.perf_counter()
            time.sleep(0.5)
            took = time.perf_counter() - began
            self.left -= took
            if (system.busy_seconds() - busy) / took / system.cores() < DISTURBED_SHARE:
                return


def play(path: Path) -> tuple[float, float, float]:
    """Milliseconds per frame: wall clock, processor time, and what others used meanwhile as a share of the machine."""
    with safe_open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        busy, cpu, began = system.busy_seconds(), time.process_time(), time.perf_counter()
        frames = sum(1 for _ in container.decode(stream))
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    others = max(0.0, system.busy_seconds() - busy - cpu) / (wall * system.cores())
    return wall * 1e3 / frames, cpu * 1e3 / frames, others


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--patience", type=float, default=60, help="seconds to wait for a quiet machine, in all")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--calibrate", action="store_true", help="measure the machine anew")
    arguments = parser.parse_args()
    clips = {name: clip(name, *rest) for name, *rest in KINDS}
    profile = MEDIA / "machine.json"
    identity = system.machine_identity(ffmpeg_version.text())
    machine = wire.loads(MachineProfile, profile.read_text()) if profile.exists() and not arguments.calibrate else None
    if machine is None or machine.machine != identity:
        Patience(arguments.patience).wait()
        print("calibrating …", flush=True)
        machine = calibrate(identity=identity)
        profile.write_text(wire.dumps(machine))
    print(f"{machine.machine}; calibrated in {machine.seconds_taken} s {'; '.join(machine.notes)}")
    patience = Patience(arguments.patience)
    readings: dict[str, list[tuple[float, float, float]]] = {name: [] for name in clips}
    for _ in range(arguments.rounds):
        for name, path in clips.items():
            patience.wait()
            readings[name].append(play(path))
    rows = []
    print(f"{'kind':32} {'as probed':34} {'Mb/s':>6} {'predicted':>9} {'measured':>9} {'cpu':>7} {'others':>6} {'error':>7}")
    for name, path in clips.items():
        video = probe(str(path)).picture
        assert video is not None
        predicted = decode_ms(video, machine)
        wall, cpu, others = min(readings[name])
        error = predicted / wall - 1
        rows.append(
            {
                "kind": name, "probed": video_words(video), "megabits_per_second": video.bits_per_second / 1e6,
                "predicted_ms": predicted, "measured_ms": wall, "cpu_ms": cpu, "others_share": others, "error": error,
            }
        )  # fmt: skip
        print(
            f"{name:32} {video_words(video):34} {video.bits_per_second / 1e6:6.0f} {predicted:9.2f} {wall:9.2f} {cpu:7.2f} "
            f"{others:6.0%} {error:+7.0%} {'!' if others > DISTURBED_SHARE else ''}"
        )
    median = statistics.median(abs(float(row["error"])) for row in rows)  # type: ignore[arg-type]
    verdict = "holds" if median <= MEDIAN_ERROR_LIMIT else "MISSED"
    print(f"median error {median:.0%} over {len(rows)} kinds; limit {MEDIAN_ERROR_LIMIT:.0%}: {verdict}")
    if arguments.json:
        document = {"machine": wire.to_json(machine), "rows": rows, "median_error": median, "limit": MEDIAN_ERROR_LIMIT}
        Path(arguments.json).write_text(json.dumps(document, indent=1))
    return 0 if median <= MEDIAN_ERROR_LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
