"""Tests of delivery over HTTP: every response has its outcome, and no token is revealed."""

import json
import logging
import random
import socket
import ssl
import threading

import pytest
import requests
import urllib3
from hypothesis import example, given
from hypothesis import strategies as st

from etstats.errors import ConfigError
from etstats.post.render.message import Embed, EmbedField, Message
from etstats.post.render.summaries import map_message, round_message
from etstats.post.webhook.address import parse_address, redact
from etstats.post.webhook.client import Webhook
from etstats.post.webhook.network_errors import judge_exception
from etstats.post.webhook.responses import (
    Banned,
    ChannelRefused,
    Gone,
    NotAccepted,
    Permanent,
    RetryAfter,
    Sent,
    Unknown,
    WebhookInfo,
    judge,
)
from tests.post.render import samples
from tests.post.render.faults import CHANNEL_REFUSALS, Fault, Faulty


class Clock:
    """A clock that only advances by sleeping, and records each sleep."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def discord(clock):
    with Faulty(clock=clock) as stand_in:
        yield stand_in


@pytest.fixture
def hook(discord):
    return discord.add_webhook()


@pytest.fixture
def webhook(hook, clock):
    return Webhook(hook.url, clock=clock, sleep=clock.sleep)


KEYS = st.sampled_from(["id", "webhook_id", "channel_id", "message", "code", "errors", "_errors", "retry_after"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["1", "12"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=8,
)
MESSAGE = round_message(samples.a_round(6))


def test_message_is_posted_as_built(discord, webhook):
    """The message in the channel equals the payload, and the returned id is its id."""
    sent = webhook.send(MESSAGE, budget=10)
    assert isinstance(sent, Sent)
    (post,) = discord.posts
    assert (post.message_id, post.channel_id) == (sent.message_id, sent.channel_id)
    assert post.payload == MESSAGE.to_payload()
    assert discord.violations == []
    assert discord.requests[-1].query == {"wait": "true"}


def test_edit_keeps_or_replaces_pictures(discord, webhook):
    """Files arrive unchanged; an edit without files keeps them, one with files replaces them."""
    picture = bytes(range(256)) * 40 + b"\r\n--\r\n"
    message = map_message(samples.a_map(6), picture=True)
    sent = webhook.send(message, {"scoreboard.png": picture}, budget=10)
    assert isinstance(sent, Sent)
    (post,) = discord.posts
    assert post.files == {"scoreboard.png": picture}
    corrected = map_message(samples.a_map(6, winner=2, score=(0, 2)), picture=True)
    assert isinstance(webhook.edit(sent.message_id, corrected, budget=10), Sent)
    assert post.files == {"scoreboard.png": picture}
    assert post.payload["embeds"] == corrected.to_payload()["embeds"]
    assert isinstance(webhook.edit(sent.message_id, corrected, {"scoreboard.png": b"new"}, budget=10), Sent)
    assert post.files == {"scoreboard.png": b"new"}
    assert (len(discord.posts), post.edits, discord.violations) == (1, 2, [])


def test_unnamed_files_raise_an_error(webhook):
    """A picture that the message does not name raises ValueError at once."""
    with pytest.raises(ValueError, match="but the files are"):
        webhook.send(MESSAGE, {"x.png": b""}, budget=10)


def test_forum_returns_a_thread_id(discord, clock):
    """A forum takes a thread name and returns the thread's id, which the next message uses."""
    hook = discord.add_webhook(forum=True)
    webhook = Webhook(hook.url, clock=clock, sleep=clock.sleep)
    refused = webhook.send(MESSAGE, budget=10)
    assert isinstance(refused, ChannelRefused)
    assert refused.code == 220001
    first = webhook.send(Message(embeds=MESSAGE.embeds, thread_name="2 October · Sample server"), budget=10)
    assert isinstance(first, Sent)
    second = webhook.send(MESSAGE, budget=10, thread_id=first.channel_id)
    assert isinstance(second, Sent)
    assert second.channel_id == first.channel_id != hook.channel_id
    assert isinstance(webhook.edit(second.message_id, MESSAGE, budget=10, thread_id=first.channel_id), Sent)
    lost = webhook.send(MESSAGE, budget=10, thread_id="5")
    assert isinstance(lost, Gone)
    assert lost.code == 10003


