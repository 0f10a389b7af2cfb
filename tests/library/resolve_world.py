"""A small DaVinci Resolve: a project with bins, clips, timelines and markers, behind the API as the stubs say it is.

What it does with a call is what Blackmagic's notes and users of the API say of it; nothing here was seen in Resolve.
"""

# ruff: noqa: N802 - methods have the names of Resolve's

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import av
import opentimelineio as otio
from resolve_stub import FakeObject, Host

_SERIAL = itertools.count(1)


@dataclass
class World:
    """``resolve`` is what a script gets."""

    host: Host = field(default_factory=Host)

    def __post_init__(self) -> None:
        self.project: Project | None = Project(self, "Film")
        self.resolve = self.host.object("Resolve", Resolve(self))


class Thing:
    """Whatever has a name and can be deleted by the user."""

    cls = ""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name, self.is_gone = world, name, False
        self.unique_id = f"id-{next(_SERIAL):04d}"
        self.object: FakeObject = world.host.object(self.cls, self)

    def GetName(self) -> str:
        return self.name

    def GetUniqueId(self) -> str:
        return self.unique_id


class Resolve:
    is_gone = False
    name = "Resolve"

    def __init__(self, world: World) -> None:
        self._world = world
        self._manager = world.host.object("ProjectManager", Manager(world))

    def GetProjectManager(self) -> FakeObject:
        return self._manager

    def GetProductName(self) -> str:
        return "DaVinci Resolve (a fake of it)"

    def GetVersionString(self) -> str:
        return "21.0.0.fake"


class Manager:
    is_gone = False
    name = "manager"

    def __init__(self, world: World) -> None:
        self._world = world

    def GetCurrentProject(self) -> FakeObject | None:
        return self._world.project.object if self._world.project else None


class Project(Thing):
    cls = "Project"

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self.pool = Pool(world)
        self.timelines: list[Timeline] = []
        self.current: Timeline | None = None
        self.settings = {"perfProxyMediaMode": "1"}

    def GetMediaPool(self) -> FakeObject:
        return self.pool.object

    def GetCurrentTimeline(self) -> FakeObject | None:
        return self.current.object if self.current else None

    def SetCurrentTimeline(self, timeline: FakeObject) -> bool:
        self.current = timeline._world
        return True

    def GetTimelineCount(self) -> int:
        return len(self.timelines)

    def GetTimelineByIndex(self, number: int) -> FakeObject | None:
        return self.timelines[number - 1].object if 1 <= number <= len(self.timelines) else None

    def GetSetting(self, name: str) -> str:
        return self.settings.get(name, "")


class Pool:
    is_gone = False
    name = "media pool"

    def __init__(self, world: World) -> None:
        self._world = world
        self.object = world.host.object("MediaPool", self)
        self.root = Folder(world, "Master")
        self.current = self.root
        self.finds_no_clips = False  # of the pool, for a timeline that is imported
        self.finds_no_files = False  # likewise

    def folders(self) -> list[Folder]:
        found = [self.root]
        for folder in found:
            found += folder.folders
        return found

    def clips(self) -> list[Clip]:
        return [clip for folder in self.folders() for clip in folder.clips]

    def GetRootFolder(self) -> FakeObject:
        return self.root.object

    def GetCurrentFolder(self) -> FakeObject:
        return self.current.object

    def SetCurrentFolder(self, folder: FakeObject) -> bool:
        self.current = folder._world
        return True

    def AddSubFolder(self, folder: FakeObject, name: str) -> FakeObject | None:
        made = Folder(self._world, name)
        folder._world.folders.append(made)
        self.current = made
        return made.object

    def DeleteFolders(self, folders: list[FakeObject]) -> bool:
        for folder in folders:
            folder._world.is_gone = True
            for other in self.folders():
                other.folders = [one for one in other.folders if one is not folder._world]
        return True

    def ImportMedia(self, items: list[str]) -> list[FakeObject]:
        made = [Clip.of_file(self._world, Path(one)) for one in items if Path(one).is_file()]
        self.current.clips += made
        return [clip.object for clip in made]

    def DeleteClips(self, clips: list[FakeObject]) -> bool:
        gone = [one._world for one in clips]
        for clip in gone:
            clip.is_gone = True
        for folder in self.folders():
            folder.clips = [one for one in folder.clips if one not in gone]
        return True

    def ImportTimelineFromFile(self, path: str, options: dict[str, Any]) -> FakeObject | None:
        """Media are looked for in the bin that is open, then in those that are named, or imported."""
        project = self._world.project
        assert project is not None
        name = options["timelineName"]
        if not Path(path).is_file() or any(one.name == name for one in project.timelines):
            return None
        if options["importSourceClips"]:
            bins = [self.current]
        else:
            bins = [self.current, *(one._world for one in options["sourceClipsFolders"])]
        known = {} if self.finds_no_clips else {clip.path: clip for folder in bins for clip in folder.clips}
        timeline = Timeline.of_otio(self._world, name, Path(path), known)
        if options["importSourceClips"]:
            for item in (item for track in timeline.tracks for item in track):
                if item.clip is None and Path(item.file).is_file() and not self.finds_no_files:
                    item.clip = Clip.of_file(self._world, Path(item.file))
                    self.current.clips.append(item.clip)
        project.timelines.append(timeline)
        return timeline.object

    def DeleteTimelines(self, timelines: list[FakeObject]) -> bool:
        project = self._world.project
        assert project is not None
        gone = [one._world for one in timelines]
        project.timelines = [one for one in project.timelines if one not in gone]
        return True


