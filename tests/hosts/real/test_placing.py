"""Proxies that are placed, not patched: what the real Kdenlive and Shotcut find by themselves. Ours are orange, by a LUT."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import colours
import pytest
from desktop import Desktop, until
from editors import Kdenlive, Shotcut

from otio_perf.hosts.kdenlive import external
from otio_perf.optimizer.placing import file_hash

Command = Callable[..., str]


def await_picture(host: Kdenlive | Shotcut, colour: str) -> None:
    until(lambda: colour in {one.colour for one in colours.seen(host.screenshot(), least=200)}, f"{colour} in the monitor")


def values(project: bytes, name: str) -> set[str]:
    return set(re.findall(rf'name="{re.escape(name)}">([^<]+)<', project.decode()))


def test_kdenlive_takes_proxies_by_their_hash(
    kdenlive: Callable[[Path], Kdenlive], edit: Path, desktop: Desktop, otio_perf: Command, lut: Path
) -> None:
    medium = edit.with_name("b.mp4")
    with medium.open("ab") as file:  # of large files the hash is another; players skip what is behind the movie
        file.write((3 << 20).to_bytes(4, "big") + b"free" + bytes((3 << 20) - 8))
    text = re.sub(r' *<property name="kdenlive:file_(hash|size)">[^<]*</property>\n', "", edit.read_text("utf-8"))
    edit.write_text(text.replace('enableproxy">0', 'enableproxy">1'), "utf-8")
    otio_perf("host", "place", "kdenlive", "edit.kdenlive", "--all", "--proxy", "half", "--lut", lut)
    folder = desktop.home / ".cache" / "kdenlive" / "proxy"
    hashes = {file_hash(edit.with_name(name)) for name in ("a.mp4", "b.mp4")}
    placed = {folder / f"{one}.mkv" for one in hashes}
    assert set(folder.iterdir()) == placed
    before = {proxy: proxy.stat().st_mtime_ns for proxy in placed}

    host = kdenlive(edit)
    await_picture(host, "blue")
    host.select_all_clips()
    assert host.action("proxy_clip")
    host.show_project(10)
    await_picture(host, "orange")
    until(lambda: host.badges() == 2, "2 badges")
    saved = host.save()
    assert values(saved, "kdenlive:file_hash") >= hashes  # a sequence has one, too
    assert values(saved, "kdenlive:proxy") == set(map(str, placed))
    assert {proxy: proxy.stat().st_mtime_ns for proxy in placed} == before  # it has encoded nothing


@pytest.mark.hosts  # where everybody's tests run, test_proxies_of_a_patched_project does
def test_kdenlive_switches_the_proxies_of_a_patched_project_off_and_on(
    kdenlive: Callable[[Path], Kdenlive], edit: Path, desktop: Desktop, otio_perf: Command, lut: Path
) -> None:
    (desktop.home / ".cache" / "kdenlive").mkdir(parents=True)  # it has run before
    otio_perf("optimize", "edit.kdenlive", "-o", "edit.perf.kdenlive", "--all", "--proxy", "half", "--lut", lut)
    host = kdenlive(edit.with_name("edit.perf.kdenlive"))
    for badges in (0, 2):
        host.select_all_clips()
        assert host.action("proxy_clip")
        until(lambda wanted=badges: host.badges() == wanted, f"{badges} badges")
    host.show_project(10)
    await_picture(host, "orange")
    host.save()
    host.close()
    otio_perf("restore", "edit.perf.kdenlive", "-o", "back.kdenlive")
    back = edit.with_name("back.kdenlive").read_bytes()
    assert {Path(path).name for path in values(back, "resource") if "." in path} == {"a.mp4", "b.mp4"}
    assert not values(back, "kdenlive:proxy")
    assert not re.findall(r"[^>]*otio_perf[^<]*", back.decode())


@pytest.mark.hosts  # half a minute, and told by test_toggling against a bus alone
def test_make_proxy_twice(kdenlive: Callable[[Path], Kdenlive], edit: Path, desktop: Desktop, otio_perf: Command) -> None:
    """Kdenlive's switch goes on and off: where a proxy is shown already, or may be, nobody touches it."""
    edit.write_text(edit.read_text("utf-8").replace('enableproxy">0', 'enableproxy">1'), "utf-8")
    host = kdenlive(edit)
    host.select_all_clips()

    def make_proxies() -> str:
        media = [word for name in ("a.mp4", "b.mp4") for word in ("--media", str(edit.with_name(name)))]
        words = ("host", "apply", "kdenlive", "proxies", "--pid", host.process.pid, *media, "--proxy", "half")
        said = otio_perf(*words, "--json", "-", "--quiet")
        notes = desktop.home / ".cache" / "otio_perf" / "hosts"
        until(lambda: not list(notes.glob("kdenlive-*")), "the process that throws the switch has ended")
        return str(json.loads(said)["message"])

    assert make_proxies() == "the proxy is there, and Kdenlive is told to show it"
    until(lambda: host.badges() == 2, "both show their proxies")
    assert host.is_modified
    assert make_proxies().startswith("the proxy is there; if the clip does not show it")
    host.save()
    assert make_proxies() == "shows its proxy already"
    time.sleep(1)
    until(lambda: host.badges() == 2, "2 badges")

    assert host.action("proxy_clip")
    until(lambda: host.badges() == 0, "the user has switched them off")
    host.save()
    assert make_proxies() == "the proxy is there, and Kdenlive is told to show it"
    until(lambda: host.badges() == 2, "both show their proxies again")


