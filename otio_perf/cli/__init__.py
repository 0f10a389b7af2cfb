"""The command line: ``otio-perf COMMAND``. One file a command; ``command_line`` parses, dispatches and answers errors.

Here is the way in, which imports nothing of ours: from the first moment on Ctrl-C ends the program in one line.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

#: Modules of this package, in the order in which ``--help`` lists them.
COMMANDS = ("analyze", "optimize", "prerender", "restore", "proxy", "convert", "frame", "probe", "calibrate", "doctor", "cache")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. :returns: the exit code."""
    _open_missing_streams()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        with suppress(ValueError):  # not the main thread
            signal.signal(signal.SIGINT, leave_at_once)
    from otio_perf.cli import command_line

    code = command_line.run(sys.argv[1:] if argv is None else argv)
    if argv is None:  # all is done: what the interpreter tidies up needs no traceback
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return code


def leave_at_once(number: int, frame: FrameType | None) -> None:
    """Before a command has begun there is nothing to tidy up; an exception could get lost in the midst of an import."""
    del frame
    with suppress(OSError):
        os.write(2, b"otio-perf: interrupted\n")
    os._exit(128 + number)


def _open_missing_streams() -> None:
    """Where a standard stream was closed (``>&-``), the next file that is opened would get its number, and with it what
    libraries write there. ``sys.stdout`` and ``sys.stderr`` stay ``None``."""
    for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr)):
        if stream is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            os.set_inheritable(number, True)
