"""Paramiko, imported in one place: without the package `invoke`, and silent.

`invoke` serves only `Match exec` of ssh_config, and makes a quarter of the import's time. Paramiko logs each
failure with its traceback and then raises it; here the exception is reported once, in our words.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_hidden = sys.modules.get("invoke")
sys.modules["invoke"] = None  # type: ignore[assignment]  # the import system's own way to say: not here
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
    """Around the calls that raise whatever paramiko's thread died of: of a hostile server's bytes, anything."""
    try:
        yield
    except (OSError, EOFError, paramiko.SSHException):
        raise
    except Exception as error:  # there is no list of what decoding can raise
        raise paramiko.SSHException(f"its reply is not SSH ({type(error).__name__})") from error
