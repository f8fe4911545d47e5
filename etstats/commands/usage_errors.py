"""Messages for usage errors: the error, the command, and a suggestion."""

import difflib
import re
import shlex
from collections.abc import Sequence

import typer

# Typer names Python types; users know numbers and dates.
_WORDS = {
    "is not a valid int range.": "is not a whole number.",
    "is not a valid int.": "is not a whole number.",
    "is not a valid integer.": "is not a whole number.",
    "is not a valid float range.": "is not a number.",
    "is not a valid float.": "is not a number.",
    "is not in the range x>=1.": "is too small: 1 or more is expected.",
    "is not in the range x>=0.": "is too small: 0 or more is expected.",
}
# Arguments with names of players or free text, which may start with a dash.
_NAME_ARGUMENT = re.compile(r"\b(NAME|PLAYER|TEXT|A|B)\b")


def message(error: typer.TyperException, root: object, arguments: Sequence[str]) -> str:
    """Return one line about a wrong option or argument, with the command that shows the help."""
    context = getattr(error, "ctx", None)
    command = context.command if context else _command(root, arguments)
    path = context.command_path if context else " ".join(["etstats", *_path(root, arguments)])
    hint = _root_hint(error, root, path) or _dash_hint(error, command, path, arguments)
    return f"{_sentence(error, command)} {hint or f'Try: {path} --help'}"


def _root_hint(error: typer.TyperException, root: object, path: str) -> str:
    """Return the correct position of a global option that was given after a command, else an empty string."""
    option = str(getattr(error, "option_name", ""))
    options = [name for param in getattr(root, "params", ()) for name in param.opts]
    if type(error).__name__ != "NoSuchOption" or option not in options:
        return ""
    return f"It goes before the command: etstats {option} {path.removeprefix('etstats ')}"


def _dash_hint(error: typer.TyperException, command: object, path: str, arguments: Sequence[str]) -> str:
    """Return how to pass a name that starts with "-", if the word may be such a name."""
    option = str(getattr(error, "option_name", ""))
    takes_names = any(
        param.param_type_name == "argument" and _NAME_ARGUMENT.search(param.metavar or "")
        for param in getattr(command, "params", ())
    )
    if type(error).__name__ != "NoSuchOption" or not takes_names or _nearest_option(option, command):
        return ""
    word = next((word for word in arguments if word.startswith(option)), option)
    return f"A name that starts with - goes after --, as in: {path} -- {shlex.quote(word)}"


def _sentence(error: typer.TyperException, command: object) -> str:
    words = str(getattr(error, "format_message", error.__str__)())
    option = getattr(error, "option_name", None)
    match type(error).__name__:
        case "NoSuchOption":
            words = f"No such option: {option}."
            if nearest := _nearest_option(str(option), command):
                words += f" Did you mean {nearest}?"
        case "BadOptionUsage":
            words = f"{option} takes no value." if "not take" in words else f"{option} needs a value."
        case "UsageError" if words.startswith("Got unexpected extra"):
            words = "Unexpected argument: " + words.partition("(s) (")[2].removesuffix(")") + "."
    for theirs, ours in _WORDS.items():
        words = words.replace(theirs, ours)
    words = words.removeprefix("Invalid value: ")
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "?")) else ".")


def _nearest_option(option: str, command: object) -> str | None:
    return next(iter(difflib.get_close_matches(option, _options(command), n=1, cutoff=0.7)), None)


def _options(command: object) -> list[str]:
    return [name for param in getattr(command, "params", ()) for name in param.opts if name.startswith("--")]


def _path(root: object, arguments: Sequence[str]) -> list[str]:
    """Return the command path that the arguments select."""
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
