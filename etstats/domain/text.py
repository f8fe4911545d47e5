"""Numbers in sentences."""


def pluralize(number: int, what: str) -> str:
    """`1 round`, `2,000 rounds`: for words whose plural ends in s."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
