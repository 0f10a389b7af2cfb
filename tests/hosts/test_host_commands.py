"""``otio-perf host list``, ``install``, ``uninstall`` and ``doctor``, as a user types them; homes and programs are files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator

from otio_perf import hosts
from otio_perf.cache import known
from otio_perf.cache.workspace import Workspace
from otio_perf.hosts import scripts
from otio_perf.hosts.home import Home
from otio_perf.model.hosts import Packaging
from otio_perf.model.installing import HostFinding
from otio_perf.optimizer import abandoned
from otio_perf.reports import document
from otio_perf.timeline.mlt.preview_note import NOTE

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="NOT LINUX: programs are told by files of Linux")

APPDATA = '<component><releases><release version="{}"/></releases></component>'


class User:
    """A home with a Kdenlive, and a terminal in it."""

    def __init__(self, folder: Path, run_command: Callable[..., subprocess.CompletedProcess[str]]) -> None:
        self._run = run_command
        self.home, self.machine = folder / "home", folder / "machine"
        self.home.mkdir()
        self.data = self.home / ".local/share/kdenlive"
        self.record = self.home / ".local/share/otio_perf/hosts.json"
        self.add_program("kdenlive", "org.kde.kdenlive", "26.08.2")
        self.command = folder / "venv/bin/otio-perf"
        self.command.parent.mkdir(parents=True)
        self.command.write_text("#!/bin/sh\n")
        self.command.chmod(0o755)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "OTIO_PERF_", "DBUS_"))},
            "HOME": str(self.home),
            "PATH": f"{self.machine / 'bin'}{os.pathsep}/nothing",
            "COLUMNS": "200",
        }

    def add_program(self, name: str, application: str, version: str) -> None:
        program, about = self.machine / "bin" / name, self.machine / f"share/metainfo/{application}.metainfo.xml"
        for file, text in ((program, "#!/bin/sh\n"), (about, APPDATA.format(version))):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(0o755)

    def host(self, *words: str, code: int = 0) -> str:
        done = self._run(["host", *words], env=self.environment, cwd=self.home)
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def asked(self, *words: str, schema: str, code: int = 0) -> dict[str, Any]:
        """The JSON answer, as its schema says."""
        done = self._run(["host", *words, "--json", "-"], env=self.environment, cwd=self.home)
        assert done.returncode == code, (words, done.stdout, done.stderr)
        answer: dict[str, Any] = json.loads(done.stdout)
        Draft202012Validator(document.schemas()[f"{schema}.schema.json"]).validate(answer)
        return answer

    def install(self, *words: str, code: int = 0) -> str:
        return self.host("install", "kdenlive", "--command", str(self.command), *words, code=code)

    def put(self) -> None:
        """The same without a command line: quicker."""
        hosts.install("kdenlive", command=str(self.command), home=self.as_home, record_file=self.record)

    @property
    def as_home(self) -> Home:
        return Home(folder=self.home, variables=self.environment, platform="linux")

    def files(self) -> set[str]:
        return {str(path.relative_to(self.home)) for path in self.home.rglob("*")}


@pytest.fixture
def user(tmp_path: Path, run_command: Callable[..., subprocess.CompletedProcess[str]]) -> User:
    return User(tmp_path, run_command)


def findings(user: User, host: str, *, is_bad: bool = False) -> dict[str, HostFinding]:
    """What ``doctor`` says, by name; where several have one, what does not work. ``is_bad``: what is required fails."""
    found = hosts.examine([host], home=user.as_home, record_file=user.record)
    assert all(one.host == host for one in found)
    assert any(one.required and not one.works for one in found) is is_bad
    return {one.name: one for one in sorted(found, key=lambda one: not one.works)}


def test_what_is_there_is_listed_with_what_is_installed_into_it(user: User) -> None:
    (kdenlive,) = user.asked("list", schema="hosts")["hosts"]
    assert (kdenlive["version"], kdenlive["packaging"], kdenlive["command"]) == ("26.08.2", "system", None)
    assert "installed  no: otio-perf host install kdenlive" in user.host("list")
    user.install()
    (kdenlive,) = user.asked("list", schema="hosts")["hosts"]
    assert kdenlive["command"] == str(user.command)
    user.add_program("shotcut", "org.shotcut.Shotcut", "26.1.30")
    assert "Shotcut 26.1.30 (system)" in user.host("list")


def test_where_nothing_is_found_that_is_said(user: User) -> None:
    (user.machine / "bin/kdenlive").unlink()
    assert "None of these was found: Kdenlive, Shotcut, DaVinci Resolve" in user.host("list")
    assert "Kdenlive is not found on this machine. otio-perf host list shows" in user.install(code=5)
    assert "There is nothing of ours in Kdenlive." in user.host("uninstall", "kdenlive")


def test_installed_and_taken_away_without_a_trace(user: User) -> None:
    jobs = user.data / "clipjobsettings.rc"
    jobs.parent.mkdir(parents=True)
    jobs.write_bytes(b"# my jobs\n[Ids]\ncustom=My job\n\n[Binary]\ncustom=/usr/bin/true")
    before, text = user.files(), jobs.read_bytes()
    said = user.install()
    assert f"wrote {jobs}" in said
    assert "Kdenlive shows what is new when it is started again." in said
    assert b"custom=My job" in jobs.read_bytes()
    assert b"otio_perf" in jobs.read_bytes()
    again = user.asked("install", "kdenlive", "--command", str(user.command), schema="host_changes")["changes"]
    assert {change["step"] for change in again} == {"unchanged"}
    assert f"unchanged {jobs}" in user.install()
    taken = user.asked("uninstall", "kdenlive", schema="host_changes")["changes"]
    assert {change["step"] for change in taken} == {"removed"}
    assert (user.files(), jobs.read_bytes()) == (before, text)


def test_what_is_left_after_uninstall_is_named_with_the_way_to_be_rid_of_it(user: User) -> None:
    assert "still in" not in user.host("uninstall", "kdenlive")
    cache, film = user.home / ".cache" / "otio_perf", user.home / "film" / ".otio_perf"
    cache.mkdir(parents=True)
    assert f"What otio-perf has measured is still in {cache}: it can be deleted\n" in user.host("uninstall", "shotcut")
    Workspace.open(film)
    known.remember(cache / "workspaces.json", film)
    (line,) = [line for line in user.host("uninstall", "kdenlive").splitlines() if "still in" in line]
    assert line.startswith(f"Proxies and prerenders are still in {film}: otio-perf cache clear --workspace FOLDER deletes them")
    assert line.endswith(f"then the folders can be deleted, and {cache}")


def test_chunks_that_no_project_plays_are_named(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abandoned, "key_in", lambda path: "ours" if path.suffix == ".mov" else None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(user.home / "none"))
    project, document = user.home / "cut.kdenlive", user.home / ".cache" / "kdenlive" / "17"
    for name in ("0.mov", "25.mov", "50.mkv", "5f/75.mov", "new.mov"):
        (document / "preview" / name).parent.mkdir(parents=True, exist_ok=True)
        (document / "preview" / name).write_bytes(b"x" * 500)
        os.utime(document / "preview" / name, (1e9, 1e9))
    (document / "preview" / "100.mov").write_bytes(b"just made")
    (document / f".{quote(str(project), safe='')}").touch()
    project.write_text(f"<mlt {NOTE}, and no more: what it plays nobody can tell")
    name = "previews of projects that are gone"
    assert name not in findings(user, "kdenlive")
    project.unlink()
    found = findings(user, "kdenlive")[name]
    assert (found.works, found.found) == (False, f"3 chunks of ours, 1.5 kB, in {document.parent}")
    assert "otio-perf cache clear renders" in found.hint


def test_a_home_that_was_empty_is_empty_again(user: User) -> None:
    user.install()
    assert user.files()
    user.host("uninstall", "kdenlive")
    assert user.files() == set()


def test_it_is_taken_away_though_the_program_is_gone(user: User) -> None:
    user.install()
    (user.machine / "bin/kdenlive").unlink()
    assert "not found on this machine, but our parts are" in user.host("doctor", "kdenlive")
    user.host("uninstall", "kdenlive")
    assert user.files() == set()


def test_it_is_taken_away_though_the_record_was_lost(user: User) -> None:
    user.install()
    (record,) = user.home.rglob("hosts.json")
    record.unlink()
    user.host("uninstall", "kdenlive")
    assert not [name for name in user.files() if name.endswith(".py")]
    assert b"otio_perf" not in (user.data / "clipjobsettings.rc").read_bytes()


def test_what_a_user_changed_is_told_with_an_exit_code_of_its_own(user: User) -> None:
    user.install()
    (script,) = user.data.rglob("*.py")
    script.write_text("# mine")
    assert f"left {script}: was changed by somebody else" in user.install(code=4)
    assert f"left {script}" in user.host("uninstall", "kdenlive", code=4)


def test_each_packaging_is_one_place(user: User) -> None:
    """Flatpak has folders of its own; an AppImage has those of the system's package."""
    active = user.home / ".local/share/flatpak/app/org.kde.kdenlive/current/active"
    active.mkdir(parents=True)
    (user.home / "Applications").mkdir()
    (user.home / "Applications/kdenlive-26.04.1-x86_64.AppImage").touch()
    user.install()
    inside = user.home / ".var/app/org.kde.kdenlive/data/kdenlive/clipjobsettings.rc"
    assert inside.is_file()
    assert {one["command"] for one in user.asked("list", schema="hosts")["hosts"]} == {str(user.command)}
    user.host("uninstall", "kdenlive", "--packaging", "flatpak")
    assert not inside.exists()
    assert (user.data / "clipjobsettings.rc").is_file()
    user.host("uninstall", "kdenlive")
    assert "Kdenlive is not found as snap" in user.install("--packaging", "snap", code=5)


