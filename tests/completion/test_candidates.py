"""What completion offers: safe words, a GUID for a name that is not safe, and nothing for other such values."""

import io
import os
import re
import shlex
import subprocess
import sys

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.commands import completion
from tests.importer.world import take
from tests.support.files import GUIDS, line, round_file

SHELL_TEXT = (
    st.text(st.sampled_from("ab -~=%:'\"`$(){}[]<>|;&\\!*?#^/\t\n\r\x1b\x07\u202e\u2028\u3000é")) | st.text()
)
SAFE = re.compile(r"[A-Za-z0-9_@%+=:,./][A-Za-z0-9_@%+=:,./-]*")

UNSAFE = [
    "",
    " ",
    "   ",
    "-rf",
    "--help",
    "~root",
    "[dark]-siege",
    "a b",
    "$(id)",
    "a\nb",
    "\u202eabc",
    "é",
    "x" * 256,
]


@given(name=SHELL_TEXT, typed=st.sampled_from(["", "a", "0", "-", "~"]))
def test_unsafe_name_is_offered_by_its_guid(name: str, typed: str) -> None:
    """A candidate is a safe word; a description is one short printable line without shell characters."""
    for candidate in completion._candidates([completion.Choice(name, GUIDS[0])], typed):
        word, described = (candidate, "") if isinstance(candidate, str) else candidate
        assert SAFE.fullmatch(word)
        assert shlex.split(word) == [word]
        assert str(word) == (name if completion.is_safe(name) else GUIDS[0])
        assert described == "" or described.isprintable()
        assert len(described) <= 36
        assert not set(described) & set("\\'\"`$:;|&()<>[]{}*?!~") - {"?"}


@pytest.mark.parametrize("word", UNSAFE, ids=ascii)
def test_unsafe_word_without_a_guid_is_omitted(word: str) -> None:
    """A map, server or season that a shell would act on is not offered."""
    assert completion._candidates([completion.Choice(word), completion.Choice("supply")], "") == ["supply"]


def test_typed_text_is_replaced_by_its_only_guid() -> None:
    """bash inserts what several candidates have in common, so several GUIDs are offered only by their start."""
    bo, zed, other = (
        completion.Choice(name, guid) for name, guid in zip(("bo b", "zed;x", "zed y"), GUIDS[:3], strict=True)
    )
    assert completion._candidates([bo, zed], "ze") == [(GUIDS[1], "zed?x")]
    assert completion._candidates([bo, zed, other], "ze") == []
    assert completion._candidates([bo, zed, completion.Choice("zedder", GUIDS[3])], "ze") == ["zedder"]
    assert [found[0] for found in completion._candidates([bo, zed, other], "0000")] == list(GUIDS[:3])


def test_description_fits_the_terminal_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """A character that stdout cannot encode becomes a question mark, without an error."""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="latin-1"))
    assert completion.description("Žané x") == "?ané x"


@pytest.mark.usefixtures("home")
def test_database_values_are_offered(
    database_url: str, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Safe players, maps, servers and seasons are offered as they are, the others by GUID or not at all."""
    monkeypatch.setenv("ETSTATS_DATABASE_URL", database_url)
    players = [line(guid, name) for guid, name in zip(GUIDS, ("bo", "bo b", "-x", "^1zed"), strict=True)]
    for server in ("main", "$(touch x)", "a b", "-rf"):
        take(db, [round_file("2025-10-02-213000", lines=players, map_name="supply")], server)
        take(db, [round_file("2025-10-02-223000", lines=players, map_name="-rf")], server)
    db.execute("UPDATE rounds SET map_name = '[dark]-siege' WHERE map_name = '-rf' AND server_id = 1")
    db.commit()

    def offered(*words: str) -> list[str]:
        completing = {
            "_ETSTATS_COMPLETE": "complete_bash",
            "COMP_WORDS": "\n".join(["etstats", *words, ""]),
            "COMP_CWORD": str(len(words) + 1),
        }
        command = [sys.executable, "-m", "etstats"]
        done = subprocess.run(command, env=os.environ | completing, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return done.stdout.splitlines()

    assert offered("player") == ["bo", "zed", GUIDS[1], GUIDS[2]]
    assert offered("maps", "--map") == ["supply"]
    assert offered("maps", "--server") == ["main"]
    assert offered("maps", "--season") == ["2025-Q4"]
    assert {"kills", "dpm"} <= set(offered("leaderboard", "--top"))
    assert "MP40" in offered("leaderboard", "--weapon")
