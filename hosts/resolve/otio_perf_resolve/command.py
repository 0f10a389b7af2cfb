"""Runs ``otio-perf`` and reads its JSON."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading

from .calls import StoppedError

#: Where none was written in, and none is on PATH.
INSTALL = "otio-perf was not found. Install it (pip install otio-perf), then say: otio-perf host install resolve"
_SCHEMA_VERSION = 1
_LOOK_SECONDS = 0.2
#: Ctrl-C ends it within a second; what takes longer has lost its senses.
_PATIENCE_SECONDS = 15.0
#: Of progress, a line each.
_STEP_PERCENT = 10
_STAGES = {"probe": "looking at the media", "calibrate": "measuring this machine", "proxy": "making proxies"}
_STAGES.update(prerender="prerendering", write="writing")
_IS_WINDOWS = os.name == "nt"


class Answer:
    """What one run came to. ``document``: its JSON, or ``None``. ``last_line``: its last word, fit for a user."""

    def __init__(self, code, document, last_line):
        self.code = code
        self.document = document
        self.last_line = last_line


class Command:
    """``otio-perf``, found once. ``say`` hears its progress, a line each; ``is_stopped`` is asked now and then.

    ``folder``: an empty one, in which it is run.
    """

    def __init__(self, written_in, folder, say, is_stopped=lambda: False):
        self._path = found(written_in)
        self._folder = folder
        self._say = say
        self._is_stopped = is_stopped

    def __call__(self, words, is_asked=True):
        """:param is_asked: for its JSON. :raises StoppedError: it is not there, or was stopped"""
        words = [self._path] + list(words) + (["--json", "-", "--progress", "json"] if is_asked else [])
        how = _apart()
        with tempfile.TemporaryFile() as out:
            try:
                process = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.PIPE,
                    cwd=self._folder,
                    env=environment(os.environ),
                    **how,
                )
            except OSError as error:
                raise StoppedError("%s cannot be run: %s" % (self._path, error)) from error
            lines = []
            reader = threading.Thread(target=self._read, args=(process.stderr, lines), daemon=True)
            reader.start()
            try:
                self._wait(process)
            except BaseException:
                _interrupt(process)
                raise
            reader.join(_PATIENCE_SECONDS)
            out.seek(0)
            text = out.read().decode("utf-8", "replace")
        return Answer(
            process.returncode, _document(text) if is_asked else None, lines[-1] if lines else "otio-perf said nothing"
        )

    def _wait(self, process):
        while process.poll() is None:
            if self._is_stopped():
                raise StoppedError("stopped; what was made stays, and the same command goes on from there")
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_SECONDS)

    def _read(self, stream, lines):
        """``lines``: of text, the last of which is fit for a user."""
        progress = Progress()
        with stream:
            for raw in stream:
                line = raw.decode("utf-8", "replace").strip()
                if line.startswith("{"):
                    line = progress.words(line)
                elif line:
                    lines.append(line)
                if line:
                    self._say(line)


class Progress:
    """Words for events, as ``--progress json`` writes them."""

    def __init__(self):
        self._told = (None, 0)

    def words(self, line):
        """What is worth a line in the console; ``""``: nothing."""
        try:
            event = json.loads(line)
        except ValueError:
            return line
        kind = event.get("event")
        if kind == "progress":
            stage, percent = event.get("stage"), event.get("percent", 0)
            if stage == self._told[0] and percent // _STEP_PERCENT == self._told[1] // _STEP_PERCENT:
                return ""
            self._told = (stage, percent)
            return "%s: %d %%" % (_STAGES.get(stage, stage), percent)
        if kind in ("done", "skipped", "failed"):
            return ": ".join(filter(None, (kind, event.get("label"), event.get("message"))))
        return event.get("text", "") if kind == "notice" else ""


def found(written_in):
    """Environment, what was written in when this was installed, PATH. :raises StoppedError: none of these"""
    for path in (os.environ.get("OTIO_PERF", ""), written_in):
        if path and os.path.isfile(path):
            return path
    path = shutil.which("otio-perf")
    if path is None:
        raise StoppedError(INSTALL)
    return path


def environment(variables):
    """Without what Resolve sets for its own Python and its own libraries: ``otio-perf`` has others."""
    kept = {k: v for k, v in variables.items() if k not in ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__")}
    libraries = kept.pop("LD_LIBRARY_PATH", "").split(os.pathsep)
    libraries = [one for one in libraries if one and "resolve" not in one.lower()]
    if libraries:
        kept["LD_LIBRARY_PATH"] = os.pathsep.join(libraries)
    return kept


def _document(text):
    """:raises StoppedError: it is of a version that is not known here"""
    try:
        document = json.loads(text)
    except ValueError:
        return None
    if not isinstance(document, dict) or document.get("schema_version") != _SCHEMA_VERSION:
        raise StoppedError("otio-perf is newer than its commands in DaVinci Resolve: say otio-perf host install resolve")
    return document


def _apart():
    """Of Popen: a group of its own, so that it hears of Ctrl-C once, and from us; no window."""
    if not _IS_WINDOWS:
        return {"start_new_session": True}
    hidden = subprocess.STARTUPINFO()
    hidden.dwFlags |= subprocess.STARTF_USESHOWWINDOW
    return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP, "startupinfo": hidden}


def _interrupt(process):
    """In order; by force if it does not end."""
    if process.poll() is not None:
        return
    try:
        process.send_signal(signal.CTRL_BREAK_EVENT if _IS_WINDOWS else signal.SIGINT)
        process.wait(_PATIENCE_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        if _IS_WINDOWS:  # the program there starts another, which is the one that works
            subprocess.call(["taskkill", "/T", "/F", "/PID", str(process.pid)], stdout=subprocess.DEVNULL)
        process.kill()
        process.wait()
