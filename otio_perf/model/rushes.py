"""Folders of rushes, each with the proxies that its media get."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Rushes:
    """A folder whose media become proxies as they are copied in. What is ``None`` is as the setting of that name says."""

    path: Path
    proxy: tuple[str, ...] | None = None
    codec: str | None = None
    quality: int | None = None
    lut: Path | None = None
    burn_in: tuple[str, ...] | None = None
    beside: bool = False  # in a Proxy folder beside each source, not in the workspace
    include: tuple[str, ...] = ()  # patterns of names, see ``watch.scan.Rules``
    exclude: tuple[str, ...] = ()
    recursive: bool = True

    def __str__(self) -> str:
        """As ``watch`` reads it, in one line."""
        said = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        if said.keys() == {"path"}:
            return str(self.path)
        return json.dumps({name: str(value) if isinstance(value, Path) else value for name, value in said.items()})
