"""Golden files: a folder for each rule of the format, with round files and expected results."""

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from etstats.domain.rules.clock import moment
from etstats.domain.rules.pairing import RoundKey, pair
from etstats.parser.reader import parse
from etstats.parser.rounds import derive, holds

GOLDEN = Path(__file__).parents[1] / "data" / "golden"


@pytest.mark.parametrize("case", sorted(path.name for path in GOLDEN.iterdir()))
def test_golden_files_are_paired_and_derived(case: str) -> None:
    """The rounds of a folder are paired and derived as in its expected.json."""
    expected = json.loads((GOLDEN / case / "expected.json").read_text(encoding="utf-8"))
    raws = {path.name: parse(path.name, path.read_bytes()) for path in sorted((GOLDEN / case).glob("*.txt"))}
    keys = dict(enumerate(raws))
    rounds = [
        RoundKey(
            key=key,
            ended_at=moment(raws[name].name.stamp, ZoneInfo("Europe/Ljubljana")),
            stamp=raws[name].name.stamp,
            map_name=raws[name].name.map_name,
            round_number=raws[name].name.round_number,
            time_limit_seconds=raws[name].time_limit_seconds,
            actual_time_seconds=raws[name].actual_time_seconds,
        )
        for key, name in keys.items()
    ]
    partner = pair(rounds, lambda second, first: holds(raws[keys[second.key]], raws[keys[first.key]]))
    round1 = {keys[second]: keys[first] for second, first in partner.items()}
    assert expected["rounds"].keys() <= raws.keys()
    for name, wanted in expected["rounds"].items():
        assert round1.get(name) == wanted.get("round1")
        derived = derive(raws[name], raws[round1[name]] if name in round1 else None)
        assert {key: getattr(derived, key) for key in wanted["round"]} == wanted["round"]
        players = {player.player_guid: player for player in derived.players}
        assert not wanted["players"] or players.keys() == wanted["players"].keys()
        for guid, numbers in wanted["players"].items():
            assert {key: getattr(players[guid], key) for key in numbers} == numbers
