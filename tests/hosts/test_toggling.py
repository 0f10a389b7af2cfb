"""The proxy switch of a Kdenlive is thrown once for all clips that are selected, after the last of their commands; and only
where none of them can lose its proxy by that."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kdenlive_peer import NO_ANSWER, Peer, session_bus

from otio_perf.cache import locks
from otio_perf.errors import HostBusyError
from otio_perf.hosts.home import Home
from otio_perf.hosts.kdenlive import bus, toggling
from otio_perf.hosts.kdenlive.bus import Bus
from otio_perf.hosts.kdenlive.once import notes_folder
from otio_perf.model.placing import Placed, PlaceReport, Placing

PROJECT = """<mlt producer="main_bin">
 <producer id="a"><property name="mlt_service">avformat</property><property name="resource">{shown}</property>
  <property name="kdenlive:proxy">{proxy}</property><property name="kdenlive:originalurl">a.mp4</property></producer>
 <playlist id="main_bin"><property name="kdenlive:docproperties.enableproxy">1</property><entry producer="a"/></playlist>
</mlt>
"""
ON, ALREADY, PERHAPS = "is told to show it", "shows its proxy already", "if the clip does not show it"


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(toggling, "_QUIET_SECONDS", 0.5)
    with session_bus(tmp_path) as found:
        yield found


@pytest.fixture
def host(address: str) -> Iterator[Peer]:
    with Peer(address, acts={"proxy_clip": lambda: None}) as peer:
        yield peer


def note(host: Peer, number: int, shows: str = "ORIGINALS", began_at: float | None = None) -> None:
    """What a command leaves that has ended."""
    text = json.dumps({"began_at": began_at or time.time(), "shows": shows})
    (notes_folder() / f"kdenlive-{host.pid}-{number}.done").write_text(text)


def throw(host: Peer, thrown: list[bool]) -> threading.Thread:
    variables = {"DBUS_SESSION_BUS_ADDRESS": host.address}
    thread = threading.Thread(target=lambda: thrown.append(toggling.throw(host.pid, variables)))
    thread.start()
    return thread


def test_once_for_all(host: Peer) -> None:
    thrown: list[bool] = []
    folder = notes_folder()
    (folder / f"kdenlive-{host.pid}-4000001.runs").touch()  # one was killed
    note(host, 4000002)
    with locks.held(folder / f"kdenlive-{host.pid}-4000003.runs"):  # one is still at work
        threads = [throw(host, thrown) for _ in range(3)]
        threads[0].join(1.0)
        assert not thrown
        note(host, 4000003)
    for thread in threads:
        thread.join(20)
    assert sorted(thrown) == [False, False, True]
    assert host.asked.count("activateAction proxy_clip") == 1
    assert not list(folder.iterdir())


@pytest.mark.parametrize("shows", ["PROXIES", "UNKNOWN"])
def test_a_proxy_that_is_shown_is_not_switched_off(host: Peer, shows: str) -> None:
    thrown: list[bool] = []
    note(host, 4000001, shows)
    throw(host, thrown).join(20)
    assert not toggling._told_failure()  # nobody was promised anything
    note(host, 4000001, shows)
    note(host, 4000002)
    throw(host, thrown).join(20)
    assert (thrown, host.asked) == ([False, False], [])
    assert "would have lost them" in toggling._told_failure()[0]
    assert not list(notes_folder().iterdir())


def test_a_switch_that_is_grey(host: Peer) -> None:
    """Nothing is selected any more, or the project has no proxies switched on: the next command tells."""
    host.acts.clear()
    thrown: list[bool] = []
    note(host, 4000002)
    throw(host, thrown).join(20)
    assert thrown == [False]
    assert not any("activateAction" in asked for asked in host.asked)
    assert "it was grey" in toggling._told_failure()[0]
    assert not toggling._told_failure()


def test_a_kdenlive_that_is_busy_for_a_while(host: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Bus.call.__kwdefaults__, "seconds", 0.3)
    host.is_deaf = True
    thrown: list[bool] = []
    note(host, 4000002)
    thread = throw(host, thrown)
    thread.join(2)
    assert not thrown
    host.is_deaf = False
    thread.join(20)
    assert thrown == [True]
    host.is_deaf = True
    note(host, 4000003, began_at=time.time() - 1000)
    throw(host, thrown).join(20)
    assert "does not answer" in toggling._told_failure()[0]


def test_a_dialog_does_not_make_it_twice(host: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has heard, and does not say so: that may be done or not."""
    monkeypatch.setattr(toggling, "_PATIENCE_SECONDS", 5.0)
    monkeypatch.setitem(toggling.Program.do.__kwdefaults__, "seconds", 0.3)
    host.acts["proxy_clip"] = lambda: NO_ANSWER
    thrown: list[bool] = []
    note(host, 4000002)
    throw(host, thrown).join(20)
    assert (thrown, host.asked.count("activateAction proxy_clip")) == ([False], 1)
    throw(host, thrown).join(20)
    assert (thrown, host.asked.count("activateAction proxy_clip")) == ([False, False], 1)


