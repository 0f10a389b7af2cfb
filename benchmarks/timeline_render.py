"""How fast a timeline is rendered, beside ``ffmpeg``, ``melt`` and MoviePy on the same timeline.

    python benchmarks/timeline_render.py [--only dissolve …] [--seconds 4] [--rounds 2] [--without moviepy] [--readme]

Three timelines of camera-like H.264, 30 frames a second, rendered at 1080p: ``dissolve`` (a graded clip dissolves into a
blurred one, below a scaled, translucent overlay), ``dissolve_4k`` (the same from 4K sources) and ``ten`` (one clip with ten
effects). All write H.264 by x264 with the same options. Whole processes in turn, nothing rendered before; medians, ratios by
round. ``otio_perf`` is a worker's process with one chunk of it all: it probes its sources, verifies the finished file, takes
its digest and flushes it to the disk, which the others do not. What comes before and after is in ``otio_perf prerender``: the
command as a user types it, which reads and plans the timeline, starts workers, renders chunks of a second, and joins them.

What is rendered is held against the numpy reference: the planes before they are encoded, and what every contestant wrote.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shlex
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import av
import numpy as np
import opentimelineio as otio
from _footage import FFMPEG, MEDIA, footage, looped
from _runs import Row, paired_ratio, table
from _tables import put
from opentimelineio.opentime import RationalTime, TimeRange

sys.path.insert(0, str(Path(__file__).parent.parent))

from otio_perf.effects.color import white_balance_gains
from otio_perf.effects.cpu.native import NativeEngine
from otio_perf.effects.pixels import coding_of, from_picture, to_picture
from otio_perf.effects.reference import ReferenceEngine
from otio_perf.effects.translate.dialects import translated
from otio_perf.media.chunks import ChunkFile
from otio_perf.media.planes import planes_of
from otio_perf.media.probe import probe
from otio_perf.metrics.system import cores
from otio_perf.model import wire
from otio_perf.model.colour import ColourSpace
from otio_perf.model.frames import FramePlan
from otio_perf.model.media import MediaInfo
from otio_perf.model.recipes import ChunkCodec, PrerenderRecipe
from otio_perf.model.tasks import PrerenderTask
from otio_perf.render.compositor import Compositor
from otio_perf.render.engines import PROCESSOR, found_engine
from otio_perf.render.plan import frame_plan
from otio_perf.render.sources import Sources
from otio_perf.render.storing import stored
from otio_perf.timeline.composition import compose
from otio_perf.timeline.files import read
from otio_perf.timeline.locate import Locator

LUT = Path(__file__).parent.parent / "sample_timelines" / "warm.cube"
RATE, WIDTH, HEIGHT = 30, 1920, 1080
RECIPE = PrerenderRecipe(codec=ChunkCodec.H264, quality=60)
X264 = {"preset": "ultrafast", "crf": "20.0", "g": "1", "x264-params": "slices=4"}

#: Of our planes against those of the reference, in codes of 8 bits: the largest difference of Y', the mean one of Cb and Cr
#: (whose details stay sharper than in the reference, which brings them to full size and back: held against it as they are
#: and after that way, whichever is nearer, for what was scaled has gone it by then).
LUMA_TOLERANCE, CHROMA_TOLERANCE = 1.5, 1.0
MELT_OWN = "melt, its own grade"
#: What must be met and what is aimed at: frames a second against the peer's.
GOALS = {"ffmpeg": (1.0, 1.3), "melt": (2.0, 2.6), MELT_OWN: (2.0, 2.6), "melt, warm": (6.0, 10.0)}
#: Peak memory is to be at most half of melt's, or so much; so much of the cores is to be busy.
MOST_MB, LEAST_BUSY = 600, 0.9

GRADE = {"contrast": 1.1, "brightness": 0.02, "saturation": 1.15, "space": "luma", "pivot": (127.5 - 16) / 219}
SIGMA, OPACITY = 3.2, 0.8
BOX = (896, 496, 960, 540)

CDL: dict[str, Any] = {"slope": (1.1, 1.0, 0.95), "offset": (0.01, 0.0, 0.02), "power": (0.95, 1.0, 1.05)}
CURVE = ((0.0, 0.0), (0.25, 0.2), (0.75, 0.8), (1.0, 1.0))
KELVIN, SATURATION, ZOOM = 5200, 1.15, 1.1
TEN: tuple[tuple[str, dict[str, Any]], ...] = (
    ("asc_cdl", CDL),
    ("white_balance", {"temperature": KELVIN}),
    ("curves", {"master": CURVE}),
    ("lut", {"path": str(LUT)}),
    ("adjust", {"saturation": SATURATION}),
    ("gaussian_blur", {"sigma": 1.2}),
    ("unsharp", {"sigma": 1.0, "amount": 0.5}),
    ("flip", {"horizontal": True}),
    ("vignette", {"amount": 0.8}),
    ("transform", {"scale": (ZOOM, ZOOM)}),
)


# ------------------------------------------------------------------------------------------------------------ the timelines


@dataclass(frozen=True)
class Cut:
    """``dissolve``: A from its first frame, for three fifths; from two fifths on B, frame 150 and following; C over both, from
    frame 90."""

    source: Path
    frames: int

    @property
    def fifth(self) -> int:
        return self.frames // 5


def dissolve(cut: Cut) -> otio.schema.Timeline:
    fifth, half = cut.fifth, cut.fifth // 2
    grade, blur = own("adjust", GRADE), own("gaussian_blur", {"sigma": SIGMA})
    x, y, width, height = BOX
    move = {"scale": [width / WIDTH, height / HEIGHT], "position": [x + (width - WIDTH) / 2, y + (height - HEIGHT) / 2]}
    over = [own("transform", move), own("opacity", {"opacity": OPACITY})]
    at = partial(RationalTime, rate=RATE)
    below, above = (otio.schema.Track(name, kind="Video") for name in ("V1", "V2"))
    mix = otio.schema.Transition("dissolve", "SMPTE_Dissolve", in_offset=at(half), out_offset=at(fifth - half))
    below.extend([clip(cut, 0, 2 * fifth + half, [grade]), mix, clip(cut, 150 + half, 3 * fifth - half, [blur])])
    above.append(clip(cut, 90, cut.frames, over))
    return timeline(below, above)


def ten(cut: Cut) -> otio.schema.Timeline:
    only = otio.schema.Track("V1", kind="Video")
    only.append(clip(cut, 0, cut.frames, [own(name, values) for name, values in TEN]))
    return timeline(only)


def own(name: str, values: dict[str, Any]) -> otio.schema.Effect:
    return otio.schema.Effect(effect_name=name, metadata={"otio_perf": values})


def clip(cut: Cut, first: int, frames: int, effects: Sequence[otio.schema.Effect]) -> otio.schema.Clip:
    span = TimeRange(RationalTime(first, RATE), RationalTime(frames, RATE))
    whole = TimeRange(RationalTime(0, RATE), RationalTime(SHOT_FRAMES, RATE))
    return otio.schema.Clip(cut.source.stem, otio.schema.ExternalReference(str(cut.source), whole), span, effects=effects)


def timeline(*tracks: otio.schema.Track) -> otio.schema.Timeline:
    built = otio.schema.Timeline("benchmark")
    built.metadata["fcp_xml"] = {
        "media": {"video": {"format": {"samplecharacteristics": {"width": str(WIDTH), "height": str(HEIGHT)}}}}
    }
    built.tracks.extend(tracks)
    return built


# ----------------------------------------------------------------------------------------------------------------- the peers


def eq() -> str:
    """Our grade in the words of FFmpeg's ``eq``: its brightness counts in 255 codes, ours in 219."""
    return f"contrast={GRADE['contrast']}:brightness={GRADE['brightness'] * 219 / 255:.6f}:saturation={GRADE['saturation']}"


