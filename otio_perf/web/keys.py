"""Who may come in: a token for programs, one-time codes that become cookies for browsers."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from otio_perf.cache.workspace import write_whole
from otio_perf.errors import ServiceError

#: 256 bits: nobody guesses one.
_TOKEN_BYTES = 32
_MOST_CODES = 16
_MOST_VISITORS = 256
#: Refusals that are answered as such in ``_WINDOW_SECONDS``; above that, with "later". Who has the token is never kept out.
_MOST_REFUSALS = 20
_WINDOW_SECONDS = 60.0


class Keys:
    """The token of one run of the service, and the browsers that were let in: digests are kept and compared."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._clock = clock
        self._lock = threading.Lock()
        self._codes: OrderedDict[bytes, None] = OrderedDict()
        self._visitors: OrderedDict[bytes, None] = OrderedDict()
        self._refused: deque[float] = deque(maxlen=_MOST_REFUSALS)

    def write(self, path: Path) -> None:
        """Put the token where programs of this user, and nobody else's, find it. :raises ServiceError"""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, self.token + "\n", mode=0o600)
        except OSError as e:
            raise ServiceError(f"the token cannot be written: {e.strerror}", path=path) from e

    def remove(self, path: Path) -> None:
        """Take the token away again, if it is still ours: another service may have begun since."""
        with suppress(OSError):
            if path.read_text(encoding="ascii").strip() == self.token:
                path.unlink()

    def is_token(self, said: str) -> bool:
        return hmac.compare_digest(_digest(said), _digest(self.token))

    def code(self) -> str:
        """A new one-time code. Of too many that nobody used, the oldest is forgotten."""
        code = secrets.token_urlsafe(_TOKEN_BYTES)
        with self._lock:
            self._codes[_digest(code)] = None
            while len(self._codes) > _MOST_CODES:
                self._codes.popitem(last=False)
        return code

    def let_in(self, code: str) -> str | None:
        """What the browser that brings ``code`` keeps as its cookie; ``None``: it is used, or was never one."""
        with self._lock:
            found = _among(code, self._codes)
            if found is None:
                return None
            del self._codes[found]
            visitor = secrets.token_urlsafe(_TOKEN_BYTES)
            self._visitors[_digest(visitor)] = None
            while len(self._visitors) > _MOST_VISITORS:
                self._visitors.popitem(last=False)
            return visitor

    def is_visitor(self, said: str) -> bool:
        with self._lock:
            return _among(said, self._visitors) is not None

    def refuse(self) -> float:
        """Somebody came without. :returns: seconds to wait before the next try is answered; 0: answered as it is"""
        now = self._clock()
        with self._lock:
            if len(self._refused) == _MOST_REFUSALS and now - self._refused[0] < _WINDOW_SECONDS:
                return _WINDOW_SECONDS - (now - self._refused[0])
            self._refused.append(now)
            return 0.0


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _among(said: str, digests: OrderedDict[bytes, None]) -> bytes | None:
    """All are compared, each in constant time."""
    wanted, found = _digest(said), None
    for digest in digests:
        if hmac.compare_digest(digest, wanted):
            found = digest
    return found
