"""Reading a file that an admin named."""

import errno
import os
import stat
from pathlib import Path


def read_regular(path: Path) -> bytes:
    """Read a file; OSError also for a pipe or a device, which could block or never end. `/dev/null` is empty."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(status.st_mode) and not os.path.samestat(status, os.stat(os.devnull)):  # noqa: PTH116
            raise OSError(errno.EINVAL, "not a regular file; write its content into one")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)
