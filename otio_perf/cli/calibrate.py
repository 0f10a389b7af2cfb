"""Measure what this machine can decode, scale and encode (at most 20 seconds); predictions rest on it."""

from __future__ import annotations

import argparse

from otio_perf.cli import options


def configure(parser: argparse.ArgumentParser) -> None:
    options.add_settings(parser)
    options.add_output(parser, json="the machine profile")


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import optimizer
    from otio_perf.cli import console, tables
    from otio_perf.metrics.trace import Trace
    from otio_perf.model import wire

    options.refuse_two_documents_on_stdout(arguments)
    settings = options.load(arguments)
    trace = Trace()
    with console.interruptible() as stop, console.Display(quiet=arguments.quiet) as display:
        machine = optimizer.calibrate(settings=settings, listener=display, trace=trace, stop=stop)
    if arguments.json != "-" and not arguments.quiet:
        tables.show_machine(machine)
    console.write_documents(
        arguments,
        json=console.as_json({"schema_version": wire.SCHEMA_VERSION, "machine": wire.to_json(machine)})
        if arguments.json
        else "",
        trace=trace.to_json(),
    )
    return 0
