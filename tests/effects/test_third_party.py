"""The README's example of an effect of one's own, installed as a package is, on every engine; and packages that are broken."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = README[README.index("## An effect of your own") :].split("\n## ")[0] if "## An effect of your own" in README else ""


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
    assert found, f"the README's section on effects of one's own has no {language}"
    return found[1]


def installed(folder: Path, module: str, source: str, entry_point: str) -> None:
    """As pip leaves a package: a module, and what it is beside it."""
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    notes = folder / f"{module}-1.0.dist-info"
    notes.mkdir()
    (notes / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (notes / "entry_points.txt").write_text(f"[otio_perf.effects]\n{entry_point}\n")


def python(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False, timeout=100
    )


RENDER = """
import numpy as np
from otio_perf.effects.cpu.engine import CpuEngine
from otio_perf.effects.engine import Step
from otio_perf.effects.gpu.engine import GpuEngine
from otio_perf.effects.reference import ReferenceEngine
from otio_perf.effects.registry import View, registry

found = registry()
effect, gain = found.effect("posterize"), found.effect("exposure")
chain = ((gain, {"stops": 1}), (effect, {"levels": 3}), (gain, {"stops": -1}))
steps = [Step(one, one.checked(values)) for one, values in chain]
picture = np.ones((4, 6, 4), np.float32)
picture[..., :3] = np.linspace(0, 0.5, 6)[None, :, None]
for engine in (ReferenceEngine(), CpuEngine(), GpuEngine("cpu")):
    image = engine.apply(engine.upload(picture, is_opaque=True), steps, View(width=6, height=4))
    got = engine.download(image)
    assert image.is_opaque
    print(engine.name, *(f"{v:.3f}" for v in got[0, :, 0]))
"""


def test_the_example_renders_on_every_engine(tmp_path: Path) -> None:
    entry = re.search(r'^posterize = "(.*)"$', block("toml"), re.MULTILINE)
    assert entry, block("toml")
    assert len([line for line in block("python").splitlines() if line.strip()]) <= 10
    installed(tmp_path, entry[1].partition(":")[0], block("python"), f"posterize = {entry[1]}")
    done = python(tmp_path, RENDER)
    assert done.returncode == 0, done.stderr
    wanted = "0.000 0.000 0.250 0.250 0.500 0.500"  # 0, 0.2, 0.4, 0.6, 0.8, 1 to the nearest of 0, ½, 1; halved
    answers = [line for line in done.stdout.splitlines() if line.split(" ")[0] in ("reference", "cpu", "gpu")]
    assert answers == [f"{name} {wanted}" for name in ("reference", "cpu", "gpu")]


def test_a_timeline_names_it_like_any_other(tmp_path: Path) -> None:
    entry = re.search(r'^posterize = "(.*)"$', block("toml"), re.MULTILINE)
    assert entry
    installed(tmp_path, entry[1].partition(":")[0], block("python"), f"posterize = {entry[1]}")
    script = f"""
import opentimelineio as otio
from opentimelineio.opentime import RationalTime, TimeRange
from otio_perf.optimizer import frame

length = TimeRange(RationalTime(0, 25), RationalTime(10, 25))
ground = otio.schema.GeneratorReference("ramp", "gradient", length)
clip = otio.schema.Clip("ramp", ground, length)
clip.effects.append({block("text").strip()})
timeline = otio.schema.Timeline("cut")
timeline.tracks.append(otio.schema.Track("V1", [clip], kind="Video"))
otio.adapters.write_to_file(timeline, r"{tmp_path / "cut.otio"}")
report = frame(r"{tmp_path / "cut.otio"}", [3], r"{tmp_path / "x.png"}", gpu="off", workspace=r"{tmp_path / "w"}")
print(report.frames[0].unknown, report.frames[0].approximate)
"""
    done = python(tmp_path, script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "() ()"
    import av

    with av.open(str(tmp_path / "x.png")) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert sorted({int(v) for v in picture.ravel()}) == [0, 85, 170, 255]


BROKEN = {
    "raises": ("import nothing_of_the_kind", "effects", "No module named 'nothing_of_the_kind'"),
    "other": ("EFFECTS = ('not an effect',)", "EFFECTS", "is no effect, blend mode, transition or generator"),
    "absent": ("", "EFFECTS", "EFFECTS"),
    "twin": ("from otio_perf.effects.color import EFFECTS", "EFFECTS", "there are two called 'exposure'"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_package_is_named_in_one_line(tmp_path: Path, case: str) -> None:
    source, attribute, said = BROKEN[case]
    installed(tmp_path, f"broken_{case}", source, f"mine = broken_{case}:{attribute}")
    words = "import sys; from otio_perf.cli import main; sys.exit(main(sys.argv[1:]))"
    timeline = ROOT / "sample_timelines" / "effects.otio"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    command = [sys.executable, "-c", words, "frame", str(timeline), "0", "-o", str(tmp_path / "x.png"), "--gpu", "off"]
    command += ["--workspace", str(tmp_path / "w")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=100)
    assert done.returncode == 5, done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("otio-perf:")]
    assert len(lines) == 1
    assert f"broken_{case}" in lines[0]
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_broken_package_does_not_stop_an_analysis(tmp_path: Path) -> None:
    installed(tmp_path, "broken_here", "import nothing_of_the_kind", "mine = broken_here:EFFECTS")
    script = """
from fractions import Fraction
from otio_perf.model.timing import FrameRange
from otio_perf.model.uses import EffectUse, Target, TargetKind, TrackKind, Use
from otio_perf.optimizer.effect_costs import effect_costs

frames = FrameRange(0, 10, Fraction(25))
target = Target(kind=TargetKind.FILE, url="a.mp4", path="/a.mp4")
blur = EffectUse(dialect="otio", name="gaussian_blur", label="blur")
use = Use(index=0, clip="a", track=0, track_kind=TrackKind.VIDEO, target=target, position=frames, source=frames,
          available_start=0, available_frames=10, effects=(blur,))
print(effect_costs(use, (1920, 1080), None))
"""
    done = python(tmp_path, script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "(None,)"
