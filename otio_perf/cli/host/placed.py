"""What became of proxies that were to be placed, in words."""

from __future__ import annotations

from pathlib import PurePath

from rich.markup import escape

from otio_perf.cli.console import stdout
from otio_perf.errors import printable
from otio_perf.model.placing import PlaceReport, Placing
from otio_perf.reports import words


def show_placed(report: PlaceReport, *, dry_run: bool) -> None:
    console = stdout()
    for one in report.placed:
        said = f": {one.reason}" if one.reason else ""
        names = [PurePath(path).name for path in (one.source, one.path) if path]
        console.print(f"{one.placing:8} {_safe(' '.join(names))}{_safe(said)}", soft_wrap=True)
    counts = {kind: report.with_placing(kind) for kind in (Placing.PLACED, Placing.REMOVED, Placing.THERE)}
    told = [
        f"{words.count(len(ones), 'proxy', 'proxies')} {'there already' if kind is Placing.THERE else kind}"
        + (f", {words.size(sum(one.size_bytes for one in ones))}" if sum(one.size_bytes for one in ones) else "")
        for kind, ones in counts.items()
        if ones
    ]
    console.print(f"{'; '.join(told) or 'no proxies'}{'. Nothing was done.' if dry_run else ''}")
    if counts[Placing.PLACED] or counts[Placing.THERE]:
        for folder in report.folders:
            console.print(f"in {_safe(folder)}", soft_wrap=True)


def _safe(text: str) -> str:
    return escape(printable(text))
