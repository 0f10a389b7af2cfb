"""Is the prediction right? Predicted and measured milliseconds per frame: of sequential playback, for many kinds of media, and
of effects, for many chains; of what frames need before that: conversions of colour, fields taken apart.

The footage is not the calibration's: another picture, motion by rotation, pan and zoom, other sizes and bit rates, and
other encoder builds and presets (the ``ffmpeg`` of imageio-ffmpeg). Each clip is played through ``safe_open`` as often as
there are rounds, in turn; the quickest round counts: other programs only ever make it slower. Before each, the benchmark waits
(within its patience) until other programs leave the processors alone; rows that were disturbed all the same are marked ``!``.

Chains of effects, spelled as hosts spell them, are rendered by the CPU engine at 1080p, a frame on every core at a time: what
counts is processor time divided by the cores, which is the wall time of a machine that does nothing else. What the analysis
learns from rendering them (``planning.effect_times``) is shown beside: predictions of the same chains afterwards.

    python benchmarks/cost_model.py [--part all|decoding|effects|sources] [--rounds 5] [--patience SECONDS] [--json FILE]
        [--calibrate] [--readme]

Exit code 1 where a median error is above 25 %.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import imageio_ffmpeg
import numpy as np
from _peers import pictures
from _tables import put
from av.video.frame import VideoFrame

from otio_perf.effects.conversion import conversion_to, meaning_of
from otio_perf.effects.cpu.engine import CpuEngine
from otio_perf.effects.engine import Step
from otio_perf.effects.registry import View, registry
from otio_perf.effects.translate.dialects import translated
from otio_perf.media import ffmpeg_version
from otio_perf.media.fields import Deinterlacer
from otio_perf.media.probe import probe
from otio_perf.media.safe_open import safe_open
from otio_perf.metrics import system
from otio_perf.model import wire
from otio_perf.model.colour import ColourSpace
from otio_perf.model.frames import Moment
from otio_perf.model.machine import MachineProfile
from otio_perf.model.media import ColourTags, Gop, VideoInfo
from otio_perf.model.timing import FrameRange
from otio_perf.model.uses import EffectUse, Target, TargetKind, TrackKind, Use
from otio_perf.optimizer.effect_costs import effect_costs
from otio_perf.planning.cost import decode_ms
from otio_perf.planning.effect_times import learnt
from otio_perf.planning.explain import video_words
from otio_perf.planning.source_costs import source_costs
from otio_perf.render.measured import Stopwatch, measured
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


def own(name: str, **values: Any) -> EffectUse:
    return EffectUse(dialect="otio", name=name, label=name, parameters=(("otio_perf", tuple(values.items())),))


def mlt(service: str, **properties: str) -> EffectUse:
    given = tuple((name.replace("__", "."), value) for name, value in properties.items())
    return EffectUse(dialect="mlt", name=service, label=service, parameters=given)


LUT = Path(__file__).parent.parent / "sample_timelines" / "warm.cube"
_SOP = (("slope", (1.1, 1.0, 0.9)), ("offset", (0.0, 0.02, 0.0)), ("power", (1.1, 1.0, 1.2)))
CDL = EffectUse(dialect="cdl", name="asc_cdl", label="CDL", parameters=(("asc_sop", _SOP), ("asc_sat", 1.1)))

CHAINS: dict[str, tuple[EffectUse, ...]] = {
    "exposure": (own("exposure", stops=0.3),),
    "CDL": (CDL,),
    "balance, contrast, LUT": (
        own("white_balance", temperature=5000),
        own("adjust", contrast=1.2, saturation=1.1),
        mlt("avfilter.lut3d", av__file=str(LUT)),
    ),
    "MLT: hue, gamma": (mlt("avfilter.hue", av__h="20"), mlt("gamma", gamma="1.3")),
    "MLT: small blur": (mlt("avfilter.gblur", av__sigma="3"),),
    "large blur, vignette": (own("gaussian_blur", sigma=24, quality="fast"), own("vignette")),
    "exact blur of 12": (own("gaussian_blur", sigma=12, quality="exact"),),
    "denoise, sharpen": (own("bilateral", sigma=1.5), own("sharpen", amount=0.7)),
    "median of 5 by 5": (own("median", radius=2),),
    "motion blur": (own("directional_blur", length=30, angle=60),),
    "key, move": (own("chroma_key", spill=0.5), own("transform", position=(100, 40), scale=(0.7, 0.7))),
    "MLT: picture in picture": (mlt("qtblend", rect="200 100 960 540 1", rotation="8", rotate_center="1"),),
    "turned, cropped": (own("crop", left=100, right=50), own("transform", rotation=9.0, scale=(1.1, 1.1))),
    "ten effects": (
        own("exposure", stops=0.2),
        own("white_balance", temperature=5600),
        own("lift_gamma_gain", gamma=(1.1, 1.0, 0.95)),
        own("curves", master=((0.0, 0.0), (0.4, 0.35), (1.0, 1.0))),
        own("adjust", saturation=1.2),
        own("unsharp", sigma=1.5),
        own("gaussian_blur", sigma=2),
        own("transform", scale=(1.05, 1.05)),
        own("levels", black_in=(0.02, 0.02, 0.02)),
        own("vignette", amount=0.6),
    ),
}
_FRAMES = 50
_CANVAS = (1920, 1080)


def chain_steps(chain: tuple[EffectUse, ...]) -> list[Step]:
    """As the renderer has them in the middle of the clip."""
    moment = Moment(frame=Fraction(_FRAMES, 2), length=Fraction(_FRAMES), inner=Fraction(_FRAMES, 2))
    applied = [one for use in chain for one in translated(use, moment, _CANVAS, Fraction(25)).applied]
    return [Step(registry().effect(one.name), dict(one.values)) for one in applied]


def predicted_ms(chain: tuple[EffectUse, ...], machine: MachineProfile) -> float:
    frames = FrameRange(0, _FRAMES, Fraction(25))
    target = Target(kind=TargetKind.FILE, url="a.mp4", path="/a.mp4")
    use = Use(
        index=0, clip="a", track=0, track_kind=TrackKind.VIDEO, target=target, position=frames, source=frames,
        available_start=0, available_frames=_FRAMES, effects=chain,
    )  # fmt: skip
    relative = effect_costs(use, _CANVAS, machine)
    assert None not in relative, chain
    return sum(filter(None, relative)) * machine.effect_ms_per_megapixel * _CANVAS[0] * _CANVAS[1] / 1e6


def rendered_ms(chain: tuple[EffectUse, ...], cores: int, watch: Stopwatch) -> float:
    """Processor milliseconds of a frame, divided by the cores, all of which render."""
    steps, engine = chain_steps(chain), measured(CpuEngine(), watch)
    image = engine.upload(pictures(*_CANVAS)[0], is_opaque=True)
    view = View(width=_CANVAS[0], height=_CANVAS[1])

    def frames(_: int) -> None:
        for _ in range(2):
            engine.apply(image, steps, view)

    frames(0)
    with ThreadPoolExecutor(cores) as pool:
        began = time.process_time()
        list(pool.map(frames, range(cores)))
        return (time.process_time() - began) * 1e3 / (2 * cores) / cores


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


def decoding(machine: MachineProfile, rounds: int, patience: Patience) -> list[dict[str, Any]]:
    clips = {name: clip(name, *rest) for name, *rest in KINDS}
    readings: dict[str, list[tuple[float, float, float]]] = {name: [] for name in clips}
    for _ in range(rounds):
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
    return rows


def effects(machine: MachineProfile, rounds: int, patience: Patience) -> list[dict[str, Any]]:
    cv2.setNumThreads(1)  # frames run side by side, not parts of a frame
    readings: dict[str, list[float]] = {name: [] for name in CHAINS}
    watch = Stopwatch()
    for _ in range(rounds):
        for name, chain in CHAINS.items():
            patience.wait()
            readings[name].append(rendered_ms(chain, machine.cores, watch))
    taught = learnt(machine, watch.timings())
    rows = []
    print(f"{'chain':32} {'predicted':>9} {'measured':>9} {'error':>7} {'learnt':>9} {'error':>7}")
    for name, chain in CHAINS.items():
        predicted, seen, after = predicted_ms(chain, machine), min(readings[name]), predicted_ms(chain, taught)
        row = {"kind": name, "predicted_ms": predicted, "measured_ms": seen, "error": predicted / seen - 1}
        rows.append({**row, "learnt_ms": after, "learnt_error": after / seen - 1})
        print(f"{name:32} {predicted:9.2f} {seen:9.2f} {predicted / seen - 1:+7.0%} {after:9.2f} {after / seen - 1:+7.0%}")
    return rows


def effects_table(rows: list[dict[str, Any]], median: float, machine: MachineProfile, load: float) -> list[str]:
    lines = ["| chain | predicted | measured | error | predicted after rendering | error |", "|---|---|---|---|---|---|"]
    for row in rows:
        figures = f"{row['predicted_ms']:.1f} | {row['measured_ms']:.1f} | {row['error']:+.0%}"
        learnt_figures = f"{row['learnt_ms']:.1f} | {row['learnt_error']:+.0%}"
        lines.append(f"| {row['kind']} | {figures} | {learnt_figures} |".replace("%", " %"))
    after = statistics.median(abs(row["learnt_error"]) for row in rows)
    unit = f"an exposure takes {machine.effect_ms_per_megapixel:.2f} ms a megapixel here"
    words = f"Median error {median:.0%}, {after:.0%} after rendering; {unit}. Load average when it began: {load:.1f}."
    return [*lines, "", words.replace("%", " %")]


#: Name, tags, light of the timeline; fields, bits.
SOURCES: tuple[tuple[str, ColourTags, str, str, int], ...] = (
    ("SDR in a PQ timeline", ColourTags(primaries="bt709", transfer="bt709"), "pq", "progressive", 8),
    ("SDR in an HLG timeline", ColourTags(primaries="bt709", transfer="bt709"), "hlg", "progressive", 8),
    ("PQ in an SDR timeline", ColourTags(primaries="bt2020", transfer="smpte2084"), "sdr", "progressive", 10),
    ("HLG in an SDR timeline", ColourTags(primaries="bt2020", transfer="arib-std-b67"), "sdr", "progressive", 10),
    ("HLG in a PQ timeline", ColourTags(primaries="bt2020", transfer="arib-std-b67"), "pq", "progressive", 10),
    ("BT.2020 in an SDR timeline", ColourTags(primaries="bt2020", transfer="bt709"), "sdr", "progressive", 10),
    ("1080i, 8 bits", ColourTags(), "sdr", "tt", 8),
    ("1080i, 4:2:2 in 10 bits", ColourTags(), "sdr", "tt", 10),
)
_SPACES = {"sdr": ColourSpace.BT709, "pq": ColourSpace.BT2020_PQ, "hlg": ColourSpace.BT2020_HLG}


def paper(colour: ColourTags, field_order: str, bits: int) -> VideoInfo:
    return VideoInfo(
        stream_index=0, codec="h264", profile=None, width=_CANVAS[0], height=_CANVAS[1],
        pixel_format="yuv420p" if bits == 8 else "yuv422p10le", bit_depth=bits, has_alpha=False, frame_rate=Fraction(25),
        is_vfr=False, frame_count=50, duration=Fraction(2), start_time=Fraction(0), sample_aspect=Fraction(1), rotation=0,
        is_mirrored=False, field_order=field_order, colour=colour, gop=Gop(longest=1, mean=1, has_b_frames=False),
        bits_per_second=0,
    )  # fmt: skip


def prepared_ms(video: VideoInfo, timeline: str, cores: int) -> float:
    """Processor milliseconds of a frame, divided by the cores."""
    conversion = conversion_to(_SPACES[timeline], meaning_of(video.colour))
    if conversion is not None:
        engine = CpuEngine()
        image = engine.upload(pictures(*_CANVAS)[0], is_opaque=True)

        def work(_: int) -> None:
            engine.convert(image, conversion)

        work(0)
        with ThreadPoolExecutor(cores) as pool:
            began = time.process_time()
            list(pool.map(work, range(2 * cores)))
            return (time.process_time() - began) * 1e3 / (2 * cores) / cores
    shape = (_CANVAS[1] * 3 // 2, _CANVAS[0])
    still = [np.random.default_rng(n).integers(16, 235, shape, dtype=np.uint8) for n in range(3)]
    frames = [VideoFrame.from_ndarray(still[n % 3], "yuv420p").reformat(format=video.pixel_format) for n in range(10)]
    for number, frame in enumerate(frames):
        frame.pts = number
    apart = Deinterlacer(video, "benchmark")
    apart.frame(frames[0], frames[1], frames[2])
    began = time.process_time()
    for n in range(2, 9):
        apart.frame(frames[n - 1], frames[n], frames[n + 1])
    return (time.process_time() - began) * 1e3 / 7 / cores


def sources(machine: MachineProfile, rounds: int, patience: Patience) -> list[dict[str, Any]]:
    readings: dict[str, list[float]] = {name: [] for name, *_ in SOURCES}
    for _ in range(rounds):
        for name, colour, timeline, field_order, bits in SOURCES:
            patience.wait()
            readings[name].append(prepared_ms(paper(colour, field_order, bits), timeline, machine.cores))
    rows = []
    print(f"{'source':32} {'predicted':>9} {'measured':>9} {'error':>7}")
    for name, colour, timeline, field_order, bits in SOURCES:
        video = paper(colour, field_order, bits)
        relative = sum(cost for _, cost in source_costs(video, timeline))
        predicted, seen = relative * machine.effect_ms_per_megapixel * video.megapixels, min(readings[name])
        rows.append({"kind": name, "predicted_ms": predicted, "measured_ms": seen, "error": predicted / seen - 1})
        print(f"{name:32} {predicted:9.2f} {seen:9.2f} {predicted / seen - 1:+7.0%}")
    return rows


def sources_table(rows: list[dict[str, Any]], median: float) -> list[str]:
    lines = ["| source | predicted | measured | error |", "|---|---|---|---|"]
    figures = ((row["kind"], f"{row['predicted_ms']:.1f} | {row['measured_ms']:.1f} | {row['error']:+.0%}") for row in rows)
    lines += [f"| {kind} | {text} |".replace("%", " %") for kind, text in figures]
    return [*lines, "", f"Median error {median:.0%}.".replace("%", " %")]


PARTS = {"decoding": decoding, "effects": effects, "sources": sources}


def profile(patience: float, *, anew: bool) -> MachineProfile:
    path = MEDIA / "machine.json"
    identity = system.machine_identity(ffmpeg_version.text())
    if path.exists() and not anew:
        machine = wire.loads(MachineProfile, path.read_text())
        if machine.machine == identity:
            return machine
    Patience(patience).wait()
    print("calibrating …", flush=True)
    machine = calibrate(identity=identity)
    MEDIA.mkdir(exist_ok=True)
    path.write_text(wire.dumps(machine))
    return machine


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--part", choices=["all", *PARTS], default="all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--patience", type=float, default=60, help="seconds to wait for a quiet machine, in all")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--calibrate", action="store_true", help="measure the machine anew")
    parser.add_argument("--readme", action="store_true", help="put the tables of effects and sources into benchmarks/README.md")
    arguments = parser.parse_args()
    machine = profile(arguments.patience, anew=arguments.calibrate)
    print(f"{machine.machine}; calibrated in {machine.seconds_taken} s {'; '.join(machine.notes)}")
    document: dict[str, Any] = {"machine": wire.to_json(machine), "limit": MEDIAN_ERROR_LIMIT}
    load, holds = system.load() * machine.cores, True
    for part in PARTS if arguments.part == "all" else [arguments.part]:
        rows = PARTS[part](machine, arguments.rounds, Patience(arguments.patience))
        median = statistics.median(abs(row["error"]) for row in rows)
        holds &= median <= MEDIAN_ERROR_LIMIT
        verdict = "holds" if median <= MEDIAN_ERROR_LIMIT else "MISSED"
        print(f"{part}: median error {median:.0%} over {len(rows)} kinds; limit {MEDIAN_ERROR_LIMIT:.0%}: {verdict}")
        document[part] = {"rows": rows, "median_error": median}
        if arguments.readme and part == "effects":
            put("effect costs", effects_table(rows, median, machine, load))
        if arguments.readme and part == "sources":
            put("source costs", sources_table(rows, median))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(document, indent=1))
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
