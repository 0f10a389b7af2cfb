"""What was made and where it lies: status, verify, prune, clear.

status   how many proxies and prerenders, how large; which proxies are stale, or have lost their source
verify   each of them against its recorded size and checksum, and what killed runs left; --repair puts it right
prune    delete what is of no use any more, and beyond the limits what was unused for longest; what timelines play stays
clear    delete proxies, renders or analysis data; originals are never touched, nor what a timeline plays
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from otio_perf.cli import options

if TYPE_CHECKING:
    from otio_perf.cache.housekeeping import Freed
    from otio_perf.cache.pruning import Pruned

_LIMITS = ("cache_max_bytes", "min_free_disk", "idle_days")
_WORKSPACE = "folder of proxies and prerenders (default: .otio_perf in this folder, else the one in the user's cache folder)"

_CLEAR = (
    "Delete what was made. Of proxies also the copies that 'host place' and 'optimize' put where Kdenlive and Shotcut look for "
    "them, wherever they lie: those that were put there from this workspace. With the prerenders, chunks of "
    "ours in Kdenlive's cache that no project plays which is there. What a timeline plays stays, and is told."
)
_PRUNE = (
    "Delete proxies whose source changed or went at least a week ago, what was not used for idle-days, and what killed runs "
    "left. Beyond cache-max-bytes, or below min-free-disk, what was unused for longest goes, too. Days on which otio-perf did "
    "not look after the workspace do not count. What a timeline plays stays, and is told. A running service does it every hour."
)


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, summary in (
        ("status", "how many proxies and prerenders, how large, which proxies are stale"),
        ("verify", "check every proxy and prerender against its recorded size and checksum, and find what killed runs left"),
        ("prune", "keep the workspace within its limits"),
        ("clear", "delete what was made"),
    ):
        description = {"prune": _PRUNE, "clear": _CLEAR}.get(name, summary)
        action = actions.add_parser(name, help=summary, description=description, allow_abbrev=False)
        action.set_defaults(action=name)
        if name == "verify":
            words = "forget what is broken, so that it is made anew; take back or delete what killed runs left"
            action.add_argument("--repair", action="store_true", help=words)
        if name == "clear":
            action.add_argument(
                "what",
                nargs="?",
                choices=["proxies", "renders", "analysis", "all"],
                default="all",
                help="what to delete (default: all)",
            )
            action.add_argument("--force", action="store_true", help="delete what a timeline plays, too")
        if name in ("prune", "clear"):
            action.add_argument("--dry-run", action="store_true", help="say what would be deleted; nothing is")
        limits = _LIMITS if name == "prune" else ()
        options.add_settings(action, "workspace", *limits, said={"workspace": _WORKSPACE})
        options.add_output(action, json="the answer", trace=False)


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import optimizer
    from otio_perf.cli import beside_service, cache_tables, console, tables
    from otio_perf.optimizer.places import existing_workspace
    from otio_perf.reports import document

    with console.job(arguments) as job:
        if arguments.action == "status":
            status = optimizer.cache_status(**job.options)
            job.answer(table=lambda: tables.show_status(status), document=lambda: document.status_document(status))
            return 0
        if arguments.action == "clear":
            dry_run, what, force = arguments.dry_run, arguments.what, arguments.force

            def clear(is_dry: bool) -> Freed:
                return optimizer.cache_clear(what, force=force, dry_run=is_dry, **job.options)

            if dry_run:
                freed = clear(True)
            else:
                freed = beside_service.by_service(existing_workspace(job.settings), lambda s: s.clear_cache(what, force), clear)
            job.answer(
                table=lambda: tables.show_freed(freed, dry_run=dry_run),
                document=lambda: document.freed_document(freed, dry_run=dry_run),
            )
            return 0
        if arguments.action == "prune":

            def prune(is_dry: bool) -> Pruned:
                return optimizer.cache_prune(dry_run=is_dry, **job.options)

            if arguments.dry_run or any(getattr(arguments, f"setting_{name}") is not None for name in _LIMITS):
                with beside_service.yielding(
                    job.settings, Path.cwd() / "timeline", create=False, is_working=not arguments.dry_run
                ):
                    pruned = prune(arguments.dry_run)
            else:
                found = beside_service.by_service(existing_workspace(job.settings), lambda s: s.prune_cache(), prune)
                gone = tuple(one for one in found.removed if not Path(one.path).exists())
                pruned = replace(found, removed=gone, kept=found.kept + len(found.removed) - len(gone))
            job.answer(
                table=lambda: cache_tables.show_pruned(pruned, dry_run=arguments.dry_run),
                document=lambda: document.pruned_document(pruned, dry_run=arguments.dry_run),
            )
            return 0
        with beside_service.yielding(job.settings, Path.cwd() / "timeline", create=False):
            faults = optimizer.cache_verify(repair=arguments.repair, **job.options)
        job.answer(table=lambda: tables.show_faults(faults), document=lambda: document.faults_document(faults))
        return 4 if any(f.repair is None for f in faults) else 0
