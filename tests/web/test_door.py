"""Where a service listens: on this machine only, unless somebody says otherwise in words."""

from __future__ import annotations

import http.client
import shutil
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from otio_perf.client import Client
from otio_perf.errors import NoServiceError, ServiceError, SettingsError
from otio_perf.web import door
from otio_perf.web.door import Door


def listening(port: int) -> set[str]:
    found = psutil.Process().net_connections("inet")
    return {c.laddr.ip for c in found if c.status == psutil.CONN_LISTEN and c.laddr.port == port}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost and 127.0.0.1, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("NO OPENSSL: the command line tool openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost".split()
    words += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(["openssl", *words, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


@pytest.mark.parametrize("listen", ["0.0.0.0", "0.0.0.0:8000", "::", "[::]:80", "192.168.1.5", "studio.example:9000"])
def test_other_machines_come_in_by_tls_or_by_a_word(listen: str, pair: tuple[Path, Path]) -> None:
    with pytest.raises(SettingsError, match="reached by other machines") as caught:
        Door.at(listen)
    assert "--insecure" in str(caught.value) and "--tls-cert" in str(caught.value)
    assert not Door.at(listen, is_insecure=True).is_local
    assert Door.at(listen, certificate=pair[0], key=pair[1]).scheme == "https"


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [
        (None, "127.0.0.1", 0),
        ("127.0.0.1", "127.0.0.1", 0),
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        (":8080", "127.0.0.1", 8080),
        ("8080", "127.0.0.1", 8080),
        ("[::1]:8080", "::1", 8080),
        ("::1", "::1", 0),
        ("localhost", "localhost", 0),
    ],
)
def test_addresses_as_they_are_written(listen: str | None, host: str, port: int) -> None:
    door = Door.at(listen)
    assert (door.host, door.port, door.is_local) == (host, port, True)


@pytest.mark.parametrize("listen", ["[::1", "[::1]x", "127.0.0.1:http", "127.0.0.1:70000", "127.0.0.1:-1"])
def test_what_is_no_address_is_refused(listen: str) -> None:
    with pytest.raises(SettingsError):
        Door.at(listen)


def test_half_a_certificate_is_refused(pair: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="both"):
        Door(certificate=pair[0])
    for broken in (Door(certificate=pair[1], key=pair[0]), Door(certificate=tmp_path / "no.pem", key=pair[1])):
        with pytest.raises(SettingsError, match="cannot be used"):
            broken.open()


def test_names_are_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server may take seconds, and all requests stand behind the one that waits."""
    asked: list[None] = []
    monkeypatch.setattr(socket, "getfqdn", lambda: asked.append(None) or "studio.example")
    door._own_names.cache_clear()
    try:
        there = Door(host="127.0.0.2", is_insecure=True)
        there.open().close()
        assert len(asked) == 1
        assert there.is_called("studio.example:80", 80) and not there.is_called("evil.example:80", 80)
        assert len(asked) == 1
    finally:
        door._own_names.cache_clear()


def test_an_address_that_is_taken_is_said(start: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServiceError, match=f"cannot listen on 127.0.0.1:{port}"):
            start(Door(port=port))
    with pytest.raises(ServiceError):
        start(Door(host="no.such.host.invalid", is_insecure=True))


def test_by_default_it_listens_on_this_machine_only(start: Any) -> None:
    _, server = start()
    port = int(server.url.rpartition(":")[2])
    assert listening(port) == {"127.0.0.1"}
    assert not server.token_file.is_relative_to(server._service.workspace)


def test_over_ipv6(start: Any) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("NO IPV6: this machine has no address ::1")
    service, server = start(Door(host="::1"))
    assert server.url.startswith("http://[::1]:") and listening(int(server.url.rpartition(":")[2])) == {"::1"}
    assert Client.find(service.workspace).status().address == server.url


def test_over_tls(start: Any, pair: tuple[Path, Path]) -> None:
    service, server = start(Door(certificate=pair[0], key=pair[1]))
    assert server.url.startswith("https://")
    assert Client.find(service.workspace, certificate=pair[0]).status().address == server.url
    with pytest.raises(NoServiceError, match=r"certificate|CERTIFICATE"):
        Client.find(service.workspace).status()
    context = ssl.create_default_context(cafile=pair[0])
    path = server.enter_url().removeprefix(server.url)
    connection = http.client.HTTPSConnection("127.0.0.1", int(server.url.rpartition(":")[2]), context=context)
    connection.request("GET", path)
    response = connection.getresponse()
    assert response.status == 200 and "; Secure" in response.getheader("set-cookie", "")
    connection.close()


def test_in_words_it_listens_everywhere_and_still_asks_who(start: Any) -> None:
    service, server = start(Door(host="0.0.0.0", is_insecure=True))
    port = int(server.url.rpartition(":")[2])
    assert listening(port) == {"0.0.0.0"}
    for host, expected in ((f"127.0.0.1:{port}", 401), (f"192.168.7.7:{port}", 401), (f"evil.example:{port}", 421)):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/api/v1/status", headers={"Host": host})
        assert connection.getresponse().status == expected
        connection.close()
    assert Client(f"http://127.0.0.1:{port}", server.token).status().workspace == str(service.workspace)
