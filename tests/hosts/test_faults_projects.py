"""Projects that are broken, hostile, too new or in the wrong place: refused in one line, and nothing is written."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import colours
import pytest

from otio_perf.timeline.mlt import reading
from otio_perf.timeline.mlt.proxied import Shown, with_originals, with_proxies
from otio_perf.timeline.tree import clips_of

Command = Callable[..., subprocess.CompletedProcess[str]]

PROJECT = Path(__file__).parent / "real" / "projects" / "kdenlive-22.12.kdenlive"
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def home(tmp_path: Path, measured_machine: Path) -> dict[str, str]:
    """An environment of a user without any Kdenlive."""
    cache = tmp_path / "home" / ".cache" / "otio_perf"
    cache.mkdir(parents=True)
    shutil.copy(measured_machine, cache)
    return {"HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


@pytest.fixture
def otio_perf(home: dict[str, str], run_command: Command) -> Command:
    return lambda *words, cwd: run_command([*map(str, words)], env=home, cwd=cwd)


@pytest.fixture
def edit(tmp_path: Path) -> Path:
    """A project of Kdenlive 22.12, saved by itself, with its media, in a folder of its own."""
    folder = tmp_path / "edit"
    folder.mkdir()
    colours.make(folder / "a.mp4", frames=30, size=(320, 180))
    colours.make(folder / "b.mp4", frames=30, first=200, size=(320, 180))
    path = folder / "edit.kdenlive"
    text = PROJECT.read_text(encoding="utf-8").replace("{folder}", str(folder))
    path.write_text(text.replace('out="00:00:03.960"', 'out="00:00:01.160"'), encoding="utf-8")
    return path


def changed(edit: Path, *replacements: tuple[str, str]) -> None:
    text = edit.read_text(encoding="utf-8")
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    edit.write_text(text, encoding="utf-8")


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and ".otio_perf" not in path.parts}


# -- versions that nobody has seen ---------------------------------------------------------------------------------------

NEWER = {
    "document": ('docproperties.version">1.04<', 'docproperties.version">9.9<'),
    "program": ('kdenliveversion">22.12.3<', 'kdenliveversion">27.04.0<'),
}


@pytest.mark.parametrize("what", NEWER)
def test_a_newer_kdenlive(what: str, edit: Path, otio_perf: Command, home: dict[str, str]) -> None:
    """Its project is not patched; it is read, and proxies by hash need no patch."""
    changed(edit, NEWER[what])
    before = files_of(edit.parent)
    for words in (["optimize", "--all", "--proxy", "120p"], ["prerender"]):
        done = otio_perf(*words, "edit.kdenlive", "-o", "edit.perf.kdenlive", cwd=edit.parent)
        assert done.returncode == 5
        assert "newer than any known here: it is not changed" in done.stderr
        assert "otio-perf host place kdenlive" in done.stderr
    assert files_of(edit.parent) == before
    assert otio_perf("analyze", "edit.kdenlive", cwd=edit.parent).returncode == 0

    done = otio_perf("host", "place", "kdenlive", "edit.kdenlive", "--all", "--proxy", "120p", cwd=edit.parent)
    assert done.returncode == 0, done.stderr
    placed = Path(home["HOME"], ".cache", "kdenlive", "proxy")  # which was not there
    assert {path.stem for path in placed.iterdir()} == {colours.kdenlive_hash(path) for path in edit.parent.glob("*.mp4")}
    assert files_of(edit.parent) == before


# -- XML that wants to hurt ----------------------------------------------------------------------------------------------

_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
_BODY = '<producer id="a"><property name="resource">a.mp4</property></producer>'
HOSTILE = {
    "billion laughs": f'<?xml version="1.0"?><!DOCTYPE mlt [<!ENTITY l0 "ha">{_LAUGHS}]><mlt>&l9;</mlt>'.encode(),
    "external entity": b'<!DOCTYPE mlt [<!ENTITY x SYSTEM "file:///etc/passwd">]><mlt><producer>&x;</producer></mlt>',
    "deep": b"<mlt>" + b"<tractor>" * 100_000 + b"</tractor>" * 100_000 + b"</mlt>",
    "huge attribute": b'<mlt><profile width="' + b"9" * 5_000_000 + b'" frame_rate_num="25" frame_rate_den="1"/></mlt>',
    "many attributes": b"<mlt " + b" ".join(b'a%d=""' % n for n in range(200_000)) + b"/>",
    "one attribute twice": b'<mlt a="1" a="2"/>',
    "a name of NUL": b"<mlt>\0</mlt>",
    "NUL alone": b"\0" * 10_000,
    "nothing": b"",
    "half of it": _BODY.encode()[:40],
    "another root": b"<html><body>project</body></html>",
    "no frame rate": b'<mlt><profile frame_rate_num="0" frame_rate_den="0"/><playlist id="p"/></mlt>',
    "plays itself": b"<mlt>"
    b'<tractor id="a"><track producer="b"/></tractor><tractor id="b"><track producer="a"/></tractor></mlt>',
    "UTF-16 without XML": "<mlt>".encode("utf-16"),
    "an encoding that nobody knows": b'<?xml version="1.0" encoding="klingon"?><mlt/>',
    "bytes that are no UTF-8": b"<mlt><playlist id='\xff\xfe'/></mlt>",
}


COMMANDS = {
    ".kdenlive": ("optimize", "prerender", "restore", "place"),
    ".mlt": ("restore",),
}


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("suffix", COMMANDS)
def test_hostile(what: str, suffix: str, tmp_path: Path, otio_perf: Command) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    name = f"x{suffix}"
    (folder / name).write_bytes(HOSTILE[what])
    for command in COMMANDS[suffix]:
        words = ["host", "place", "kdenlive", name] if command == "place" else [command, name, "-o", f"y{suffix}"]
        done = otio_perf(*words, cwd=folder)
        assert done.returncode in (3, 5), (words, done.stderr)
        assert "internal error" not in done.stderr
        last = done.stderr.splitlines()[-1]
        assert name in last
        assert len(last) < 500
    assert [path.name for path in folder.iterdir()] == [name]


# -- what the user has said in it ----------------------------------------------------------------------------------------


def test_a_clip_whose_proxy_is_switched_off_is_not_counted(edit: Path, otio_perf: Command) -> None:
    resource = '<property name="resource">a.mp4</property>'
    changed(edit, (resource, f'{resource}<property name="kdenlive:proxy">-</property>'))
    done = otio_perf("optimize", "edit.kdenlive", "--all", "--proxy", "120p", cwd=edit.parent)
    assert done.returncode == 0, done.stderr
    assert "2 of the clips stay with their originals: their proxies are switched off in the project" in done.stderr
    assert "2 clips with proxies now" in done.stdout  # picture and sound of b.mp4
    patched = edit.with_name("edit.perf.kdenlive").read_text("utf-8")
    assert resource in patched
    assert '<property name="resource">b.mp4</property>' not in patched


# -- places that cannot be written to ------------------------------------------------------------------------------------


@pytest.fixture
def read_only(home: dict[str, str]) -> Command:
    """Run ``otio-perf`` while a folder is on a read-only file system, for root as well."""
    if sys.platform != "linux" or subprocess.run(["unshare", "-Urm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("NO NAMESPACES: unshare -Urm does not work here, a read-only share was not tried")

    def run(*words: object, folder: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        mounted = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
        command = ["unshare", "-Urm", "sh", "-c", mounted, folder, sys.executable, "-m", "otio_perf", *words]
        environment = {**home, "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            [*map(str, command)], env=environment, cwd=cwd, capture_output=True, text=True, timeout=100, check=False
        )

    return run


def test_a_read_only_share(edit: Path, read_only: Command, tmp_path: Path, home: dict[str, str]) -> None:
    """A project and its media that nobody may write to: proxies go elsewhere, where that is said, and by hash in any case."""
    before = files_of(edit.parent)
    here = {"folder": edit.parent, "cwd": tmp_path}
    done = read_only("optimize", edit, "-o", edit.with_name("edit.perf.kdenlive"), "--all", "--proxy", "120p", **here)
    assert done.returncode in (2, 5)
    assert "Traceback" not in done.stderr
    assert "ead-only" in done.stderr or "not be written" in done.stderr, done.stderr

    elsewhere = ["--workspace", tmp_path / "elsewhere"]
    done = read_only("optimize", edit, "-o", tmp_path / "edit.perf.otio", "--all", "--proxy", "120p", *elsewhere, **here)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "edit.perf.otio").is_file()
    done = read_only("host", "place", "kdenlive", edit, "--all", "--proxy", "120p", *elsewhere, **here)
    assert done.returncode == 0, done.stderr
    assert len([*Path(home["HOME"], ".cache", "kdenlive", "proxy").iterdir()]) == 2
    assert files_of(edit.parent) == before


def test_a_cache_folder_that_cannot_be_written_to(edit: Path, read_only: Command, home: dict[str, str]) -> None:
    cache = Path(home["HOME"], ".cache", "kdenlive")
    cache.mkdir()
    done = read_only("host", "place", "kdenlive", "edit.kdenlive", "--all", "--proxy", "120p", folder=cache, cwd=edit.parent)
    assert done.returncode in (4, 5), done
    assert "Traceback" not in done.stderr
    assert "ead-only" in done.stdout + done.stderr, done
    assert not [*cache.iterdir()]


# -- large ones ----------------------------------------------------------------------------------------------------------


def large(clips: int) -> bytes:
    """A project of so many clips, each with a producer of its own, as Kdenlive 22.12 writes them."""
    plain = PROJECT.read_text(encoding="utf-8")
    (producer,) = re.findall(r' <producer id="producer0".*?</producer>\n', plain, re.DOTALL)
    producers = [producer.replace("producer0", f"p{number}").replace("a.mp4", f"m{number}.mp4") for number in range(clips)]
    cuts = [f'  <entry producer="p{number}" in="0" out="24"/>\n' for number in range(clips)]
    text = plain.replace(' <playlist id="main_bin">', "".join(producers) + ' <playlist id="main_bin">')
    return re.sub(r"(<playlist id=\"playlist6\")/>", lambda found: f"{found[1]}>\n{''.join(cuts)} </playlist>", text).encode()


def seconds(clips: int) -> float:
    """To read a project of so many clips, patch a proxy into each, and take them off again."""
    data = large(clips)
    reference = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": "proxy.mov", "metadata": {}}
    start = time.process_time()
    spelled = reading.read(data, "large.kdenlive")
    assert sum(1 for _ in clips_of(spelled)) > clips
    patched = with_proxies(data, "large.kdenlive", lambda original: Shown(f"/proxies/{original}", "otio_perf:half", reference))
    assert patched.count(b"/proxies/m") >= clips
    assert with_originals(patched, "large.kdenlive") == data
    return time.process_time() - start


def test_time_grows_with_the_project_and_not_with_its_square() -> None:
    small, big = min(seconds(500) for _ in range(2)), seconds(5000)
    assert big < 40 * small  # of its square: 100
