"""The workspace folder: made once, locked, named after people's files, cleaned of what crashes left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otio_perf.cache import names
from otio_perf.cache.workspace import Workspace
from otio_perf.errors import CacheError, TaskCancelledError
from otio_perf.model.recipes import Codec, ProxyRecipe
from otio_perf.model.timing import FrameRange

RECIPE = ProxyRecipe(rung="1080p")


def is_part(name: str) -> bool:
    return name.startswith(".") and ".part." in name


def free(_: Path) -> None:
    return None


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "ws")


def test_many_openers_agree_on_one_workspace(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: Workspace.open(tmp_path / "deep" / "ws"), range(24)))
    assert len({w.id for w in found}) == 1
    assert Workspace.open(tmp_path / "deep" / "ws").id == found[0].id


@pytest.mark.parametrize("marker", [b"", b"\0" * 40, b'{"schema_version": 1', b"[]"])
def test_a_damaged_marker_is_written_anew(tmp_path: Path, marker: bytes) -> None:
    workspace = Workspace.open(tmp_path)
    (tmp_path / "workspace.json").write_bytes(marker)
    again = Workspace.open(tmp_path)
    assert again.id != workspace.id
    assert Workspace.open(tmp_path).id == again.id


def test_a_newer_workspace_is_refused(tmp_path: Path) -> None:
    Workspace.open(tmp_path)
    (tmp_path / "workspace.json").write_text(json.dumps({"schema_version": 2, "id": "x"}))
    with pytest.raises(CacheError, match="newer"):
        Workspace.open(tmp_path)


@pytest.mark.parametrize("bad", ["file/below", "nul\0byte", "x" * 300])
def test_an_impossible_place_is_refused_in_one_line(tmp_path: Path, bad: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CacheError, match="--workspace") as refused:
        Workspace.open(tmp_path / bad)
    assert "\n" not in str(refused.value)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="NO /proc: it is the unwritable folder of this test")
def test_an_unwritable_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match="--workspace"):
        Workspace.open("/proc/self/otio_perf")


def test_names_are_recognisable_and_never_collide(workspace: Workspace) -> None:
    owners: dict[str, str] = {}

    def name(source: str, key: str, recipe: ProxyRecipe = RECIPE, source_range: FrameRange | None = None) -> str:
        path = workspace.name_for(
            source, recipe, key=key, source_range=source_range, taken=lambda p: owners.get(names.same_name(p))
        )
        owners[names.same_name(path)] = key
        assert path.parent == workspace.proxies
        return path.name

    assert name("/a/A001_C002.mp4", "k1") == "A001_C002_1080p.mov"
    second = name("/b/A001_C002.mp4", "k2")
    assert second.startswith("A001_C002_1080p_")
    assert second != name("/b/a001_c002.MXF", "k3")
    assert name("/b/A001_C002.mp4", "k2") == second
    assert name("/a/A001_C002.mp4", "k1") == "A001_C002_1080p.mov"
    assert name("/a/A001_C002.mp4", "k4", ProxyRecipe(rung="1080p", codec=Codec.PRORES_LT)) != "A001_C002_1080p.mov"
    assert name("/a/A001_C002.mp4", "k5", RECIPE, FrameRange(120, 481, Fraction(25))) == "A001_C002_1080p_120-480.mov"
    assert name("/a/caf\u00e9.mp4", "k6") != name("/b/cafe\u0301.mp4", "k7")


@pytest.mark.parametrize(
    ("source", "stem"),
    [
        ("../../x.mp4", "x"),
        ("/m/a\nb.mp4", "a_b"),
        ('/m/it\'s "it".mp4', "it_s _it_"),
        ("/m/shot%04d.png", "shot_04d"),
        ("/m/a:b|c?.mp4", "a_b_c_"),
        ("/m/CON.mp4", "_CON"),
        ("/m/aux.final.mp4", "_aux.final"),
        ("/m/COM1 .x.mp4", "_COM1 .x"),
        ("/m/trailing. .mp4", "trailing"),
        ("/m/-n.mp4", "n"),
        ("/m/.hidden.mp4", "hidden"),
        ("/m/...", "clip"),
        ("/m/caf\u00e9.mp4", "café"),
        ("/m/cafe\u0301.mp4", "café"),
        (os.fsdecode(b"/m/caf\xe9.mp4"), "caf_"),
        ("/m/\u202egpj.mp4", "_gpj"),
        ("/m/日本語 テスト.mov", "日本語 テスト"),
    ],
)
def test_hostile_names_stay_recognisable(source: str, stem: str) -> None:
    assert names.safe_stem(source) == stem


@given(st.text(min_size=1, max_size=400))
def test_any_name_is_made_safe(text: str) -> None:
    stem = names.safe_stem("/folder/" + text)
    assert stem
    assert len(stem.encode()) <= 151
    assert unicodedata.is_normalized("NFC", stem)
    assert not set(stem) & set('/\\<>:"|?*%\0')
    assert stem.isprintable()
    assert stem[0] not in " .-"
    assert stem[-1] not in " ."


def test_255_byte_names_leave_room(workspace: Workspace) -> None:
    path = workspace.name_for("/m/" + "é" * 125 + ".mp4", RECIPE, key="k", taken=free)
    assert len(os.fsencode(path.name)) < 200
    path.write_bytes(b"")


def test_beside_uses_the_base_name_and_never_takes_what_is_not_ours(tmp_path: Path) -> None:
    owners: dict[Path, str] = {}
    source = tmp_path / "A001.mp4"
    path = names.beside_name(str(source), key="k1", taken=owners.get)
    assert path == tmp_path / "Proxy" / "A001.mov"
    owners[path] = "k1"
    path.parent.mkdir()
    path.write_bytes(b"ours")
    assert names.beside_name(str(source), key="k1", taken=owners.get) == path
    with pytest.raises(CacheError, match="another file"):
        names.beside_name(str(tmp_path / "A001.mov"), key="k2", taken=owners.get)
    (tmp_path / "Proxy" / "b002.MOV").write_bytes(b"made by the camera")
    with pytest.raises(CacheError, match="not on record"):
        names.beside_name(str(tmp_path / "B002.mp4"), key="k3", taken=owners.get)
    with pytest.raises(CacheError, match="too long"):
        names.beside_name(str(tmp_path / ("x" * 250 + ".mp4")), key="k4", taken=owners.get)


def test_locks_exclude_threads_and_leave_nothing(workspace: Workspace) -> None:
    inside, most = 0, 0

    def work(_: int) -> None:
        nonlocal inside, most
        with workspace.lock("k"):
            inside += 1
            most = max(most, inside)
            time.sleep(0.005)
            inside -= 1

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(18)))
    assert most == 1
    assert list((workspace.root / "locks").iterdir()) == []


def test_waiting_for_a_lock_can_be_cancelled(workspace: Workspace) -> None:
    stop = threading.Event()
    with workspace.lock("k"):
        with workspace.lock("other"):
            pass
        threading.Timer(0.2, stop.set).start()
        started = time.monotonic()
        with pytest.raises(TaskCancelledError), workspace.lock("k", cancelled=stop.is_set):
            pass
        assert time.monotonic() - started < 1


HOLDER = """
    import sys, time
    from otio_perf.cache.workspace import Workspace
    workspace = Workspace.open(sys.argv[1])
    with workspace.writing(), workspace.lock("k"):
        (workspace.proxies / ".A001.mov.part.1").write_bytes(b"half")
        print("held", flush=True)
        time.sleep(100)
