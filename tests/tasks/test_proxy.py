"""Proxies through the real queue: made once, under names of their own, whatever is killed on the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import xxhash

from otio_perf.cache import housekeeping
from otio_perf.cache.index import Index
from otio_perf.cache.workspace import Workspace
from otio_perf.media import fingerprint, tracks
from otio_perf.media.fingerprint import digest
from otio_perf.media.probe import probe
from otio_perf.media.publish import is_part
from otio_perf.model import wire
from otio_perf.model.events import Failed, Probed, Ready
from otio_perf.model.tasks import ProbeTask, ProxyTask
from otio_perf.render_queue.backend import InlineBackend, ProcessBackend
from otio_perf.render_queue.runner import run
from otio_perf.tasks import registry

ROOT = Path(__file__).resolve().parents[2]
MakeClip = Callable[..., Path]
MakeTask = Callable[..., ProxyTask]
MakeParts = Callable[..., ProxyTask]
POSIX_KILL = pytest.mark.skipif(sys.platform == "win32", reason="POSIX SIGNALS: the test kills with them")


def here(task: ProxyTask | ProbeTask) -> Ready | Probed | Failed:
    """The outcome, in this process."""
    outcome = registry.outcome_of(task, registry.KINDS[task.kind], lambda done: None, lambda: False)
    assert isinstance(outcome, (Ready, Probed, Failed))
    return outcome


def test_proxies_are_made_recorded_and_not_made_again(tmp_path: Path, make_clip: MakeClip, make_task: MakeTask) -> None:
    task = make_task(make_clip("A001.mp4"), tmp_path, "half", "quarter")
    with ProcessBackend(1) as backend:
        first = run([task], backend=backend)[task.key]
        second = run([task], backend=backend)[task.key]
    assert isinstance(first, Ready), first
    assert isinstance(second, Ready)
    assert [Path(p.path).name for p in first.products] == ["A001_half.mov", "A001_quarter.mov"]
    assert second.products == first.products
    assert second.notes == ("made by another run in the meantime",)
    with Index.open(tmp_path) as index:
        assert set(index.products.all()) == set(first.products)
        assert housekeeping.verify(index, lambda p: digest(str(p))) == ()
        assert index.products.original_of(first.products[0].path) == task.media.path
    video = probe(first.products[0].path).picture
    assert video
    assert (video.width, video.height, video.frame_count) == (160, 90, 20)


def test_only_the_missing_rung_is_made(tmp_path: Path, make_clip: MakeClip, make_task: MakeTask) -> None:
    clip = make_clip("A001.mp4")
    first = here(make_task(clip, tmp_path, "half"))
    assert isinstance(first, Ready)
    before = Path(first.products[0].path).stat().st_mtime_ns
    both = here(make_task(clip, tmp_path, "half", "quarter"))
    assert isinstance(both, Ready)
    assert [p.recipe.rung for p in both.products] == ["half", "quarter"]
    assert Path(first.products[0].path).stat().st_mtime_ns == before


def test_a_moved_source_finds_its_proxy(tmp_path: Path, make_clip: MakeClip, make_task: MakeTask) -> None:
    clip = make_clip("A001.mp4", seed=5)
    made = here(make_task(clip, tmp_path))
    moved = clip.rename(clip.with_name("moved.mp4"))
    again = here(make_task(moved, tmp_path))
    assert isinstance(made, Ready)
    assert isinstance(again, Ready)
    assert again.notes == ("made by another run in the meantime",)
    with Index.open(tmp_path) as index:
        assert index.products.original_of(made.products[0].path) == str(moved)
        assert [p.key for p in index.products.of_path(str(moved))] == [made.products[0].key]


def test_a_plan_made_before_another_took_its_name_still_gets_a_name(
    tmp_path: Path, make_clip: MakeClip, make_task: MakeTask
) -> None:
    one = make_task(make_clip("one/A001.mp4", seed=1), tmp_path)
    two = make_task(make_clip("two/A001.mp4", seed=2), tmp_path)
    assert one.products[0].path == two.products[0].path
    first, second = here(one), here(two)
    assert isinstance(first, Ready)
    assert isinstance(second, Ready)
    assert Path(first.products[0].path).name == "A001_half.mov"
    assert Path(second.products[0].path).name.startswith("A001_half_")
    with Index.open(tmp_path) as index:
        assert len(housekeeping.verify(index, lambda p: digest(str(p)))) == 0
        assert len(index.products.all()) == 2


@pytest.mark.timeout(30)
def test_two_parts_of_a_source_that_both_lose_their_names(
    tmp_path: Path, make_clip: MakeClip, make_task: MakeTask, make_parts: MakeParts
) -> None:
    """Another source got both names in the meantime: each part finds a name of its own, and nobody waits for ever."""
    task = make_parts(make_task(make_clip("two/A001.mp4", seed=2), tmp_path), (0, 5), (10, 15))
    other = here(make_parts(make_task(make_clip("one/A001.mp4", seed=1), tmp_path), (0, 5), (10, 15)))
    assert isinstance(other, Ready), other
    assert [p.path for p in other.products] == [p.path for p in task.products]
    made = here(task)
    assert isinstance(made, Ready), made
    for product, wanted in zip(made.products, task.products, strict=True):
        assert Path(product.path).name.startswith(f"{Path(wanted.path).stem}_")
        assert (product.key, product.source_range) == (wanted.key, wanted.source_range)
    with Index.open(tmp_path) as index:
        assert housekeeping.verify(index, lambda p: digest(str(p))) == ()
        assert len(index.products.all()) == 4


def test_beside_the_source(tmp_path: Path, make_clip: MakeClip, make_task: MakeTask) -> None:
    clip = make_clip("beside/A001.mp4", seed=3)
    task = make_task(clip, tmp_path)
    place = clip.parent / "Proxy" / "A001.mov"
    task = replace(task, products=(replace(task.products[0], path=str(place)),))
    broken = replace(task, media=replace(task.media, fingerprint="xxh3:0"))
    assert isinstance(here(broken), Failed)
    assert not place.parent.exists()
    assert isinstance(here(task), Ready)
    with Index.open(tmp_path) as index:
        assert index.products.original_of(str(place)) == str(clip)
    other = make_task(make_clip("beside/A001.mkv", seed=4), tmp_path)
    refused = here(replace(other, products=(replace(other.products[0], path=str(place)),)))
    assert isinstance(refused, Failed)
    assert refused.error == "CacheError"
    assert "--beside" in (refused.hint or "")


def beside(task: ProxyTask) -> ProxyTask:
    """``task`` for the folder beside its source."""
    clip = Path(task.media.path)
    return replace(task, products=(replace(task.products[0], path=str(clip.parent / "Proxy" / f"{clip.stem}.mov")),))


def test_beside_the_source_although_the_workspace_has_it(tmp_path: Path, make_clip: MakeClip, make_task: MakeTask) -> None:
    clip = make_clip("card/A001.mp4", seed=6)
    task = make_task(clip, tmp_path)
    first, second = here(task), here(beside(task))
    assert isinstance(first, Ready)
    assert isinstance(second, Ready), second
    place = clip.parent / "Proxy" / "A001.mov"
    assert [p.path for p in second.products] == [str(place)]
    assert second.notes == (f"copied from {first.products[0].path}",)
    assert place.read_bytes() == Path(first.products[0].path).read_bytes()
    with Index.open(tmp_path) as index:
        assert index.products.all() == second.products
        assert housekeeping.verify(index, lambda p: digest(str(p))) == ()
    assert os.listdir(place.parent) == ["A001.mov"]
    third = here(beside(task))
    assert isinstance(third, Ready)
    assert third.notes == ("made by another run in the meantime",)


def test_a_damaged_proxy_is_not_copied_but_made_anew(tmp_path: Path, make_clip: MakeClip, make_task: MakeTask) -> None:
    task = make_task(make_clip("card2/A001.mp4", seed=7), tmp_path)
    first = here(task)
    assert isinstance(first, Ready)
    made = Path(first.products[0].path)
    whole, stat = made.read_bytes(), made.stat()
    made.write_bytes(whole[:1000] + b"rot" + whole[1003:])
    os.utime(made, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    second = here(beside(task))
    assert isinstance(second, Ready), second
    assert not any("copied" in note for note in second.notes)
    assert Path(second.products[0].path).read_bytes() != made.read_bytes()
    assert digest(second.products[0].path) == second.products[0].digest


@pytest.mark.parametrize("place", ["workspace", "beside"])
def test_a_kill_between_the_name_and_the_record_costs_nothing(
    place: str, tmp_path: Path, make_clip: MakeClip, make_task: MakeTask
) -> None:
    """The file is there and nobody knows it: its own key tells what it is."""
    task = make_task(make_clip(f"kill-{place}/A001.mp4", seed=8), tmp_path / "ws")
    task = beside(task) if place == "beside" else task
    first = here(task)
    assert isinstance(first, Ready)
    made = Path(first.products[0].path)
    shutil.rmtree(tmp_path / "ws" / "products")
    before = made.stat().st_mtime_ns
    again = here(task)
    assert isinstance(again, Ready), again
    assert again.notes == ("made by a run that was killed before it could say so",)
    assert again.products == first.products
    assert made.stat().st_mtime_ns == before
    with Index.open(tmp_path / "ws") as index:
        assert index.products.all() == first.products

    shutil.rmtree(tmp_path / "ws" / "products")
    os.truncate(made, made.stat().st_size // 2)  # no longer what its key says: in the workspace it is made anew
    healed = here(task)
    if place == "workspace":
        assert isinstance(healed, Ready)
        assert digest(str(made)) == first.products[0].digest
    else:
        assert isinstance(healed, Failed)
        assert "not on record as ours" in healed.message


def test_a_file_of_others_beside_the_source_is_left_alone(tmp_path: Path, make_clip: MakeClip, make_task: MakeTask) -> None:
    task = beside(make_task(make_clip("card3/A001.mp4", seed=12), tmp_path))
    place = Path(task.products[0].path)
    place.parent.mkdir()
    place.write_bytes(b"made by the camera, after the plan")
    refused = here(task)
    assert isinstance(refused, Failed)
    assert "not on record as ours" in refused.message
    assert place.read_bytes() == b"made by the camera, after the plan"


def test_a_slow_disk_at_the_last_step_is_no_stall(
    tmp_path: Path, make_clip: MakeClip, make_task: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gigabytes are read for the digest and flushed to the disk: longer than the stall limit, with signs of life."""

    hasher = xxhash.xxh3_128

    class Slow:
        def __init__(self, start: bytes = b"") -> None:
            self.state, self.reads = hasher(start), 0

        def update(self, chunk: bytes) -> None:
            self.state.update(chunk)
            self.reads += 1
            if self.reads > 1:
                time.sleep(0.15)

        def hexdigest(self) -> str:
            return self.state.hexdigest()

    flush = os.fsync

    def slow_flush(descriptor: int) -> None:
        time.sleep(1.2)
        flush(descriptor)

    task = replace(make_task(make_clip("slow.mp4", seed=11), tmp_path), stall_seconds=1.0)
    monkeypatch.setattr(fingerprint, "_CHUNK_BYTES", 1 << 13)
    monkeypatch.setattr(fingerprint.xxhash, "xxh3_128", Slow)
    monkeypatch.setattr(os, "fsync", slow_flush)
    with InlineBackend(1) as backend:
        outcome = run([task], backend=backend)[task.key]
    assert isinstance(outcome, Ready), outcome
    assert outcome.seconds > 3