def test_info_returns_name_and_channel(discord, webhook, hook):
    """`info` posts nothing and returns the name and the channel."""
    assert webhook.info() == WebhookInfo(name="etstats", channel_id=hook.channel_id)
    discord.faults = [Fault.DROP_BEFORE, Fault.BAD_GATEWAY_PAGE, Fault.OTHER_INFO]
    assert isinstance(webhook.info(), Unknown)
    assert isinstance(webhook.info(), NotAccepted)
    assert isinstance(webhook.info(), NotAccepted)
    discord.delete_webhook(hook)
    gone = webhook.info()
    assert isinstance(gone, Gone)
    assert gone.code == 10015
    assert discord.posts == []


@pytest.mark.parametrize(
    ("fault", "outcome", "count"),
    [
        (Fault.BAD_GATEWAY_PAGE, NotAccepted, 0),
        (Fault.UNAVAILABLE, NotAccepted, 0),
        (Fault.REDIRECT, NotAccepted, 0),
        (Fault.BROKEN_REDIRECT, NotAccepted, 0),
        (Fault.SERVER_ERROR_BEFORE, Unknown, 0),
        (Fault.SERVER_ERROR_AFTER, Unknown, 1),
        (Fault.GATEWAY_TIMEOUT_AFTER, Unknown, 1),
        (Fault.DROP_BEFORE, Unknown, 0),
        (Fault.DROP_AFTER, Unknown, 1),
        (Fault.CUT_ANSWER, Unknown, 1),
        (Fault.OTHER_WEBHOOK, Unknown, 1),
        (Fault.NO_CONTENT, Unknown, 1),
        (Fault.CLOUDFLARE_BAN, Banned, 0),
        (Fault.NO_RETRY_AFTER, Banned, 0),
        (Fault.FORBIDDEN_PAGE, Banned, 0),
        (Fault.NETWORK_BLOCKED, Banned, 0),
        (Fault.PAGE_NOT_FOUND, NotAccepted, 0),
        (Fault.TOO_LARGE, Permanent, 0),
        *((fault, ChannelRefused, 0) for fault in sorted(CHANNEL_REFUSALS, key=str)),
    ],
)
def test_each_fault_has_its_outcome(discord, webhook, fault, outcome, count):
    """A lasting fault ends within five attempts, and a lost response is never retried."""
    discord.faults = [fault] * 9
    assert isinstance(webhook.send(MESSAGE, budget=60), outcome)
    assert len(discord.posts) == count
    assert len(discord.requests) + len(discord.unseen) == (5 if outcome is NotAccepted else 1)
    assert discord.early == []


@pytest.mark.parametrize("fault", [Fault.BAD_GATEWAY_PAGE, Fault.UNAVAILABLE, Fault.REDIRECT, Fault.RATE_LIMIT])
def test_temporary_fault_is_retried(discord, webhook, fault):
    """A refused message is sent again within the budget, once."""
    discord.faults = [fault, fault]
    assert isinstance(webhook.send(MESSAGE, budget=60), Sent)
    assert (len(discord.posts), discord.early, discord.duplicates) == (1, [], [])


def test_edit_is_retried_after_a_lost_response(discord, webhook):
    """An edit is retried where a post would be unknown, and ends as not accepted."""
    sent = webhook.send(MESSAGE, budget=10)
    discord.faults = [Fault.DROP_AFTER, Fault.SERVER_ERROR_BEFORE]
    assert webhook.edit(sent.message_id, MESSAGE, budget=60) == sent
    discord.faults = [Fault.DROP_AFTER] * 9
    assert isinstance(webhook.edit(sent.message_id, MESSAGE, budget=60), NotAccepted)
    assert len(discord.posts) == 1


def test_deleted_message_cannot_be_edited(discord, webhook):
    """A deleted message is distinguished from a deleted webhook."""
    sent = webhook.send(MESSAGE, budget=10)
    discord.delete_message(sent.message_id)
    outcome = webhook.edit(sent.message_id, MESSAGE, budget=10)
    assert isinstance(outcome, Permanent)
    assert outcome.is_deleted


def test_deleted_webhook_and_wrong_token_are_final(discord, webhook, hook, clock):
    """Both are final after the first response."""
    wrong = Webhook(hook.url + "x", clock=clock, sleep=clock.sleep)
    assert wrong.send(MESSAGE, budget=10) == Gone("Discord answered 401 (Invalid Webhook Token)", 50027)
    discord.delete_webhook(hook)
    assert webhook.send(MESSAGE, budget=10) == Gone("Discord answered 404 (Unknown Webhook)", 10015)
    assert len(discord.requests) == 2


