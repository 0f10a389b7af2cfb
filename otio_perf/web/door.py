"""Where the API listens: on this machine only, unless somebody says otherwise in words."""

from __future__ import annotations

import functools
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from otio_perf.errors import ServiceError, SettingsError

_LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")
_LOCAL = ("127.0.0.1", "::1", "localhost")
#: Connections that wait to be accepted; the system has its own limit (Linux: net.core.somaxconn).
BACKLOG = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """An address to listen on. ``port`` 0: any that is free.

    :raises SettingsError: an address that other machines reach, neither with TLS nor ``is_insecure``; half a certificate.
    """

    host: str = "127.0.0.1"
    port: int = 0
    certificate: Path | None = None
    key: Path | None = None
    is_insecure: bool = False

    def __post_init__(self) -> None:
        if (self.certificate is None) is not (self.key is None):
            raise SettingsError("TLS needs both a certificate and its key", hint="Give --tls-cert FILE and --tls-key FILE")
        if not 0 <= self.port <= 65535:
            raise SettingsError(f"{self.port} is no port: they go from 0 to 65535")
        if not self.is_local and self.certificate is None and not self.is_insecure:
            raise SettingsError(
                f"{self.host} can be reached by other machines, and the token would pass in the clear",
                hint="Give --tls-cert FILE and --tls-key FILE, or say --insecure where the network is trusted",
            )

    @classmethod
    def at(
        cls,
        listen: str | None = None,
        *,
        certificate: Path | None = None,
        key: Path | None = None,
        is_insecure: bool = False,
    ) -> Door:
        """``listen``: ``HOST``, ``HOST:PORT``, ``:PORT``, ``[::1]:PORT``; ``None``: 127.0.0.1. :raises SettingsError"""
        host, port = _split(listen or "")
        return cls(host=host or "127.0.0.1", port=port, certificate=certificate, key=key, is_insecure=is_insecure)

    @property
    def is_local(self) -> bool:
        return self.host in _LOCAL

    @property
    def scheme(self) -> str:
        return "http" if self.certificate is None else "https"

    def open(self) -> socket.socket:
        """The socket, listening. :raises ServiceError, SettingsError: the address, or the certificate, cannot be used"""
        if self.certificate is not None and self.key is not None:
            _require_pair(self.certificate, self.key)
        if not self.is_local:
            _own_names()  # before there is anybody to wait for it
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            return socket.create_server((self.host, self.port), family=family, backlog=BACKLOG)
        except (OSError, OverflowError) as e:
            reason = getattr(e, "strerror", None) or str(e)
            where = f"{self.host}:{self.port}"
            raise ServiceError(f"cannot listen on {where}: {reason}", hint="Name another with --listen HOST:PORT") from e

    def url(self, port: int) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.host in ("0.0.0.0", "::"):  # every address of this machine: it calls itself by its name
            host = socket.gethostname()
        return f"{self.scheme}://{host}:{port}"

    def is_called(self, host: str, port: int) -> bool:
        """Is ``host``, from the header of that name, this door? Another name that leads here is an attack (DNS rebinding), for
        which an attacker needs a name: numbers, where other machines may come in, are none."""
        default = ":443" if self.scheme == "https" else ":80"
        name, _, said = host.lower().rpartition(":") if _has_port(host) else (host.lower(), "", default[1:])
        if said != str(port):
            return False
        if self.is_local:
            return name in _LOCAL_NAMES
        return name in (*_LOCAL_NAMES, self.host.lower(), f"[{self.host.lower()}]", *_own_names()) or _is_number(name)


@functools.cache
def _own_names() -> tuple[str, ...]:
    """What others call this machine; asking for the long one may take a name server seconds."""
    return socket.gethostname().lower(), socket.getfqdn().lower()


def _split(listen: str) -> tuple[str, int]:
    host, port = listen, ""
    if listen.startswith("["):
        host, bracket, rest = listen[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise SettingsError(f"{listen!r} is no address", hint="Say HOST:PORT, or [IPv6]:PORT")
        port = rest[1:]
    elif listen.count(":") == 1:
        host, _, port = listen.partition(":")
    elif listen.isdigit():
        host, port = "", listen
    if port and not (port.isascii() and port.isdigit()):
        raise SettingsError(f"{port!r} is no port", hint="Say HOST:PORT, such as 127.0.0.1:8080")
    return host, int(port or 0)


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdigit() and (host.count(":") == 1 or "]:" in host)


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _require_pair(certificate: Path, key: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: "")
    except (OSError, ssl.SSLError) as e:
        reason = getattr(e, "reason", None) or getattr(e, "strerror", None) or str(e)
        raise SettingsError(
            f"certificate and key cannot be used: {reason}", path=certificate, hint="PEM files, without a password"
        ) from e
