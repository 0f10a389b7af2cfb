"""Every project of the test data: patched in its own terms, taken by melt, given back byte for byte."""

from __future__ import annotations

import difflib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import colours
import pytest

Command = Callable[..., subprocess.CompletedProcess[str]]

TIMELINES = Path(__file__).resolve().parents[3] / "shared" / "testdata" / "timelines"
PROJECTS = sorted(path.relative_to(TIMELINES) for suffix in ("kdenlive", "mlt") for path in TIMELINES.rglob(f"*.{suffix}"))


@pytest.fixture
def otio_perf(tmp_path: Path, measured_machine: Path, run_command: Command) -> Command:
    """Run ``otio-perf`` with a home of its own."""
    cache = tmp_path / "home" / ".cache" / "otio_perf"
    cache.mkdir(parents=True)
    shutil.copy(measured_machine, cache)
    environment = {"HOME": str(tmp_path / "home"), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    return lambda *words, cwd: run_command([*map(str, words)], env=environment, cwd=cwd)


@pytest.mark.slow
@pytest.mark.testdata
@pytest.mark.parametrize("name", PROJECTS, ids=str)
def test_there_and_back(name: Path, tmp_path: Path, otio_perf: Command) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(TIMELINES / name.parts[0], folder, copy_function=shutil.copyfile)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    for path in folder.rglob("*.m[pko][4v]"):
        if path.read_bytes()[:8] == b"version ":  # a pointer of git-lfs: something to be seen takes its place
            colours.make(path, frames=100, size=(320, 180))
    project = folder.joinpath(*name.parts[1:])
    switched_off = b'<property name="kdenlive:proxy">-</property>'  # which would be left as it is
    project.write_bytes(project.read_bytes().replace(switched_off, b""))
    original = project.read_bytes()
    patched, back = (project.with_name(f"{word}{project.suffix}") for word in ("patched", "back"))

    optimize = ["optimize", project.name, "-o", patched.name, "--all", "--proxy", "120p"]
    planned = otio_perf(*optimize, "--dry-run", cwd=project.parent)
    if planned.returncode == 3:  # refused, with the reason
        assert project.name in planned.stderr
        pytest.skip(f"REFUSED, AS IT SHOULD BE: {planned.stderr.splitlines()[-1].split(': ', 2)[-1]}")
    assert planned.returncode in (0, 4, 5), planned.stderr
    done = otio_perf(*optimize, cwd=project.parent)
    assert done.returncode in (0, 4, 5), done.stderr  # 5: not one proxy, for no medium is there
    assert project.read_bytes() == original
    lines = difflib.unified_diff(original.decode().splitlines(), patched.read_text("utf-8").splitlines(), n=0, lineterm="")
    changed = [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert all("<property name=" in line or "<!-- otio_perf" in line for line in changed), changed[:3]
    restored = otio_perf("restore", patched.name, "-o", back.name, cwd=project.parent)
    assert restored.returncode == 0, restored.stderr
    assert back.read_bytes() == original
    made = done.stdout.count("  make  ") + done.stdout.count("  have  ")
    before, after = melt_takes(project), melt_takes(patched)
    print(f"| {name} | {made} | {len(changed)} | {'yes' if before else 'no'} | {'yes' if after else 'no'} | yes |")  # with -s
    assert after or not before


def melt_takes(project: Path) -> bool:
    """Does it play the first frames?"""
    if shutil.which("melt") is None:
        pytest.skip("NO MELT: what is patched was not played")
    words = ["melt", "-silent", f"xml:{project}", "in=0", "out=4", "-consumer", "null", "real_time=-1", "terminate_on_pause=1"]
    for _ in range(2):  # it hangs now and then at its end
        try:
            environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
            done = subprocess.run(words, capture_output=True, cwd=project.parent, env=environment, timeout=40, check=False)
        except subprocess.TimeoutExpired:
            continue
        return done.returncode == 0
    return False
