"""The order in which what waits is started: by priority, then by where the user looks, then as it came. No clock.

Nobody is started who would wait for what a started task holds until it has ended.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from otio_perf.render_queue import priority
from otio_perf.render_queue.entry import Entry, order_of
from otio_perf.render_queue.priority import Focus, Place, Rank

Row = tuple[tuple[int, Rank, int], str]
"""``Entry.order``, and the key of its task."""


class Order:
    """:param entries: all, by key; added to and taken from by whoever has them, who says so here. Their ranks are kept here."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self._entries = entries
        #: Heaps of what waits: "" for a slot, the others for what is held, by its name. Rows that no longer hold are skipped.
        self._rows: dict[str, list[Row]] = {"": []}
        self._sorted: list[Entry] | None = None  # those that wait, where nothing has changed since they were sorted
        self._next: Entry | None = None  # that may start, as long as that is known
        self._is_next_known = False
        self.focuses: dict[str, Focus] = {}  # by timeline
        self.serving: dict[str, set[str]] = {}  # keys of tasks that serve a timeline, or did when they were asked for
        self._moved: set[str] = set()  # timelines in which the user looks elsewhere since their tasks were ranked
        self._looks = 0

    def urgency(self, kind: str, places: Sequence[Place]) -> Rank:
        """That a task would have here."""
        return priority.rank(kind, places, self.focuses)

    def look(self, timeline: str, focus: Focus | None) -> None:
        """The user looks elsewhere in ``timeline``; ``None``: nowhere."""
        self.focuses.pop(timeline, None)
        if focus is not None:
            self._looks += 1
            self.focuses[timeline] = replace(focus, number=self._looks)
        self._moved.add(timeline)

    def serve(self, key: str, places: Iterable[Place]) -> None:
        """The task ``key`` serves ``places``, too."""
        for place in places:
            self.serving.setdefault(place.timeline, set()).add(key)

    def put(self, entry: Entry) -> None:
        """It waits from now on, or it does so elsewhere: where those that want it, or their places, have changed."""
        entry.rank = self.urgency(entry.task.kind, [p for places in entry.places.values() for p in places])
        self.put_as_ranked(entry)

    def put_as_ranked(self, entry: Entry) -> None:
        """As ``put``, where only its priority has changed, or that it waits."""
        self.changed()
        if not entry.is_running:
            heapq.heappush(self._rows[""], (entry.order, entry.task.key))

    def forget(self, key: str) -> None:
        """It is no entry any more."""
        self.changed()
        for keys in self.serving.values():
            keys.discard(key)

    def changed(self) -> None:
        """What waits, what runs, or their order."""
        self._sorted, self._is_next_known = None, False

    def waiting(self) -> Sequence[Entry]:
        """In the order in which they will start."""
        self._refresh()
        if self._sorted is None:
            self._sorted = sorted((e for e in self._entries.values() if not e.is_running), key=order_of)
        return self._sorted

    def next(self, running: Iterable[Entry]) -> Entry | None:
        """The one that would be started next beside those that are ``running``; ``None`` where none may be."""
        self._refresh()
        if not self._is_next_known:
            self._next, self._is_next_known = self._first_free(running), True
        return self._next

    def _first_free(self, running: Iterable[Entry]) -> Entry | None:
        """The first that waits for nothing which a started task holds. Who does is put aside until that is free."""
        held = Counter(name for entry in running for name in entry.task.holds)
        self._rows = {name: rows for name, rows in self._rows.items() if rows or not name}
        while True:
            heads = [(head, name) for name, rows in self._rows.items() if (head := self._head(rows)) is not None]
            free = [(head, name) for head, name in heads if held[name] < head.task.holds.get(name, 1)]
            if not free:
                return None
            entry, name = min(free, key=lambda found: found[0].order)
            full = next((other for other, most in entry.task.holds.items() if held[other] >= most), None)
            if full is None:
                return entry
            heapq.heappush(self._rows.setdefault(full, []), heapq.heappop(self._rows[name]))

    def _head(self, rows: list[Row]) -> Entry | None:
        while rows:
            order, key = rows[0]
            entry = self._entries.get(key)
            if entry is not None and not entry.is_running and entry.order == order:
                return entry
            heapq.heappop(rows)
        return None

    def _refresh(self) -> None:
        """Once for however many moves of the playhead came since an order was last needed."""
        for timeline in self._moved:
            for key in self.serving.get(timeline, ()):
                self.put(self._entries[key])
        self._moved.clear()
        if sum(map(len, self._rows.values())) > 100 + 3 * len(self._entries):
            self._rows = {"": sorted((e.order, e.task.key) for e in self._entries.values() if not e.is_running)}