def test_kdenlive_takes_external_proxies(
    kdenlive: Callable[[Path], Kdenlive], edit: Path, desktop: Desktop, otio_perf: Command, lut: Path
) -> None:
    otio_perf("proxy", ".", "--beside", "--all", "--proxy", "half", "--lut", lut)
    proxies = sorted((edit.parent / "Proxy").iterdir())
    assert [proxy.name for proxy in proxies] == ["a.mov", "b.mov"]
    (words,) = {words for name, words in external.profiles().items() if name.endswith(".mp4")}
    said = {"enableproxy": "1", "enableexternalproxy": "1", "externalproxyparams": words}
    of_document = "kdenlive:docproperties."
    text = edit.read_text("utf-8")
    for name in said:
        text = re.sub(rf' *<property name="{of_document}{name}"(/>|>[^<]*</property>)\n', "", text)
    lines = "".join(f'<property name="{of_document}{name}">{value}</property>\n' for name, value in said.items())
    edit.write_text(re.sub(r'(<playlist id="main_bin"[^>]*>\n)', rf"\1{lines}", text), "utf-8")
    host = kdenlive(edit)
    host.select_all_clips()
    assert host.action("proxy_clip")
    host.show_project(10)
    await_picture(host, "orange")
    shown = {Path(path).name for path in values(host.save(), "kdenlive:proxy")}
    copies = {path.name for path in (desktop.home / ".cache" / "kdenlive" / "proxy").glob("*.*")}
    if host.version < "23":
        assert (shown, copies) == ({"a.mov", "b.mov"}, set())
    else:  # it makes copies of ours under its own names
        assert shown == copies == {f"{file_hash(edit.with_name(name))}.mov" for name in ("a.mp4", "b.mp4")}


SHOTCUT = """<?xml version="1.0" standalone="no"?>
<mlt LC_NUMERIC="C" version="7.12.0" title="Shotcut version 22.12.21" producer="main_bin">
 <profile description="HD 720p 25 fps" width="1280" height="720" progressive="1" sample_aspect_num="1" sample_aspect_den="1"
  display_aspect_num="16" display_aspect_den="9" frame_rate_num="25" frame_rate_den="1" colorspace="709"/>
 <playlist id="main_bin"><property name="xml_retain">1</property></playlist>
 <producer id="black" in="0" out="59"><property name="length">60</property><property name="resource">0</property>
  <property name="mlt_service">color</property><property name="mlt_image_format">rgba</property></producer>
 <playlist id="background"><entry producer="black" in="0" out="59"/></playlist>
 <chain id="chain0" out="59"><property name="length">60</property><property name="eof">pause</property>
  <property name="resource">{folder}/a.mp4</property><property name="mlt_service">avformat-novalidate</property>
  <property name="seekable">1</property><property name="audio_index">1</property><property name="video_index">0</property>
  <property name="shotcut:hash">{hash}</property><property name="shotcut:caption">a.mp4</property>
  <property name="xml">was here</property></chain>
 <playlist id="playlist0"><property name="shotcut:video">1</property><property name="shotcut:name">V1</property>
  <entry producer="chain0" in="0" out="59"/></playlist>
 <tractor id="tractor0" title="Shotcut version 22.12.21" in="0" out="59"><property name="shotcut">1</property>
  <property name="shotcut:projectAudioChannels">2</property><property name="shotcut:projectFolder">0</property>
  <track producer="background"/><track producer="playlist0"/>
  <transition id="t"><property name="a_track">0</property><property name="b_track">1</property>
   <property name="mlt_service">mix</property><property name="always_active">1</property><property name="sum">1</property>
  </transition></tractor>
</mlt>
"""


@pytest.fixture
def cut(desktop: Desktop) -> Path:
    folder = desktop.folder / "work"
    colours.make(folder / "a.mp4", frames=60)
    path = folder / "cut.mlt"
    path.write_text(SHOTCUT.format(folder=folder, hash=file_hash(folder / "a.mp4")))
    return path


@pytest.mark.hosts
def test_shotcut_takes_proxies_by_their_hash(
    shotcut: Callable[[Path], Shotcut],
    cut: Path,
    desktop: Desktop,
    otio_perf: Command,
    lut: Path,
    picture: Callable[[str], None],
) -> None:
    otio_perf("host", "place", "shotcut", "cut.mlt", "--all", "--proxy", "half", "--lut", lut)
    (proxy,) = (desktop.home / ".local/share/Meltytech/Shotcut/proxies").iterdir()
    assert proxy.name == f"{file_hash(cut.with_name('a.mp4'))}.mp4"
    await_picture(shotcut(cut), "orange")
    picture("shotcut-22.12-proxy")


@pytest.mark.hosts
def test_shotcut_saves_the_originals_of_a_patched_project(
    shotcut: Callable[[Path], Shotcut], cut: Path, desktop: Desktop, otio_perf: Command, lut: Path
) -> None:
    original = cut.read_bytes()
    otio_perf("optimize", "cut.mlt", "-o", "cut.perf.mlt", "--all", "--proxy", "half", "--lut", lut)
    patched = cut.with_name("cut.perf.mlt")
    otio_perf("restore", "cut.perf.mlt", "-o", "back.mlt")
    assert cut.with_name("back.mlt").read_bytes() == original
    host = shotcut(patched)
    await_picture(host, "orange")
    desktop.press("ctrl+shift+s")
    until(lambda: any("Save" in name for name in desktop.windows().values()), "the dialog")
    desktop.type(str(cut.with_name("saved.mlt")))
    desktop.press("Return")
    saved = cut.with_name("saved.mlt")
    until(saved.is_file, "saved")
    until(lambda: b"</mlt>" in saved.read_bytes(), "saved whole")
    assert {Path(path).name for path in values(saved.read_bytes(), "resource") if "." in path} == {"a.mp4"}
