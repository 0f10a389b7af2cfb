"""Show the page of the running service in the browser: of this folder's, else of another that was used on this machine.

The address that lets a browser in works once; this makes a new one. With --print it is written to standard output instead: for
another browser, and where other accounts of this machine could see which programs are started with which words.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from otio_perf.cli import queue

if TYPE_CHECKING:
    from otio_perf.client import Client
    from otio_perf.settings import Settings


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--print", action="store_true", dest="only_print", help="write the address, open nothing")
    queue.add_service(parser, json="the address")


def run(arguments: argparse.Namespace) -> int:
    from otio_perf.cli import console, streams

    with console.job(arguments) as job:
        url = _client(job.settings).enter_url()
    is_shown = not (arguments.only_print or arguments.json) and _show(url)
    told = "the dashboard is in the browser" if is_shown else url
    job.answer(table=lambda: streams.text(f"{told}\n"), document=lambda: {"url": url})
    return 0


def _client(settings: Settings) -> Client:
    """:raises NoServiceError: none is running"""
    from otio_perf.cli import service_tables
    from otio_perf.client import Client
    from otio_perf.errors import NoServiceError
    from otio_perf.optimizer.places import existing_workspace, other_workspaces

    try:
        return service_tables.client_of(settings)
    except NoServiceError:
        for root in other_workspaces(existing_workspace(settings)) if settings.workspace is None else ():
            with suppress(NoServiceError):
                return Client.find(root)
        raise


def _show(url: str) -> bool:
    """Is there a browser with a window? (One of text would take this terminal.)"""
    import webbrowser

    has_windows = sys.platform in ("darwin", "win32") or any(os.environ.get(w) for w in ("DISPLAY", "WAYLAND_DISPLAY"))
    return has_windows and webbrowser.open(url)