def test_reading_a_long_file_without_an_index_is_no_stall(make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every packet of a stream is counted; on a slow share that takes minutes, and can be stopped."""
    note = tracks._note

    def slow(track: tracks.Track, packet: Any) -> None:
        time.sleep(0.1)
        note(track, packet)

    task = ProbeTask(path=str(make_clip("long.mkv", frames=25)), stall_seconds=1.0)
    monkeypatch.setattr(tracks, "_note", slow)
    with InlineBackend(1) as backend:
        assert isinstance(run([task], backend=backend)[task.key], Probed)
    stopped = registry.outcome_of(task, registry.KINDS[task.kind], lambda done: None, lambda: True)
    assert isinstance(stopped, Failed)
    assert stopped.error == "TaskCancelledError"


def test_failures_name_the_file_and_leave_nothing(tmp_path: Path, make_clip: MakeClip, make_task: MakeTask) -> None:
    clip = make_clip("gone.mp4", seed=9)
    task = make_task(clip, tmp_path)
    clip.unlink()
    gone = here(task)
    assert isinstance(gone, Failed)
    assert (gone.error, gone.path) == ("OfflineMediaError", str(clip))
    assert isinstance(here(ProbeTask(path=str(clip))), Failed)
    clip.write_bytes(b"no movie at all" * 100)
    assert isinstance(here(ProbeTask(path=str(clip))), Failed)
    changed = here(task)
    assert isinstance(changed, Failed)
    assert list(Workspace.open(tmp_path).proxies.iterdir()) == []


def test_media_are_probed_in_workers(make_clip: MakeClip) -> None:
    task = ProbeTask(path=str(make_clip("probe.mp4")))
    with ProcessBackend(1) as backend:
        outcome = run([task], backend=backend)[task.key]
    assert isinstance(outcome, Probed), outcome
    assert outcome.media.picture
    assert outcome.media.picture.frame_count == 20


PROGRAM = """
    import json, sys
    from otio_perf.model import wire
    from otio_perf.model.tasks import ProxyTask
    from otio_perf.render_queue.backend import ProcessBackend
    from otio_perf.render_queue.runner import run
    tasks = [wire.loads(ProxyTask, text) for text in json.loads(sys.stdin.read())]
    print("begins", flush=True)
    with ProcessBackend(2) as backend:
        outcomes = run(tasks, backend=backend)
    print(json.dumps([wire.to_json(o) for o in outcomes.values()]), flush=True)
"""


def program(tasks: list[ProxyTask]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdin
    process.stdin.write(json.dumps([wire.dumps(t) for t in tasks]))
    process.stdin.close()
    process.stdin = None
    return process


def test_two_runs_at_once_make_each_proxy_once(tmp_path: Path, make_clip: MakeClip, make_task: MakeTask) -> None:
    clips = [make_clip(f"{folder}/A00{i}.mp4", seed=10 * i + j) for i in range(3) for j, folder in enumerate("xy")]
    tasks = [make_task(clip, tmp_path) for clip in clips]
    runs = [program(tasks), program(list(reversed(tasks)))]
    notes = []
    for process in runs:
        out, err = process.communicate(timeout=100)
        assert (process.returncode, err) == (0, "")
        for outcome in json.loads(out.splitlines()[-1]):
            assert outcome["type"] == "Ready", outcome
            notes += [outcome["notes"] == ["made by another run in the meantime"]]
    assert sorted(notes) == [False] * 6 + [True] * 6
    with Index.open(tmp_path) as index:
        assert len(index.products.all()) == 6
        assert housekeeping.verify(index, lambda p: digest(str(p))) == ()
        assert len(list(index.workspace.proxies.iterdir())) == 6


def children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
            if int(fields[1]) == pid and b"spawn_main" in (stat.parent / "cmdline").read_bytes():
                found.append(int(stat.parent.name))
        except OSError:
            continue
    return found


def wait_for_part(folder: Path, process: subprocess.Popen[str]) -> None:
    while process.poll() is None and not any(is_part(p.name) for p in folder.iterdir()):
        time.sleep(0.005)


@POSIX_KILL
@pytest.mark.slow
@pytest.mark.parametrize(("victim", "kills"), [("worker", 8), ("parent", 20)])
def test_kill_9_at_any_moment_leaves_nothing_half_made_and_the_next_run_heals(
    tmp_path: Path, make_clip: MakeClip, make_task: MakeTask, victim: str, kills: int
) -> None:
    clip = make_clip("long.mp4", frames=300, size=(640, 360))
    task = make_task(clip, tmp_path / "first")
    process = program([task])
    assert process.stdout
    process.stdout.readline()
    began = time.monotonic()
    process.communicate(timeout=60)
    whole_seconds = time.monotonic() - began
    orphans = 0
    for number in range(kills):
        root = tmp_path / f"w{number % 4}"
        if number % 4 == number:
            Workspace.open(root)
        else:
            with Index.open(root) as index:
                housekeeping.clear(index, "proxies")
        task = make_task(clip, root)
        process = program([task])
        assert process.stdout
        process.stdout.readline()
        if number % 2 and victim == "parent":
            time.sleep(whole_seconds * (number + 0.5) / kills)
        else:  # while it is written, however slowly this machine starts programs
            wait_for_part(root / "proxies", process)
        if victim == "parent":
            process.kill()
            process.communicate(timeout=60)
        else:
            if Path("/proc").exists():
                for pid in children(process.pid):
                    os.kill(pid, signal.SIGKILL)
            out, err = process.communicate(timeout=60)
            assert (process.returncode, err) == (0, "")
            assert '"type": "Ready"' in out
        workspace = Workspace.open(root)
        deadline = time.monotonic() + 5
        orphans += workspace.clean_orphans(is_part)
        while any(is_part(p.name) for p in workspace.proxies.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.05)  # a worker that has just been told to die
            orphans += workspace.clean_orphans(is_part)
        for path in workspace.proxies.iterdir():
            video = probe(str(path)).picture
            assert video
            assert video.frame_count == 300
        outcome = here(task)
        assert isinstance(outcome, Ready), outcome
        with Index.open(root) as index:
            assert [p.key for p in index.products.all()] == [task.products[0].key]
            assert housekeeping.verify(index, lambda p: digest(str(p))) == ()
        assert [p.name for p in workspace.proxies.iterdir()] == ["long_half.mov"]
        assert list((root / "locks").iterdir()) == []
    assert orphans
