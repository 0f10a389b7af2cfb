"""The API over a real edit: a timeline is followed, its proxies are made, looked at, deleted; alike in Python and over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import opentimelineio as otio
import psutil
import pytest

from otio_perf import settings
from otio_perf.cache.workspace import Workspace
from otio_perf.client import Client
from otio_perf.errors import (
    NoServiceError,
    OfflineMediaError,
    ServiceError,
    SettingsError,
    TimelineError,
    UnknownIdError,
)
from otio_perf.model import views
from otio_perf.service.service import Service
from otio_perf.web.server import Server
from sample_timelines.make_media import CLIPS, make

EVIL = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def edit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``cut.otio`` and the two media that it shows, one of them with a name that is markup."""
    folder = tmp_path_factory.mktemp("edit")
    clip = next(c for c in CLIPS.values() if c.name == "A001_C001.mp4")
    made = make(replace(clip, width=320, height=180, bit_rate=clip.bit_rate // 40), folder)
    Path(made).rename(folder / "one.mp4")
    (folder / "one & <two>.mp4").write_bytes((folder / "one.mp4").read_bytes() + b"\0" * 8)
    track = otio.schema.Track("V1", kind="Video")
    for name in ("one.mp4", "one & <two>.mp4"):
        span = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(24, 24))
        track.append(otio.schema.Clip(EVIL, otio.schema.ExternalReference(name), span))
    timeline = otio.schema.Timeline("cut")
    timeline.tracks.append(track)
    otio.adapters.write_to_file(timeline, str(folder / "cut.otio"))
    return folder


@pytest.fixture(scope="module")
def service(edit: Path, _own_folders: None) -> Iterator[Service]:
    root = edit / ".otio_perf"
    Workspace.open(root)
    words = {"workspace": root, "proxy": ["half"], "use_proxies": "always", "prerender": "none", "background_priority": "high"}
    with Service(settings.load(words), settings_file=edit / "settings.yaml") as service:
        yield service


@pytest.fixture(scope="module")
def server(service: Service) -> Iterator[Server]:
    with Server(service) as server:
        yield server


@pytest.fixture(scope="module")
def followed(edit: Path, service: Service, server: Server) -> views.FollowedTimeline:
    """Followed over HTTP, and waited for until its proxies are there."""
    client = Client.find(service.workspace)
    found = client.follow(edit / "cut.otio")
    until(lambda: client.timeline(found.id).timeline.state == "ready")
    return client.timeline(found.id).timeline


def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_client_says_what_the_service_says(service: Service, client: Client, followed: views.FollowedTimeline) -> None:
    assert client.timelines() == service.timelines()
    assert client.timeline(followed.id) == service.timeline(followed.id)
    assert client.outcome(followed.id) == service.outcome(followed.id) and client.outcome(followed.id).is_done
    assert client.sources() == service.sources()
    assert client.settings() == service.settings()
    assert client.queue().jobs == service.queue().jobs
    assert client.cache() == service.cache()
    assert client.report(followed.id) == json.loads(json.dumps(service.report(followed.id)))
    assert client.status().workspace == str(service.workspace)
    assert client.status().address == client.url
    assert client.profile().stages == service.profile().stages and client.profile().stages
    assert client.trace()["traceEvents"]
    assert client.metrics().memory_used_bytes > 1 << 20


def test_media_and_their_proxies(client: Client, followed: views.FollowedTimeline) -> None:
    found = {source.name: source for source in client.sources().sources}
    assert set(found) == {"one.mp4", "one & <two>.mp4"}
    source = found["one.mp4"]
    assert (source.width, source.height, source.codec, source.timelines) == (320, 180, "h264", (followed.id,))
    assert [p.state for p in source.proxies] == [views.ProxyState.READY] and source.state == "ready"
    assert client.sources(search="TWO").total == 1 and client.sources(search="three").total == 0
    page = client.sources(offset=1, limit=1)
    assert page.total == 2 and [s.name for s in page.sources] == ["one.mp4"]


def test_thumbnails_are_small_jpegs_by_id(client: Client, followed: views.FollowedTimeline) -> None:
    source = client.sources(search="one.mp4").sources[0]
    picture = client.thumbnail(source.id)
    assert picture.startswith(b"\xff\xd8\xff") and picture.endswith(b"\xff\xd9") and len(picture) < 60_000
    began = time.monotonic()
    assert client.thumbnail(source.id) == picture
    assert time.monotonic() - began < 0.5  # kept
    with pytest.raises(UnknownIdError):
        client.thumbnail("no-such-medium")
    with pytest.raises(ServiceError, match="not found"):
        client.thumbnail("../../" + source.path)


def test_proxies_are_deleted_and_made_anew(client: Client, followed: views.FollowedTimeline) -> None:
    source = client.sources(search="one.mp4").sources[0]
    proxy = source.proxies[0]
    for refused in (client.delete_proxies, client.regenerate):  # what a written timeline plays goes by a word only
        with pytest.raises(ServiceError, match=r"cut\.perf\.otio plays its proxies"):
            refused(source.id)
    before = Path(proxy.path).stat()
    client.set_settings({"proxy": ["quarter"]})  # what is made anew is what was there, whatever is asked for by now
    job = client.regenerate(source.id, force=True)
    until(lambda: Path(proxy.path).exists() and Path(proxy.path).stat().st_mtime_ns != before.st_mtime_ns)
    until(lambda: client.sources(search="one.mp4").sources[0].state == "ready")
    until(lambda: (proxy.path, proxy.rung) in {(p.path, p.rung) for p in client.sources(search="one.mp4").sources[0].proxies})
    assert job in {j.id for j in client.queue().jobs}
    client.set_settings({"proxy": ["half"]})
    assert client.delete_proxies(source.id, force=True) >= proxy.size_bytes and not Path(proxy.path).exists()


def test_requests_of_two_runs_have_names_of_their_own(client: Client, followed: views.FollowedTimeline, edit: Path) -> None:
    jobs = {client.generate(paths=[edit / "one.mp4"]) for _ in range(3)}
    assert len(jobs) == 3 and all(len(job) > len("request-1") for job in jobs)
    until(lambda: client.sources(search="one.mp4").sources[0].state == "ready")


def test_media_by_path_get_proxies(edit: Path, client: Client, followed: views.FollowedTimeline) -> None:
    (edit / "three.mp4").write_bytes((edit / "one.mp4").read_bytes() + b"\0" * 16)
    client.generate(paths=[edit / "three.mp4"])
    until(lambda: client.sources(search="three").total == 1 and client.sources(search="three").sources[0].state == "ready")
    with pytest.raises(OfflineMediaError, match="is not there"):
        client.generate(paths=[edit / "four.mp4"])
    with pytest.raises(SettingsError):
        client.generate()


def test_names_are_data_and_never_markup(server: Server, client: Client, followed: views.FollowedTimeline) -> None:
    view = client.timeline(followed.id)
    assert {item.name for track in view.tracks for item in track.items} == {EVIL}
    status, headers, _ = raw(server, "GET", f"/api/v1/timelines/{followed.id}")
    assert status == 200 and headers["content-type"] == "application/json" and headers["x-content-type-options"] == "nosniff"
    page = raw(server, "GET", "/docs")[2].decode()
    assert EVIL not in page and "<script" not in page


def test_the_page_of_the_api_names_every_route(server: Server) -> None:
    page, document = raw(server, "GET", "/docs")[2].decode(), json.loads(raw(server, "GET", "/openapi.json")[2])
    for path, item in document["paths"].items():
        for method in item:
            assert f"{method.upper()} {path}" in page
    assert {name for name in vars(views) if name.endswith("View")} - set(document["components"]["schemas"]) == set()
    assert "http://" not in page.replace("http://127.0.0.1", "") and "https://" not in page


def test_figures_for_prometheus(server: Server, followed: views.FollowedTimeline) -> None:
    status, headers, body = raw(server, "GET", "/metrics")
    assert status == 200 and headers["content-type"].startswith("text/plain")
    lines = body.decode().splitlines()
    assert any(line.startswith("otio_perf_memory_used_bytes ") for line in lines)
    made = next(line for line in lines if line.startswith('otio_perf_tasks_total{kind="proxy",outcome="done"}'))
    assert float(made.split()[-1]) >= 2


def test_the_queue_is_told_what_to_do(client: Client, followed: views.FollowedTimeline) -> None:
    client.pause()
    assert client.queue().is_paused and client.status().background.state == "paused"
    client.resume()
    assert not client.queue().is_paused
    client.set_playhead(followed.id, 12)
    assert client.timeline(followed.id).timeline.playhead == 12
    client.pin(followed.id, 4, 8)
    assert client.timeline(followed.id).pins == (views.RangeView(start=4, stop=8),)
    client.unpin(followed.id, 4, 8)
    assert client.timeline(followed.id).pins == ()
    client.set_activity("playing", 5)
    until(lambda: client.status().activity == "playing")
    client.set_activity("idle", 1)
    with pytest.raises(SettingsError):
        client.set_activity("sleeping")
    with pytest.raises(SettingsError):
        client.cancel()
    with pytest.raises(UnknownIdError):
        client.prioritize(timeline="nothing", start=0, stop=1)


def test_settings_over_http(edit: Path, client: Client, followed: views.FollowedTimeline) -> None:
    changed = {view.name: view for view in client.set_settings({"handles": 24})}
    assert (changed["handles"].value, changed["handles"].origin) == (24, "file")
    assert "handles: 24" in (edit / "settings.yaml").read_text()
    with pytest.raises(SettingsError, match="handles"):
        client.set_settings({"handles": -1})
    assert {v.name: v.value for v in client.set_settings({"handles": None})}["handles"] == 12


def test_the_cache_by_kind_and_project(client: Client, followed: views.FollowedTimeline) -> None:
    until(lambda: {kind.kind: kind for kind in client.cache().kinds}["proxies"].files >= 2)
    cache = client.cache()
    kinds = {kind.kind: kind for kind in cache.kinds}
    assert kinds["proxies"].size_bytes > 0 and kinds["proxies"].unused == 0
    assert cache.size_bytes == sum(kind.size_bytes for kind in cache.kinds)
    assert "cut.otio" in {project.name for project in cache.projects} and cache.disk_free_bytes > 0
    assert client.verify_cache() == ()


def test_how_much_it_is_moves_with_what_is_made(client: Client, followed: views.FollowedTimeline) -> None:
    before = client.metrics().cache_bytes
    file = Path(client.status().workspace) / "analysis" / "survey-0.index"
    file.write_bytes(bytes(5_000_000))
    client.replan()
    until(lambda: client.metrics().cache_bytes >= before + 4_000_000, 10)
    file.unlink()


def test_what_was_learnt_is_cleared_with_its_pictures(client: Client, followed: views.FollowedTimeline) -> None:
    folder = Path(client.status().workspace) / "analysis"
    assert list(folder.glob("thumbnail-*.jpg"))
    assert client.clear_cache("analysis") > 0
    assert not list(folder.glob("thumbnail-*.jpg"))


def test_where_there_is_no_file_manager_that_is_said(
    client: Client, followed: views.FollowedTimeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = client.sources(search="one.mp4").sources[0]
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ServiceError, match="file manager"):
        client.reveal(source.id)


def test_errors_come_back_as_ours(edit: Path, client: Client) -> None:
    with pytest.raises(UnknownIdError, match="nothing"):
        client.timeline("nothing")
    with pytest.raises(TimelineError) as caught:
        client.follow(edit / "no.otio")
    assert caught.value.path == str(edit / "no.otio") and caught.value.hint
    with pytest.raises(TimelineError):
        client.follow(edit / "one.mp4")


def test_where_no_service_is_the_client_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoServiceError, match="no service"):
        Client.find(tmp_path)
    with pytest.raises(NoServiceError, match="does not answer"):
        Client("http://127.0.0.1:9", "x").status()


def test_every_listener_is_on_this_machine_and_asks_for_the_token(server: Server, followed: views.FollowedTimeline) -> None:
    """Of this process and all that it started; the service has done work, so that workers are there."""
    here = psutil.Process()
    listening = [
        (process.pid, connection.laddr)
        for process in (here, *here.children(recursive=True))
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    port = int(server.url.rpartition(":")[2])
    assert (here.pid, ("127.0.0.1", port)) in [(pid, tuple(at)) for pid, at in listening]
    assert [(pid, tuple(at)) for pid, at in listening if at.ip != "127.0.0.1" or (pid, at.port) != (here.pid, port)] == []


def raw(server: Server, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rpartition(":")[2]), timeout=30)
    connection.request(method, path, headers={"Authorization": f"Bearer {server.token}"})
    response = connection.getresponse()
    answer: Any = response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    connection.close()
    return answer
