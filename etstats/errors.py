"""The exception tree, with the exit code of the command for each class.

    EtstatsError                 1   internal error
    ├── ConfigError              2   a setting or an option is wrong
    │   ├── BackupError          2   a file is not a valid backup
    │   └── InvalidValueError    2   a value does not have the format of its setting
    ├── NotFoundError            2   no such player, map, season, round ...; the message lists similar ones
    ├── ParseError               3   a file is not a valid round file; it goes to quarantine
    ├── CheckError               3   a file's numbers contradict each other; it goes to quarantine
    ├── AccessError              4   the server refused us
    │   └── HostKeyError         4   ... or we refused the server: its host key is unknown or changed
    ├── TemporaryError          75   the next run tries again
    │   ├── LockedError         75   another run is using this database
    │   ├── SourceError         75   the game server or its folder cannot be reached
    │   │   └── FolderError     75   ... the server answers, but has no such folder
    │   ├── DatabaseError       75   the database is down or the connection was lost
    │   ├── OutputError         75   stdout cannot be written, for example to a full disk
    │   └── DiscordError        75   Discord is down, or rate limits
    └── PermanentDiscordError    3   Discord refuses this message for good, or the webhook is gone

Each message says what failed, where, and what to do, in one or two lines and without secrets.
"""


class EtstatsError(Exception):
    """Base class of all exceptions of etstats."""

    exit_code = 1


class ConfigError(EtstatsError):
    """A setting, an option, or a file given by one is missing or wrong."""

    exit_code = 2


class BackupError(ConfigError):
    """A backup to restore is missing, damaged, or not supported by this version."""


class InvalidValueError(ConfigError):
    """A value does not have the format that its setting or option requires."""


class NotFoundError(EtstatsError):
    """A name given by the user has no match, or several; the message lists candidates."""

    exit_code = 2


class ParseError(EtstatsError):
    """A file is not a complete, well-formed round file.

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
    """A file is well-formed, but its numbers are impossible, so it is not stored."""

    exit_code = 3


class AccessError(EtstatsError):
    """The game server refused the user or the key."""

    exit_code = 4


class HostKeyError(AccessError):
    """The server's host key is unknown or has changed."""


class TemporaryError(EtstatsError):
    """A temporary failure of another system; the same command will work later."""

    exit_code = 75


class LockedError(TemporaryError):
    """Another run holds the lock of this database."""


class SourceError(TemporaryError):
    """A game server, or its local folder, cannot be read now."""


class FolderError(SourceError):
    """The server answers, but the folder of the round files is missing, is not a folder, or cannot be read."""


class DatabaseError(TemporaryError):
    """The database cannot be reached, or the connection was lost."""


class OutputError(TemporaryError):
    """stdout cannot be written, for example to a file on a full disk."""


class DiscordError(TemporaryError):
    """Discord cannot be reached, or requires a longer wait than the run's time limit."""


class PermanentDiscordError(EtstatsError):
    """Discord refuses for good: the message violates a limit, or the webhook is gone."""

    exit_code = 3
