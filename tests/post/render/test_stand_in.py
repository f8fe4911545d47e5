"""Tests of the Discord stand-in: its error texts, and its records of sender errors."""

import pytest
import requests

from etstats.demo.discord import StandIn
from tests.support.processes import HANG_SECONDS

FINE = {"embeds": [{"title": "x"}], "allowed_mentions": {"parse": []}}


@pytest.fixture
def discord():
    with StandIn(limited=False) as stand_in:
        yield stand_in


@pytest.fixture
def url(discord):
    return discord.add_webhook().url.replace("/api/", "/api/v10/")


def test_url_without_a_version_is_refused(discord):
    """A pasted URL without a version is not posted to unchanged."""
    answer = requests.post(discord.add_webhook().url, json=FINE, timeout=HANG_SECONDS)
    assert (answer.status_code, answer.json()["code"]) == (400, 50041)
    assert discord.posts == []


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ({"content": "x" * 2001}, ["content"]),
        ({"embeds": [{"title": "x"}] * 11}, ["embeds"]),
        ({"embeds": [{"title": "x" * 257}]}, ["embeds", "0", "title"]),
        ({"embeds": [{"description": "x" * 4097}]}, ["embeds", "0", "description"]),
        ({"embeds": [{"description": "x" * 3500}] * 2}, ["embeds"]),
        ({"embeds": [{"fields": [{"name": "n", "value": "v"}] * 26}]}, ["embeds", "0", "fields"]),
        ({"embeds": [{"fields": [{"name": "n", "value": " "}]}]}, ["embeds", "0", "fields", "0", "value"]),
        ({"embeds": [{"fields": [{"name": "n" * 257, "value": "v"}]}]}, ["embeds", "0", "fields", "0", "name"]),
        ({"embeds": [{"footer": {"text": "x" * 2049}}]}, ["embeds", "0", "footer", "text"]),
        ({"embeds": [{"author": {"name": "x" * 257}}]}, ["embeds", "0", "author", "name"]),
        ({"embeds": [{"title": "x", "color": 1 << 24}]}, ["embeds", "0", "color"]),
        ({"embeds": [{"title": "x", "timestamp": "yesterday"}]}, ["embeds", "0", "timestamp"]),
        ({"embeds": [{"image": {"url": "file:///x"}}]}, ["embeds", "0", "image", "url"]),
        ({"username": "my discord", "content": "x"}, ["username"]),
        ({"thread_name": "x" * 101, "content": "x"}, ["thread_name"]),
        ({"content": "x", "flags": 1}, ["flags"]),
        ({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}, ["allowed_mentions"]),
        ({"content": "x", "attachments": [{"id": 0, "filename": "a"}]}, ["attachments"]),
    ],
)
def test_violated_limits_have_nested_errors(discord, url, payload, path):
    """400, code 50035, and `_errors` at the violated limit."""
    answer = requests.post(url, json=payload, timeout=HANG_SECONDS)
    assert (answer.status_code, answer.json()["code"]) == (400, 50035)
    place = answer.json()["errors"]
    for step in path:
        place = place[step]
    assert place["_errors"][0]["message"]
    assert discord.posts == []
    assert discord.violations


def test_values_at_the_limit_are_accepted(discord, url):
    """Lengths are code points after trimming."""
    embed = {"title": " " + "🔥" * 256 + " ", "fields": [{"name": "n", "value": "v" * 1024}]}
    assert requests.post(url, json={**FINE, "embeds": [embed]}, timeout=HANG_SECONDS).status_code == 204
    assert discord.violations == []


@pytest.mark.parametrize(("body", "code"), [(b"{", 50109), (b"[]", 50109), (b"{}", 50006)])
def test_invalid_and_empty_messages_are_refused(discord, url, body, code):
    """Invalid JSON and empty messages are refused."""
    answer = requests.post(url, data=body, headers={"Content-Type": "application/json"}, timeout=HANG_SECONDS)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_oversized_file_is_413(discord, url):
    """Eleven MiB are 413."""
    answer = requests.post(url, files={"files[0]": ("a.bin", bytes(11 << 20))}, timeout=HANG_SECONDS)
    assert (answer.status_code, answer.json()["code"]) == (413, 40005)


def test_duplicates_and_pings_are_recorded(discord, url):
    """Discord accepts them, but the stand-in records them."""
    careless = {"content": "@everyone <@5>", "embeds": [{"title": "x", "image": {"url": "attachment://no.png"}}]}
    for _ in range(2):
        assert requests.post(url, json=careless, timeout=HANG_SECONDS).status_code == 204
    assert len(discord.duplicates) == 1
    assert discord.pinged == {"everyone", "5"}
    assert {"allowed_mentions.parse is not []", "attachment://no.png is not attached"} <= set(discord.violations)


def test_early_retry_is_recorded():
    """The sixth request of a burst gets 429 with a time; another one before is too early."""
    with StandIn(clock=lambda: 100.0) as discord:
        url = discord.add_webhook().url.replace("/api/", "/api/v10/")
        answers = [requests.post(url, json=FINE, timeout=HANG_SECONDS) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [204] * 5 + [429]
        assert answers[-1].json()["retry_after"] == pytest.approx(2.0, abs=0.01)
        assert answers[0].headers["X-RateLimit-Remaining"] == "4"
        assert discord.early == []
        assert requests.post(url, json=FINE, timeout=HANG_SECONDS).status_code == 429
        assert len(discord.early) == 1
