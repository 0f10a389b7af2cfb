"""What came of the work for one timeline: files that were made, and what could not be."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from otio_perf.model.events import Outcome, Prerendered, Ready
from otio_perf.model.views import FollowedTimeline, MadeView, OutcomeView, ReasonView
from otio_perf.optimizer.rounds import Aim, Round

_MOST = 5000


class Made:
    """Since something was asked for; over all saves since. Used by one thread at a time."""

    def __init__(self) -> None:
        self.failures: dict[str, str] = {}  # by name of the medium or timecodes
        self._files: OrderedDict[str, MadeView] = OrderedDict()  # by key

    def record(self, round: Round, outcome: Outcome) -> None:
        """What became of a task of ``round``; of others, nothing."""
        if outcome.key not in round.tasks:
            return
        match outcome:
            case Ready(products=products):
                for product in products:
                    self._files[product.key] = MadeView(
                        kind="proxy",
                        name=Path(product.source_path).name,
                        path=product.path,
                        frames=len(product.source_range),
                        size_bytes=product.size_bytes,
                    )
            case Prerendered(path=path, frames=frames, size_bytes=size_bytes) if round.prerendering is not None:
                prerendering = round.prerendering
                name = prerendering.chunks.label(prerendering.missing[outcome.key])
                self._files[outcome.key] = MadeView(
                    kind="prerender", name=name, path=path, frames=frames, size_bytes=size_bytes
                )
            case _:
                return
        while len(self._files) > _MOST:
            self._files.popitem(last=False)

    def view(self, timeline: FollowedTimeline, round: Round | None, aim: Aim, job: str, *, is_done: bool) -> OutcomeView:
        left = () if round is None or round.prerendering is None else round.prerendering.predicted.left
        return OutcomeView(
            timeline=timeline,
            job=job,
            is_done=is_done,
            use_proxies=aim.use_proxies,
            prerender=aim.prerender,
            made=tuple(self._files.values()),
            failed=tuple(ReasonView(name=name, reason=reason) for name, reason in self.failures.items()),
            left=tuple(ReasonView(name=f"{one.start_timecode} – {one.stop_timecode}", reason=one.reason) for one in left),
        )
