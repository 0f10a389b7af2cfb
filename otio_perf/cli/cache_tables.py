"""What ``cache prune`` did, in words."""

from __future__ import annotations

from collections import Counter

from rich.markup import escape

from otio_perf.cache.pruning import Pruned
from otio_perf.cli.console import stdout
from otio_perf.errors import printable
from otio_perf.reports import words

_MOST_ROWS = 20
_KINDS = {"proxy": ("proxy", "proxies"), "region": ("prerendered region", None), "chunk": ("prerendered piece", None)}


def show_pruned(pruned: Pruned, *, dry_run: bool) -> None:
    console = stdout()
    counts = Counter(one.kind for one in pruned.removed)
    what = [words.count(counts[kind], *filter(None, names)) for kind, names in _KINDS.items() if counts[kind]]
    if pruned.parts:
        what.append(words.count(pruned.parts, "part") + " of killed runs")
    said, freed = ("would be deleted", "to be freed") if dry_run else ("deleted", "freed")
    console.print(f"{', '.join(what) or 'nothing'} {said}: {words.size(pruned.freed_bytes)} {freed}")
    for one in pruned.removed[:_MOST_ROWS]:
        console.print(f"  {escape(printable(one.path))} ({words.size(one.size_bytes)}): {one.reason}")
    if len(pruned.removed) > _MOST_ROWS:
        console.print(f"  … and {len(pruned.removed) - _MOST_ROWS} more")
    if pruned.kept:
        stay, them = ("stays", "it") if pruned.kept == 1 else ("stay", "them")
        players = ", ".join(escape(printable(player)) for player in pruned.players[:_MOST_ROWS])
        console.print(f"{words.count(pruned.kept, 'product')} {stay}, for timelines play {them}: {players}")
    if pruned.over_bytes:
        console.print(f"That is still {words.size(pruned.over_bytes)} more than the limits allow.")
    if dry_run:
        console.print("Nothing was deleted.")
