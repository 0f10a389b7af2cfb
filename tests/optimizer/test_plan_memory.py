"""What is remembered from save to save changes nothing but the time that planning takes."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from otio_perf import settings as settings_module
from otio_perf.cache.renders import Render, RenderKind
from otio_perf.metrics.trace import Trace
from otio_perf.model import wire
from otio_perf.model.events import ignore
from otio_perf.model.machine import MachineProfile
from otio_perf.optimizer import this_machine
from otio_perf.optimizer.composed import Composed
from otio_perf.optimizer.plan_memory import PlanMemory
from otio_perf.optimizer.rounds import Aim, Round
from otio_perf.optimizer.session import Session
from sample_timelines.make_media import CLIPS, make

Time = otio.opentime.RationalTime
MEDIA = ("a.mp4", "b.mp4", "gone.mp4")
LOOKS = ("warm", "cold", "lost")
LUT = "LUT_3D_SIZE 2\n" + "{} 0 0\n1 0 0\n0 1 0\n1 1 0\n0 0 1\n1 0 1\n0 1 1\n1 1 1\n"

#: What may be on a clip: name and values.
EFFECTS = st.one_of(
    st.builds(lambda stops: ("exposure", {"stops": stops}), st.sampled_from([0.0, 0.5, 1.0])),
    st.just(("exposure", {"stops": {"keys": [[0, 0.0], [30, 1.0]]}})),
    st.just(("gaussian_blur", {"sigma": {"keys": [[5, 1.0], [20, 9.0]]}})),
    st.builds(lambda look: ("lut", {"path": f"{look}.cube"}), st.sampled_from(LOOKS[:2])),
    st.builds(lambda look: ("lut", {"path": f"{look}.cube"}), st.sampled_from(LOOKS)),
    st.just(("opacity", {"opacity": {"keys": [[0, 0.0], [10, 1.0]]}})),
    st.just(("Glow", {})),
)


@dataclass(frozen=True)
class Item:
    """A clip; ``medium`` "": a gap; ``mix``: frames of a dissolve before it."""

    medium: str
    start: int
    frames: int
    effects: tuple[tuple[str, dict[str, Any]], ...] = ()
    speed: float = 1.0
    mix: int = 0
    is_nested: bool = False

    def built(self) -> list[Any]:
        span = otio.opentime.TimeRange(Time(self.start, 24), Time(self.frames, 24))
        if not self.medium:
            return [otio.schema.Gap(source_range=otio.opentime.TimeRange(Time(0, 24), Time(self.frames, 24)))]
        found: Any = otio.schema.Clip("shot", otio.schema.ExternalReference(f"media/{self.medium}"), span)
        if self.speed != 1:
            found.effects.append(otio.schema.LinearTimeWarp(time_scalar=self.speed))
        if self.is_nested:
            found = otio.schema.Stack("nest", children=[found])
        found.effects.extend(map(effect, self.effects))
        half = Time(self.mix / 2, 24)
        return [*([otio.schema.Transition("mix", "SMPTE_Dissolve", half, half)] if self.mix else []), found]


@dataclass(frozen=True)
class Cut:
    """A timeline of two tracks; ``graded``: there is an effect on all of the lower one, ``finished`` on the whole."""

    lower: tuple[Item, ...]
    upper: tuple[Item, ...] = ()
    graded: bool = False
    finished: bool = False

    def save(self, path: Path) -> None:
        timeline = otio.schema.Timeline("cut")
        for items in (self.lower, self.upper):
            track = otio.schema.Track("V", kind="Video")
            for item in items:
                for one in item.built():
                    if isinstance(one, otio.schema.Transition) and (not track or isinstance(track[-1], otio.schema.Transition)):
                        continue
                    track.append(one)
            timeline.tracks.append(track)
        if self.graded:
            timeline.tracks[0].effects.append(effect(("exposure", {"stops": {"keys": [[0, 0.0], [99, 1.0]]}})))
        if self.finished:
            timeline.tracks.effects.append(effect(("exposure", {"stops": {"keys": [[0, 1.0], [70, 0.0]]}})))
        otio.adapters.write_to_file(timeline, str(path))


def effect(said: tuple[str, dict[str, Any]]) -> Any:
    name, values = said
    return otio.schema.Effect(name=name, effect_name=name, metadata={"otio_perf": values})


ITEMS = st.builds(
    Item,
    medium=st.sampled_from(["a.mp4", "a.mp4", "a.mp4", "b.mp4", "b.mp4", "gone.mp4", ""]),
    start=st.integers(0, 60),
    frames=st.integers(13, 40),
    effects=st.lists(EFFECTS, max_size=2).map(tuple),
    speed=st.sampled_from([1.0, 1.0, 1.0, 2.0, -1.0, 0.0]),
    mix=st.sampled_from([0, 0, 0, 6, 12]),
    is_nested=st.sampled_from([False, False, False, True]),
)
TRACKS = st.lists(ITEMS, min_size=1, max_size=5).map(tuple)


@dataclass(frozen=True)
class Edit:
    """One thing that somebody does between two saves. ``at`` and ``to`` count from the front, around and around."""

    what: str
    at: int
    to: int
    item: Item

    def of(self, cuts: list[Cut], room: Room) -> Cut:
        """The next cut after ``cuts``."""
        cut, items = cuts[-1], list(cuts[-1].lower)
        at = self.at % len(items)
        match self.what:
            case "undo":
                return cuts[self.to % len(cuts)]
            case "trim":
                items[at] = replace(items[at], frames=max(13, items[at].frames - self.to % 9))
            case "slip":
                items[at] = replace(items[at], start=items[at].start + self.to % 9)
            case "blade":
                first = items[at].frames // 2
                rest = replace(items[at], start=items[at].start + first, frames=items[at].frames - first, mix=0)
                items[at : at + 1] = [replace(items[at], frames=first), rest]
            case "move":
                items.insert(self.to % len(items), items.pop(at))
            case "double":
                items.insert(self.to % len(items), items[at])
            case "regrade":
                items[at] = replace(items[at], effects=self.item.effects)
            case "remove" if len(items) > 1:
                del items[at]
            case "insert":
                items.insert(at, self.item)
            case "lay over":
                gap = Item("", 0, 1 + self.to % 50)
                return replace(cut, upper=() if cut.upper and self.at % 2 else (gap, replace(self.item, mix=0)))
            case "grade all":
                return replace(cut, graded=not cut.graded) if self.at % 2 else replace(cut, finished=not cut.finished)
            case "new look":
                room.look(LOOKS[self.at % 2], self.to)
            case "move a look":
                room.look(LOOKS[self.at % 2], self.to, elsewhere=bool(self.to % 2))
            case "lose a look":
                room.look(LOOKS[self.at % 2], None)
            case "render":
                room.rendered += 1
        return replace(cut, lower=tuple(items))


EDITS = st.builds(
    Edit,
    what=st.sampled_from(
        [
            *("undo", "trim", "slip", "blade", "move", "double", "regrade", "remove", "insert", "lay over", "grade all"),
            *("new look", "new look", "move a look", "move a look", "lose a look", "render"),
        ]
    ),
    at=st.integers(0, 9),
    to=st.integers(0, 9),
    item=ITEMS,
)


@dataclass
class Room:
    folder: Path
    settings: settings_module.Settings
    rendered: int = 0
    memory: PlanMemory = field(default_factory=PlanMemory)

    def look(self, name: str, value: float | None, *, elsewhere: bool = False) -> None:
        """Lay the LUT beside the timeline, or ``elsewhere``; ``None``: nowhere."""
        here, there = self.folder / f"{name}.cube", self.folder / "looks" / f"{name}.cube"
        here.unlink(missing_ok=True)
        there.unlink(missing_ok=True)
        if value is not None:
            (there if elsewhere else here).write_text(LUT.format(value / 100))

    def session(self) -> Session:
        return Session(
            self.settings,
            anchor=None,
            root=self.folder / "ws",
            create=True,
            listener=ignore,
            trace=Trace(),
            stop=threading.Event(),
        )

    def planned_by(self, aim: Aim, memory: PlanMemory | None) -> dict[str, Any]:
        """All that comes of a round before its work."""
        with self.session() as session:
            found = Round(session, self.folder / "cut.otio", self.folder / "cut.perf.otio", aim, {}, memory)
            job = found.prerendering
            if job is None:  # effects on the whole: nothing can be laid over it
                return {"tasks": found.tasks, "notices": session.notices}
            if memory is not None and self.rendered:
                self.rendered -= 1
                for key in list(found.missing)[:2]:
                    path = session.index.renders.chunk_path(key)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(b"moov")
                    size, kind = path.stat().st_size, RenderKind.CHUNK
                    session.index.renders.put(Render(key=key, kind=kind, path=str(path), frames=1, size_bytes=size, digest=""))
            return {
                "tasks": found.tasks,
                "places": found.places(),
                "analysis": replace(found.analysis, survey=None),  # type: ignore[arg-type]
                "played": job.played,
                "originals": job.originals,
                "chunks": list(job.every_chunk()),
                "predicted": job.predicted,
                "notices": session.notices,
            }


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    folder = tmp_path_factory.mktemp("room")
    made = make(replace(CLIPS["A001_C001.mp4"], width=320, height=180, bit_rate=400_000), folder / "media")
    for name in MEDIA[:2]:
        shutil.copy(made, folder / "media" / name)
        with (folder / "media" / name).open("ab") as file:
            file.write(b"\0\0\0\x10free" + name.encode().ljust(8))
    profile = MachineProfile(
        machine=this_machine.identity(),
        measured_at="2026-01-01T00:00:00+00:00",
        seconds_taken=1.0,
        cores=2,
        memory_bytes=1,
        decode={},
        encode_ms_per_megapixel={},
        scale_ms_per_megapixel=1.0,
        composite_ms_per_megapixel=1.0,
        effect_ms_per_megapixel=2.0,
        disk_read_bytes_per_second=1e9,
    )
    (folder / "cache").mkdir()
    (folder / "looks").mkdir()
    (folder / "cache" / "machine.json").write_text(wire.dumps(profile), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings_module, "user_cache_folder", lambda: folder / "cache")
        wanted = {"workspace": folder / "ws", "prerender_size": "320x180", "media_root": [folder / "looks"]}
        yield Room(folder, settings_module.load(wanted, environment={}))


@settings(max_examples=25, phases=[Phase.reuse, Phase.generate])  # a smaller example takes longer to find than to read
@given(TRACKS, st.lists(EDITS, min_size=1, max_size=6), st.sampled_from(["all", "auto"]), st.sampled_from(["never", "always"]))
def test_a_round_that_remembers_plans_what_a_new_one_does(
    room: Room, items: tuple[Item, ...], edits: list[Edit], mode: str, use_proxies: str
) -> None:
    room.memory, room.rendered = PlanMemory(), 0
    shutil.rmtree(room.folder / "ws" / "renders", ignore_errors=True)
    for look in LOOKS[:2]:
        room.look(look, 0)
    aim = Aim(prerender=mode, use_proxies=use_proxies, fidelity="approximate", pins=((20, 40),))
    cuts = [Cut(items)]
    for edit in (None, *edits):
        if edit is not None:
            cuts.append(edit.of(cuts, room))
        cuts[-1].save(room.folder / "cut.otio")
        anew = room.planned_by(aim, None)
        remembered = room.planned_by(aim, room.memory)
        for name, value in anew.items():
            assert remembered[name] == value, (name, edit)


def test_what_did_not_change_is_not_planned_again(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the frames that are planned: those of the clip that changed, of all that moved, none."""
    planned: list[int] = []
    plan = Composed.plan

    def counted(self: Composed, frame: int) -> Any:
        planned.append(frame)
        return plan(self, frame)

    monkeypatch.setattr(Composed, "plan", counted)
    room.look("warm", 0)
    graded = [Item("a.mp4", n, 24, (("exposure", {"stops": n / 10}), ("lut", {"path": "warm.cube"}))) for n in range(1, 21)]
    trimmed = [*graded[:10], replace(graded[10], frames=20), *graded[11:]]
    aim, room.memory = Aim(prerender="all", use_proxies="never"), PlanMemory()
    counts = []
    for items in (graded, trimmed, [*trimmed[15:], *trimmed[:15]], [Item("", 0, 7), *graded], graded):
        Cut(tuple(items)).save(room.folder / "cut.otio")
        planned.clear()
        room.planned_by(aim, room.memory)
        counts.append(len(planned))
    assert counts == [20 * 24, 20, 0, 24, 0]  # the trimmed clip is forgotten two saves after


