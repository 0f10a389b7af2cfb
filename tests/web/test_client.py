"""What a workspace says of its service is not believed: others may write there."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from otio_perf.client import Client
from otio_perf.errors import CacheError, NoServiceError
from otio_perf.service import lock
from otio_perf.service.lock import ServiceLock
from otio_perf.service.service import Service
from otio_perf.web.server import Server


@pytest.fixture
def said(service: Service, server: Server) -> Iterator[Any]:
    """Change what ``service.json`` says; it is put right after the test."""
    file = service.workspace / "service.json"
    before = file.read_text()

    def change(**words: Any) -> None:
        file.write_text(json.dumps({**json.loads(before), **words}))

    yield change
    file.write_text(before)


def test_the_token_is_not_taken_from_where_the_workspace_says(
    service: Service, server: Server, said: Any, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("the-password-of-something-else\n")
    heard: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.headers["Authorization"])
            self.send_error(500)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Listener) as other:
        thread = threading.Thread(target=other.handle_request)
        thread.start()
        said(url=f"http://127.0.0.1:{other.server_port}", token_file=str(tmp_path / "secret"))
        with pytest.raises(Exception, match="500"):
            Client.find(service.workspace).status()
        thread.join()
    assert heard == [f"Bearer {server.token}"]
    said(token_file=str(tmp_path / "secret"))
    assert Client.find(service.workspace).status().address == server.url


@pytest.mark.parametrize(
    "url",
    ["http://192.0.2.7:80", "https://192.0.2.7:443", "ftp://127.0.0.1:1", "http://127.0.0.1:x", "http://[::1", "127.0.0.1:80"],
)
def test_the_token_goes_to_no_other_machine(url: str, service: Service, said: Any) -> None:
    said(url=url)
    with pytest.raises(NoServiceError, match="not said to be a service of yours"):
        Client.find(service.workspace)


@pytest.mark.parametrize("words", [{"url": 7}, {"pid": "x"}, {"more": 1}])
def test_nonsense_counts_as_none(words: dict[str, Any], service: Service, said: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_STARTING_SECONDS", 0.1)
    said(**words)
    with pytest.raises(NoServiceError):
        Client.find(service.workspace)


def test_what_somebody_else_wrote_counts_for_nothing(service: Service, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Client.find(service.workspace).status()
    mine = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    with pytest.raises(NoServiceError, match="as the user who started it"):
        Client.find(service.workspace)


def test_a_token_file_of_several_lines_is_refused_in_one(service: Service, server: Server) -> None:
    before = server.token_file.read_text()
    try:
        for text in ("a\nb\n", "", "\xff"):
            server.token_file.write_text(text, encoding="latin-1")
            with pytest.raises(NoServiceError, match="its token cannot be read"):
                Client.find(service.workspace)
    finally:
        server.token_file.write_text(before)


def test_a_workspace_is_found_by_any_of_its_names(service: Service, server: Server, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(service.workspace)
    assert Client.find(tmp_path / "link").status().pid == os.getpid()


def test_where_it_listens_cannot_be_said_the_lock_is_free_again(tmp_path: Path) -> None:
    (tmp_path / "service.json").mkdir()
    with pytest.raises(CacheError):
        ServiceLock(tmp_path)
    (tmp_path / "service.json").rmdir()
    with ServiceLock(tmp_path) as held:
        assert held.is_current
