"""Parse durations in options."""

import re

from etstats.errors import InvalidValueError


def seconds(text: str, option: str = "") -> float:
    """Parse `5s`, `2m`, `1h` or a number of seconds; return seconds.

    Raises InvalidValueError, whose text starts with the option if one is named.
    """
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)(s|m|h)?", text.strip(), re.ASCII)
    if match is None or float(match[1]) <= 0:
        reason = f'invalid duration "{text}"; expected one such as 5s or 2m'
        raise InvalidValueError(f"{option}: {reason}" if option else reason)
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2] or "s"]
