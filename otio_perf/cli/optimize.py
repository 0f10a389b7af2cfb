"""Turn timelines that stutter into timelines that play: make proxies, write a timeline that uses them.

The proxies are added as extra media references; the originals stay in the timeline, and 'otio-perf restore' brings them
back. Several timelines are planned together. The same command again does only what is missing.
"""

from __future__ import annotations

import argparse

from otio_perf.cli import options, prerender


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("timelines", metavar="TIMELINE", nargs="+", help="timeline files")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE|DIR",
        help="timeline to write (.otio, or .otioz and .otiod with all media packed; of a .kdenlive or .mlt also such a "
        "project), or folder for several (default: NAME.perf.otio beside each, of that NAME.perf2.otio, of projects "
        "NAME.perf.kdenlive or NAME.perf.mlt); "
        "through a link into another folder, with absolute media paths",
    )
    parser.add_argument(
        "--link",
        choices=["proxy", "original", "none"],
        default="proxy",
        help="which reference is active in the written timeline; none: make proxies, write no timeline (default: proxy)",
    )
    parser.add_argument("--all", action="store_true", help="proxies of all media, needed or not")
    parser.add_argument(
        "--beside", action="store_true", help="proxies in a Proxy folder beside each source, as Resolve expects"
    )
    parser.add_argument(
        "--prerender",
        choices=["auto", "all", "none"],
        default="none",
        help="render ahead, onto a track on top or into Kdenlive's own preview: auto: what does not play in real time with the "
        "proxies; all: all that has effects, transitions or several layers (default for now: none)",
    )
    prerender.add_fidelity(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would be done: jobs, bytes, predicted time")
    options.add_settings(parser, "workspace", *options.PROXIES, *options.RENDERING, *options.READING)
    options.add_output(parser, json="what was done", html=True)


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import optimizer
    from otio_perf.cli import beside_service, console, tables
    from otio_perf.optimizer import outcome
    from otio_perf.reports import document, html, words

    with (
        console.job(arguments) as job,
        beside_service.yielding(job.settings, arguments.timelines[0], is_working=not arguments.dry_run),
    ):
        report = optimizer.optimize(
            arguments.timelines,
            arguments.output,
            link=arguments.link,
            all=arguments.all,
            beside=arguments.beside,
            dry_run=arguments.dry_run,
            prerender=arguments.prerender,
            fidelity=arguments.fidelity,
            **job.options,
        )

    def table() -> None:
        tables.show_proxies(report.proxies, dry_run=arguments.dry_run)
        for one in report.prerenders:
            tables.show_prerender(one, dry_run=arguments.dry_run)
        tables.show_written(report.written, "with proxies now")
        tables.show_gain(report.analyses)

    job.answer(
        table=table,
        document=lambda: document.optimize_document(report),
        page=lambda: html.page(report.analyses),
    )
    job.complain(words.failed(outcome.failed_sources(report.proxies), [one.survey for one in report.analyses]))
    job.complain({f"{p.start_timecode} – {p.stop_timecode}": p.reason for one in report.prerenders for p in one.failed})
    code = outcome.exit_code(report.proxies, report.written)
    return 4 if code == 0 and any(one.failed for one in report.prerenders) else code
