"""Fixtures of the operation tests: a separate crontab."""

import stat
from pathlib import Path

import pytest

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
    """Return the file in which a replacement of `crontab` stores the crontab; the real one is not changed."""
    programs, spool = tmp_path / "bin", tmp_path / "spool"
    programs.mkdir()
    program = programs / "crontab"
    program.write_text(_CRONTAB.format(spool=spool))
    program.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    return spool
