r"""Other players in the place of some, in the bytes of a round file: `GUID8\name\...` becomes `GUID8'\name'\...`.

It works line by line on whatever bytes there are, so that it serves cut and broken files in quarantine as well.
"""

import re
from collections.abc import Mapping

# The GUID at the start of a line, and the name up to its backslash, or as far as a cut line goes.
_PLAYER = re.compile(rb"^([0-9A-F]{8})\\([^\\\r\n]*)", re.MULTILINE)


def guids(content: bytes) -> frozenset[str]:
    """The GUIDs that lines of a file begin with."""
    return frozenset(match[1].decode() for match in _PLAYER.finditer(content))


def rewrite(content: bytes, pseudonyms: Mapping[str, tuple[str, str]]) -> bytes:
    """The same bytes with other GUIDs and names; `pseudonyms` maps a GUID to the GUID and name in its place."""

    def replaced(match: re.Match[bytes]) -> bytes:
        other = pseudonyms.get(match[1].decode())
        return match[0] if other is None else "\\".join(other).encode()

    return _PLAYER.sub(replaced, content)
