"""File systems that do not tell of changes which another machine makes: network shares, shared folders of virtual machines."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
#: Names as Linux calls the types, see ``filesystems(5)``. What FUSE daemons serve changes behind the kernel's back.
_REMOTE = re.compile(
    r"^(nfs\d?|cifs|smb\d?|smbfs|ncpfs|9p|afs|ceph|coda|lustre|beegfs|gpfs|glusterfs|orangefs|pvfs2|davfs|virtiofs|vboxsf"
    r"|vmhgfs|prl_fs|drvfs|fuse\..+|fuse)$"
)
_OCTAL = re.compile(r"\\([0-7]{3})")
#: ``statfs(2)`` of macOS: ``f_flags`` has this bit where the file system is stored on this machine; then comes the type.
_MNT_LOCAL = 0x1000
_FLAGS_OFFSET, _TYPE_OFFSET, _TYPE_BYTES, _STATFS_BYTES = 64, 72, 16, 4096
_DRIVE_REMOTE = 4  # ``GetDriveTypeW`` of Windows


def remote_type(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """The type of the file system that holds ``path``, if changes on it are not told reliably; ``None`` where they are.

    :param mounts: the table of mounts, as Linux writes it
    """
    if sys.platform == "win32":
        drive = os.path.splitdrive(path.absolute())[0]
        is_remote = drive.startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(f"{drive}\\") == _DRIVE_REMOTE
        return "network drive" if is_remote else None
    if sys.platform == "darwin":
        answer = ctypes.create_string_buffer(_STATFS_BYTES)
        system = ctypes.CDLL(None)
        statfs = getattr(system, "statfs$INODE64", None) or system.statfs  # the former on Intel's machines
        if statfs(os.fsencode(path), answer) != 0:
            return None
        flags = int.from_bytes(answer.raw[_FLAGS_OFFSET : _FLAGS_OFFSET + 4], sys.byteorder)
        name = answer.raw[_TYPE_OFFSET : _TYPE_OFFSET + _TYPE_BYTES].split(b"\0")[0].decode()
        return None if flags & _MNT_LOCAL else name
    name = _type_on_linux(os.path.realpath(path), mounts)
    return name if _REMOTE.match(name) else None


def _type_on_linux(path: str, mounts: Path) -> str:
    """Of the mount whose folder is the longest around ``path``; of several at one folder, the last covers the others."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    found, length = "", -1
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:
            continue
        folder = _OCTAL.sub(lambda m: chr(int(m[1], 8)), fields[4])
        if len(folder) >= length and (path == folder or path.startswith(folder.rstrip("/") + "/")):
            found, length = after.split(" ")[0], len(folder)
    return found
