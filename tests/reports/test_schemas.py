"""Every command is run with ``--json``, and what it writes is exactly what its packaged schema says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from jsonschema import Draft202012Validator
from jsonschema.validators import extend
from referencing import Registry, Resource

from otio_perf.cli import COMMANDS
from otio_perf.model.analysis import Remedy
from otio_perf.model.exports import CODECS, ProblemKind
from otio_perf.model.media import MediaKind
from otio_perf.model.plans import Action
from otio_perf.model.recipes import ChunkCodec, Codec
from otio_perf.reports import document
from sample_timelines.make_media import CLIPS, make

SCHEMAS = document.schemas()
REGISTRY: Registry[Any] = Registry().with_resources((name, Resource.from_contents(s)) for name, s in SCHEMAS.items())

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # the machine is measured, which takes up to 20 seconds

Command = Callable[..., "subprocess.CompletedProcess[str]"]
Shape = tuple[str, ...]
#: Objects whose keys are data, not fields.
MAPS: set[Shape] = {("machine", "decode"), ("machine", "encode_ms_per_megapixel"), ("linked_proxies",), ("failed",)}


#: Two clips in Kdenlive's terms, one with an effect, the other offline.
PROJECT = """<?xml version='1.0' encoding='utf-8'?>
<mlt LC_NUMERIC="C" producer="main_bin" version="7.22.0">
 <profile width="320" height="180" frame_rate_num="24" frame_rate_den="1" progressive="1"/>
 <chain id="there" out="23"><property name="length">24</property><property name="resource">media/A001_C001.mp4</property>
  <property name="mlt_service">avformat-novalidate</property><property name="kdenlive:id">4</property></chain>
 <chain id="gone" out="23"><property name="length">24</property><property name="resource">media/gone.mov</property>
  <property name="mlt_service">avformat-novalidate</property><property name="kdenlive:id">5</property></chain>
 <playlist id="p0"><entry in="0" out="23" producer="there"><filter><property name="mlt_service">greyscale</property>
  </filter></entry><entry in="0" out="23" producer="gone"/></playlist>
 <tractor id="t1"><property name="kdenlive:track_name">V1</property><track hide="audio" producer="p0"/></tractor>
 <playlist id="main_bin"><property name="kdenlive:docproperties.version">1.04</property>
  <property name="kdenlive:docproperties.documentid">1700000000000</property>
  <entry producer="there"/><entry producer="gone"/></playlist>
 <tractor id="main" out="47"><track producer="t1"/></tractor>
