"""Which Kdenlive is meant, where several run, one hangs, one is in a sandbox, or a lock lies about that was of another."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from kdenlive_peer import Peer
from live_project import files, home, restore

from otio_perf.errors import HostBusyError, HostError, MissingDependencyError
from otio_perf.hosts.kdenlive import bus, findings, once, toggling
from otio_perf.model.hosts import Applied, Packaging

Start = Callable[..., Peer]
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@pytest.fixture
def silent(kdenlive: Start, monkeypatch: pytest.MonkeyPatch) -> Peer:
    """A second one, with a dialog."""
    monkeypatch.setattr(bus, "_LOOK_SECONDS", 0.5)
    return kdenlive(title="other [*]/ HD", pid=4_000_001, is_deaf=True)


def test_one_that_hangs_stops_no_other(edit: Path, address: str, kdenlive: Start, silent: Peer) -> None:
    host = kdenlive()
    with pytest.raises(HostBusyError, match="does not answer"):
        restore(address)  # it may be meant
    assert restore(address, pid=host.pid).state is Applied.APPLIED
    assert restore(address, project=edit).state is Applied.UNCHANGED
    silent.is_deaf, silent.title = False, "Kdenlive"  # nothing is open yet
    assert restore(address, pid=host.pid).state is Applied.UNCHANGED
    with pytest.raises(HostBusyError, match="just opening a project"):
        restore(address, pid=silent.pid)
    host.title = "third [*]/ HD"
    with pytest.raises(HostBusyError, match="just opening a project"):
        restore(address, project=edit)  # it may open this one


def lock(project: Path, pid: int, *, boot: str) -> Path:
    """As Qt writes it for a document with changes."""
    folder = home().data_folder / "stalefiles" / "kdenlive"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"731d1b066095eaf7.kdenliveQ5pfile_{quote(str(project.parent), safe='')}b7lMgFQ5.lock"
    path.write_text(f"{pid}\nkdenlive\nvm\n0123456789abcdef\n{boot}\n")
    return path


def test_another_version_of_the_project_is_not_saved(edit: Path, address: str, kdenlive: Start) -> None:
    """v1 is open, with changes; v2, of the same name, is to be changed."""
    if not BOOT_ID.is_file():
        pytest.skip("NO BOOT ID: /proc is not Linux's")
    newer = edit.with_name("v2") / edit.name
    newer.parent.mkdir()
    shutil.copy(edit, newer)
    host = kdenlive(is_modified=True, acts={"file_save": lambda: None})
    lock(edit, host.pid, boot=BOOT_ID.read_text().strip())
    before = edit.read_bytes()
    found = restore(address, project=newer, save=True)
    assert (found.state, edit.read_bytes()) == (Applied.ON_DISK, before)
    assert not any("activateAction" in asked for asked in host.asked)


def test_a_lock_that_a_crash_left(edit: Path, address: str, kdenlive: Start) -> None:
    """Before the machine was started anew, or on another one with the same home: the number is another's now."""
    other = edit.with_name("old") / edit.name
    other.parent.mkdir()
    shutil.copy(edit, other)
    host = kdenlive()
    lock(other, host.pid, boot="01234567-89ab-cdef-0123-456789abcdef")
    assert restore(address).project == str(edit)


def test_one_in_a_sandbox(edit: Path, address: str, kdenlive: Start) -> None:
    """Nobody can ask it what it has open: nothing is changed under its hands, and nothing is said that is not known."""
    was = files(edit.parent)
    host = kdenlive(name="org.kde.kdenlive.kdbus-_1_42")
    with pytest.raises(HostError, match="runs in a sandbox, and cannot be asked what it has open"):
        restore(address)
    found = restore(address, project=edit)
    kept = edit.with_name("edit.perf.kdenlive")
    assert (found.state, found.written) == (Applied.BESIDE, str(kept))
    assert "close the project there, and open edit.perf.kdenlive" in found.message
    assert files(edit.parent) == {**was, kept.name: kept.read_bytes()}
    assert host.asked == []
    with toggling._Target.of(home(address), None) as target:
        assert target.why_not() == "Kdenlive in a sandbox cannot be told"
    kdenlive()
    assert restore(address, project=edit).state is Applied.APPLIED  # by one that can be asked


def test_recent_files_of_a_snap(edit: Path, address: str, kdenlive: Start) -> None:
    kdenlive()
    (Path(os.environ["XDG_CONFIG_HOME"]) / "kdenliverc").unlink()
    with pytest.raises(HostError, match="where its file is, it does not say"):
        restore(address)
    own = Path(os.environ["HOME"], "snap/kdenlive/current/.config/kdenlive-snaprc")
    own.parent.mkdir(parents=True)
    own.write_text(f"[Recent Files]\nFile1[$e]={edit}\n")
    assert restore(address).state is Applied.APPLIED


def test_a_machine_without_jeepney(edit: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jeepney", None)
    monkeypatch.delitem(sys.modules, "otio_perf.hosts.kdenlive.connection", raising=False)
    was = files(edit.parent)
    with pytest.raises(MissingDependencyError, match=r"jeepney is missing\. pip install jeepney"):
        restore(address, project=edit)
    assert files(edit.parent) == was
    assert findings._session_bus(home(address), Packaging.SYSTEM) == (
        False,
        "Kdenlive cannot be asked: jeepney is missing",
        "pip install jeepney",
    )


def test_notes_of_other_projects_do_not_pile_up(
    edit: Path, address: str, kdenlive: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    kdenlive()
    monkeypatch.setattr(once, "_SAME_SECONDS", 0.1)
    for number in range(3):
        project = edit.with_name(f"edit{number}.kdenlive")
        shutil.copy(edit, project)
        assert restore(address, project=project).state is Applied.ON_DISK
        time.sleep(0.2)
    left = [path.name for path in once.notes_folder().iterdir() if not path.name.endswith(".backups.json")]
    assert len(left) == 1
