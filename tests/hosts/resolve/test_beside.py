"""Proxies that Resolve finds without any script: ``Proxy/NAME`` beside each source, with the source's own name."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import av
import pytest

pytestmark = pytest.mark.timeout(300)


def test_proxies_lie_where_resolve_looks_and_are_what_it_takes(film: Any, at_home: Path, tmp_path: Path) -> None:
    rushes = tmp_path / "Rushes"
    rushes.mkdir()
    for name in ("shot", "look"):
        shutil.copy(film.media / "Rushes of Ann" / f"{name}.mov", rushes / f"{name.upper()} 1.mov")
    command = Path(os.environ["OTIO_PERF"])
    done = subprocess.run(
        [command, "proxy", rushes, "--beside", "--workspace", tmp_path / "kept"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = sorted(p.relative_to(rushes).as_posix() for p in rushes.rglob("*") if p.is_file())
    assert found == ["LOOK 1.mov", "Proxy/LOOK 1.mov", "Proxy/SHOT 1.mov", "SHOT 1.mov"]
    shot = film.pool["shot"].object
    assert shot.LinkProxyMedia(str(rushes / "Proxy" / "SHOT 1.mov"))
    with av.open(str(rushes / "Proxy" / "SHOT 1.mov")) as proxy:
        assert proxy.streams.video[0].height == 120
        assert proxy.streams.video[0].metadata.get("timecode", proxy.metadata.get("timecode")) == "01:00:00:00"
    again = subprocess.run(
        [command, "proxy", rushes, "--beside", "--workspace", tmp_path / "kept"], capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stderr
    assert sorted(p.relative_to(rushes).as_posix() for p in rushes.rglob("*") if p.is_file()) == found
