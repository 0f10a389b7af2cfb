"""How fast proxies are made, beside the ``ffmpeg`` command line at the same encoder, settings, GOP, scaler and threads.

    python benchmarks/proxy_speed.py [--rounds 5] [--json FILE]

One 4K H.264 long-GOP shot of 240 frames with sound; once more through a LUT of 33³. Ours does more than its peer: it probes,
counts, compares the finished file with its source, takes a checksum, flushes to the disk, and renames. Paired in one run,
A B A B …; medians.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from _footage import FFMPEG, footage, looped
from _runs import Row, in_turn, paired_ratio, table

sys.path.insert(0, str(Path(__file__).parent.parent))

from otio_perf.media.encode import encoder_threads
from otio_perf.media.encodings import ENCODINGS, USUAL
from otio_perf.metrics.system import cores
from otio_perf.model.recipes import Codec

ROW = ENCODINGS[Codec.H264]
X264 = ["-c:v", ROW.encoder, "-pix_fmt", ROW.pixel_format, "-threads:v", str(encoder_threads(cores()))]
X264 += [word for name, value in ROW.options(USUAL).items() for word in (f"-{name}", value)]

OURS = """
import sys
from otio_perf.effects.lut_files import digest
from otio_perf.media.probe import probe
from otio_perf.media.transcode import transcode
from otio_perf.metrics.system import cores
from otio_perf.model.plans import Product
from otio_perf.model.recipes import Lut, ProxyRecipe
from otio_perf.model.tasks import ProxyTask
from otio_perf.model.timing import FrameRange
from otio_perf.tasks.painting import paint_for
source, folder, path, *rungs = sys.argv[1:]
lut = Lut(path=path, digest=digest(path)) if path else None
media = probe(source)
video = media.picture
products = []
for rung in rungs:
    recipe = ProxyRecipe(rung=rung, lut=lut)
    width, height = recipe.size_for(video.width, video.height)
    whole = FrameRange(0, video.frame_count, video.frame_rate)
    products.append(Product(key=rung, source_path=source, source_fingerprint=media.fingerprint, recipe=recipe,
        path=f"{folder}/ours_{rung}.mov", source_range=whole, width=width, height=height))
task = ProxyTask(media=media, products=tuple(products), constant_rate=None, workspace=folder, cores=cores())
transcode(task, progress=lambda done: None, cancelled=lambda: False, paint_for=paint_for)
"""

DECODE = """
import sys, av
from otio_perf.metrics.system import cores
with av.open(sys.argv[1]) as container:
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = 3 * cores()
    for frame in container.decode(stream):
        pass
"""


def write_lut(path: Path, size: int = 33) -> str:
    """Nothing like the identity."""
    steps = [n / (size - 1) for n in range(size)]
    rows = (f"{r**0.8:.6f} {g**1.1:.6f} {0.9 * b + 0.05 * r:.6f}" for b in steps for g in steps for r in steps)
    path.write_text(f"LUT_3D_SIZE {size}\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return str(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    source = str(looped(footage("h264_4k"), 2))
    os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent)
    with tempfile.TemporaryDirectory(dir=Path(source).parent) as folder:
        look = write_lut(Path(folder, "look.cube"))

        def ffmpeg(width: int, height: int, *, tuned: bool = False, lut: str = "") -> list[str]:
            threads = ["-threads", str(3 * cores())] if tuned else []
            scale = ["-vf", f"scale={width}:{height}:flags=area" + (f",lut3d={lut}" if lut else "")]
            output = [*scale, *X264, "-c:a", "copy", f"{folder}/ffmpeg_{height}_{tuned}{'_lut' if lut else ''}.mov"]
            return [FFMPEG, "-v", "error", "-nostdin", "-y", *threads, "-i", source, *output]

        def ours(*rungs: str, lut: str = "") -> list[str]:
            return [sys.executable, "-c", OURS, source, folder, lut, *rungs]

        one = Row("otio_perf 1080p", ours("1080p"))
        two = Row("otio_perf 1080p + 720p, one decode", ours("1080p", "720p"))
        peer = Row("ffmpeg 1080p", ffmpeg(1920, 1080))
        small = Row("ffmpeg 720p", ffmpeg(1280, 720))
        tuned = Row("ffmpeg 1080p, our decoder threads", ffmpeg(1920, 1080, tuned=True))
        seen = Row("otio_perf 1080p through a LUT", ours("1080p", lut=look))
        theirs = Row("ffmpeg 1080p through a LUT", ffmpeg(1920, 1080, lut=look))
        limit = Row("decode only (limit)", [sys.executable, "-c", DECODE, source])
        start = Row("interpreter and imports only", [sys.executable, "-c", "import otio_perf.media.transcode"])
        rows = [one, peer, tuned, two, small, seen, theirs, limit, start]
        in_turn(rows, arguments.rounds)
        sizes = {path.name: path.stat().st_size for path in sorted(Path(folder).iterdir())}
    print(table(rows))
    targets = [
        ("1080p ÷ ffmpeg 1080p", *paired_ratio(one, [peer]), 1.0, 0.87),
        ("1080p ÷ ffmpeg 1080p with our threads", *paired_ratio(one, [tuned]), None, None),
        ("1080p + 720p ÷ ffmpeg run twice", *paired_ratio(two, [peer, small]), 0.58, 0.53),
        ("1080p through a LUT ÷ without", *paired_ratio(seen, [one]), None, None),
        ("1080p through a LUT ÷ ffmpeg's", *paired_ratio(seen, [theirs]), None, None),
        ("1080p ÷ decode only", *paired_ratio(one, [limit]), None, None),
    ]
    print(f"\n{'ratio':42s} {'wall':>6s} {'cpu':>6s}  must  aim")
    for name, wall, cpu, must, aim in targets:
        print(f"{name:42s} {wall:6.2f} {cpu:6.2f}  {must or '':<5} {aim or ''}")
    print("\n" + "\n".join(f"{name:30s} {size / 1e6:6.1f} MB" for name, size in sizes.items()))
    if arguments.json:
        ratios = [{"name": n, "wall": w, "cpu": c, "must": m, "aim": a} for n, w, c, m, a in targets]
        arguments.json.write_text(json.dumps({"rows": [r.as_json() for r in rows], "ratios": ratios, "bytes": sizes}, indent=1))


if __name__ == "__main__":
    main()
