"""Tests of settings: sources, errors, and masking of secrets."""

import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import Field, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from etstats.config import loader
from etstats.config.schema import Config
from etstats.errors import ConfigError

SERVER = '[[servers]]\nname = "main"\nhost = "game.example.org"\nremote_path = "/home/et/gamestats"\n'


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_every_setting_has_a_default(tmp_path: Path) -> None:
    """Without file and environment: the embedded database, no servers, the XDG folders."""
    found = loader.load(environment={"XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")})
    assert found.path is None
    assert found.servers == ()
    assert found.database.url is None
    assert found.data_dir == tmp_path / "data" / "etstats"
    assert found.sessions.gap_minutes == 60


def test_missing_named_file_is_an_error(tmp_path: Path) -> None:
    """A wrong --config or ETSTATS_CONFIG is an error."""
    with pytest.raises(ConfigError, match="etstats init"):
        loader.load(tmp_path / "none.toml", {})
    with pytest.raises(ConfigError, match="no such configuration file"):
        loader.load(environment={"ETSTATS_CONFIG": str(tmp_path / "none.toml")})


def test_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    """A BOM at the start of the settings, or of files with secrets, is ignored."""
    secret = written(tmp_path, "\ufeffhttps://discord.com/api/webhooks/1/x\n").rename(tmp_path / "webhook")
    path = written(tmp_path, f'\ufeff[discord]\nwebhook_url_file = "{secret}"\n')
    assert loader.load(path, {}).discord.webhook_url == "https://discord.com/api/webhooks/1/x"
    path.write_text("[sessions]\ngap_minutes = 45\n", encoding="utf-16")
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        loader.load(path, {})


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("ETSTATS_SESSIONS_GAP_MINUTES", "abc", 'expected a whole number, got "abc"'),
        ("ETSTATS_SESSIONS_GAP_MINUTES", "", 'expected a whole number, got ""'),
        ("ETSTATS_SESSIONS_GAP_MINUTES", "0", "0 is out of bounds; expected 1 to 1440"),
        ("ETSTATS_LOG_LEVEL", "loud", '"loud" is not valid; expected one of debug, info, warning, error'),
        ("ETSTATS_DATABASE_URL_FILE", "/nowhere", "/nowhere: cannot be read: No such file or directory"),
    ],
)
def test_error_in_the_environment_names_the_variable(tmp_path: Path, name: str, value: str, reason: str) -> None:
    """The error names the file of the secret, not the settings file."""
    with pytest.raises(ConfigError, match=f"^{re.escape(f'{name}: {reason}')}$"):
        loader.load(environment={"XDG_CONFIG_HOME": str(tmp_path), name: value})


