"""Who may ask what of a running service: each rule against a real server, over plain sockets."""

from __future__ import annotations

import http.client
import json
import logging
import os
import socket
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from otio_perf.service.service import Service
from otio_perf.web import app, connections, gate, keys
from otio_perf.web.server import Server

Answer = tuple[int, dict[str, str], bytes]


def port_of(server: Server) -> int:
    return int(server.url.rpartition(":")[2])


def ask(server: Server, method: str, path: str, *, token: bool = True, body: Any = None, **headers: str) -> Answer:
    """``headers``: with ``_`` for ``-``."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=20)
    said = {key.replace("_", "-"): value for key, value in headers.items()}
    if token:
        said.setdefault("Authorization", f"Bearer {server.token}")
    content = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    if content is not None:
        said.setdefault("Content-Type", "application/json")
    connection.request(method, path, content, said)
    response = connection.getresponse()
    answer = response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    connection.close()
    return answer


def cookie_of(server: Server) -> str:
    """As a browser gets it: by the address that works once."""
    path = server.enter_url().removeprefix(server.url)
    status, headers, _ = ask(server, "GET", path, token=False)
    assert status == 200
    return headers["set-cookie"].partition(";")[0]


# -- the token


def test_without_the_token_nothing_is_told(server: Server) -> None:
    for path in ("/", "/index.html", "/api/v1/status", "/api/v1/events", "/metrics", "/docs", "/openapi.json"):
        status, _, body = ask(server, "GET", path, token=False)
        assert status in (401, 429), path
        assert set(json.loads(body)) == {"error", "hint"}
    for said in ("Bearer ", "Bearer x", "Basic " + server.token, "Bearer " + server.token[:-1], "Bearer " + server.token + "x"):
        assert ask(server, "GET", "/api/v1/status", token=False, Authorization=said)[0] in (401, 429)
    assert ask(server, "GET", f"/api/v1/status?token={server.token}", token=False)[0] in (401, 429)
    assert ask(server, "GET", "/api/v1/status")[0] == 200


def test_a_browser_is_told_how_to_come_in(server: Server) -> None:
    status, headers, body = ask(server, "GET", "/", token=False, Accept="text/html,*/*")
    assert status in (401, 429) and headers["content-type"].startswith("text/html") and b"otio-perf dashboard" in body
    assert headers["content-security-policy"].startswith("default-src 'self'")


def test_the_token_is_long_and_its_file_is_the_users_own(server: Server) -> None:
    assert len(server.token) * 6 >= 128 and server.token_file.read_text().strip() == server.token
    if os.name == "posix":
        assert stat.S_IMODE(server.token_file.stat().st_mode) == 0o600


def test_what_is_kept_is_compared_whole_and_by_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every secret that is held against another goes through ``compare_digest``, and as digests, whatever its beginning: time
    itself cannot be measured reliably in a test."""
    compared: list[tuple[bytes, bytes]] = []
    real = keys.hmac.compare_digest
    monkeypatch.setattr(keys.hmac, "compare_digest", lambda a, b: compared.append((a, b)) or real(a, b))
    ours = keys.Keys()
    assert ours.is_token(ours.token) and not ours.is_token(ours.token[:-1])
    visitors = [ours.let_in(ours.code()) for _ in range(3)]
    compared.clear()
    assert ours.is_visitor(str(visitors[0])) and not ours.is_visitor("x")
    assert len(compared) == 6  # all of them, each time
    assert all(len(a) == len(b) == 32 for a, b in compared)


def test_a_token_of_another_run_stays(tmp_path: Path) -> None:
    ours, theirs, file = keys.Keys(), keys.Keys(), tmp_path / "x.token"
    ours.write(file)
    theirs.write(file)
    ours.remove(file)
    assert file.read_text().strip() == theirs.token
    theirs.remove(file)
    assert not file.exists()


