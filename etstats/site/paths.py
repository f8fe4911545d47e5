"""Paths of the pages inside the site's folder, safe as file names and in URLs."""

import hashlib
import re

PAGE = "index.html"
DATA = "data.json"
_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST = 80
_TAKEN = {PAGE, DATA}


def slug(text: str) -> str:
    """Return a name as one part of a path: unchanged if safe, else its safe characters and a hash.

    Different names give different parts.
    """
    if _SAFE.fullmatch(text) and len(text) <= _LONGEST and text not in _TAKEN:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    readable = _UNSAFE.sub("-", text)[:40].strip("-")
    return f"{readable or 'name'}~{digest}"


def player(guid: str) -> str:
    """Return the folder of a player's page."""
    return f"players/{slug(guid)}"


def session(session_id: int) -> str:
    """Return the folder of a session's page."""
    return f"sessions/{session_id}"


def match(server: str, match_id: str) -> str:
    """Return the folder of a match's page."""
    return f"matches/{slug(server)}/{slug(match_id)}"


def round_(round_id: int) -> str:
    """Return the folder of a round's page."""
    return f"rounds/{round_id}"


def map_(name: str) -> str:
    """Return the folder of a map's page."""
    return f"maps/{slug(name)}"


def weapon(name: str) -> str:
    """Return the folder of a weapon's page."""
    return f"weapons/{slug(name)}"


def season(name: str) -> str:
    """Return the folder of a season's page."""
    return f"seasons/{slug(name)}"


def up(folder: str) -> str:
    """Return the relative path from a page's folder to the site's root: `../` per level."""
    return "../" * (folder.count("/") + 1) if folder else ""