@pytest.fixture
def proxies(host: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """``proxies(placing, proxy)``: what is said, and left for others, of a clip that the saved project shows by ``proxy``."""
    medium, project = tmp_path / "a.mp4", tmp_path / "edit.kdenlive"
    medium.touch()
    (tmp_path / "kdenliverc").write_text(f"[Recent Files]\nFile1[$e]={project}\n")
    variables = {"DBUS_SESSION_BUS_ADDRESS": host.address, "XDG_CONFIG_HOME": str(tmp_path)}
    home = Home(folder=tmp_path, variables=variables, platform="linux")
    left: list[str] = []

    def make(placing: Placing, proxy: str = "", *, pid: int | None = None) -> str:
        project.write_text(PROJECT.format(shown=proxy or "a.mp4", proxy=proxy or "-"))
        placed = Placed(source=str(medium), path=f"{tmp_path}/0.mkv", placing=placing, reason="it has its own")
        report = PlaceReport(host="kdenlive", folders=(), placed=(placed,), proxies=None, notices=())
        monkeypatch.setattr(toggling.placing, "place", lambda *_, **__: report)
        monkeypatch.setattr(toggling, "_leave_note", lambda _, shows, *__: left.append(shows.name))
        found = toggling.proxies([medium], pid=pid, home=home, options={})
        assert not list(notes_folder().glob("*.runs"))
        return f"{left.pop()}: {found.message}"

    return make


def test_what_a_clip_shows(proxies: Callable[..., str], host: Peer) -> None:
    for placing in Placing.PLACED, Placing.THERE:
        assert proxies(placing).startswith("ORIGINALS: ")
        assert ON in proxies(placing)
        said = proxies(placing, "/c/0.mkv", pid=host.pid)
        assert said.startswith("PROXIES: ")
        assert ALREADY in said
    assert proxies(Placing.LEFT, "/c/0.mkv") == "PROXIES: it has its own"
    assert proxies(Placing.FAILED) == "UNKNOWN: it has its own"  # Kdenlive would make one, for hours perhaps
    host.is_modified = True  # who knows what since it was saved
    assert ON in proxies(Placing.PLACED)  # what was not there cannot be shown
    for placing, proxy in ((Placing.THERE, ""), (Placing.THERE, "/c/0.mkv"), (Placing.PLACED, "/c/0.mkv")):
        said = proxies(placing, proxy)
        assert said.startswith("UNKNOWN: ")
        assert PERHAPS in said


def test_it_takes_part_before_kdenlive_is_asked(
    proxies: Callable[..., str], host: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that starts late while Kdenlive is busy must not find the switch thrown by the others."""
    monkeypatch.setattr(bus, "_LOOK_SECONDS", 1.0)
    host.is_deaf = True
    seen: list[int] = []

    def look() -> None:
        seen.append(len(toggling._running(notes_folder(), host.pid)))

    threading.Timer(0.5, look).start()
    with pytest.raises(HostBusyError):
        proxies(Placing.PLACED, pid=host.pid)
    assert seen == [1]
    assert not toggling._running(notes_folder(), host.pid)