def test_guesses_are_slowed_down_and_who_has_the_token_is_not(server: Server) -> None:
    answers = [ask(server, "GET", "/api/v1/status", token=False)[:2] for _ in range(60)]
    assert answers[-1][0] == 429 and int(answers[-1][1]["retry-after"]) > 0
    assert ask(server, "GET", "/api/v1/status")[0] == 200


def test_the_address_for_browsers_works_once(server: Server) -> None:
    path = server.enter_url().removeprefix(server.url)
    status, headers, body = ask(server, "GET", path, token=False)
    assert status == 200 and b"refresh" in body
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and server.token not in cookie
    assert headers["referrer-policy"] == "no-referrer" and headers["cache-control"] == "no-store"
    assert ask(server, "GET", path, token=False)[0] in (401, 429)
    assert ask(server, "GET", "/api/v1/status", token=False, Cookie=cookie.partition(";")[0])[0] == 200
    assert ask(server, "GET", "/enter?code=", token=False)[0] in (401, 429)


def test_a_cookie_of_another_service_does_not_open_this_one(server: Server) -> None:
    name, _, value = cookie_of(server).partition("=")
    assert name.endswith(str(port_of(server)))
    assert ask(server, "GET", "/api/v1/status", token=False, Cookie=f"otio_perf_1={value}")[0] in (401, 429)
    assert ask(server, "GET", "/api/v1/status", token=False, Cookie=f"{name}={'A' * len(value)}")[0] in (401, 429)
    assert ask(server, "GET", "/api/v1/status", token=False, Cookie='"\\;=;;' * 50)[0] in (401, 429)


def test_cookies_of_other_programs_lock_nobody_out(server: Server) -> None:
    """All programs of this machine share one jar."""
    own = cookie_of(server)
    for other in ('a={"x": [1, 2]}', "b", "=c", 'd="e', "ü=ü".encode().decode("latin-1"), "f[g]=h i@j"):
        for both in (f"{other}; {own}", f"{own};{other}"):
            assert ask(server, "GET", "/api/v1/status", token=False, Cookie=both)[0] == 200, both