def test_environment_overrides_the_file(tmp_path: Path) -> None:
    """ETSTATS_<SECTION>_<KEY> overrides the file, for all types."""
    path = written(tmp_path, SERVER + "[sessions]\ngap_minutes = 45\n[discord]\ncharts = true\n")
    environment = {
        "ETSTATS_SESSIONS_GAP_MINUTES": "30",
        "ETSTATS_DISCORD_CHARTS": "no",
        "ETSTATS_DISCORD_KINDS": "round, session",
        "ETSTATS_DATABASE_URL": "postgresql://db.example/etstats",
        "ETSTATS_DATA_DIR": "/srv/etstats",
    }
    found = loader.load(path, environment)
    assert found.sessions.gap_minutes == 30
    assert found.discord.charts is False
    assert found.discord.kinds == ("round", "session")
    assert found.database.url == "postgresql://db.example/etstats"
    assert found.data_dir == Path("/srv/etstats")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[sesions]\ngap_minutes = 1\n", "did you mean sessions"),
        ("[sessions]\ngap_minuts = 1\n", "did you mean gap_minutes"),
        ("[sessions]\ngap_minutes = 0\n", "out of bounds"),
        ('[sessions]\ngap_minutes = "an hour"\n', "whole number"),
        ("[sessions]\ngap_minutes = 1.5\n", "whole number"),
        ('[discord]\ncharts = "maybe"\n', "true or false"),
        ('[discord]\nkinds = ["rounds"]\n', "expected one of round, map, session"),
        ('[discord]\nusername = "Discord stats"\n', "username"),
        ('[log]\nformat = "xml"\n', "expected one of text, json"),
        ("sessions = 5\n", "brackets"),
        ("[servers]\nname = 1\n", r"\[\[servers\]\]"),
        ('[[servers]]\nname = "main"\n', "host .SFTP. or path"),
        ('[[servers]]\nhost = "h"\n', "name is missing"),
        ('[[servers]]\nname = "main"\nhost = "h"\n', "remote_path is missing"),
        (SERVER + 'timezone = "Europe/Lubljana"\n', "invalid time zone"),
        (SERVER + 'port = "ssh"\n', r"\[\[servers\]\] main: port: expected a whole number, got \"ssh\""),
        (SERVER + "port = 0\n", "expected 1 to 65535"),
        (SERVER + 'query = "game:x"\n', 'query: invalid address "game:x"; expected host:port'),
        ('[[servers]]\nname = "main"\npath = ""\n', "path: expected a value, got an empty string"),
        ('[sync]\nidle_every = "soon"\n', 'idle_every: invalid duration "soon"; expected one such as 5s'),
        ('[cron]\npoll = "0s"\n', 'poll: invalid duration "0s"'),
        ('[cron]\npoll = "5 minutes"\n', 'poll: invalid duration "5 minutes"'),
        ('[cron]\nhours = "evening"\n', 'hours: invalid hours "evening"; expected a range such as 18-2'),
        ('[cron]\nbackup_at = "25:00"\n', 'backup_at: invalid time of day "25:00"; expected one such as 05:30'),
        ('[discord]\nthread_id = "general"\n', 'thread_id: invalid thread id "general"; expected a number'),
        ('[database]\nschema = "My Tables"\n', 'schema: invalid schema name "My Tables"'),
        ('[site]\nurl = "stats.example.org"\n', 'url: invalid address "stats.example.org"'),
        ("data_dir = 3\n", "data_dir: expected a string, got 3"),
        ("state_dir = []\n", "state_dir: expected a string, got a list"),
        (SERVER + SERVER, "two servers are named main"),
        (SERVER.replace('"main"', '"../x"'), "folder"),
        ("[sessions\n", "not valid TOML"),
        ("a = " + "[" * 5000, "not valid TOML"),
    ],
)
def test_errors_name_file_key_and_solution(tmp_path: Path, text: str, said: str) -> None:
    """Each error names the file, the key and the solution."""
    path = written(tmp_path, text)
    with pytest.raises(ConfigError, match=said) as caught:
        loader.load(path, {})
    assert str(path) in str(caught.value)


def test_readable_secret_is_refused(tmp_path: Path) -> None:
    """A webhook or password in a file of mode 0644 is refused; a URL without a password is accepted."""
    secret = '[discord]\nwebhook_url = "https://discord.com/api/webhooks/1/x"\n'
    with pytest.raises(ConfigError, match="chmod 600"):
        loader.load(written(tmp_path, secret, 0o644), {})
    with pytest.raises(ConfigError, match="chmod 600"):
        loader.load(written(tmp_path, '[database]\nurl = "postgresql://et:pw@db/etstats"\n', 0o644), {})
    assert loader.load(written(tmp_path, secret), {}).discord.webhook_url
    assert loader.load(
        written(tmp_path, '[database]\nurl = "postgresql://et@db/etstats"\n', 0o644), {}
    ).database.url


def test_secrets_are_read_from_files(tmp_path: Path) -> None:
    """`webhook_url_file` is read, must be private, and excludes `webhook_url`."""
    secret = tmp_path / "webhook"
    secret.write_text("https://discord.com/api/webhooks/1/token\n")
    secret.chmod(0o600)
    path = written(tmp_path, f'[discord]\nwebhook_url_file = "{secret}"\n')
    found = loader.load(path, {})
    assert found.discord.webhook_url == "https://discord.com/api/webhooks/1/token"
    assert loader.secrets(found) == ("https://discord.com/api/webhooks/1/token",)
    secret.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        loader.load(path, {})
    secret.chmod(0o600)
    with pytest.raises(ConfigError, match="both set"):
        loader.load(written(tmp_path, f'[discord]\nwebhook_url = "x"\nwebhook_url_file = "{secret}"\n'), {})


