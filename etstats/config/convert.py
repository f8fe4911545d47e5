"""Plain values, as TOML or the environment has them, into the types that a settings dataclass declares."""

import difflib
import stat
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from etstats.errors import ConfigError

_Section = TypeVar("_Section")


def from_dict(cls: type[_Section], table: Any, where: str) -> _Section:
    """One section from its table; ConfigError begins with `where` and names the key and what is expected.

    Fields may carry in their metadata: `min` and `max`, `choices`, and `secret`, for which `<name>_file` may name
    a file that holds it and that nobody else can read.
    """
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: this is a section; write it in brackets")
    hints = typing.get_type_hints(cls)
    known: dict[str, Any] = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]  # sections are dataclasses
    secret_files = {f"{name}_file": name for name, f in known.items() if f.metadata.get("secret")}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key in secret_files:
            if secret_files[key] in table:
                raise ConfigError(f"{where}: {key} and {secret_files[key]} are both set; keep one")
            values[secret_files[key]] = _read_secret(value, f"{where}: {key}")
        elif key in known:
            values[key] = _convert(hints[key], value, known[key].metadata, f"{where}: {key}")
        else:
            raise ConfigError(f"{where}: {key}: no such setting{did_you_mean(key, [*known, *secret_files])}")
    for name, f in known.items():
        if name not in values and f.default is MISSING and f.default_factory is MISSING:
            raise ConfigError(f"{where}: {name} is missing")
    return cls(**values)


def _convert(hint: Any, value: Any, meta: Mapping[str, Any], where: str) -> Any:
    """A TOML value, or the text of an environment variable, as the type that the setting has."""
    if isinstance(hint, types.UnionType):
        hint = next(t for t in hint.__args__ if t is not type(None))
    origin = typing.get_origin(hint)
    if is_dataclass(hint):
        return from_dict(typing.cast(type[Any], hint), value, where)
    if origin is Mapping or origin is typing.get_origin(Mapping[str, str]):
        if not isinstance(value, dict):
            raise ConfigError(f"{where}: this is a section; write it in brackets")
        inner = typing.get_args(hint)[1]
        return {str(k): _convert(inner, v, {}, f"{where}.{k}") for k, v in value.items()}
    if origin is tuple:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(i, str) for i in items):
            raise ConfigError(f"{where}: a list of texts is expected")
        return tuple(_one_of(i.strip(), meta, where) for i in items if i.strip())
    if hint is bool:
        return _boolean(value, where)
    if hint in (int, float):
        return _number(hint, value, meta, where)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # a thread's number, written without quotes
    if not isinstance(value, str):
        raise ConfigError(f"{where}: expected a string")
    return _one_of(value, meta, where)


def _boolean(value: Any, where: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise ConfigError(f"{where}: true or false is expected")


def _number(hint: Any, value: Any, meta: Mapping[str, Any], where: str) -> Any:
    try:
        number = hint(value) if not isinstance(value, bool) else None
    except (TypeError, ValueError):
        number = None
    if number is None or (hint is int and isinstance(value, float)):
        raise ConfigError(f"{where}: a {'whole ' if hint is int else ''}number is expected")
    low, high = meta.get("min"), meta.get("max")
    if (low is not None and not number >= low) or (high is not None and not number <= high):
        raise ConfigError(f"{where}: {number} is out of bounds ({low} to {high})")
    return number


def _one_of(value: str, meta: Mapping[str, Any], where: str) -> str:
    choices = meta.get("choices")
    if choices and value not in choices:
        raise ConfigError(
            f"{where}: {value}: no such choice{did_you_mean(value, choices)}; there are: {', '.join(choices)}"
        )
    return value


def _read_secret(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{where}: the path of a file is expected")
    path = Path(value).expanduser()
    try:
        text = path.read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        raise ConfigError(f"{where}: {path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{where}: {path}: not a text file") from error
    if not text:
        raise ConfigError(f"{where}: {path} is empty")
    refuse_if_others_can_read(path)
    return text


def refuse_if_others_can_read(path: Path) -> None:
    """ConfigError when the group or everybody can read a file that holds a secret."""
    if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        raise ConfigError(f"{path}: holds a secret, and others can read it; run: chmod 600 {path}")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean ...?` when one of the known words is near, else nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""
