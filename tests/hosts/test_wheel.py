"""The wheel, installed somewhere else: its scripts are found, put into a home, and run without this checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "hosts"

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="NOT LINUX: a Kdenlive of files is Linux's"),
]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``.ci/run`` has built and says in $OTIO_PERF_WHEEL, else one of this checkout."""
    if said := os.environ.get("OTIO_PERF_WHEEL"):
        return Path(said)
    if find_spec("build") is None:
        pytest.skip("NO BUILD: pip install build, which makes the wheel")
    folder = tmp_path_factory.mktemp("wheel")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0"):
        file = ROOT / os.fsdecode(name)
        if name and file.is_file():
            copy = folder / "checkout" / os.fsdecode(name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(folder / "checkout")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="session")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a fresh virtual environment with the wheel; what it depends on is this one's."""
    venv = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = venv / "bin/python"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "--disable-pip-version-check",
        "install",
        "--quiet",
        "--no-deps",
    ]
    subprocess.run([*pip, "--no-index", str(wheel)], check=True)
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = subprocess.run([str(python), "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
    Path(own, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python.parent


def test_every_script_is_in_the_wheel(wheel: Path) -> None:
    shared = "/data/share/otio_perf/hosts/"
    with zipfile.ZipFile(wheel) as archive:
        packed = {name.partition(shared)[2]: archive.read(name) for name in archive.namelist() if shared in name}
    scripts = {
        path.relative_to(SCRIPTS).as_posix(): path.read_bytes()
        for path in SCRIPTS.rglob("*")
        if path.is_file() and path.suffix not in (".md", ".pyc")
    }
    assert packed == scripts, "each folder of hosts/ has a line in [tool.setuptools.data-files] of pyproject.toml"


def test_installed_from_the_wheel_a_menu_command_runs(elsewhere: Path, tmp_path: Path) -> None:
    home, machine = tmp_path / "home", tmp_path / "machine"
    home.mkdir()
    kdenlive, about = machine / "bin/kdenlive", machine / "share/metainfo/org.kde.kdenlive.appdata.xml"
    for file, text in ((kdenlive, "#!/bin/sh\n"), (about, '<release version="26.08.2"/>')):
        file.parent.mkdir(parents=True)
        file.write_text(text)
        file.chmod(0o755)
    environment = {"HOME": str(home), "PATH": f"{kdenlive.parent}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}

    def run(*words: object, code: int = 0) -> str:
        done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False, env=environment, cwd=home)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    command = elsewhere / "otio-perf"
    assert str(ROOT) not in run(elsewhere / "python", "-c", "import otio_perf; print(otio_perf.__file__)")
    run(command, "host", "install", "kdenlive")
    (script,) = home.rglob("otio_perf_job.py")
    assert f"COMMAND = {str(command)!r}" in script.read_text()
    assert str(command.parent) not in environment["PATH"]
    assert "no service is running" in run(script, "dashboard", home / "clip.mov", home / "none", code=2)
    assert "our part: installed" in run(command, "host", "doctor", "kdenlive")
    run(command, "host", "uninstall", "kdenlive")
    assert list(home.rglob("*")) == []
