"""Kill each command at chosen moments: around messages to the database and commits, at operations on files.

    python -m benchmarks.moments                        all commands, 40 moments each
    python -m benchmarks.moments forget --moments 500   every moment of one command, if it has no more

After each kill the command is run again to its end. Then the state must be that of an undisturbed run, without
remains. `COMMAND, each transaction`: killed after each transaction that wrote something, and the whole database
compared. The table is kept in docs/benchmarks.md.
"""

import argparse
import sys
import time

from benchmarks.measuring import machine, table
from benchmarks.page import MOMENTS as TITLE
from benchmarks.page import keep, kept_rows, section
from tests.support.commits import COMMANDS, run_command
from tests.support.moments import CASES, Result, run_case

HEAD = ("command", "moments", "killed at", "lost, twice or left over")
EACH = {f"{name}, each transaction": name for name in COMMANDS}
NAMES = (*CASES, *EACH)


def _run(name: str, seed: int, moments: int) -> Result:
    if name in CASES:
        return run_case(name, seed=seed, moments=moments)
    outcome = run_command(EACH[name], seed=seed)
    return Result(outcome.kills, outcome.kills, [], outcome.fault)


def main(arguments: list[str]) -> int:
    """Run the requested commands; return 1 if one of them found a fault."""
    parser = argparse.ArgumentParser(prog="benchmarks.moments", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("commands", nargs="*", choices=[*NAMES, []], help="which commands; default: all")
    parser.add_argument("--moments", type=int, default=40, help="moments of each command")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="repeat a run")
    given = parser.parse_args(arguments)
    before, rows, faults = machine(), {}, 0
    for name in given.commands or NAMES:
        result = _run(name, given.seed, given.moments)
        if result.fault:
            faults += 1
            print(f"{name}: FAULT with --seed {given.seed}: {result.fault}", flush=True)
        rows[f"`{name}`"] = [str(result.moments), str(result.kills), "1" if result.fault else "0"]
        print(f"{name}: killed at {result.kills} of {result.moments} moments", flush=True)
        if result.left_out:
            print(f"  kinds left out: {', '.join(result.left_out)}", flush=True)
    if not faults:
        kept = kept_rows(TITLE) | rows
        lines = [[f"`{name}`", *kept[f"`{name}`"]] for name in NAMES if f"`{name}`" in kept]
        keep(TITLE, section(table(HEAD, lines), before))
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
