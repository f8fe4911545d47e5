"""The JSON of a page: the document of the command with `--json`, without spaces."""

from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import orjson

from etstats.output.sanitize import in_json

_PLACES = 4
_PLAIN = frozenset({int, str, bool, type(None)})


def document(value: object) -> bytes:
    """Return one document: rows as objects, times in ISO 8601, floats with four decimals."""
    encoded = orjson.dumps(plain(value))
    if encoded.isascii() and b"\x7f" not in encoded:
        return encoded + b"\n"
    return in_json(encoded.decode()).encode() + b"\n"


@cache
def _field_names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def plain(value: Any) -> Any:
    """Return the value as dicts, lists, texts and numbers."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is float:
        return round(value, _PLACES)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {
            name: inner if type(inner) in _PLAIN else plain(inner)
            for name, inner in zip(value._fields, value, strict=True)
        }
    if is_dataclass(value):
        return {name: plain(getattr(value, name)) for name in _field_names(value.__class__)}
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [plain(inner) for inner in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else round(float(value), _PLACES)
    return value.isoformat() if isinstance(value, date) else str(value)
