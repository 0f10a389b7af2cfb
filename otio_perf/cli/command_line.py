"""Parses, dispatches, and answers errors in one line. No traceback reaches a user; ``--debug`` shows it."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress

from otio_perf.cli import COMMANDS, lines, options, streams
from otio_perf.cli.parser import Parser
from otio_perf.errors import OtioPerfError

_EPILOG = """\
examples:
  otio-perf analyze edit.otio                        which regions stutter here, why, and what would help
  otio-perf optimize edit.otio -o edit.perf.otio     make the proxies and a timeline that plays
  otio-perf restore edit.perf.otio -o edit.otio      back to the originals
  otio-perf frame edit.otio 01:00:02:00 -o x.png     a picture of one frame, with its effects
  otio-perf render edit.otio -o movie.mp4            a finished movie, with its effects and its sound
  otio-perf proxy rushes/ --proxy 720p               proxies of files and folders
  otio-perf host install kdenlive                    menu commands in your editor

exit codes:
  0 done   2 usage or settings   3 timeline unreadable   4 written, but some clips failed, or the answer has no place
  5 nothing could be written   130 interrupted (Ctrl-C)   143 terminated (SIGTERM)
"""


def run(words: Sequence[str]) -> int:
    """Run one command. :returns: the exit code. :raises SystemExit: from ``--help`` and ``--version``"""
    words = list(words)
    is_debug = "--debug" in words
    try:
        try:
            arguments = _parser(words).parse_args(words)
        finally:
            streams.flush()
        code: int = arguments.run(arguments)
        streams.flush()
    except KeyboardInterrupt as e:
        number = e.args[0] if e.args else signal.SIGINT
        _say("interrupted; the same command goes on from here", debug=False)
        return 128 + int(number)
    except OtioPerfError as e:
        _say(str(e), debug=is_debug)
        return e.exit_code
    except Exception as e:  # noqa: BLE001 - the last line of defence: a user never sees a traceback
        hint = "" if is_debug else "; --debug shows where. This is a bug: please report it"
        _say(f"internal error: {type(e).__name__}: {e}{hint}", debug=is_debug)
        return 5
    return code


def _say(line: str, *, debug: bool) -> None:
    if sys.stderr is None:
        return
    with suppress(OSError):  # nobody is left who could be told
        if debug:
            traceback.print_exc()
        print(lines.line(f"otio-perf: {line}"), file=sys.stderr)  # noqa: T201


def _parser(words: Sequence[str]) -> Parser:
    from otio_perf import __version__

    parser = Parser(
        prog="otio-perf",
        description="Makes heavy editing timelines light: says what stutters on this machine and why, makes proxies, and "
        "rewrites the timeline to use them; reversible.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"otio-perf {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    asked = words[0] if words and words[0] in COMMANDS else None
    for name in COMMANDS:
        # Command modules import nothing heavy before they run, so listing them all is cheap.
        module = importlib.import_module(f"otio_perf.cli.{name}")
        sub = options.add_command(commands, name, module)
        sub.set_defaults(run=module.run)
        if asked in (None, name):
            module.configure(sub)
    return parser
