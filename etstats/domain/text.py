"""Format numbers and times in texts."""

from datetime import datetime


def pluralize(number: int, what: str) -> str:
    """Format `1 round`, `2,000 rounds`; for words whose plural ends in s."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def bytes_in_words(size: int) -> str:
    """Format `614 bytes`, `12 KB`, `1.2 MB`, `250 MB` (decimal units)."""
    if size < 1000:
        return pluralize(size, "byte")
    if size < 100_000:
        return f"{size / 1e3:,.0f} KB"
    return f"{size / 1e6:,.1f} MB" if size < 100_000_000 else f"{size / 1e6:,.0f} MB"


def local_time(moment: datetime) -> str:
    """Format `2026-11-26 15:20 CET`, in this machine's time zone."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M %Z}"
