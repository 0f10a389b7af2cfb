#!/usr/bin/env python3
"""Commands of otio_perf in Kdenlive's menu (clip in the bin > Media Jobs). Installed by: otio-perf host install kdenlive

Kdenlive runs this once for each clip that is selected: otio_perf_job.py COMMAND SOURCE OUTPUT. What is done is done by
otio-perf, to the project that is open; here it is only started, and its progress told as Kdenlive reads it: "percentage: 42" on
standard error. What else is on standard error is what "Show log" shows. No output is made: Kdenlive says so in a banner; the
last line of the log says what was done.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
from shutil import which

COMMAND = ""

#: What each menu entry asks of otio-perf.
COMMANDS = {
    "proxy": ["host", "apply", "kdenlive", "proxies", "--media", "{source}"],
    "optimize": ["host", "apply", "kdenlive", "optimize", "--save", "--once"],
    "prerender": ["host", "apply", "kdenlive", "prerender", "--zone", "--all", "--save", "--once"],
    "restore": ["host", "apply", "kdenlive", "restore", "--save", "--once"],
    "dashboard": ["dashboard"],
}
#: In a Flatpak, of which nobody outside can tell which project it has open.
IN_SANDBOX = {
    "proxy": ["host", "place", "kdenlive", "{source}", "--all", "--packaging", "flatpak"],
    "dashboard": ["dashboard"],
}
#: Where in the whole the stages that take long begin, and how much of it they are, in percent.
STAGES = {"probe": (0, 5), "calibrate": (5, 5), "proxy": (10, 85), "prerender": (10, 85)}
SCHEMA_VERSION = 1


def main(words):
    if len(words) < 2 or words[0] not in COMMANDS:
        print(__doc__, file=sys.stdout if "--help" in words else sys.stderr)
        return 0 if "--help" in words else 2
    verb, source = words[0], os.path.abspath(words[1])
    command = found_command()
    if command is None:
        tell("otio-perf is not found. Install it (pip install otio-perf), then: otio-perf host install kdenlive")
        return 2
    commands = IN_SANDBOX if is_in_flatpak() else COMMANDS
    if verb not in commands:
        tell("Kdenlive as a Flatpak cannot be told of a changed project. Close the project, then: otio-perf %s FILE" % verb)
        return 2
    asked = [source if word == "{source}" else word for word in commands[verb]]
    if verb == "dashboard":  # which says what it did in a line
        return run(command + asked)
    if is_in_flatpak():
        code = run(command + asked + ["--progress", "json"])
        if code == 0:
            tell("otio_perf: switch it on with Proxy Clip in the clip's menu")
        return code
    return run(command + asked + ["--pid", str(os.getppid()), "--json", "-", "--progress", "json"])


def is_in_flatpak():
    return os.path.exists("/.flatpak-info")


def found_command():
    """How otio-perf is started: what the environment says, where it was when this was installed, on PATH."""
    if is_in_flatpak():  # it is outside of the sandbox
        return ["flatpak-spawn", "--host", "--watch-bus", COMMAND or "otio-perf"]
    for path in (os.environ.get("OTIO_PERF"), COMMAND, which("otio-perf")):
        if path and os.path.isfile(path):
            return [path]
    return None


def environment(variables):
    """Without what an AppImage or a Snap sets for its own Python and its own libraries: otio-perf has others."""
    kept = {k: v for k, v in variables.items() if k not in ("PYTHONHOME", "PYTHONPATH")}
    own = tuple(kept[name] for name in ("APPDIR", "SNAP") if kept.get(name))
    libraries = kept.pop("LD_LIBRARY_PATH", "").split(os.pathsep)
    libraries = [one for one in libraries if one and not (own and one.startswith(own))]
    if libraries:
        kept["LD_LIBRARY_PATH"] = os.pathsep.join(libraries)
    return kept


def run(words):
    """Run it, tell its progress, then what it says. :returns: its exit code"""
    child = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(os.environ),
        cwd="/",  # never where media are: Python might run what lies there
        preexec_fn=end_with_parent if sys.platform.startswith("linux") else None,
    )
    percent = 0
    last = ""
    for raw in child.stderr:
        line = raw.decode("utf-8", "replace").rstrip()
        event = event_in(line)
        if event is None:
            if line:
                last = line
                tell(line)
        elif event.get("event") == "progress" and event.get("stage") in STAGES:
            start, share = STAGES[event["stage"]]
            now = int(start + share * event.get("percent", 0) / 100)
            if now > percent:
                percent = now
                tell("percentage: %d" % percent)
        elif event.get("event") in ("failed", "skipped"):
            tell("%s: %s: %s" % (event["event"], event.get("label"), event.get("message")))
        elif event.get("event") == "notice":
            tell("note: %s" % event.get("text"))
    answer = child.stdout.read().decode("utf-8", "replace")
    code = child.wait()
    message = message_in(answer)
    if message:
        tell("percentage: 100")
        tell("otio_perf: %s" % message)
    elif not last:
        tell("otio_perf: ended with %d" % code)
    return code


def event_in(line):
    if line.startswith("{"):
        try:
            found = json.loads(line)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None
    return None


def message_in(answer):
    """What a user is to know, from the answer: JSON, or a line."""
    if not answer.startswith("{"):
        return answer.strip()
    try:
        document = json.loads(answer)
    except ValueError:
        return ""
    if document.get("schema_version") != SCHEMA_VERSION:
        return "this script is older than otio-perf: otio-perf host install kdenlive"
    said = [document.get("message", "")]
    if document.get("backup"):
        said.append("what was there before: %s" % document["backup"])
    return "%s: %s" % (os.path.basename(document.get("project", "")), ". ".join(said))


def end_with_parent():
    """Kdenlive ends a job that is cancelled with SIGKILL: otio-perf then hears SIGINT, and stops in order."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGINT)
    except (OSError, AttributeError):
        pass  # it goes on to its end


def tell(line):
    try:
        print(line, file=sys.stderr)
        sys.stderr.flush()
    except OSError:
        pass  # Kdenlive went away: the work goes on


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