</mlt>
"""


@dataclass(frozen=True, slots=True)
class Answer:
    words: tuple[str, ...]
    schema: str
    document: dict[str, Any]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``media/`` with what works and what does not, ``cut.otio`` that uses it, and ``empty.otio`` that has no media."""
    folder = tmp_path_factory.mktemp("schemas")
    media = folder / "media"
    small: dict[str, Any] = {"width": 320, "height": 180, "frames": 24}
    for name in ("A001_C001.mp4", "C001_C001.mov", "PHONE_0001.mp4", "plate"):
        make(replace(CLIPS[name], bit_rate=min(CLIPS[name].bit_rate, 500_000), **small), media)
    whole = bytearray((media / "A001_C001.mp4").read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + len(whole) // 8] = bytes(len(whole) // 8)
    (media / "damaged.mp4").write_bytes(whole)
    (media / "text.mp4").write_text("no medium")
    otio.adapters.write_to_file(cut(), str(folder / "cut.otio"))
    otio.adapters.write_to_file(look(), str(folder / "look.otio"))
    otio.adapters.write_to_file(plain(), str(folder / "plain.otio"))
    empty = otio.schema.Timeline("empty")
    empty.tracks.append(otio.schema.Track(kind="Video"))
    empty.tracks[0].append(otio.schema.Clip("nothing", otio.schema.MissingReference(), frames(24)))
    otio.adapters.write_to_file(empty, str(folder / "empty.otio"))
    (folder / "edit.kdenlive").write_text(PROJECT)
    (folder / "graded.kdenlive").write_text(PROJECT.replace('<entry in="0" out="23" producer="gone"/>', ""))
    about = folder / "machine/share/metainfo/org.kde.kdenlive.appdata.xml"
    for file, text in ((folder / "machine/bin/kdenlive", "#!/bin/sh\n"), (about, '<release version="26.08.2"/>')):
        file.parent.mkdir(parents=True)
        file.write_text(text)
        file.chmod(0o755)
    return folder


def cut() -> otio.schema.Timeline:
    def clip(name: str, reference: otio.core.MediaReference | str) -> otio.schema.Clip:
        if isinstance(reference, str):
            reference = otio.schema.ExternalReference(target_url=reference)
        return otio.schema.Clip(name, reference, frames(24))

    endless = clip("endless", "media/A001_C001.mp4")
    endless.source_range = frames(10**9)
    below = otio.schema.Track("below", kind="Video")
    below.extend(
        [
            clip("whole", "media/A001_C001.mp4"),
            clip("phone", "media/PHONE_0001.mp4"),
            clip("gone", "media/gone.mov"),
            clip("remote", "http://127.0.0.1:9/a.mp4"),
            clip("bars", otio.schema.GeneratorReference(generator_kind="SMPTEBars")),
            clip("damaged", "media/damaged.mp4"),
            endless,
        ]
    )
    above = otio.schema.Track("above", kind="Video")
    above.append(clip("graded", "media/C001_C001.mov"))
    above[0].effects.append(otio.schema.Effect(name="blur", effect_name="Gaussian Blur"))
    timeline = otio.schema.Timeline("cut", global_start_time=otio.opentime.RationalTime(86400, 24))
    timeline.tracks.extend([below, above])
    return timeline


def look() -> otio.schema.Timeline:
    """A clip that can be prerendered, and one that cannot."""
    timeline = otio.schema.Timeline("look", global_start_time=otio.opentime.RationalTime(86400, 24))
    track = otio.schema.Track("looks", kind="Video")
    for effect in ("exposure", "Magic Bullet"):
        reference = otio.schema.ExternalReference(target_url="media/A001_C001.mp4")
        track.append(otio.schema.Clip(effect, reference, frames(6)))
        track[-1].effects.append(otio.schema.Effect(effect_name=effect, metadata={"otio_perf": {"stops": 0.5}}))
    sound = otio.schema.Track("sound", kind="Audio")
    sound.append(otio.schema.Clip("heard", otio.schema.ExternalReference(target_url="media/A001_C001.mp4"), frames(12)))
    timeline.tracks.extend([track, sound])
    return timeline


def plain() -> otio.schema.Timeline:
    """A part of a clip that nothing is done to."""
    clip = otio.schema.Clip("plain", otio.schema.ExternalReference(target_url="media/A001_C001.mp4"), frames(6))
    return otio.schema.Timeline("plain", tracks=[otio.schema.Track(kind="Video", children=[clip])])


def frames(count: int) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(count, 24))


