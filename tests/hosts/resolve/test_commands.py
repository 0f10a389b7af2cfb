"""Every command of the menu, from a project to what is in it afterwards, with the real ``otio-perf``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from otio_perf_resolve import commands

pytestmark = pytest.mark.timeout(300)


def run(name: str, film: Any) -> Any:
    lines: list[str] = []
    report = commands.run(name, film.world.resolve, "", lines.append)
    print("\n".join(lines))
    return report


def told(report: Any, kind: str) -> dict[str, str]:
    return {about: text for one, about, text in report.entries if one == kind}


def test_proxies_are_linked_marked_and_taken_back(film: Any, at_home: Path) -> None:
    report = run("link", film)
    pool = film.pool
    proxy = pool["shot"].properties["Proxy Media Path"]
    assert Path(proxy).is_file()
    assert pool["again"].properties["Proxy Media Path"] == proxy
    assert Path(pool["look"].properties["Proxy Media Path"]).is_file()
    assert pool["taken"].properties["Proxy Media Path"] == "/proxies/of/ann.mov"
    assert pool["part"].properties["Proxy Media Path"] == ""
    left = told(report, "left as it is")
    assert "is a subclip" in left["part.mov"]
    assert "that otio_perf did not link" in left["taken.mov"]
    assert any("numbered pictures" in text for text in left.values())
    assert any("gone.mov" in about for about in left)
    assert not told(report, "failed")
