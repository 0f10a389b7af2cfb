"""Limits of containers and services are found where the process is, on trees as systems have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from otio_perf.metrics import control_group, system

GIB = 1 << 30


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "groups").mkdir()
    return tmp_path


def limits(tree: Path, membership: str, files: dict[str, str]) -> tuple[float | None, int | None]:
    (tree / "cgroup").write_text(membership)
    for name, text in files.items():
        path = tree / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    where = tree / "cgroup", tree / "groups"
    return control_group.processor_cores(*where), control_group.memory_bytes(*where)


def test_version_2_asks_the_own_group_and_those_around_it(tree: Path) -> None:
    files = {
        "user.slice/cpu.max": "400000 100000\n",
        "user.slice/memory.max": f"{8 * GIB}\n",
        "user.slice/app/cpu.max": "150000 100000\n",
        "user.slice/app/memory.max": "max\n",
        "other/cpu.max": "1000 100000\n",
    }
    assert limits(tree, "0::/user.slice/app\n", files) == (1.5, 8 * GIB)
    assert limits(tree, "0::/user.slice\n", {}) == (4.0, 8 * GIB)
    assert limits(tree, "0::/user.slice/app/without/controllers\n", {}) == (1.5, 8 * GIB)
    assert limits(tree, "0::/\n", {}) == (None, None)


def test_a_container_sees_its_own_group_as_the_root(tree: Path) -> None:
    files = {"cpu.max": "50000 100000\n", "memory.max": f"{GIB}\n"}
    assert limits(tree, "0::/\n", files) == (0.5, GIB)
    assert limits(tree, "0::/../elsewhere\n", {}) == (0.5, GIB)
    assert limits(tree, "0::/docker/4f1b\n", {}) == (0.5, GIB)  # as the host calls it


@pytest.mark.parametrize("folder", ["cpu,cpuacct", "cpu"])
def test_version_1_has_a_tree_for_each_controller(tree: Path, folder: str) -> None:
    files = {
        f"{folder}/docker/a/cpu.cfs_quota_us": "250000\n",
        f"{folder}/docker/a/cpu.cfs_period_us": "100000\n",
        f"{folder}/docker/cpu.cfs_quota_us": "-1\n",
        f"{folder}/docker/cpu.cfs_period_us": "100000\n",
        "memory/docker/a/memory.limit_in_bytes": f"{2 * GIB}\n",
        "memory/memory.limit_in_bytes": "9223372036854771712\n",
    }
    membership = "12:cpuset:/\n9:memory:/docker/a\n4:cpu,cpuacct:/docker/a\n0::/docker/a\n"
    assert limits(tree, membership, files) == (2.5, 2 * GIB)
    assert limits(tree, "4:cpu,cpuacct:/docker\n", {}) == (None, None)


def test_what_cannot_be_read_is_no_limit(tree: Path) -> None:
    assert limits(tree, "0::/a\n", {"a/cpu.max": "much much\n", "cpu.max": "100000 0\n", "memory.max": "\n"}) == (None, None)
    nothing = tree / "no", tree / "such"
    assert (control_group.processor_cores(*nothing), control_group.memory_bytes(*nothing)) == (None, None)


def test_cores_are_whole_and_at_least_one(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for quota, expected in ((0.2, 1), (1.0, 1), (1.2, min(2, system.cores()))):
        monkeypatch.setattr(control_group, "processor_cores", lambda quota=quota: quota)
        assert system.cores() == expected
    monkeypatch.setattr(control_group, "memory_bytes", lambda: GIB // 4)
    assert system.memory_bytes() == GIB // 4
