"""What was found on this machine: versions, timeline formats, hardware encoders, workspace, and what is missing."""

from __future__ import annotations

import argparse

from otio_perf.cli import options


def configure(parser: argparse.ArgumentParser) -> None:
    options.add_settings(parser, "workspace")
    options.add_output(parser, json="what was found", trace=False)


def run(arguments: argparse.Namespace) -> int:
    from otio_perf.cli import console, tables
    from otio_perf.model import wire
    from otio_perf.optimizer import doctor

    checks = doctor.examine(options.load(arguments))
    if arguments.json != "-" and not arguments.quiet:
        tables.show_checks(checks)
    document = {"schema_version": wire.SCHEMA_VERSION, "checks": wire.to_json(checks)}
    console.write_documents(arguments, json=console.as_json(document) if arguments.json else "")
    return 0 if all(c.works or not c.required for c in checks) else 5
