"""What is wrong with the words of a command line, told in ours: what, where, and what was probably meant."""

import difflib
from collections.abc import Sequence

import typer

# The library tells of its types; people know numbers and dates.
_WORDS = {
    "is not a valid int range.": "is not a whole number.",
    "is not a valid int.": "is not a whole number.",
    "is not a valid integer.": "is not a whole number.",
    "is not a valid float range.": "is not a number.",
    "is not a valid float.": "is not a number.",
    "does not match the formats '%Y-%m-%d'.": "is not a date such as 2025-10-01.",
    "is not in the range x>=1.": "is too small: 1 or more is expected.",
    "is not in the range x>=0.": "is too small: 0 or more is expected.",
}


def told(error: typer.TyperException, root: object, arguments: Sequence[str]) -> str:
    """One line about a wrong option or argument, with the command whose help says more."""
    context = getattr(error, "ctx", None)
    command = context.command if context else _command(root, arguments)
    path = context.command_path if context else " ".join(["etstats", *_path(root, arguments)])
    return f"{_sentence(error, command)} Try: {path} --help"


def _sentence(error: typer.TyperException, command: object) -> str:
    words = str(getattr(error, "format_message", error.__str__)())
    option = getattr(error, "option_name", None)
    match type(error).__name__:
        case "NoSuchOption":
            words = f"No such option: {option}."
            if nearest := difflib.get_close_matches(str(option), _options(command), n=1, cutoff=0.7):
                words += f" Did you mean {nearest[0]}?"
        case "BadOptionUsage":
            words = f"{option} takes no value." if "not take" in words else f"{option} needs a value."
        case "UsageError" if words.startswith("Got unexpected extra"):
            words = "Too many words: " + words.partition("(s) (")[2].removesuffix(")") + "."
    for theirs, ours in _WORDS.items():
        words = words.replace(theirs, ours)
    words = words.removeprefix("Invalid value: ")
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "?")) else ".")


def _options(command: object) -> list[str]:
    return [name for param in getattr(command, "params", ()) for name in param.opts if name.startswith("--")]


def _path(root: object, arguments: Sequence[str]) -> list[str]:
    """The names of the command that the words lead to."""
    names: list[str] = []
    for word in arguments:
        commands = getattr(root, "commands", {})
        if word in commands:
            root = commands[word]
            names.append(word)
    return names


def _command(root: object, arguments: Sequence[str]) -> object:
    for name in _path(root, arguments):
        root = getattr(root, "commands", {})[name]
    return root
