"""What a run of posting did, and what of it a person has to know."""

from collections import Counter
from dataclasses import dataclass, field

from etstats.db.journal import JournalEntry
from etstats.db.pending_posts import PendingPost
from etstats.errors import PermanentDiscordError, TemporaryError


@dataclass(slots=True)
class PostReport:
    """Counts of a run; owns its exit code: 0, 3 (something failed for good or is unknown), 75 (later)."""

    counts: Counter[str] = field(default_factory=Counter)
    """By what became of a post: `posted`, `edited`, `failed`, `unknown`, `waiting`."""
    lines: list[str] = field(default_factory=list)
    """What to say to a person, each thing once ever: a line each, without secrets."""
    notes: list[str] = field(default_factory=list)
    """What is good to know for who asked at a terminal."""
    needs_care: bool = False
    is_unfinished: bool = False

    @property
    def exit_code(self) -> int:
        """0 done; 3 when something needs a person; 75 when the next run will make it good."""
        if self.needs_care:
            return PermanentDiscordError.exit_code
        return TemporaryError.exit_code if self.is_unfinished else 0

    def later(self, line: str = "") -> None:
        """Note that something has to wait for the next run."""
        self.is_unfinished = True
        if line and line not in self.lines:
            self.lines.append(line)

    def care(self, line: str) -> None:
        """Note what needs a person."""
        self.needs_care = True
        self.lines.append(line)

    def __str__(self) -> str:
        """`3 posted, 1 edited`, or `nothing to post`."""
        words = ("posted", "edited", "failed", "unknown", "waiting")
        return ", ".join(f"{self.counts[w]:,} {w}" for w in words if self.counts[w]) or "nothing to post"


def title(item: PendingPost | JournalEntry) -> str:
    """A thing as a line of talk names it."""
    match item.kind:
        case "round":
            return f"round {item.round_id}" + (f" ({item.filename})" if isinstance(item, JournalEntry) else "")
        case "map":
            return f"map {item.match_id}"
        case "session":
            return f"session {item.session_id}"
    return f"digest of {item.server}"


def how_to_retry(item: PendingPost | JournalEntry) -> str:
    """The command that posts one thing again."""
    match item.kind:
        case "map":
            return f"etstats post --match {item.match_id}"
        case "session":
            return f"etstats post --session {item.session_id}"
        case "round":
            return f"etstats post --round {item.round_id}"
    return "etstats post --since WHEN"


def how_to_resolve(post_id: int) -> str:
    """Return what to do about a post whose delivery is unknown."""
    return f"see whether it stands in the channel, then: etstats post --resolve {post_id} --as sent|failed"
