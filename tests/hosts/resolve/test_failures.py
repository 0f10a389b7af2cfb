"""The whole failure matrix: each call that a command makes fails in each way that Resolve's API has, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from otio_perf_resolve import calls, commands, marking
from otio_perf_resolve.pool import NOTE

pytestmark = pytest.mark.timeout(300)

MISSING = "a method that this version does not have"
ANSWERS: list[Any] = [False, None, "", [], {}, RuntimeError("the bridge is down"), MISSING]
COMMANDS = ("link", "mark", "import", "restore")

#: What a call answers when there is nothing is no failure.
NO_FAILURE: dict[str, tuple[Any, ...]] = {
    "GetClipList": ([],),
    "GetSubFolderList": ([],),
    "GetItemListInTrack": ([],),
    "GetMarkers": ({},),
    "GetThirdPartyMetadata": (False, None, "", [], {}),
    "GetMediaPoolItem": (False, None, "", [], {}),
}


def world_for(name: str, make_film: Callable[[], Any], canned: Any) -> Any:
    """To be restored, there have to be proxies and markers."""
    film = make_film()
    if name == "restore":
        for earlier in ("link", "mark"):
            commands.run(earlier, film.world.resolve, "", str, command_of=canned(earlier).command_of)
    film.world.host.log.clear()
    return film


def answers_for(name: str, canned: Any) -> Any:
    return canned("link" if name == "restore" else name)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_call_fails_in_each_way(name: str, make_film: Any, canned: Any) -> None:
    film = world_for(name, make_film, canned)
    commands.run(name, film.world.resolve, "", str, command_of=answers_for(name, canned).command_of)
    pairs = sorted({(call.cls, call.method) for call in film.world.host.log})
    assert {method for _, method in pairs} <= set(calls.ANSWERS)
    tried = 0
    for cls, method in pairs:
        for answer in ANSWERS:
            tried += 1
            one_failure(name, cls, method, answer, world_for(name, make_film, canned), answers_for(name, canned))
    print(f"{name}: {len(pairs)} calls, {tried} failures")
    assert tried == len(pairs) * len(ANSWERS) > 50


def one_failure(name: str, cls: str, method: str, answer: Any, film: Any, answers: Any) -> None:
    what = f"{name}: {cls}.{method} → {answer!r}"
    before = state(film)
    if answer is MISSING:
        film.world.host.missing.add((cls, method))
    else:
        film.failing(cls, method, answer)
    report = commands.run(name, film.world.resolve, "", str, command_of=answers.command_of)
    if not any(type(answer) is type(one) and answer == one for one in NO_FAILURE.get(method, ())):
        assert any(method in text for _, _, text in report.entries), (what, report.entries)
    whole(film, before, method, what)


def state(film: Any) -> dict[str, Any]:
    pool = film.project.pool
    return {
        "clips": [clip.unique_id for clip in pool.clips()],
        "folders": [folder.name for folder in pool.folders()],
        "timelines": [timeline.unique_id for timeline in film.project.timelines],
        "current": pool.current,
        "settings": dict(film.project.settings),
    }


def whole(film: Any, before: dict[str, Any], failing: str, what: str) -> None:
    """Nothing of the user's is touched, and nothing is half done."""
    pool, after = film.project.pool, state(film)
    assert film.timeline.markers[0.0]["name"] == "Ann's own", what
    assert film.pool["taken"].properties["Proxy Media Path"] == "/proxies/of/ann.mov", what
    assert NOTE not in film.pool["taken"].notes, what
    assert after["settings"] == before["settings"], what
    for clip in pool.clips():
        proxy, note = clip.properties["Proxy Media Path"], clip.notes.get(NOTE, "")
        if clip is film.pool["taken"]:
            continue
        if proxy:
            assert note == proxy, f"{what}: a proxy that is not known as ours"
        elif failing != "SetThirdPartyMetadata":
            assert not note, f"{what}: noted, and not linked"
    for frame, marker in film.timeline.markers.items():
        assert frame == 0.0 or marker["customData"].startswith(marking.OURS), what
    if failing != "SetCurrentFolder":
        assert pool.current is before["current"], what
    if len(after["timelines"]) == len(before["timelines"]):
        assert after["clips"] == before["clips"], f"{what}: clips without their timeline"
        assert after["folders"] == before["folders"], f"{what}: a bin without its timeline"
    else:
        made = film.project.timelines[-1]
        assert all(item.clip is not None for item in made.tracks[-1]), f"{what}: a timeline without its prerenders"


@pytest.mark.parametrize("name", COMMANDS)
def test_several_failures_at_once(name: str, make_film: Any, canned: Any) -> None:
    """What undoes a failure may fail, too."""
    film = world_for(name, make_film, canned)
    commands.run(name, film.world.resolve, "", str, command_of=answers_for(name, canned).command_of)
    changing = sorted(
        {(c.cls, c.method) for c in film.world.host.log if calls.ANSWERS[c.method] == calls.YES or "Import" in c.method}
    )
    extra = [("MediaPool", name) for name in ("DeleteClips", "DeleteFolders", "DeleteTimelines")]
    for one in changing:
        film = world_for(name, make_film, canned)
        for cls, method in [one, *changing, *extra]:
            film.failing(cls, method, False)
        for cls, method in (set(changing) & {("MediaPool", "ImportMedia"), ("MediaPool", "SetCurrentFolder")}) - {one}:
            del film.world.host.failing[cls, method]
        report = commands.run(name, film.world.resolve, "", str, command_of=answers_for(name, canned).command_of)
        assert report.count("failed"), one
        assert film.timeline.markers[0.0]["name"] == "Ann's own"


def test_no_project_and_no_timeline_are_said(film: Any, canned: Any) -> None:
    film.project.current = None
    for name in ("link", "mark", "import"):
        report = commands.run(name, film.world.resolve, "", str, command_of=canned(name).command_of)
        assert [text for kind, _, text in report.entries if kind == "failed"] == [
            "open a timeline first: GetCurrentTimeline answered None"
        ]
    film.world.project = None
    for name in COMMANDS:
        report = commands.run(name, film.world.resolve, "", str, command_of=answers_for(name, canned).command_of)
        assert [text for kind, _, text in report.entries if kind == "failed"] == [
            "open a project first: GetCurrentProject answered None"
        ]


def test_a_version_without_otio_is_said(film: Any, canned: Any) -> None:
    film.world.host.missing.add(("Resolve", "EXPORT_OTIO"))
    report = commands.run("link", film.world.resolve, "", str, command_of=canned("link").command_of)
    assert any("18.5" in text for _, _, text in report.entries)


def test_prerenders_that_are_imported_in_part_only_are_taken_away_again(film: Any, canned: Any) -> None:
    pool, before = film.project.pool, state(film)
    import_all = pool.ImportMedia
    pool.ImportMedia = lambda items: import_all(items[:1])
    report = commands.run("import", film.world.resolve, "", str, command_of=canned("import").command_of)
    assert any("1 of 2 prerendered regions" in text for _, _, text in report.entries)
    assert {**state(film), "clips": before["clips"]} == before
    assert state(film)["clips"] == before["clips"]