def test_memory_does_not_grow_with_edits(room: Room) -> None:
    aim, room.memory = Aim(prerender="all", use_proxies="never"), PlanMemory()
    sizes = []
    for n in range(30):
        Cut(tuple(Item("a.mp4", i, 24, (("exposure", {"stops": n + i / 10}),)) for i in range(4))).save(
            room.folder / "cut.otio"
        )
        room.planned_by(aim, room.memory)
        sizes.append(room.memory.frames.size)
    assert max(sizes[2:]) == sizes[2] <= 2 * 4 * 24


def test_a_look_that_is_found_elsewhere_is_another(room: Room) -> None:
    aim, room.memory, room.rendered = Aim(prerender="all", use_proxies="never"), PlanMemory(), 0
    Cut((Item("a.mp4", 0, 24, (("lut", {"path": "warm.cube"}),)),)).save(room.folder / "cut.otio")
    paths, keys = [], []
    for elsewhere, value in ((False, 1.0), (True, 1.0), (True, 2.0)):
        room.look("warm", value, elsewhere=elsewhere)
        (task,) = room.planned_by(aim, room.memory)["tasks"].values()
        paths += task.files
        keys.append(task.key)
    assert paths == [str(folder / "warm.cube") for folder in (room.folder, room.folder / "looks", room.folder / "looks")]
    assert keys[0] == keys[1] != keys[2]  # by what is in it, wherever it lies
