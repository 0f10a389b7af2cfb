"""What ``host doctor`` says of DaVinci Resolve."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from otio_perf.hosts.home import Home
from otio_perf.model.hosts import Installation
from otio_perf.model.installing import HostFinding

_PYTHON_HINT = "Install Python 3 (64 bit, for all users) from python.org, then start DaVinci Resolve again"


def findings(installation: Installation, home: Home) -> Iterator[HostFinding]:
    """Its menu lists scripts of ours only where it has found a Python of the system."""
    python = _python(home)
    yield HostFinding(
        host="resolve",
        packaging=installation.packaging,
        name="Python for its menu scripts",
        works=python is not None,
        required=True,
        found="none" if python is None else str(python),
        hint="" if python is not None else _PYTHON_HINT,
    )


def _python(home: Home) -> Path | None:
    """macOS's own stub of ``python3`` asks for a download and is none."""
    framework = home.system("/Library/Frameworks/Python.framework/Versions")
    if home.platform == "darwin" and framework.is_dir():
        return framework
    found = home.program("python3", "python")
    return None if home.platform == "darwin" and found == home.system("/usr/bin/python3") else found
