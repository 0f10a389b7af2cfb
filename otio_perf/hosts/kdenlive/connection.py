"""A connection to a bus that gives up in time, also while it is made: jeepney waits for the bus to say hello for ever."""

from __future__ import annotations

from jeepney import Message
from jeepney.bus import get_bus
from jeepney.io.blocking import DBusConnection, prep_socket

_HELLO_SECONDS = 5.0


class _Connection(DBusConnection):  # type: ignore[misc]  # it has no types
    def send_and_get_reply(self, message: Message, *, timeout: float | None = None) -> Message:
        return super().send_and_get_reply(message, timeout=_HELLO_SECONDS if timeout is None else timeout)


def connected(address: str, *, seconds: float) -> DBusConnection:
    """:param seconds: for the bus to let us in. :raises OSError, RuntimeError, ValueError, EOFError: it does not"""
    socket = prep_socket(get_bus(address), timeout=seconds)
    try:
        return _Connection(socket)
    except BaseException:
        socket.close()
        raise
