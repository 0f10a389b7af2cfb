"""The routes: each is one call of the service, in the service's words."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from pydantic_core import PydanticSerializationError, to_json
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from otio_perf import __version__
from otio_perf.errors import (
    BusyError,
    MediaError,
    NoServiceError,
    OtioPerfError,
    ServiceError,
    SettingsError,
    TimelineError,
    UnknownIdError,
)
from otio_perf.metrics.counters import CONTENT_TYPE
from otio_perf.model import wire
from otio_perf.model.views import (
    CacheView,
    FollowedTimeline,
    MetricsView,
    OutcomeView,
    ProfileView,
    QueueView,
    ServiceStatus,
    SettingView,
    SourcesView,
    TimelineView,
    WatchedFolder,
)
from otio_perf.service.service import Service
from otio_perf.web import questions as asked
from otio_perf.web.events import Streams
from otio_perf.web.lanes import Lane, Lanes
from otio_perf.web.reference import page

API = "/api/v1"

#: The first that fits counts.
_STATUS: tuple[tuple[type[OtioPerfError], int], ...] = (
    (UnknownIdError, 404),
    (BusyError, 503),
    (SettingsError, 400),
    (TimelineError, 422),
    (MediaError, 422),
    (NoServiceError, 503),
    (ServiceError, 409),
    (OtioPerfError, 500),
)

Offset = Annotated[int, Query(ge=0)]
Limit = Annotated[int, Query(ge=0, le=1000)]


def application(service: Service, lanes: Lanes, streams: Streams, enter_link: Callable[[], str]) -> FastAPI:
    """The API of ``service``. ``Gate`` belongs before it.

    :param enter_link: makes a path that lets a browser in, once
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        del app
        streams.open()
        try:
            yield
        finally:
            lanes.close()

    app = FastAPI(
        title="otio-perf",
        version=__version__,
        summary="The background service: queue, timelines, folders, proxies, cache, settings",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.include_router(_looks(service, lanes))
    app.include_router(_words(service, lanes, enter_link))
    app.include_router(_streams(streams))

    @app.get("/metrics", summary="Figures in Prometheus' format", response_class=Response)
    async def prometheus() -> Response:
        return Response(await lanes.call(Lane.LOOK, service.exposition), media_type=CONTENT_TYPE)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(page(app.openapi()))

    app.mount("/", StaticFiles(directory=_static(), html=True, check_dir=False))
    app.add_exception_handler(OtioPerfError, _told)
    app.add_exception_handler(RequestValidationError, _misunderstood)
    app.add_exception_handler(HTTPException, _http)
    return app


def _static() -> Path:
    return Path(str(resources.files("otio_perf.web"))) / "static"


def _looks(service: Service, lanes: Lanes) -> APIRouter:
    """What is asked, and changes nothing."""
    router = APIRouter(prefix=API)

    @router.get("/status", response_model=ServiceStatus, summary="The whole in one look")
    async def status() -> Response:
        return _answer(await lanes.call(Lane.LOOK, service.status))

    @router.get("/timelines", response_model=tuple[FollowedTimeline, ...], summary="Timelines that are followed")
    async def timelines() -> Response:
        return _answer(await lanes.call(Lane.LOOK, service.timelines))

    @router.get("/timelines/{id}", response_model=TimelineView, summary="A timeline as it is drawn")
    async def timeline(id: str) -> Response:
        return _answer(await lanes.call(Lane.LOOK, service.timeline, id))

    @router.get("/timelines/{id}/outcome", response_model=OutcomeView, summary="What came of optimize: made, failed, and why")
    async def outcome(id: str) -> Response:
        return _answer(await lanes.call(Lane.LOOK, service.outcome, id))

    @router.get("/timelines/{id}/report", response_model=dict[str, Any], summary="Its analysis, as otio-perf analyze --json")
    async def report(id: str) -> Response:
        return _answer(await lanes.call(Lane.WORK, service.report, id))

    @router.get("/queue", response_model=QueueView, summary="What runs, what waits in its order, what ended")
    async def queue(offset: Offset = 0, limit: Limit = 200) -> Response:
        return _answer(await lanes.call(Lane.LOOK, service.queue, offset, limit))

    @router.get("/sources", response_model=SourcesView, summary="Media and their proxies")
    async def sources(offset: Offset = 0, limit: Limit = 200, search: Annotated[str, Query(max_length=200)] = "") -> Response:
        return _answer(await lanes.call(Lane.LOOK, service.sources, offset, limit, search))

    @router.get("/sources/{id}/thumbnail", summary="A small JPEG of the medium", response_class=Response)
    async def thumbnail(id: str) -> Response:
        picture = await lanes.call(Lane.PICTURE, service.thumbnail, id)
        return Response(picture, media_type="image/jpeg", headers={"cache-control": "private, max-age=60"})

    @router.get("/cache", response_model=CacheView, summary="What fills the workspace")
    async def cache() -> Response:
        return _answer(await lanes.call(Lane.LOOK, service.cache))

    @router.get("/metrics", response_model=MetricsView, summary="Readings of this moment")
    async def metrics() -> Response:
        return _answer(await lanes.call(Lane.LOOK, service.metrics))

    @router.get("/profile", response_model=ProfileView, summary="Where time went in what was made last; an hour of readings")
    async def profile() -> Response:
        return _answer(await lanes.call(Lane.LOOK, service.profile))

    @router.get("/trace", response_model=dict[str, Any], summary="What ran when, in Chrome's trace-event format")
    async def trace() -> Response:
        kept = _answer(await lanes.call(Lane.LOOK, service.trace))
        kept.headers["content-disposition"] = 'attachment; filename="otio-perf-trace.json"'
        return kept

    @router.get("/settings", response_model=tuple[SettingView, ...], summary="All settings, and who said so")
    async def settings() -> Response:
        return _answer(await lanes.call(Lane.LOOK, service.settings))

    return router


def _words(service: Service, lanes: Lanes, enter_link: Callable[[], str]) -> APIRouter:
    """What changes something. Nothing to say: 204."""
    router = APIRouter(prefix=API)
    done: dict[str, Any] = {"status_code": 204, "response_class": Response}

    @router.post("/timelines", response_model=FollowedTimeline, summary="Keep in step with a timeline")
    async def follow(body: asked.Path) -> Response:
        return _answer(await lanes.call(Lane.WORK, service.follow, body.path))

    @router.delete("/timelines/{id}", **done, summary="Let go of a timeline; what was made stays")
    async def unfollow(id: str) -> None:
        await lanes.call(Lane.LOOK, service.unfollow, id)

    @router.post("/timelines/{id}/playhead", **done, summary="Where the user is: what lies there comes first")
    async def set_playhead(id: str, body: asked.Playhead) -> None:
        await lanes.call(Lane.LOOK, service.set_playhead, id, body.frame)

    @router.post("/timelines/{id}/pins", **done, summary="These frames come before everything else")
    async def pin(id: str, body: asked.Range) -> None:
        await lanes.call(Lane.LOOK, service.pin, id, body.start, body.stop)

    @router.delete("/timelines/{id}/pins", **done, summary="Take the pins off these frames")
    async def unpin(id: str, start: int, stop: int) -> None:
        await lanes.call(Lane.LOOK, service.unpin, id, start, stop)

    @router.post("/timelines/{id}/optimize", response_model=asked.Job, summary="Work for the timeline as asked from now on")
    async def optimize(id: str, body: asked.Optimize) -> Response:
        return _job(await lanes.call(Lane.WORK, service.optimize, id, proxies=body.proxies, prerender=body.prerender))

    @router.post("/timelines/replan", **done, summary="Look anew: something was made or deleted beside the service")
    async def replan() -> None:
        await lanes.call(Lane.LOOK, service.replan)

    @router.post("/queue/pause", **done, summary="Start nothing more until resume")
    async def pause() -> None:
        await lanes.call(Lane.LOOK, service.pause)

    @router.post("/queue/resume", **done, summary="Go on")
    async def resume() -> None:
        await lanes.call(Lane.LOOK, service.resume)

    @router.post("/queue/clear", **done, summary="Cancel all tasks")
    async def clear() -> None:
        await lanes.call(Lane.LOOK, service.clear)

    @router.post("/queue/cancel", **done, summary="Cancel all that a job wants, or a task for everybody")
    async def cancel(body: asked.Cancel) -> None:
        await lanes.call(Lane.LOOK, service.cancel, job=body.job, task=body.task)

    @router.post("/queue/prioritize", **done, summary="A task next, or what serves these frames")
    async def prioritize(body: asked.Prioritize) -> None:
        await lanes.call(Lane.LOOK, service.prioritize, **body.model_dump())

    @router.post("/activity", **done, summary="What the user does; background work keeps out of the way")
    async def set_activity(body: asked.Doing) -> None:
        await lanes.call(Lane.LOOK, service.set_activity, body.activity, body.seconds)

    @router.put("/quality", **done, summary="Of playback: which proxy written timelines show")
    async def set_quality(body: asked.Quality) -> None:
        await lanes.call(Lane.LOOK, service.set_quality, body.quality)

    @router.post("/sources/generate", response_model=asked.Job, summary="Make proxies of these media, needed or not")
    async def generate(body: asked.Media) -> Response:
        return _job(await lanes.call(Lane.WORK, service.generate, ids=body.ids, paths=body.paths))

    @router.post("/sources/{id}/regenerate", response_model=asked.Job, summary="Delete the proxies of a medium, make them anew")
    async def regenerate(id: str, body: asked.Forced | None = None) -> Response:
        return _job(await lanes.call(Lane.WORK, service.regenerate, id, force=body is not None and body.force))

    @router.delete("/sources/{id}/proxies", response_model=asked.Freed, summary="Delete the proxies of a medium")
    async def delete_proxies(id: str, force: bool = False) -> Response:
        return _freed(await lanes.call(Lane.WORK, service.delete_proxies, id, force=force))

    @router.post("/sources/{id}/reveal", **done, summary="Show the medium in the system's file manager")
    async def reveal(id: str) -> None:
        await lanes.call(Lane.WORK, service.reveal, id)

    @router.post("/folders", response_model=WatchedFolder, summary="Turn rushes in a folder into proxies as they come")
    async def watch(body: asked.Path) -> Response:
        return _answer(await lanes.call(Lane.WORK, service.watch, body.path))

    @router.delete("/folders/{id}", **done, summary="Watch a folder no more; what was made stays")
    async def unwatch(id: str) -> None:
        await lanes.call(Lane.LOOK, service.unwatch, id)

    @router.post("/cache/clear", response_model=asked.Freed, summary="Delete what was made, by kind")
    async def clear_cache(body: asked.Clear) -> Response:
        return _freed(await lanes.call(Lane.STORE, service.clear_cache, body.kind, force=body.force))

    @router.post("/cache/prune", response_model=asked.Freed, summary="Bring the workspace within its limits")
    async def prune_cache() -> Response:
        return _freed(await lanes.call(Lane.STORE, service.prune_cache))

    @router.post("/cache/verify", response_model=tuple[str, ...], summary="Check every product; a line for each fault")
    async def verify_cache(body: asked.Verify) -> Response:
        return _answer(await lanes.call(Lane.STORE, service.verify_cache, repair=body.repair))

    @router.put("/settings", response_model=tuple[SettingView, ...], summary="All of these in force and in the file, or none")
    async def set_settings(body: dict[str, Any]) -> Response:
        return _answer(await lanes.call(Lane.LOOK, service.set_settings, body))

    @router.post("/enter", response_model=asked.Link, summary="An address that opens the dashboard in a browser, once")
    async def enter() -> Response:
        return _answer({"path": enter_link()})

    return router


def _streams(streams: Streams) -> APIRouter:
    router = APIRouter(prefix=API)

    @router.get("/events", summary="What happens, as server-sent events; Last-Event-ID goes on", response_class=Response)
    async def events(
        last_event_id: Annotated[str | None, Header()] = None, after: Annotated[str | None, Query(max_length=64)] = None
    ) -> Response:
        streams.admit()
        return StreamingResponse(streams.stream(last_event_id or after), media_type="text/event-stream")

    return router


def _answer(value: Any) -> Response:
    """Values of ``model.views`` as JSON. Numbers that JSON has not are ``null``."""
    try:
        text = to_json(value, inf_nan_mode="null")
    except PydanticSerializationError:  # a file name of bytes that are no text: JSON has words for them all the same
        text = json.dumps(wire.to_json(value)).encode()
    return Response(text, media_type="application/json")


def _job(job: str) -> Response:
    return _answer({"job": job})


def _freed(size_bytes: int) -> Response:
    return _answer({"size_bytes": size_bytes})


def _fault(status: int, error: str, hint: str | None, **more: Any) -> JSONResponse:
    return JSONResponse({"error": error, "hint": hint or "", **more}, status)


async def _told(request: Request, error: Exception) -> JSONResponse:
    del request
    assert isinstance(error, OtioPerfError)
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    return _fault(status, error.message, error.hint, kind=type(error).__name__, path=error.path)


async def _misunderstood(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path", "header"))
    message = f"{where}: {first['msg']}" if where else str(first["msg"])
    return _fault(400, message, f"See /docs for {request.method} {request.url.path}", kind=SettingsError.__name__, path=None)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    del request
    return _fault(error.status_code, str(error.detail).lower(), "See /docs for what there is")