def ffmpeg_dissolve(cut: Cut) -> str:
    fifth = cut.fifth / RATE
    x, y, width, height = BOX
    fit = "" if "4k" not in cut.source.stem else f",scale={WIDTH}:{HEIGHT}:flags=area"
    steady = f"setpts=PTS-STARTPTS,fps={RATE}{fit}"
    return (
        f"[0:v]trim=0:{3 * fifth},{steady},eq={eq()}[a];[1:v]trim=0:{3 * fifth},{steady},gblur=sigma={SIGMA}:steps=3[b];"
        f"[a][b]xfade=transition=fade:duration={fifth}:offset={2 * fifth}[ab];[2:v]trim=0:{5 * fifth},setpts=PTS-STARTPTS,"
        f"fps={RATE},scale={width}:{height}:flags=area,format=yuva420p,colorchannelmixer=aa={OPACITY}[c];[ab][c]overlay={x}:{y}[o]"
    )


def ten_filters() -> list[tuple[str, dict[str, str]]]:
    """FFmpeg's nearest of each: those that MLT may take as well."""
    tables = {channel: f"clip(val/255*{s}+{o},0,1)^{p}*255" for channel, s, o, p in zip("rgb", *CDL.values(), strict=True)}
    red, green, blue = white_balance_gains({"temperature": KELVIN, "tint": 0})
    points = " ".join(f"{x}/{y}" for x, y in CURVE)
    return [
        ("lutrgb", tables),
        ("colorchannelmixer", {"rr": f"{red:.5f}", "gg": f"{green:.5f}", "bb": f"{blue:.5f}"}),
        ("curves", {"master": points, "interp": "pchip"}),
        ("lut3d", {"file": str(LUT), "interp": "tetrahedral"}),
        ("hue", {"s": str(SATURATION)}),
        ("gblur", {"sigma": "1.2", "steps": "3"}),
        ("unsharp", {"lx": "5", "ly": "5", "la": "0.5", "cx": "5", "cy": "5", "ca": "0.5"}),
        ("hflip", {}),
        ("vignette", {"angle": "PI/5"}),
    ]


