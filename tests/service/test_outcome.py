"""What a service is asked for a timeline: that it does it, says what came of it, and remembers it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from otio_perf import settings
from otio_perf.errors import DiskFullError, SettingsError
from otio_perf.media import concat
from otio_perf.model.views import OutcomeView, ServiceEvent
from otio_perf.service import following, memory
from otio_perf.service.memory import Asked, Wishes
from otio_perf.service.service import Service

FIRST = "A001_C001.mp4"
Clip = Callable[..., Any]


class Run:
    """A service in this process that follows one timeline, and what it told."""

    def __init__(self, service: Service, events: list[ServiceEvent]) -> None:
        self.service, self.events = service, events

    @property
    def id(self) -> str:
        (timeline,) = self.service.timelines()
        return timeline.id

    def until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 40
        while not is_so():
            assert time.monotonic() < deadline, (self.service.status(), self.service.outcome(self.id))
            time.sleep(0.02)

    def done(self) -> OutcomeView:
        self.until(lambda: self.service.outcome(self.id).is_done)
        return self.service.outcome(self.id)


@pytest.fixture
def begin(edit: Any, home: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Run]]:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, home[name])
    (Path(home["XDG_CACHE_HOME"]) / "otio_perf" / "workspaces.json").unlink(missing_ok=True)
    running: list[Service] = []

    def start(*, again: bool = False, **more: Any) -> Run:
        """``again``: the timeline is not named."""
        words = {"prerender": "none", "prerender_size": "320x180", "use_proxies": "never", "background_priority": "high"}
        values = {**words, "workspace": edit.workspace, **more}
        events: list[ServiceEvent] = []
        service = Service(
            settings.load(values, environment={}),
            timelines=() if again else (edit.path,),
            listener=events.append,
            settings_file=edit.folder / "settings.yaml",
        )
        service.start()
        running.append(service)
        return Run(service, events)

    yield start
    for service in running:
        service.close()


def test_what_was_asked_for_is_done_told_and_kept(edit: Any, begin: Callable[..., Run], make_clip: Clip) -> None:
    edit.save(make_clip(FIRST, 0, 24))
    run = begin()
    first = run.done()
    assert (first.made, first.failed, first.prerender) == ((), (), "none")
    with pytest.raises(SettingsError):
        run.service.optimize(run.id, prerender="everything")
    job = run.service.optimize(run.id, proxies=False, prerender="all")
    assert not run.service.outcome(run.id).is_done  # from that moment on
    found = run.done()
    assert (found.job, found.prerender, found.failed, found.timeline.state) == (job, "all", (), "ready")
    (made,) = found.made
    assert (made.kind, made.frames) == ("prerender", 24) and Path(made.path).stat().st_size == made.size_bytes
    run.service.set_quality("half")
    assert run.done().prerender == "all" and len(edit.regions()) == 1

    run.service.close()
    again = begin(again=True)
    assert again.done().prerender == "all" and len(edit.regions()) == 1
    assert not again.service.outcome(again.id).made  # it was there

    again.service.set_settings({"prerender": "none"})  # said last, it counts
    again.until(lambda: again.service.outcome(again.id).prerender == "none")


def test_what_could_not_be_joined_is_told_and_tried_again(
    edit: Any, begin: Callable[..., Run], make_clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = concat.join, []

    def join(*given: Any, **more: Any) -> Any:
        calls.append(given)
        if len(calls) == 1:
            raise DiskFullError("no space left", path="/disk")
        return real(*given, **more)

    monkeypatch.setattr(concat, "join", join)
    monkeypatch.setattr(following, "_AGAIN_SECONDS", 1.0)
    edit.save(make_clip(FIRST, 0, 24))
    run = begin(prerender="all")
    found = run.done()
    assert [one.reason for one in found.failed] == ["/disk: no space left"] and "no space" in found.timeline.message
    (span,) = run.service.timeline(run.id).spans
    assert span.state == "needs_work" and any("no space" in reason for reason in span.reasons)
    run.until(lambda: run.service.timelines()[0].message == "" and run.service.outcome(run.id).is_done)
    assert len(edit.regions()) == 1 and not run.service.outcome(run.id).failed
    (span,) = run.service.timeline(run.id).spans
    assert span.state == "ready"
    run.service._rooms.timelines.get(run.id).runs(run.service.queue().tasks[0].key, 3)  # told late
    assert run.service.timeline(run.id).spans == (span,)


def test_copies_of_one_medium_wait_for_the_same_proxy(edit: Any, begin: Callable[..., Run], make_clip: Clip) -> None:
    shutil.copy(edit.folder / "media" / FIRST, edit.folder / "media" / "copy.mp4")
    edit.save(make_clip(FIRST, 0, 24, stops=None), make_clip("copy.mp4", 0, 24, stops=None))
    run = begin(proxy=["160x90"])
    run.done()
    run.service.pause()
    run.service.set_settings({"use_proxies": "always"})
    run.until(lambda: [span.state for span in run.service.timeline(run.id).spans] == ["queued", "queued"])
    run.service.resume()
    found = run.done()
    assert {one.kind for one in found.made} == {"proxy"} and not found.failed


def test_memory_keeps_what_is_not_there_and_loses_only_what_it_cannot_read(tmp_path: Path) -> None:
    gone, other = tmp_path / "not mounted" / "cut.otio", tmp_path / "other.otio"
    wishes = Wishes(pins=((3, 9),), asked=Asked(proxies=False, prerender="all"))
    memory.remember(tmp_path, [(gone, wishes), (other, Wishes())])
    kept = memory.recall(tmp_path, settings.load({}, environment={}))
    assert kept == {gone: wishes, other: Wishes()}
    file = tmp_path / "followed.json"
    said = json.loads(file.read_text())
    said["timelines"][0]["asked"]["prerender"] = "everything"
    file.write_text(json.dumps(said))
    assert memory.recall(tmp_path, settings.load({}, environment={})) == {other: Wishes()}
