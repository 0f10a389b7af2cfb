"""The scripts that a host itself loads: ``hosts/`` of the checkout, which the wheel carries under ``share/otio_perf``.

They are found where they are and copied to where the host looks, with the path of our command written in.
"""

from __future__ import annotations

import ast
import shutil
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from otio_perf.errors import HostError

#: The line of a script that says where our command is; ``COMMAND = ""`` in the checkout.
_COMMAND_LINE = 'COMMAND = ""'
_SHARED = "share/otio_perf/hosts/"


def script(name: str) -> Path:
    """The file of a script: ``script("kdenlive/otio_perf_job.py")``.

    :raises HostError: it is not there
    """
    checkout = Path(__file__).parents[2]
    if (checkout / "pyproject.toml").is_file() and (checkout / "hosts" / name).is_file():
        return checkout / "hosts" / name
    try:
        files = metadata.files("otio-perf") or ()
    except metadata.PackageNotFoundError:
        files = ()
    for file in files:
        if file.as_posix().endswith(_SHARED + name):
            found = Path(str(file.locate())).resolve()
            if found.is_file():
                return found
    raise HostError(f"the script {name} is missing from this installation", hint="Install it again: pip install otio-perf")


def installed(name: str, command: str) -> bytes:
    """What is in a script once it is installed: it knows ``command``, the absolute path of ``otio-perf``.

    :raises HostError: it is not there
    """
    text = script(name).read_text(encoding="utf-8")
    if text.count(f"{_COMMAND_LINE}\n") > 1:
        raise HostError("says more than once where otio-perf is", path=name)
    return text.replace(f"{_COMMAND_LINE}\n", f"COMMAND = {command!a}\n").encode()


def command_in(content: bytes) -> str:
    """The command that a script was installed with; ``""`` if it is none of ours."""
    for line in content.decode(errors="replace").splitlines():
        if line.startswith("COMMAND = "):
            with suppress(ValueError, SyntaxError):
                return str(ast.literal_eval(line.removeprefix("COMMAND = ")))
    return ""


def own_command() -> str:
    """The absolute path of the ``otio-perf`` that is running.

    :raises HostError: it has no such file, as in a checkout that is not installed
    """
    named = Path(sys.argv[0])
    beside = Path(sys.executable).parent  # the virtual environment, also where its interpreter is a link
    for folder, name in ((named.parent, named.name), (beside, "otio-perf"), (beside, "otio-perf.exe")):
        file = folder / name
        if Path(name).stem == "otio-perf" and file.is_file():
            return str(file.absolute())
    if found := shutil.which("otio-perf"):
        return str(Path(found).absolute())
    raise HostError("the program otio-perf is not found", hint="Install it: pip install otio-perf")
