#!/usr/bin/env python3
"""Runs otio_perf on a fresh machine; needs Python 3.11 or newer and nothing else.

    python3 run.py demo                 install, make the sample media, optimize the sample timeline
    python3 run.py test [PYTEST ARGS]   install with the development tools, run the tests

The virtual environment is ``.venv`` beside this file, or $OTIO_PERF_VENV. pip's own settings (index, proxy) apply.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent
#: Programs that tests run, and the Debian packages that bring them.
TOOLS = {
    "ffmpeg": "ffmpeg",
    "ffprobe": "ffmpeg",
    "melt": "melt",
    "chromium": "chromium",
    "chromedriver": "chromium-driver",
    "kdenlive": "kdenlive",
    "Xvfb": "xvfb",
    "openbox": "openbox",
    "dbus-daemon": "dbus",
    "xdotool": "xdotool",
}
SAMPLES = Path("sample_timelines")  # relative to ROOT, where every command runs: what is shown can be typed


def main(arguments: list[str]) -> int:
    if sys.version_info < (3, 11):  # noqa: UP036  (the syntax of this file lets older ones come this far)
        return fail(f"Python {sys.version.split()[0]} is too old: otio_perf needs 3.11 or newer")
    if arguments == ["demo"]:
        return demo()
    if arguments[:1] == ["test"] and arguments[1:] != ["--help"]:
        return test(arguments[1:])
    if arguments[:1] == ["help"] or arguments[-1:] in (["-h"], ["--help"]):
        print(__doc__.strip())
        return 0
    what = f"{' '.join(arguments)!r} is not one of these" if arguments else "Say what to do"
    return fail(f"{what}:\n\n{__doc__.strip()}")


def demo() -> int:
    """The main job on the sample timeline, as a user would type it."""
    venv = environment()
    install(venv, extra="")
    source, result = SAMPLES / "short_film.otio", SAMPLES / "short_film.perf.otio"
    say("sample media (made on first use: about three minutes on two cores, 400 MB)")
    step([str(program(venv, "python")), str(SAMPLES / "make_media.py")])
    say(f"otio-perf optimize {source} -o {result}")
    code = call([str(program(venv, "otio-perf")), "optimize", str(source), "-o", str(result)])
    if code == 0:
        command = shown(program(venv, "otio-perf"))
        say("done. What else it does:")
        print(f"  {command} analyze {source}")
        print("      which parts stutter on this machine, and why")
        print(f"  {command} restore {result} -o {SAMPLES / 'restored.otio'}")
        print("      back to the originals")
        print(f"  {command} --help")
    return code


def test(arguments: list[str]) -> int:
    """All tests, in two processes; those of a file in one, for what they need is made once there. Arguments go to pytest."""
    venv = environment()
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    with ThreadPoolExecutor(1) as beside:  # apt and pip both wait for the network most of the time
        if missing:
            beside.submit(apt_install, *dict.fromkeys(TOOLS[tool] for tool in missing))
        install(venv, extra="dev")
    for tool in missing:
        if not shutil.which(tool):
            say(f"{tool} not found: the tests that need it will be skipped")
    say("pytest")
    return call([str(program(venv, "python")), "-m", "pytest", "-n", "2", "--dist", "loadfile", *arguments])


def environment() -> Path:
    """The virtual environment; made if it is not there, or was made by another Python."""
    venv = Path(os.environ.get("OTIO_PERF_VENV") or ROOT / ".venv").absolute()
    if version_of(program(venv, "python")) == "{}.{}".format(*sys.version_info):
        return venv
    if venv.exists() and any(venv.iterdir()) and not (venv / "pyvenv.cfg").exists():
        sys.exit(fail(f"{venv} is not a virtual environment: name another folder in OTIO_PERF_VENV"))
    if importlib.util.find_spec("ensurepip") is None:  # Debian and Ubuntu keep it in a package of its own
        package = "python{}.{}-venv".format(*sys.version_info)
        if not apt_install(package):
            sys.exit(fail(f"This Python cannot make virtual environments. Type: sudo apt-get install {package}"))
    say(f"virtual environment {shown(venv)}")
    step([sys.executable, "-m", "venv", "--clear", str(venv)])  # a command: it sees an ensurepip that has just come
    return venv


def install(venv: Path, *, extra: str) -> None:
    """Install the checkout (editable) unless the last installation was of the same pyproject.toml and had ``extra``."""
    seal = venv / "otio_perf.installed"
    digest = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    wanted = f"{digest} {extra}".strip()
    if seal.exists() and seal.read_text(encoding="ascii").startswith(wanted):
        return
    what = f".[{extra}]" if extra else "."
    say(f"pip install --editable {what} (downloads a few hundred MB on the first run)")
    seal.unlink(missing_ok=True)
    pip = [str(program(venv, "python")), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    step([*pip, "--editable", what])
    seal.write_text(wanted, encoding="ascii")


def apt_install(*packages: str) -> bool:
    """Install Debian packages where apt and the rights are there; False where not all could be."""
    if not shutil.which("apt-get"):
        return False
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if sudo and not (shutil.which("sudo") and subprocess.call(["sudo", "-n", "true"], stderr=subprocess.DEVNULL) == 0):
        return False
    say(f"apt-get install {' '.join(packages)}")
    apt = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-qq", "-o", "Dpkg::Use-Pty=0"]
    get = [*apt, "install", "--no-install-recommends"]
    if call([*apt, "update"]) != 0:
        return False
    if call([*get, *packages]) == 0:
        return True
    done = [call([*get, package]) == 0 for package in packages if len(packages) > 1]  # one is not in this system's lists
    return bool(done) and all(done)


def program(venv: Path, name: str) -> Path:
    """Path of a program in a virtual environment, on any system."""
    return venv / "Scripts" / f"{name}.exe" if os.name == "nt" else venv / "bin" / name


def version_of(python: Path) -> str | None:
    """``3.11``; None if it is not there, does not run (its base Python was removed) or has no pip."""
    code = "import sys, pip; print('{}.{}'.format(*sys.version_info))"
    try:
        answer = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def call(command: list[str]) -> int:
    """Run a command here and return its exit code. On Ctrl-C, wait for it to clean up: it got the signal too."""
    interrupted = False
    with subprocess.Popen(command, cwd=ROOT) as child:
        while True:
            try:
                code = child.wait()
                break
            except KeyboardInterrupt:
                interrupted = True
    if interrupted or code in (130, -signal.SIGINT):
        raise KeyboardInterrupt
    return 128 - code if code < 0 else code


def step(command: list[str]) -> None:
    """Run a command that has to succeed."""
    code = call(command)
    if code:
        sys.exit(fail(f"This failed with exit code {code}: {' '.join(command)}", code))


def shown(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def say(text: str) -> None:
    print(f"> {text}", flush=True)


def fail(text: str, code: int = 2) -> int:
    print(text, file=sys.stderr)
    return code


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