def test_the_token_is_never_logged(server: Server, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    link = server.enter_url()
    ask(server, "GET", link.removeprefix(server.url), token=False)
    ask(server, "GET", f"/nowhere?{server.token}")
    ask(server, "POST", "/api/v1/timelines", body={"path": server.token})
    said = caplog.text + "".join(capfd.readouterr())
    assert server.token not in said and link.rpartition("=")[2] not in said


# -- whose page asks


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1", "127.0.0.1:1", "", "[::1", "localhost:80"]
)
def test_another_host_is_an_attack(server: Server, host: str) -> None:
    status, _, body = ask(server, "GET", "/api/v1/status", Host=host)
    assert status in (400, 421) and server.token.encode() not in body


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"])
def test_names_of_this_machine_are_answered(server: Server, name: str) -> None:
    assert ask(server, "GET", "/api/v1/status", Host=f"{name}:{port_of(server)}")[0] == 200


def test_writes_come_from_our_own_page_or_with_the_token(server: Server) -> None:
    cookie, own = cookie_of(server), server.url

    def write(**headers: str) -> int:
        return ask(server, "POST", "/api/v1/queue/resume", token=False, Cookie=cookie, **headers)[0]

    assert write(Origin=own) == 204 and write(Sec_Fetch_Site="same-origin") == 204
    assert write(Origin=own, Sec_Fetch_Site="same-origin") == 204
    assert write() == 403  # a browser always says one of them
    for origin in ("http://evil.example", "null", own.replace("http:", "https:"), own + "0", "http://localhost:1"):
        assert write(Origin=origin) == 403
        assert write(Origin=origin, Sec_Fetch_Site="same-origin") == 403
    for site in ("cross-site", "same-site", "none"):
        assert write(Sec_Fetch_Site=site) == 403
        assert write(Origin=own, Sec_Fetch_Site=site) == 403
    assert ask(server, "POST", "/api/v1/queue/resume")[0] == 204  # a program
    assert ask(server, "POST", "/api/v1/queue/resume", Origin="http://evil.example")[0] == 403


def test_streams_come_from_our_own_page(server: Server) -> None:
    cookie = cookie_of(server)
    for headers in ({}, {"Origin": "http://evil.example"}, {"Sec_Fetch_Site": "cross-site"}):
        assert ask(server, "GET", "/api/v1/events", token=False, Cookie=cookie, **headers)[0] == 403


def test_nothing_is_shared_with_other_origins(server: Server) -> None:
    status, headers, _ = ask(
        server, "OPTIONS", "/api/v1/status", Origin="http://evil.example", Access_Control_Request_Method="PUT"
    )
    assert status == 405 and not [name for name in headers if name.startswith("access-control")]
    headers = ask(server, "GET", "/api/v1/status", Origin=server.url)[1]
    assert not [name for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/", "/api/v1/status", "/api/v1/nothing", "/docs", "/reference.css"])
def test_every_answer_has_the_headers(server: Server, path: str) -> None:
    headers = ask(server, "GET", path)[1]
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    if path.startswith("/api"):
        assert headers["cache-control"] == "no-store"


# -- what is asked


def test_reading_changes_nothing(service: Service, server: Server) -> None:
    """Every GET of the API, with words that would change something in a POST."""

    def changes() -> list[str]:
        return [event.kind for event in service.events() if event.kind not in ("queue", "metrics")]  # these come by themselves

    document = json.loads(ask(server, "GET", "/openapi.json")[2])
    before, told, settings = service.queue(), changes(), service.settings()
    for path, item in document["paths"].items():
        if "get" in item and not path.endswith("/events"):
            status, _, _ = ask(server, "GET", path.replace("{id}", "x") + "?path=/&paused=1&kind=all&force=1")
            assert status < 500 or status == 501, path
        if "get" not in item:  # what changes something cannot be had by GET
            assert ask(server, "GET", path.replace("{id}", "x"))[0] in (404, 405), path
    assert (service.queue(), changes(), service.settings()) == (before, told, settings)


@pytest.mark.parametrize(
    "path",
    [
        "/../../../etc/passwd",
        "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "//etc/passwd",
        "/api/v1/sources/..%2f..%2fetc%2fpasswd/thumbnail",
        "/api/v1/sources/%2fetc%2fpasswd/thumbnail",
        "/api/v1/timelines/..%2f..%2f",
        "/\x00etc",
        "/app.py",
        "/../app.py",
    ],
)
def test_no_path_leads_to_a_file(server: Server, path: str) -> None:
    with socket.create_connection(("127.0.0.1", port_of(server)), timeout=10) as line:
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port_of(server)}\r\nAuthorization: Bearer {server.token}\r\n"
        line.sendall(f"{head}Connection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert answer.split(b" ")[1] in (b"400", b"404") and b"root:" not in answer and b"import" not in answer


def test_links_out_of_the_pages_folder_are_refused(start: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a wheel was unpacked over links."""
    (tmp_path / "secret").write_text("secret")
    folder = tmp_path / "static"
    folder.mkdir()
    (folder / "own.txt").write_text("own")
    (folder / "leak.txt").symlink_to(tmp_path / "secret")
    monkeypatch.setattr(app, "_static", lambda: folder)
    _, server = start()
    assert ask(server, "GET", "/own.txt")[::2] == (200, b"own")
    status, _, body = ask(server, "GET", "/leak.txt")
    assert status == 404 and b"secret" not in body


def test_too_much_is_refused_before_it_is_read(server: Server) -> None:
    big = b"x" * (gate.MOST_BODY_BYTES + 1)
    assert ask(server, "POST", "/api/v1/timelines", body=b"{}", Content_Length=str(len(big)))[0] == 413
    with socket.create_connection(("127.0.0.1", port_of(server)), timeout=20) as line:
        head = (
            f"POST /api/v1/timelines HTTP/1.1\r\nHost: 127.0.0.1:{port_of(server)}\r\nAuthorization: Bearer {server.token}\r\n"
        )
        line.sendall(f"{head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        line.settimeout(20)
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        with suppress(OSError):  # it hangs up: that is the point
            for _ in range(40):  # 2.5 MB
                line.sendall(chunk)
        with suppress(OSError):
            assert b" 413 " in line.recv(65536)
    assert ask(server, "GET", "/api/v1/status")[0] == 200


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"null", b'{"path": 1}', b'{"path": ""}', b'{"path": "/x", "more": 1}', b"\xff\xfe", b"[" * 5000]
)
def test_nonsense_is_refused_in_one_line(server: Server, body: bytes) -> None:
    status, _, answer = ask(server, "POST", "/api/v1/timelines", body=body)
    told = json.loads(answer)
    assert status == 400 and told["error"] and "\n" not in told["error"] and "Traceback" not in told["error"]


def test_errors_are_ours(server: Server) -> None:
    status, _, body = ask(server, "GET", "/api/v1/timelines/nothing")
    assert status == 404 and json.loads(body)["kind"] == "UnknownIdError"
    status, _, body = ask(server, "POST", "/api/v1/timelines", body={"path": "/no/such.otio"})
    assert status == 422 and json.loads(body)["error"] and json.loads(body)["path"] == "/no/such.otio"
    assert ask(server, "POST", "/api/v1/activity", body={"activity": "sleeping"})[0] == 400


# -- how much, and for how long


def test_a_slow_request_ends(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "BODY_SECONDS", 0.3)
    with socket.create_connection(("127.0.0.1", port_of(server)), timeout=10) as line:
        head = (
            f"POST /api/v1/timelines HTTP/1.1\r\nHost: 127.0.0.1:{port_of(server)}\r\nAuthorization: Bearer {server.token}\r\n"
        )
        line.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
        assert b" 408 " in line.recv(65536)


def test_who_says_nothing_is_shown_out(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "ASK_SECONDS", 0.3)
    with (
        socket.create_connection(("127.0.0.1", port_of(server)), timeout=10) as silent,
        socket.create_connection(("127.0.0.1", port_of(server)), timeout=10) as dripping,
    ):
        dripping.sendall(b"GET / HTTP/1.1\r\nHo")
        began = time.monotonic()
        for line in (silent, dripping):
            with suppress(ConnectionResetError):
                assert line.recv(1) == b""
        assert time.monotonic() - began < 5


def test_ten_thousand_idle_sockets_do_not_stop_it(server: Server) -> None:
    """Or as many as this process may open, with what the server needs left over: both ends are in it."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 20_000 if hard == resource.RLIM_INFINITY else min(hard, 20_000)
    if most > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    used = len(os.listdir("/proc/self/fd"))
    many = min(10_000, max(soft, most) - used - 2 * connections.MOST_CONNECTIONS - 200)
    held: list[socket.socket] = []
    slowest = 0.0
    try:
        for number in range(many):
            line = socket.socket()
            line.settimeout(5)
            line.connect(("127.0.0.1", port_of(server)))
            held.append(line)
            if number % 500 == 499:
                began = time.monotonic()
                assert ask(server, "GET", "/api/v1/status")[0] == 200
                slowest = max(slowest, time.monotonic() - began)
        own = [c for c in psutil.Process().net_connections("tcp") if c.laddr and c.laddr.port == port_of(server)]
        assert sum(c.status == psutil.CONN_ESTABLISHED for c in own) <= connections.MOST_CONNECTIONS + 128
    finally:
        for line in held:
            line.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert many >= 500, "too few to say anything"
    assert slowest < 2.0
    assert ask(server, "GET", "/api/v1/status")[0] == 200


def test_an_answer_is_sent_at_once(server: Server) -> None:
    """Not half of it, and the rest when the first half was acknowledged: 40 ms later, on every connection that is kept."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=20)
    times = []
    for _ in range(30):
        began = time.perf_counter()
        connection.request("GET", "/api/v1/status", headers={"Authorization": f"Bearer {server.token}"})
        connection.getresponse().read()
        times.append(time.perf_counter() - began)
    connection.close()
    assert sorted(times)[5] < 0.035
