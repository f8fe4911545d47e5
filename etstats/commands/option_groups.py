"""Options that always go together: one parameter of a command, as many on the command line."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import TypeVar

_Result = TypeVar("_Result")


def bundled(command: Callable[..., _Result]) -> Callable[..., _Result]:
    """Let a command take bundles, dataclasses whose fields are options, where Typer wants every option itself."""
    taken = inspect.signature(command).parameters.values()
    bundles = {
        p.name: p.annotation for p in taken if isinstance(p.annotation, type) and is_dataclass(p.annotation)
    }
    options = {name: inspect.signature(bundle).parameters for name, bundle in bundles.items()}

    @functools.wraps(command)
    def unbundled(**given: object) -> _Result:
        made = {name: bundles[name](**{option: given.pop(option) for option in options[name]}) for name in bundles}
        return command(**given, **made)

    flat = [option for p in taken for option in (options[p.name].values() if p.name in bundles else [p])]
    by_name = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in flat]
    vars(unbundled)["__signature__"] = inspect.Signature(by_name)
    unbundled.__annotations__ = {p.name: p.annotation for p in by_name}
    return unbundled