def ffmpeg_ten(cut: Cut) -> str:
    words = [f"{name}={':'.join(f'{k}={quoted(v)}' for k, v in given.items())}".rstrip("=") for name, given in ten_filters()]
    zoom = f"scale={round(WIDTH * ZOOM)}:{round(HEIGHT * ZOOM)}:flags=bicubic,crop={WIDTH}:{HEIGHT}"
    return f"[0:v]trim=0:{cut.frames / RATE},format=gbrp,{','.join(words[:4])},format=yuv420p,{','.join(words[4:])},{zoom}[o]"


def quoted(value: str) -> str:
    return f"'{value}'"


def ffmpeg(graph: Callable[[Cut], str], starts: Sequence[int], cut: Cut, output: str) -> list[str]:
    inputs = [word for start in starts for word in (*(["-ss", f"{start / RATE}"] if start else []), "-i", str(cut.source))]
    codec = [word for name, value in X264.items() for word in (f"-{name}", value)]
    tags = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
    chosen = ["-filter_complex", graph(cut), "-map", "[o]", "-frames:v", str(cut.frames), "-pix_fmt", "yuv420p"]
    return [FFMPEG, "-v", "error", "-nostdin", "-y", *inputs, *chosen, "-c:v", "libx264", *codec, *tags, output]


def melt(words: Sequence[str], output: str) -> list[str]:
    codec = [f"{name}={value}" for name, value in {"vcodec": "libx264", **X264}.items()]
    shape = [
        "an=1",
        f"real_time=-{cores()}",
        f"threads={cores()}",
        "pix_fmt=yuv420p",
        "color_primaries=bt709",
        "color_trc=bt709",
    ]
    return ["melt", "-silent", "-profile", f"atsc_1080p_{RATE}", *words, "-consumer", f"avformat:{output}", *codec, *shape]


def melt_dissolve(cut: Cut, output: str) -> list[str]:
    """With FFmpeg's filters in MLT: nothing is brought to R'G'B'."""
    return melted(cut, output, ["avfilter.eq", *(f"av.{word}" for word in eq().split(":"))])


