"""Every command of the menu, from a project to what is in it afterwards, with the real ``otio-perf`` on real media."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from otio_perf_resolve import command, commands, marking

pytestmark = pytest.mark.timeout(300)

Told = dict[str, str]


def run(name: str, film: Any, **how: Any) -> Any:
    lines: list[str] = []
    report = commands.run(name, film.world.resolve, "", lines.append, **how)
    print("\n".join(lines))
    return report


def told(report: Any, kind: str) -> Told:
    return {about: text for one, about, text in report.entries if one == kind}


def failed(report: Any) -> Told:
    return told(report, "failed")


def left(report: Any) -> Told:
    return told(report, "left as it is")


def proxies(film: Any) -> Told:
    return {name: clip.properties["Proxy Media Path"] for name, clip in film.pool.items()}


def test_proxies_are_linked_and_taken_back(film: Any, at_home: Path) -> None:
    pool, before = film.pool, proxies(film)
    report = run("link", film)
    assert not failed(report)
    linked = proxies(film)
    assert Path(linked["shot"]).is_file()
    assert linked["again"] == linked["shot"]  # two items of one file
    assert Path(linked["look"]).is_file()
    assert linked["taken"] == "/proxies/of/ann.mov"
    assert linked["part"] == ""
    assert "is a subclip" in left(report)["part.mov"]
    assert "that otio_perf did not link" in left(report)["taken.mov"]
    assert any("numbered pictures" in text for text in left(report).values())
    assert any("gone.mov" in about for about in left(report))

    again = run("link", film)
    assert told(again, "done") == {"shot.mov": "has its proxy already", "look.mov": "has its proxy already"}
    assert proxies(film) == linked

    pool["again"].properties["Proxy Media Path"] = "/another/of/ann.mov"
    back = run("restore", film)
    assert told(back, "done") == {"shot.mov": "plays its original", "look.mov": "plays its original"}
    assert "has another proxy by now" in left(back)["shot.mov"]
    assert proxies(film) == {**before, "again": "/another/of/ann.mov"}
    assert not any(value for clip in pool.values() for value in clip.notes.values())
    assert run("restore", film).entries == []


def test_what_does_not_play_is_marked_and_the_markers_go_again(film: Any, canned: Any) -> None:
    users = {0.0: dict(film.timeline.markers[0.0])}
    for _ in range(2):
        report = run("mark", film, command_of=canned("mark").command_of)
        assert not failed(report)
        ours = {f: m for f, m in film.timeline.markers.items() if m["customData"].startswith(marking.OURS)}
        assert users.items() <= film.timeline.markers.items()
        assert len(ours) + 1 == len(film.timeline.markers)
        assert {m["color"] for m in ours.values()} <= {"Red", "Yellow", "Purple"}
        (gone,) = (frame for frame, m in ours.items() if m["color"] == "Purple")
        assert (gone, ours[gone]["duration"]) == (70, 10)
        assert 1 in ours  # the first frame is taken
        assert all("x the time it has" in m["note"] for m in ours.values() if m["color"] != "Purple")
    run("restore", film)
    assert film.timeline.markers == users


def test_spans_of_one_verdict_are_one_region() -> None:
    def span(start: int, state: str, helped: float | None, reason: str) -> dict[str, Any]:
        return {
            "start": start,
            "stop": start + 10,
            "state": state,
            "factor": start,
            "with_proxy_factor": helped,
            "reasons": [reason],
        }

    spans = [span(0, "slow", 0.5, "a"), span(10, "slow", 1.0, "b"), span(20, "slow", 1.1, "b"), span(30, "smooth", None, "c")]
    spans += [
        span(40, "slow", None, "d"),
        span(50, "offline", None, "e"),
        span(70, "close", None, "f"),
        span(80, "slow", 2, "g"),
    ]
    found = [(r.start, r.stop, r.verdict, r.factor, r.reasons) for r in marking.regions(spans)]
    assert found == [
        (0, 20, "helped", 10, ["a", "b"]),
        (20, 30, "slow", 20, ["b"]),
        (40, 50, "slow", 40, ["d"]),
        (50, 60, "offline", 50, ["e"]),
        (80, 90, "slow", 80, ["g"]),
    ]


def test_a_region_whose_frames_are_all_taken_is_told(film: Any, canned: Any) -> None:
    for frame in range(70, 80):
        film.timeline.markers[float(frame)] = {"color": "Blue", "name": "", "note": "", "duration": 1, "customData": ""}
    assert left(run("mark", film, command_of=canned("mark").command_of)) == {
        "frames 70-80": "each of its frames has a marker already"
    }


def test_prerenders_come_as_a_timeline_beside_the_users_own(film: Any, canned: Any) -> None:
    command_of = canned("import").command_of
    own = film.timeline.content.to_json_string()
    pool = film.project.pool
    before = len(pool.clips())
    report = run("import", film, command_of=command_of)
    assert not failed(report)
    assert film.timeline.content.to_json_string() == own
    assert proxies(film)["shot"]
    assert pool.current is pool.root
    (bin_,) = (folder for folder in pool.folders() if folder.name == "otio_perf")
    assert len(pool.clips()) == before + len(bin_.clips)
    first = film.project.timelines[-1]
    assert film.project.current is first
    assert first.name == "Ann's film (otio_perf)"
    assert all(list(clip.media_references()) == ["DEFAULT_MEDIA"] for clip in first.content.find_clips())
    assert first.tracks[-1]
    assert {item.clip for item in first.tracks[-1]} == set(bin_.clips)
    shots = {item.name: item.clip for item in first.tracks[0]}
    assert shots["shot.mov"] in (film.pool["shot"], film.pool["again"])  # the user's own, with their proxies
    assert shots["gone.mov"] is None
    assert "gone.mov, track V1" in left(report)

    film.project.current = film.timeline
    assert not failed(run("import", film, command_of=command_of))
    assert film.project.timelines[-1].name == "Ann's film (otio_perf) 2"
    assert sum(folder.name == "otio_perf" for folder in pool.folders()) == 1


@pytest.mark.parametrize("finds_files", [True, False])
def test_a_resolve_that_finds_no_clips_imports_its_own_or_nothing(finds_files: bool, film: Any, canned: Any) -> None:
    pool = film.project.pool
    before = len(pool.folders()), len(pool.clips()), len(film.project.timelines)
    pool.finds_no_clips, pool.finds_no_files = True, not finds_files
    report = run("import", film, command_of=canned("import").command_of)
    if finds_files:
        assert not failed(report)
        assert all(item.clip is not None for item in film.project.timelines[-1].tracks[-1])
        assert len(film.project.timelines) == before[2] + 1
    else:
        assert failed(report)[""] == "prerendered timeline: its prerenders were not found"
        assert (len(pool.folders()), len(pool.clips()), len(film.project.timelines)) == before


# -- why Resolve refused -----------------------------------------------------------------------------------------------


def test_a_refusal_names_what_the_user_changed_of_the_clip(film: Any, canned: Any) -> None:
    answers = canned("link")
    del answers.documents["probe"]
    film.pool["shot"].properties.update({"FPS": 24.0, "Start TC": "10:00:00:00"})
    film.pool["again"].properties["Frames"] = "31"
    film.pool["look"].refuses_proxies = True
    texts = [text for kind, _, text in run("link", film, command_of=answers.command_of).entries if kind == "failed"]
    first, last, look = sorted(texts, key=lambda t: ("counts" in t, "agrees" in t))
    assert first.startswith("LinkProxyMedia answered False\n")
    assert "plays this clip at 24.0 fps (Clip Attributes), and the proxy has 25.000" in first
    assert "starts this clip at 10:00:00:00, and the proxy starts at 01:00:00:00" in first
    assert "agrees with the file in all that otio-perf knows of" in last + look
    assert "counts 31 frames, and the proxy has 30" in last + look
    for name in ("shot", "again", "look"):
        assert not film.pool[name].notes["otio_perf_proxy"]


def test_a_refusal_names_what_is_wrong_with_the_proxy(film: Any, canned: Any, make_movie: Any, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.mov"
    make_movie(wrong, seed=9, size=(320, 180), timecode="02:00:00:00")
    answers = canned("link")
    del answers.documents["probe"]
    for decision in answers.documents["optimize"]["proxies"]["decisions"]:
        for product in decision["products"]:
            product["path"] = str(wrong)
    report = run("link", film, command_of=answers.command_of)
    assert "the start timecode should be 01:00:00:00, and is 02:00:00:00" in failed(report)["look.mov"]


# -- meanwhile ---------------------------------------------------------------------------------------------------------


def test_another_project_that_was_opened_meanwhile_is_left_alone(film: Any, make_film: Any, canned: Any) -> None:
    other = make_film()

    def open_other() -> None:
        film.world.project = other.project

    for name in ("link", "mark", "import"):
        film.world.project = mine = film.project
        answers = canned(name)
        answers.meanwhile = open_other
        film.world.host.log.clear()
        assert "another project is open by now" in failed(run(name, film, command_of=answers.command_of))[""]
        assert not [c for c in film.world.host.log if c.method in ("LinkProxyMedia", "AddMarker", "ImportMedia")]
        film.world.project = mine


def test_what_the_user_deleted_meanwhile_is_told(film: Any, canned: Any) -> None:
    def delete() -> None:
        film.project.pool.DeleteClips([film.pool["shot"].object, film.pool["again"].object])
        film.timeline.is_gone = True

    answers = canned("link")
    answers.meanwhile = delete
    report = run("link", film, command_of=answers.command_of)
    assert not failed(report)
    assert any("shot.mov" in about and "no clip of the media pool" in text for about, text in left(report).items())
    film.timeline.is_gone = False
    answers = canned("mark")
    answers.meanwhile = delete
    assert any("is not there any more" in text for text in failed(run("mark", film, command_of=answers.command_of)).values())


PATIENT = """#!/bin/sh
trap 'echo "stopped in order" >&2; echo > "$0.stopped"; exit 130' INT
echo working >&2
while true; do sleep 0.05; done
"""


@pytest.mark.parametrize("how", ["stop", "interrupt"])
def test_a_run_is_stopped_in_order(how: str, film: Any, at_home: Path, tmp_path: Path, monkeypatch: Any) -> None:
    program = tmp_path / "otio-perf"
    program.write_text(PATIENT)
    program.chmod(0o755)
    monkeypatch.setenv("OTIO_PERF", str(program))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # or runs of other tests would be stopped, too
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stop: Callable[[], object] = lambda: commands.from_menu("stop", None, "")  # noqa: E731
    if how == "interrupt":
        stop = lambda: os.kill(os.getpid(), signal.SIGINT)  # noqa: E731
    threading.Timer(0.5, stop).start()
    began = time.monotonic()
    report = run("link", film)
    assert time.monotonic() - began < 5
    assert {"stop": "stopped;", "interrupt": "interrupted;"}[how] in failed(report)[""]
    assert Path(f"{program}.stopped").exists()
    assert not proxies(film)["shot"]
    assert not list(tmp_path.glob("otio_perf-*/timeline.otio"))


def answering(folder: Path, document: str, code: int) -> Path:
    program = folder / "otio-perf"
    program.write_text(f"#!/bin/sh\necho 'otio-perf: the reason' >&2\necho '{document}'\nexit {code}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("document", "code", "reason"),
    [
        ('{"schema_version": 2}', 0, "host install resolve"),
        ("[]", 0, "host install resolve"),
        ("", 3, "otio-perf: the reason"),
        ('{"schema_version": 1', 4, "otio-perf: the reason"),
        ('{"schema_version": 1, "status": {"workspace": "/w"}}', 2, "otio-perf: the reason"),
    ],
)
def test_an_answer_that_is_none_is_told(
    document: str, code: int, reason: str, film: Any, at_home: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("OTIO_PERF", str(answering(tmp_path, document, code)))
    assert reason in failed(run("link", film))[""]
    assert not [call for call in film.world.host.log if call.method in ("LinkProxyMedia", "SetThirdPartyMetadata")]


def test_what_would_be_kept_in_a_folder_that_goes_is_not_linked(film: Any, at_home: Path, canned: Any) -> None:
    """No workspace can be told, and none is in the settings: the timeline's own would be that of a temporary folder."""
    answers = canned("link")

    def command_of(written_in: str, folder: str, *how: Any) -> Any:
        ask = answers.command_of(written_in, folder, *how)
        text = json.dumps(answers.documents["optimize"])
        lost = text.replace(str(at_home / "cache" / "otio_perf" / "workspace"), f"{folder}/.otio_perf")
        answers.documents["optimize"] = json.loads(lost)
        return lambda words: SimpleNamespace(code=5, document=None, last_line="?") if words[0] == "cache" else ask(words)

    assert "would not last" in failed(run("link", film, command_of=command_of))[""]
    assert not proxies(film)["shot"]


