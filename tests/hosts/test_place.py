"""Proxies where Kdenlive and Shotcut look for them: under the right name, in the right folder, taken away without a trace."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import colours
import pytest

from otio_perf import hosts
from otio_perf.errors import HostError, SettingsError
from otio_perf.hosts.home import Home
from otio_perf.hosts.kdenlive import external
from otio_perf.media.finished import key_in
from otio_perf.model.hosts import Packaging
from otio_perf.model.placing import PlaceReport, Placing
from otio_perf.optimizer.placing import file_hash

Place = Callable[..., PlaceReport]
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """With a Kdenlive and a Shotcut on its PATH, and Kdenlive as Flatpak."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("kdenlive", "shotcut"):
        (programs / name).write_text(f"#!/bin/sh\necho {name} 22.12.3\n")
        (programs / name).chmod(0o755)
    folder = tmp_path / "home"
    (folder / ".local/share/flatpak/app/org.kde.kdenlive/current/active").mkdir(parents=True)
    return Home(folder=folder, variables={"PATH": str(programs)}, platform="linux", root=tmp_path / "root")


@pytest.fixture
def place(home: Home, tmp_path: Path) -> Place:
    def run(host: str, *sources: Path, **how: object) -> PlaceReport:
        settings = {"workspace": tmp_path / "workspace", "proxy": ["half"], "all": True, "home": home}
        return hosts.place(host, sources, **{**settings, **how})

    return run


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    (tmp_path / "media").mkdir()
    return colours.make(tmp_path / "media" / "shot.mp4", frames=12)


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_placed_once_and_taken_away(place: Place, home: Home, shot: Path, tmp_path: Path) -> None:
    folders = [home.folder / ".cache/kdenlive/proxy", home.folder / ".var/app/org.kde.kdenlive/cache/kdenlive/proxy"]
    name = f"{colours.kdenlive_hash(shot)}.mkv"
    report = place("kdenlive", shot)
    assert [one.placing for one in report.placed] == [Placing.PLACED] * 2
    assert report.folders == tuple(map(str, folders))
    assert [files_in(folder) for folder in folders] == [[name]] * 2
    with av.open(str(folders[0] / name)) as container:
        assert container.streams.video[0].frames or sum(1 for _ in container.decode(video=0)) == 12
        assert container.format.name.startswith("matroska")
    age = (folders[0] / name).stat().st_mtime_ns
    again = place("kdenlive", shot.parent)
    assert [one.placing for one in again.placed] == [Placing.THERE] * 2
    assert (folders[0] / name).stat().st_mtime_ns == age
    elsewhere = place("kdenlive", shot, workspace=tmp_path / "other")  # its owner is told from the file
    assert [one.placing for one in elsewhere.placed] == [Placing.THERE] * 2

    assert [one.placing for one in place("kdenlive", shot, remove=True, dry_run=True).placed] == [Placing.REMOVED] * 2
    assert files_in(folders[0]) == [name]
    only = place("kdenlive", shot, remove=True, packaging=Packaging.FLATPAK)
    assert [one.path for one in only.placed] == [str(folders[1] / name)]
    assert [files_in(folder) for folder in folders] == [[name], []]
    place("kdenlive", shot, remove=True)
    assert [files_in(folder) for folder in folders] == [[], []]
    assert not place("kdenlive", shot, remove=True).placed


def test_what_the_source_was_before_goes_and_what_the_program_made_stays(place: Place, home: Home, shot: Path) -> None:
    folder = home.folder / ".cache/kdenlive/proxy"
    only = {"packaging": Packaging.SYSTEM}
    place("kdenlive", shot, **only)
    colours.make(shot, frames=14, first=100)
    place("kdenlive", shot, **only)
    (proxy,) = folder.iterdir()
    assert proxy.name == f"{colours.kdenlive_hash(shot)}.mkv"
    proxy.write_bytes(b"its own")
    (left,) = place("kdenlive", shot, **only).placed
    assert (left.placing, left.reason) == (Placing.LEFT, "the program has one of its own")
    assert not place("kdenlive", shot, remove=True, **only).placed
    assert proxy.read_bytes() == b"its own"


def test_another_size_takes_the_place_of_ours(place: Place, home: Home, shot: Path) -> None:
    only = {"packaging": Packaging.SYSTEM}
    place("kdenlive", shot, **only)
    place("kdenlive", shot, proxy=["quarter"], **only)
    (proxy,) = (home.folder / ".cache/kdenlive/proxy").iterdir()
    with av.open(str(proxy)) as container:
        assert container.streams.video[0].width == 160
    with pytest.raises(SettingsError, match="one proxy"):
        place("kdenlive", shot, proxy=["half", "quarter"])


