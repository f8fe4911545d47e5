"""Write settings into the file; other content, including comments, does not change."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import tomlkit
from tomlkit.exceptions import ParseError as TomlError
from tomlkit.items import AoT, Table

from etstats.errors import ConfigError
from etstats.sync.regular_file import read_regular

Value = str | int | float | bool | None
Section = Mapping[str, Value]

_ELSEWHERE = "Correct this, or choose another file: etstats --config FILE init"
_HEAD = "Settings of etstats. All settings: etstats docs settings. `etstats init` keeps your changes."


def update(
    path: Path,
    *,
    top: Section,
    sections: Mapping[str, Section],
    server: tuple[str, Section],
    check: Callable[[Path], object],
) -> None:
    """Set values in the TOML file, created with mode 0600 if absent; None removes a key.

    `server` is a name and the values of its `[[servers]]` table. `check` reads the new file before it replaces the
    old one, and may raise. ConfigError if the file cannot be read or written.
    """
    path = Path(os.path.realpath(path))  # keep a symbolic link, for example into a dotfiles folder
    document = _read(path)
    is_new = not document.value
    _put(document, top)
    if is_new:
        document.add(tomlkit.nl())
    name, values = server
    _put(_server_table(document, name), values)
    for section, wanted in sections.items():
        if section not in document and any(value is not None for value in wanted.values()):
            document[section] = tomlkit.table()
        table = document.get(section)
        if isinstance(table, Table):
            _put(table, wanted)
            if not table:
                document.remove(section)
    _write(path, tomlkit.dumps(document), check)


def _read(path: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(read_regular(path).decode("utf-8-sig"))
    except FileNotFoundError:
        document = tomlkit.document()
        document.add(tomlkit.comment(_HEAD))
        return document
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}. {_ELSEWHERE}") from error
    except (UnicodeDecodeError, TomlError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error


def _server_table(document: tomlkit.TOMLDocument, name: str) -> Table:
    if not isinstance(document.get("servers"), AoT):
        document["servers"] = tomlkit.aot()
    servers = cast(AoT, document["servers"])
    for table in servers:
        if table.get("name") == name:
            return cast(Table, table)
    new = tomlkit.table()
    new["name"] = name
    servers.append(new)
    return servers[-1]


def _put(table: tomlkit.TOMLDocument | Table, values: Section) -> None:
    for key, value in values.items():
        if value is None:
            if key in table:
                table.remove(key)
        elif table.get(key) != value:
            table[key] = value


def _write(path: Path, text: str, check: Callable[[Path], object]) -> None:
    new = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        with open(new, "x", encoding="utf-8", opener=_private) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        check(new)
        new.replace(path)
    except OSError as error:
        raise ConfigError(
            f"{path}: the settings cannot be written: {error.strerror}; the file is unchanged. {_ELSEWHERE}"
        ) from error
    finally:
        if new.parent.is_dir() and os.access(new.parent, os.W_OK):
            new.unlink(missing_ok=True)


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)