def test_two_at_a_time_lose_nothing_of_each_other(user: User) -> None:
    (user.home / ".local/share/flatpak/app/org.kde.kdenlive/current/active").mkdir(parents=True)
    before = user.files()

    def both(act: Callable[[Packaging], object]) -> None:
        with ThreadPoolExecutor(2) as two:
            list(two.map(act, (Packaging.SYSTEM, Packaging.FLATPAK)))

    where: Any = {"home": user.as_home, "record_file": user.record}
    for _ in range(3):
        both(lambda packaging: hosts.install("kdenlive", packaging=packaging, command=str(user.command), **where))
        assert {state.command for state in hosts.found(["kdenlive"], **where)} == {str(user.command)}
        both(lambda packaging: hosts.uninstall("kdenlive", packaging=packaging, **where))
        assert user.files() == before


def test_a_command_that_cannot_be_run_is_refused(user: User) -> None:
    user.command.chmod(0o644)
    if os.access(user.command, os.X_OK):
        user.command.unlink()
    assert "is no program that can be run" in user.install(code=5)
    assert user.files() == set()


def test_the_settings_of_shotcut_are_left_to_its_user_with_the_steps(user: User) -> None:
    assert "Shotcut is not found" in user.host("install", "shotcut", code=5)
    user.add_program("shotcut", "org.shotcut.Shotcut", "26.1.30")
    said = user.host("install", "shotcut")
    assert "  1. In Shotcut: Settings ▸ Proxy ▸ Use Proxy" in said
    assert "  2. Type: otio-perf host place shotcut PROJECT" in said
    answer = user.asked("uninstall", "shotcut", schema="host_changes")
    assert (answer["changes"], answer["steps"][0]) == ([], "Type: otio-perf host place shotcut PROJECT --remove")
    assert user.files() == set()


