"""Answers about placed proxies as JSON."""

from __future__ import annotations

from dataclasses import asdict

from otio_perf.model.placing import PlaceReport
from otio_perf.reports.document import Document, head


def placed_document(report: PlaceReport) -> Document:
    """What ``otio-perf host place --json`` writes."""
    return {
        **head("placed"),
        "host": report.host,
        "folders": list(report.folders),
        "placed": [asdict(one) for one in report.placed],
        "notices": list(report.notices),
    }
