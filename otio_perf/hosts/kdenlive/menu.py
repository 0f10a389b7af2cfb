"""Kdenlive's menu commands of ours: Media Jobs (seen in 26.08; 22.12 has none), and the script that they run.

They are rows of ``clipjobsettings.rc``, by the job's id; a user's own jobs are in the same file.
"""

from __future__ import annotations

from pathlib import Path

from otio_perf.hosts import scripts
from otio_perf.hosts.parts import Entries, OwnFile, Part
from otio_perf.model.hosts import Installation, Packaging

_SCRIPT = "otio_perf_job.py"
_FILE = "clipjobsettings.rc"
#: Command of the script → words in the menu.
_JOBS = {
    "proxy": "otio_perf: Make Proxy",
    "optimize": "otio_perf: Optimize Project",
    "prerender": "otio_perf: Prerender Timeline Zone",
    "restore": "otio_perf: Restore Originals",
    "dashboard": "otio_perf: Open Dashboard",
}
#: What works in a Flatpak, which cannot be asked for its project, nor told of a changed one.
_IN_FLATPAK = ("proxy", "dashboard")
#: Video alone, sound alone, both, pictures: a project is more than the clip that is clicked on.
_ALL_TYPES, _PROXY_TYPES = "vai", "v"


def jobs(installation: Installation) -> tuple[str, ...]:
    """Words in its menu of what can work there: all, but in a sandbox."""
    return tuple(_JOBS[verb] for verb in _verbs(installation))


def _verbs(installation: Installation) -> tuple[str, ...]:
    if installation.packaging is Packaging.FLATPAK:
        return _IN_FLATPAK
    if installation.packaging is Packaging.SNAP and "/snap/" in installation.data_folder:
        return ()  # it cannot run what is outside of it
    return tuple(_JOBS)


def parts(installation: Installation, command: str) -> tuple[Part, ...]:
    """What is put into ``installation``, with ``command``, the absolute path of ``otio-perf``.

    :raises HostError: the script is missing from this installation of ours
    """
    verbs = _verbs(installation)
    if not verbs:
        return ()
    folder = Path(installation.data_folder)
    script = folder / _SCRIPT
    rows: dict[str, dict[str, str]] = {
        "Ids": {},
        "Binary": {},
        "Parameters": {},
        "Output": {},
        "FolderUse": {},
        "EnabledTypes": {},
        "Description": {},
    }
    for number, verb in enumerate(verbs, 1):
        text = _JOBS[verb]
        job = f"otio_perf_{number}_{verb}"  # Kdenlive's menu is in the order of these
        rows["Ids"][job] = text
        rows["Binary"][job] = str(script)
        rows["Parameters"][job] = f"{verb} {{source}} {{output}}"
        rows["Output"][job] = "otio_perf"  # a suffix that nothing has: nothing is ever written there
        rows["FolderUse"][job] = "nooutput"
        rows["EnabledTypes"][job] = _PROXY_TYPES if verb == "proxy" else _ALL_TYPES
        rows["Description"][job] = text
    return (
        OwnFile(path=script, content=scripts.installed(f"kdenlive/{_SCRIPT}", command), is_executable=True),
        Entries(path=folder / _FILE, values=rows),
    )
