"""A running service from another process: the methods of ``otio_perf.Service``, over HTTP.

Standard library only, so that a host's script, or a command that has to answer at once, can use it::

    from otio_perf.client import Client

    Client.find("/edit/.otio_perf").pause()
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from otio_perf.errors import NoServiceError, OtioPerfError, ServiceError, by_name
from otio_perf.model import wire
from otio_perf.model.views import (
    CacheView,
    FollowedTimeline,
    MetricsView,
    OutcomeView,
    ProfileView,
    QueueView,
    ServiceEvent,
    ServiceStatus,
    SettingView,
    SourcesView,
    TimelineView,
    WatchedFolder,
)
from otio_perf.service import lock

T = TypeVar("T")
PathLike = str | Path

_API = "/api/v1"
#: To wait for an answer, as ``web.lanes`` does. Checking every product takes as long as reading them all.
_SECONDS, _LONG_SECONDS = 30.0, 3600.0
#: The service says something on a stream more often than that.
_SILENCE_SECONDS = 40.0
_HINT = "Start one with: otio-perf serve"


class Client:
    """From any thread; every call is a connection of its own.

    :param url: of the service, as ``status().address`` says it
    :param token: as in its token file
    :param certificate: that the service shows, where it is not one that this machine trusts anyway
    """

    def __init__(self, url: str, token: str, *, certificate: Path | None = None) -> None:
        self.url, self._token = url, token
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port
        self._tls = ssl.create_default_context(cafile=certificate) if parts.scheme == "https" else None

    @classmethod
    def find(cls, workspace: PathLike, *, certificate: Path | None = None) -> Client:
        """The service of ``workspace``, of this user and on this machine.

        Others may write into a workspace, so that what it says is not believed: the token is where this user's service puts
        it, and goes to nobody else's address.

        :raises NoServiceError: none is running, it has no HTTP API, or it is somebody else's
        """
        root = Path(workspace)
        address = lock.address_of(root)
        if address.url is None:
            raise NoServiceError(f"the service (process {address.pid}) has no HTTP API", path=workspace, hint=_HINT)
        if not (lock.is_own(root) and _is_here(address.url)):
            hint = "Use it as the user who started it, and on that machine"
            said = f"{address.url} is not said to be a service of yours on this machine"
            raise NoServiceError(said, path=workspace, hint=hint)
        file = lock.token_file(root)
        try:
            (token,) = file.read_text(encoding="ascii").split()
        except (OSError, ValueError) as e:
            reason = getattr(e, "strerror", None) or "it holds something else"
            raise NoServiceError(
                f"its token cannot be read: {reason}", path=file, hint="Use it as the user who started it"
            ) from e
        return cls(address.url, token, certificate=certificate)

    # -- as Service has them -------------------------------------------------------------------------------------------

    def status(self) -> ServiceStatus:
        return _value(ServiceStatus, self._ask("GET", "/status"))

    def events(self, after: str | None = None) -> Iterator[ServiceEvent]:
        """What happens, as it happens, until the service ends. ``after``: see ``stream``."""
        return (event for _, event in self.stream(after))

    def stream(self, after: str | None = None) -> Iterator[tuple[str, ServiceEvent]]:
        """Events with what to say as ``after`` to go on behind them; ``None``: from now on."""
        with closing(self._connection(_SILENCE_SECONDS)) as connection:
            headers = {} if after is None else {"Last-Event-ID": after}
            response = self._response(connection, "GET", f"{_API}/events", None, headers)
            number, data = "", ""
            while line := self._line(response):
                field, _, rest = line.rstrip("\n").partition(": ")
                if field == "id":
                    number = rest
                elif field == "data":
                    data = rest
                elif not field and data:
                    yield number, _value(ServiceEvent, json.loads(data))
                    data = ""

    def timelines(self) -> tuple[FollowedTimeline, ...]:
        return _values(FollowedTimeline, self._ask("GET", "/timelines"))

    def timeline(self, id: str) -> TimelineView:
        return _value(TimelineView, self._ask("GET", f"/timelines/{_part(id)}"))

    def report(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self._ask("GET", f"/timelines/{_part(id)}/report", seconds=_LONG_SECONDS)
        return found

    def follow(self, path: PathLike) -> FollowedTimeline:
        body = {"path": str(Path(path).absolute())}
        return _value(FollowedTimeline, self._ask("POST", "/timelines", body, seconds=_LONG_SECONDS))

    def unfollow(self, id: str) -> None:
        self._ask("DELETE", f"/timelines/{_part(id)}")

    def set_playhead(self, id: str, frame: int) -> None:
        self._ask("POST", f"/timelines/{_part(id)}/playhead", {"frame": frame})

    def pin(self, id: str, start: int, stop: int) -> None:
        self._ask("POST", f"/timelines/{_part(id)}/pins", {"start": start, "stop": stop})

    def unpin(self, id: str, start: int, stop: int) -> None:
        self._ask("DELETE", f"/timelines/{_part(id)}/pins", query={"start": start, "stop": stop})

    def optimize(self, id: str, *, proxies: bool = True, prerender: str = "auto") -> str:
        body = {"proxies": proxies, "prerender": prerender}
        return str(self._ask("POST", f"/timelines/{_part(id)}/optimize", body)["job"])

    def outcome(self, id: str) -> OutcomeView:
        return _value(OutcomeView, self._ask("GET", f"/timelines/{_part(id)}/outcome"))

    def replan(self) -> None:
        self._ask("POST", "/timelines/replan")

    def queue(self, offset: int = 0, limit: int = 200) -> QueueView:
        return _value(QueueView, self._ask("GET", "/queue", query={"offset": offset, "limit": limit}))

    def pause(self) -> None:
        self._ask("POST", "/queue/pause")

    def resume(self) -> None:
        self._ask("POST", "/queue/resume")

    def clear(self) -> None:
        self._ask("POST", "/queue/clear")

    def cancel(self, *, job: str | None = None, task: str | None = None) -> None:
        self._ask("POST", "/queue/cancel", {"job": job, "task": task})

    def prioritize(
        self, *, task: str | None = None, timeline: str | None = None, start: int | None = None, stop: int | None = None
    ) -> None:
        self._ask("POST", "/queue/prioritize", {"task": task, "timeline": timeline, "start": start, "stop": stop})

    def set_activity(self, activity: str, seconds: float = 30.0) -> None:
        self._ask("POST", "/activity", {"activity": activity, "seconds": seconds})

    def set_quality(self, quality: str) -> None:
        self._ask("PUT", "/quality", {"quality": quality})

    def sources(self, offset: int = 0, limit: int = 200, search: str = "") -> SourcesView:
        return _value(SourcesView, self._ask("GET", "/sources", query={"offset": offset, "limit": limit, "search": search}))

    def generate(self, *, ids: Sequence[str] = (), paths: Sequence[PathLike] = ()) -> str:
        body = {"ids": list(ids), "paths": [str(Path(p).absolute()) for p in paths]}
        return str(self._ask("POST", "/sources/generate", body)["job"])

    def regenerate(self, id: str, force: bool = False) -> str:
        return str(self._ask("POST", f"/sources/{_part(id)}/regenerate", {"force": force})["job"])

    def delete_proxies(self, id: str, force: bool = False) -> int:
        where = f"/sources/{_part(id)}/proxies"
        return int(self._ask("DELETE", where, query={"force": "true" if force else "false"})["size_bytes"])

    def thumbnail(self, id: str) -> bytes:
        picture: bytes = self._ask("GET", f"/sources/{_part(id)}/thumbnail", seconds=_LONG_SECONDS)
        return picture

    def reveal(self, id: str) -> None:
        self._ask("POST", f"/sources/{_part(id)}/reveal")

    def watch(self, path: PathLike) -> WatchedFolder:
        return _value(WatchedFolder, self._ask("POST", "/folders", {"path": str(Path(path).absolute())}))

    def unwatch(self, id: str) -> None:
        self._ask("DELETE", f"/folders/{_part(id)}")

    def cache(self) -> CacheView:
        return _value(CacheView, self._ask("GET", "/cache"))

    def clear_cache(self, kind: str, force: bool = False) -> int:
        return int(self._ask("POST", "/cache/clear", {"kind": kind, "force": force}, seconds=_LONG_SECONDS)["size_bytes"])

    def prune_cache(self) -> int:
        return int(self._ask("POST", "/cache/prune", seconds=_LONG_SECONDS)["size_bytes"])

    def verify_cache(self, repair: bool = False) -> tuple[str, ...]:
        return tuple(self._ask("POST", "/cache/verify", {"repair": repair}, seconds=_LONG_SECONDS))

    def metrics(self) -> MetricsView:
        return _value(MetricsView, self._ask("GET", "/metrics"))

    def profile(self) -> ProfileView:
        return _value(ProfileView, self._ask("GET", "/profile"))

    def trace(self) -> dict[str, Any]:
        found: dict[str, Any] = self._ask("GET", "/trace")
        return found

    def settings(self) -> tuple[SettingView, ...]:
        return tuple(map(_setting, self._ask("GET", "/settings")))

    def set_settings(self, values: Mapping[str, Any]) -> tuple[SettingView, ...]:
        return tuple(map(_setting, self._ask("PUT", "/settings", dict(values))))

    # -- the dashboard -------------------------------------------------------------------------------------------------

    def enter_url(self) -> str:
        """An address that opens the dashboard in a browser, once."""
        return self.url + str(self._ask("POST", "/enter")["path"])

    # -- HTTP ----------------------------------------------------------------------------------------------------------

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        seconds: float = _SECONDS,
    ) -> Any:
        """What the service answers: values, bytes, or nothing. :raises OtioPerfError: its own error, or it is not there"""
        with closing(self._connection(seconds)) as connection:
            where = _API + path + (f"?{urlencode(query)}" if query else "")
            response = self._response(connection, method, where, body, {})
            try:
                content = response.read()
            except (OSError, http.client.HTTPException) as e:
                raise self._gone(e) from e
        if response.status == 204:
            return None
        return json.loads(content) if response.headers.get_content_type() == "application/json" else content

    def _response(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        where: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> http.client.HTTPResponse:
        said = None if body is None else json.dumps(body).encode()
        typed = {} if body is None else {"Content-Type": "application/json"}
        try:
            connection.request(method, where, said, {"Authorization": f"Bearer {self._token}", **typed, **headers})
            response = connection.getresponse()
            if response.status < 400:
                return response
            answer = response.read()
        except (OSError, http.client.HTTPException) as e:
            raise self._gone(e) from e
        raise _error(response.status, answer)

    def _line(self, response: http.client.HTTPResponse) -> str:
        """Of a stream; empty at its end."""
        try:
            return response.readline().decode()
        except TimeoutError as e:
            raise self._gone(e) from e
        except (OSError, http.client.HTTPException):
            return ""

    def _connection(self, seconds: float) -> http.client.HTTPConnection:
        if self._tls is not None:
            return http.client.HTTPSConnection(self._host, self._port, timeout=seconds, context=self._tls)
        return http.client.HTTPConnection(self._host, self._port, timeout=seconds)

    def _gone(self, error: Exception) -> NoServiceError:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        hint = _HINT
        if isinstance(error, ssl.SSLCertVerificationError):
            reason, hint = (
                f"its certificate is not trusted ({error.verify_message})",
                "Set SSL_CERT_FILE to the file of --tls-cert",
            )
        return NoServiceError(f"the service at {self.url} does not answer: {reason}", hint=hint)


def _is_here(url: str) -> bool:
    """Does it lead to this machine? Only addresses of its own can be bound to."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.hostname is None or parts.port is None:
            return False
        kind, _, _, _, where = socket.getaddrinfo(parts.hostname, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(kind, socket.SOCK_STREAM) as tried:
            tried.bind(where)
    except (OSError, ValueError):
        return False
    return True


def _error(status: int, answer: bytes) -> OtioPerfError:
    try:
        said = json.loads(answer)
        kind = by_name(str(said.get("kind", ServiceError.__name__)))
        return kind(str(said["error"]), path=said.get("path"), hint=said.get("hint") or None)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ServiceError(f"the service answered {status}")


def _part(id: str) -> str:
    return quote(id, safe="")


def _value(cls: type[T], data: Any) -> T:
    try:
        value: T = wire.from_json(cls, data)
    except (ValueError, TypeError, KeyError) as e:
        hint = "It may be of another version: start it again with this one"
        raise ServiceError(f"the service's answer is no {cls.__name__}", hint=hint) from e
    return value


def _values(cls: type[T], data: Any) -> tuple[T, ...]:
    return tuple(_value(cls, one) for one in data)


def _setting(data: Mapping[str, Any]) -> SettingView:
    """Its values are of several types, and say which by what they are."""
    plain: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    return SettingView(**plain)