@pytest.mark.parametrize(
    ("what", "flag", "value"),
    [("restore", "--proxy", "720p"), ("optimize", "--prerender-codec", "prores"), ("prerender", "--lut", "x.cube")],
)
def test_a_setting_that_would_be_ignored_is_refused(user: User, what: str, flag: str, value: str) -> None:
    assert f"{what} takes no {flag}" in user.host("apply", "kdenlive", what, "--project", "x.kdenlive", flag, value, code=2)


# -- doctor ------------------------------------------------------------------------------------------------------------


def test_doctor_says_what_is_not_installed(user: User) -> None:
    found = findings(user, "kdenlive")
    assert found["Kdenlive"].found == f"26.08.2, {user.machine / 'bin/kdenlive'}"
    assert (found["our part"].found, found["our part"].hint) == ("not installed", "otio-perf host install kdenlive")
    assert found["menu commands"].works
    assert "not found on this machine" in findings(user, "resolve")["DaVinci Resolve"].found


def test_doctor_is_content_with_what_is_installed(user: User) -> None:
    user.put()
    found = findings(user, "kdenlive")
    assert found["our part"].works
    assert found["command"].found == str(user.command)
    assert "our part: installed" in user.host("doctor", "kdenlive")
    names = {one["name"] for one in user.asked("doctor", "kdenlive", schema="host_findings")["findings"]}
    assert names == set(found)


def test_doctor_finds_what_was_edited_and_what_is_gone(user: User) -> None:
    user.put()
    jobs = user.data / "clipjobsettings.rc"
    jobs.write_bytes(re.sub(rb"otio_perf\w*restore=", b"# ", jobs.read_bytes()))
    found = findings(user, "kdenlive", is_bad=True)
    assert "has lost" in found["our part"].found
    for script in user.data.rglob("*.py"):
        script.unlink()
    said = user.host("doctor", code=5)
    assert "is gone" in said
    assert "→ otio-perf host install kdenlive" in said
    user.put()
    assert findings(user, "kdenlive")["our part"].works