def test_media_of_the_bin_and_of_other_sequences_count(place: Place, home: Home, shot: Path) -> None:
    unused = colours.make(shot.with_name("unused.mp4"), frames=10, first=50)
    edit = project(shot.with_name("edit.kdenlive"))
    other = (
        '<chain id="b"><property name="resource">unused.mp4</property><property name="mlt_service">avformat</property></chain>'
    )
    edit.write_text(edit.read_text().replace("<playlist id", f"{other}<playlist id", 1))
    report = place("kdenlive", edit, packaging=Packaging.SYSTEM)
    assert {one.source for one in report.placed} == {str(shot), str(unused)}
    assert {Path(one.path).stem for one in report.placed} == {colours.kdenlive_hash(shot), colours.kdenlive_hash(unused)}


PROJECT = """<?xml version='1.0' encoding='utf-8'?>
<mlt root="{folder}" title="{title}"><profile width="640" height="360" frame_rate_num="25" frame_rate_den="1"/>
 <chain id="a" out="11"><property name="length">12</property><property name="resource">shot.mp4</property>
  <property name="mlt_service">avformat</property></chain>
 <playlist id="p"><entry producer="a" in="0" out="11"/></playlist>
 <playlist id="main_bin">{properties}<entry producer="a"/></playlist>
 <tractor id="main"><track producer="p"/></tractor></mlt>"""


def project(path: Path, **properties: str) -> Path:
    words = "".join(
        f'<property name="{name.replace("__", ":").replace("_", ".")}">{v}</property>' for name, v in properties.items()
    )
    path.write_text(PROJECT.format(folder=path.parent, title="", properties=words))
    return path


def test_a_project_says_where_its_proxies_are(place: Place, home: Home, shot: Path) -> None:
    of_document = "kdenlive__docproperties_"
    edit = project(
        shot.with_name("edit.kdenlive"),
        **{
            f"{of_document}documentid": "17",
            f"{of_document}storagefolder": "store/17",
            f"{of_document}proxyextension": "mov",
        },
    )
    report = place("kdenlive", edit)
    assert files_in(shot.parent / "store" / "proxy") == [f"{colours.kdenlive_hash(shot)}.mov"]
    assert not (home.folder / ".cache").exists()
    assert "proxies are off" in " ".join(report.notices)


def test_shotcut(place: Place, home: Home, shot: Path, tmp_path: Path) -> None:
    name = f"{colours.kdenlive_hash(shot)}.mp4"
    report = place("shotcut", shot)
    assert files_in(home.folder / ".local/share/Meltytech/Shotcut/proxies") == [name]
    assert any("Use Proxy" in notice for notice in report.notices)
    edit = project(shot.with_name("edit.mlt"), shotcut__projectFolder="1")
    place("shotcut", edit)
    assert files_in(shot.parent / "proxies") == [name]
    settings = home.folder / ".config/Meltytech/Shotcut.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"[General]\nfolder=/x\n[proxy]\nenabled=true\nfolder={tmp_path}/mine\n")
    assert not place("shotcut", shot).notices
    assert files_in(tmp_path / "mine") == [name]


def test_the_command(otio_perf_home: Command, shot: Path, tmp_path: Path) -> None:
    done = otio_perf_home("host", "place", "kdenlive", "shot.mp4", "gone.mp4", "--all", "--proxy", "half", "--json", "-")
    assert done.returncode == 4, done.stderr
    answer = json.loads(done.stdout)
    assert [one["placing"] for one in answer["placed"]] == ["placed", "failed"]
    proxy = Path(answer["placed"][0]["path"])
    assert key_in(proxy)
    assert otio_perf_home("cache", "clear").returncode == 0
    assert not proxy.exists()
    none = otio_perf_home("host", "place", "shotcut", "shot.mp4")
    assert (none.returncode, none.stderr.count("\n")) == (5, 1)
    assert "is not found" in none.stderr


