"""Standard output: what can happen to it (a full disk, a reader that went away, closed from the start)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress

from otio_perf.errors import OutputError


def written(write: Callable[[], object]) -> None:
    """Call ``write``, which writes to standard output, and see it through.

    A reader that went away (a pager, ``head``) is no error: it has what it wanted.

    :raises OutputError: the output cannot be written
    """
    try:
        write()
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _discard()
    except OSError as e:
        _discard()
        raise OutputError(f"standard output cannot be written: {e.strerror or e}", hint="Send it elsewhere") from e


def flush() -> None:
    """:raises OutputError: what is left cannot be written"""
    written(lambda: None)


def text(text: str) -> None:
    """Write a document to standard output. :raises OutputError: also where it is closed"""
    if sys.stdout is None:
        raise OutputError("standard output is closed", hint="Name a file instead of -")
    stream = sys.stdout
    written(lambda: stream.write(text))


def _discard() -> None:
    """What is still buffered goes nowhere, and Python does not complain of it at the end."""
    with suppress(OSError, ValueError):  # a stream without a descriptor
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, sys.stdout.fileno())
        os.close(descriptor)
