"""Tests that corrections update the pages, and leave no corrected data."""

from pathlib import Path

import pytest

from etstats.admin.correct import NewCorrection, make, undo
from etstats.db import identity
from etstats.db.series import sessions_of_players
from etstats.domain.rules.corrections import CorrectionKind
from etstats.importer.series import refresh_series
from etstats.site.folder import MANIFEST
from tests.site.conftest import HOSTILE_NAMES, Community, tree

_GUESTS = """
    SELECT a.guid FROM (SELECT DISTINCT guid FROM player_aliases) a
    WHERE NOT EXISTS (SELECT FROM player_comprehensive_stats p JOIN player_comprehensive_stats q USING (round_id)
                      WHERE p.player_guid = a.guid AND q.player_guid = %s)
    ORDER BY (SELECT count(*) FROM player_comprehensive_stats s WHERE s.player_guid = a.guid) DESC, 1 LIMIT 1"""


def corrections(community: Community) -> dict[str, NewCorrection]:
    """Return one correction of each kind."""
    guid = min(HOSTILE_NAMES)
    (other,) = community.conn.execute(_GUESTS, [guid]).fetchone() or ("",)
    subject, map_name, session_id = community.conn.execute(
        """SELECT s.name || '/' || f.filename, r.map_name, r.gaming_session_id
           FROM rounds r JOIN servers s ON s.id = r.server_id JOIN processed_files f ON f.id = r.file_id
           WHERE r.series_id IS NOT NULL ORDER BY r.ended_at, f.filename LIMIT 1"""
    ).fetchone() or ("", "", 0)
    assert session_id
    community.conn.commit()
    return {
        "merge": NewCorrection(kind=CorrectionKind.MERGE, subject=guid, value=other),
        "rename": NewCorrection(kind=CorrectionKind.RENAME, subject=other, value="<b>Zanzibar</b>"),
        "void": NewCorrection(kind=CorrectionKind.VOID, subject=subject),
        "team-name": NewCorrection(kind=CorrectionKind.TEAM_NAME, subject=subject, value="1 <i>Foxes</i>"),
        "exclude-map": NewCorrection(kind=CorrectionKind.EXCLUDE_MAP, subject=map_name),
    }


@pytest.mark.parametrize("kind", ["merge", "rename", "void", "team-name", "exclude-map"])
def test_correction_updates_the_site_and_undo_restores_it(
    community: Community, kept: Path, tmp_path: Path, kind: str
) -> None:
    """Pages that are not written again would be identical."""
    before = pages(kept)
    number = make(community.conn, corrections(community)[kind]).correction.id
    community.build(kept)
    community.build(tmp_path / "new")
    corrected = pages(kept)
    assert corrected == pages(tmp_path / "new")
    assert corrected != before
    undo(community.conn, number)
    community.build(kept)
    assert pages(kept) == before


def pages(root: Path) -> dict[str, bytes]:
    """Return all files except the manifest, which contains fingerprints."""
    return {path: content for path, content in tree(root).items() if path != MANIFEST}


def test_merged_player_has_one_page(community: Community, kept: Path) -> None:
    """The page of the merged GUID redirects, and only names of the person are in the list."""
    wanted = corrections(community)["merge"]
    make(community.conn, wanted)
    community.build(kept)
    moved = (kept / "players" / wanted.subject / "index.html").read_text()
    assert f"players/{wanted.value}/index.html" in moved
    assert "player_name" not in (kept / "players" / wanted.subject / "data.json").read_text()
    page = (kept / "players" / wanted.value / "index.html").read_text()
    assert "alert(&#39;name&#39;)" in page
    search = (kept / "search.js").read_text()
    assert wanted.subject not in search
    assert wanted.value in search


def test_hidden_merged_player_is_nowhere(community: Community, kept: Path) -> None:
    """A forgotten merged player leaves no GUID, name or display name."""
    wanted = corrections(community)
    make(community.conn, wanted["merge"])
    make(community.conn, wanted["rename"])
    community.build(kept)
    guids = (wanted["merge"].subject, wanted["merge"].value)
    names = community.conn.execute(
        "SELECT alias FROM player_aliases WHERE guid = ANY (%s)", [list(guids)]
    ).fetchall()
    identity.hide(community.conn, wanted["merge"].value)
    refresh_series(community.conn, sessions_of_players(community.conn, guids))
    community.conn.commit()
    community.build(kept)
    files = tree(kept)
    left = b"".join(files.values())
    assert [word for word in (*guids, "Zanzibar", *(name for (name,) in names)) if word.encode() in left] == []
    assert not any(guid in path for guid in guids for path in files)


def test_renamed_player_has_the_old_name_only_in_the_list(community: Community, kept: Path) -> None:
    """Scoreboards, boards, feeds and cards show the display name, escaped."""
    wanted = corrections(community)["rename"]
    make(community.conn, wanted)
    community.build(kept)
    files = tree(kept)
    assert b"&lt;b&gt;Zanzibar&lt;/b&gt;" in files[f"players/{wanted.subject}/index.html"]
    assert not [path for path, content in files.items() if path.endswith("html") and b"<b>Zanz" in content]
    names = community.conn.execute("SELECT alias FROM player_aliases WHERE guid = %s", [wanted.subject]).fetchall()
    for (name,) in names:
        found = [path for path, content in files.items() if name.encode() in content]
        assert [path for path in found if f"players/{wanted.subject}/" not in path and path != "search.js"] == []