@pytest.fixture(scope="session")
def command(folder: Path, run_command: Command) -> Command:
    """Run ``otio-perf`` in ``folder`` as a user does, with a home of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTIO_PERF_", "XDG_"))}
    home = folder / "home"
    places = {"HOME": home, "XDG_CACHE_HOME": home / "cache", "XDG_CONFIG_HOME": home / "config"}
    environment = {**kept, **{name: str(path) for name, path in places.items()}}
    environment["PATH"] = os.pathsep.join((str(folder / "machine/bin"), environment.get("PATH", "")))  # where a Kdenlive is
    environment["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={folder}/none"

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return run_command([*words], env=environment, cwd=folder)

    return run


@pytest.fixture(scope="session")
def answers(folder: Path, command: Command) -> list[Answer]:
    """What the commands write, in an order in which one needs what another made."""
    found = []

    def ask(schema: str, code: int, *words: str) -> dict[str, Any]:
        done = command(*words, "--json", "-")
        assert done.returncode == code, (words, done.stdout, done.stderr)
        found.append(Answer(words, f"{schema}.schema.json", json.loads(done.stdout, parse_constant=refuse_constant)))
        return found[-1].document

    ask("machine", 0, "calibrate")
    make_slower(folder / "home")
    ask("media", 4, "probe", "media", "gone.mov")
    ask("media", 4, "probe", "media/C001_C001.mov", "--proxy-of", "media/A001_C001.mp4")
    ask("analysis", 0, "analyze", "cut.otio", "--proxy", "120p")
    ask("analysis", 0, "analyze", "empty.otio")
    ask("still", 4, "frame", "cut.otio", "0", "3", "-o", "sheet.png", "--fidelity", "any")
    sizes = ("--all", "--proxy", "120p")
    ask("proxies", 4, "proxy", "media", "gone.mov", *sizes, "--workspace", "other", "--dry-run")
    ask("proxies", 4, "proxy", "media", "gone.mov", *sizes, "--workspace", "other")
    shutil.rmtree(folder / "other")  # or its proxies would serve
    ask("prerender", 0, "prerender", "look.otio", "--prerender", "all", "--dry-run")
    ask("prerender", 0, "prerender", "look.otio", "--prerender", "all", "-o", "look.pre.otio")
    ask("prerender", 0, "prerender", "graded.kdenlive", "--prerender", "all", "-o", "graded.pre.kdenlive")
    ask("export", 0, "render", "look.otio", "-o", "look.mp4", "--range", "0-6", "--dry-run")
    assert not ask("export", 5, "render", "look.otio", "-o", "look.mov")["written"]
    assert ask("export", 4, "render", "look.otio", "-o", "look.mov", "--fidelity", "any")["written"]
    assert ask("export", 0, "render", "plain.otio", "-o", "plain.mp4", "--dry-run")["not_copied"]
    ask("optimize", 0, "optimize", "look.otio", *sizes, "--prerender", "all", "--dry-run")
    ask("optimize", 4, "optimize", "cut.otio", *sizes, "--dry-run")
    ask("optimize", 4, "optimize", "cut.otio", "-o", "cut.perf.otio", *sizes)
    ask("optimize", 4, "optimize", "cut.otio", "-o", "again.otio", *sizes)
    ask("cache_status", 0, "cache", "status")
    proxy = next((folder / ".otio_perf" / "proxies").glob("A001*"))
    proxy.write_bytes(b"")
    ask("written", 4, "convert", "-i", "cut.perf.otio", "-o", "converted.otio", "--check-contract")
    ask("cache_faults", 4, "cache", "verify")
    ask("cache_faults", 0, "cache", "verify", "--repair")
    ask("cache_faults", 0, "cache", "verify")
    ask("written", 0, "restore", "cut.perf.otio", "-o", "restored.otio")
    assert ask("cache_pruned", 0, "cache", "prune", "--dry-run", "--cache-max-bytes", "0")["removed"]
    assert ask("cache_freed", 0, "cache", "clear", "--dry-run", "--force")["proxies"]
    ask("cache_freed", 0, "cache", "clear")
    assert ask("analysis", 0, "analyze", "cut.perf.otio")["gone_proxies"]
    ask("checks", 0, "doctor")
    ask("hosts", 0, "host", "list")
    ask("host_changes", 0, "host", "install", "kdenlive", "--command", sys.executable)
    ask("host_findings", 0, "host", "doctor", "kdenlive")
    ask("host_changes", 0, "host", "uninstall", "kdenlive")
    ask("placed", 0, "host", "place", "kdenlive", "media/A001_C001.mp4", *sizes)
    ask("host_applied", 4, "host", "apply", "kdenlive", "optimize", "--project", "edit.kdenlive", *sizes)
    return found


def make_slower(home: Path) -> None:
    """A machine on which small media stutter: there is something to suggest."""
    (path,) = home.rglob("machine.json")
    profile = json.loads(path.read_text())
    for cost in profile["value"]["decode"].values():
        cost["per_megapixel"] += 1000.0
    profile["value"]["effect_ms_per_megapixel"] = 100.0
    path.write_text(json.dumps(profile))


def refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


# -- the tests ---------------------------------------------------------------------------------------------------------


def test_every_command_writes_what_its_schema_says(answers: list[Answer]) -> None:
    for answer in answers:
        errors = [f"{e.json_path}: {e.message}" for e in validator(answer.schema).iter_errors(answer.document)]
        assert not errors, (answer.words, errors)
    of_the_service = {"serve", "queue", "activity", "dashboard"}  # these answer in the API's words
    assert {a.words[0] for a in answers} == set(COMMANDS) - of_the_service
    assert {a.schema for a in answers} == set(SCHEMAS)
    analyses = [a.document for a in answers if a.words[0] == "analyze"]
    assert {s["remedy"] for a in analyses for s in a["suggestions"]} == {"proxy", "prerender"}
    states = {m["state"] for a in analyses for m in a["media"]}
    assert states == {"online", "offline", "refused", "generator", "missing"}
    outcomes = [o["state"] for a in answers if a.words[0] == "proxy" for o in a.document["outcomes"]]
    assert set(outcomes) == {"ready", "failed"}


def test_a_field_that_comes_or_goes_is_noticed(answers: list[Answer]) -> None:
    seen = set()
    for answer in answers:
        is_valid = validator(answer.schema).is_valid
        for shape, one in objects(answer.document):
            if shape in MAPS or (answer.schema, shape, *one) in seen:
                continue
            seen.add((answer.schema, shape, *one))
            one["unforeseen"] = None
            assert not is_valid(answer.document), f"{answer.schema}: {shape} may have a field that nobody described"
            del one["unforeseen"]
            for name, value in tuple(one.items()):
                del one[name]
                assert not is_valid(answer.document), f"{answer.schema}: {shape} may lack {name}"
                one[name] = value
        assert is_valid(answer.document)
    assert len(seen) > len(SCHEMAS)


def test_every_field_of_the_schemas_is_there_in_some_answer(answers: list[Answer]) -> None:
    """A field that is described and never written would not be missed when it goes."""
    met: set[tuple[int, str]] = set()

    def note(checker: Any, properties: dict[str, Any], instance: Any, schema: dict[str, Any]) -> Iterator[Any]:
        if isinstance(instance, dict):
            met.update((id(properties), name) for name in instance)
        yield from Draft202012Validator.VALIDATORS["properties"](checker, properties, instance, schema) or ()

    noting = extend(Draft202012Validator, {"properties": note})
    for answer in answers:
        assert not list(noting(SCHEMAS[answer.schema], registry=REGISTRY).iter_errors(answer.document))
    for name, schema in SCHEMAS.items():
        Draft202012Validator.check_schema(schema)
        assert schema["$id"] == name
        for properties in described(schema):
            assert [p for p in properties if (id(properties), p) not in met] == [], name


@pytest.mark.parametrize(
    ("schema", "thing", "field", "values"),
    [
        ("media", "info", "kind", MediaKind),
        ("analysis", "suggestion", "remedy", Remedy),
        ("proxies", "decision", "action", Action),
        ("proxies", "product", "codec", Codec),
        ("export", "problem", "kind", ProblemKind),
        ("prerender", "report", "codec", [c for c in ChunkCodec if c.is_intra]),
    ],
)
def test_words_to_choose_from_are_all_there(schema: str, thing: str, field: str, values: Iterable[StrEnum]) -> None:
    described = SCHEMAS[f"{schema}.schema.json"]["$defs"][thing]["properties"][field]["enum"]
    assert described == [v.value for v in values]


def test_the_codecs_of_movies_are_all_there() -> None:
    assert SCHEMAS["export.schema.json"]["properties"]["codec"]["enum"] == list(CODECS)


def test_what_cannot_be_done_writes_no_document(command: Command, folder: Path) -> None:
    for code, *words in (
        (3, "analyze", "missing.otio"),
        (3, "optimize", "media/text.mp4"),
        (2, "convert", "-i", "cut.otio", "-o", "never.otio", "--use-proxies", "77p"),
        (5, "cache", "status", "--workspace", "typo"),
    ):
        for target in ("-", "never.json"):
            done = command(*words, "--json", target)
            assert (done.returncode, done.stdout) == (code, ""), (words, done.stderr)
            assert len(done.stderr.splitlines()) == 1
    assert not list(folder.glob("never.*"))


def validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(SCHEMAS[schema], registry=REGISTRY)


def objects(value: Any, shape: Shape = ()) -> Iterator[tuple[Shape, dict[str, Any]]]:
    """Every object in a document and the names that lead to it, without the places in lists."""
    if isinstance(value, dict):
        yield shape, value
        for name, inner in tuple(value.items()):
            yield from objects(inner, (*shape, name))
    elif isinstance(value, list):
        for inner in value:
            yield from objects(inner, shape)


def described(schema: Any) -> Iterator[dict[str, Any]]:
    """The ``properties`` of every object that a schema describes."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict) and "type" in schema:
            yield schema["properties"]
        for inner in schema.values():
            yield from described(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from described(inner)
