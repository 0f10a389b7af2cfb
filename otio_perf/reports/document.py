"""Answers as JSON for programs: plain dicts, each with ``schema`` and ``schema_version``.

The ``*.schema.json`` beside this file describe the documents of all commands (JSON Schema 2020-12). Within a version, fields
are only ever added. Frame rates are written ``"24000/1001"``; frames are counted from the start of the timeline, half-open.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib import resources
from typing import Any

from otio_perf.model.analysis import Analysis, MediaFinding, SpanCost, Suggestion
from otio_perf.model.events import Failed, Ready
from otio_perf.model.machine import MachineProfile
from otio_perf.model.media import AudioInfo, MediaInfo, VideoInfo
from otio_perf.model.plans import Decision, Plan, Product
from otio_perf.model.results import (
    OptimizeReport,
    PrerenderReport,
    ProxyDifference,
    ProxyReport,
    StillReport,
    WrittenTimeline,
)
from otio_perf.model.uses import Survey
from otio_perf.reports.regions import state_of

SCHEMA_VERSION = 1

Document = dict[str, Any]


def schemas() -> dict[str, Document]:
    """The JSON Schemas of all documents by file name, which is also how they refer to each other: ``media.schema.json``."""
    files = resources.files("otio_perf.reports").iterdir()
    return {f.name: json.loads(f.read_text(encoding="utf-8")) for f in files if f.name.endswith(".schema.json")}


def analysis_document(analysis: Analysis) -> Document:
    """What ``otio-perf analyze --json`` writes."""
    survey = analysis.survey
    return {
        **head("analysis"),
        "timeline": _timeline(survey),
        "machine": _machine(analysis.machine),
        "smooth_share": analysis.smooth_share,
        "media": [_finding(m) for m in analysis.media],
        "spans": [_span(survey, s) for s in analysis.spans],
        "suggestions": [_suggestion(s) for s in analysis.suggestions],
        "problems": [{"clip": p.clip, "reason": p.reason} for p in survey.problems],
        "gone_proxies": [{"path": g.path, "clips": g.clips} for g in analysis.gone],
        "linked_proxies": {one.media_path: one.recipe.rung for one in analysis.linked},
        "smooth_share_linked": analysis.smooth_share_linked,
    }


def proxies_document(report: ProxyReport) -> Document:
    """What ``otio-perf proxy --json`` writes: the plan, and what became of it (nothing yet after a dry run)."""
    return {**head("proxies"), **_proxies(report)}


def optimize_document(report: OptimizeReport) -> Document:
    """What ``otio-perf optimize --json`` writes."""
    return {
        **head("optimize"),
        "analyses": [analysis_document(a) for a in report.analyses],
        "proxies": _proxies(report.proxies),
        "prerenders": [_prerender(p) for p in report.prerenders],
        "written": [_written(w) for w in report.written],
    }


def prerender_document(report: PrerenderReport) -> Document:
    """What ``otio-perf prerender --json`` writes: the regions, and what became of them (nothing yet after a dry run)."""
    return {**head("prerender"), **_prerender(report)}


def written_document(written: Iterable[WrittenTimeline]) -> Document:
    """What ``restore`` and ``convert`` write."""
    return {**head("written"), "written": [_written(w) for w in written]}


def media_document(findings: Iterable[MediaFinding], differences: Iterable[ProxyDifference] | None = None) -> Document:
    """What ``otio-perf probe --json`` writes; ``differences``: with ``--proxy-of``."""
    told = None if differences is None else [asdict(one) for one in differences]
    return {**head("media"), "media": [_finding(f) for f in findings], "differences": told}


def host_document(report: Any) -> Document:
    """What ``otio-perf host apply --json`` writes."""
    return {**head("host_applied"), **asdict(report)}


def still_document(report: StillReport) -> Document:
    """What ``otio-perf frame --json`` writes."""
    frames = [{**asdict(frame), "why": reasons(frame.why)} for frame in report.frames]
    return {**head("still"), **asdict(report), "frames": frames}


def reasons(why: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "reason": reason} for name, reason in why]


def machine_document(machine: MachineProfile) -> Document:
    """What ``otio-perf calibrate --json`` writes: the summary that analyses carry, and all that was measured."""
    measured = {name: value for name, value in asdict(machine).items() if name not in ("machine", "notes", "effects")}
    return {**head("machine"), "machine": {**_machine(machine), **measured}}


def checks_document(checks: Iterable[Any]) -> Document:
    """What ``otio-perf doctor --json`` writes."""
    return {**head("checks"), "checks": [asdict(check) for check in checks]}


def status_document(status: Any) -> Document:
    """What ``otio-perf cache status --json`` writes."""
    return {**head("cache_status"), "status": asdict(status)}


def faults_document(faults: Iterable[Any]) -> Document:
    """What ``otio-perf cache verify --json`` writes."""
    return {**head("cache_faults"), "faults": [asdict(fault) for fault in faults]}


def freed_document(freed: Any, *, dry_run: bool) -> Document:
    """What ``otio-perf cache clear --json`` writes."""
    counts = {
        name: getattr(freed, name) for name in ("proxies", "sources", "renders", "chunks", "previews", "kept", "kept_proxies")
    }
    players = list(freed.players)
    return {**head("cache_freed"), "freed_bytes": freed.size_bytes, **counts, "players": players, "dry_run": dry_run}


def pruned_document(pruned: Any, *, dry_run: bool) -> Document:
    """What ``otio-perf cache prune --json`` writes."""
    removed = [
        {"kind": one.kind, "path": one.path, "size_bytes": one.size_bytes, "reason": one.reason} for one in pruned.removed
    ]
    return {
        **head("cache_pruned"),
        "removed": removed,
        "freed_bytes": pruned.freed_bytes,
        "parts": pruned.parts,
        "kept": pruned.kept,
        "players": list(pruned.players),
        "size_bytes": pruned.size_bytes,
        "over_bytes": pruned.over_bytes,
        "dry_run": dry_run,
    }


def head(schema: str) -> Document:
    return {"schema": f"otio_perf.{schema}", "schema_version": SCHEMA_VERSION}


def _timeline(survey: Survey) -> Document:
    return {
        "name": survey.name,
        "path": survey.path,
        "digest": survey.digest,
        "frame_rate": str(survey.frame_rate),
        "frames": survey.duration.stop,
        "seconds": float(survey.duration.seconds),
        "start_timecode": survey.timecode(0),
        "width": survey.canvas[0] if survey.canvas else None,
        "height": survey.canvas[1] if survey.canvas else None,
        "layers": list(survey.layers),
        "clips": len(survey.uses),
    }


def _machine(machine: MachineProfile) -> Document:
    return {
        "name": machine.machine,
        "measured_at": machine.measured_at,
        "cores": machine.cores,
        "memory_bytes": machine.memory_bytes,
        "notes": list(machine.notes),
    }


def _span(survey: Survey, cost: SpanCost) -> Document:
    position = cost.span.position
    return {
        "start": position.start,
        "stop": position.stop,
        "start_timecode": survey.timecode(position.start),
        "stop_timecode": survey.timecode(position.stop),
        "state": state_of(cost),
        "frame_ms": round(cost.frame_ms, 3),
        "factor": round(cost.factor, 4),
        "with_proxy_factor": None if cost.with_proxy_factor is None else round(cost.with_proxy_factor, 4),
        "reasons": list(cost.reasons),
        "parts": [{"name": name, "ms": ms} for name, ms in cost.parts_ms],
        "clips": list(cost.span.uses),
        "offline": list(cost.offline),
    }


def _suggestion(suggestion: Suggestion) -> Document:
    return {
        "remedy": suggestion.remedy.value,
        "text": suggestion.text,
        "media_path": suggestion.media_path,
        "rung": suggestion.rung,
        "spans": list(suggestion.spans),
        "predicted_seconds": round(suggestion.work_seconds, 3),
        "predicted_bytes": suggestion.size_bytes,
        "saved_ms": round(suggestion.saved_ms, 3),
        "saved_seconds": round(suggestion.saved_seconds, 3),
        "gain_per_second": round(suggestion.gain_per_second, 4),
    }


def _finding(finding: MediaFinding) -> Document:
    return {
        "path": finding.path,
        "url": finding.url,
        "state": finding.state,
        "reason": finding.reason,
        "info": None if finding.info is None else _media(finding.info),
    }


def _media(info: MediaInfo) -> Document:
    return {
        "kind": info.kind.value,
        "container": info.container,
        "size_bytes": info.size_bytes,
        "fingerprint": info.fingerprint,
        "seconds": float(info.duration),
        "start_timecode": info.start_timecode,
        "reel": info.reel,
        "video": [_video(v) for v in info.video],
        "audio": [_audio(a) for a in info.audio],
        "other_streams": info.other_streams,
    }


def _video(video: VideoInfo) -> Document:
    return {
        "codec": video.codec,
        "profile": video.profile,
        "width": video.width,
        "height": video.height,
        "pixel_format": video.pixel_format,
        "bit_depth": video.bit_depth,
        "has_alpha": video.has_alpha,
        "frame_rate": str(video.frame_rate),
        "is_vfr": video.is_vfr,
        "frame_count": video.frame_count,
        "sample_aspect": str(video.sample_aspect),
        "rotation": video.rotation,
        "is_mirrored": video.is_mirrored,
        "field_order": video.field_order,
        "colour": {
            "primaries": video.colour.primaries,
            "transfer": video.colour.transfer,
            "matrix": video.colour.matrix,
            "range": video.colour.range,
        },
        "longest_gop": video.gop.longest,
        "bits_per_second": video.bits_per_second,
    }


def _audio(audio: AudioInfo) -> Document:
    return {
        "codec": audio.codec,
        "sample_rate": audio.sample_rate,
        "channels": audio.channels,
        "layout": audio.layout,
        "language": audio.language,
    }


def _plan(plan: Plan) -> Document:
    return {
        "predicted_seconds": round(plan.predicted_seconds, 3),
        "predicted_bytes": plan.predicted_bytes,
        "decisions": [_decision(d) for d in plan.decisions],
    }


def _decision(decision: Decision) -> Document:
    return {
        "path": decision.target.path,
        "url": decision.target.url,
        "action": decision.action.value,
        "reason": decision.reason,
        "predicted_seconds": round(decision.predicted_seconds, 3),
        "predicted_bytes": decision.predicted_bytes,
        "products": [_product(p) for p in decision.products],
    }


def _product(product: Product) -> Document:
    return {
        "key": product.key,
        "path": product.path,
        "rung": product.recipe.rung,
        "codec": product.recipe.codec.value,
        "quality": product.recipe.quality,
        "lut": product.recipe.lut and product.recipe.lut.path,
        "burn_in": [kind.value for kind in product.recipe.burn_in],
        "width": product.width,
        "height": product.height,
        "start": product.source_range.start,
        "stop": product.source_range.stop,
        "frame_rate": str(product.source_range.rate),
        "size_bytes": product.size_bytes,
        "digest": product.digest,
    }


def _proxies(report: ProxyReport) -> Document:
    return {
        **_plan(report.plan),
        "media": [_finding(m) for m in report.media],
        "outcomes": [_outcome(o) for o in report.outcomes if isinstance(o, (Ready, Failed))],
        "seconds": round(report.seconds, 3),
        "notices": list(report.notices),
    }


def _prerender(report: PrerenderReport) -> Document:
    return {
        "source": report.source,
        "mode": report.mode,
        "engine": report.engine,
        "codec": report.recipe.codec.value,
        "quality": report.recipe.quality,
        "width": report.width,
        "height": report.height,
        "colour": report.colour.value,
        "regions": [
            {
                "start": region.start,
                "stop": region.stop,
                "start_timecode": region.start_timecode,
                "stop_timecode": region.stop_timecode,
                "reasons": list(region.reasons),
                "chunks": region.chunks,
                "new_frames": region.new_frames,
                "key": region.key or None,
                "path": region.path or None,
                "size_bytes": region.size_bytes,
            }
            for region in report.regions
        ],
        "left_to_host": [
            {
                "start": left.start,
                "stop": left.stop,
                "start_timecode": left.start_timecode,
                "stop_timecode": left.stop_timecode,
                "reason": left.reason,
                "effects": list(left.effects),
                "why": reasons(left.why),
                "failed": left.is_failure,
            }
            for left in report.left
        ],
        "previews": [asdict(one) for one in report.previews],
        "predicted_seconds": round(report.predicted_seconds, 3),
        "predicted_bytes": report.predicted_bytes,
        "new_frames": report.new_frames,
        "seconds": round(report.seconds, 3),
        "written": None if report.written is None else _written(report.written),
        "notices": list(report.notices),
    }


def _outcome(outcome: Ready | Failed) -> Document:
    if isinstance(outcome, Ready):
        return {
            "key": outcome.key,
            "state": "ready",
            "seconds": round(outcome.seconds, 3),
            "products": [_product(p) for p in outcome.products],
            "notes": list(outcome.notes),
        }
    return {
        "key": outcome.key,
        "state": "failed",
        "error": outcome.error,
        "message": outcome.message,
        "path": outcome.path,
        "hint": outcome.hint,
    }


def _written(written: WrittenTimeline) -> Document:
    return {
        "source": written.source,
        "path": written.path,
        "changed_clips": written.changed_clips,
        "left_alone": _reasons(written.left_alone),
        "broken": [{"path": one.path, "reason": one.reason} for one in written.broken],
        "notices": list(written.notices),
    }


def _reasons(left: Sequence[Any]) -> list[Document]:
    return [{"clip": one.clip, "reason": one.reason} for one in left]
