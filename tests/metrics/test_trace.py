"""A trace is what Perfetto opens: the structure is checked event by event."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest

from otio_perf.metrics.trace import Trace
from otio_perf.model.events import Failed, Notice, Prerendered, TaskFinished, TaskProgress, TaskStarted
from otio_perf.model.timings import Timing, TimingKind


def events(trace: Trace) -> list[dict[str, Any]]:
    """Parsed and checked against the trace-event format."""
    document = json.loads(trace.to_json())
    assert document["displayTimeUnit"] in ("ms", "ns")
    for event in document["traceEvents"]:
        assert event["ph"] in ("X", "M")
        assert isinstance(event["name"], str)
        assert isinstance(event["pid"], int)
        assert isinstance(event["tid"], int)
        assert isinstance(event["args"], dict)
        if event["ph"] == "X":
            assert event["dur"] >= 0
            assert isinstance(event["ts"], float | int)
        else:
            assert event["name"] in ("process_name", "thread_name")
            assert isinstance(event["args"]["name"], str)
    lanes = {e["tid"] for e in document["traceEvents"] if e["name"] == "thread_name"}
    spans = [e for e in document["traceEvents"] if e["ph"] == "X"]
    assert {e["tid"] for e in spans} <= lanes
    return spans


def test_stages_nest_and_carry_their_arguments() -> None:
    trace = Trace()
    with trace.stage("outer", files=3) as outer:
        with trace.stage("inner", path="a.mp4"):
            time.sleep(0.01)
        assert outer.seconds == 0
    inner, whole = events(trace)
    assert (inner["name"], whole["name"]) == ("inner", "outer")
    assert whole["args"] == {"files": 3}
    assert whole["ts"] <= inner["ts"]
    assert inner["ts"] + inner["dur"] <= whole["ts"] + whole["dur"] + 1
    assert inner["dur"] >= 9_000
    assert outer.seconds == pytest.approx(whole["dur"] / 1e6, abs=1e-5)
    assert trace.seconds()["inner"] >= 0.009


def test_a_stage_that_raises_is_recorded_with_its_error() -> None:
    trace = Trace()
    with pytest.raises(ValueError, match="no"), trace.stage("probe"):
        raise ValueError("no")
    assert events(trace)[0]["args"] == {"error": "ValueError"}


def test_threads_get_lanes_of_their_own() -> None:
    trace = Trace()

    def work() -> None:
        for _ in range(50):
            with trace.stage("work"):
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = events(trace)
    assert len(found) == 200
    assert len({e["tid"] for e in found}) == 4


def test_tasks_of_workers_are_drawn_side_by_side() -> None:
    trace = Trace()
    failed = Failed(key="b", error="EncodeError", message="no")
    trace.hear(TaskStarted(key="a", label="a.mp4", total=10))
    trace.hear(TaskStarted(key="b", label="b.mp4", total=10))
    trace.hear(TaskProgress(key="a", done=5, total=10))
    trace.hear(Notice(text="hello"))
    trace.hear(TaskFinished(key="b", outcome=failed))
    trace.hear(TaskStarted(key="c", label="c.mp4", total=10))
    trace.hear(TaskFinished(key="c", outcome=failed))
    trace.hear(TaskFinished(key="a", outcome=failed))
    trace.hear(TaskFinished(key="never started", outcome=failed))
    b, c, a = events(trace)
    assert [e["name"] for e in (a, b, c)] == ["a.mp4", "b.mp4", "c.mp4"]
    assert b["tid"] == c["tid"] != a["tid"]
    assert b["args"] == {"outcome": "Failed"}


def test_where_the_time_of_a_chunk_went_is_drawn_below_it() -> None:
    trace = Trace()
    timings = (
        Timing(kind=TimingKind.STAGE, name="decode", thread=1, count=24, milliseconds=240.0),
        Timing(kind=TimingKind.EFFECT, name="gaussian_blur", thread=1, count=24, milliseconds=480.0, unit_ms=1.5),
        Timing(kind=TimingKind.STAGE, name="encode", thread=2, count=24, milliseconds=720.0),
    )
    outcome = Prerendered(
        key="c", chunk="c", path="/c.mov", frames=24, size_bytes=1, digest="d", seconds=1.0, engine="cpu", timings=timings
    )
    trace.hear(TaskStarted(key="c", label="01:00:00:00", total=24))
    trace.hear(TaskFinished(key="c", outcome=outcome))
    whole, decode, blur, encode = events(trace)
    assert [e["name"] for e in (whole, decode, blur, encode)] == ["01:00:00:00", "decode", "effect gaussian_blur", "encode"]
    assert blur["args"] == {"count": 24, "ms each": 20.0}
    assert blur["ts"] == pytest.approx(decode["ts"] + 240e3, abs=1)
    assert encode["ts"] == pytest.approx(decode["ts"], abs=1)
    assert decode["tid"] == blur["tid"]
    assert len({whole["tid"], decode["tid"], encode["tid"]}) == 3
    assert trace.seconds()["effect gaussian_blur"] == pytest.approx(0.48)
