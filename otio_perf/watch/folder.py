"""A folder into which media are copied: says which have settled, which change again, which are gone.

What the system says of changes is a hint; that all folders are looked at again from time to time makes it true. A folder that
is not there any more (renamed, unmounted, its disk gone) suspends the watch: nothing in it counts as deleted, and when it is
back, it is looked at afresh.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from otio_perf.watch import filesystems, settle
from otio_perf.watch.events import Changed, FolderEvent, FolderState, Gone, Noted, Settled, Turned
from otio_perf.watch.hints import Hints, why_no_more
from otio_perf.watch.scan import Listing, Rules, list_folder, name_of, walk
from otio_perf.watch.settle import Seen, Settling, Stage

_RESCAN_SECONDS = 60.0
_POLL_SECONDS = 5.0
#: How often it is looked whether the folder itself is still there.
_ROOT_SECONDS = 2.0
#: Changes that are told one by one are looked at together so often.
_GATHER_SECONDS = 0.2
#: Looking at everything takes one hundredth of a processor at most, at what has changed one tenth.
_SCAN_REST, _LOOK_REST = 100.0, 10.0
#: Where the system would watch no more, it is asked again.
_HINTS_AGAIN_SECONDS = 600.0


@dataclass(slots=True)
class _Known:
    device: int
    media: frozenset[str]
    folders: frozenset[str]


class FolderWatch:
    """Watches ``root`` and tells ``listener``, in a thread of its own. ``listener`` must not raise.

    :param settle_seconds: so long a file must be unchanged
    :param remote_type: why changes in it are not told by the system (``filesystems``); tests have their own
    """

    def __init__(
        self,
        root: str | Path,
        listener: Callable[[FolderEvent], None],
        *,
        rules: Rules | None = None,
        settle_seconds: float = 5.0,
        rescan_seconds: float = _RESCAN_SECONDS,
        poll_seconds: float = _POLL_SECONDS,
        remote_type: Callable[[Path], str | None] = filesystems.remote_type,
    ) -> None:
        self.root = str(Path(root).absolute())
        self._listener = listener
        self._rules = rules or Rules()
        self._settle_seconds = settle_seconds
        self._rescan_seconds = rescan_seconds
        self._poll_seconds = poll_seconds
        self._remote_type = remote_type
        self._lock = threading.Lock()  # of what ``state`` and ``refuse`` touch
        self._media: dict[str, Settling] = {}
        self._unsettled: set[str] = set()  # names in it that are not settled
        self._folder_of: dict[str, str] = {}
        self._known: dict[str, _Known] = {}
        self._mode, self._reason = "suspended", "not looked at yet"
        self._scanned_at: float | None = None
        self._root_identity: tuple[int, int] | None = None
        self._lost_at: float | None = None  # by the monotonic clock: since when no look at it succeeds
        self._hints: Hints | None = None
        self._hints_at = 0.0
        self._scan_at = 0.0  # by the monotonic clock: when everything is looked at next
        self._rest_until = 0.0
        self._unreadable: set[str] = set()
        self._events: list[FolderEvent] = []
        self._news = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"otio-perf folder {self.root}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._news.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def __enter__(self) -> FolderWatch:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def state(self) -> FolderState:
        """Answers at once, also while the folder is being looked at."""
        with self._lock:
            return FolderState(
                mode=self._mode,
                reason=self._reason,
                files=len(self._media),
                settling=len(self._unsettled),
                scanned_at=self._scanned_at,
            )

    def settling(self) -> tuple[str, ...]:
        """Paths of the media that have not settled."""
        with self._lock:
            return tuple(self._media[name].seen.path for name in self._unsettled)

    def refuse(self, seen: Seen) -> None:
        """It was told as settled, and whoever opened it found that it is not whole: it is told again when it has changed."""
        with self._lock:
            name = name_of(seen.path)
            one = self._media.get(name)
            if one is not None and (after := settle.refused(one, seen)) is not one:
                self._media[name] = after
                self._unsettled.add(name)

    # -- the thread ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                self._news.clear()
                try:
                    self._turn(time.monotonic())
                except Exception as e:  # noqa: BLE001 (who watches must not stop without a word)
                    self._suspend(f"unforeseen {type(e).__name__}: {e}")
                events, self._events = self._events, []
                for event in events:
                    if self._closing.is_set():
                        break
                    self._listener(event)
                now = time.monotonic()
                if self._news.wait(max(0.0, self._next_turn(now) - now)):  # more of it may be coming
                    rest = min(self._rest_until - time.monotonic(), _ROOT_SECONDS)
                    self._closing.wait(max(_GATHER_SECONDS, rest))
        finally:
            self._unhint()

    def _next_turn(self, now: float) -> float:
        if self._mode == "suspended":
            return now + _ROOT_SECONDS
        with self._lock:
            due = [self._media[name].since for name in self._unsettled if self._may_settle(name)]
        settles = min(due) + self._settle_seconds if due else now + _ROOT_SECONDS
        return max(min(settles, self._scan_at, now + _ROOT_SECONDS), now + _GATHER_SECONDS)

    def _turn(self, now: float) -> None:
        if not self._is_there(now):
            return
        folders, lost = self._hints.take() if self._hints else (frozenset[str](), "")
        if self._hints and not self._hints.is_alive:
            lost = "the system stopped telling of changes"
            self._unhint()
            self._hints_at = now
        if lost:
            self._events.append(Noted(text=f"{self.root}: {lost}; all of it was looked at again"))
        self._hint(now)
        if lost or now >= self._scan_at:
            self._scan()
        else:
            with self._lock:
                due = {self._folder_of[name] for name in self._due(now)}
            self._look(folders | due)
        self._settle(now)

    def _may_settle(self, name: str) -> bool:
        return settle.may_settle(self._media[name]) and self._folder_of[name] not in self._unreadable

    def _due(self, now: float) -> list[str]:
        return [
            name
            for name in self._unsettled
            if self._may_settle(name) and settle.is_due(self._media[name], now, self._settle_seconds)
        ]

    # -- the folder itself ---------------------------------------------------------------------------------------------

    def _is_there(self, now: float) -> bool:
        """Also takes it up again, where it is back."""
        try:
            status = os.stat(self.root)  # noqa: PTH116
            with os.scandir(self.root) as entries:
                is_empty = next(entries, None) is None
        except OSError as e:
            self._lost_at = now if self._lost_at is None else self._lost_at
            if self._mode == "suspended" or now - self._lost_at >= _ROOT_SECONDS:  # one look that fails says nothing
                is_gone = isinstance(e, (FileNotFoundError, NotADirectoryError))
                self._suspend("it is not there" if is_gone else e.strerror or str(e))
            return False
        self._lost_at = None
        identity = (status.st_dev, status.st_ino)
        if self._root_identity not in (None, identity):
            if is_empty:  # what an unmounted disk leaves
                self._suspend("another folder is in its place, and it is empty")
                return False
            self._suspend("another folder is in its place")
        self._root_identity = identity
        if self._mode == "suspended":
            self._hints_at = self._scan_at = now
            self._unreadable.clear()
        return True

    def _suspend(self, reason: str) -> None:
        self._turn_to("suspended", reason)
        self._unhint()
        with self._lock:
            self._media.clear()
            self._unsettled.clear()
            self._folder_of.clear()
        self._known.clear()

    def _turn_to(self, mode: str, reason: str) -> None:
        if (mode, reason) != (self._mode, self._reason):
            with self._lock:
                self._mode, self._reason = mode, reason
            self._events.append(Turned(mode=mode, reason=reason))
            if mode == "polling":
                self._scan_at = 0.0  # changes may have gone by untold

    # -- what the system says ------------------------------------------------------------------------------------------

    def _hint(self, now: float) -> None:
        """Have changes told, where that can be had."""
        if self._hints is not None or now < self._hints_at:
            return
        self._hints_at = now + _HINTS_AGAIN_SECONDS
        remote = self._remote_type(Path(self.root))
        if remote is not None:
            self._turn_to("polling", f"on a file system ({remote}) that does not tell of all changes")
            return
        try:
            self._hints = Hints(self.root, is_recursive=self._rules.is_recursive, wake=self._news.set)
        except OSError as e:
            self._turn_to("polling", f"the system tells of no changes: {e.strerror or e}")
            return
        self._check_room()

    def _check_room(self) -> None:
        reason = why_no_more()
        if reason is None:
            self._turn_to("watching", "")
            return
        self._unhint()
        self._turn_to("polling", f"the system tells of no more changes: {reason}")

    def _unhint(self) -> None:
        hints, self._hints = self._hints, None
        if hints is not None:
            hints.close()

    # -- looking -------------------------------------------------------------------------------------------------------

    def _scan(self) -> None:
        """Look at everything. What cannot be read stays as it was known."""
        began = time.monotonic()
        before = frozenset(self._known)
        found = set()
        for folder, listing in walk(self.root, self.root, self._rules):
            if self._closing.is_set():
                return
            found.add(folder)
            self._take(folder, listing)
        took = time.monotonic() - began
        with self._lock:
            self._scanned_at = time.time()
        if self._hints is not None and found - before:
            self._check_room()
        every = self._rescan_seconds if self._mode == "watching" else self._poll_seconds
        self._scan_at = time.monotonic() + max(every, _SCAN_REST * took)

    def _look(self, folders: Iterable[str]) -> None:
        """Look at these again, and at what is new below them. Folders that are not known are hidden, or excluded."""
        began = time.monotonic()
        is_grown = False
        for folder in sorted(folders):
            if folder not in self._known:
                continue
            self._take(folder, _listed(self.root, folder, self._rules))
            known = self._known.get(folder)
            for new in sorted(known.folders - self._known.keys()) if known else ():
                is_grown = True
                for below, listing in walk(self.root, new, self._rules):
                    self._take(below, listing)
        if is_grown and self._hints is not None:
            self._check_room()
        self._rest_until = time.monotonic() + _LOOK_REST * (time.monotonic() - began)

    def _take(self, folder: str, listing: Listing | OSError) -> None:
        """Put a look at one folder on record."""
        known = self._known.get(folder)
        if isinstance(listing, (FileNotFoundError, NotADirectoryError)):
            if folder != self.root:
                self._forget(folder)
            return
        if isinstance(listing, OSError):
            self._cannot_read(folder, listing.strerror or str(listing))
            return
        if folder == self.root and (listing.device, listing.inode) != self._root_identity:
            return  # replaced this very moment
        if known and known.device != listing.device and not (listing.media or listing.folders):
            self._cannot_read(folder, "what was mounted there is not")
            return
        self._unreadable.discard(folder)
        now = time.monotonic()
        with self._lock:
            for name, seen in listing.media.items():
                before = self._media.get(name)
                after = settle.looked(before, seen, now)
                if after is before:
                    continue
                if before is not None and before.stage is Stage.SETTLED:
                    self._events.append(Changed(path=before.seen.path))
                self._media[name] = after
                self._unsettled.add(name)
                self._folder_of[name] = folder
            for name in (known.media if known else frozenset()) - listing.media.keys():
                self._drop(name)
        for gone in (known.folders if known else frozenset()) - listing.folders:
            self._forget(gone)
        self._known[folder] = _Known(listing.device, frozenset(listing.media), listing.folders)

    def _drop(self, name: str) -> None:
        one = self._media.pop(name, None)
        self._folder_of.pop(name, None)
        self._unsettled.discard(name)
        if one is not None and one.stage is Stage.SETTLED:
            self._events.append(Gone(path=one.seen.path))

    def _forget(self, folder: str) -> None:
        """It is gone, with all below it."""
        for below in [f for f in self._known if f == folder or f.startswith(folder + os.sep)]:
            with self._lock:
                for name in self._known[below].media:
                    self._drop(name)
            del self._known[below]

    def _cannot_read(self, folder: str, reason: str) -> None:
        if folder not in self._unreadable:
            self._unreadable.add(folder)
            self._events.append(Noted(text=f"{folder} cannot be read ({reason}): what is known of it stays"))

    def _settle(self, now: float) -> None:
        with self._lock:
            for name in sorted(self._due(now)):
                self._media[name] = settle.settled(self._media[name])
                self._unsettled.discard(name)
                self._events.append(Settled(seen=self._media[name].seen))


def _listed(root: str, folder: str, rules: Rules) -> Listing | OSError:
    try:
        return list_folder(root, folder, rules)
    except OSError as error:
        return error
