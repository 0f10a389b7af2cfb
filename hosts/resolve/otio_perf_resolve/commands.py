"""The commands of the menu, and how each is run: from Resolve's menu, and from outside."""

import os
import shutil
import sys
import tempfile
import traceback
import webbrowser

from . import importing, linking, marking, restoring
from .calls import StoppedError
from .cassette import Recorder
from .command import Command
from .report import FAILED, Report
from .session import Session


def record(session):
    """What a test can replay: the commands that ask Resolve for something, one after the other."""
    linking.link(session)
    marking.mark(session)
    restoring.restore(session)


#: Command: title and what it does.
COMMANDS = {
    "link": ("Link proxies", linking.link),
    "mark": ("Mark heavy regions", marking.mark),
    "import": ("Import prerendered timeline", importing.import_prerendered),
    "restore": ("Restore originals", restoring.restore),
    "record": ("Record for otio_perf", record),
}
#: Those that need no Resolve.
OTHERS = {"dashboard": "Open dashboard", "stop": "Stop"}


def tell(line):
    """Into the console, which may know fewer letters, or may be closed."""
    try:
        print(line, flush=True)
    except UnicodeError:
        print(line.encode("ascii", "backslashreplace").decode("ascii"), flush=True)
    except (OSError, ValueError, AttributeError):
        pass


def from_menu(name, resolve, written_in):
    """A command of Workspace > Scripts: its report is printed into the console, and shown in the browser."""
    if name in OTHERS:
        return _other(name, written_in, tell)
    cassette = os.path.join(os.path.expanduser("~"), "otio_perf-resolve-cassette.json") if name == "record" else None
    report = run(name, resolve, written_in, tell, cassette=cassette)
    show(report)
    return report.count(FAILED)


def run(name, resolve, written_in, say, cassette=None, command_of=Command):
    """The ``Report`` of a command. ``cassette``: file to record the calls to. Ctrl-C ends it in order."""
    title, act = COMMANDS[name]
    report = Report("otio_perf: %s" % title, say)
    folder = os.path.realpath(tempfile.mkdtemp(prefix="otio_perf-"))
    recorder = Recorder(name, folder) if cassette else None
    try:
        _forget_stop()
        if resolve is None:
            raise StoppedError("DaVinci Resolve is not running, or does not let itself be asked from here")
        command = command_of(written_in, folder, report.progress, _is_stopped)
        if recorder is not None:
            resolve, command = recorder.object(resolve), recorder.command(command)
        act(Session(resolve, command, report, folder))
    except StoppedError as reason:
        report.failed("", str(reason))
    except KeyboardInterrupt:
        report.failed("", "interrupted; what was made stays, and the same command goes on from there")
    except Exception:  # noqa: BLE001 - an editor has no use for a traceback, and we have
        report.failed("", "this is a bug of otio_perf, please report it:\n%s" % traceback.format_exc())
    finally:
        _forget_stop()
        shutil.rmtree(folder, ignore_errors=True)
        if recorder is not None:
            _write(report, cassette, recorder)
    say(report.summary)
    return report


def show(report):
    """The report in the browser; where that does not go, it is in the console anyway."""
    path = os.path.join(_own_folder(), "otio_perf-report.html")  # the last one is enough
    with open(path, "w", encoding="utf-8") as file:
        file.write(report.page())
    try:
        webbrowser.open("file://" + path.replace(os.sep, "/") if os.name != "nt" else path)
    except Exception as error:  # noqa: BLE001 - a browser is a courtesy
        report.progress("the report is in %s (%s)" % (path, error))


def _write(report, path, recorder):
    try:
        text = recorder.text(report.product, report.counts)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        report.note("", "recorded in %s, without your paths and names: look it through, and send it to otio_perf" % path)
    except Exception as error:  # noqa: BLE001 - what was done is done, and told
        report.failed("", "the recording could not be written: %s" % error)


def _other(name, written_in, say):
    if name == "stop":
        with open(_stop_file(), "w"):
            say("otio_perf stops")
        return 0
    with tempfile.TemporaryDirectory(prefix="otio_perf-") as folder:
        try:
            return Command(written_in, folder, say)(["dashboard"], is_asked=False).code
        except StoppedError as reason:
            say(str(reason))
            return 5


def _stop_file():
    return os.path.join(_own_folder(), ".otio_perf-stop")


def _own_folder():
    """A folder of the user's: nobody else can lay anything there."""
    home = os.path.expanduser("~")
    usual = {"darwin": os.path.join(home, "Library", "Caches"), "win32": os.environ.get("LOCALAPPDATA", home)}
    folder = usual.get(sys.platform) or os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    return folder if os.path.isdir(folder) else home


def _is_stopped():
    return os.path.exists(_stop_file())


def _forget_stop():
    try:
        os.remove(_stop_file())
    except OSError:
        pass


# -- from outside ------------------------------------------------------------------------------------------------------


def main(words):
    """``python3 otio_perf_resolve link``: DaVinci Resolve Studio only, which has to be running."""
    import argparse

    parser = argparse.ArgumentParser(prog="otio_perf_resolve", description="otio_perf in DaVinci Resolve Studio, from outside")
    parser.add_argument("command", choices=list(COMMANDS) + list(OTHERS))
    parser.add_argument("--record", metavar="FILE", help="write the calls and answers, without paths and names, to FILE")
    said = parser.parse_args(words)
    if said.command in OTHERS:
        return _other(said.command, "", tell)
    cassette = said.record or ("otio_perf-resolve-cassette.json" if said.command == "record" else None)
    report = run(said.command, outside(), "", tell, cassette=cassette)
    return 4 if report.count(FAILED) else 0


def outside():
    """The running Resolve, or ``None``: by the module that comes with it (``RESOLVE_SCRIPT_API`` says where)."""
    places = [os.path.join(place, "Modules") for place in _script_folders()]
    sys.path.extend(place for place in places if place not in sys.path)
    try:
        import DaVinciResolveScript
    except ImportError:
        return None
    return DaVinciResolveScript.scriptapp("Resolve")


def _script_folders():
    usual = {
        "darwin": "/Library/Application Support/Blackmagic Design/DaVinci Resolve/Developer/Scripting",
        "win32": os.path.join(
            os.environ.get("PROGRAMDATA", "C:\\ProgramData"),
            "Blackmagic Design\\DaVinci Resolve\\Support\\Developer\\Scripting",
        ),
    }
    named = os.environ.get("RESOLVE_SCRIPT_API")
    return ([named] if named else []) + [usual.get(sys.platform, "/opt/resolve/Developer/Scripting")]
