"""Find words of the command line that look like secrets, so that no message repeats them."""

import re
from collections.abc import Iterable

_SECRET = re.compile(
    r"://[^/@\s]*:[^@\s]+@"  # a password in an address
    r"|/api/(?:v\d+/)?webhooks/\d+/\S"
    r"|(?:password|passwd|token|secret)\s*[=:]\s*\S",
    re.IGNORECASE,
)
# Longer than any player's name, no path and no file name: the token of a webhook has 68 of these characters.
_TOKEN = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[\w.+=~-]{40,}", re.ASCII)
_FILE_NAME = re.compile(r"\.[A-Za-z0-9]{1,5}", re.ASCII)


def typed_secrets(arguments: Iterable[str]) -> tuple[str, ...]:
    """Return the words, or the values of options written as `--option=value`, that look like secrets."""
    words = [word.partition("=")[2] if word.startswith("--") and "=" in word else word for word in arguments]
    return tuple(word for word in words if _SECRET.search(word) or _is_token(word))


def _is_token(word: str) -> bool:
    return _TOKEN.fullmatch(word) is not None and not _FILE_NAME.search(word, len(word) - 6)
