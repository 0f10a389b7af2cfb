"""Chunks of ours in Kdenlive's preview of a project that is open: gone when it plays them no more, and not before."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from kdenlive_peer import Peer
from live_project import at, restore

from otio_perf.model.events import Stage
from otio_perf.model.hosts import Applied
from otio_perf.optimizer import previewing
from otio_perf.timeline.mlt import preview
from otio_perf.timeline.mlt.preview import Chunk, Preview

_VERSION = '<property name="kdenlive:docproperties.version">'


@pytest.fixture
def chunks(edit: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What ``edit`` plays."""
    monkeypatch.setattr(previewing, "key_in", lambda path: Path(path).stem)
    folder = Path(os.environ["XDG_CACHE_HOME"], "kdenlive", "77", "preview")
    folder.mkdir(parents=True)
    made = [Chunk(start=n, frames=20, path=str(folder / f"{n}.mov"), key=str(n)) for n in (0, 25)]
    for one in made:
        Path(one.path).write_bytes(b"x")
    text = edit.read_text().replace(_VERSION, f'<property name="kdenlive:docproperties.documentid">77</property>\n  {_VERSION}')
    edit.write_bytes(preview.with_preview(text.encode(), edit, Preview(chunks=tuple(made), extension="mov", parameters="x")))
    return [Path(one.path) for one in made]


def test_they_go_with_what_plays_them(edit: Path, address: str, kdenlive: Callable[..., Peer], chunks: list[Path]) -> None:
    there: list[bool] = []

    def revert() -> None:
        edit.read_bytes()
        there.extend(path.is_file() for path in chunks)

    kdenlive(acts={"file_revert": revert})
    assert restore(address).state is Applied.APPLIED
    assert there == [True, True]  # it still showed them
    assert b"preview" not in edit.read_bytes().replace(b"previewextension", b"")
    assert not any(path.exists() for path in chunks)


def test_they_stay_where_the_project_does(edit: Path, address: str, kdenlive: Callable[..., Peer], chunks: list[Path]) -> None:
    host, was = kdenlive(), edit.read_bytes()

    def begin_to_edit() -> None:
        host.is_modified = True

    assert restore(address, listener=at(Stage.RELINK, begin_to_edit)).state is Applied.KEPT
    assert edit.read_bytes() == was
    assert all(path.is_file() for path in chunks)
