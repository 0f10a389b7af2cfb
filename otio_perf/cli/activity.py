"""Tell the running service what you do: playing, exporting, editing, idle; it keeps out of the way.

For scripts of editing programs and players: while you play or export nothing runs in the background, while you edit it waits
for two seconds of quiet. What is said holds for --seconds, so that a player that crashes stops nothing for good: say it again
before they are over. Where no service runs nothing is said, and nothing is wrong.
"""

from __future__ import annotations

import argparse

from otio_perf.cli import queue

_DAY_SECONDS = 86_400


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("activity", choices=["playing", "exporting", "editing", "idle"])
    parser.add_argument("--seconds", type=float, default=30.0, metavar="S", help="how long it holds (default: 30)")
    queue.add_service(parser, json="how the service stands then")


def run(arguments: argparse.Namespace) -> int:
    from otio_perf.cli import console, service_tables
    from otio_perf.errors import NoServiceError, SettingsError
    from otio_perf.model import wire

    with console.job(arguments) as job:
        if not 0 < arguments.seconds <= _DAY_SECONDS:  # said also where nobody listens
            raise SettingsError(f"--seconds: {arguments.seconds:g} is not between 0 and a day")
        try:
            client = service_tables.client_of(job.settings)
            client.set_activity(arguments.activity, arguments.seconds)
            status = client.status()
        except NoServiceError:
            if arguments.json:
                raise
            return 0
    job.answer(table=lambda: service_tables.show_status(status), document=lambda: wire.to_json(status))
    return 0
