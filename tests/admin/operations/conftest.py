"""Fixtures of the tests of operation: a crontab of their own."""

import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.admin.operations.game import Game

_CRONTAB = """\
#!/bin/sh
# As Debian's crontab behaves, on a spool of the test's own.
spool='{spool}'
case "$1" in
-l) test -f "$spool" || {{ echo "no crontab for tester" >&2; exit 1; }}; cat "$spool" ;;
-) cat >"$spool.new"
   if grep -q '^bad' "$spool.new"; then echo '"-":1: bad minute' >&2; exit 1; fi
   mv "$spool.new" "$spool" ;;
esac
"""


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that a stand-in for `crontab` keeps this test's crontab in; nobody's real one is touched."""
    programs, spool = tmp_path / "bin", tmp_path / "spool"
    programs.mkdir()
    program = programs / "crontab"
    program.write_text(_CRONTAB.format(spool=spool))
    program.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    return spool


@pytest.fixture
def game() -> Iterator[Callable[..., Game]]:
    """Start games on loopback: `game(people=6)`; each is gone at the end."""
    with ExitStack() as stack:
        yield lambda **says: stack.enter_context(Game(**says))
