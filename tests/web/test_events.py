"""The stream of events: what comes, what comes after a loss, and what a slow reader costs."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from otio_perf.client import Client
from otio_perf.model.views import ServiceEvent
from otio_perf.service.service import Service
from otio_perf.web import events
from otio_perf.web.server import Server


@contextmanager
def stream(server: Server, last: str | None = None) -> Iterator[Iterator[tuple[str, dict[str, Any]]]]:
    """``(id, event)`` as they come; the first line of a stream is read already."""
    connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rpartition(":")[2]), timeout=20)
    said = {"Authorization": f"Bearer {server.token}"} | ({} if last is None else {"Last-Event-ID": last})
    connection.request("GET", "/api/v1/events", headers=said)
    response = connection.getresponse()
    assert response.status == 200 and response.headers.get_content_type() == "text/event-stream"

    def lines() -> Iterator[tuple[str, dict[str, Any]]]:
        number = ""
        while line := response.readline().decode():
            field, _, rest = line.strip().partition(": ")
            number = rest if field == "id" else number
            if field == "data":
                yield number, json.loads(rest)

    assert response.readline().startswith(b"retry")
    response.readline()
    try:
        yield lines()
    finally:
        response.close()
        connection.close()


def until(found: Iterator[tuple[str, dict[str, Any]]], text: str) -> tuple[str, dict[str, Any]]:
    return next((number, event) for number, event in found if event["body"].get("text") == text)


def test_what_happens_is_heard(service: Service, server: Server) -> None:
    with stream(server) as found:
        service._core.note("something happened")
        number, event = until(found, "something happened")
    assert event["kind"] == "notice" and number.endswith(f"-{event['number']}")


def test_who_comes_back_hears_what_came_meanwhile_and_nothing_twice(service: Service, server: Server) -> None:
    with stream(server) as found:
        service._core.note("before")
        last, _ = until(found, "before")
    service._core.note("meanwhile")
    with stream(server, last) as found:
        service._core.note("after")
        heard = []
        for _, event in found:
            heard.append(event["body"].get("text"))
            if heard[-1] == "after":
                break
    assert [text for text in heard if text] == ["meanwhile", "after"]


@pytest.mark.parametrize("last", ["deadbeef-3", "nonsense", "-1", "99999999999999999999"])
def test_who_knew_another_service_is_told_to_ask_anew(service: Service, server: Server, last: str) -> None:
    with stream(server, last) as found:
        assert next(found)[1]["kind"] == "missed"


def test_a_reader_that_does_not_read_costs_nothing(service: Service, server: Server) -> None:
    """More than the service keeps, and more than any buffer between the two holds: it finds ``missed`` and goes on."""
    with stream(server) as found:
        for number in range(12_000):
            service._core.tell("notice", {"text": f"{number} " + "x" * 2000})
        service._core.tell("notice", {"text": "the end"})
        kinds = {}
        for _, event in found:
            kinds[event["kind"]] = kinds.get(event["kind"], 0) + 1
            if event["body"].get("text") == "the end":
                break
    assert kinds.get("missed"), "12,000 events of 2 kB went through at once"
    assert kinds["notice"] < 12_000


def test_of_a_task_only_how_it_stands_now_is_sent() -> None:
    def event(number: int, kind: str, **body: Any) -> ServiceEvent:
        return ServiceEvent(number=number, at=0.0, kind=kind, body=body)

    burst = [event(n, "task", key="a" if n % 2 else "b", done=n) for n in range(100)]
    sent = events.newest(
        [*burst, event(100, "queue"), event(101, "notice", text="x"), event(102, "queue"), event(103, "notice")]
    )
    assert [(e.number, e.kind) for e in sent] == [(98, "task"), (99, "task"), (101, "notice"), (102, "queue"), (103, "notice")]


def test_the_client_hears_them_too(service: Service, client: Client) -> None:
    heard: list[ServiceEvent] = []
    is_open = threading.Event()

    def listen() -> None:
        for _, event in client.stream():
            heard.append(event)
            is_open.set()
            if event.body.get("text") == "for the client":
                return

    thread = threading.Thread(target=listen)
    thread.start()
    while thread.is_alive():
        service._core.tell("notice", {"text": "for the client"})
        time.sleep(0.05)
    thread.join()
    assert isinstance(heard[-1], ServiceEvent) and heard[-1].kind == "notice"


def test_too_many_streams_are_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_STREAMS", 1)
    with stream(server):
        connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rpartition(":")[2]), timeout=20)
        connection.request("GET", "/api/v1/events", headers={"Authorization": f"Bearer {server.token}"})
        assert connection.getresponse().status == 409
        connection.close()


def test_streams_end_with_the_server(start: Any) -> None:
    service, server = start()
    with stream(server) as found:
        began = time.monotonic()
        server.close()
        assert not [event for _, event in found if event["kind"] == "notice"]  # the stream ends
        assert time.monotonic() - began < 5
    assert service.status().timelines == ()
