"""Convert values of TOML or the environment into the types that a settings dataclass declares."""

import difflib
import re
import stat
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from etstats.domain.value_formats import check_thread_id
from etstats.errors import ConfigError, InvalidValueError
from etstats.sync.regular_file import read_regular

_Section = TypeVar("_Section")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def from_dict(cls: type[_Section], table: Any, where: str, variables: Mapping[str, str] | None = None) -> _Section:
    """Return a section read from its table; ConfigError starts with `where`, the key and the expected value.

    Metadata of fields: `min` and `max`, `choices`, `format` (a function that raises InvalidValueError for an
    invalid string), and `secret` (then `<name>_file` may name a private file with the value, and no message
    contains the value). `variables` maps the keys that come from the environment to their variables.
    """
    if not isinstance(table, dict):
        raise _unexpected(where, "a section, written in brackets", table)
    hints = typing.get_type_hints(cls)
    known: dict[str, Any] = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]  # sections are dataclasses
    secret_files = {f"{name}_file": name for name, field in known.items() if field.metadata.get("secret")}
    values: dict[str, Any] = {}
    for file_key, key in secret_files.items():
        if file_key in table and key in table:
            raise ConfigError(f"{where}: {file_key} and {key} are both set; keep one")
    for key, value in table.items():
        place = (variables or {}).get(key, f"{where}: {key}")
        if key in secret_files:
            name = secret_files[key]
            values[name] = convert(hints[name], _read_secret(value, place), place, known[name])
        elif key in known:
            values[key] = convert(hints[key], value, place, known[key])
        else:
            raise ConfigError(f"{where}: {key}: no such setting{did_you_mean(key, [*known, *secret_files])}")
    for name, field in known.items():
        if name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(f"{where}: {name} is missing")
    return cls(**values)


def convert(hint: Any, value: Any, where: str, field: Field[Any] | None = None) -> Any:
    """Return a TOML value, or the text of an environment variable, converted to the type of the setting.

    Raises ConfigError with the value, unless it is secret, and what is expected. `field`: that of the section.
    """
    meta: Mapping[str, Any] = field.metadata if field else {}
    if isinstance(hint, types.UnionType):
        hint = next(argument for argument in hint.__args__ if argument is not type(None))
    origin = typing.get_origin(hint)
    if is_dataclass(hint):
        return from_dict(typing.cast(type[Any], hint), value, where)
    if origin is Mapping or origin is typing.get_origin(Mapping[str, str]):
        if not isinstance(value, dict):
            raise _unexpected(where, "a section, written in brackets", value)
        inner = typing.get_args(hint)[1]
        return {key: convert(inner, inner_value, f"{where}.{key}") for key, inner_value in value.items()}
    if origin is tuple:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise _unexpected(where, "a list of strings", value)
        return tuple(_one_of(item.strip(), meta, where) for item in items if item.strip())
    if hint is bool:
        return _boolean(value, where)
    if hint in (int, float):
        return _number(hint, value, meta, where)
    if value == "" and field and field.default == "":
        return ""
    return _one_of(_string(value, meta, where), meta, where)


def _string(value: Any, meta: Mapping[str, Any], where: str) -> str:
    is_secret, check = bool(meta.get("secret")), meta.get("format")
    if type(value) is int and check is check_thread_id:
        value = str(value)
    if not isinstance(value, str):
        raise _unexpected(where, "a string", value, is_secret=is_secret)
    value = value.strip() if is_secret else value
    if not value.strip():
        raise ConfigError(f"{where}: expected a value, got an empty string; to use the default, leave it out")
    if _CONTROL.search(value):
        raise _unexpected(where, "a string without control characters", value, is_secret=is_secret)
    if check is not None:
        try:
            check(value)
        except InvalidValueError as error:
            raise ConfigError(f"{where}: {error}") from None  # its locals may hold a password
    return str(value)


def _unexpected(where: str, expected: str, value: Any, *, is_secret: bool = False) -> ConfigError:
    """Return the error for a value that is not what is expected."""
    if isinstance(value, (list, dict)):
        got = "a list" if isinstance(value, list) else "a section"
    elif is_secret:
        got = "something else"
    elif isinstance(value, str):
        got = f'"{value}"'
    else:
        got = str(value).lower() if isinstance(value, bool) else str(value)
    return ConfigError(f"{where}: expected {expected}, got {got}")


def _boolean(value: Any, where: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise _unexpected(where, "true or false", value)


def _number(hint: Any, value: Any, meta: Mapping[str, Any], where: str) -> Any:
    try:
        number = hint(value) if not isinstance(value, bool) else None
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or (hint is int and isinstance(value, float)):
        raise _unexpected(where, "a whole number" if hint is int else "a number", value)
    low, high = meta.get("min"), meta.get("max")
    if (low is not None and not number >= low) or (high is not None and not number <= high):
        raise ConfigError(f"{where}: {number} is out of bounds; expected {low} to {high}")
    return number


def _one_of(value: str, meta: Mapping[str, Any], where: str) -> str:
    choices = meta.get("choices")
    if choices and value not in choices:
        raise ConfigError(f'{where}: "{value}" is not valid; expected one of {", ".join(choices)}')
    return str(value)


def _read_secret(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise _unexpected(where, "the path of a file", value)
    path = expanded(value, where)
    try:
        text = read_regular(path).decode("utf-8-sig").strip()
    except OSError as error:
        raise ConfigError(f"{where}: {path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{where}: {path}: not a text file") from error
    if not text:
        raise ConfigError(f"{where}: {path} is empty")
    refuse_if_others_can_read(path)
    return text


def expanded(path: str, where: str) -> Path:
    """Return a path with `~` and `~user` expanded; ConfigError if there is no such user."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"{where}: {path}: no such user; expected a path") from error


def refuse_if_others_can_read(path: Path) -> None:
    """Raise ConfigError if the group or others can read a file that contains a secret."""
    if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        raise ConfigError(f"{path}: holds a secret, and others can read it; run: chmod 600 {path}")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean ...?` with the most similar known word, or an empty string."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""
