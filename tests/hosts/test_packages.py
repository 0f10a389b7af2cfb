"""Programs are found in the folders of each packaging; a machine of files stands for the real one."""

from __future__ import annotations

import plistlib
from pathlib import Path

import pytest

from otio_perf import hosts
from otio_perf.hosts.home import Home
from otio_perf.model.hosts import Installation


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Empty, on Linux."""
    for name in ("home", "root"):
        (tmp_path / name).mkdir()
    path = tmp_path / "root/usr/bin"
    return Home(folder=tmp_path / "home", variables={"PATH": str(path)}, platform="linux", root=tmp_path / "root")


def put(path: Path, text: str | bytes = "", *, runs: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    if runs:
        path.chmod(0o755)
    return path


def found(home: Home, host: str = "kdenlive") -> list[Installation]:
    states = hosts.found([host], home=home, record_file=home.folder / "record.json")
    assert all(state.command is None for state in states)
    return [state.installation for state in states]


APPDATA = (
    '<component><releases>\n<release version="26.08.2" date="2026-10-08"/><release version="26.08.1"/></releases></component>'
)


def test_nothing_is_found_where_nothing_is(home: Home) -> None:
    assert hosts.found(home=home, record_file=home.folder / "record.json") == ()


def test_the_systems_own_package_with_the_version_of_its_appstream_file(home: Home) -> None:
    put(home.root / "usr/bin/kdenlive", runs=True)
    put(home.root / "usr/share/metainfo/org.kde.kdenlive.appdata.xml", APPDATA)
    (one,) = found(home)
    assert (one.packaging, one.version, one.program) == ("system", "26.08.2", str(home.root / "usr/bin/kdenlive"))
    assert one.config_folder == str(home.folder / ".config")
    assert one.data_folder == str(home.folder / ".local/share/kdenlive")
    assert one.cache_folder == str(home.folder / ".cache/kdenlive")


def test_without_a_file_that_says_its_version_the_program_is_asked(home: Home) -> None:
    put(home.root / "usr/bin/kdenlive", '#!/bin/sh\necho "kdenlive 24.12.1 ${DISPLAY:-nowhere} $QT_QPA_PLATFORM"\n', runs=True)
    assert found(home)[0].version == "24.12.1"


@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 1\n", "#!/bin/sh\nexec sleep 600\n", "no program"])
def test_a_program_that_does_not_say_its_version_is_there_all_the_same(
    home: Home, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otio_perf.hosts.packages._SECONDS", 0.3)
    put(home.root / "usr/bin/kdenlive", script, runs=True)
    assert found(home)[0].version is None


def test_folders_that_the_environment_names(home: Home) -> None:
    put(home.root / "usr/bin/kdenlive", runs=True)
    said = {**home.variables, "XDG_DATA_HOME": "/data", "XDG_CACHE_HOME": "relative/is/ignored"}
    (one,) = found(Home(folder=home.folder, variables=said, platform="linux", root=home.root))
    assert (one.data_folder, one.cache_folder) == ("/data/kdenlive", str(home.folder / ".cache/kdenlive"))


@pytest.mark.parametrize("base", ["root/var/lib/flatpak", "home/.local/share/flatpak"])
def test_flatpak_of_the_machine_and_of_the_user(home: Home, tmp_path: Path, base: str) -> None:
    active = tmp_path / base / "app/org.kde.kdenlive/current/active"
    put(active / "files/share/metainfo/org.kde.kdenlive.appdata.xml", APPDATA)
    (one,) = found(home)
    own = home.folder / ".var/app/org.kde.kdenlive"
    assert (one.packaging, one.version) == ("flatpak", "26.08.2")
    assert (one.config_folder, one.data_folder) == (str(own / "config"), str(own / "data/kdenlive"))
    assert one.cache_folder == str(own / "cache/kdenlive")


def test_a_snap_has_folders_of_its_own_but_for_a_classic_one(home: Home) -> None:
    put(home.root / "snap/kdenlive/current/meta/snap.yaml", "name: kdenlive\nversion: '25.04.2'\nconfinement: strict\n")
    put(home.root / "snap/shotcut/current/meta/snap.yaml", "name: shotcut\nversion: 26.1.30\nconfinement: classic\n")
    (kdenlive,) = found(home)
    assert (kdenlive.packaging, kdenlive.version) == ("snap", "25.04.2")
    assert kdenlive.data_folder == str(home.folder / "snap/kdenlive/current/.local/share/kdenlive")
    assert kdenlive.cache_folder == str(home.folder / "snap/kdenlive/common/.cache/kdenlive")
    (shotcut,) = found(home, "shotcut")
    assert (shotcut.version, shotcut.data_folder) == ("26.1.30", str(home.folder / ".local/share/Meltytech/Shotcut"))


def test_the_newest_appimage_of_those_that_lie_about(home: Home) -> None:
    for name in (
        "Downloads/kdenlive-9.04.0-x86_64.AppImage",
        "Applications/Kdenlive-24.12.1A-x86_64.AppImage",
        "bin/other.AppImage",
    ):
        put(home.folder / name, runs=True)
    (one,) = found(home)
    assert (one.packaging, one.version) == ("appimage", "24.12.1")
    assert one.program == str(home.folder / "Applications/Kdenlive-24.12.1A-x86_64.AppImage")
    assert one.data_folder == str(home.folder / ".local/share/kdenlive")


def test_on_macos(home: Home) -> None:
    mac = Home(folder=home.folder, variables={}, platform="darwin", root=home.root)
    put(home.root / "Applications/kdenlive.app/Contents/Info.plist", plistlib.dumps({"CFBundleShortVersionString": "25.08.1"}))
    put(home.root / "Applications/Shotcut.app/Contents/Info.plist", b"no such list")
    (kdenlive,) = found(mac)
    assert (kdenlive.version, kdenlive.config_folder) == ("25.08.1", str(home.folder / "Library/Preferences"))
    assert kdenlive.data_folder == str(home.folder / "Library/Application Support/kdenlive")
    assert kdenlive.cache_folder == str(home.folder / "Library/Caches/kdenlive")
    (shotcut,) = found(mac, "shotcut")
    assert shotcut.version is None


def test_on_windows(home: Home) -> None:
    programs = home.root / "Program Files"
    windows = Home(folder=home.folder, variables={"PROGRAMFILES": str(programs)}, platform="win32", root=home.root)
    put(programs / "kdenlive/bin/kdenlive.exe")
    put(programs / "Shotcut/shotcut.exe")
    (kdenlive,) = found(windows)
    assert kdenlive.config_folder == str(home.folder / "AppData/Local")
    assert kdenlive.data_folder == str(home.folder / "AppData/Roaming/kdenlive")
    assert kdenlive.cache_folder == str(home.folder / "AppData/Local/kdenlive/cache")
    (shotcut,) = found(windows, "shotcut")
    assert shotcut.data_folder == str(home.folder / "AppData/Local/Meltytech/Shotcut")
