"""One command on its way: Resolve, ``otio-perf``, and what is told."""

import os

from .calls import Calls, StoppedError

_NO_PROJECT = "open a project first"
_NO_TIMELINE = "open a timeline first"
_OTIO = "this version of DaVinci Resolve cannot export OpenTimelineIO: it needs 18.5 or newer"


class Session:
    """``command(words)`` runs ``otio-perf``; ``folder`` is an empty one that is deleted afterwards."""

    def __init__(self, resolve, command, report, folder):
        self.resolve = resolve
        self.command = command
        self.report = report
        self.folder = folder
        self.calls = Calls(report)
        self.timeline = None
        self.timeline_name = ""
        product = self.calls.ask("DaVinci Resolve", resolve, "GetProductName") or "DaVinci Resolve"
        report.product = "%s %s" % (product, self.calls.ask("DaVinci Resolve", resolve, "GetVersionString") or "")
        self._projects = self.calls.need("DaVinci Resolve", resolve, "GetProjectManager")
        self.project = self.calls.need(_NO_PROJECT, self._projects, "GetCurrentProject")
        self._project_id = self.calls.need("project", self.project, "GetUniqueId")
        self.pool = self.calls.need("project", self.project, "GetMediaPool")

    def exported(self):
        """The current timeline as a file. :raises StoppedError"""
        self.timeline = self.calls.need(_NO_TIMELINE, self.project, "GetCurrentTimeline")
        self.timeline_name = self.calls.ask("timeline", self.timeline, "GetName") or "timeline"
        kinds = [getattr(self.resolve, name, None) for name in ("EXPORT_OTIO", "EXPORT_NONE")]
        if None in kinds:
            raise StoppedError(_OTIO)
        path = os.path.join(self.folder, "timeline.otio")
        self.calls.need(self.timeline_name, self.timeline, "Export", path, *kinds)
        if not os.path.isfile(path) or not os.path.getsize(path):
            raise StoppedError(
                "%s: DaVinci Resolve says that it exported the timeline, and there is no file" % self.timeline_name
            )
        return path

    def run(self, words):
        """The document that ``otio-perf`` answers; media that failed are told in it. :raises StoppedError: there is none"""
        answer = self.command(words)
        if answer.document is None or answer.code not in (0, 4, 5):
            raise StoppedError(answer.last_line)
        if any(path.startswith(os.path.join(self.folder, ".otio_perf")) for path in _paths(answer.document)):
            raise StoppedError("what was made would not last. Say otio-perf cache status, which tells where it is kept")
        return answer.document

    def workspace(self):
        """Words that say where proxies are kept: the user's own place, for the folder of an exported timeline is not kept."""
        answer = self.command(["cache", "status"])
        if answer.document is None:
            return []  # his settings name one that is not there yet, and it will be made
        return ["--workspace", answer.document["status"]["workspace"]]

    def pool_again(self):
        """After a long run. :raises StoppedError: another project is open by now"""
        project = self.calls.need(_NO_PROJECT, self._projects, "GetCurrentProject")
        if self.calls.need("project", project, "GetUniqueId") != self._project_id:
            raise StoppedError("another project is open by now: nothing was changed. Open the first one and say it again")
        self.project = project
        self.pool = self.calls.need("project", project, "GetMediaPool")
        return self.pool

    def timeline_again(self):
        """After a long run: the timeline that was exported, also if another is shown by now. :raises StoppedError: gone"""
        self.pool_again()
        self.calls.need("%s is not there any more" % self.timeline_name, self.timeline, "GetName")
        return self.timeline

    def timelines(self):
        """Name and object of every timeline of the project."""
        found = []
        count = self.calls.ask("project", self.project, "GetTimelineCount") or 0
        for number in range(1, int(count) + 1):
            about = "timeline %d" % number
            timeline = self.calls.ask(about, self.project, "GetTimelineByIndex", number)
            if timeline is not None:
                found.append((self.calls.ask(about, timeline, "GetName") or about, timeline))
        return found


def _paths(value):
    """Every ``path`` in a document."""
    if isinstance(value, list):
        for one in value:
            yield from _paths(one)
    elif isinstance(value, dict):
        if isinstance(value.get("path"), str):
            yield value["path"]
        for one in value.values():
            yield from _paths(one)
