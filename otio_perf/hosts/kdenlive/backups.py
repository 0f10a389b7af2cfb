"""What a project was before we changed it, beside it: the newest few. What a user has made of one is his, and stays."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

from otio_perf.cache.workspace import write_whole
from otio_perf.hosts.kdenlive.once import digest
from otio_perf.timeline.appearing import appearing, write_bytes

#: A project may have a hundred megabytes, and is saved between any two commands.
_MOST = 3


def keep(path: Path, data: bytes, mode: int, record: Path) -> Path:
    """A copy of what is about to be replaced, ``NAME.before-otio_perf.kdenlive``; one of the same content serves.

    Of the earlier ones in ``record`` all but the newest go, if they are as we wrote them.

    :raises UnwritableTimelineError, DiskFullError
    """
    form = re.compile(rf"{re.escape(path.stem)}\.before-otio_perf(?:-(\d{{1,9}}))?{re.escape(path.suffix)}")
    there = {found[0]: int(found[1] or 1) for one in path.parent.iterdir() if (found := form.fullmatch(one.name))}
    wanted = digest(data)
    name = next((name for name in there if _is(path.with_name(name), wanted)), "")
    if not name:
        number = max(there.values(), default=0) + 1
        name = f"{path.stem}.before-otio_perf{f'-{number}' if number > 1 else ''}{path.suffix}"
        with appearing(path.with_name(name), path.suffix) as partial:
            write_bytes(partial, data, mode=mode)
    known = {one: its for one, its in _recorded(record).items() if one in there and one != name} | {name: wanted}
    for old in list(known)[:-_MOST]:
        its = known.pop(old)
        with suppress(OSError):
            if _is(path.with_name(old), its):
                path.with_name(old).unlink()
    with suppress(OSError):
        write_whole(record, json.dumps(known) + "\n")
    return path.with_name(name)


def _is(path: Path, wanted: str) -> bool:
    with suppress(OSError):
        return not path.is_symlink() and digest(path.read_bytes()) == wanted
    return False


def _recorded(record: Path) -> dict[str, str]:
    """Names and digests of what we wrote, the oldest first."""
    with suppress(OSError, ValueError):
        said = json.loads(record.read_text(encoding="utf-8"))
        if isinstance(said, dict):
            return {name: its for name, its in said.items() if isinstance(its, str)}
    return {}
