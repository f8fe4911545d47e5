"""Import paramiko, without the package `invoke` and without its logging.

`invoke` is needed only for `Match exec` of ssh_config and takes a quarter of the import time. Paramiko logs the
traceback of each failure and then raises it; etstats reports the exception once.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_hidden = sys.modules.get("invoke")
sys.modules["invoke"] = None  # type: ignore[assignment]  # None makes the import fail with ModuleNotFoundError
try:
    import paramiko  # the only import of paramiko
    from paramiko.auth_handler import AuthHandler
    from paramiko.pkey import PublicBlob
    from paramiko.ssh_exception import IncompatiblePeer
finally:
    del sys.modules["invoke"]
    if _hidden is not None:
        sys.modules["invoke"] = _hidden

# Code that imported paramiko earlier may have imported `invoke`: ssh_config must not run commands in any case.
vars(paramiko.config).update(invoke=None, invoke_import_error=ImportError("Match exec is not supported"))

logging.getLogger("paramiko").setLevel(logging.CRITICAL)

__all__ = ["AuthHandler", "IncompatiblePeer", "PublicBlob", "from_thread", "paramiko"]


@contextmanager
def from_thread() -> Iterator[None]:
    """Convert any exception of paramiko's thread to SSHException: hostile bytes can raise anything there."""
    try:
        yield
    except (OSError, EOFError, paramiko.SSHException):
        raise
    except Exception as error:  # the exceptions of the decoding are not documented
        raise paramiko.SSHException(f"its reply is not SSH ({type(error).__name__})") from error
