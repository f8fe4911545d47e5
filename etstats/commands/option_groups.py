"""Groups of options: one parameter of a command function, several options on the command line."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import TypeVar

_Result = TypeVar("_Result")


def bundled(command: Callable[..., _Result]) -> Callable[..., _Result]:
    """Let a command function have dataclass parameters whose fields are options, which Typer does not support."""
    taken = inspect.signature(command).parameters.values()
    bundles = {
        parameter.name: parameter.annotation
        for parameter in taken
        if isinstance(parameter.annotation, type) and is_dataclass(parameter.annotation)
    }
    options = {name: inspect.signature(bundle).parameters for name, bundle in bundles.items()}

    @functools.wraps(command)
    def unbundled(**given: object) -> _Result:
        made = {name: bundles[name](**{option: given.pop(option) for option in options[name]}) for name in bundles}
        return command(**given, **made)

    flat = [
        option
        for parameter in taken
        for option in (options[parameter.name].values() if parameter.name in bundles else [parameter])
    ]
    by_name = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in flat]
    vars(unbundled)["__signature__"] = inspect.Signature(by_name)
    unbundled.__annotations__ = {parameter.name: parameter.annotation for parameter in by_name}
    return unbundled
