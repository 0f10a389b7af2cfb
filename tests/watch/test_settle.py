"""A file has settled when nothing of it has changed for a while: whatever happens before, and whatever its time says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from otio_perf.watch import settle
from otio_perf.watch.settle import Seen, Settling, Stage

QUIET = 3.0

#: Few values, so that files come back to what they were before.
looks = st.builds(
    Seen,
    path=st.just("/rushes/clip.mov"),
    files=st.just(1),
    size_bytes=st.sampled_from([0, 1, 64_000]),
    mtime_ns=st.sampled_from([-1, 0, 10**18, 10**19]),  # before 1970, 1970, now, and in the far future
    inode=st.sampled_from([7, 8]),
)
steps = st.lists(st.tuples(st.floats(0.0, 5.0), looks, st.booleans()), min_size=1, max_size=40)


@given(steps)
def test_what_is_told_was_unchanged_for_long_enough_and_is_told_once(steps: list[tuple[float, Seen, bool]]) -> None:
    now, one = 100.0, None
    history: list[tuple[float, Seen]] = []
    told_at: list[int] = []
    for number, (pause, seen, is_refused) in enumerate(steps):
        now += pause
        history.append((now, seen))
        before = one
        one = settle.looked(one, seen, now)
        if before is not None and before.seen == seen:
            assert one is before
        if settle.is_due(one, now, QUIET):
            quiet = [at for at, _ in _run_of(history)]
            assert now - quiet[0] >= QUIET
            assert seen.size_bytes > 0
            assert not [n for n in told_at if n >= number - len(quiet) + 1], "told twice without a change"
            told_at.append(number)
            one = settle.settled(one)
            if is_refused:
                one = settle.refused(one, seen)
                assert not settle.is_due(one, now + 1e6, QUIET), "it waits until it changes"
        else:
            assert one.stage is not Stage.SETTLING or seen.size_bytes == 0 or now - one.since < QUIET


@given(looks, looks, st.floats(0, 100))
def test_a_refusal_says_nothing_of_what_has_changed_since(first: Seen, second: Seen, now: float) -> None:
    one = settle.settled(settle.looked(None, first, now))
    changed = settle.looked(one, second, now + 1)
    after = settle.refused(changed, first)
    assert (after.stage is Stage.WAITING) == (first == second)


def test_an_empty_file_waits_for_its_content() -> None:
    empty = Seen("/rushes/clip.mov", 1, 0, 0, 1)
    assert not settle.is_due(Settling(empty, 0.0), 1e9, QUIET)


def _run_of(history: list[tuple[float, Seen]]) -> list[tuple[float, Seen]]:
    """The last looks at which it was the same."""
    run = []
    for at, seen in reversed(history):
        if seen != history[-1][1]:
            break
        run.append((at, seen))
    return run[::-1]
