"""Media by path: what a user named, and what is now where a medium was seen before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from otio_perf.errors import MediaError, OfflineMediaError, SettingsError
from otio_perf.media import fingerprint
from otio_perf.media.discover import MEDIA_SUFFIXES, SOUND_SUFFIXES, discover
from otio_perf.model.media import Sequence
from otio_perf.model.uses import Target, TargetKind
from otio_perf.optimizer.session import Session
from otio_perf.timeline import files

_EMPTY_HINT = "In folders media are told by their suffix; name a file to have it looked at whatever it is called"


def named(session: Session, paths: Iterable[str | Path]) -> list[Target]:
    """Media among what the user named, each once. Folders without any are told; timelines are refused, with the way on.

    :raises SettingsError: there is nothing in all of ``paths``.
    """
    found: dict[str, Target] = {}
    empty = []
    for path in paths:
        here = list(discover([path]))
        found.update((t.url, t) for t in map(_told, here) if t.url not in found)
        empty += [] if here else [str(path)]
    if not found:
        raise SettingsError(f"no media found in {', '.join(empty) or 'nothing'}", hint=_EMPTY_HINT)
    for path in empty:
        session.note(f"no media found in {path}")
    return list(found.values())


def _told(target: Target) -> Target:
    """A timeline that was named as a medium is refused by what it is."""
    suffix = Path(target.url).suffix.lower()
    if target.kind is not TargetKind.FILE or suffix in MEDIA_SUFFIXES | SOUND_SUFFIXES or suffix not in files.formats():
        return target
    reason = "is a timeline: otio-perf optimize makes proxies of its media"
    return replace(target, kind=TargetKind.REFUSED, path=None, reason=reason)


def content_at(session: Session, path: str, pictures: Sequence | None) -> str | None:
    """Fingerprint of the medium there, ``None`` where there is none. Its head, tail and samples are read, it is not opened.

    :param pictures: as which numbered pictures it was seen; looked for where that is not known.
    """
    session.check_stop()
    subject = pictures or next((t.sequence for t in discover([path])), None) or path
    try:
        return fingerprint.fingerprint(subject)
    except OfflineMediaError:
        return None
    except MediaError:
        return ""  # something else is in its place
