"""A project that is open in Kdenlive is followed while it is: what it needs is made ready, nothing is written beside it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import colours
import pytest
from kdenlive_peer import Peer, session_bus

from otio_perf import hosts, settings
from otio_perf.hosts.home import Home
from otio_perf.hosts.kdenlive.watching import OpenProjects
from otio_perf.model.hosts import Applied
from otio_perf.service import open_projects
from otio_perf.service.service import Service

PROJECT = """<?xml version='1.0' encoding='utf-8'?>
<mlt LC_NUMERIC="C" producer="main_bin" version="7.12.0">
 <profile width="640" height="360" frame_rate_num="25" frame_rate_den="1" progressive="1"/>
 <producer id="a" in="0" out="19"><property name="length">20</property><property name="resource">a.mp4</property>
  <property name="mlt_service">avformat-novalidate</property><property name="kdenlive:id">4</property></producer>
 <playlist id="p0"><entry in="0" out="19" producer="a"/></playlist>
 <playlist id="main_bin"><property name="kdenlive:docproperties.position">{position}</property>
  <property name="kdenlive:docproperties.version">1.04</property><entry producer="a"/></playlist>
 <tractor id="main" in="0" out="19"><track producer="p0"/></tractor>
</mlt>
"""
Start = Callable[..., Service]


@pytest.fixture
def edit(tmp_path: Path, home: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(open_projects, "_LOOK_SECONDS", 0.1)
    folder = tmp_path / "work"
    folder.mkdir()
    colours.make(folder / "a.mp4", frames=20)
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, home[name])
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = folder / "edit.kdenlive"
    path.write_text(PROJECT.format(position=7))
    (tmp_path / "kdenliverc").write_text(f"[Recent Files]\nFile1[$e]={path}\nFile2[$e]={folder}/other.kdenlive\n")
    return path


@pytest.fixture
def address(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with session_bus(tmp_path_factory.mktemp("bus")) as found:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", found)
        yield found


def serving(tmp_path: Path, **more: str) -> Service:
    values = {"workspace": tmp_path / "ws", "proxy": ["half"], "use_proxies": "always", "background_priority": "high", **more}
    return Service(settings.load(values, environment={}))


def until(is_so: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def followed(service: Service) -> dict[str, tuple[str, int | None]]:
    return {one.name: (one.state, one.playhead) for one in service.timelines()}


def test_an_open_project_is_made_ready(edit: Path, address: str, tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        assert followed(service) == {}
        with Peer(address):
            until(lambda: followed(service) == {"edit.kdenlive": ("ready", 7)})
            assert [path.suffix for path in (tmp_path / "ws" / "proxies").iterdir()] == [".mov"]
            edit.write_text(PROJECT.format(position=15))
            until(lambda: followed(service) == {"edit.kdenlive": ("ready", 15)})
        until(lambda: followed(service) == {})
    assert sorted(path.name for path in edit.parent.iterdir()) == ["a.mp4", "edit.kdenlive"]


def test_menu_commands_find_it_done(edit: Path, address: str, tmp_path: Path) -> None:
    with serving(tmp_path) as service, Peer(address, acts={"file_revert": edit.read_bytes}):
        until(lambda: followed(service) == {"edit.kdenlive": ("ready", 7)})
        (made,) = (tmp_path / "ws" / "proxies").iterdir()
        said = hosts.apply("kdenlive", "optimize", proxy=["half"], all=True)
        assert said.state is Applied.APPLIED
        assert str(made).encode() in edit.read_bytes()
        assert not list((edit.parent / ".otio_perf" / "proxies").iterdir())


def test_sequences_that_are_not_open_are_made_ready_too(edit: Path, address: str, tmp_path: Path) -> None:
    colours.make(edit.with_name("b.mp4"), frames=20, first=50)
    text = PROJECT.format(position=7)
    producer = text[text.index(" <producer") : text.index(" <playlist")]
    other = producer.replace('"a"', '"b"').replace("a.mp4", "b.mp4").replace('id">4', 'id">5')
    other += ' <playlist id="p1"><entry in="0" out="19" producer="b"/></playlist>'
    sequence = '<tractor id="{}" in="0" out="19"><property name="kdenlive:uuid">{}</property><track producer="{}"/></tractor>'
    main = '<tractor id="main" in="0" out="19"><track producer="p0"/></tractor>'
    assert main in text
    text = text.replace(main, sequence.format("closed", "{2}", "p1") + sequence.format("main", "{1}", "p0"))
    edit.write_text(text.replace(" <playlist", other + " <playlist", 1))
    with serving(tmp_path) as service, Peer(address, acts={"file_revert": edit.read_bytes}):
        until(lambda: followed(service) == {"edit.kdenlive": ("ready", 7)})
        made = sorted(path.name for path in (tmp_path / "ws" / "proxies").iterdir())
        assert made == ["a_half.mov", "b_half.mov"]
        assert hosts.apply("kdenlive", "optimize", proxy=["half"], all=True).state is Applied.APPLIED
        assert all(name in edit.read_text() for name in made)
        assert not list((edit.parent / ".otio_perf" / "proxies").iterdir())


def test_another_project_and_another_program(edit: Path, address: str, tmp_path: Path) -> None:
    other = edit.with_name("other.kdenlive")
    other.write_text(PROJECT.format(position=3))
    with serving(tmp_path) as service, Peer(address) as host, Peer(address, title="other [*]/ HD", pid=4_000_001) as second:
        until(lambda: set(followed(service)) == {"edit.kdenlive", "other.kdenlive"})
        host.title = ""  # it reads
        until(lambda: set(followed(service)) == {"other.kdenlive"})
        host.title = "no such project [*]/ HD"
        second.close()
        until(lambda: followed(service) == {})
        host.title = "other [*]/ HD"
        until(lambda: set(followed(service)) == {"other.kdenlive"})


def test_another_project_of_the_same_name(edit: Path, address: str, tmp_path: Path) -> None:
    """The usual way of versions: v1/edit.kdenlive, then v2/edit.kdenlive."""
    newer = tmp_path / "v2" / edit.name
    newer.parent.mkdir()
    newer.write_text(edit.read_text())
    home = Home(folder=tmp_path, variables=dict(os.environ), platform="linux")
    recent = tmp_path / "kdenliverc"
    with closing(OpenProjects(home)) as projects, Peer(address):
        assert projects.look() == (edit,)
        recent.write_text(f"[Recent Files]\nFile1[$e]={edit}\nFile2[$e]={newer}\n")
        assert projects.look() == (edit,)  # it need not have been closed
        recent.write_text(f"[Recent Files]\nFile1[$e]={newer}\n")
        assert projects.look() == (newer,)
    with closing(OpenProjects(home)) as projects, Peer(address):
        recent.write_text(f"[Recent Files]\nFile1[$e]={edit}\nFile2[$e]={newer}\n")
        assert projects.look() == ()  # nobody guesses


def test_a_service_without_a_home(edit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    with serving(tmp_path) as service:
        until(lambda: service.status().notices)
        assert "it is not known where your home folder is" in service.status().notices[-1]


def test_what_the_user_follows_stays(edit: Path, address: str, tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        with Peer(address):
            until(lambda: followed(service).get("edit.kdenlive") == ("ready", 7))
            (view,) = service.timelines()
            assert view.written is None
            service.follow(edit)
        until(lambda: service.timelines()[0].written is not None)
        time.sleep(0.5)
        assert set(followed(service)) == {"edit.kdenlive"}
    with serving(tmp_path) as service:  # also over a restart
        assert set(followed(service)) == {"edit.kdenlive"}


def test_it_can_be_switched_off(edit: Path, address: str, tmp_path: Path) -> None:
    with serving(tmp_path, follow_hosts="off") as service, Peer(address) as host:
        time.sleep(0.6)
        assert (followed(service), host.asked) == ({}, [])


def test_a_service_without_a_bus(edit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    with serving(tmp_path) as service:
        time.sleep(0.4)
        assert (service.timelines(), service.status().notices) == ((), ())
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/nowhere")
    with serving(tmp_path) as service:
        time.sleep(0.4)
        assert (service.timelines(), service.status().notices) == ((), ())
