"""What is at a path now, where a medium was seen before."""

from __future__ import annotations

from otio_perf.errors import MediaError, OfflineMediaError
from otio_perf.media import fingerprint
from otio_perf.media.discover import discover
from otio_perf.model.media import Sequence
from otio_perf.optimizer.session import Session


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