def melt_dissolve_own(cut: Cut, output: str) -> list[str]:
    """With the grade that Kdenlive and Shotcut offer, MLT's own, in R'G'B'. Saturation is left as it is."""
    lift, gain = GRADE["brightness"], GRADE["contrast"]
    return melted(cut, output, ["lift_gamma_gain", *(f"lift_{c}={lift} gain_{c}={gain}" for c in "rgb")])


def melted(cut: Cut, output: str, grade: Sequence[str]) -> list[str]:
    fifth, source = cut.fifth, str(cut.source)
    x, y, width, height = BOX
    # to the clip: what is attached to a cut, melt leaves out of the mix
    first = [source, "in=0", f"out={3 * fifth - 1}", "-attach-clip", *(word for words in grade for word in words.split())]
    blur = ["-attach-clip", "avfilter.gblur", f"av.sigma={SIGMA}", "av.steps=3"]
    second = [source, "in=150", f"out={150 + 3 * fifth - 1}", *blur, "-mix", str(fifth), "-mixer", "luma"]
    over = ["-track", source, "in=90", f"out={90 + cut.frames - 1}", "-transition", "composite"]
    place = [f"geometry={x}/{y}:{width}x{height}:{round(OPACITY * 100)}", "a_track=0", "b_track=1"]
    return melt([*first, *second, *over, *place], output)


def melt_ten(cut: Cut, output: str) -> list[str]:
    attached = [
        word
        for name, given in ten_filters()
        for word in ("-attach-cut", f"avfilter.{name}", *(f"av.{key}={value}" for key, value in given.items()))
    ]
    wide, high = WIDTH * ZOOM, HEIGHT * ZOOM
    zoom = ["-attach-cut", "affine", f"transition.rect={(WIDTH - wide) / 2:g}/{(HEIGHT - high) / 2:g}:{wide:g}x{high:g}:100"]
    return melt([str(cut.source), "in=0", f"out={cut.frames - 1}", *attached, *zoom], output)


MOVIEPY = """
import sys, cv2, numpy as np
from moviepy import VideoFileClip, CompositeVideoClip, vfx
source, frames, output = sys.argv[1], int(sys.argv[2]), sys.argv[3]
rate = 30; fifth = frames / 5 / rate
levels = (np.arange(256) / 255 - 0.5) * 1.1 + 0.5 + 0.02
table = np.clip(levels * 255, 0, 255).astype(np.uint8)
def grade(picture):
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None]
    return cv2.LUT(cv2.addWeighted(picture, 1.15, np.repeat(grey, 3, 2), -0.15, 0), table)
whole = VideoFileClip(source, audio=False)
if whole.size != [1920, 1080]:
    whole = whole.resized((1920, 1080))
a = whole.subclipped(0, 3 * fifth).image_transform(grade)
b = whole.subclipped(5, 5 + 3 * fifth).image_transform(lambda p: cv2.GaussianBlur(p, (21, 21), 3.2))
b = b.with_start(2 * fifth).with_effects([vfx.CrossFadeIn(fifth)])
c = whole.subclipped(3, 3 + 5 * fifth).resized((960, 540)).with_position((896, 496)).with_opacity(0.8)
made = CompositeVideoClip([a, b, c], size=(1920, 1080)).with_duration(5 * fifth)
made.write_videofile(output, fps=rate, codec="libx264", preset="ultrafast", threads=2, audio=False, logger=None,
    ffmpeg_params=["-crf", "20", "-g", "1", "-x264-params", "slices=4"])
"""


# ---------------------------------------------------------------------------------------------------------------------- ours

#: As a worker does it.
OURS = """
import sys
from pathlib import Path
from otio_perf.tasks.worker import start_light
start_light()
from otio_perf.model import wire
from otio_perf.model.events import Prerendered
from otio_perf.model.tasks import PrerenderTask
from otio_perf.media.probe import probe
from otio_perf.tasks import prerender
task = wire.loads(PrerenderTask, Path(sys.argv[1]).read_text())
for medium in task.media.values():
    probe(medium.path)
Path(task.path).unlink(missing_ok=True)
done = prerender.run(task, progress=lambda frames: None, cancelled=lambda: False)
assert isinstance(done, Prerendered), done
"""

