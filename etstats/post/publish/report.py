"""The result of a posting run, and its messages for the user."""

from collections import Counter
from dataclasses import dataclass, field

from etstats.db.journal import JournalEntry
from etstats.db.pending_posts import PendingPost
from etstats.errors import PermanentDiscordError, TemporaryError


@dataclass(slots=True)
class PostReport:
    """Counts of a run, with the exit code: 0, 3 (permanent failure or unknown delivery), 75 (later)."""

    counts: Counter[str] = field(default_factory=Counter)
    """Number of posts by result: `posted`, `edited`, `failed`, `unknown`, `waiting`."""
    sent: list[str] = field(default_factory=list)
    """The titles of the sent posts, in order."""
    lines: list[str] = field(default_factory=list)
    """Messages for the user, without secrets; each is reported only once."""
    needs_care: bool = False
    is_unfinished: bool = False

    @property
    def exit_code(self) -> int:
        """Return 0 if done, 3 if something needs a decision, 75 if the next run will retry."""
        if self.needs_care:
            return PermanentDiscordError.exit_code
        return TemporaryError.exit_code if self.is_unfinished else 0

    def postpone(self, line: str = "") -> None:
        """Record that something must wait for the next run."""
        self.is_unfinished = True
        if line and line not in self.lines:
            self.lines.append(line)

    def add_problem(self, line: str) -> None:
        """Record something that needs a decision."""
        self.needs_care = True
        self.lines.append(line)

    def add_unknown(self, what: str, reason: str, name: int | str) -> None:
        """Record a post with unknown delivery; see `unknown_delivery`."""
        self.counts["unknown"] += 1
        self.add_problem(unknown_delivery(what, reason, name))

    def merge(self, other: "PostReport") -> None:
        """Add the report of another part of the run."""
        self.counts.update(other.counts)
        self.sent += other.sent
        self.lines += [line for line in other.lines if line not in self.lines]
        self.needs_care |= other.needs_care
        self.is_unfinished |= other.is_unfinished

    def __str__(self) -> str:
        """Return `3 posted, 1 edited`, or `nothing to post`."""
        words = ("posted", "edited", "failed", "unknown", "waiting")
        return (
            ", ".join(f"{self.counts[word]:,} {word}" for word in words if self.counts[word]) or "nothing to post"
        )


def title(item: PendingPost | JournalEntry) -> str:
    """Return the name of a post for output."""
    match item.kind:
        case "round":
            return f"round {item.round_id}"
        case "map":
            return f"map {item.match_id}"
        case "session":
            return f"session {item.session_id}"
    return f"digest of {item.server}"


def how_to_retry(item: PendingPost | JournalEntry) -> str:
    """Return the command that posts one item again."""
    match item.kind:
        case "map":
            return f"etstats post --match {item.match_id}"
        case "session":
            return f"etstats post --session {item.session_id}"
        case "round":
            return f"etstats post --round {item.round_id}"
    return "etstats post --since WHEN"


def refused(what: str, reason: str, retry: str = "etstats post --retry-failed") -> str:
    """Return the line about a post that Discord refused."""
    return f"{what} was refused: {reason}; to try again: {retry}"


def unknown_delivery(what: str, reason: str, name: int | str) -> str:
    """Return the line about a post with unknown delivery; `name` is its number, or `n` and that of a notice."""
    return f"{what}: whether it was posted is unknown: {reason}; {how_to_resolve(name)}"


def how_to_resolve(name: int | str) -> str:
    """Return what to do about a post with unknown delivery."""
    return f"check whether it is in the channel, then: etstats post --resolve {name} --as sent|failed"
