"""A project in a fake of DaVinci Resolve (``resolve_world``), with real media, and the real ``otio-perf`` for its scripts."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import opentimelineio as otio
import pytest
from resolve_world import Clip, Folder, Project, Timeline, World

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "hosts" / "resolve"))

FRAMES = 30
RATE = 25


def movie(path: Path, *, seed: int, size: tuple[int, int] = (640, 360), timecode: str = "01:00:00:00") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 255, (size[1] // 8, size[0] // 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    with av.open(str(path), "w") as container:
        container.metadata["timecode"] = timecode
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "crf": "35"})
        stream.width, stream.height, stream.pix_fmt, stream.time_base = *size, "yuv420p", Fraction(1, RATE)
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.roll(noise, 4 * number, axis=1))
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def make_media(folder: Path) -> None:
    for seed, name in enumerate(("shot", "part", "look", "taken")):
        movie(folder / "Rushes of Ann" / f"{name}.mov", seed=seed)
    for number in range(1, 9):
        picture = np.full((360, 640, 3), 20 * number, np.uint8)
        path = folder / "plate" / f"plate.{number:04d}.png"
        path.parent.mkdir(exist_ok=True)
        with av.open(str(path), "w", format="image2", options={"update": "1"}) as container:
            stream = container.add_stream("png", rate=RATE)
            stream.width, stream.height, stream.pix_fmt = 640, 360, "rgb24"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
            container.mux(stream.encode())


def cut(media: Path) -> otio.schema.Timeline:
    """Five clips of 30 frames: a shot, a part of another, one with an effect, one that the user has a proxy of, one offline."""

    def clip(name: str, start: int, length: int) -> otio.schema.Clip:
        path = media / "Rushes of Ann" / f"{name}.mov"
        there = otio.opentime.TimeRange(otio.opentime.RationalTime(90000, RATE), otio.opentime.RationalTime(FRAMES, RATE))
        used = otio.opentime.TimeRange(
            otio.opentime.RationalTime(90000 + start, RATE), otio.opentime.RationalTime(length, RATE)
        )
        return otio.schema.Clip(f"{name}.mov", otio.schema.ExternalReference(str(path), there), used)

    track = otio.schema.Track("Video 1", kind="Video")
    track.extend([clip("shot", 0, 30), clip("part", 10, 10), clip("look", 0, 20), clip("taken", 0, 10), clip("gone", 0, 10)])
    track[2].effects.append(otio.schema.Effect(effect_name="exposure", metadata={"otio_perf": {"stops": 0.5}}))
    plate = otio.schema.ImageSequenceReference(
        target_url_base=(media / "plate").as_uri(), name_prefix="plate.", name_suffix=".png", start_frame=1, rate=RATE
    )
    plate.frame_zero_padding = 4
    plate.available_range = otio.opentime.TimeRange(otio.opentime.RationalTime(0, RATE), otio.opentime.RationalTime(8, RATE))
    track.append(otio.schema.Clip("plate", plate, plate.available_range))
    timeline = otio.schema.Timeline("Ann's film", global_start_time=otio.opentime.RationalTime(90000, RATE))
    timeline.tracks.append(track)
    return timeline


@dataclass
class Film:
    """The world of a test. ``pool``: clips of the media pool by a word for each."""

    world: World
    media: Path
    pool: dict[str, Clip]
    timeline: Timeline

    @property
    def project(self) -> Project:
        assert self.world.project is not None
        return self.world.project

    def failing(self, cls: str, method: str, answer: Any) -> None:
        self.world.host.failing[cls, method] = answer


@pytest.fixture(scope="session")
def film_media(shared_folder: Callable[..., Path]) -> Path:
    return shared_folder("resolve", make_media)


@pytest.fixture
def make_film(film_media: Path) -> Iterator[Callable[[], Film]]:
    """A project as it is before any command; each call makes one anew, all with the same media. Calls that Resolve's API does
    not have fail the test, whatever became of them."""
    made: list[Film] = []

    def make() -> Film:
        made.append(film_of(film_media))
        return made[-1]

    yield make
    assert [misuse for film in made for misuse in film.world.host.misuses] == []


def film_of(media: Path) -> Film:
    world = World()
    project = world.project
    assert project is not None
    rushes = media / "Rushes of Ann"
    pool = {name: Clip.of_file(world, rushes / f"{name}.mov") for name in ("shot", "part", "look", "taken")}
    pool["again"] = Clip.of_file(world, rushes / "shot.mov")
    pool["part"].properties.update({"Frames": "10", "Start": "10", "End": "19", "Start TC": "01:00:00:10"})
    pool["taken"].properties["Proxy Media Path"] = "/proxies/of/ann.mov"
    pool["plate"] = Clip(world, "plate.[0001-0008].png", {"File Path": str(media / "plate" / "plate.[0001-0008].png")})
    pool["title"] = Clip(world, "Title", {"Type": "Generator"})
    inner = Folder(world, "day 2")
    project.pool.root.folders.append(inner)
    project.pool.root.clips = [pool[name] for name in ("shot", "part", "title", "plate")]
    inner.clips = [pool[name] for name in ("look", "taken", "again")]
    timeline = Timeline(world, "Ann's film", cut(media))
    timeline.markers[0.0] = {"color": "Blue", "name": "Ann's own", "note": "keep", "duration": 1, "customData": ""}
    project.timelines.append(timeline)
    project.current = timeline
    return Film(world, media, pool, timeline)


@pytest.fixture
def film(make_film: Callable[[], Film]) -> Film:
    return make_film()


@pytest.fixture(scope="session")
def installed_command(shared_folder: Callable[..., Path]) -> Path:
    """``otio-perf`` as one program, whatever the environment says."""

    def make(folder: Path) -> None:
        script = folder / "otio-perf"
        script.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m otio_perf "$@"\n')
        script.chmod(0o755)

    return shared_folder("resolve command", make) / "otio-perf"


def make_slower(profile: Path) -> None:
    """A machine on which 360p stutters, and effects do."""
    machine = json.loads(profile.read_text())
    for cost in machine["value"]["decode"].values():
        cost["per_megapixel"] += 400.0
    machine["value"]["effect_ms_per_megapixel"] = 2000.0
    profile.write_text(json.dumps(machine))


@pytest.fixture(scope="session")
def resolve_home(shared_folder: Callable[..., Path], measured_machine: Path) -> Path:
    """A home in which proxies are kept from test to test."""

    def make(folder: Path) -> None:
        (folder / "cache" / "otio_perf").mkdir(parents=True)
        make_slower(Path(shutil.copy(measured_machine, folder / "cache" / "otio_perf")))

    return shared_folder("resolve home", make)


@pytest.fixture
def at_home(resolve_home: Path, installed_command: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Scripts run with a home of their own, and find our command; no browser is opened."""
    for name in [n for n in os.environ if n.startswith(("OTIO_PERF_", "XDG_"))]:
        monkeypatch.delenv(name)
    words = {"HOME": resolve_home, "XDG_CACHE_HOME": resolve_home / "cache", "XDG_CONFIG_HOME": resolve_home / "config"}
    words |= {"OTIO_PERF": installed_command, "OTIO_PERF_PROXY": "120p", "BROWSER": "true"}
    for name, value in words.items():
        monkeypatch.setenv(name, str(value))
    yield resolve_home