"""


def test_a_killed_owner_frees_its_lock_and_its_temporary_files(workspace: Workspace) -> None:
    command = [sys.executable, "-c", textwrap.dedent(HOLDER), str(workspace.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout and holder.stdout.readline() == "held\n"
        assert workspace.clean_orphans(is_part) == 0
        with pytest.raises(TaskCancelledError), workspace.lock("k", cancelled=lambda: True):
            pass
        holder.kill()
    with workspace.lock("k"):
        pass
    (workspace.proxies / "A001.mov").write_bytes(b"whole")
    assert workspace.clean_orphans(is_part) == 1
    assert [p.name for p in workspace.proxies.iterdir()] == ["A001.mov"]
    assert list((workspace.root / "locks").iterdir()) == []


def test_beside_sources_only_old_temporary_files_go(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "rushes" / "Proxy"
    folder.mkdir(parents=True)
    for name in (".old.mov.part.1", ".new.mov.part.2", "kept.mov"):
        (folder / name).write_bytes(b"")
    os.utime(folder / ".old.mov.part.1", (time.time() - 3600,) * 2)
    os.utime(folder / "kept.mov", (0, 0))
    assert workspace.clean_orphans(is_part, beside=[folder, tmp_path / "missing"]) == 1
    assert {p.name for p in folder.iterdir()} == {".new.mov.part.2", "kept.mov"}