def test_doctor_finds_that_otio_perf_was_upgraded_since(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    user.put()
    script = scripts.script

    def newer(name: str) -> Path:
        copy = user.home.parent / Path(name).name
        copy.write_text(script(name).read_text() + "# newer\n")
        return copy

    with monkeypatch.context() as patched:
        patched.setattr(scripts, "script", newer)
        finding = findings(user, "kdenlive")["our part"]
        assert (finding.works, finding.hint) == (False, "otio-perf host install kdenlive")
        user.put()
        assert findings(user, "kdenlive")["our part"].works
    hosts.uninstall("kdenlive", home=user.as_home, record_file=user.record)
    assert user.files() == set()


def test_doctor_finds_that_the_virtual_environment_was_deleted(user: User) -> None:
    user.put()
    user.command.unlink()
    found = findings(user, "kdenlive", is_bad=True)["command"]
    assert found.found == f"{user.command} is gone"
    assert found.hint == "otio-perf host install kdenlive, by the new one"


@pytest.mark.parametrize(
    ("version", "name", "found"),
    [
        ("22.12.3", "menu commands", "Kdenlive 22.12.3 has no Media Jobs"),
        ("27.04.0", "version", "27.04.0 is newer than 26.08, the newest that was tried"),
    ],
)
def test_doctor_knows_the_versions(user: User, version: str, name: str, found: str) -> None:
    user.add_program("kdenlive", "org.kde.kdenlive", version)
    finding = findings(user, "kdenlive")[name]
    assert not finding.works
    assert finding.found == found
    assert finding.hint


def test_doctor_says_where_the_menu_was_not_tried(user: User) -> None:
    user.add_program("kdenlive", "org.kde.kdenlive", "24.12.3")
    finding = findings(user, "kdenlive")["menu commands"]
    assert (finding.works, finding.found) == (
        True,
        "in the context menu of clips, Media Jobs; tried in 26.08, not in 24.12.3",
    )


def test_install_says_at_once_what_does_not_work(user: User) -> None:
    user.add_program("kdenlive", "org.kde.kdenlive", "22.12.3")
    assert (
        "no     menu commands: Kdenlive 22.12.3 has no Media Jobs\n         → Use Kdenlive 23.04 or newer on Linux"
        in user.install()
    )


def test_doctor_says_that_there_is_no_session_bus(user: User) -> None:
    assert findings(user, "kdenlive")["session bus"].found == "there is none here"
    user.environment["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={user.home}/no-bus"
    assert "does not answer at unix:path=" in findings(user, "kdenlive")["session bus"].found


def test_doctor_reads_kdenlives_own_settings(user: User) -> None:
    assert not findings(user, "kdenlive")["Kdenlive's own FFmpeg"].works
    (user.home / ".config").mkdir()
    (user.home / ".config/kdenliverc").write_text("[env]\nffmpegpath[$e]=/usr/bin/ffmpeg\n")
    assert findings(user, "kdenlive")["Kdenlive's own FFmpeg"].found == "/usr/bin/ffmpeg"


def test_doctor_knows_that_a_flatpak_cannot_reach_our_command(user: User) -> None:
    (user.machine / "bin/kdenlive").unlink()
    flatpak = user.home / ".local/share/flatpak"
    active = flatpak / "app/org.kde.kdenlive/current/active"
    active.mkdir(parents=True)
    (active / "metadata").write_text("[Context]\nfilesystems=host;\n\n[Session Bus Policy]\norg.kde.kwalletd5=talk\n")
    finding = findings(user, "kdenlive", is_bad=True)["sandbox"]
    assert finding.hint == "flatpak override --user --talk-name=org.freedesktop.Flatpak org.kde.kdenlive"
    (flatpak / "overrides").mkdir()
    (flatpak / "overrides/org.kde.kdenlive").write_text("[Session Bus Policy]\norg.freedesktop.Flatpak=talk\n")
    assert findings(user, "kdenlive")["sandbox"].works
    assert "Flatpak cannot be told apart" in findings(user, "kdenlive")["session bus"].found


def test_doctor_knows_whether_shotcut_uses_proxies(user: User) -> None:
    user.add_program("shotcut", "org.shotcut.Shotcut", "26.1.30")
    finding = findings(user, "shotcut")["proxies switched on"]
    assert (finding.works, finding.found) == (False, "it has no settings yet")
    settings = user.home / ".config/Meltytech/Shotcut.conf"
    settings.parent.mkdir(parents=True)
    for text, works in (
        ("[General]\nx=@Invalid()\n", False),
        ("[proxy]\nenabled=false\n", False),
        ("[proxy]\nenabled=true\n", True),
    ):
        settings.write_text(text)
        finding = findings(user, "shotcut")["proxies switched on"]
        assert finding.works is works
        assert bool(finding.hint) is not works


def test_doctor_names_a_damaged_record(user: User) -> None:
    user.put()
    (record,) = user.home.rglob("hosts.json")
    record.write_text("{")
    assert "is damaged" in findings(user, "kdenlive", is_bad=True)["record of what was installed"].found
