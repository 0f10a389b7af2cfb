"""What was deleted and where proxies lie, in words."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from otio_perf.cache.housekeeping import Freed
from otio_perf.cli import tables


@pytest.mark.parametrize(
    ("freed", "said"),
    [
        (Freed(), "0 proxies of 0 sources deleted"),
        (Freed(chunks=7, renders=2), "7 prerendered pieces, 2 prerendered regions deleted"),
        (Freed(proxies=2, sources=1, chunks=1), "2 proxies of 1 source, 1 prerendered piece deleted"),
    ],
)
def test_what_was_deleted_is_counted_by_its_name(freed: Freed, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    tables.show_freed(freed, dry_run=False)
    assert capsys.readouterr().out.startswith(f"{said}: ")


def test_what_is_played_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    tables.show_freed(Freed(kept=1, kept_proxies=2, players=("/a/cut.otio", "/b/cut.otio")), dry_run=False)
    told = " ".join(capsys.readouterr().out.split())
    assert "2 proxies and 1 prerendered region stay, for timelines play them: /a/cut.otio, /b/cut.otio" in told
    assert "--force" in told


@pytest.mark.parametrize(
    ("folders", "said"),
    [("a", "a"), ("ba", "b and a"), ("cab", "c and a and b"), ("dabc", "d and 3 other folders"), ("coa", "o and c and a")],
)
def test_folders_of_proxies_are_named_where_they_are_few(folders: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    tables._show_folders((SimpleNamespace(path=f"/{name}/x.mov", is_adopted=False) for name in folders), "/o")
    assert capsys.readouterr().out.strip().replace("/", "") == f"proxies are in {said}"