#: Once more, when its chunk is there: looked at, and its packets copied into a movie.
WARM = """
import sys
from pathlib import Path
from otio_perf.tasks.worker import start_light
start_light()
from otio_perf.media.concat import join
from otio_perf.media.pieces import whole
from otio_perf.model import wire
from otio_perf.model.tasks import PrerenderTask
from otio_perf.tasks import prerender
task = wire.loads(PrerenderTask, Path(sys.argv[1]).read_text())
done = prerender.run(task, progress=lambda frames: None, cancelled=lambda: False)
assert not done.engine, "it was rendered once more"
movie = Path(task.path).with_name("movie.mov")
join([whole(task.path, len(task.plans))], movie, frame_rate=task.frame_rate, start_timecode=None)
"""

#: Every frame that is shown is decoded, and as many as are wanted are encoded: nothing is done to them.
LIMIT = """
import sys, threading, queue
from pathlib import Path
import av
from otio_perf.media.access import FrameAccess
from otio_perf.media.chunks import ChunkFile, write_chunk
from otio_perf.model import wire
from otio_perf.model.recipes import ChunkCodec
from otio_perf.model.tasks import PrerenderTask
task = wire.loads(PrerenderTask, Path(sys.argv[1]).read_text())
runs = [[int(n) for n in word.split("-")] for word in sys.argv[2:]]
medium = next(iter(task.media.values()))
frames = queue.Queue(4)
def decode(first, last, keeps):
    access = FrameAccess(medium, task.frame_rate, 1, lambda: None)
    for number in range(first, last + 1):
        planes = access.planes(number)[1]
        if keeps:
            frames.put([p[:1080 >> (i > 0), :1920 >> (i > 0)] for i, p in enumerate(planes)])
threads = [threading.Thread(target=decode, args=(*run, i == 0)) for i, run in enumerate(runs)]
[t.start() for t in threads]
wanted = ChunkFile(path=task.path + ".limit.mov", key=task.key, codec=ChunkCodec.H264, quality=60, has_alpha=False,
    width=1920, height=1080, frame_rate=task.frame_rate, frames=len(task.plans))
write_chunk(wanted, (frames.get() for _ in task.plans), cores=task.cores, tick=lambda: None)
[t.join() for t in threads]
"""


@dataclass(frozen=True)
class Subject:
    """A timeline, and how each peer makes it. ``runs``: the stretches of the source that are shown, the longest first."""

    source: Callable[[], Path]
    build: Callable[[Cut], otio.schema.Timeline]
    graph: Callable[[Cut], str]
    starts: tuple[int, ...]
    melted: Callable[[Cut, str], list[str]]
    runs: Callable[[Cut], list[tuple[int, int]]]
    melted_own: Callable[[Cut, str], list[str]] | None = None
    has_moviepy: bool = True


def _shown(cut: Cut) -> list[tuple[int, int]]:
    return [(90, 90 + cut.frames - 1), (0, 3 * cut.fifth - 1), (150, 150 + 3 * cut.fifth - 1)]


SUBJECTS = {
    "dissolve": Subject(
        partial(footage, "h264_1080"), dissolve, ffmpeg_dissolve, (0, 150, 90), melt_dissolve, _shown, melt_dissolve_own
    ),
    "dissolve_4k": Subject(
        lambda: looped(footage("h264_4k"), 3),
        dissolve,
        ffmpeg_dissolve,
        (0, 150, 90),
        melt_dissolve,
        _shown,
        melt_dissolve_own,
    ),
    "ten": Subject(
        partial(footage, "h264_1080"), ten, ffmpeg_ten, (0,), melt_ten, lambda cut: [(0, cut.frames - 1)], has_moviepy=False
    ),
}
SHOT_FRAMES = 300
#: The row of the whole command.
COMMAND = "otio_perf prerender"
#: It takes seconds a frame: a short timeline tells its pace.
MOVIEPY_FRAMES = 30


