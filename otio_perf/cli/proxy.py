"""Make proxies of media files and of everything in folders.

Only media that need one get one: larger than 1.3 times the proxy, or too heavy to play here; --all makes them for all.
They go to the folder of --workspace, else to the user's cache folder ('otio-perf doctor' names it); the summary says where.
With --beside they go next to their sources.
"""

from __future__ import annotations

import argparse

from otio_perf.cli import options


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("media", metavar="MEDIA|DIR", nargs="+", help="media files, pictures of sequences, folders")
    parser.add_argument("--all", action="store_true", help="proxies of all media, needed or not")
    parser.add_argument(
        "--beside", action="store_true", help="proxies in a Proxy folder beside each source, as Resolve expects"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done: jobs, bytes, predicted time")
    names = (n for n in options.PROXIES if n not in ("scope", "handles"))
    kept = "folder for proxies and their index (default: one in the user's cache folder)"
    options.add_settings(parser, "workspace", *names, "rate", said={"workspace": kept})
    options.add_output(parser, json="what was done")


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import optimizer
    from otio_perf.cli import beside_service, console, tables
    from otio_perf.optimizer import outcome
    from otio_perf.reports import document

    with (
        console.job(arguments) as job,
        beside_service.yielding(job.settings, None, is_working=not arguments.dry_run),
    ):
        report = optimizer.generate_proxies(
            arguments.media, all=arguments.all, beside=arguments.beside, dry_run=arguments.dry_run, **job.options
        )
    job.answer(
        table=lambda: tables.show_proxies(report, dry_run=arguments.dry_run),
        document=lambda: document.proxies_document(report),
    )
    job.complain(outcome.failed_sources(report))
    return outcome.exit_code(report)
