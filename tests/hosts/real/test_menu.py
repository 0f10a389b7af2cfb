"""The menu commands in the real menu of Kdenlive: Media Jobs, which 22.12 does not have."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from desktop import Desktop, until
from editors import Kdenlive, Program

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.mark.parametrize("program", ["26.08"], indirect=True)
@pytest.mark.hosts
def test_media_jobs(
    program: Program,
    kdenlive: Callable[[Path], Kdenlive],
    edit: Path,
    desktop: Desktop,
    otio_perf: Callable[..., str],
    picture: Callable[[str], None],
) -> None:
    command = desktop.folder / "bin" / "otio-perf"  # to be seen in the other system as well
    command.parent.mkdir()
    command.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom otio_perf.cli import main\nsys.exit(main())\n"
    )
    command.chmod(0o755)
    desktop.environment["PATH"] = f"{command.parent}:{Path(sys.executable).parent}:{desktop.environment['PATH']}"
    desktop.environment["OTIO_PERF_PROXY"] = "half"
    otio_perf("host", "install", "kdenlive")
    edit.write_text(edit.read_text("utf-8").replace('enableproxy">0', 'enableproxy">1'), "utf-8")
    host = kdenlive(edit)
    host.select_all_clips()
    x, y = program.layout.first_clip
    desktop.open_menu(x, y, button=3)
    desktop.open_menu(x + 88, y + 46)  # Media Jobs
    picture("kdenlive-26.08-menu")
    desktop.click(x + 400, y + 75)  # otio_perf: Make Proxy
    until(lambda: host.badges() == 2, "proxies of both clips", 150)
    saved = host.save().decode()
    placed = {str(path) for path in (desktop.home / ".cache" / "kdenlive" / "proxy").iterdir()}
    assert len(placed) == 2
    assert placed == set(re.findall(r'name="kdenlive:proxy">([^<]+)<', saved))