def task_of(cut: Cut, built: otio.schema.Timeline, folder: Path) -> PrerenderTask:
    path = folder / "timeline.otio"
    otio.adapters.write_to_file(built, str(path))
    composition = compose(read(path), Locator(str(path)))
    media = {shot.target.medium: probe(str(shot.target.path)) for shot in composition.shots()}
    translate = partial(translated, canvas=(WIDTH, HEIGHT), frame_rate=composition.frame_rate)
    plans = [frame_plan(composition, number, media, translate) for number in range(cut.frames)]
    assert not any(plan.unknown or plan.missing or plan.approximate for plan in plans), plans[0]
    (folder / "ws" / "proxies").mkdir(parents=True, exist_ok=True)
    return PrerenderTask(
        key="0" * 32,
        plans=tuple(plans),
        media=media,
        frame_rate=composition.frame_rate,
        recipe=RECIPE,
        path=str(folder / "ours.mov"),
        workspace=str(folder / "ws"),
        gpu="off",
        cores=cores(),
        label="benchmark",
    )


# ------------------------------------------------------------------------------------------------------------------- pixels


def wanted_planes(plan: FramePlan, media: dict[str, MediaInfo], layout_of: ChunkFile) -> list[np.ndarray]:
    with Sources(media, plan_rate(media)) as sources:
        return stored(Compositor(ReferenceEngine(), sources), plan, layout_of.layout, ColourSpace.BT709.tags, (WIDTH, HEIGHT))


def plan_rate(media: dict[str, MediaInfo]) -> Any:
    picture = next(iter(media.values())).picture
    assert picture is not None
    return picture.frame_rate