def test_violated_limit_is_permanent_and_names_the_field(webhook):
    """The reason has Discord's text and the affected fields."""
    embed = Embed(title="x" * 257, colour=0, fields=(EmbedField(name="n", value="v" * 1025),))
    outcome = webhook.send(Message(embeds=(embed,)), budget=10)
    assert isinstance(outcome, Permanent)
    assert outcome.code == 50035
    assert "embeds.0.title: Must be 256 or fewer" in outcome.reason
    assert "embeds.0.fields.0.value: Must be 1024 or fewer" in outcome.reason


def test_wait_beyond_the_budget_is_returned(discord, webhook, clock):
    """No sleep exceeds the budget; the outcome has the requested wait."""
    discord.faults = [Fault.LONG_RATE_LIMIT]
    assert webhook.send(MESSAGE, budget=20) == RetryAfter(45.0)
    assert clock.slept == []
    again = webhook.send(MESSAGE, budget=20)
    assert isinstance(again, RetryAfter)
    assert len(discord.requests) + len(discord.unseen) == 1


def test_empty_budget_sends_nothing(discord, webhook):
    """An empty budget sends nothing."""
    assert isinstance(webhook.send(MESSAGE, budget=0), NotAccepted)
    assert discord.requests == []


def test_many_messages_respect_the_rate_limits(discord, webhook, clock):
    """Seventy consecutive messages exceed no limit: five in two seconds, thirty in sixty."""
    start = clock.now
    for number in range(70):
        message = Message(embeds=(Embed(title=f"{number}", colour=0),))
        assert isinstance(webhook.send(message, budget=120), Sent)
    assert (len(discord.posts), discord.early, discord.duplicates) == (70, [], [])
    assert len(discord.requests) == 70
    assert clock.now - start >= 120


def test_two_senders_respect_the_limit(discord, hook, clock):
    """A second process does not know the first; it waits for the full time of its 429."""
    for _ in range(3):
        for number in range(4):
            sender = Webhook(hook.url, clock=clock, sleep=clock.sleep)
            message = Message(embeds=(Embed(title=f"{number} {clock.now}", colour=0),))
            assert isinstance(sender.send(message, budget=60), Sent)
    assert (len(discord.posts), discord.early) == (12, [])


@pytest.mark.parametrize("seed", range(4))
def test_random_faults_lose_and_repeat_nothing(discord, hook, clock, seed):
    """A hundred messages through a seeded mix of everything: each is posted once, or reported as unknown.

    What was not accepted is tried again later, by a sender that remembers nothing, as the next run would.
    """
    chance = random.Random(seed)
    faults = [fault for fault in Fault if fault not in {Fault.OTHER_INFO, Fault.TOO_LARGE}]
    discord.faults = [chance.choice([None, *faults]) for _ in range(250)]
    pending = [Message(embeds=(Embed(title=f"round {number}", colour=0),)) for number in range(100)]
    sent: dict[str, str] = {}
    unknown: set[str] = set()
    runs = 0
    while pending:
        runs += 1
        assert runs < 300
        webhook = Webhook(hook.url, clock=clock, sleep=clock.sleep)
        for message in list(pending):
            outcome = webhook.send(message, budget=20)
            if isinstance(outcome, NotAccepted | RetryAfter | Banned | ChannelRefused):
                break
            pending.remove(message)
            assert isinstance(outcome, Sent | Unknown)
            if isinstance(outcome, Sent):
                sent[message.embeds[0].title] = outcome.message_id
            else:
                unknown.add(message.embeds[0].title)
        clock.now += 60
    standing = [post.payload["embeds"][0]["title"] for post in discord.posts]
    assert len(standing) == len(set(standing))
    assert sent == {post.payload["embeds"][0]["title"]: post.message_id for post in discord.posts
                    if post.payload["embeds"][0]["title"] not in unknown}  # fmt: skip
    assert len(sent) + len(unknown) == 100
    assert unknown
    assert (discord.duplicates, discord.violations, discord.early) == ([], [], [])


def test_invalid_headers_wait_at_most_a_minute(discord, webhook, clock):
    """A limit that ends after `nan` seconds, or days, causes a wait of at most a minute."""
    discord.faults = [Fault.WORDY_LIMIT, Fault.SENSELESS_LIMIT, Fault.ENDLESS_LIMIT]
    for number in range(4):
        assert isinstance(webhook.send(Message(embeds=(Embed(title=f"{number}", colour=0),)), budget=99), Sent)
    assert sum(clock.slept) == pytest.approx(60.0)


