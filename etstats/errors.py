"""Everything that can go wrong, as one tree; the exit code of each branch is the command's.

    EtstatsError                 1   a fault of the program
    ├── ConfigError              2   a setting or an option is wrong
    │   └── BackupError          2   a file is not a valid backup
    ├── NotFoundError            2   no such player, map, season, round ...; the nearest ones are named
    ├── ParseError               3   a file is not what the game server writes; it goes to quarantine
    ├── CheckError               3   a file's numbers contradict each other; it goes to quarantine
    ├── AccessError              4   the server refused us
    │   └── HostKeyError         4   ... or we refused the server: its host key is unknown or changed
    ├── TemporaryError          75   the next run will make it good
    │   ├── LockedError         75   another run is using this database
    │   ├── SourceError         75   the game server or its folder cannot be reached
    │   ├── DatabaseError       75   the database is down or went away
    │   ├── OutputError         75   what is printed cannot be written: a full disk behind stdout
    │   └── DiscordError        75   Discord is down, or asked for patience
    └── PermanentDiscordError    3   Discord will never take this message, or this webhook is gone

Each message says what went wrong, where, and what to do next, in one or two lines and without secrets.
"""


class EtstatsError(Exception):
    """The root: catch this to catch everything etstats raises on purpose."""

    exit_code = 1


class ConfigError(EtstatsError):
    """A setting, an option or a file named by one is missing or wrong."""

    exit_code = 2


class BackupError(ConfigError):
    """A file that should be restored is missing, damaged, or not a backup that this etstats can restore."""


class NotFoundError(EtstatsError):
    """A name given by the user matches nothing, or more than one thing; the message names candidates."""

    exit_code = 2


class ParseError(EtstatsError):
    """A file is not a whole, well-formed statistics file.

    `line` counts from 1; 0 means the file as a whole.
    """

    exit_code = 3

    def __init__(self, filename: str, line: int, reason: str) -> None:
        place = f"{filename}, line {line}" if line else filename
        super().__init__(f"{place}: {reason}")
        self.filename = filename
        self.line = line
        self.reason = reason


class CheckError(EtstatsError):
    """A file is well-formed, but its numbers cannot be true, so it is not stored."""

    exit_code = 3


class AccessError(EtstatsError):
    """The game server refused the user or the key."""

    exit_code = 4


class HostKeyError(AccessError):
    """The server's host key is not known, or is not the one that is known."""


class TemporaryError(EtstatsError):
    """Nothing is wrong with us; the same command will work later."""

    exit_code = 75


class LockedError(TemporaryError):
    """Another run holds the lock of this database."""


class SourceError(TemporaryError):
    """A game server, or the folder that stands for it, cannot be read now."""


class DatabaseError(TemporaryError):
    """The database cannot be reached, or was lost in the middle of the work."""


class OutputError(TemporaryError):
    """What stdout leads to takes nothing more, such as a file on a full disk."""


class DiscordError(TemporaryError):
    """Discord cannot be reached, or asked us to wait longer than this run may last."""


class PermanentDiscordError(EtstatsError):
    """Discord refused for good: the message breaks a limit, or the webhook is gone."""

    exit_code = 3
