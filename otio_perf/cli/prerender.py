"""Render ahead what does not play, and lay it over the timeline as one more video track on top; in a project of Kdenlive's as
its own timeline preview, in whole chunks of 25 frames.

Only what is new is rendered: clips that were moved or duplicated, and edits that were undone, are there already. Disabling
the track shows the live edit, and 'otio-perf restore' removes it. With --range the track holds that part alone.

What is rendered is opaque, on black, in every codec: the live edit stays below it, and would be seen once more through what is
half transparent. 'otio-perf render --alpha keep' makes a movie with alpha.
"""

from __future__ import annotations

import argparse

from otio_perf.cli import options, render


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("timeline", metavar="TIMELINE", help="timeline file, with proxies or without")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="timeline to write (.otio, .otioz, .otiod, of a project also that; default: NAME.perf.otio beside it, of projects "
        "NAME.perf.kdenlive or NAME.perf.mlt)",
    )
    parser.add_argument(
        "--prerender",
        choices=["auto", "all"],
        default="auto",
        help="auto: what does not play in real time here with the proxies that the timeline has; all: all that has effects, "
        "transitions or several layers (default: auto)",
    )
    add_fidelity(parser)
    render.add_range(parser)
    parser.add_argument("--zone", action="store_true", help="only the zone that is marked in the Kdenlive project")
    options.add_sources(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would be done: regions, frames, bytes, predicted time")
    options.add_settings(parser, "workspace", *options.RENDERING, "jobs", "stall_seconds", *options.READING)
    options.add_output(parser, json="what was done")


def add_fidelity(parser: argparse.ArgumentParser) -> None:
    options.add_fidelity(
        parser,
        exact="regions with effects that are not prerendered as the editing program does are left to it",
        near="what comes near is rendered. Regions with unknown effects are always left to the editing program",
    )


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import optimizer
    from otio_perf.cli import beside_service, console, tables
    from otio_perf.reports import document

    with (
        console.job(arguments) as job,
        beside_service.yielding(job.settings, arguments.timeline, is_working=not arguments.dry_run),
    ):
        report = optimizer.prerender(
            arguments.timeline,
            arguments.output,
            mode=arguments.prerender,
            fidelity=arguments.fidelity,
            range=arguments.range,
            zone=arguments.zone,
            use_proxies=arguments.use_proxies,
            dry_run=arguments.dry_run,
            **job.options,
        )
    job.answer(
        table=lambda: tables.show_prerender(report, dry_run=arguments.dry_run),
        document=lambda: document.prerender_document(report),
    )
    job.complain({f"{one.start_timecode} – {one.stop_timecode}": one.reason for one in report.failed})
    return 4 if report.failed else 0