def test_progress_is_told_in_words_and_not_too_often() -> None:
    progress = command.Progress()
    events = [{"event": "stage", "stage": "proxy", "total": 2}]
    events += [{"event": "progress", "stage": "proxy", "percent": percent} for percent in range(101)]
    events += [{"event": "failed", "label": "A.mov", "message": "is offline"}, {"event": "notice", "text": "a word"}, {}]
    lines = [progress.words(json.dumps(event)) for event in events]
    assert [line for line in lines if line] == [
        *(f"making proxies: {percent} %" for percent in range(0, 101, 10)),
        "failed: A.mov: is offline",
        "a word",
    ]
    assert progress.words("{ no JSON") == "{ no JSON"


def test_what_resolve_sets_for_its_own_python_does_not_reach_ours() -> None:
    variables = {"PYTHONHOME": "/r", "PYTHONPATH": "/r", "LD_LIBRARY_PATH": f"/opt/resolve/libs{os.pathsep}/usr/cuda", "A": "b"}
    assert command.environment(variables) == {"LD_LIBRARY_PATH": "/usr/cuda", "A": "b"}


# -- from the menu, and from outside -----------------------------------------------------------------------------------


def test_the_report_is_a_page_that_shows_names_as_they_are(film: Any, canned: Any, monkeypatch: Any, tmp_path: Path) -> None:
    shown: list[str] = []
    monkeypatch.setattr("webbrowser.open", shown.append)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    film.pool["taken"].properties["Clip Name"] = "<script>alert(1)</script> & Söhne"
    monkeypatch.setattr(commands, "run", partial(commands.run, command_of=canned("link").command_of))
    assert commands.from_menu("link", film.world.resolve, "") == 0
    (address,) = shown
    page = Path(address.removeprefix("file://")).read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Söhne" in page
    assert "<script>" not in page
    assert "3 done, 4 left as it is" in page
    assert "DaVinci Resolve (a fake of it) 21.0.0.fake" in page


