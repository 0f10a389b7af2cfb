"""What commands do with what is kept: the workspace's products, and what is known of this machine.

All take the settings by name: see ``options.Options``.
"""

from __future__ import annotations

from typing import Unpack

from otio_perf.cache.housekeeping import Fault, Freed, Status
from otio_perf.cache.pruning import Pruned
from otio_perf.model.machine import MachineProfile
from otio_perf.optimizer.opening import opened, opened_there
from otio_perf.optimizer.options import Options


def cache_status(**options: Unpack[Options]) -> Status:
    """What the workspace holds. The sources of all proxies are looked at: some may have changed, or be gone."""
    from otio_perf.optimizer import caching

    with opened_there(options) as session:
        return caching.status(session)


def cache_verify(
    *,
    repair: bool = False,
    **options: Unpack[Options],
) -> tuple[Fault, ...]:
    """Every proxy and prerender that is gone, or not what was recorded, and what killed runs left.

    :param repair: forget it, so that the next run makes it anew; take back what is whole, delete the rest.
    """
    from otio_perf.optimizer import caching

    with opened_there(options) as session:
        return caching.verify(session, repair=repair)


def cache_clear(what: str = "all", *, force: bool = False, dry_run: bool = False, **options: Unpack[Options]) -> Freed:
    """Delete ``"proxies"``, ``"renders"``, ``"analysis"`` or ``"all"``; never originals.

    :param force: also what timelines play that we wrote: their editing program would show it as missing.
    :param dry_run: say what would go.
    :raises SettingsError: there is no such kind.
    """
    from otio_perf.optimizer import caching

    with opened_there(options) as session:
        return caching.clear(session, what, force=force, dry_run=dry_run)


def cache_prune(*, dry_run: bool = False, **options: Unpack[Options]) -> Pruned:
    """Bring the workspace within its limits (``cache_max_bytes``, ``min_free_disk``, ``idle_days``), and delete proxies whose
    sources changed or went a week ago. What timelines play stays.

    :param dry_run: say what would go.
    """
    from otio_perf.optimizer import caching

    with opened_there(options) as session:
        return caching.prune(session, dry_run=dry_run)


def calibrate(
    **options: Unpack[Options],
) -> MachineProfile:
    """Measure this machine anew (at most 20 seconds) and keep the profile."""
    with opened(options, anchor=None, create=False) as session:
        return session.machine(measure_again=True)
