"""Parts are put into a host and taken away again: what is not ours is never touched, and nothing of ours stays."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otio_perf.errors import HostError
from otio_perf.hosts import installing, own_files, record
from otio_perf.hosts.parts import Entries, OwnFile, Part
from otio_perf.model.hosts import Installation, Packaging
from otio_perf.model.installing import HostChange, Step


class Place:
    """A host whose files are in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "home/.local/share/kdenlive"
        self.record = folder / "ours/otio_perf/hosts.json"
        self.settings, self.script = self.data / "clipjobsettings.rc", self.data / "otio_perf/job.py"
        self.installation = Installation(
            host="kdenlive",
            packaging=Packaging.SYSTEM,
            version="26.08.2",
            program=None,
            config_folder=str(folder / "home/.config"),
            data_folder=str(self.data),
        )

    def parts(self, command: str = "/old/otio-perf", **more: str) -> tuple[Part, ...]:
        jobs = {"otio_perf_a": "Optimize", **more}
        return (
            OwnFile(path=self.script, content=f"#!/bin/sh\nexec {command}\n".encode(), is_executable=True),
            Entries(path=self.settings, values={"Ids": jobs, "Binary": dict.fromkeys(jobs, command)}),
        )

    def install(self, parts: tuple[Part, ...] | None = None, command: str = "/old/otio-perf") -> tuple[HostChange, ...]:
        parts = self.parts(command) if parts is None else parts
        return installing.install(self.installation, parts, command=command, record_file=self.record)

    def uninstall(self) -> tuple[HostChange, ...]:
        return installing.uninstall(self.installation, self.parts(), record_file=self.record)

    def everything(self) -> dict[str, bytes | None]:
        """All that is below ``folder``; ``None`` for a folder."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes() if path.is_file() else None for path in self.folder.rglob("*")
        }


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "home").mkdir()
    (tmp_path / "ours").mkdir()
    return Place(tmp_path)


def steps(changes: tuple[HostChange, ...]) -> list[str]:
    return [change.step.value for change in changes]


def test_nothing_is_left_of_what_was_put_into_an_empty_home(place: Place) -> None:
    before = place.everything()
    assert steps(place.install()) == ["written", "written"]
    assert os.access(place.script, os.X_OK)
    assert b"otio_perf_a=Optimize" in place.settings.read_bytes()
    assert steps(place.uninstall()) == ["removed", "removed"]
    assert place.everything() == before


def test_folders_on_the_way_go_too_with_the_last_host_that_needed_them(place: Place) -> None:
    place.record = place.data.parent / "otio_perf/hosts.json"
    before = place.everything()
    other = Place(place.folder)
    other.data = place.data.parent / "other"
    other.settings, other.script, other.record = other.data / "rc", other.data / "job.py", place.record
    other.installation = replace(place.installation, data_folder=str(other.data))
    place.install()
    other.install()
    place.uninstall()
    other.uninstall()
    assert place.everything() == before


def test_the_second_time_nothing_is_written(place: Place) -> None:
    place.install()
    before = place.everything()
    assert steps(place.install()) == ["unchanged", "unchanged"]
    assert place.everything() == before
    place.uninstall()
    assert place.uninstall() == ()


@given(st.lists(st.sampled_from(["[Ids]", "[Other]", "custom=Mine", "# why", "", "k[$e]=1"]), max_size=10), st.booleans())
def test_a_settings_file_of_somebody_comes_back_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], ends: bool
) -> None:
    place = Place(tmp_path_factory.mktemp("place"))
    (place.folder / "ours").mkdir()
    place.data.mkdir(parents=True)
    place.settings.write_bytes("\n".join(lines).encode() + b"\n" * ends)
    before = place.everything()
    place.install()
    place.install(command="/new/otio-perf")
    place.uninstall()
    assert place.everything() == before


def test_install_after_an_upgrade_moves_the_command_and_takes_away_what_is_no_more(place: Place) -> None:
    before = place.everything()
    place.install(place.parts("/old/otio-perf", otio_perf_b="Gone later", otio_perf_c="Also"), "/old/otio-perf")
    assert steps(place.install(command="/new/otio-perf")) == ["written", "written"]
    assert b"/old" not in place.settings.read_bytes() + place.script.read_bytes()
    assert b"otio_perf_b" not in place.settings.read_bytes()
    (known,) = record.load(place.record)
    assert known.command == "/new/otio-perf"
    place.install((place.parts("/new/otio-perf")[0],), "/new/otio-perf")
    assert not place.settings.exists()
    place.uninstall()
    assert place.everything() == before


def test_what_a_user_changed_stays_and_is_told(place: Place) -> None:
    place.install()
    place.settings.write_bytes(place.settings.read_bytes().replace(b"=Optimize", b"=My word for it"))
    place.script.write_bytes(b"#!/bin/sh\necho mine\n")
    script, settings = place.install(command="/new/otio-perf")
    assert script.step is Step.LEFT
    assert settings.note == "Ids/otio_perf_a was changed: it stays as it is"
    assert b"otio_perf_a=My word for it" in place.settings.read_bytes()
    assert b"otio_perf_a=/new/otio-perf" in place.settings.read_bytes()
    left, removed = place.uninstall()
    assert (left.step, removed.step) == (Step.LEFT, Step.REMOVED)
    assert place.script.read_bytes() == b"#!/bin/sh\necho mine\n"
    assert not place.settings.exists()


def test_a_file_with_our_name_that_is_not_ours_stays(place: Place) -> None:
    place.script.parent.mkdir(parents=True)
    place.script.write_bytes(b"somebody's")
    before = place.everything()
    assert steps(place.install()) == ["left", "written"]
    place.uninstall()
    assert place.everything() == before


def test_what_python_keeps_of_our_scripts_goes_with_them(place: Place) -> None:
    before = place.everything()
    module = OwnFile(path=place.data / "otio_perf/module.py", content=b"x = 1\n")
    place.install((module,))
    compiled = module.path.parent / "__pycache__"
    compiled.mkdir()
    (compiled / "module.cpython-310.pyc").write_bytes(b"")
    (compiled / "module.cpython-312.pyc").write_bytes(b"")
    place.uninstall()
    assert place.everything() == before


def test_what_is_put_into_our_folders_by_somebody_stays_with_them(place: Place) -> None:
    place.install()
    (place.script.parent / "theirs").write_bytes(b"1")
    place.settings.write_bytes(place.settings.read_bytes() + b"\n[Ids]\ncustom=My job\n")
    place.uninstall()
    assert place.everything()["home/.local/share/kdenlive/otio_perf/theirs"] == b"1"
    assert place.settings.read_bytes().strip() == b"[Ids]\ncustom=My job"


def test_it_is_taken_away_though_the_record_was_lost(place: Place) -> None:
    place.install()
    place.record.unlink()
    assert steps(place.uninstall()) == ["removed", "removed"]
    assert place.settings.read_bytes().strip() == b""
    assert not place.script.exists()


def test_a_damaged_record_says_what_to_do(place: Place) -> None:
    place.install()
    place.record.write_text('{"schema": "otio_perf.installed"')
    with pytest.raises(HostError, match=r"is damaged.*Delete it"):
        place.install()
    place.record.write_text('{"schema": "otio_perf.installed", "schema_version": 99, "installed": []}')
    with pytest.raises(HostError, match="newer otio-perf"):
        place.uninstall()


@pytest.mark.parametrize("verb", ["install", "uninstall"])
@pytest.mark.parametrize("killed_at", range(8))
def test_killed_in_the_midst_the_same_command_does_the_rest(
    place: Place, monkeypatch: pytest.MonkeyPatch, verb: str, killed_at: int
) -> None:
    """Killed before each change of the file system in turn, and with the half-written file of that moment lying there."""
    place.data.mkdir(parents=True)
    place.settings.write_bytes(b"# mine\n[Ids]\ncustom=My job")
    before = place.everything()
    if verb == "uninstall":
        place.install()
    count = 0

    def counted(real: object) -> object:
        def change(path: Path, *words: object, **named: object) -> object:
            nonlocal count
            count += 1
            if count == killed_at + 1:
                if path.parent.is_dir() and words:
                    path.with_name(f".{path.name}.0f1e2d3c.otio_perf.part").write_bytes(b"half")
                raise KeyboardInterrupt
            return real(path, *words, **named)  # type: ignore[operator]

        return change

    with monkeypatch.context() as patched:
        for name in ("write", "remove", "make_folder"):
            patched.setattr(own_files, name, counted(getattr(own_files, name)))
        try:
            getattr(place, verb)()
        except KeyboardInterrupt:
            pass
        else:
            assert count <= killed_at
    if verb == "install":
        place.install()
        assert list(installing.faults(record.load(place.record)[0])) == []
    place.uninstall()
    assert place.everything() == before


def test_a_settings_file_that_is_a_link_stays_one(place: Place) -> None:
    """As those have it who keep their settings in a repository."""
    kept = place.folder / "dotfiles"
    kept.mkdir()
    (kept / "jobs").write_bytes(b"[Ids]\n")
    place.data.mkdir(parents=True)
    place.settings.symlink_to(kept / "jobs")
    place.install()
    assert place.settings.is_symlink()
    assert b"otio_perf_a" in (kept / "jobs").read_bytes()
    place.uninstall()
    assert (kept / "jobs").read_bytes() == b"[Ids]\n"


def test_permissions_of_a_settings_file_stay(place: Place) -> None:
    place.data.mkdir(parents=True)
    place.settings.write_bytes(b"")
    place.settings.chmod(0o600)
    place.install()
    assert place.settings.stat().st_mode & 0o777 == 0o600
    place.uninstall()
    assert place.settings.exists()


def test_a_folder_that_cannot_be_written_is_one_line(place: Place) -> None:
    place.data.parent.mkdir(parents=True)
    place.data.write_bytes(b"a file, where a folder should be")
    with pytest.raises(HostError) as e:
        place.install()
    assert str(place.data) in str(e.value)
    assert "\n" not in str(e.value)
    place.data.unlink()
    place.install()
    place.uninstall()
    assert not place.data.exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="ROOT OR WINDOWS: permissions of folders hold nobody back")
def test_a_read_only_folder_is_one_line(place: Place) -> None:
    place.data.mkdir(parents=True)
    place.data.chmod(0o500)
    with pytest.raises(HostError, match=r"Permission denied.*Check the permissions"):
        place.install()


def test_a_full_disk_is_no_question_of_permissions(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(HostError, match=r"No space left on device\. Make room there"):
        place.install()
    assert not list(place.folder.rglob("*.part"))


def test_a_settings_file_in_another_format_is_left_and_named(place: Place) -> None:
    place.data.mkdir(parents=True)
    place.settings.write_bytes("[Ids]\n".encode("utf-16"))
    with pytest.raises(HostError, match=r"clipjobsettings\.rc: is not a settings file of KDE"):
        place.install()


def test_faults_name_what_is_gone_and_what_was_changed(place: Place) -> None:
    place.install()
    (known,) = record.load(place.record)
    assert list(installing.faults(known)) == []
    place.settings.write_bytes(place.settings.read_bytes().replace(b"otio_perf_a=Optimize\n", b""))
    place.script.chmod(0o644)
    assert dict(installing.faults(known)) == {
        str(place.script): "is not executable any more",
        str(place.settings): "has lost Ids/otio_perf_a",
    }
    place.script.write_bytes(b"other")
    place.settings.unlink()
    faults = dict(installing.faults(known))
    assert faults[str(place.script)] == "was changed"
    place.install()
    place.script.unlink()
    assert dict(installing.faults(known))[str(place.script)] == "is gone"
