"""Whatever a project is like: what is linked and marked is taken away again, and nothing else is touched."""

from __future__ import annotations

import copy
from typing import Any

from examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from otio_perf_resolve import commands

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
CLIPS = st.sampled_from(["shot", "part", "look", "taken", "again"])
MARKERS = st.dictionaries(
    st.integers(0, 90),
    st.fixed_dictionaries({"color": st.sampled_from(["Red", "Blue"]), "name": WORDS, "note": WORDS, "customData": WORDS}),
    max_size=8,
)


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    own=st.dictionaries(CLIPS, WORDS.map(lambda word: f"/own/{word}.mov")),
    names=st.dictionaries(CLIPS, WORDS),
    odd=st.dictionaries(
        CLIPS, st.dictionaries(st.sampled_from(["FPS", "Frames", "Start TC"]), st.sampled_from(["", None, "x", 24.0]))
    ),
    markers=MARKERS,
    order=st.permutations(["link", "mark", "link", "mark"]),
)
def test_it_is_as_it_was(
    own: dict[str, str],
    names: dict[str, str],
    odd: dict[str, dict[str, Any]],
    markers: dict[int, dict[str, Any]],
    order: list[str],
    make_film: Any,
    canned: Any,
) -> None:
    film = make_film()
    for clip, proxy in own.items():
        film.pool[clip].properties["Proxy Media Path"] = proxy
    for clip, name in names.items():
        film.pool[clip].properties["Clip Name"] = name
    for clip, facts in odd.items():
        film.pool[clip].properties.update(facts)
    for frame, marker in markers.items():
        film.timeline.markers[float(frame)] = {**marker, "duration": 1}
    before = state(film)
    for name in order:
        report = commands.run(name, film.world.resolve, "", str, command_of=canned(name).command_of)
        assert not any("bug of otio_perf" in text for _, _, text in report.entries)
        for clip, proxy in own.items():
            assert film.pool[clip].properties["Proxy Media Path"] == proxy
    commands.run("restore", film.world.resolve, "", str)
    assert state(film) == before


def state(film: Any) -> Any:
    clips = {name: {**clip.properties, "Proxy": ""} for name, clip in film.pool.items()}
    notes = {name: {key: value for key, value in clip.notes.items() if value} for name, clip in film.pool.items()}
    return copy.deepcopy((clips, notes, film.timeline.markers, film.project.settings))
