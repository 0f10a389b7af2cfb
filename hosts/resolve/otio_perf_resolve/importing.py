"""The timeline with what was rendered ahead, as a new timeline beside the user's own."""

import json
import os

from . import linking
from . import pool as pools
from .calls import StoppedError

BIN = "otio_perf"


def import_prerendered(session):
    """Proxies are linked; regions that do not play even with them are rendered, and shown by a new timeline.

    The user's own timeline stays as it is, and what this one holds is what OpenTimelineIO carries: no grades, no Fusion.
    """
    written = os.path.join(session.folder, "optimized.otio")
    words = ["optimize", session.exported(), "-o", written, "--link", "original", "--prerender", "auto", "--scope", "full"]
    answer = session.run(words + session.workspace())
    linking.link_made(session, answer["proxies"])
    regions = [region for one in answer["prerenders"] for region in one["regions"]]
    for one in answer["prerenders"]:
        for left in one["left_to_host"]:
            report = session.report.failed if left["failed"] else session.report.left
            report("%s - %s" % (left["start_timecode"], left["stop_timecode"]), left["reason"])
    if not regions:
        session.report.note("", "nothing was rendered ahead, and no timeline imported")
        return
    if not answer["written"] or not os.path.isfile(written):
        raise StoppedError("the timeline with the prerenders was not written")
    _keep_active_media(written)
    _import(session, written, [region["path"] for region in regions])


def _keep_active_media(path):
    """Resolve writes one medium a clip, and has proxies of its own: others could only be mistaken for it."""
    try:
        with open(path, encoding="utf-8") as file:
            timeline = json.load(file)
        for one in _objects(timeline):
            media, key = one.get("media_references"), one.get("active_media_reference_key")
            if isinstance(media, dict) and key in media:
                one["media_references"] = {key: media[key]}
        with open(path, "w", encoding="utf-8") as file:
            json.dump(timeline, file)
    except (OSError, ValueError) as error:
        raise StoppedError("the timeline with the prerenders cannot be read: %s" % error) from error


def _objects(value):
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _import(session, written, files):
    """All of it, or nothing: what was imported for a timeline that did not come is taken away again."""
    calls, pool = session.calls, session.pool_again()
    before = calls.need("media pool", pool, "GetCurrentFolder")
    root = calls.need("media pool", pool, "GetRootFolder")
    folder, is_new = _our_bin(calls, pool, root)
    imported, timeline = [], None
    try:
        calls.need("bin " + BIN, pool, "SetCurrentFolder", folder)
        imported = list(calls.need("prerendered regions", pool, "ImportMedia", files))
        if len(imported) < len(files):
            raise StoppedError("%d of %d prerendered regions could be imported" % (len(imported), len(files)))
        timeline = _import_timeline(session, pool, written, files)
    finally:
        if timeline is None and imported:
            calls.ask("prerendered regions that were imported", pool, "DeleteClips", imported)
        calls.ask("bin that was open", pool, "SetCurrentFolder", before)
        if timeline is None and is_new:
            calls.ask("bin " + BIN, pool, "DeleteFolders", [folder])
    name = calls.ask("prerendered timeline", timeline, "GetName") or "prerendered timeline"
    session.report.done(name, "imported, with %d prerendered regions on its top track" % len(files))
    session.report.note(name, "grades and Fusion effects are in your own timeline only: OpenTimelineIO does not carry them")
    for where, _, path in _clips(calls, name, timeline):
        if not path:
            session.report.left(where, "has no media in the media pool (a title has none either)")
    calls.ask(name, session.project, "SetCurrentTimeline", timeline)


def _import_timeline(session, pool, written, files):
    """With the clips that the media pool has already, proxies and all; where that finds no prerenders, with clips of its own.

    :raises StoppedError: it cannot be imported, or would show "media offline" above the live edit
    """
    calls, name = session.calls, _free_name(session)
    bins = [one for _, one in pools.folders(calls, pool)]
    ways = (
        {"timelineName": name, "importSourceClips": False, "sourceClipsFolders": bins},
        {"timelineName": name, "importSourceClips": True, "sourceClipsPath": os.path.dirname(files[0])},
    )
    wanted, problems = {pools.same_file(path) for path in files}, []
    for options in ways:
        timeline, problem = calls.try_out(pool, "ImportTimelineFromFile", written, options)
        if problem:
            problems.append(problem)
            continue
        clips = list(_clips(calls, name, timeline))
        top = max([track for _, track, _ in clips] or [0])
        if {pools.same_file(path) for _, track, path in clips if track == top} == wanted:
            return timeline
        problems.append("its prerenders were not found")
        calls.ask(name, pool, "DeleteTimelines", [timeline])
    raise StoppedError("prerendered timeline: %s" % ", then ".join(dict.fromkeys(problems)))


def _our_bin(calls, pool, root):
    """The bin, and whether it is new."""
    for folder in calls.ask("media pool", root, "GetSubFolderList") or ():
        if calls.ask("a bin", folder, "GetName") == BIN:
            return folder, False
    return calls.need("bin " + BIN, pool, "AddSubFolder", root, BIN), True


def _free_name(session):
    """Resolve takes no name twice."""
    taken = {name for name, _ in session.timelines()}
    wanted = "%s (otio_perf)" % session.timeline_name
    names = [wanted] + ["%s %d" % (wanted, number) for number in range(2, len(taken) + 3)]
    return next(name for name in names if name not in taken)


def _clips(calls, about, timeline):
    """Where each clip is, on which video track, and the file that it shows; ``""``: none."""
    for track in range(1, int(calls.ask(about, timeline, "GetTrackCount", "video") or 0) + 1):
        for item in calls.ask("%s, track V%d" % (about, track), timeline, "GetItemListInTrack", "video", track) or ():
            medium = calls.ask(about, item, "GetMediaPoolItem")
            properties = None if medium is None else calls.ask(about, medium, "GetClipProperty")
            path = str((properties or {}).get("File Path") or "")
            name = "" if path else calls.ask("a clip of %s" % about, item, "GetName") or "a clip"
            yield "%s, track V%d" % (name, track), track, path
