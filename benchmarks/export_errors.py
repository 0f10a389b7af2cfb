"""Is an exported movie right, as a whole? One timeline of several effects, a dissolve and a translucent picture above, exported
by ``otio-perf render`` and rendered by ``melt`` from the same filters; every frame of both, and of the definitions in numpy
without a file in between, beside each other.

Sources are 4:2:2 in 8 bits, without loss: MLT works in that, and whatever is brought to it from 4:2:0 differs by how. Ours is
ProRes HQ at its best quality, melt's FFV1. In codes of 8 bits, Y' and C apart.

    python benchmarks/export_errors.py [--json FILE] [--readme]

Exit code 1 where a frame is beyond the tolerance.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import opentimelineio as otio
from _footage import FFMPEG
from _tables import put
from opentimelineio.opentime import RationalTime, TimeRange

sys.path.insert(0, str(Path(__file__).parent.parent))

from otio_perf import optimizer
from otio_perf.effects.pixels import Coding, from_picture
from otio_perf.effects.reference import ReferenceEngine
from otio_perf.effects.translate.dialects import translated
from otio_perf.media.planes import planes_of
from otio_perf.media.probe import probe
from otio_perf.model.colour import ColourSpace
from otio_perf.model.pixels import Layout
from otio_perf.render.compositor import Compositor
from otio_perf.render.plan import frame_plan
from otio_perf.render.sources import Sources
from otio_perf.render.storing import stored
from otio_perf.timeline.composition import compose
from otio_perf.timeline.files import read
from otio_perf.timeline.locate import Locator

#: As high as HD begins: lower pictures are BT.601 in MLT, whatever their profile says.
WIDTH, HEIGHT, RATE, FRAMES = 640, 720, 25, 60
LAYOUT = Layout(is_rgb=False, is_grey=False, bits=8, across=1)
DEEP = Layout(is_rgb=False, is_grey=False, bits=10, across=1)
PROFILE = f"""description=benchmark
frame_rate_num={RATE}
frame_rate_den=1
width={WIDTH}
height={HEIGHT}
progressive=1
sample_aspect_num=1
sample_aspect_den=1
display_aspect_num={WIDTH}
display_aspect_den={HEIGHT}
colorspace=709
"""

MIX = 10
#: Source, its first frame, how many, and MLT's filter with its properties.
SHOTS: tuple[tuple[str, int, int, str, dict[str, str]], ...] = (
    ("a", 0, 40, "brightness", {"level": "0=0.8;39=1.15"}),
    ("b", 5, 40, "avfilter.hue", {"av.h": "20", "av.s": "0.9"}),
    ("c", 10, 30, "sepia", {"u": "110", "v": "140"}),
    ("a", 20, 30, "gamma", {"gamma": "1.2"}),
)
ABOVE = ("b", 0, 45, "qtblend", {"rect": f"200 100 {WIDTH} {HEIGHT} 0.7"})
ABOVE_AT = 85
TOTAL = sum(frames for _, _, frames, _, _ in SHOTS) - MIX
#: What is seen from a frame on.
STRETCHES = (
    (0, "brightness with key frames"),
    (30, "dissolve"),
    (40, "hue and saturation"),
    (70, "sepia"),
    (85, "sepia, below a translucent picture"),
    (100, "gamma, below a translucent picture"),
)

#: The worst frame's PSNR in dB, its largest difference, of Y' and of C. Beside melt what it rounds to 8 bits, more than once in
#: a translucent picture (R'G'B'); beside the definitions what ProRes loses.
LEAST = {"melt": (48.0, 48.0), "definitions": (56.0, 56.0)}


def picture(which: str, number: int) -> list[np.ndarray]:
    """Planes of a smooth picture that moves, within R'G'B', with a grey wedge and hard edges in it."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    x = x + 3 * number
    phase = "abc".index(which) * 1.7
    red, green = np.sin(x / 97 + phase) * np.cos(y / 53), np.cos(x / 150 + y / 90 + phase)
    blue = np.sin(y / 110 - x / 170 + phase)
    found = np.ones((HEIGHT, WIDTH, 4), np.float32)
    found[..., :3] = 0.45 + 0.2 * np.stack([red, green, blue], axis=2)
    left = 40 + 5 * number
    found[240:300, left : left + 120, :3] = np.linspace(0.1, 0.9, 120)[None, :, None]
    found[60:120, left : left + 60, :3] = 0.75
    return from_picture(found, Coding(layout=LAYOUT))


def media(folder: Path) -> None:
    for which in "abc":
        raw = b"".join(plane.tobytes() for number in range(FRAMES) for plane in picture(which, number))
        shape = ["-f", "rawvideo", "-pix_fmt", "yuv422p", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE), "-i", "-"]
        tags = (
            "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"  # small, melt would take it for BT.601
        )
        target = ["-vf", tags, "-c:v", "ffv1", str(folder / f"{which}.mkv")]
        subprocess.run([FFMPEG, "-v", "error", "-y", *shape, *target], input=raw, check=True)


