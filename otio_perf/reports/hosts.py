"""Answers about editing programs as JSON: what was found, what was installed, what works."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from otio_perf.model.installing import HostChange, HostFinding, HostState
from otio_perf.reports.document import Document, head


def hosts_document(states: Iterable[HostState]) -> Document:
    """What ``otio-perf host list --json`` writes."""
    return {**head("hosts"), "hosts": [{**asdict(one.installation), "command": one.command} for one in states]}


def changes_document(changes: Iterable[HostChange], steps: Iterable[str]) -> Document:
    """What ``otio-perf host install --json`` and ``uninstall`` write. ``steps``: what is left to the user."""
    return {**head("host_changes"), "changes": [asdict(change) for change in changes], "steps": list(steps)}


def findings_document(findings: Iterable[HostFinding]) -> Document:
    """What ``otio-perf host doctor --json`` writes."""
    return {**head("host_findings"), "findings": [asdict(finding) for finding in findings]}
