"""Which file system a path lies on, which ones lock for one machine only, and whether it is full.

Shared by the backends that keep files; each refuses with an error of its own.
"""

import os
import shutil
from pathlib import Path

FULL_DISK = "The disk is full: free some space, then try again."

NEARLY_FULL = 1024 * 1024
"""Bytes: SQLite asks for more at once than a few pages, and says little where it gets none."""

MOUNTS = Path("/proc/self/mountinfo")

# Types as Linux names them. Two machines that write through one of these damage a file, because
# neither locks nor shared memory reach across (https://sqlite.org/wal.html, "Overview").
NETWORK_TYPES = frozenset(
    {
        "9p",  # also how Windows drives appear in its Linux subsystem
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "fuse.ceph",
        "fuse.davfs",
        "fuse.glusterfs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.sshfs",
        "gfs2",
        "glusterfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "smb3",
        "smbfs",
    }
)


def type_of(path: Path, mounts: str) -> str:
    """Return the type of the file system that a path lies on, or "" if no line covers it.

    Args:
        path: absolute, links resolved.
        mounts: text of `/proc/self/mountinfo` (proc(5)): fifth field the mount point, the first
            one after ` - ` the type. Of several on one point the last covers the others.
    """
    best = ""
    kind = ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        point = _unescaped(before.split(" ")[4])
        inside = path == Path(point) or Path(point) in path.parents
        if inside and len(point) >= len(best):
            best, kind = point, after.split(" ")[0]
    return kind


def network_type(path: Path) -> str:
    """Return the type of the network file system that a path lies on, or "" if it lies on none.

    A system that does not list its mounts in `/proc` is not checked.
    """
    try:
        mounts = os.fsdecode(MOUNTS.read_bytes())
    except OSError:
        return ""
    kind = type_of(path.resolve(), mounts)
    return kind if kind in NETWORK_TYPES else ""


def is_full(folder: Path) -> bool:
    """Tell whether a write may have failed because the disk of a folder is full, or nearly."""
    try:
        return shutil.disk_usage(folder).free < NEARLY_FULL
    except OSError:
        return False


def _unescaped(field: str) -> str:
    """Undo the kernel's octal escapes for space, tab, newline and backslash."""
    for code, sign in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(code, sign)
    return field