def timeline() -> otio.schema.Timeline:
    at = partial(RationalTime, rate=RATE)

    def clip(which: str, first: int, frames: int, name: str, values: dict[str, str]) -> otio.schema.Clip:
        whole = TimeRange(at(0), at(FRAMES))
        effect = otio.schema.Effect(name=name, effect_name=name, metadata={"mlt": {"mlt_service": name, **values}})
        reference = otio.schema.ExternalReference(f"{which}.mkv", whole)
        return otio.schema.Clip(which, reference, TimeRange(at(first), at(frames)), effects=[effect])

    below, above = (otio.schema.Track(name, kind="Video") for name in ("V1", "V2"))
    half = MIX // 2
    (one, begin, length, *first), (other, start, long, *second) = SHOTS[:2]
    mix = otio.schema.Transition("mix", "SMPTE_Dissolve", in_offset=at(half), out_offset=at(MIX - half))
    below.extend([clip(one, begin, length - half, *first), mix, clip(other, start + half, long - half, *second)])  # type: ignore[arg-type]
    below.extend(clip(*shot) for shot in SHOTS[2:])
    above.extend([otio.schema.Gap(source_range=TimeRange(at(0), at(ABOVE_AT))), clip(*ABOVE)])
    built = otio.schema.Timeline("cut", tracks=[below, above])
    samples = {"width": str(WIDTH), "height": str(HEIGHT)}
    built.metadata["fcp_xml"] = {"media": {"video": {"format": {"samplecharacteristics": samples}}}}
    return built


def melt(folder: Path) -> Path:
    (folder / "profile").write_text(PROFILE)

    def words(which: str, first: int, frames: int, name: str, values: dict[str, str]) -> list[str]:
        given = [f"{key}={value}" for key, value in values.items()]
        return [
            f"{which}.mkv",
            f"in={first}",
            f"out={first + frames - 1}",
            "-attach",
            name,
            *given,
        ]  # cuts lose theirs in a mix

    below = [*words(*SHOTS[0]), *words(*SHOTS[1]), "-mix", str(MIX), "-mixer", "luma", *words(*SHOTS[2]), *words(*SHOTS[3])]
    above = ["-track", "-blank", str(ABOVE_AT - 1), *words(*ABOVE), "-transition", "qtblend", "a_track=0", "b_track=1"]
    target = ["-consumer", "avformat:melt.mkv", "vcodec=ffv1", "pix_fmt=yuv422p", "an=1", "real_time=0"]
    environment = {"DISPLAY": ":0", **os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = ["melt", "-silent", "-profile", "./profile", *below, *above, *target]
    for _ in range(3):  # now and then it hangs at its end
        try:
            subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, timeout=60)
        except subprocess.TimeoutExpired:
            continue
        break
    return folder / "melt.mkv"


def decoded(path: Path) -> Iterator[list[np.ndarray]]:
    """In codes of 8 bits, floating."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            layout, planes = planes_of(frame)
            yield [plane.astype(float) / (1 << (layout.bits - 8)) for plane in planes]


def defined(folder: Path) -> Iterator[list[np.ndarray]]:
    """Without a movie in between, by the definitions in numpy."""
    path = folder / "cut.otio"
    composition = compose(read(path), Locator(str(path)))
    known = {shot.target.medium: probe(str(shot.target.path)) for shot in composition.shots()}
    translate = partial(translated, canvas=(WIDTH, HEIGHT), frame_rate=composition.frame_rate)
    with Sources(known, composition.frame_rate) as sources:
        for number in range(TOTAL):
            plan = frame_plan(composition, number, known, translate)
            planes = stored(Compositor(ReferenceEngine(), sources), plan, DEEP, ColourSpace.BT709.tags, (WIDTH, HEIGHT))
            yield [plane.astype(float) / 4 for plane in planes]


def stretches(ours: Sequence[Any], theirs: Sequence[Any]) -> list[dict[str, Any]]:
    """Of each: the worst frame's PSNR, the largest and the mean difference, of Y' and of C."""
    assert len(ours) == len(theirs) == TOTAL, (len(ours), len(theirs), TOTAL)
    found = []
    for (start, name), stop in zip(STRETCHES, [*(start for start, _ in STRETCHES[1:]), TOTAL], strict=True):
        row: dict[str, Any] = {"name": name, "start": start, "stop": stop}
        for part, planes in (("luma", (0,)), ("chroma", (1, 2))):
            apart = [np.concatenate([ours[n][p] - theirs[n][p] for p in planes]) for n in range(start, stop)]
            row[part] = {
                "psnr": min(10 * np.log10(255**2 / max((one**2).mean(), 1e-9)) for one in apart),
                "max": max(float(np.abs(one).max()) for one in apart),
                "mean": float(np.mean([np.abs(one).mean() for one in apart])),
            }
        found.append(row)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--readme", action="store_true", help="put the table into benchmarks/README.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        media(folder)
        otio.adapters.write_to_file(timeline(), str(folder / "cut.otio"))
        words: dict[str, Any] = {"movie_codec": "prores_hq", "movie_quality": 100, "audio": "none", "gpu": "off"}
        report = optimizer.export(folder / "cut.otio", folder / "ours.mov", **words)
        assert report.is_written, report.problems
        assert not report.problems, report.problems
        ours = list(decoded(folder / "ours.mov"))
        beside = {
            "melt": stretches(ours, list(decoded(melt(folder)))),
            "definitions": stretches(ours, list(defined(folder))),
        }
    lines = ["| frames | | beside | Y': worst frame, largest, mean | C: worst frame, largest, mean |", "|---|---|---|---|---|"]
    failed = 0
    for who, rows in beside.items():
        for row in rows:
            cells = [f"{row[p]['psnr']:.1f} dB, {row[p]['max']:.1f}, {row[p]['mean']:.2f}" for p in ("luma", "chroma")]
            lines.append(f"| {row['start']}–{row['stop'] - 1} | {row['name']} | {who} | {cells[0]} | {cells[1]} |")
            failed += any(row[part]["psnr"] < least for part, least in zip(("luma", "chroma"), LEAST[who], strict=True))
    print("\n".join(lines))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"least_psnr": LEAST, "beside": beside}, indent=1))
    if arguments.readme:
        put("export errors", lines)
    raise SystemExit(bool(failed))


if __name__ == "__main__":
    main()
