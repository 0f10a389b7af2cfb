"""Values survive the way to JSON and back; damaged JSON is a ValueError and nothing else."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_perf.model import analysis, events, frames, machine, media, plans, recipes, spans, tasks, timing, uses, wire

VALUES = [
    timing.FrameRange,
    media.MediaInfo,
    media.VideoInfo,
    media.AudioInfo,
    recipes.ProxyRecipe,
    recipes.PrerenderRecipe,
    frames.FramePlan,
    machine.MachineProfile,
    uses.Use,
    uses.Survey,
    spans.Span,
    plans.Plan,
    plans.Product,
    tasks.ProxyTask,
    tasks.ProbeTask,
    tasks.PrerenderTask,
    analysis.Analysis,
    events.Ready,
    events.Prerendered,
    events.Failed,
]

text = st.text(max_size=8)
st.register_type_strategy(Fraction, st.builds(Fraction, st.integers(1, 10**6), st.sampled_from((1, 2, 1000, 1001, 90_000))))
# a library that flushes subnormal numbers to zero may have been loaded by another test
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False))
st.register_type_strategy(int, st.integers(-(10**12), 10**12))
st.register_type_strategy(str, text)
st.register_type_strategy(
    timing.FrameRange,
    st.builds(
        lambda start, length, rate: timing.FrameRange(start, start + length, rate),
        st.integers(-1000, 10**9),
        st.integers(0, 10**6),
        st.from_type(Fraction),
    ),
)
st.register_type_strategy(
    recipes.ProxyRecipe,
    st.builds(
        recipes.ProxyRecipe,
        rung=st.sampled_from(["720p", "1280x720", "half"]),
        quality=st.integers(0, 100),
        handles=st.integers(0, 100),
    ),
)
st.register_type_strategy(
    recipes.PrerenderRecipe,
    st.builds(
        recipes.PrerenderRecipe,
        codec=st.sampled_from(recipes.ChunkCodec),
        quality=st.integers(0, 100),
        size=st.sampled_from(["canvas", "720p", "half"]),
    ),
)
plain = st.recursive(text | st.integers() | st.booleans() | st.none(), lambda inner: st.lists(inner, max_size=3).map(tuple))
st.register_type_strategy(
    uses.EffectUse,
    st.builds(
        uses.EffectUse, dialect=text, name=text, label=text, parameters=st.lists(st.tuples(text, plain), max_size=3).map(tuple)
    ),
)

sampled = st.lists(
    st.tuples(
        text,
        plain
        | st.lists(st.tuples(st.floats(0, 1, allow_subnormal=False), st.floats(0, 1, allow_subnormal=False)), max_size=3).map(
            tuple
        ),
    ),
    max_size=3,
).map(tuple)
for made in (frames.Applied, frames.Generated):
    named = {"name" if made is frames.Applied else "kind": text}
    st.register_type_strategy(made, st.builds(made, version=st.integers(1, 9), values=sampled, **named))

st.register_type_strategy(
    tasks.PrerenderTask,
    st.builds(
        tasks.PrerenderTask,
        plans=st.lists(st.from_type(frames.FramePlan), max_size=2).map(tuple),
        media=st.dictionaries(text, st.from_type(media.MediaInfo), max_size=1),
    ),
)


@pytest.mark.parametrize("cls", VALUES, ids=lambda c: c.__name__)
def test_every_value_comes_back_equal(cls: type[Any]) -> None:
    @settings(max_examples=15)  # the largest values take long to build, and each holds many small ones
    @given(value=st.from_type(cls))
    def check(value: Any) -> None:
        there = wire.dumps(value)
        back = wire.loads(cls, there)
        assert type(back) is cls
        # sequences that were lists come back as tuples, so the second text is what has to agree
        assert wire.dumps(back) == there

    check()


@settings(max_examples=30)
@given(st.from_type(media.MediaInfo))
def test_values_of_tuples_are_equal_and_hashable(value: media.MediaInfo) -> None:
    back = wire.loads(media.MediaInfo, wire.dumps(value))
    assert back == value
    assert hash(back) == hash(value)


@settings(max_examples=30)
@given(st.from_type(tasks.ProxyTask) | st.from_type(tasks.ProbeTask) | st.from_type(tasks.PrerenderTask))
def test_a_union_finds_its_class(task: tasks.Task) -> None:
    back: Any = wire.loads(tasks.Task, wire.dumps(task))  # type: ignore[arg-type]  # a union is a type to wire
    assert back == task
    assert back.key == task.key


def test_the_tree_of_a_frame_comes_back_whole() -> None:
    """Nests in transitions in nests, and values of every kind that a parameter has."""
    values = (("amount", 1.0), ("colour", (0.25, 0.5, 1.0)), ("curve", ((0.0, 0.0), (1.0, 0.5))), ("on", True), ("text", "x"))
    shot = frames.Layer(
        content=frames.SourceFrame(medium="/m/a.mov", fingerprint="f", number=7, rate=Fraction(24000, 1001)),
        fit=frames.Fit.NONE,
        effects=(frames.Applied(name="lift", version=2, values=values),),
        blend="screen",
        opacity=0.5,
    )
    nest = frames.Layer(content=frames.Stacked(layers=(shot, frames.Layer(content=frames.Generated(kind="bars", version=1)))))
    mix = frames.Mix(transition=frames.Applied(name="wipe", version=1), progress=0.25, outgoing=nest, incoming=None)
    plan = frames.FramePlan(width=64, height=36, root=frames.Stacked(layers=(frames.Layer(content=mix), shot)), missing=("x",))
    back = wire.loads(frames.FramePlan, wire.dumps(plan))
    assert back == plan
    assert hash(back) == hash(plan)


def test_bytes_of_a_name_that_is_no_unicode_survive() -> None:
    task = tasks.ProbeTask(path="/m/caf\udce9.mp4")
    assert wire.loads(tasks.ProbeTask, wire.dumps(task)) == task


def product() -> dict[str, Any]:
    value = plans.Product(
        key="k",
        source_path="/m/a.mp4",
        source_fingerprint="f",
        recipe=recipes.ProxyRecipe(rung="720p"),
        path="/w/a.mov",
        source_range=timing.FrameRange(0, 10, Fraction(24000, 1001)),
        width=1280,
        height=720,
    )
    document: dict[str, Any] = json.loads(wire.dumps(value))
    return document


def test_the_text_is_readable() -> None:
    value = product()["value"]
    assert value["source_range"] == {"type": "FrameRange", "start": 0, "stop": 10, "rate": "24000/1001"}
    assert value["recipe"]["codec"] == "h264"


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("width", "1280"),
        ("width", None),
        ("path", 5),
        ("recipe", 5),
        ("recipe", []),
        ("recipe", {"type": "ProxyRecipe", "rung": "0p"}),
        ("recipe", {"type": "ProxyRecipe", "rung": "720p", "codec": "vhs"}),
        ("source_range", {"start": 0, "stop": 10, "rate": "1/0"}),
        ("source_range", {"start": 0, "stop": 10, "rate": float("inf")}),
        ("source_range", {"start": 0, "stop": 10, "rate": "x"}),
        ("source_range", {"start": 10, "stop": 0, "rate": "24"}),
        ("source_range", {"start": 0}),
        ("new_field", 1),
    ],
)
def test_a_damaged_field_is_a_value_error(field: str, bad: Any) -> None:
    document = product()
    document["value"][field] = bad
    with pytest.raises(ValueError, match=r"\S"):
        wire.loads(plans.Product, json.dumps(document))


@pytest.mark.parametrize(
    "bad",
    ["", "{", "[]", "5", "null", "{}", '{"schema_version": 1}', '{"schema_version": 1, "value": 5}', "[" * 99_999],
    ids=lambda text: text[:30],
)
def test_what_is_no_document_is_a_value_error(bad: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        wire.loads(plans.Product, bad)


def test_a_list_is_not_read_from_a_string() -> None:
    document = json.loads(wire.dumps(events.Ready(key="k", products=(), seconds=1.0)))
    document["value"]["notes"] = "abc"
    with pytest.raises(ValueError, match="list"):
        wire.loads(events.Ready, json.dumps(document))


def test_another_schema_version_is_named() -> None:
    document = {**product(), "schema_version": 2}
    with pytest.raises(ValueError, match="schema version 2, this program reads 1"):
        wire.loads(plans.Product, json.dumps(document))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_subnormal=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
)


@given(st.data())
def test_any_field_of_a_document_may_be_anything(data: st.DataObject) -> None:
    """Whatever stands in a field: a value, or a ValueError."""
    document = product()
    field = data.draw(st.sampled_from(sorted(document["value"])))
    document["value"][field] = data.draw(json_values)
    try:
        back = wire.loads(plans.Product, json.dumps(document))
    except ValueError:
        return
    assert isinstance(back, plans.Product)