class Folder(Thing):
    cls = "Folder"

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self.folders: list[Folder] = []
        self.clips: list[Clip] = []

    def GetClipList(self) -> list[FakeObject]:
        return [clip.object for clip in self.clips]

    def GetSubFolderList(self) -> list[FakeObject]:
        return [folder.object for folder in self.folders]


class Clip(Thing):
    """Of the media pool. Kinds of the values are as users of the API print them."""

    cls = "MediaPoolItem"

    def __init__(self, world: World, name: str, properties: dict[str, Any]) -> None:
        super().__init__(world, name)
        self.properties = {"Clip Name": name, "File Path": "", "Proxy": "None", "Proxy Media Path": "", **properties}
        self.notes: dict[str, str] = {}
        self.refuses_proxies = False

    @property
    def path(self) -> str:
        return str(self.properties["File Path"])

    @classmethod
    def of_file(cls, world: World, path: Path) -> Clip:
        return cls(world, path.name, {"File Name": path.name, "File Path": str(path), **facts(path)})

    def GetClipProperty(self, name: str | None = None) -> Any:
        return dict(self.properties) if name is None else self.properties.get(name, "")

    def GetThirdPartyMetadata(self, name: str | None = None) -> Any:
        return dict(self.notes) if name is None else self.notes.get(name, "")

    def SetThirdPartyMetadata(self, name: str, value: str) -> bool:
        self.notes[name] = value
        return True

    def LinkProxyMedia(self, path: str) -> bool:
        """A proxy has the clip's own rate, length and start."""
        if self.refuses_proxies or not Path(path).is_absolute() or not Path(path).is_file():
            return False
        proxy = facts(Path(path))
        if any(proxy[key] != self.properties[key] for key in ("FPS", "Frames", "Start TC")):
            return False
        self.properties.update({"Proxy Media Path": path, "Proxy": proxy["Resolution"]})
        return True

    def UnlinkProxyMedia(self) -> bool:
        if not self.properties["Proxy Media Path"]:
            return False
        self.properties.update({"Proxy Media Path": "", "Proxy": "None"})
        return True


class Timeline(Thing):
    cls = "Timeline"

    def __init__(self, world: World, name: str, content: otio.schema.Timeline) -> None:
        super().__init__(world, name)
        self.content = content
        self.markers: dict[float, dict[str, Any]] = {}
        self.tracks: list[list[Item]] = []

    @classmethod
    def of_otio(cls, world: World, name: str, path: Path, pool: dict[str, Clip]) -> Timeline:
        """Media are those of the pool, by their path."""
        content = otio.adapters.read_from_file(str(path))
        timeline = cls(world, name, content)
        for track in content.video_tracks():
            files = [(clip.name, _file_of(clip, path)) for clip in track.find_clips()]
            timeline.tracks.append([Item(world, clip, pool.get(file), file) for clip, file in files])
        return timeline

    def GetTrackCount(self, kind: str) -> int:
        return len(self.tracks) if kind == "video" else 0

    def GetItemListInTrack(self, kind: str, number: int) -> list[FakeObject]:
        return [item.object for item in self.tracks[number - 1]] if kind == "video" else []

    def Export(self, path: str, kind: int, subkind: int) -> bool:
        constants = self.world.host.stub.constants["Resolve"]
        assert (kind, subkind) == (constants["EXPORT_OTIO"], constants["EXPORT_NONE"])
        return bool(otio.adapters.write_to_file(self.content, path))

    def GetMarkers(self) -> dict[float, dict[str, Any]]:
        return {frame: dict(marker) for frame, marker in self.markers.items()}

    def AddMarker(self, frame: float, color: str, name: str, note: str, duration: float, data: str = "") -> bool:
        if frame in self.markers or duration < 1:
            return False
        self.markers[float(frame)] = {"color": color, "name": name, "note": note, "duration": duration, "customData": data}
        return True

    def DeleteMarkerByCustomData(self, data: str) -> bool:
        frame = next((f for f, marker in self.markers.items() if marker["customData"] == data), None)
        return frame is not None and bool(self.markers.pop(frame))


class Item(Thing):
    cls = "TimelineItem"

    def __init__(self, world: World, name: str, clip: Clip | None, file: str) -> None:
        super().__init__(world, name)
        self.clip, self.file = clip, file

    def GetMediaPoolItem(self) -> FakeObject | None:
        return self.clip.object if self.clip else None


def facts(path: Path) -> dict[str, Any]:
    """What Resolve says of a file."""
    return dict(_facts(path, path.stat().st_mtime_ns))


@cache
def _facts(path: Path, changed: int) -> dict[str, Any]:
    del changed  # of which it is known
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        rate = Fraction(stream.average_rate or 25)
        frames = sum(packet.size > 0 for packet in container.demux(stream))
        label = stream.metadata.get("timecode") or container.metadata.get("timecode") or "00:00:00:00"
        size = f"{stream.width}x{stream.height}"
    return {
        "FPS": round(float(rate), 3),
        "Frames": str(frames),
        "Start": "0",
        "End": str(frames - 1),
        "Start TC": re.sub("[;.]", ":", label),
        "Resolution": size,
        "Type": "ビデオ + オーディオ",  # such values are in the user's language
    }


def _file_of(clip: otio.schema.Clip, timeline: Path) -> str:
    url = clip.media_reference.target_url if isinstance(clip.media_reference, otio.schema.ExternalReference) else ""
    path = unquote(urlparse(url).path) if url.startswith("file:") else url
    return str((timeline.parent / path).resolve()) if path else ""
