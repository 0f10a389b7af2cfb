"""The limits of the control groups that this process is in (Linux, versions 2 and 1): what a container or a service may use.

A group has at most what those around it have: all of them are asked, from the process's own up to the root that is seen here.
See the kernel's admin-guide/cgroup-v2 (cpu.max, memory.max) and admin-guide/cgroup-v1, scheduler/sched-bwc.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

MEMBERSHIP = Path("/proc/self/cgroup")
MOUNT = Path("/sys/fs/cgroup")


def processor_cores(membership: Path = MEMBERSHIP, mount: Path = MOUNT) -> float | None:
    """Processor time a second, in cores; ``None``: no limit.

    :param membership: says which groups the process is in: ``0::/a/b`` (version 2), ``4:cpu,cpuacct:/a/b`` (version 1).
    :param mount: where groups are folders.
    """
    quotas = []
    for group in _groups("cpu", membership, mount):
        words = _words(group / "cpu.max") or [*_words(group / "cpu.cfs_quota_us"), *_words(group / "cpu.cfs_period_us")]
        if len(words) == 2 and all(word.isdigit() for word in words) and int(words[1]) > 0:  # else "max", or -1: no limit
            quotas.append(int(words[0]) / int(words[1]))
    return min((quota for quota in quotas if quota > 0), default=None)


def memory_bytes(membership: Path = MEMBERSHIP, mount: Path = MOUNT) -> int | None:
    """Memory, in bytes; ``None``: no limit. Parameters as of ``processor_cores``."""
    limits = []
    for group in _groups("memory", membership, mount):
        for name in ("memory.max", "memory.limit_in_bytes"):
            limits += [int(word) for word in _words(group / name) if word.isdigit()]
    return min(limits, default=None)


def _groups(controller: str, membership: Path, mount: Path) -> Iterator[Path]:
    """Folders of the groups whose ``controller`` counts for the process.

    In a container they may be named as the host sees them, and be mounted as the root: where no folder is called so, those
    above are asked all the same.
    """
    try:
        lines = membership.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        lines = []
    for line in lines or ["0::/"]:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        roots = (mount / controllers, mount / controller) if controllers else (mount, mount / "unified")
        inside = PurePosixPath(path.lstrip("/"))
        if ".." in inside.parts:  # outside of what is seen here
            inside = PurePosixPath()
        for root in roots:
            yield from (root / folder for folder in (inside, *inside.parents))


def _words(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return []
