"""The media pool: its clips by the file that they show."""

import ntpath
import os
import re

#: Our note on a clip: the proxy that we linked.
NOTE = "otio_perf_proxy"

_IS_OF_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|[\\/]{2}")
#: Numbered pictures, as Resolve writes them: plate.[1001-1100].exr
_NUMBERED = re.compile(r"\[\d+-\d+\]")


class Item:
    """A clip of the media pool, as it was when it was looked at. ``path``: its file; ``proxy``: the one that is linked now."""

    def __init__(self, item, name, properties):
        self.item = item
        self.name = name
        self.properties = properties
        self.path = _text(properties, "File Path")
        self.proxy = _text(properties, "Proxy Media Path")

    @property
    def is_numbered(self):
        return bool(_NUMBERED.search(self.path))

    @property
    def frames(self):
        """How many, or ``None``."""
        try:
            return int(_text(self.properties, "Frames"))
        except ValueError:
            return None


def items(calls, pool):
    """Every ``Item`` of ``pool`` that shows a file: no timelines, titles and compound clips."""
    for bin_name, folder in folders(calls, pool):
        for clip in calls.ask("bin %s" % bin_name, folder, "GetClipList") or ():
            properties, problem = calls.try_out(clip, "GetClipProperty")
            name = _text(properties or {}, "Clip Name") or calls.ask("a clip in bin %s" % bin_name, clip, "GetName")
            name = name or "a clip in bin %s" % bin_name
            if problem:
                calls.failed(name, problem)
            elif _text(properties, "File Path"):
                yield Item(clip, name, properties)


def folders(calls, pool):
    """Name and object of every bin, outer ones first."""
    waiting = [calls.ask("media pool", pool, "GetRootFolder")]
    while waiting:
        folder = waiting.pop()
        if folder is None:
            continue
        name = calls.ask("a bin", folder, "GetName") or "a bin"
        yield name, folder
        waiting.extend(reversed(list(calls.ask("bin %s" % name, folder, "GetSubFolderList") or ())))


def same_file(path):
    """A name for the file at ``path``, equal for two spellings of one path. Windows knows no case."""
    if _IS_OF_WINDOWS.match(path):
        return ntpath.normcase(ntpath.normpath(path))
    return os.path.normpath(path)


def real_file(path):
    """As ``same_file``, with links followed."""
    return same_file(path) if _IS_OF_WINDOWS.match(path) and os.name != "nt" else same_file(os.path.realpath(path))


def _text(properties, name):
    value = properties.get(name)
    return "" if value is None else str(value).strip()