def test_a_console_that_knows_few_letters_is_told_what_it_can(capsys: Any, monkeypatch: Any) -> None:
    console = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", console)
    commands.tell("Söhne – done")
    console.seek(0)
    assert console.read() == "S\\xf6hne \\u2013 done\n"
    console.close()
    commands.tell("nobody hears it")
    monkeypatch.setattr(sys, "stdout", None)
    commands.tell("nobody hears it")


def test_a_bug_of_ours_is_told_and_ends_nothing_else(film: Any, at_home: Path) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    report = run("link", film, command_of=broken)
    assert "this is a bug of otio_perf" in failed(report)[""]


SCRIPT = """
import sys
sys.path.insert(0, {library!r})
from resolve_world import World
def scriptapp(name):
    world = World()
    return world.resolve if name == "Resolve" else None
"""


def test_studio_can_be_told_from_outside(at_home: Path, tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[3]
    modules = tmp_path / "api" / "Modules"
    modules.mkdir(parents=True)
    (modules / "DaVinciResolveScript.py").write_text(SCRIPT.format(library=str(root / "tests" / "library")))
    environment = {**os.environ, "RESOLVE_SCRIPT_API": str(modules.parent)}
    program = [sys.executable, root / "hosts" / "resolve" / "otio_perf_resolve"]
    for words, said, code in (
        (["link"], "open a timeline first", 4),
        (["restore", "--record", "tape.json"], "recorded in tape.json", 0),
        (["nonsense"], "invalid choice", 2),
    ):
        done = subprocess.run([*program, *words], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
        assert (said in done.stdout + done.stderr, done.returncode) == (True, code), done
    assert json.loads((tmp_path / "tape.json").read_text())["command"] == "restore"
