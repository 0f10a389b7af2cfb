"""What a user does while his project is worked on is never written over, and nobody sees more of it than he allows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from kdenlive_peer import NO_ANSWER, Peer
from live_project import at, files, restore

from otio_perf.errors import OtioPerfError
from otio_perf.hosts.kdenlive import live, putting
from otio_perf.hosts.kdenlive.bus import Bus
from otio_perf.model.events import Stage
from otio_perf.model.hosts import Applied


@pytest.mark.parametrize("how", ["edited", "saved", "deaf", "another project"])
def test_what_somebody_does_meanwhile_wins(
    edit: Path, address: str, kdenlive: Callable[..., Peer], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(Bus.call.__kwdefaults__, "seconds", 1.0)
    before, plain = edit.read_bytes(), edit.with_name("plain.kdenlive").read_bytes()
    host = kdenlive()
    his = before + b"<!-- his -->"

    def meanwhile() -> None:
        match how:
            case "edited":
                host.is_modified = True
            case "saved":
                edit.write_bytes(his)
            case "deaf":
                host.is_deaf = True
            case _:
                host.title = ""  # while it reads another one

    found = restore(address, listener=at(Stage.RELINK, meanwhile))
    kept = edit.with_name("edit.perf.kdenlive")
    assert (found.state, found.written, found.backup) == (Applied.KEPT, str(kept), "")
    assert kept.read_bytes() == plain
    assert edit.read_bytes() == (his if how == "saved" else before)
    assert set(files(edit.parent)) == {"edit.kdenlive", "plain.kdenlive", "edit.perf.kdenlive"}
    assert not any("activateAction" in asked for asked in host.asked)

    host.is_modified, host.is_deaf, host.title = False, False, "edit [*]/ HD"
    assert restore(address).state is Applied.APPLIED  # at once: that was another version


def test_a_program_that_is_closed_meanwhile(edit: Path, address: str, kdenlive: Callable[..., Peer]) -> None:
    before, plain = edit.read_bytes(), edit.with_name("plain.kdenlive").read_bytes()
    host = kdenlive()
    found = restore(address, listener=at(Stage.RELINK, host.close))
    assert (found.state, found.program, edit.read_bytes()) == (Applied.ON_DISK, "", plain)
    assert Path(found.backup).read_bytes() == before


def test_a_program_that_dies_while_it_reads(edit: Path, address: str, kdenlive: Callable[..., Peer]) -> None:
    plain = edit.with_name("plain.kdenlive").read_bytes()
    host = kdenlive()

    def die() -> object:
        host.close()
        return NO_ANSWER

    host.acts["file_revert"] = die
    found = restore(address)
    assert (found.state, edit.read_bytes()) == (Applied.ON_DISK, plain)
    assert "closed meanwhile" in found.message


def test_a_question_instead_of_reading(
    edit: Path, address: str, kdenlive: Callable[..., Peer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """He began to edit in the last moment: Kdenlive asks him whether it may throw that away."""
    monkeypatch.setattr(putting, "_REVERT_SECONDS", 0.3)
    kdenlive(acts={"file_revert": lambda: NO_ANSWER})
    found = restore(address)
    assert found.state is Applied.ON_DISK
    assert "answer what it asks" in found.message


def test_a_project_that_is_moved_meanwhile(edit: Path, address: str, kdenlive: Callable[..., Peer]) -> None:
    was = files(edit.parent)
    kdenlive()
    moved = edit.parent.with_name("moved")
    with pytest.raises(OtioPerfError):
        restore(address, listener=at(Stage.WRITE, lambda: edit.parent.rename(moved)))
    assert {name: data for name, data in files(moved).items() if name in was} == was


def test_a_save_while_kdenlive_is_asked(edit: Path, address: str, kdenlive: Callable[..., Peer]) -> None:
    """It answers nothing while it saves; then that nothing is to be saved."""
    before, plain = edit.read_bytes(), edit.with_name("plain.kdenlive").read_bytes()
    his = before + b"<!-- his -->"
    host = kdenlive()

    def save() -> None:
        if any(edit.parent.glob(".edit*.part.kdenlive")):  # the last look
            edit.write_bytes(his)

    host.acts["Get windowModified"] = save
    found = restore(address)
    assert (found.state, edit.read_bytes()) == (Applied.KEPT, his)
    assert edit.with_name("edit.perf.kdenlive").read_bytes() == plain
    assert "activateAction file_revert" not in host.asked


@pytest.mark.parametrize("how", ["edited", "saved"])
def test_in_the_moment_before_it_is_read_anew(edit: Path, address: str, kdenlive: Callable[..., Peer], how: str) -> None:
    before, plain = edit.read_bytes(), edit.with_name("plain.kdenlive").read_bytes()
    his = before + b"<!-- his -->"
    host = kdenlive()

    def act() -> None:
        if edit.read_bytes() == plain:
            if how == "saved":
                edit.write_bytes(his)
            else:
                host.is_modified = True

    host.acts["Get windowModified"] = act
    found = restore(address)
    assert "activateAction file_revert" not in host.asked
    if how == "saved":
        assert (found.state, edit.read_bytes()) == (Applied.KEPT, his)
        assert edit.with_name("edit.perf.kdenlive").read_bytes() == plain
    else:
        assert (found.state, edit.read_bytes(), found.is_told) == (Applied.ON_DISK, plain, False)
        assert "you have edited since" in found.message
        assert Path(found.backup).read_bytes() == before
        assert edit.stat().st_atime > edit.stat().st_mtime - 3600  # the mark of our looking for reads is gone


@pytest.mark.parametrize("is_saved_meanwhile", [False, True])
def test_a_private_project_stays_private(
    edit: Path, address: str, kdenlive: Callable[..., Peer], *, is_saved_meanwhile: bool
) -> None:
    edit.chmod(0o600)
    kdenlive()
    seen: list[int] = []

    def look() -> None:
        seen.extend(path.stat().st_mode & 0o777 for path in edit.parent.glob(".*"))
        if is_saved_meanwhile:
            edit.write_bytes(edit.read_bytes() + b"<!-- his -->")

    found = restore(address, listener=at(Stage.RELINK, look))
    assert found.state is (Applied.KEPT if is_saved_meanwhile else Applied.APPLIED)
    assert seen
    ours = [path for path in edit.parent.glob("*.kdenlive") if path.name != "plain.kdenlive"]
    assert len(ours) == 2
    assert {*seen, *(path.stat().st_mode & 0o777 for path in ours)} == {0o600}


def test_the_newest_backups_stay(edit: Path, address: str, kdenlive: Callable[..., Peer]) -> None:
    """And one that the user has worked on."""
    before = edit.read_bytes()
    kdenlive()
    his = edit.with_name("edit.before-otio_perf-2.kdenlive")
    for number in range(1, 7):
        edit.write_bytes(before + b"<!-- %d -->" % number)
        found = restore(address)
        assert Path(found.backup).read_bytes() == before + b"<!-- %d -->" % number
        if number == 3:
            his.write_bytes(b"his")
    there = {path.name for path in edit.parent.glob("edit.before*")}
    assert there == {his.name, *(f"edit.before-otio_perf-{number}.kdenlive" for number in (4, 5, 6))}
    assert his.read_bytes() == b"his"


def test_hidden_copies(edit: Path, address: str, kdenlive: Callable[..., Peer], monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of another editor in a shared folder stay; those of a run that was killed long ago go; nobody knows their names."""
    kdenlive()
    others = edit.with_name(".edit.01234567.otio_perf.kdenlive")
    others.write_bytes(b"at work")
    precious = edit.with_name("precious")
    precious.write_bytes(b"precious")

    def plant() -> None:
        copies = [path.name for path in edit.parent.glob(".edit.*")]
        for name in (*copies, *(name.replace(".kdenlive", "-new.kdenlive") for name in copies)):
            if not edit.with_name(name).exists():
                edit.with_name(name).symlink_to(precious)

    assert restore(address, listener=at(Stage.RELINK, plant)).state is Applied.APPLIED
    assert (others.read_bytes(), precious.read_bytes()) == (b"at work", b"precious")
    monkeypatch.setattr(live, "_STALE_SECONDS", -1.0)
    restore(address)
    assert not others.exists()
