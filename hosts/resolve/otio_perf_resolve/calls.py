"""Calls of Resolve's scripting API: each that fails is noted, with what it was about.

Resolve raises nothing. What fails answers ``False``, ``None`` or something empty, and a method that a version does not have is
an attribute that is ``None``. Objects of what the user has deleted meanwhile answer the same.
"""

OBJECT, TEXT, YES, NUMBER, LIST, TABLE = "object", "text", "yes", "number", "list", "table"

#: Every method that is called here, and what it answers when all is well.
ANSWERS = {
    "AddMarker": YES,
    "AddSubFolder": OBJECT,
    "DeleteClips": YES,
    "DeleteFolders": YES,
    "DeleteMarkerByCustomData": YES,
    "DeleteTimelines": YES,
    "Export": YES,
    "GetClipList": LIST,
    "GetClipProperty": TABLE,
    "GetCurrentFolder": OBJECT,
    "GetCurrentProject": OBJECT,
    "GetCurrentTimeline": OBJECT,
    "GetItemListInTrack": LIST,
    "GetMarkers": TABLE,
    "GetMediaPool": OBJECT,
    "GetMediaPoolItem": OBJECT,
    "GetName": TEXT,
    "GetProductName": TEXT,
    "GetProjectManager": OBJECT,
    "GetRootFolder": OBJECT,
    "GetSetting": TEXT,
    "GetSubFolderList": LIST,
    "GetThirdPartyMetadata": TEXT,
    "GetTimelineByIndex": OBJECT,
    "GetTimelineCount": NUMBER,
    "GetTrackCount": NUMBER,
    "GetUniqueId": TEXT,
    "GetVersionString": TEXT,
    "ImportMedia": LIST,
    "ImportTimelineFromFile": OBJECT,
    "LinkProxyMedia": YES,
    "SetCurrentFolder": YES,
    "SetCurrentTimeline": YES,
    "SetThirdPartyMetadata": YES,
    "UnlinkProxyMedia": YES,
}
#: Where nothing is a good answer: a folder without clips, a timeline without markers.
MAY_BE_EMPTY = {"GetClipList", "GetSubFolderList", "GetItemListInTrack", "GetMarkers"}
#: Where Resolve's "no" cannot be told from "there is none": a clip without a note of ours, a title without media.
MAY_BE_NONE = {"GetThirdPartyMetadata", "GetMediaPoolItem"}

_PLAIN = (bool, int, float, str, bytes, list, tuple, dict)
_KINDS = {TEXT: str, LIST: (list, tuple), TABLE: dict}


class StoppedError(Exception):
    """The command cannot go on; the text is for the user."""


class Calls:
    """Asks Resolve, and tells ``report`` what it refused."""

    def __init__(self, report):
        self._report = report

    def ask(self, about, thing, method, *arguments):
        """The answer, or ``None``, and then it is noted that ``method`` failed for ``about``."""
        answer, problem = self._call(thing, method, arguments)
        if problem:
            self._report.failed(about, problem)
        return answer

    def need(self, about, thing, method, *arguments):
        """The answer. :raises StoppedError: there is none, and nothing goes on without"""
        answer, problem = self._call(thing, method, arguments)
        if problem:
            raise StoppedError("%s: %s" % (about, problem))
        return answer

    def try_out(self, thing, method, *arguments):
        """The answer and ``""``, or ``None`` and what the problem was, which is for the caller to tell."""
        return self._call(thing, method, arguments)

    def failed(self, about, problem):
        """What ``try_out`` answered is told after all."""
        self._report.failed(about, problem)

    def _call(self, thing, method, arguments):
        kind = ANSWERS[method]
        try:
            function = getattr(thing, method, None)
            if function is None:
                return None, "%s is not there: this version of DaVinci Resolve does not have it, or the object is gone" % method
            answer = function(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever the bridge to Resolve throws is one call that failed
            return None, "%s failed: %s" % (method, error)
        if _is_good(answer, kind, method):
            return answer, ""
        if method in MAY_BE_NONE and not answer:
            return None, ""
        return None, "%s answered %r" % (method, answer)


def _is_good(answer, kind, method):
    if kind == YES:
        return answer is True
    if kind == NUMBER:
        return isinstance(answer, (int, float)) and not isinstance(answer, bool)
    if kind == OBJECT:
        return answer is not None and not isinstance(answer, _PLAIN)
    return isinstance(answer, _KINDS[kind]) and (bool(answer) or method in MAY_BE_EMPTY)
