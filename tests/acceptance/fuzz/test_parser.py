"""Files that no game server wrote: read or refused in good order, and what is read can be stored."""

import random
from datetime import timedelta
from zoneinfo import ZoneInfo

import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st

from etstats.admin.audit.archived_sessions import RebuildPlan
from etstats.admin.audit.verify import verify
from etstats.domain.import_result import ImportStatus
from etstats.domain.names import clean_name
from etstats.importer.importer import Importer, Incoming
from etstats.parser.filename import parse_filename
from tests.support.mutants import check, mutant, samples

POOL = samples()
ZONE, GAP = ZoneInfo("Europe/Ljubljana"), timedelta(minutes=60)


@settings(max_examples=400)
@given(st.randoms(use_true_random=False))
def test_mutated_file_is_parsed_or_rejected(dice: random.Random) -> None:
    """Whatever is done to a file: a round that keeps the database's promises, or a ParseError with line and
    reason."""
    check(*mutant(dice, POOL))


@settings(max_examples=200)
@given(st.binary(max_size=400), st.sampled_from(POOL))
def test_random_bytes_after_a_valid_header_are_rejected(content: bytes, sample: tuple[str, bytes]) -> None:
    """A valid header alone does not make a round."""
    name, whole = sample
    assert check(name, whole.partition(b"\n")[0] + b"\n" + content) is None


@settings(max_examples=300)
@given(st.text(max_size=300))
def test_any_file_and_player_name_is_safe(name: str) -> None:
    """An accepted file name cannot leave its folder; a cleaned player name has no escapes."""
    found = parse_filename(name)
    assert found is None or not set("/\\\0\n") & set(found.filename)
    assert "\x1b" not in clean_name(name)


def test_parsed_mutants_can_be_stored(db: psycopg.Connection) -> None:
    """Each mutant is stored or quarantined, and the rows agree with the archive."""
    importer = Importer(db, "main", ZONE, GAP)
    mutants = [mutant(random.Random(seed), POOL) for seed in range(400)]
    incoming = [Incoming(filename=name, content=content) for name, content in mutants if parse_filename(name)]
    statuses = [outcome.status for outcome in importer.add_all(incoming)]
    assert len(statuses) == len(incoming)
    assert {ImportStatus.IMPORTED, ImportStatus.QUARANTINED, ImportStatus.REPLACED} <= set(statuses)
    assert verify(db, RebuildPlan(gap=GAP, zone_of=lambda _: ZONE)).differences == []