def test_refused_connection_is_not_accepted(clock):
    """A refused connection has delivered nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    webhook = Webhook(f"http://127.0.0.1:{port}/api/webhooks/1/secret", clock=clock, sleep=clock.sleep)
    outcome = webhook.send(MESSAGE, budget=30)
    assert isinstance(outcome, NotAccepted)
    assert "refused" in outcome.reason
    assert "secret" not in outcome.reason


def test_failed_tls_handshake_is_not_accepted(discord, hook, clock):
    """A failed handshake has delivered nothing."""
    webhook = Webhook(hook.url.replace("http:", "https:"), clock=clock, sleep=clock.sleep)
    assert isinstance(webhook.send(MESSAGE, budget=5), NotAccepted)


def test_read_timeout_is_unknown(clock, monkeypatch):
    """After a read timeout the message is not sent again."""
    monkeypatch.setattr("etstats.post.webhook.client.TIMEOUTS", (1.0, 0.2))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api/webhooks/1/secret"
        outcome = Webhook(url, clock=clock, sleep=clock.sleep).send(MESSAGE, budget=60)
    assert outcome == Unknown("no answer from Discord in time")
    assert clock.slept == []


def test_unreachable_proxy_is_not_accepted(clock, monkeypatch):
    """Discord is reached through the system's proxy; if that is down, the message is sent later."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listener.getsockname()[1]}")
    webhook = Webhook("https://discord.com/api/webhooks/1/secret", clock=clock, sleep=clock.sleep)
    assert isinstance(webhook.send(MESSAGE, budget=2), NotAccepted)


def test_loopback_webhook_uses_no_proxy_or_netrc(discord, webhook, monkeypatch, tmp_path):
    """A loopback webhook uses neither the system's proxy nor ~/.netrc."""
    (tmp_path / ".netrc").write_text("default login me password hush\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert isinstance(webhook.send(MESSAGE, budget=5), Sent)
    assert "Authorization" not in discord.requests[-1].headers


def test_ban_stops_all_messages_for_minutes(discord, webhook, clock):
    """The next message of the same run is not attempted."""
    discord.faults = [Fault.CLOUDFLARE_BAN]
    assert isinstance(webhook.send(MESSAGE, budget=60), Banned)
    assert webhook.send(MESSAGE, budget=60) == RetryAfter(600.0)
    clock.now += 600
    assert isinstance(webhook.send(MESSAGE, budget=60), Sent)
    assert len(discord.requests) + len(discord.unseen) == 2


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (requests.ConnectTimeout("x"), NotAccepted),
        (requests.exceptions.InvalidURL("x"), NotAccepted),
        (
            requests.ConnectionError(urllib3.exceptions.NameResolutionError("discord.com", None, OSError())),
            NotAccepted,
        ),
        (requests.exceptions.SSLError(ssl.SSLCertVerificationError("self-signed")), NotAccepted),
        (requests.exceptions.SSLError(ssl.SSLEOFError("EOF")), Unknown),
        (
            requests.ConnectionError(urllib3.exceptions.ProtocolError("x", ConnectionResetError(104, "reset"))),
            Unknown,
        ),
        (requests.exceptions.ChunkedEncodingError("x"), Unknown),
        (OSError(32, "Broken pipe"), Unknown),
        (ValueError("x"), Unknown),
    ],
)
def test_only_undelivered_messages_are_retried(error, outcome):
    """Each exception of the library is classified by whether the message can have been delivered."""
    assert isinstance(judge_exception(error), outcome)


