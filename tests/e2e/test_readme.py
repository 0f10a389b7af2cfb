"""Every command and every example of the README is run, in a folder that holds the sample film."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines() if line.strip()]

#: Run where they can be: the first two by .ci/run itself, installation by the test of the installed wheel.
ELSEWHERE = {"python3 run.py demo", "python3 run.py test", "python3 -m venv .venv", ".venv/bin/pip install ."}


@pytest.fixture(scope="module")
def folder(film_media: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import shutil

    return Path(shutil.copytree(film_media, tmp_path_factory.mktemp("readme") / "film"))


@pytest.fixture(scope="module")
def environment(home: dict[str, str]) -> dict[str, str]:
    """With a Kdenlive of files, so that the commands for it need none, and an ``otio-perf`` that its scripts could run."""
    manifest = ROOT / "otio_perf" / "plugins" / "plugin_manifest.json"
    machine = Path(home["HOME"]) / "machine"
    about = machine / "share/metainfo/org.kde.kdenlive.appdata.xml"
    for file, text in (
        (machine / "bin/kdenlive", "#!/bin/sh\n"),
        (machine / "bin/otio-perf", "#!/bin/sh\n"),
        (about, '<release version="26.08.2"/>'),
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
    path = os.pathsep.join((str(machine / "bin"), home.get("PATH", "")))
    return {**home, "PATH": path, "PYTHONPATH": str(ROOT), "OTIO_PLUGIN_MANIFEST_PATH": str(ROOT / manifest.name)}


@pytest.mark.timeout(400)  # two dozen commands; one measures the machine, which takes 20 seconds by itself
def test_the_commands_of_the_readme_work_in_order(folder: Path, environment: dict[str, str], run_command: Command) -> None:
    ran = []
    for line in COMMANDS:
        if line in ELSEWHERE:
            continue
        program, *words = shlex.split(line)
        if program == "otio-perf":
            done = run_command(words, cwd=folder, env=environment, timeout=300)
        else:
            command = [sys.executable, "-m", {"otioconvert": "opentimelineio.console.otioconvert"}[program], *words]
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        ran.append(line)
    assert len(ran) >= 14
    for name in ("short_film.perf.otio", "back.otio", "originals.otio", "linked.otio", "optimized/documentary.perf.otio"):
        assert (folder / name).is_file()


def test_the_python_example_runs(folder: Path, environment: dict[str, str]) -> None:
    example, _ = blocks("python")  # the other: an effect of one's own, tests/effects/test_third_party.py
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    # whether anything is slow is this machine's affair; what is written is not
    for name in ("short_film.perf.otio", "back.otio", "still.png", "opening.mov"):
        assert (folder / name).is_file(), name
    for line in done.stdout.splitlines():
        assert "× the time it has" in line


def test_every_option_in_the_table_exists(environment: dict[str, str], run_command: Command) -> None:
    table = TEXT[TEXT.index("## Options worth knowing") : TEXT.index("## The other commands")]
    helped = "".join(run_command([name, "--help"], env=environment).stdout for name in ("optimize", "render"))
    options = set(re.findall(r"--[a-z][a-z-]+", table)) - {"--help"}
    assert options
    for option in options:
        assert option in helped, option


def test_the_two_setup_commands_are_the_ones_that_ci_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "python3 run.py test" in script
    assert "python3 run.py demo" in script
    assert set(COMMANDS) >= ELSEWHERE


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


def test_the_contact_sheet_of_the_readme_shows_different_frames(
    folder: Path, environment: dict[str, str], run_command: Command
) -> None:
    (line,) = (line for line in COMMANDS if line.startswith("otio-perf frame") and "sheet.png" in line)
    done = run_command([*shlex.split(line)[1:], "--json", "-"], cwd=folder, env=environment)
    assert done.returncode == 0, done.stderr
    frames = [frame["frame"] for frame in json.loads(done.stdout)["frames"]]
    assert len(frames) == len(set(frames)) == 3


def test_the_readme_says_where_its_examples_are_run() -> None:
    assert TEXT.index("cd sample_timelines") < TEXT.index("otio-perf analyze short_film.otio")
