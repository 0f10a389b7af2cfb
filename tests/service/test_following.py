"""``serve`` on a timeline that a script edits: what each save costs, and what the written timeline plays."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import av
import opentimelineio as otio
import pytest

from sample_timelines.make_media import read_number

FIRST, SECOND = "A001_C001.mp4", "A001_C002.mp4"
Clip = Callable[..., Any]


def shown(edit: Any) -> dict[int, int]:
    """The number in each picture that the overlay shows, by frame of the timeline."""
    found = {}
    track = otio.adapters.read_from_file(str(edit.written)).tracks[-1]
    for clip in track.find_clips():
        at = track.range_of_child(clip).start_time.to_frames()
        with av.open(str(edit.folder / clip.media_reference.target_url)) as container:
            for number, frame in enumerate(container.decode(video=0)):
                found[at + number] = read_number(frame.reformat(format="gray").to_ndarray())
    return found


def test_ten_edits_cost_what_they_change(edit: Any, serve: Any, make_clip: Clip) -> None:
    """Chunks are a second of the source long, on its own grid: 24 frames."""
    a, b = make_clip(FIRST, 0, 72), make_clip(SECOND, 24, 48)
    edit.save(a, b)
    service = serve()
    first = service.wait(lambda e: e["kind"] == "edit")["body"]
    assert len(first["new"]) == 5  # three seconds of one, two of the other
    service.settled()
    assert shown(edit) == {**{f: f for f in range(72)}, **{72 + f: 24 + f for f in range(48)}}

    trimmed = make_clip(FIRST, 0, 60)
    graded = make_clip(SECOND, 24, 48, stops=0.3)
    plain = make_clip(SECOND, 24, 48, stops=None)
    steps: list[tuple[str, tuple[Any, ...], int]] = [
        ("trim the end", (trimmed, b), 1),  # its last chunk
        ("move: the other way round", (b, trimmed), 0),
        ("undo the move", (trimmed, b), 0),
        ("undo the trim", (a, b), 0),
        ("duplicate", (a, b, a), 0),
        ("another value of the effect", (a, graded, a), 2),
        ("undo it", (a, b, a), 0),
        ("take the effect off", (a, plain, a), 0),
        ("put it on again", (a, b, a), 0),
        ("delete", (b,), 0),
        ("slip by half a second", (make_clip(SECOND, 12, 48),), 2),  # 12–24 and 48–60: 24–48 is there
    ]
    table = []
    for name, clips, new in steps:
        body = service.edited(lambda clips=clips: edit.save(*clips))
        table.append((name, len(body["new"]), new))
        assert not body["cancelled"], name
    assert [(name, found) for name, found, _ in table] == [(name, wanted) for name, _, wanted in table]
    assert shown(edit) == {f: 12 + f for f in range(48)}
    assert service.stop() == 0
    tasks = [e["body"]["key"] for e in service.events if e["kind"] == "task" and e["body"]["state"] == "done"]
    assert len(tasks) == len(set(tasks)) == 10 + 2  # nothing was made twice, and both media were opened once


def test_an_edit_cancels_what_it_made_obsolete_and_nothing_else(edit: Any, serve: Any, make_clip: Clip) -> None:
    edit.save(make_clip(FIRST, 0, 24, stops=None))
    service = serve()
    service.settled()
    service.client().pause()

    def saved(*clips: Any) -> Any:
        since = len(service.events)
        edit.save(*clips)
        return service.wait(lambda e: e["kind"] == "edit", since=since)["body"]

    assert len(saved(make_clip(FIRST, 0, 96))["new"]) == 4
    body = saved(make_clip(FIRST, 0, 48), make_clip(FIRST, 48, 48, stops=-0.5))
    left = {task.key for task in service.client().queue().tasks if task.state in ("waiting", "running")}
    assert (len(body["new"]), len(body["kept"]), len(body["cancelled"])) == (2, 2, 2)  # the second half is another picture now
    assert left == {*body["new"], *body["kept"]}
    since = len(service.events)
    service.client().resume()
    service.settled(since=since)
    assert shown(edit) == {f: f for f in range(96)}


@pytest.mark.slow
def test_what_the_host_changed_in_the_written_timeline_is_kept(edit: Any, serve: Any, make_clip: Clip) -> None:
    edit.save(make_clip(FIRST, 0, 24))
    service = serve()
    service.settled()
    timeline = otio.adapters.read_from_file(str(edit.written))
    timeline.metadata["editor"] = "was here"
    otio.adapters.write_to_file(timeline, str(edit.written))
    service.edited(lambda: edit.save(make_clip(FIRST, 0, 20)))
    kept = list(edit.folder.glob("cut.perf.otio.bak*"))
    assert [json.loads(p.read_text())["metadata"].get("editor") for p in kept] == ["was here"]
    assert any(e["kind"] == "notice" and str(kept[0]) in e["body"]["text"] for e in service.events)


def test_a_damaged_medium_is_shown_with_its_reason_and_the_rest_is_made(edit: Any, serve: Any, make_clip: Clip) -> None:
    broken = edit.folder / "media" / SECOND
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 3])
    edit.save(make_clip(FIRST, 0, 24), make_clip(SECOND, 0, 24))
    service = serve()
    service.settled()
    (timeline,) = service.client().timelines()
    spans = service.client().timeline(timeline.id).spans
    assert [span.state for span in spans] == ["ready", "offline"]
    assert shown(edit) == {f: f for f in range(24)}
    assert SECOND in timeline.message
    (edit.folder / "cut.otio").write_text("{ not a timeline }")
    failed = service.wait(lambda e: e["kind"] == "timeline" and e["body"]["state"] == "failed", since=len(service.events) - 1)
    assert "cut.otio" in failed["body"]["message"]
    service.edited(lambda: edit.save(make_clip(FIRST, 0, 24)))


def test_proxies_follow_too_and_quality_says_which_is_shown(edit: Any, serve: Any, make_clip: Clip) -> None:
    edit.save(make_clip(FIRST, 0, 24, stops=None))
    service = serve("--use-proxies", "always", "--proxy", "half", "--proxy", "quarter", "--playback-quality", "quarter")
    service.settled()

    def active() -> str:
        (shown,) = otio.adapters.read_from_file(str(edit.written)).tracks[0].find_clips()
        return str(shown.active_media_reference_key)

    assert active() == "otio_perf:quarter"
    for quality, key in (("half", "otio_perf:half"), ("full", "DEFAULT_MEDIA")):
        since = len(service.events)
        service.client().set_quality(quality)
        service.settled(since=since)
        assert active() == key


def test_where_the_user_looks_comes_first(edit: Any, serve: Any, make_clip: Clip) -> None:
    edit.save(make_clip(FIRST, 0, 24, stops=None))
    service = serve()
    service.settled()
    client = service.client()
    client.pause()
    since = len(service.events)
    edit.save(make_clip(FIRST, 0, 96))
    service.wait(lambda e: e["kind"] == "edit", since=since)
    (timeline,) = client.timelines()

    def order(wanted: list[int]) -> list[int | None]:
        """Of the tasks, by their first frames; a look is not waited for, so that the queue may take a moment."""
        deadline = time.monotonic() + 5
        while (
            found := [task.start for task in client.queue().tasks if task.state == "waiting"]
        ) != wanted and time.monotonic() < deadline:
            time.sleep(0.05)
        return found

    client.set_playhead(timeline.id, 60)
    assert order([48, 72, 24, 0]) == [48, 72, 24, 0]  # under the playhead, ahead, behind
    client.pin(timeline.id, 0, 10)
    assert order([0, 48, 72, 24]) == [0, 48, 72, 24]
    client.unpin(timeline.id, 0, 10)
    client.set_playhead(timeline.id, 30)
    assert order([24, 48, 0, 72]) == [24, 48, 0, 72]  # a frame behind counts as three ahead
    client.prioritize(timeline=timeline.id, start=80, stop=90)
    assert order([72, 24, 48, 0]) == [72, 24, 48, 0]
    client.resume()
    service.settled(since=since)
    told = [e["body"] for e in service.events if e["kind"] == "task" and e["body"]["kind"] == "prerender"]
    keys = [task["start"] for task in told if task["state"] == "running"]
    assert list(dict.fromkeys(keys)) == [72, 24, 48, 0]


@pytest.mark.parametrize("activity", ["playing", pytest.param("exporting", marks=pytest.mark.slow)])
def test_who_plays_is_left_alone(activity: str, edit: Any, serve: Any, make_clip: Clip) -> None:
    edit.save(make_clip(FIRST, 0, 24, stops=None))
    service = serve()
    service.settled()
    client = service.client()
    client.set_activity(activity, 600)
    since = len(service.events)
    edit.save(make_clip(FIRST, 0, 24))
    service.wait(lambda e: e["kind"] == "edit", since=since)
    background = client.status().background
    assert (background.state, background.slots, background.running) == ("yielding", 0, 0)
    client.set_activity("idle", 1)
    service.settled(since=since)


@pytest.mark.slow
def test_the_same_saved_again_is_no_edit(edit: Any, serve: Any, make_clip: Clip) -> None:
    edit.save(make_clip(FIRST, 0, 24))
    service = serve()
    service.wait(lambda e: e["kind"] == "edit")
    content = edit.path.read_bytes()
    edit.path.write_bytes(content)  # while it is rendered
    service.settled()
    assert shown(edit) == {f: f for f in range(24)}
    before = edit.written.stat()
    edit.path.write_bytes(content)
    edit.save(make_clip(FIRST, 0, 24))
    with pytest.raises(AssertionError, match="not within"):
        service.wait(lambda e: e["kind"] == "edit", since=len(service.events), seconds=1.5)
    assert edit.written.stat() == before


def test_while_the_user_plays_new_media_are_not_even_opened(edit: Any, serve: Any, make_clip: Clip) -> None:
    edit.save(make_clip(FIRST, 0, 24, stops=None))
    service = serve()
    service.settled()
    client = service.client()
    client.set_activity("playing", 60)
    since = len(service.events)
    edit.save(make_clip(FIRST, 0, 24, stops=None), make_clip(SECOND, 0, 24, stops=None))
    deadline = time.monotonic() + 10

    def waiting() -> list[str]:
        return [task.kind for task in client.queue().tasks if task.state == "waiting"]

    while waiting() != ["probe"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(2.5)  # longer than the quiet after an edit
    assert waiting() == ["probe"]
    assert not any(e["kind"] == "edit" for e in service.events[since:])
    client.set_activity("idle", 1)
    service.wait(lambda e: e["kind"] == "edit", since=since)
    service.settled(since=since)
