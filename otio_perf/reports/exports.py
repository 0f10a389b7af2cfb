"""What ``otio-perf render --json`` writes; ``export.schema.json`` describes it."""

from __future__ import annotations

from typing import Any

from otio_perf.model.exports import ExportedSound, ExportProblem, ExportReport
from otio_perf.reports.document import Document, head, reasons


def export_document(report: ExportReport) -> Document:
    """The movie, or why there is none (nothing was made yet after a dry run)."""
    return {
        **head("export"),
        "source": report.source,
        "path": report.path,
        "written": report.is_written,
        "new": report.is_new,
        "codec": report.codec,
        "alpha": report.recipe.keeps_alpha,
        "quality": report.recipe.quality,
        "width": report.width,
        "height": report.height,
        "frame_rate": str(report.frame_rate),
        "colour": report.colour,
        "engine": report.engine,
        "start": report.start,
        "stop": report.stop,
        "start_timecode": report.start_timecode,
        "stop_timecode": report.stop_timecode,
        "frames": report.frames,
        "rendered_frames": report.counts.rendered,
        "reused_frames": report.counts.reused,
        "copied_frames": report.counts.copied,
        "pieces": report.counts.pieces,
        "sound": None if report.sound is None else _sound(report.sound),
        "problems": [_problem(one) for one in report.problems],
        "not_copied": [{"path": one.path, "frames": one.frames, "reason": one.reason} for one in report.not_copied],
        "predicted_seconds": None if report.predicted_seconds is None else round(report.predicted_seconds, 3),
        "predicted_bytes": report.predicted_bytes,
        "size_bytes": report.size_bytes,
        "seconds": round(report.seconds, 3),
        "notices": list(report.notices),
    }


def _sound(sound: ExportedSound) -> dict[str, Any]:
    return {
        "codec": sound.codec,
        "sample_rate": sound.sample_rate,
        "layout": sound.layout,
        "samples": sound.samples,
        "peak": None if sound.peak is None else round(sound.peak, 6),
        "notes": list(sound.notes),
    }


def _problem(one: ExportProblem) -> dict[str, Any]:
    return {
        "kind": one.kind.value,
        "start": one.start,
        "stop": one.stop,
        "start_timecode": one.start_timecode,
        "stop_timecode": one.stop_timecode,
        "reason": one.reason,
        "names": list(one.names),
        "why": reasons(one.why),
        "in_the_way": one.is_in_the_way,
    }