@pytest.mark.parametrize("placed_first", ["edit.kdenlive", "shot.mp4"])
def test_a_copy_stays_that_a_project_of_ours_shows(
    otio_perf_home: Command, shot: Path, tmp_path: Path, placed_first: str
) -> None:
    """Also where it was placed from another workspace than the project's: media alone are placed from the user's own."""
    proxies = tmp_path / "user/.cache/kdenlive/proxy"
    said = {"documentid": "17", "enableproxy": "1"}
    project(shot.with_name("edit.kdenlive"), **{f"kdenlive__docproperties_{name}": value for name, value in said.items()})
    made = "--all", "--proxy", "half"
    assert otio_perf_home("host", "place", "kdenlive", placed_first, *made).returncode == 0
    assert otio_perf_home("optimize", "edit.kdenlive", *made).returncode == 0
    patched = shot.with_name("edit.perf.kdenlive")
    (proxy,) = proxies.iterdir()
    assert str(proxy) in patched.read_text()

    for dry_run in (["--dry-run"], []):
        kept = otio_perf_home("host", "place", "kdenlive", placed_first, "--remove", *dry_run)
        assert (kept.returncode, kept.stderr) == (0, "")
        assert kept.stdout.startswith(
            f"left     shot.mp4 {proxy.name}: edit.perf.kdenlive shows it: restore that first, or delete"
        )
        assert proxy.is_file()
    patched.unlink()
    assert "removed" in otio_perf_home("host", "place", "kdenlive", placed_first, "--remove").stdout
    assert not proxy.exists()


def test_cache_clear_takes_what_was_placed_from_its_workspace(otio_perf_home: Command, shot: Path, tmp_path: Path) -> None:
    """As the help of both says: that of a project is beside it, that of media alone the user's."""
    (tmp_path / "programs/shotcut").write_text("#!/bin/sh\necho shotcut 22.12\n")
    (tmp_path / "programs/shotcut").chmod(0o755)
    proxies = tmp_path / "user/.local/share/Meltytech/Shotcut/proxies"
    project(shot.with_name("edit.mlt"))
    for source, is_beside in (("edit.mlt", True), ("shot.mp4", False)):
        assert otio_perf_home("host", "place", "shotcut", source, "--all", "--proxy", "half").returncode == 0
        assert len(files_in(proxies)) == 1
        elsewhere = otio_perf_home("cache", "clear", cwd=tmp_path)
        assert (elsewhere.returncode, len(files_in(proxies))) == (0, is_beside)
        assert (shot.parent / ".otio_perf").is_dir() is is_beside
        if is_beside:
            assert otio_perf_home("cache", "clear").returncode == 0
            assert not files_in(proxies)
            shutil.rmtree(shot.parent / ".otio_perf")


@pytest.fixture
def otio_perf_home(
    run_command: Callable[..., subprocess.CompletedProcess[str]], measured_machine: Path, tmp_path: Path
) -> object:
    home, programs = tmp_path / "user", tmp_path / "programs"
    (home / ".cache" / "otio_perf").mkdir(parents=True)
    shutil.copy(measured_machine, home / ".cache" / "otio_perf")
    programs.mkdir()
    (programs / "kdenlive").write_text("#!/bin/sh\necho kdenlive 22.12.3\n")
    (programs / "kdenlive").chmod(0o755)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTIO_PERF_", "XDG_"))}
    environment = {**kept, "HOME": str(home), "PATH": str(programs)}
    return lambda *words, cwd=tmp_path / "media": run_command([*words], env=environment, cwd=cwd)


def test_a_host_that_is_not_there(shot: Path, tmp_path: Path) -> None:
    nobody = Home(folder=tmp_path / "nobody", variables={"PATH": ""}, platform="linux", root=tmp_path / "root")
    with pytest.raises(HostError, match="Shotcut is not found"):
        hosts.place("shotcut", [shot], home=nobody, workspace=tmp_path / "workspace")
    with pytest.raises(SettingsError, match="finds no proxies"):
        hosts.place("resolve", [shot], home=nobody)
    assert not (tmp_path / "workspace").exists()


@pytest.mark.parametrize("size", [0, 1, 1_999_999, 2_000_000, 2_000_001, 5_000_000])
def test_the_hash_of_a_file(size: int, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(os.urandom(size))
    assert file_hash(path) == colours.kdenlive_hash(path)


def test_profiles_of_external_proxies_lead_to_what_beside_makes() -> None:
    """Kdenlive's rule: folder, prefix and suffix of the proxy; the way back, prefix and suffix of the source."""
    for name, words in external.profiles().items():
        folder, prefix, suffix, back, source_prefix, source_suffix = words.split(";")
        source = Path("/rushes/A001" + source_suffix)
        proxy = source.parent / folder / f"{prefix}{source.name.removesuffix(source_suffix)}{suffix}"
        assert os.path.normpath(proxy) == "/rushes/Proxy/A001.mov"
        assert os.path.normpath(proxy.parent / back / f"{source_prefix}A001{source_suffix}") == str(source)
        assert source_suffix in name
