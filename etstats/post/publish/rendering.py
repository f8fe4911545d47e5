"""Render a stored round, map or session as its message."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any, NamedTuple

from etstats.db import pending_posts
from etstats.db import sessions as stored
from etstats.db.connection import Connection
from etstats.db.pending_posts import PendingPost, Style
from etstats.domain.history import NO_HISTORY, History
from etstats.domain.stats import ScoreLine
from etstats.domain.views import MatchView, RoundRow, RoundView, SessionView
from etstats.post.publish.pending import PageOf
from etstats.post.render import compact, summaries
from etstats.post.render.message import Embed, Message
from etstats.post.render.summaries import Digest
from etstats.post.settings import DiscordConfig
from etstats.stats import sessions
from etstats.stats.history import history_of
from etstats.stats.teams import visible

PostView = RoundView | MatchView | SessionView | Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedPost:
    """A message, its view, and the history it compares with, or None.

    `fingerprint` is that of the message without its history, and of the players in its picture.
    """

    message: Message
    server: str
    view: PostView
    style: Style
    fingerprint: str
    history: dict[str, Any] | None

    def pictures(self) -> dict[str, bytes]:
        """Draw and return the message's pictures: file name -> PNG."""
        if not self.message.attachments:
            return {}
        from etstats.post.render import compact_pictures, pictures  # noqa: PLC0415  # Pillow

        is_compact = self.style == "compact"
        match self.view:
            case MatchView() as view:
                draw = compact_pictures.map_picture if is_compact else pictures.scoreboard
                return {summaries.SCOREBOARD_FILE: draw(view)}
            case SessionView() as session:
                draw_session = compact_pictures.session_picture if is_compact else pictures.session
                return {summaries.SESSION_FILE: draw_session(session)}
        return {}


def render(
    conn: Connection,
    item: PendingPost,
    settings: DiscordConfig,
    page_of: PageOf | None = None,
    *,
    history: Mapping[str, Any] | None = None,
) -> RenderedPost:
    """Return the message of a pending post from the database; NotFoundError if its rounds were deleted.

    `page_of` returns the link of its title. `history`: the history of the first sending; None, or a document that
    cannot be read: the current one. Reads inside the caller's transaction.
    """
    content = _content(conn, item, settings)
    shows = type(content.view).__name__
    history = history if _is_readable(history) else None
    if item.style == "compact" and (history is None or history.get("shows") != shows):
        found = (
            history_of(
                conn,
                content.rounds,
                content.players,
                is_session=item.kind == "session",
                with_milestones=item.kind == "round" or item.is_combined,
            )
            if content.rounds
            else NO_HISTORY
        )
        history = {"shows": shows, **found.document()}
    page = page_of(item) if page_of else None
    is_voided = item.kind != "digest" and not pending_posts.is_counted(conn, item)
    messages = []
    for compared in (History.of_document(history), NO_HISTORY):
        message = _message(content.view, item.style, compared, settings)
        messages.append(_finished(voided_message(message) if is_voided else message, page, settings))
    message, bare = messages
    return RenderedPost(
        message=message,
        server=item.server,
        view=content.view,
        style=item.style,
        fingerprint=_fingerprint(bare, content.view),
        history=None if history is None else dict(history),
    )


def _fingerprint(message: Message, view: PostView) -> str:
    """Return a hash of a message and of what only its picture shows: the lines of the other players."""
    text = message.fingerprint()
    match view:
        case MatchView() if message.attachments:
            drawn: list[tuple[object, ...]] = [*sorted(view.players)]
        case SessionView() if message.attachments:
            form = sorted((line.player_guid, line.values) for line in view.dpm_series)
            drawn = [*sorted(view.players), *form]
        case _:
            return text
    return hashlib.sha256(f"{text} {drawn}".encode()).hexdigest()


def _is_readable(history: Mapping[str, Any] | None) -> bool:
    try:
        History.of_document(history)
    except ValueError:
        return False
    return True


class _Content(NamedTuple):
    """Content of a post, and the rounds and visible players of its history."""

    view: PostView
    rounds: Sequence[RoundRow] = ()
    players: Sequence[ScoreLine] = ()


def _content(conn: Connection, item: PendingPost, settings: DiscordConfig) -> _Content:
    # A combined message shows only round 2 while its round 1 is missing or voided.
    is_round = not item.is_paired if item.is_combined else item.kind == "round"
    match item.kind:
        case "round" | "map" if is_round:
            # In a compact post milestones are part of the history.
            view = sessions.round_view(conn, item.round_id or 0, with_milestones=item.style == "full")
            return _Content(view, [view.round], view.players)
        case "round" | "map":
            match_view = sessions.match_view(conn, item.server_id, item.match_id or "")
            rounds = stored.rounds_of_match(conn, item.server_id, item.match_id or "")
            return _Content(match_view, rounds, match_view.players)
        case "session":
            session = sessions.session_view(conn, item.session_id or 0)
            if "round" in settings.kinds:  # shown in the posts of rounds
                session = session._replace(milestones=())
            return _Content(session, session.rounds, session.players)
    return _Content(_digest(conn, item))


def _message(view: PostView, style: Style, history: History, settings: DiscordConfig) -> Message:
    is_compact = style == "compact"
    match view:
        case RoundView():
            return compact.round_post(view, history) if is_compact else summaries.round_message(view)
        case MatchView():
            if is_compact:
                return compact.map_post(view, history, picture=settings.charts)
            return summaries.map_message(view, picture=settings.charts)
        case SessionView():
            if is_compact:
                return compact.session_post(view, history, picture=settings.charts)
            return summaries.session_message(view, picture=settings.charts)
    return summaries.digest_message(view)


def _finished(message: Message, page: str | None, settings: DiscordConfig) -> Message:
    if page is not None:
        message = replace(message, embeds=(replace(message.embeds[0], url=page), *message.embeds[1:]))
    return replace(message, silent=settings.silent, username=settings.username)


def joined_message(message: Message) -> Message:
    """Return the replacement of a session summary whose session became part of an earlier one."""
    text = "This turned out to be part of one longer session: its summary above has been brought up to date."
    return _replaced(message, text)


def voided_message(message: Message) -> Message:
    """Return the replacement of the message about a round, map or session that no longer counts."""
    return _replaced(message, "Voided: this does not count.")


def _replaced(message: Message, text: str) -> Message:
    card = message.embeds[0]
    shown = Embed(title=card.title, colour=card.colour, description=text, author=card.author)
    return Message(embeds=(shown,))


def thread_name(conn: Connection, item: PendingPost, zone: tzinfo) -> str:
    """Return the name of a session's forum thread: the local start day, and the server."""
    rounds = stored.rounds_of_sessions(conn, [item.session_id]) if item.session_id is not None else []
    began = rounds[0].ended_at if rounds else item.first_at or item.ended_at
    return summaries.thread_title(item.server, f"{began.astimezone(zone):%Y-%m-%d}")


def _digest(conn: Connection, item: PendingPost) -> Digest:
    first_at, last_at = item.first_at or item.ended_at, item.last_at or item.ended_at
    rounds = stored.rounds(conn, pending_posts.rounds_of_span(conn, item.server_id, first_at, last_at))
    lines = stored.scoreboards(conn, dict.fromkeys([round_.id for round_ in rounds], 0)).get(0, [])
    maps: dict[str, int] = {}
    for round_ in rounds:
        maps[round_.map_name] = maps.get(round_.map_name, 0) + 1
    return Digest(
        server=item.server,
        first_at=first_at,
        last_at=last_at,
        rounds=len(rounds),
        maps=tuple(maps.items()),
        players=visible(lines),
    )
