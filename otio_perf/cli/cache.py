"""What was made and where it lies: status, verify, clear.

status   how many proxies, how large, which are stale
verify   every proxy against its recorded size and checksum; --repair forgets the broken ones, so that they are made anew
clear    delete proxies or analysis data; originals are never touched
"""

from __future__ import annotations

import argparse
from typing import Any

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
    document: dict[str, Any] = {"schema_version": wire.SCHEMA_VERSION}
    shown = arguments.json != "-" and not arguments.quiet
    code = 0
    with console.interruptible() as stop, console.Display(quiet=arguments.quiet) as display:
        if arguments.action == "status":
            status = optimizer.cache_status(settings=settings)
            document["status"] = wire.to_json(status)
            if shown:
                tables.show_status(status)
        elif arguments.action == "verify":
            faults = optimizer.cache_verify(repair=arguments.repair, settings=settings, listener=display, stop=stop)
            document["faults"] = wire.to_json(faults)
            code = 4 if any(f.repair is None for f in faults) else 0
            if shown:
                tables.show_faults(faults)
        else:
            document["freed_bytes"] = optimizer.cache_clear(arguments.what, settings=settings)
            if shown:
                tables.show_freed(document["freed_bytes"])
    console.write_documents(arguments, json=console.as_json(document) if arguments.json else "")
    return code