@given(st.integers(200, 599), st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
@example(300, b'{"message":"\\ud80d\\udc39"}')  # a character that formats others
def test_no_response_raises(status, body):
    """Any status with any body has an outcome with a bounded, printable reason."""
    outcome = judge(status, {"Retry-After": body[:5].decode("latin-1")}, body, "1")
    reason = getattr(outcome, "reason", "")
    assert len(reason) < 700
    assert reason.isprintable()


def test_endless_response_is_truncated(clock):
    """Of an endless response one megabyte is read, and the outcome is unknown."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def pour() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                try:
                    while True:
                        connection.sendall(b" " * 65536)
                except OSError:
                    return

        thread = threading.Thread(target=pour)
        thread.start()
        webhook = Webhook(f"http://127.0.0.1:{port}/api/webhooks/1/secret", clock=clock, sleep=clock.sleep)
        assert isinstance(webhook.send(MESSAGE, budget=5), Unknown)
        thread.join()


@pytest.mark.parametrize("fault", [None, *Fault])
def test_token_is_never_shown(discord, webhook, hook, caplog, fault):
    """Outcome, representation and log lines (also DEBUG) do not contain the token."""
    caplog.set_level(logging.DEBUG)
    discord.faults = [fault] * 9 if fault else []
    outcome = webhook.send(MESSAGE, budget=30)
    for shown in (repr(outcome), repr(webhook), str(webhook._address), caplog.text):
        assert hook.token not in shown


def test_warning_of_the_http_library_is_redacted(caplog, webhook, hook):
    """The library quotes the URL in warnings about invalid headers."""
    logging.getLogger("urllib3.connection").warning("Failed to parse headers (url=%s): %s", hook.url, "x")
    assert hook.token not in caplog.text
    assert f"webhooks/{hook.webhook_id}/***" in caplog.text


@pytest.mark.parametrize(
    "pasted",
    [
        "https://discord.com/api/webhooks/12/to-k_en",
        "https://discordapp.com/api/webhooks/12/to-k_en/",
        "http://ptb.discord.com/api/v6/webhooks/12/to-k_en?wait=false",
        " <https://canary.discord.com/api/v10/webhooks/12/to-k_en> \n",
        "discord.com/api/webhooks/12/to-k_en",
    ],
)
def test_webhook_urls_are_normalized(pasted):
    """Scheme, host, version and query are normalized to https, discord.com, v10, none."""
    assert parse_address(pasted).url() == "https://discord.com/api/v10/webhooks/12/to-k_en"


def test_thread_of_the_url_is_the_default():
    """The query's thread_id is used."""
    url = "https://discord.com/api/webhooks/12/token?thread_id=77"
    assert parse_address(url).thread_id == "77"
    assert parse_address(url, "88").thread_id == "88"


@pytest.mark.parametrize(
    ("pasted", "says"),
    [
        ("https://hooks.slack.com/services/T0/B0/SECRETTOKEN", "Slack"),
        ("https://acme.webhook.office.com/webhookb2/SECRETTOKEN", "Microsoft Teams"),
        ("https://discord.com.evil.example/api/webhooks/1/SECRETTOKEN", "points to discord.com.evil.example"),
        ("https://evildiscord.com/api/webhooks/1/SECRETTOKEN", "points to evildiscord.com"),
        ("https://discord.com@evil.example/api/webhooks/1/SECRETTOKEN", "points to evil.example"),
        ("https://discord.com/api/webhooks/1/SECRETTOKEN/slack", "leave out the /slack"),
        ("https://discord.com/channels/1/SECRETTOKEN", "no webhook id"),
        ("https://discord.com/api/webhooks/1/SECRETTOKEN/../../2/x", "no webhook id"),
        ("https://discord.com/api/webhooks/1/SECRETTOKEN?thread_id=x", "Copy Thread ID"),
        ("http://[SECRETTOKEN/api/webhooks/1/x", "cannot be read"),
        ("", "points to nowhere"),
        ("ftp://localhost/api/webhooks/1/SECRETTOKEN", "points to localhost"),
    ],
)
def test_invalid_url_is_refused_without_its_token(pasted, says):
    """The message names the error and the solution, not the token, and has no chained exception."""
    with pytest.raises(ConfigError, match=says) as caught:
        Webhook(pasted)
    assert "SECRETTOKEN" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_redact_hides_every_webhook():
    """Any webhook URL in a text loses its token."""
    assert redact("POST /api/v10/webhooks/1/abc-D_e?wait=true x") == "POST /api/v10/webhooks/1/***?wait=true x"


@pytest.mark.parametrize(
    "body", [b"[1]", b"{", b"\xff", b'{"id": 5}', b'{"id": "1/../2", "webhook_id": "1"}', b""]
)
def test_response_without_a_message_is_unknown(body):
    """A 200 with another body does not confirm the post."""
    assert isinstance(judge(200, {}, body, "1"), Unknown)


@pytest.mark.parametrize("after", ["NaN", "Infinity", "-1", "true", '"5"', "null", "1" + "0" * 400])
def test_invalid_wait_time_is_a_ban(after):
    """Only a finite number of seconds is accepted."""
    assert isinstance(judge(429, {}, b'{"retry_after": %s}' % after.encode(), "1"), Banned)


def test_hostile_error_body_becomes_a_short_safe_line():
    """Deep, long and coloured responses give one bounded line."""
    deep = b'{"code": 50035, "message": "\\u001b[31m\\n@everyone", "errors": ' + b'{"a":' * 50 + b"1" + b"}" * 51
    outcome = judge(400, {}, deep, "1")
    assert isinstance(outcome, Permanent)
    assert len(outcome.reason) <= 300
    assert outcome.reason.isprintable()
