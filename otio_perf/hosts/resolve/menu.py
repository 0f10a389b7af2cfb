"""What is put into DaVinci Resolve: a small script for each command of Workspace ▸ Scripts ▸ otio_perf, and what they share.

A script's file is its line in the menu, so that what they share lies beside the folder of scripts, not in it; Resolve does not
tell a script where it lies, so that the place is written in.
"""

from __future__ import annotations

from pathlib import Path

from otio_perf.errors import HostError
from otio_perf.hosts import scripts
from otio_perf.hosts.parts import OwnFile, Part
from otio_perf.model.hosts import Installation

#: Command of ``hosts/resolve`` → its script below ``Scripts/Utility/otio_perf``, which is how the menu calls it.
MENU = {
    "link": "Link proxies",
    "mark": "Mark heavy regions",
    "import": "Import prerendered timeline",
    "restore": "Restore originals",
    "dashboard": "Open dashboard",
    "stop": "Stop",
    "record": "Contribute/Record for otio_perf",
}
_SHARED = "resolve/otio_perf_resolve"


def parts(installation: Installation, command: str) -> tuple[Part, ...]:
    """What is put into ``installation``, with ``command``, the absolute path of ``otio-perf``.

    :raises HostError: a script is missing from this installation of ours
    """
    fusion = Path(installation.data_folder)
    shared = fusion / "otio_perf"
    package = scripts.script(f"{_SHARED}/__init__.py").parent
    modules = [
        OwnFile(path=shared / package.name / file.name, content=file.read_bytes()) for file in sorted(package.glob("*.py"))
    ]
    menu = fusion / "Scripts" / "Utility" / "otio_perf"
    return (
        *modules,
        *(OwnFile(path=menu / f"{title}.py", content=_script(name, str(shared), command)) for name, title in MENU.items()),
    )


def _script(name: str, folder: str, command: str) -> bytes:
    text = scripts.installed("resolve/menu_command.py", command).decode()
    for line, value in (("NAME", name), ("FOLDER", folder)):
        before, found, after = text.partition(f'{line} = ""\n')
        if not found:
            raise HostError(f"has no line for {line}", path="menu_command.py")
        text = f"{before}{line} = {value!a}\n{after}"
    return text.encode()
