"""Paramiko, imported in one place: without the package `invoke`, and silent.

`invoke` serves only `Match exec` of ssh_config, and makes a quarter of the import's time. Paramiko logs each
failure with its traceback and then raises it; here the exception is told, once, in our words.
"""

import logging
import sys

_hidden = sys.modules.get("invoke")
sys.modules["invoke"] = None  # type: ignore[assignment]  # the import system's own way to say: not here
try:
    import paramiko  # noqa: TID251  # the room of paramiko
    from paramiko.pkey import PublicBlob, UnknownKeyType  # noqa: TID251
    from paramiko.ssh_exception import IncompatiblePeer  # noqa: TID251
finally:
    del sys.modules["invoke"]
    if _hidden is not None:
        sys.modules["invoke"] = _hidden

logging.getLogger("paramiko").setLevel(logging.CRITICAL)

__all__ = ["IncompatiblePeer", "PublicBlob", "UnknownKeyType", "paramiko"]
