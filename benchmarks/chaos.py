"""Kill etstats at random moments, hundreds of times, and check the database each time.

    python -m benchmarks.chaos                          all scenarios, 100 kills each
    python -m benchmarks.chaos import post --kills 200 --seed 7

A scenario runs a command undisturbed and measures its work in the database. Then it starts the command again and
again, kills it (SIGKILL, or its PostgreSQL) at a random moment, and compares the database with its archive. At the
end the command may finish; nothing may be lost or stored twice. A fault is reported with the seed, and the exit
code is 1. Results of scenarios with 100 kills or more are kept in docs/benchmarks.md.
"""

import argparse
import sys
import time
from datetime import UTC, datetime

from benchmarks.measuring import machine, table
from benchmarks.page import KILLS as TITLE
from benchmarks.page import keep, kept_rows, section
from tests.support.kill_scenarios import FEWER, SCENARIOS, run_scenario
from tests.support.scene import can_mount

HEAD = ("what", "seed", "kills in mid-work", "ended before", "lost", "twice", "verified and agreed", "took")
_WORTH_KEEPING = 100

WHAT = {
    "notices": "`sync --post`, `recap --post`, `health`",
    "database": "`import`, PostgreSQL killed during it",
    "disk": "`import`, the disk full",
}


def main(arguments: list[str]) -> int:
    """Run the requested scenarios; return 1 if one of them found a fault."""
    parser = argparse.ArgumentParser(prog="benchmarks.chaos", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("scenarios", nargs="*", choices=[*SCENARIOS, []], help="which scenarios; default: all")
    parser.add_argument("--kills", type=int, default=100, help="kills of each scenario")
    parser.add_argument("--seed", type=int, default=int(datetime.now(UTC).timestamp()), help="repeat a scenario")
    given = parser.parse_args(arguments)
    before, faults = machine(), 0
    rows: dict[str, list[str]] = {}
    for name in given.scenarios or SCENARIOS:
        if name == "disk" and not can_mount():
            print(f"{name}: skipped: only root can mount a small disk", flush=True)
            continue
        began = time.monotonic()
        tally = run_scenario(name, seed=given.seed, kills=-(-given.kills // FEWER.get(name, 1)))
        if tally.fault:
            faults += 1
            print(f"{name}: FAULT with --seed {given.seed}: {tally.fault}", flush=True)
        seconds = f"{time.monotonic() - began:.0f} s"
        counts = (given.seed, tally.kills, tally.survived, tally.lost, tally.twice, tally.agreed)
        rows[_row(name)] = [*map(str, counts), seconds]
        print(f"{name}: {tally.kills} kills in {seconds}", flush=True)
    is_kept = given.kills >= _WORTH_KEEPING and not faults
    kept = (kept_rows(TITLE) if is_kept else {}) | rows
    lines = [[row, *kept[row]] for row in map(_row, SCENARIOS) if row in kept]
    body = section(table(HEAD, lines), before)
    print(f"\n## {TITLE}\n\n{body}")
    if is_kept:
        keep(TITLE, body)
    return int(faults > 0)


def _row(name: str) -> str:
    return WHAT.get(name, f"`{name}`")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
