"""Which chunks are taken, and what is said of disks before any is made."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from otio_perf import settings as settings_module
from otio_perf.cache.renders import Render, RenderKind
from otio_perf.metrics import system
from otio_perf.metrics.trace import Trace
from otio_perf.model.chunks import Chunk
from otio_perf.model.events import Event, Prerendered
from otio_perf.model.frames import FramePlan, Stacked
from otio_perf.model.media import ColourTags
from otio_perf.model.recipes import PrerenderRecipe
from otio_perf.optimizer import chunked
from otio_perf.optimizer.chunked import Chunks, most_cores, most_jobs, warn_of_full_disk
from otio_perf.optimizer.session import Session

CHUNK = Chunk(
    key="a" * 32,
    processor_key="b" * 32,
    start=0,
    stop=1,
    plans=(FramePlan(width=64, height=36, root=Stacked(layers=())),),
    media=(),
    files=(),
    frame_rate=Fraction(25),
    recipe=PrerenderRecipe(),
    colour=ColourTags(),
)


@pytest.fixture
def told() -> list[Event]:
    return []


@pytest.fixture
def session(tmp_path: Path, told: list[Event], monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setattr(settings_module, "user_cache_folder", lambda: tmp_path / "cache")
    settings = settings_module.load({"workspace": tmp_path / "ws"})
    return Session(
        settings, anchor=None, create=True, listener=told.append, trace=Trace(), stop=threading.Event(), documents=()
    )


class Gpu:
    name = "gpu"


def put(session: Session, key: str) -> Render:
    renders = session.index.renders
    path = renders.chunk_path(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"moov")
    render = Render(key=key, kind=RenderKind.CHUNK, path=str(path), frames=1, size_bytes=4, digest="")
    renders.put(render)
    return render


def chunks(session: Session, *, takes_alike: bool) -> Chunks:
    timeline: Any = None
    engine: Any = Gpu()
    return Chunks(session, timeline, CHUNK.recipe, engine, takes_alike=takes_alike)


def test_a_preview_takes_what_is_alike_and_a_movie_what_is_equal(session: Session) -> None:
    with session:
        put(session, CHUNK.processor_key)
        assert chunks(session, takes_alike=True).missing([CHUNK]) == {}
        assert chunks(session, takes_alike=False).missing([CHUNK]) == {CHUNK.key: CHUNK}
        put(session, CHUNK.key)
        assert chunks(session, takes_alike=False).missing([CHUNK]) == {}


def test_a_movie_takes_what_the_gpu_gave_up_in_this_run(session: Session) -> None:
    with session:
        one = chunks(session, takes_alike=False)
        render = put(session, CHUNK.processor_key)
        one.record(
            Prerendered(
                key=CHUNK.key,
                chunk=render.key,
                path=render.path,
                frames=1,
                size_bytes=4,
                digest="",
                seconds=1.0,
                engine="cpu",
                notes=("the GPU gave up",),
            )
        )
        assert one.missing([CHUNK]) == {}
        assert one.key_of(CHUNK) == CHUNK.processor_key


@pytest.mark.parametrize(
    ("size", "cores"),
    [((1920, 1080), 16), ((3840, 2160), 9), ((7680, 4320), 2), ((15360, 8640), 1)],
)
def test_small_machines_make_fewer_large_pictures_at_once(
    size: tuple[int, int], cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "cores", lambda: 16)
    monkeypatch.setattr(system, "available_memory_bytes", lambda: 6 << 30)
    assert most_cores(size) == cores


@pytest.mark.parametrize(
    ("cores", "free", "usual", "jobs"), [(2, 4 << 30, 1, 2), (2, 1 << 30, 1, 1), (1, 8 << 30, 1, 1), (16, 32 << 30, 4, 4)]
)
def test_two_processes_fill_each_others_gaps(
    cores: int, free: int, usual: int, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "cores", lambda: cores)
    monkeypatch.setattr(system, "available_memory_bytes", lambda: free)
    assert most_jobs(usual) == jobs


def test_each_disk_is_asked_for_what_comes_to_it(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    monkeypatch.setattr(system, "free_disk_bytes", lambda folder: 10e9)
    with session:
        warn_of_full_disk(session, (6_000_000_000, here), (3_000_000_000, there))
        assert session.notices == []
        warn_of_full_disk(session, (6_000_000_000, here), (5_000_000_000, there))
        assert "11.0 GB to write, 10.0 GB free" in session.notices[-1]
        monkeypatch.setattr(chunked, "_disk_of", hash)
        warn_of_full_disk(session, (6_000_000_000, here), (5_000_000_000, there))
        warn_of_full_disk(session, (12_000_000_000, here), (5_000_000_000, there))
        assert [str(here) in notice for notice in session.notices] == [True, True]
        assert "12.0 GB" in session.notices[-1]
