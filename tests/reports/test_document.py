"""Documents are JSON, and hold what happened. That all commands write what their schemas say: ``test_schemas.py``."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from otio_perf.model.analysis import Analysis
from otio_perf.model.events import Failed, Ready
from otio_perf.model.plans import Action, Decision, Plan, Product
from otio_perf.model.recipes import ProxyRecipe
from otio_perf.model.results import LeftAlone, OptimizeReport, ProxyReport, WrittenTimeline
from otio_perf.model.timing import FrameRange
from otio_perf.reports import document

Make = Callable[[list[float | None]], Analysis]


def parsed(value: Any) -> Any:
    return json.loads(json.dumps(value, allow_nan=False))


def test_analysis(make_analysis: Make) -> None:
    written = parsed(document.analysis_document(make_analysis([0.5, 0.9, 2.5, None])))
    assert written["schema"] == "otio_perf.analysis"
    assert written["schema_version"] == document.SCHEMA_VERSION
    assert [s["state"] for s in written["spans"]] == ["smooth", "close", "slow", "offline"]
    assert written["spans"][2]["start_timecode"] == "01:00:00:20"
    assert written["timeline"]["frame_rate"] == "25"
    assert written["media"][0]["info"]["video"][0]["codec"] == "hevc"
    assert written["suggestions"][0]["gain_per_second"] == pytest.approx(3 / 9, abs=1e-3)


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
    assert [o["state"] for o in whole["proxies"]["outcomes"]] == ["ready", "failed"]
    assert whole["written"][0]["left_alone"] == [{"clip": "c", "reason": "offline"}]
    assert parsed(document.proxies_document(report))["predicted_bytes"] == 210
    assert parsed(document.proxies_document(report))["seconds"] == 9.5
    assert parsed(document.written_document([written]))["written"][0]["path"] == "b.otio"
    assert [m["state"] for m in parsed(document.media_document(analysis.media))["media"]] == ["online", "offline"]
