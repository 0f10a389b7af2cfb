"""Where a user's programs keep their files: the home folder, its environment and system, as one value.

Everything that looks for a host takes a ``Home``: a test gives it a folder of its own, and nothing reads the real one.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from otio_perf.errors import HostError


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """``folder``: the user's home. ``variables``: of the environment. ``platform``: ``linux``, ``darwin`` or ``win32``, as
    ``sys.platform`` says it. ``root``: of the file system; tests have one of their own, in which ``/opt`` is then looked up."""

    folder: Path
    variables: Mapping[str, str]
    platform: str
    root: Path = Path("/")

    @classmethod
    def of_user(cls) -> Home:
        """The home of who runs this. :raises HostError: the system does not say where it is"""
        try:
            folder = Path.home()
        except RuntimeError as e:
            raise HostError("it is not known where your home folder is", hint="Say it in the environment: HOME") from e
        return cls(folder=folder, variables=dict(os.environ), platform=sys.platform)

    @property
    def config_folder(self) -> Path:
        """Where programs keep settings: Qt's GenericConfigLocation (on Linux XDG's)."""
        return self._base("XDG_CONFIG_HOME", ".config", mac="Library/Preferences", windows="LOCALAPPDATA")

    @property
    def data_folder(self) -> Path:
        """Where programs keep what a user adds to them: Qt's AppDataLocation without the program's name (on Linux XDG's)."""
        return self._base("XDG_DATA_HOME", ".local/share", mac="Library/Application Support", windows="APPDATA")

    def _base(self, variable: str, usual: str, *, mac: str, windows: str) -> Path:
        if self.platform == "win32":
            return self.windows(windows)
        if self.platform == "darwin":
            return self.folder / mac
        said = self.variables.get(variable, "")
        return Path(said) if said.startswith("/") else self.folder / usual  # the XDG standard: what is relative is ignored

    def windows(self, variable: str) -> Path:
        """A folder that Windows names in the environment: ``APPDATA``, ``LOCALAPPDATA``, ``PROGRAMDATA``, ``PROGRAMFILES``."""
        usual = {"APPDATA": "AppData/Roaming", "LOCALAPPDATA": "AppData/Local"}
        if said := self.variables.get(variable, ""):
            return Path(said)
        if variable in usual:
            return self.folder / usual[variable]
        return self.system({"PROGRAMDATA": "ProgramData", "PROGRAMFILES": "Program Files"}[variable])

    def system(self, path: str) -> Path:
        """A path of the whole machine: ``system("/opt/resolve")``."""
        return self.root / path.lstrip("/")

    def program(self, *names: str) -> Path | None:
        """The first of these that is on ``PATH``, absolute; ``None`` if none is."""
        for name in names:
            if found := shutil.which(name, path=self.variables.get("PATH", "")):
                return Path(found).absolute()
        return None
