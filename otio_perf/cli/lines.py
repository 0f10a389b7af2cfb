"""Text for a terminal: on one line, and never so long that it hides what is around it. JSON and HTML have it in full."""

from __future__ import annotations

from otio_perf.errors import printable

#: Letters of a line, and of a name in one. Paths of everyday fit; a host may call a clip by a whole script page.
_MOST = 400


def line(text: object) -> str:
    """``text`` on one line, its middle left out where it is very long: what happened is often said at the end."""
    whole = printable(text)
    if len(whole) <= _MOST:
        return whole
    head = _MOST * 5 // 8
    return f"{whole[:head]} … {whole[len(whole) - (_MOST - head) :]}"
