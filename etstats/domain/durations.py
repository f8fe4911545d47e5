"""Parse durations in options."""

import re

from etstats.errors import ConfigError


def seconds(text: str, option: str) -> float:
    """Parse `5s`, `2m`, `1h` or a number of seconds; return seconds. Raises ConfigError."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)(s|m|h)?", text.strip(), re.ASCII)
    if match is None or float(match[1]) <= 0:
        raise ConfigError(f"{option} {text}: expected a time such as 5s or 2m")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2] or "s"]
