"""URLs of databases: their schema, their hosts, and the settings of a connection."""

import re

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from etstats.domain.value_formats import check_schema_name
from etstats.errors import ConfigError, InvalidValueError

DEFAULT_SCHEMA = "public"
PRIMARY = "database.url"
"""The setting that messages name, unless they are about another URL."""
_SCHEMA_OPTION = re.compile(r"-csearch_path=([a-z0-9_]+)$", re.ASCII)


def with_schema(url: str, schema: str, setting: str = PRIMARY) -> str:
    """Return the URL of the same database, with the schema to which `connect` sets the search path.

    `setting` names the source of the URL in messages.
    """
    if schema == DEFAULT_SCHEMA:
        return url
    check_schema_name(schema)  # it is part of an SQL statement
    options = settings_of(url, setting).get("options", "")
    return make_conninfo(url, options=f"{options} -csearch_path={schema}".strip())


def to_primary(url: str) -> str:
    """Return the URL with target_session_attrs set to use the host that accepts writes.

    A target_session_attrs in the URL is kept.
    """
    settings = settings_of(url, PRIMARY)
    if "target_session_attrs" in settings or not _has_several_hosts(settings):
        return url
    return make_conninfo(url, target_session_attrs="read-write")


def settings_of(url: str, setting: str) -> dict[str, str]:
    """Return the settings of a connection. Raises ConfigError if the URL is not valid, without the password."""
    if not url.strip():
        raise ConfigError(f"{setting} is empty; leave it out to use the embedded PostgreSQL.")
    try:
        given = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.ProgrammingError:
        # The library's message quotes the URL, including the password.
        raise InvalidValueError(
            f"{setting} is not a PostgreSQL URL; expected postgresql://user:password@host:5432/database, "
            "with special characters of the password percent-encoded."
        ) from None
    # An "@" or "/" in a bare password ends up in the parts behind it: say so before a message can show it.
    host = given.get("host", "")
    misplaced = given.get("dbname", "") + ("" if host.startswith("/") else host)
    if not given.get("port", "5432").replace(",", "").isdigit() or "@" in misplaced:
        raise ConfigError(
            f"{setting}: the password's special characters must be percent-encoded (@ is %40, / is %2F)."
        )
    defaults = {
        "application_name": "etstats",
        "connect_timeout": "10",
        "keepalives_idle": "30",
        "keepalives_interval": "10",
        "keepalives_count": "3",
        "tcp_user_timeout": "60000",
    }
    return {**defaults, **given, "client_encoding": "UTF8"}


def _has_several_hosts(settings: dict[str, str]) -> bool:
    return "," in settings.get("host", "") + settings.get("hostaddr", "")


def address_of(settings: dict[str, str]) -> str:
    """Return the hosts with their ports, for messages."""
    hosts = (settings.get("host") or settings.get("hostaddr") or "the local socket").split(",")
    ports = settings.get("port", "5432").split(",")
    ports = ports if len(ports) == len(hosts) else ports * len(hosts)
    return ", ".join(
        host if host.startswith("/") else f"{host}:{port}" for host, port in zip(hosts, ports, strict=False)
    )


def take_schema(settings: dict[str, str]) -> str:
    """Remove the schema that `with_schema` wrote and return it: a pooler does not accept options."""
    options = settings.get("options", "")
    found = _SCHEMA_OPTION.search(options)
    if found is None:
        return DEFAULT_SCHEMA
    settings["options"] = options[: found.start()].rstrip()
    if not settings["options"]:
        del settings["options"]
    return found[1]
