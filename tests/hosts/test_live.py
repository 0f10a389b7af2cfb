"""A project that Kdenlive has open is changed only where nobody else has touched it, and Kdenlive is asked for little."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import colours
import pytest
from kdenlive_peer import NO_ANSWER, Peer
from live_project import PROJECT, files, home, restore

from otio_perf import hosts
from otio_perf.errors import (
    CacheError,
    DiskFullError,
    HostBusyError,
    HostError,
    OtioPerfError,
    SettingsError,
    UnwritableTimelineError,
)
from otio_perf.hosts.kdenlive import live
from otio_perf.hosts.kdenlive.bus import TOGGLE_PROXY, Bus
from otio_perf.hosts.kdenlive.documents import name_in
from otio_perf.model.hosts import Applied, HostReport

#: All that may ever be asked of a Kdenlive.
SAFE = {
    *("Get windowTitle", "Get windowModified", "Get applicationVersion"),
    *(
        f"{verb} {action}"
        for verb in ("actionIsEnabled", "activateAction")
        for action in ("file_save", "file_revert", "proxy_clip")
    ),
}


def test_changed_in_its_place_and_shown(edit: Path, address: str, kdenlive: Callable[..., Peer]) -> None:
    before, plain = edit.read_bytes(), edit.with_name("plain.kdenlive").read_bytes()
    edit.chmod(0o640)
    seen: list[bytes] = []
    host = kdenlive(acts={"file_revert": lambda: seen.append(edit.read_bytes())})
    found = restore(address)
    assert (found.state, found.program) == (Applied.APPLIED, f"Kdenlive 26.08.2 (process {host.pid})")
    assert found.changed_clips
    assert seen == [plain] == [edit.read_bytes()]
    assert edit.stat().st_mode & 0o777 == 0o640
    backup = edit.with_name("edit.before-otio_perf.kdenlive")
    assert (Path(found.backup), backup.read_bytes()) == (backup, before)
    assert set(files(edit.parent)) == {"edit.kdenlive", "plain.kdenlive", backup.name}
    assert set(host.asked) <= SAFE

    assert restore(address).state is Applied.UNCHANGED
    edit.write_bytes(before)
    assert Path(restore(address).backup) == backup  # the same need not be kept twice
    edit.write_bytes(before + b"<!-- edited -->")
    assert Path(restore(address).backup).name == "edit.before-otio_perf-2.kdenlive"
    assert backup.read_bytes() == before


def test_nothing_to_render(edit: Path, address: str, kdenlive: Callable[..., Peer]) -> None:
    version = '<property name="kdenlive:docproperties.version">'
    identity = '<property name="kdenlive:docproperties.documentid">1795359544104</property>'
    plain = edit.with_name("plain.kdenlive").read_text(encoding="utf-8")
    edit.write_text(plain.replace(version, identity + version), encoding="utf-8")
    before, host = edit.read_bytes(), kdenlive()
    found = hosts.apply("kdenlive", "prerender", all=True, home=home(address))
    assert (found.state, found.message) == (Applied.UNCHANGED, "nothing was to be rendered ahead")
    assert edit.read_bytes() == before
    assert not any("file_revert" in one for one in host.asked)


def test_what_was_missing_is_there_again(edit: Path, address: str) -> None:
    """It is said, where the project itself needs no change."""
    colours.make(edit.with_name("a.mp4"), frames=20)
    edit.write_text(PROJECT.format(folder=edit.parent))
    cache = Path(os.environ["XDG_CACHE_HOME"], "kdenlive")
    cache.mkdir()

    def optimize() -> HostReport:
        return hosts.apply("kdenlive", "optimize", project=edit, all=True, proxy=["half"], home=home(address))

    assert optimize().state is Applied.ON_DISK
    (proxy,) = (cache / "proxy").iterdir()
    nothing = "nothing was to be done: no medium needs a proxy here that it has not got"
    assert (optimize().state, optimize().message) == (Applied.UNCHANGED, nothing)
    for lost in ([proxy], [proxy, *(edit.parent / ".otio_perf" / "proxies").iterdir()]):
        for path in lost:
            path.unlink()
        found = optimize()
        assert (found.state, proxy.is_file()) == (Applied.UNCHANGED, True)
        assert found.message.startswith("1 proxy that was missing is there now; the project needed no change")


def test_changes_that_are_not_saved(edit: Path, address: str, kdenlive: Callable[..., Peer]) -> None:
    was = files(edit.parent)
    host = kdenlive(is_modified=True)
    with pytest.raises(HostBusyError, match=r"has changes that are not saved\. Save it in Kdenlive, or say --save"):
        restore(address)
    assert files(edit.parent) == was
    assert not any("activateAction" in asked for asked in host.asked)

    def save() -> None:
        edit.write_bytes(edit.read_bytes().replace(b'name="length">20', b'name="length">21'))
        host.is_modified = False

    host.acts["file_save"] = save
    found = restore(address, save=True)
    assert found.state is Applied.APPLIED
    assert edit.read_bytes() == edit.with_name("plain.kdenlive").read_bytes().replace(b">20<", b">21<")


def test_saving_that_does_not_work(
    edit: Path, address: str, kdenlive: Callable[..., Peer], monkeypatch: pytest.MonkeyPatch
) -> None:
    was = files(edit.parent)
    monkeypatch.setattr(live, "_SAVE_SECONDS", 0.3)
    monkeypatch.setattr(live, "_SETTLE_SECONDS", 0.3)
    host = kdenlive(is_modified=True)
    with pytest.raises(HostBusyError, match="Kdenlive cannot save now"):  # grey: a sequence of its own is edited, say
        restore(address, save=True)
    host.acts["file_save"] = lambda: NO_ANSWER
    with pytest.raises(HostBusyError, match="a dialog is open"):
        restore(address, save=True)
    host.acts["file_save"] = lambda: None
    with pytest.raises(HostBusyError, match="did not save"):
        restore(address, save=True)

    def save_elsewhere() -> None:
        host.is_modified = False

    host.acts["file_save"] = save_elsewhere
    with pytest.raises(HostError, match="but not to this file"):
        restore(address, save=True)
    assert files(edit.parent) == was


@pytest.mark.parametrize("title", ["", "Kdenlive"])
def test_a_program_that_is_opening_something(edit: Path, address: str, kdenlive: Callable[..., Peer], title: str) -> None:
    """It may be this project."""
    was = files(edit.parent)
    kdenlive(title=title)
    for words in ({}, {"project": edit}):
        with pytest.raises(HostBusyError, match="just opening a project"):
            restore(address, **words)
    assert files(edit.parent) == was


def test_another_project_of_the_same_name(edit: Path, address: str, kdenlive: Callable[..., Peer]) -> None:
    """Kdenlive does not say which file it has open; that it read another one shows."""
    before, plain = edit.read_bytes(), edit.with_name("plain.kdenlive").read_bytes()
    written_at = edit.stat().st_mtime_ns
    host = kdenlive(acts={"file_revert": lambda: None})
    with pytest.raises(HostError, match="has another project of that name open; nothing was changed"):
        restore(address)
    assert (edit.read_bytes(), edit.stat().st_mtime_ns) == (before, written_at)
    found = restore(address, project=edit)
    assert edit.stat().st_atime > written_at / 1e9 - 3600  # programs that remove what nobody reads go by it
    assert (found.state, edit.read_bytes()) == (Applied.ON_DISK, plain)
    assert "has another project of that name open" in found.message
    assert host.asked.count("activateAction file_revert") == 2


def test_the_lock_of_an_automatic_backup(edit: Path, address: str, kdenlive: Callable[..., Peer]) -> None:
    """It is of this process alone: no list of recent files counts against it."""
    folder = edit.with_name("a b")
    folder.mkdir()
    other = Path(shutil.copy(edit, folder))
    host = kdenlive(is_modified=True)
    locks = home().data_folder / "stalefiles" / "kdenlive"
    locks.mkdir(parents=True)
    name = f"731d1b066095eaf7.kdenliveQ5pfile_{quote(str(folder), safe='')}b7lMgFQ5.lock"
    (locks / name).write_text(f"{host.pid}\nkdenlive\nvm\n")
    (locks / name.replace("Q5p", "xxx")).write_text("1\nkdenlive\n")
    with pytest.raises(HostBusyError) as refused:
        restore(address)
    assert refused.value.path == str(other)


@pytest.mark.parametrize("title", ["/", "../../etc/passwd [*]/ HD", "edit\n[*]/ HD", "edit [*] [*]/ x", "%n%s [*]/ x"])
def test_titles_that_name_no_project_of_his(edit: Path, address: str, kdenlive: Callable[..., Peer], title: str) -> None:
    was = files(edit.parent)
    host = kdenlive(title=title)
    with pytest.raises(HostError):
        restore(address)
    assert files(edit.parent) == was
    assert restore(address, project=edit).state is Applied.ON_DISK
    assert not any("activateAction" in asked for asked in host.asked)


def test_recent_files(edit: Path, address: str, kdenlive: Callable[..., Peer]) -> None:
    """As KDE writes them; several of one name are not guessed at."""
    kdenlive(is_modified=True)
    config = Path(os.environ["XDG_CONFIG_HOME"])
    own = Path(os.environ["HOME"], "a $ b", "edit.kdenlive")
    own.parent.mkdir(parents=True)
    shutil.copy(edit, own)
    (config / "kdenliverc").write_text("[Recent Files]\nFile1[$e]=$HOME/a $$ b/edit.kdenlive\nName1[$e]=edit.kdenlive\n")
    with pytest.raises(HostBusyError) as refused:
        restore(address)
    assert refused.value.path == str(own)
    (config / "kdenlive-appimagerc").write_text(f"[Recent Files]\nFile1[$e]={edit}\n")
    with pytest.raises(HostError, match="which file, it does not say") as unclear:
        restore(address)
    assert str(own) in str(unclear.value)
    assert str(edit) in str(unclear.value)


def test_the_name_in_a_title() -> None:
    assert name_in("cut [*]/ HD 1080p 25 fps") == "cut"
    assert name_in("cut / HD 1080p 25 fps") == "cut"
    assert name_in("my cut [*] [*]/ x") == "my cut [*]"
    assert name_in("Kdenlive") is None


def test_two_of_them(edit: Path, address: str, kdenlive: Callable[..., Peer]) -> None:
    other = kdenlive(title="other [*]/ HD", pid=4_000_001)
    host = kdenlive()
    with pytest.raises(HostError, match="2 Kdenlives have projects open"):
        restore(address)
    with pytest.raises(HostError, match="has other open"):
        restore(address, project=edit, pid=other.pid)
    with pytest.raises(HostError, match="where its file is, it does not say"):
        restore(address, pid=other.pid)
    with pytest.raises(HostError, match="runs as process 4000003"):
        restore(address, pid=4_000_003)
    assert restore(address, pid=host.pid).state is Applied.APPLIED
    other.title = "edit [*]/ HD"
    with pytest.raises(HostError, match="2 Kdenlives have a project of that name"):
        restore(address, project=edit)
    assert not any("activateAction" in asked for asked in other.asked)


def test_without_a_bus(edit: Path) -> None:
    before, plain = edit.read_bytes(), edit.with_name("plain.kdenlive").read_bytes()
    with pytest.raises(HostError, match="no session bus"):
        restore()
    found = restore(project=edit)
    assert (found.state, Path(found.written).read_bytes()) == (Applied.BESIDE, plain)
    assert edit.read_bytes() == before
    assert "close the project there, and open edit.perf.kdenlive" in found.message


def test_a_folder_that_takes_no_file(edit: Path, address: str) -> None:
    """Read-only shares are not to be had in a test; names that no copy can have are."""
    project = edit.rename(edit.with_name("e" * 245 + ".kdenlive"))
    with pytest.raises(OtioPerfError, match="nothing can be written beside it"):
        restore(address, project=project)
    assert set(files(project.parent)) == {project.name, "plain.kdenlive"}


@pytest.mark.parametrize("what", ["optimize", "restore"])
def test_a_backup_that_cannot_be_kept(edit: Path, address: str, what: str) -> None:
    """A number that no name has room for; in life, a folder that has become read-only."""
    project = edit.rename(edit.with_name("e" * 219 + ".kdenlive"))
    colours.make(edit.with_name("a.mp4"), frames=20)
    project.with_name(f"{project.stem}.before-otio_perf-999999999.kdenlive").write_text("of somebody")
    how: dict[str, Any] = {}
    if what == "optimize":
        project.write_text(PROJECT.format(folder=project.parent))
        how = {"all": True, "proxy": ["half"]}
    was = files(project.parent)
    with pytest.raises(UnwritableTimelineError, match=r"File name too long.*; your project is as it was") as refused:
        hosts.apply("kdenlive", what, project=project, home=home(address), **how)
    assert f"Make {project.parent} writable, where what it was before is kept, too; or otio-perf " in str(refused.value)
    assert ("host place" if what == "optimize" else f"restore {project.name} -o") in str(refused.value)
    assert files(project.parent) == was


def test_a_cache_that_takes_no_file(edit: Path, address: str) -> None:
    folder = Path(os.environ["XDG_CACHE_HOME"], "otio_perf", "hosts")
    folder.write_text("in the way")
    was = files(edit.parent)
    with pytest.raises(CacheError, match=f"Make {folder} a folder that can be written to; otio-perf optimize, prerender and"):
        restore(address, project=edit)
    assert files(edit.parent) == was


def test_a_full_disk(edit: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(path: Path, data: bytes, *, mode: int | None = None) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(live, "write_bytes", write)
    with pytest.raises(DiskFullError, match="the disk is full") as refused:
        restore(address, project=edit)
    assert refused.value.hint == "Make room there"


def test_not_shown_yet_is_not_done(edit: Path, run_command: Callable[..., Any]) -> None:
    environment = dict(home().variables)
    done = run_command(["host", "apply", "kdenlive", "restore", "--project", str(edit)], env=environment, cwd=edit.parent)
    assert (done.returncode, edit.with_name("edit.perf.kdenlive").exists()) == (4, True), done.stderr


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("optimize", {"zone": True}),
        ("restore", {"all": True}),
        ("prerender", {"media": ["a.mp4"]}),
        ("proxies", {"project": "edit.kdenlive"}),
        ("proxies", {"save": True}),
    ],
)
def test_nothing_that_is_said_is_ignored(edit: Path, what: str, said: dict[str, Any]) -> None:
    was = files(edit.parent)
    with pytest.raises(SettingsError, match=f"{what} takes no --{next(iter(said))}"):
        hosts.apply("kdenlive", what, home=home(), **said)
    assert files(edit.parent) == was


def test_a_project_of_a_newer_kdenlive(edit: Path, address: str, kdenlive: Callable[..., Peer]) -> None:
    colours.make(edit.with_name("a.mp4"), frames=20)
    edit.write_text(PROJECT.format(folder=edit.parent).replace(">1.04<", ">9.9<"))
    was = files(edit.parent)
    host = kdenlive(version="99.04.0")
    with pytest.raises(OtioPerfError, match="newer"):
        hosts.apply("kdenlive", "optimize", all=True, proxy=["half"], home=home(address))
    assert files(edit.parent) == was
    assert not any("activateAction" in asked for asked in host.asked)


def test_clips_that_are_selected_together(edit: Path, address: str, kdenlive: Callable[..., Peer]) -> None:
    """A menu command comes once for each of them, at once or one after the other: it is done once."""
    host = kdenlive()
    found: list[HostReport] = []
    threads = [threading.Thread(target=lambda: found.append(restore(address, once=True))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found.append(restore(address, once=True))
    assert [one.state for one in found] == [Applied.APPLIED, *[Applied.UNCHANGED] * 3]
    assert {one.message for one in found[1:]} == {"was done a moment ago, for another of the selected clips"}
    assert restore(address).message == "it has nothing of ours"  # who asks by himself gets an answer
    assert "a moment ago" not in restore(address, once=True, quality=20).message
    assert host.asked.count("activateAction file_revert") == 1


def test_nothing_else_is_ever_used(address: str, kdenlive: Callable[..., Peer]) -> None:
    host = kdenlive(acts={"addEffect": lambda: None, TOGGLE_PROXY: lambda: None})
    bus = Bus.open({"DBUS_SESSION_BUS_ADDRESS": address})
    assert bus is not None
    with bus:
        (program,) = bus.programs()
        with pytest.raises(HostError, match="none of the actions that are known to be safe"):
            program.do("addEffect")
        program.do(TOGGLE_PROXY)
    assert host.asked == ["actionIsEnabled proxy_clip", "activateAction proxy_clip"]
