"""Hostile timelines are refused in one line and the interpreter lives."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otio_perf.errors import (
    HostileTimelineError,
    TaskCancelledError,
    TimelineError,
    UnreadableTimelineError,
    UnsupportedSchemaError,
)
from otio_perf.timeline import child, files, guard
from otio_perf.timeline.guard import Limits

ROOT = Path(__file__).parent.parent.parent
EMPTY = '{"OTIO_SCHEMA":"Timeline.1","name":"x","metadata":%s,"global_start_time":null,"tracks":%s}'
STACK = (
    '{"OTIO_SCHEMA":"Stack.1","name":"s","metadata":{},"source_range":null,"effects":[],"markers":[],'
    '"enabled":true,"children":[%s]}'
)
COLLECTION = (
    '{"OTIO_SCHEMA":"SerializableCollection.1","OTIO_REF_ID":"%s","name":"","metadata":'
    '{"x":{"OTIO_SCHEMA":"SerializableObjectRef.1","id":"%s"}},"children":[]}'
)


def nested_stacks(depth: int) -> str:
    head, tail = STACK.split("%s")
    return EMPTY % ("{}", head * depth + tail * depth)


HOSTILE = {
    "10,000 nested stacks": nested_stacks(10_000),
    "metadata 100,000 deep": EMPTY % ('{"a":' * 100_000 + "1" + "}" * 100_000, "null"),
    "itself": (
        '{"OTIO_SCHEMA":"Timeline.1","OTIO_REF_ID":"T","name":"x","metadata":{"a":'
        '{"OTIO_SCHEMA":"SerializableObjectRef.1","id":"T"}},"tracks":null}'
    ),
    "a circle of two": EMPTY % (f'{{"a":{COLLECTION % ("A", "B")},"b":{COLLECTION % ("B", "A")}}}', "null"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("canonical", [False, True])
def test_what_kills_opentimelineio_is_refused(tmp_path: Path, name: str, canonical: bool) -> None:
    path = tmp_path / "hostile.otio"
    path.write_text(HOSTILE[name])
    with pytest.raises(HostileTimelineError) as caught:
        files.read(path, canonical=canonical)
    assert "\n" not in str(caught.value)
    assert "hostile.otio" in str(caught.value)


def test_depth_up_to_the_limit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "deep.otio"
    path.write_text(nested_stacks(90))  # a stack is two levels: its own brackets and those of its children
    assert guard.check(path).depth == 181
    assert files.read(path).root["tracks"]["OTIO_SCHEMA"] == "Stack.1"
    with pytest.raises(HostileTimelineError, match="181 levels deep"):
        files.read(path, limits=Limits(max_depth=180))


def test_brackets_and_quotes_in_strings_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "strings.otio"
    name = "[" * 500 + '\\"' + "{" * 500 + "\\\\"
    path.write_text(EMPTY.replace('"name":"x"', f'"name":"{name}"') % ("{}", "null"))
    assert guard.check(path).depth == 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='ab[]{}"\\\n☃'),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='k[{"\\'), inner, max_size=4),
    max_leaves=30,
)


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


@given(json_values, st.booleans())
def test_depth_equals_a_parsers(value: object, ascii_only: bool) -> None:
    assert guard.nesting_depth(json.dumps(value, ensure_ascii=ascii_only).encode()) == depth_of(value)


@given(st.binary(max_size=200))
def test_any_bytes_have_some_depth(data: bytes) -> None:
    assert guard.nesting_depth(data) <= len(data)


def test_a_file_of_255_mb_is_scanned_in_a_moment() -> None:
    line = b'                        "OTIO_SCHEMA": "RationalTime.1", "rate": 24.0, "value": [{"a": "b"}],\n'
    data = b"[" + line * (255_000_000 // len(line)) + b"]"
    seconds = []
    for _ in range(3):
        start = time.process_time()
        assert guard.nesting_depth(data) == 3
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.5


def test_size_is_checked_before_reading(tmp_path: Path) -> None:
    path = tmp_path / "large.otio"
    with path.open("wb") as file:
        file.truncate(3 << 30)  # sparse: no bytes on the disk
    with pytest.raises(HostileTimelineError, match="MB are refused"):
        files.read(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="NO FIFO on this system")
def test_a_fifo_is_refused_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe.otio"
    os.mkfifo(path)
    with pytest.raises(UnreadableTimelineError, match="not a regular file"):
        files.read(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read"),
        ("hello", "cannot be read"),
        ("[1, 2]", "no timeline"),
        ("null", "no timeline"),
        ('{"a": 1}', "no timeline"),
        ('{"OTIO_SCHEMA": "Marker.2"}', "no timeline"),
        ('{"OTIO_SCHEMA": "Timeline.1", "name": "cut', "cannot be read"),
    ],
)
def test_what_is_no_timeline_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "none.otio"
    path.write_text(text)
    with pytest.raises(TimelineError, match=message):
        files.read(path)


def test_newer_schemas_are_named(tmp_path: Path) -> None:
    path = tmp_path / "newer.otio"
    path.write_text(EMPTY % ('{"m": {"OTIO_SCHEMA": "Marker.3"}, "c": {"OTIO_SCHEMA": "Clip.9"}}', "null"))
    with pytest.raises(UnsupportedSchemaError, match=r"Clip\.9.*Marker\.3") as caught:
        files.read(path)
    assert "Marker.2" in str(caught.value)


def test_unknown_names_pass_through(tmp_path: Path) -> None:
    path = tmp_path / "unknown.otio"
    path.write_text(EMPTY % ('{"m": {"OTIO_SCHEMA": "Studio.7", "x": 1}}', "null"))
    assert files.read(path).root["metadata"]["m"]["x"] == 1


def test_a_crash_of_the_reader_is_contained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that takes the interpreter down stands in for a broken adapter."""
    package = tmp_path / "opentimelineio"
    package.mkdir()
    (package / "__init__.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    path = tmp_path / "a.edl"
    path.write_text("TITLE: x\n")
    with pytest.raises(HostileTimelineError, match="crashes its adapter"):
        files.read(path)


def test_a_hang_of_the_reader_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "opentimelineio"
    package.mkdir()
    (package / "__init__.py").write_text("import time\ntime.sleep(600)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    path = tmp_path / "a.edl"
    path.write_text("TITLE: x\n")
    start = time.monotonic()
    with pytest.raises(HostileTimelineError, match="took more than 2 s"):
        files.read(path, limits=Limits(adapter_seconds=2))
    assert time.monotonic() - start < 10


@pytest.fixture
def hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An EDL whose adapter says that it has begun (a file ``begun``), and never ends."""
    package = tmp_path / "opentimelineio"
    package.mkdir()
    begun = f"pathlib.Path({str(tmp_path / 'begun')!r}).touch()"
    (package / "__init__.py").write_text(f"import time, pathlib\n{begun}\ntime.sleep(600)\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(ROOT)]))
    path = tmp_path / "a.edl"
    path.write_text("TITLE: x\n")
    return path


def test_a_run_that_nobody_wants_any_more_is_ended(hanging: Path) -> None:
    start = time.monotonic()
    with child.stopped_by((hanging.parent / "begun").exists), pytest.raises(TaskCancelledError):
        files.read(hanging)
    assert time.monotonic() - start < 10
    with pytest.raises(HostileTimelineError, match="took more than 1 s"):  # the next one is not stopped
        files.read(hanging, limits=Limits(adapter_seconds=1))


@pytest.mark.skipif(os.name != "posix", reason="sends a signal to a group of processes, as a terminal does")
def test_ctrl_c_in_a_terminal_is_an_interruption_and_no_crash(hanging: Path) -> None:
    command = [sys.executable, "-m", "otio_perf", "convert", "-i", str(hanging), "-o", str(hanging.with_suffix(".otio"))]
    environment = {**os.environ, "XDG_CACHE_HOME": str(hanging.parent / "cache")}
    with subprocess.Popen(command, start_new_session=True, env=environment, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not (hanging.parent / "begun").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 130, told
    assert "crash" not in told


def test_xml_that_declares_entities_is_refused(tmp_path: Path) -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE xmeml [<!ENTITY a "aaaaaaaaaa">'
    bomb += "".join(f'<!ENTITY {chr(98 + i)} "{("&" + chr(97 + i) + ";") * 10}">' for i in range(9))
    path = tmp_path / "bomb.xml"
    path.write_text(bomb + "]><xmeml>&j;</xmeml>")
    with pytest.raises(HostileTimelineError, match="entities"):
        files.read(path)
