"""Convert values of TOML or the environment into the types that a settings dataclass declares."""

import difflib
import stat
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from etstats.errors import ConfigError
from etstats.sync.regular_file import read_regular

_Section = TypeVar("_Section")


def from_dict(cls: type[_Section], table: Any, where: str, variables: Mapping[str, str] | None = None) -> _Section:
    """Return a section read from its table; ConfigError starts with `where`, the key and the expected value.

    Metadata of fields: `min` and `max`, `choices`, and `secret` (then `<name>_file` may name a private file with
    the value). `variables` maps the keys that come from the environment to their variables.
    """
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: this is a section; write it in brackets")
    hints = typing.get_type_hints(cls)
    known: dict[str, Any] = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]  # sections are dataclasses
    secret_files = {f"{name}_file": name for name, field in known.items() if field.metadata.get("secret")}
    values: dict[str, Any] = {}
    for key, value in table.items():
        place = (variables or {}).get(key, f"{where}: {key}")
        if key in secret_files:
            if secret_files[key] in table:
                raise ConfigError(f"{where}: {key} and {secret_files[key]} are both set; keep one")
            values[secret_files[key]] = _read_secret(value, place)
        elif key in known:
            values[key] = _convert(hints[key], value, known[key].metadata, place)
        else:
            raise ConfigError(f"{where}: {key}: no such setting{did_you_mean(key, [*known, *secret_files])}")
    for name, field in known.items():
        if name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(f"{where}: {name} is missing")
    return cls(**values)


def _convert(hint: Any, value: Any, meta: Mapping[str, Any], where: str) -> Any:
    """Return a TOML value, or the text of an environment variable, converted to the type of the setting."""
    if isinstance(hint, types.UnionType):
        hint = next(argument for argument in hint.__args__ if argument is not type(None))
    origin = typing.get_origin(hint)
    if is_dataclass(hint):
        return from_dict(typing.cast(type[Any], hint), value, where)
    if origin is Mapping or origin is typing.get_origin(Mapping[str, str]):
        if not isinstance(value, dict):
            raise ConfigError(f"{where}: this is a section; write it in brackets")
        inner = typing.get_args(hint)[1]
        return {str(key): _convert(inner, inner_value, {}, f"{where}.{key}") for key, inner_value in value.items()}
    if origin is tuple:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise ConfigError(f"{where}: expected a list of strings")
        return tuple(_one_of(item.strip(), meta, where) for item in items if item.strip())
    if hint is bool:
        return _boolean(value, where)
    if hint in (int, float):
        return _number(hint, value, meta, where)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # a thread id without quotes
    if not isinstance(value, str):
        raise ConfigError(f"{where}: expected a string")
    return _one_of(value, meta, where)


def _boolean(value: Any, where: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise ConfigError(f"{where}: expected true or false")


def _number(hint: Any, value: Any, meta: Mapping[str, Any], where: str) -> Any:
    try:
        number = hint(value) if not isinstance(value, bool) else None
    except (TypeError, ValueError):
        number = None
    if number is None or (hint is int and isinstance(value, float)):
        raise ConfigError(f"{where}: expected a {'whole ' if hint is int else ''}number")
    low, high = meta.get("min"), meta.get("max")
    if (low is not None and not number >= low) or (high is not None and not number <= high):
        raise ConfigError(f"{where}: {number} is out of bounds ({low} to {high})")
    return number


def _one_of(value: str, meta: Mapping[str, Any], where: str) -> str:
    choices = meta.get("choices")
    if choices and value not in choices:
        raise ConfigError(f'{where}: "{value}" is not a choice; expected one of {", ".join(choices)}')
    return value


def _read_secret(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{where}: expected the path of a file")
    path = Path(value).expanduser()
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


def refuse_if_others_can_read(path: Path) -> None:
    """Raise ConfigError if the group or others can read a file that contains a secret."""
    if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        raise ConfigError(f"{path}: holds a secret, and others can read it; run: chmod 600 {path}")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean ...?` with the most similar known word, or an empty string."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""
