"""Text from outside is text: no name acts on the terminal, the database or a spreadsheet, in any format."""

import csv
import io
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.conftest import CliResult
from tests.support.files import line, round_file

Cli = Callable[..., CliResult]

HOSTILE = (
    "'; DROP TABLE rounds; --",
    "%s %(guid)s {0} %n",
    "\x1b[2J\x1b]0;title\x07gone",
    "\x9b31m\x90",
    "[bold red]markup[/] [/nothing]",
    "[link=https://evil.example]here[/link]",
    "@everyone <@123> `tick` ](http://evil.example)",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1+1)",
    "\u202egnihtemos\u200b\u2066\ufeff",
    "a\rb",
    "| pipe | \\u007c".replace("\\", "/"),
    "<script>alert(1)</script>",
    "../../../etc/passwd",
    "e\u0301" + "\u0301" * 30,
    "\N{JACK-O-LANTERN}" * 36,
)
GUIDS = [f"0BAD{number:04X}" for number in range(len(HOSTILE))]
READING = (
    ["leaderboard", "--top", "kills"],
    ["leaderboard", "--top", "kd", "--min-rounds", "1"],
    ["leaderboard", "--weapon", "MP40"],
    ["player", GUIDS[0]],
    ["compare", GUIDS[2], GUIDS[4]],
    ["find", "e"],
    ["maps"],
    ["weapons"],
    ["records"],
    ["season"],
    ["session"],
    ["sessions"],
    ["round"],
    ["rounds"],
    ["awards"],
    ["achievements"],
    ["validate"],
    ["quarantine"],
    ["links"],
    ["hide"],
    ["explain", "1", GUIDS[2]],
)


@pytest.fixture
def hostile(cli: Cli, tmp_path: Path) -> Cli:
    """Import a session of players and a server whose names contain markup, escapes and formulas."""
    folder = tmp_path / "gamestats"
    folder.mkdir()
    for number, stamp in ((1, "2025-10-02-213000"), (2, "2025-10-02-214000")):
        lines = [
            line(guid, name, rounds=number - 1, team=1 + (place + number) % 2, time_played_minutes=5.0 * number)
            for place, (guid, name) in enumerate(zip(GUIDS, HOSTILE, strict=True))
        ]
        file = round_file(stamp, number, lines, limit="5:00" if number == 2 else "10:00", actual="5:00")
        (folder / file.name).write_bytes(file.content.replace(b"legacy3", HOSTILE[2].encode()))
    (folder / "2025-10-02-220000-supply-round-1.txt").write_text(HOSTILE[2] + "\n")
    assert cli("import", folder, "--server", HOSTILE[0]).code == 3
    for place, guid in enumerate(GUIDS[:6]):
        assert cli("link", guid, str(100000000000000000 + place)).code == 0
    assert cli("hide", GUIDS[1]).code == 0
    return cli


def _control_characters(text: str) -> set[str]:
    """Return the characters of a text that have an effect instead of a glyph."""
    return {char for char in text if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")}


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_names_are_harmless_in_every_format(hostile: Cli, words: list[str]) -> None:
    """Controls, escapes and overrides never reach the terminal; JSON is JSON; no cell of the CSV is a formula."""
    for form in ("", "--json", "--csv", "--markdown"):
        done = hostile(*words, *([form] if form else []))
        assert done.code in (0, 3), (form, done.err)
        assert "Traceback" not in done.err
        assert not _control_characters(done.err), form
        if form == "--json":
            assert json.loads(done.out) is not None
            assert not {char for char in done.out if char != "\n" and unicodedata.category(char) == "Cc"}
            continue
        assert not _control_characters(done.out), form
        if form == "--csv":
            for row in csv.reader(io.StringIO(done.out)):
                for cell in row:
                    assert not cell.startswith(("=", "+", "@", "\t", "\r")), cell
                    assert not cell.startswith("-") or _is_number(cell), cell


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell == "-"
    return True


@pytest.mark.parametrize(
    "command",
    [
        ["player"],
        ["find"],
        ["leaderboard", "--top", "kills", "--map"],
        ["leaderboard", "--top", "kills", "--server"],
        ["leaderboard", "--top"],
        ["round"],
        ["session"],
        ["rounds", "--since"],
        ["season"],
        ["quarantine", "show"],
        ["post", "--dry-run", "--match"],
        ["explain", "1"],
    ],
    ids=" ".join,
)
def test_hostile_arguments_change_nothing(hostile: Cli, db: psycopg.Connection, command: list[str]) -> None:
    """Hostile arguments are found, or reported as unknown; the database does not change."""
    for word in HOSTILE:
        end = ["--"] if word.startswith(("-", "+")) and not command[-1].startswith("--") else []
        done = hostile(*command, *end, word)
        assert done.code in (0, 2, 3), (word, done.err)
        assert "internal error" not in done.err
        assert not _control_characters(done.out + done.err), word
    assert db.execute("SELECT count(*) FROM rounds").fetchone() == (2,)


def test_markup_in_a_name_is_shown_literally(hostile: Cli) -> None:
    """Square brackets are not bold, not a link, and not removed."""
    shown = hostile("leaderboard", "--top", "kills", "--limit", "30").out
    assert "[bold red]markup[/] [/nothing]" in shown
    assert "[link=https://evil.example]here[/link]" in shown


def test_path_in_a_server_name_stays_in_the_data_folder(cli: Cli, home: Path, tmp_path: Path) -> None:
    """A server name with a path is refused, or its local copies stay in the data folder."""
    folder = tmp_path / "gamestats"
    folder.mkdir()
    file = round_file("2025-10-02-213000")
    (folder / file.name).write_bytes(file.content)
    settings = home / "path.toml"
    settings.write_text(f'[[servers]]\nname = "../../outside"\npath = "{folder}"\n')
    done = cli("--config", settings, "sync")
    assert done.code in (0, 2)
    assert not list(home.rglob("outside")), "the name led out of the data folder"
