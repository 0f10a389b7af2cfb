"""The fake of DaVinci Resolve is as strict as the stubs that it is made from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from resolve_stub import MisuseError, stub
from resolve_world import Clip, Timeline, World


@pytest.fixture
def world() -> Iterator[World]:
    yield World()


def pool_of(world: World) -> Any:
    assert world.project is not None
    return world.project.pool.object


def clip_of(world: World) -> Any:
    return Clip(world, "A.mov", {"File Path": "/m/A.mov"}).object


def timeline_of(world: World) -> Any:
    return Timeline(world, "cut", None).object  # type: ignore[arg-type]


def test_what_the_api_does_not_have_is_none(world: World) -> None:
    assert clip_of(world).LinkProxy is None
    with pytest.raises(TypeError, match="'NoneType' object is not callable"):
        clip_of(world).LinkProxy("/p.mov")
    assert isinstance(world.resolve.EXPORT_OTIO, int)
    assert world.resolve.EXPORT_NOTHING is None


@pytest.mark.parametrize(
    ("thing", "method", "arguments"),
    [
        (clip_of, "LinkProxyMedia", ()),
        (clip_of, "LinkProxyMedia", ("/a", "/b")),
        (clip_of, "LinkProxyMedia", (3,)),
        (clip_of, "SetThirdPartyMetadata", ("otio_perf", 3)),
        (clip_of, "UnlinkProxyMedia", ("/a",)),
        (pool_of, "ImportMedia", ("/a.mov",)),
        (pool_of, "ImportMedia", (["/a.mov", 3],)),
        (pool_of, "ImportTimelineFromFile", ("/x.otio",)),
        (pool_of, "ImportTimelineFromFile", ("/x.otio", {"timeline_name": "x"})),
        (pool_of, "ImportTimelineFromFile", ("/x.otio", {"timelineName": 3})),
        (pool_of, "ImportTimelineFromFile", ("/x.otio", {"sourceClipsFolders": ["Master"]})),
        (timeline_of, "AddMarker", (0, "red", "name", "note", 1, "data")),
        (timeline_of, "AddMarker", (0, "Orange", "name", "note", 1, "data")),
        (timeline_of, "AddMarker", ("0", "Red", "name", "note", 1, "data")),
        (timeline_of, "AddMarker", (0, "Red", "name", "note")),
        (timeline_of, "AddMarker", (True, "Red", "name", "note", 1, "data")),
        (timeline_of, "Export", ("/x.otio", "OTIO", 0)),
        (timeline_of, "Export", ("/x.otio", 1, 2)),
        (timeline_of, "GetTrackCount", ("picture",)),
        (timeline_of, "DeleteMarkerByCustomData", (None,)),
    ],
)
def test_a_call_that_the_api_does_not_have_is_refused(
    thing: Any, method: str, arguments: tuple[Any, ...], world: World
) -> None:
    with pytest.raises(MisuseError):
        getattr(thing(world), method)(*arguments)
    assert len(world.host.misuses) == 1


def test_arguments_have_no_names(world: World) -> None:
    with pytest.raises(MisuseError):
        clip_of(world).LinkProxyMedia(proxyMediaFilePath="/a.mov")
    assert world.host.misuses


def test_an_object_of_another_class_is_refused(world: World) -> None:
    with pytest.raises(MisuseError):
        pool_of(world).DeleteClips([timeline_of(world)])


def test_what_nobody_taught_the_fake_fails_as_the_api_does(world: World) -> None:
    clip, timeline = clip_of(world), timeline_of(world)
    assert clip.ReplaceClip("/a.mov") is False
    assert clip.GetAudioMapping() == ""
    assert clip.GetFlagList() == []
    assert clip.GetMarkInOut() == {}
    assert timeline.GetNodeGraph() is None
    assert timeline.GetEndFrame() == 0
    assert [call.method for call in world.host.log] == [
        *("ReplaceClip", "GetAudioMapping", "GetFlagList", "GetMarkInOut", "GetNodeGraph", "GetEndFrame")
    ]


def test_an_object_that_is_gone_answers_nothing(world: World) -> None:
    clip = clip_of(world)
    clip._world.is_gone = True
    assert (clip.GetName(), clip.UnlinkProxyMedia()) == ("", False)
    assert not clip.GetClipProperty()


def test_all_of_the_stub_is_understood() -> None:
    """Every parameter's kind can be checked, whatever is given; every answer has its failure."""
    known = stub()
    assert sum(map(len, known.methods.values())) > 300
    for cls, methods in known.methods.items():
        for name, forms in methods.items():
            for form in forms:
                known.failure(form.returns)
                for kind in form.kinds:
                    if kind is not None:
                        known.problem(object(), kind)
                assert form.needed <= len(form.names), (cls, name)