def test_redacted_settings_have_no_secret(tmp_path: Path) -> None:
    """`redacted` replaces every secret, at any depth."""
    text = (
        '[database]\nurl = "postgresql://et:hidden1@db/etstats"\n'
        '[discord]\nwebhook_url = "https://discord.com/api/webhooks/1/hidden2"\n'
        '[discord.map]\nwebhook_url = "https://discord.com/api/webhooks/1/hidden3"\n'
        '[discord.servers.main]\nwebhook_url = "https://discord.com/api/webhooks/1/hidden4"\n'
        '[health]\nping_url = "https://hc-ping.com/hidden5"\n'
    )
    found = loader.load(written(tmp_path, text), {})
    assert len(loader.secrets(found)) == 5
    assert "hidden" not in str(loader.redacted(found))


def test_single_server_needs_no_name(tmp_path: Path) -> None:
    """A single server needs no name; an unknown name is an error that lists the servers."""
    found = loader.load(written(tmp_path, SERVER), {})
    assert found.server(None).name == "main"
    with pytest.raises(ConfigError, match="there are: main"):
        found.server("other")


def settings(cls: Any, *place: str) -> Iterator[tuple[tuple[str, ...], Any, Field[Any] | None]]:
    """Yield each setting: the keys that lead to it, its type and its field (None: a folder at the top)."""
    hints = typing.get_type_hints(cls)
    for one in fields(cls):
        hint = hints[one.name]
        inner = [kind for kind in (hint, *typing.get_args(hint)) if is_dataclass(kind)]
        key = (*place, one.name)
        if inner:
            named = typing.get_origin(hint) not in (None, tuple)
            yield from settings(inner[0], *key, *(["round"] if named else []))
        elif place or one.name.endswith("_dir"):
            yield key, hint, one if place else None


SETTINGS = tuple(settings(Config))
WRONG = (
    st.sampled_from([True, 3, -1, 10**400, 0.5, float("nan"), float("inf"), "", " ", "\0", "hidden", "x\ny"])
    | st.lists(st.sampled_from(["hidden", 3]), max_size=2)
    | st.dictionaries(st.just("hidden"), st.just(3), max_size=1)
    | st.datetimes()
    | st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=8)
)


def is_of(hint: Any, value: Any) -> bool:
    """Return whether a loaded value has the declared type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return value in arguments
    if origin is tuple:
        return isinstance(value, tuple) and all(isinstance(item, str) for item in value)
    if arguments:
        return any(is_of(argument, value) for argument in arguments)
    return type(value) is hint


def test_every_setting_is_in_the_property_test() -> None:
    """The walk over the settings finds the nested and the top-level ones."""
    keys = {key for key, _, _ in SETTINGS}
    assert {("data_dir",), ("servers", "port"), ("sync", "idle_every"), ("discord", "kinds")} <= keys
    assert {("discord", "map", "thread_id"), ("discord", "channels", "round", "webhook_url")} <= keys


@given(st.sampled_from(SETTINGS), WRONG)
def test_setting_has_its_declared_type_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, setting: tuple[tuple[str, ...], Any, Field[Any] | None], value: Any
) -> None:
    """Any value of any setting either loads as the declared type, or the error names file, setting and value.

    A secret value is not shown.
    """
    key, hint, field = setting
    folder = tmp_path_factory.getbasetemp() / "settings"
    folder.mkdir(exist_ok=True)
    server = {"name": "main", "host": "h", "remote_path": "r"}
    table: Any = {key[-1]: value}
    if key[0] == "servers":
        table = {"servers": [({"name": "main"} if key[1] == "path" else server) | table]}
    else:
        for name in reversed(key[:-1]):
            table = {name: table}
    path = written(folder, tomlkit.dumps(table))
    try:
        loaded: Any = loader.load(path, {"HOME": str(folder)})
    except ConfigError as error:
        said = str(error)
        assert said.startswith(str(path))
        if key[-1] != "name":  # which the error may use to name the server
            assert f"{key[-1]}: " in said
        if field is not None and field.metadata.get("secret"):
            assert "hidden" not in said
        elif type(value) in (bool, int):
            assert str(value).lower()[:50] in said
        return
    for name in key:
        loaded = loaded[0] if isinstance(loaded, tuple) else loaded
        loaded = loaded[name] if isinstance(loaded, Mapping) else getattr(loaded, name)
    assert isinstance(loaded, Path) if field is None else is_of(hint, loaded)
    assert loaded != "" or (field is not None and field.default == "")