@pytest.fixture
def make_movie() -> Callable[..., None]:
    return movie


# -- answers of otio-perf that were given once -------------------------------------------------------------------------


@dataclass
class Answers:
    """What the real ``otio-perf`` answered to a command, by the first word it was asked with; given again at once.

    ``meanwhile``: is done while it is asked for the first time.
    """

    documents: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    meanwhile: Callable[[], object] = lambda: None

    def noting(self, *how: Any) -> Callable[[Sequence[str]], Any]:
        from otio_perf_resolve.command import Command

        real = Command(*how)

        def ask(words: Sequence[str]) -> Any:
            answer = real(words)
            self.documents[words[0]], self.codes[words[0]] = answer.document, answer.code
            if "-o" in words:
                self.written[words[0]] = Path(words[words.index("-o") + 1]).read_text()
            return answer

        return ask

    def command_of(self, *how: Any) -> Callable[[Sequence[str]], Any]:
        from otio_perf_resolve.command import Command

        def ask(words: Sequence[str]) -> Any:
            self.meanwhile()
            self.meanwhile = lambda: None
            if words[0] not in self.documents:
                return Command(*how)(words)
            if "-o" in words:
                Path(words[words.index("-o") + 1]).write_text(self.written[words[0]])
            return SimpleNamespace(code=self.codes[words[0]], document=self.documents[words[0]], last_line="a line")

        return ask


@pytest.fixture
def canned(at_home: Path, make_film: Callable[[], Film], shared_folder: Callable[..., Path]) -> Callable[[str], Answers]:
    """``canned("link")``: the answers that this command gets, asked for once in a run."""
    from otio_perf_resolve import commands

    def ask(name: str, folder: Path) -> None:
        answers, film = Answers(), make_film()
        film.pool["again"].refuses_proxies = True  # so that it is asked why
        report = commands.run(name, film.world.resolve, "", print, command_of=answers.noting)
        assert report.count("failed") == (name in ("link", "import"))
        (folder / "answers.json").write_text(json.dumps([answers.documents, answers.codes, answers.written]))

    def known(name: str) -> Answers:
        folder = shared_folder(f"resolve answers {name}", partial(ask, name))
        return Answers(*json.loads((folder / "answers.json").read_text()))

    return known
