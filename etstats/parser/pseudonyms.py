r"""Replace players in the bytes of a round file: `GUID8\name\...` becomes `GUID8'\name'\...`.

It works line by line on any bytes, including truncated and invalid files in quarantine.
"""

import re
from collections.abc import Mapping

# The GUID at the start of a line, and the name up to its backslash or the end of a truncated line.
_PLAYER = re.compile(rb"^([0-9A-F]{8})\\([^\\\r\n]*)", re.MULTILINE)


def guids(content: bytes) -> frozenset[str]:
    """Return the GUIDs at the start of a file's lines."""
    return frozenset(match[1].decode() for match in _PLAYER.finditer(content))


def rewrite(content: bytes, pseudonyms: Mapping[str, tuple[str, str]]) -> bytes:
    """Return the bytes with GUIDs and names replaced; `pseudonyms`: GUID -> (new GUID, new name)."""

    def replaced(match: re.Match[bytes]) -> bytes:
        other = pseudonyms.get(match[1].decode())
        return match[0] if other is None else "\\".join(other).encode()

    return _PLAYER.sub(replaced, content)
