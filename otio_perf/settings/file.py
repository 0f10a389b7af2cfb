"""The settings file: YAML, of a size that nobody writes by mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from otio_perf.errors import SettingsError

_MAX_FILE_BYTES = 1_000_000
_MAX_NODES = 10_000


def read(path: Path) -> dict[str, Any]:
    """Values by name, as they were written. :raises SettingsError: it cannot be read, or is none"""
    import yaml

    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise SettingsError("settings file is larger than 1 MB", path=path)
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise SettingsError(e.strerror or str(e), path=path, hint="Check the file name and its permissions") from e
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as e:
        reason = str(e).partition("\n")[0] or type(e).__name__
        raise SettingsError(f"not readable as YAML: {reason}", path=path) from e
    if document is None:
        return {}
    if not isinstance(document, dict) or not all(isinstance(k, str) for k in document):
        raise SettingsError("settings are written as name: value", path=path)
    if _nodes(document) > _MAX_NODES:
        raise SettingsError("settings file expands to too many values", path=path)
    return document


def _nodes(value: Any, depth: int = 0) -> int:
    """Values in a YAML document, aliases counted as often as they appear; gives up early."""
    if depth > 20:
        return _MAX_NODES + 1
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    total = 1
    for child in children:
        total += _nodes(child, depth + 1)
        if total > _MAX_NODES:
            break
    return total
