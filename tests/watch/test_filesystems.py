"""Which file systems tell of changes. Network shares are not mounted here: the system's table of mounts is written by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from otio_perf.watch.filesystems import remote_type

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the table of mounts is Linux's")

TABLE = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:50 / /mnt/rushes rw - nfs4 server:/rushes rw
31 30 8:2 / /mnt/rushes/local rw shared:7 master:1 - xfs /dev/sdb1 rw
32 22 0:51 / /mnt/two\\040words rw - cifs //server/share rw
33 22 0:52 / /mnt/cloud rw - fuse.rclone cloud: rw
34 22 8:3 / /mnt/stick rw - fuseblk /dev/sdc1 rw
35 22 0:53 / /mnt/over rw - ext4 /dev/sdd1 rw
36 22 0:54 / /mnt/over rw - smb3 //server/over rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/home/me/rushes", None),
        ("/mnt/rushes", "nfs4"),
        ("/mnt/rushes/day1", "nfs4"),
        ("/mnt/rushes2", None),
        ("/mnt/rushes/local/day1", None),
        ("/mnt/two words/x", "cifs"),
        ("/mnt/cloud/x", "fuse.rclone"),
        ("/mnt/stick/x", None),
        ("/mnt/over/x", "smb3"),
    ],
)
def test_the_mount_around_a_folder_says_whether_changes_are_told(tmp_path: Path, path: str, expected: str | None) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(TABLE)
    assert remote_type(Path(path), table) == expected


def test_this_machine_s_own_table_is_read(tmp_path: Path) -> None:
    assert remote_type(tmp_path) is None or remote_type(tmp_path)
    assert remote_type(tmp_path, tmp_path / "no table") is None
