"""The command line: ``otio-perf COMMAND``. One file a command; ``command_line`` parses, dispatches and answers errors.

Here is the way in, which loads nothing before Ctrl-C is taken care of: from then on it ends the program in one line.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType
    from typing import NoReturn

_INTERRUPTED = 130
#: Modules of this package, in the order in which ``--help`` lists them.
COMMANDS = (
    "analyze",
    "optimize",
    "prerender",
    "render",
    "restore",
    "proxy",
    "convert",
    "frame",
    "probe",
    "calibrate",
    "doctor",
    "cache",
    "serve",
    "queue",
    "activity",
    "host",
    "dashboard",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. :returns: the exit code."""
    try:
        import signal

        _open_missing_streams()
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler and _is_main_thread():
            signal.signal(signal.SIGINT, leave_at_once)
    except KeyboardInterrupt:
        leave_at_once()
    from otio_perf.cli import command_line

    code = command_line.run(sys.argv[1:] if argv is None else argv)
    if argv is None:  # all is done: what the interpreter tidies up needs no traceback
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return code


def leave_at_once(number: int = 0, frame: FrameType | None = None) -> NoReturn:
    """Before a command has begun there is nothing to tidy up; an exception could get lost in the midst of an import."""
    del number, frame
    try:
        os.write(2, b"otio-perf: interrupted\n")
    finally:
        os._exit(_INTERRUPTED)


def _is_main_thread() -> bool:
    import threading

    return threading.current_thread() is threading.main_thread()


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
