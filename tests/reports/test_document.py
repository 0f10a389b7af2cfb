"""Documents are JSON, and the analysis is what its packaged schema says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from otio_perf.model.analysis import Analysis
from otio_perf.model.events import Failed, Ready, Skipped
from otio_perf.model.plans import Action, Decision, Plan, Product
from otio_perf.model.recipes import ProxyRecipe
from otio_perf.model.results import LeftAlone, OptimizeReport, ProxyReport, WrittenTimeline
from otio_perf.model.timing import FrameRange
from otio_perf.reports import document

Make = Callable[[list[float | None]], Analysis]

_TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
_KNOWN = {
    "$schema",
    "$id",
    "$defs",
    "$ref",
    "title",
    "description",
    "type",
    "required",
    "properties",
    "items",
    "const",
    "enum",
} | {
    "anyOf",
    "minimum",
    "maximum",
    "pattern",
}


def check(value: Any, schema: dict[str, Any], root: dict[str, Any], where: str = "$") -> None:
    """The part of JSON Schema that ours uses; stricter in one point: properties that it does not name are refused."""
    assert set(schema) <= _KNOWN, f"{where}: this check does not know {set(schema) - _KNOWN}"
    if "$ref" in schema:
        check(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, where)
    if "anyOf" in schema:
        failures = []
        for choice in schema["anyOf"]:
            try:
                check(value, choice, root, where)
                break
            except AssertionError as e:
                failures.append(e)
        else:
            raise AssertionError(f"{where}: {failures}")
    if "type" in schema:
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        assert any(isinstance(value, _TYPES[n]) for n in names), f"{where}: {value!r} is no {names}"
        assert not (isinstance(value, bool) and "boolean" not in names), where
    assert "const" not in schema or value == schema["const"], where
    assert "enum" not in schema or value in schema["enum"], f"{where}: {value!r}"
    assert "pattern" not in schema or re.search(schema["pattern"], value), f"{where}: {value!r}"
    assert "minimum" not in schema or value >= schema["minimum"], f"{where}: {value}"
    assert "maximum" not in schema or value <= schema["maximum"], f"{where}: {value}"
    if isinstance(value, dict):
        assert set(schema.get("required", ())) <= set(value), f"{where}: lacks {set(schema.get('required', ())) - set(value)}"
        if "properties" in schema:
            assert set(value) <= set(schema["properties"]), f"{where}: undocumented {set(value) - set(schema['properties'])}"
            for key, item in value.items():
                check(item, schema["properties"][key], root, f"{where}.{key}")
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            check(item, schema["items"], root, f"{where}[{number}]")


def parsed(value: Any) -> Any:
    return json.loads(json.dumps(value, allow_nan=False))


def test_the_analysis_is_what_the_schema_says(make_analysis: Make) -> None:
    schema = document.analysis_schema()
    written = parsed(document.analysis_document(make_analysis([0.5, 0.9, 2.5, None])))
    check(written, schema, schema)
    assert written["schema_version"] == schema["properties"]["schema_version"]["const"] == document.SCHEMA_VERSION
    assert [s["state"] for s in written["spans"]] == ["smooth", "close", "slow", "offline"]
    assert written["spans"][2]["start_timecode"] == "01:00:00:20"
    assert written["timeline"]["frame_rate"] == "25"
    assert written["media"][0]["info"]["video"][0]["codec"] == "hevc"
    assert written["suggestions"][0]["gain_per_second"] == pytest.approx(3 / 9, abs=1e-3)


def test_the_check_of_the_schema_can_fail(make_analysis: Make) -> None:
    schema = document.analysis_schema()
    for spoil in (
        lambda d: d["spans"][0].pop("factor"),
        lambda d: d["spans"][0].update(state="odd"),
        lambda d: d.update(extra=1),
        lambda d: d["machine"].update(cores="four"),
        lambda d: d["timeline"].update(frame_rate="25 fps"),
    ):
        written = document.analysis_document(make_analysis([0.5]))
        spoil(written)
        with pytest.raises(AssertionError):
            check(parsed(written), schema, schema)


def test_plans_and_outcomes(make_analysis: Make) -> None:
    analysis = make_analysis([2.0, None])
    product = Product(
        key="k",
        source_path="/m/a.mp4",
        source_fingerprint="f",
        recipe=ProxyRecipe(rung="1080p"),
        path="/w/a_1080p.mov",
        source_range=FrameRange(0, 100, Fraction(24000, 1001)),
        width=1920,
        height=1080,
    )
    plan = Plan(
        decisions=(
            Decision(
                target=analysis.survey.targets[0],
                action=Action.MAKE,
                reason="4K",
                products=(product,),
                predicted_seconds=9.0,
                predicted_bytes=210,
            ),
        )
    )
    report = ProxyReport(
        plan=plan,
        media=analysis.media,
        outcomes=(
            Ready(key="1", products=(product,), seconds=8.5, notes=("libx264",)),
            Skipped(key="2", reason="stopped"),
            Failed(key="3", error="EncodeError", message="no", path="/m/a.mp4", hint="try"),
        ),
        seconds=9.5,
    )
    written = WrittenTimeline(
        source="a.otio", path="b.otio", changed_clips=1, left_alone=(LeftAlone(clip="c", reason="offline"),)
    )
    whole = parsed(document.optimize_document(OptimizeReport(analyses=(analysis,), proxies=report, written=(written,))))
    assert whole["schema"] == "otio_perf.optimize"
    assert whole["proxies"]["decisions"][0]["action"] == "make"
    assert whole["proxies"]["decisions"][0]["products"][0]["frame_rate"] == "24000/1001"
    assert [o["state"] for o in whole["proxies"]["outcomes"]] == ["ready", "skipped", "failed"]
    assert whole["written"][0]["left_alone"] == [{"clip": "c", "reason": "offline"}]
    assert parsed(document.proxies_document(report))["predicted_bytes"] == 210
    assert parsed(document.proxies_document(report))["seconds"] == 9.5
    assert parsed(document.written_document([written]))["written"][0]["path"] == "b.otio"
    assert [m["state"] for m in parsed(document.media_document(analysis.media))["media"]] == ["online", "offline"]
