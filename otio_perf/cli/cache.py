"""What was made and where it lies: status, verify, clear.

status   how many proxies, how large, which are stale
verify   every proxy against its recorded size and checksum; --repair forgets the broken ones, so that they are made anew
clear    delete proxies or analysis data; originals are never touched
"""

from __future__ import annotations

import argparse

from otio_perf.cli import options


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, summary in (
        ("status", "how many proxies, how large, which are stale"),
        ("verify", "check every proxy against its recorded size and checksum"),
        ("clear", "delete what was made"),
    ):
        action = actions.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        action.set_defaults(action=name)
        if name == "verify":
            action.add_argument("--repair", action="store_true", help="forget broken proxies, so that they are made anew")
        if name == "clear":
            action.add_argument(
                "what", nargs="?", choices=["proxies", "analysis", "all"], default="all", help="what to delete (default: all)"
            )
        options.add_settings(action, "workspace")
        options.add_output(action, json="the answer", trace=False)


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import optimizer
    from otio_perf.cli import console, tables
    from otio_perf.model import wire

    settings = options.load(arguments)
    with console.interruptible() as stop, console.Display(quiet=arguments.quiet) as display:
        if arguments.action == "status":
            answer = optimizer.cache_status(settings=settings)
        elif arguments.action == "verify":
            answer = optimizer.cache_verify(repair=arguments.repair, settings=settings, listener=display, stop=stop)
        else:
            answer = optimizer.cache_clear(arguments.what, settings=settings)
    if arguments.json != "-" and not arguments.quiet:
        tables.show_cache(answer)
    console.write_documents(
        arguments,
        json=console.as_json({"schema_version": wire.SCHEMA_VERSION, **wire.to_json(answer)}) if arguments.json else "",
    )
    return 4 if answer.broken else 0