def compared(task: PrerenderTask, files: dict[str, str]) -> dict[str, Any]:
    """Four frames of ours before encoding, and of every file, beside the reference."""
    form = ChunkFile(
        path="", key="", codec=ChunkCodec.H264, quality=60, has_alpha=False, width=WIDTH, height=HEIGHT,
        frame_rate=task.frame_rate, frames=len(task.plans),
    )  # fmt: skip
    count = len(task.plans)
    numbers = [count // 10, count // 2, count // 2 + 1, count - 2]
    wanted = {n: wanted_planes(task.plans[n], task.media, form) for n in numbers}
    luma, chroma = 0.0, 0.0
    with Sources(task.media, task.frame_rate) as sources:
        compositor = Compositor(NativeEngine(), sources)
        for n in numbers:
            ours = stored(compositor, task.plans[n], form.layout, ColourSpace.BT709.tags, (WIDTH, HEIGHT))
            coding = coding_of(form.layout, ColourSpace.BT709.tags, HEIGHT)
            again = from_picture(to_picture(ours, coding), coding)  # as the reference has brought its chroma to full size
            luma = max(luma, float(np.abs(ours[0].astype(float) - wanted[n][0]).max()))
            chroma = max(chroma, min(mean_apart(ours[1:], wanted[n][1:]), mean_apart(again[1:], wanted[n][1:])))
    seen = {}
    for name, path in files.items():
        errors = []
        with av.open(path) as container:
            for number, frame in enumerate(container.decode(video=0)):
                if number in wanted:
                    planes = planes_of(frame)[1]
                    errors.append(np.mean((planes[0].astype(float) - wanted[number][0]) ** 2))
        seen[name] = float(10 * np.log10(255**2 / np.mean(errors))) if errors else float("nan")
    return {"luma_largest": luma, "chroma_mean": chroma, "psnr_y_db": seen}


def mean_apart(ours: Sequence[np.ndarray], theirs: Sequence[np.ndarray]) -> float:
    """Of the plane that is furthest off."""
    return max(float(np.abs(a.astype(float) - b).mean()) for a, b in zip(ours, theirs, strict=True))


# -------------------------------------------------------------------------------------------------------------------- running


def measure(name: str, seconds: int, rounds: int, without: Sequence[str], folder: Path) -> dict[str, Any]:
    subject = SUBJECTS[name]
    cut = Cut(subject.source(), seconds * RATE)
    task = task_of(cut, subject.build(cut), folder)
    (folder / "task.json").write_text(wire.dumps(task))
    files = {peer: str(folder / f"{peer}.mp4") for peer in ("ffmpeg", "melt", MELT_OWN, "moviepy")}
    python = [sys.executable, "-c"]
    rows = [
        Row("otio_perf", [*python, OURS, str(folder / "task.json")]),
        Row("otio_perf, warm chunks", [*python, WARM, str(folder / "task.json")]),
        Row(COMMAND, command(folder)),
        Row("ffmpeg", ffmpeg(subject.graph, subject.starts, cut, files["ffmpeg"])),
    ]
    notes = [gpu_note()]
    if shutil.which("melt") and "melt" not in without:
        rows.append(Row("melt", subject.melted(cut, files["melt"])))
        if subject.melted_own is not None:
            rows.append(Row(MELT_OWN, subject.melted_own(cut, files[MELT_OWN])))
    else:
        notes.append("melt: not run")
    if subject.has_moviepy and find_spec("moviepy") and "moviepy" not in without:
        rows.append(Row("moviepy", [*python, MOVIEPY, str(cut.source), str(MOVIEPY_FRAMES), files["moviepy"]]))
    else:
        notes.append("MoviePy: not run" if subject.has_moviepy else "MoviePy has not these effects")
    stretches = [f"{first}-{last}" for first, last in subject.runs(cut)]
    rows.append(Row("limit: decode + encode", [*python, LIMIT, str(folder / "task.json"), *stretches]))
    rows[0].measure()  # compiles what was not compiled yet
    rows[0].forget()
    for number in range(rounds):
        for row in rows:
            if row.name != "moviepy" or number == 0:
                row.measure()
        print(f"{name}: round {number + 1} of {rounds}", flush=True)
    there = {"otio_perf": task.path, **files}
    del there["moviepy"]  # another timeline, by its length
    pixels = compared(task, {peer: path for peer, path in there.items() if Path(path).exists()})
    return {"name": name, "frames": cut.frames, "rows": rows, "notes": notes, "pixels": pixels}


def command(folder: Path) -> list[str]:
    """In a workspace that is empty."""
    ours = [sys.executable, "-m", "otio_perf", "prerender", "timeline.otio", "-o", "out.otio", "--prerender", "all"]
    how = ["--prerender-codec", RECIPE.codec.value, "--prerender-quality", str(RECIPE.quality), "--gpu", "off"]
    typed = shlex.join([*ours, *how, "--workspace", "cold", "--quiet"])
    return ["sh", "-c", f"cd {shlex.quote(str(folder))} && rm -rf cold && exec {typed}"]


def gpu_note() -> str:
    found = found_engine("auto")
    return f"GPU: not run ({found.why})" if found.name == PROCESSOR else f"GPU: {found.name} is here, see gpu_render.py"


def lines_of(result: dict[str, Any]) -> list[str]:
    rows: list[Row] = result["rows"]
    frames, pixels = result["frames"], result["pixels"]
    lines = ["| | frames/s | CPU ms a frame | cores busy | peak MB | PSNR Y', dB |", "|---|---|---|---|---|---|"]
    for row in rows:
        psnr = pixels["psnr_y_db"].get(row.name)
        busy = row.cpu / row.wall / cores()
        shown = f"{psnr:.1f}" if psnr else "–"
        made = frames_of(row, frames)
        peak = "–" if row.name == COMMAND else f"{max(row.peak_mb):.0f}"  # its workers are processes of their own
        figures = f"{made / row.wall:.1f} | {row.cpu * 1e3 / made:.0f} | {busy:.0%} | {peak} | {shown}"
        lines.append(f"| {row.name} | {figures} |")
    return [line.replace("%", " %") for line in lines]


def frames_of(row: Row, frames: int) -> int:
    return MOVIEPY_FRAMES if row.name == "moviepy" else frames


@dataclass(frozen=True)
class Goal:
    """``measured`` is NaN where a peer was not there."""

    what: str
    needed: str
    measured: float
    is_met: bool

    def __str__(self) -> str:
        verdict = "not measured" if math.isnan(self.measured) else "met" if self.is_met else "MISSED"
        return f"{self.what} {self.measured:.2f} (goal {self.needed}): {verdict}"


def goals(result: dict[str, Any]) -> list[Goal]:
    against, rows = ratios(result), {row.name: row for row in result["rows"]}
    found = []
    for peer, (least, aim) in GOALS.items():
        if peer == MELT_OWN and SUBJECTS[result["name"]].melted_own is None:
            continue
        ratio = against.get(peer, math.nan)
        found.append(Goal(f"× {peer}", f"{least}, aim {aim}", ratio, ratio >= least))
    ours = rows["otio_perf"]
    busy, peak = ours.cpu / ours.wall / cores(), max(ours.peak_mb)
    most = max(MOST_MB, max(rows["melt"].peak_mb) / 2) if "melt" in rows else MOST_MB
    found.append(Goal("peak, GB,", f"at most {most / 1e3:.2f}", peak / 1e3, peak <= most))
    found.append(Goal("share of the cores", str(LEAST_BUSY), busy, busy >= LEAST_BUSY))
    return found


def ratios(result: dict[str, Any]) -> dict[str, float]:
    ours, warm, _command, *others = result["rows"]
    found = {}
    for row in others:
        if row.name == "melt":
            found["melt, warm"] = 1 / paired_ratio(warm, [row])[0]
        if len(row.wall_seconds) == len(ours.wall_seconds):
            found[row.name] = 1 / paired_ratio(ours, [row])[0]
        else:
            found[row.name] = (
                row.wall / frames_of(row, result["frames"]) * result["frames"] / statistics.median(ours.wall_seconds)
            )
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="*", default=list(SUBJECTS), choices=list(SUBJECTS))
    parser.add_argument("--seconds", type=int, default=4, help="length of each timeline")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--without", nargs="*", default=[], choices=["melt", "moviepy"], help="peers to leave out")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--readme", action="store_true", help="put the tables into benchmarks/README.md")
    arguments = parser.parse_args()
    os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent)
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    document, written, holds = [], [], True
    for name in arguments.only:
        with tempfile.TemporaryDirectory(dir=MEDIA) as folder:
            result = measure(name, arguments.seconds, arguments.rounds, arguments.without, Path(folder))
        against, pixels = ratios(result), result["pixels"]
        print(f"\n{name}, {result['frames']} frames\n{table(result['rows'])}")
        lines = [f"**{name}**, {result['frames']} frames", "", *lines_of(result), ""]
        words = [f"{ratio:.2f} × {peer}" for peer, ratio in against.items()]
        apart = f"Y' at most {pixels['luma_largest']:.0f} codes, Cb and Cr {pixels['chroma_mean']:.2f} on average"
        lines += [f"Ours: {', '.join(words)}. Planes against the reference: {apart}. {'; '.join(result['notes'])}.", ""]
        judged = goals(result)
        lines += [f"Goals: {'; '.join(map(str, judged))}.", ""]
        print("\n".join(lines))
        holds &= pixels["luma_largest"] <= LUMA_TOLERANCE and pixels["chroma_mean"] <= CHROMA_TOLERANCE
        holds &= all(goal.is_met for goal in judged)
        written += lines
        document.append({**result, "rows": [row.as_json() for row in result["rows"]], "ratios": against})
    if arguments.json:
        arguments.json.write_text(json.dumps({"goals": GOALS, "load": load, "subjects": document}, indent=1))
    if arguments.readme:
        put("timeline render", [*written, f"Load average when it began: {load:.1f} on {cores()} cores."])
    print("goals and tolerances: " + ("held" if holds else "MISSED"))
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
