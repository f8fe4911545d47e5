"""Tests of the site's folder: which files a build owns, writes and removes, also when it is killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.errors import ConfigError, LockedError
from etstats.site import folder as folders
from etstats.site.folder import MANIFEST, TEMPORARY, Changes, open_folder

Groups = Mapping[str, tuple[str, Mapping[str, bytes]]]
"""Group -> fingerprint and files."""


def build(root: Path, groups: Groups) -> Changes:
    """Run one build: keep unchanged groups, write the others."""
    with open_folder(root) as folder:
        for name, (fingerprint, files) in groups.items():
            if not folder.keep(name, fingerprint):
                folder.write(name, fingerprint, files)
        return folder.finish()


def files_in(root: Path) -> dict[str, bytes]:
    """Return all files of a folder except the manifest, by path."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }


def test_only_changed_files_are_written(tmp_path: Path) -> None:
    """A group with an unchanged fingerprint is kept; a file with unchanged content keeps its mtime."""
    root = tmp_path / "site"
    first = build(root, {"a": ("1", {"a/x": b"one", "a/y": b"two"}), "b": ("1", {"b/z": b"three"})})
    assert first == Changes(written=3, unchanged=0, removed=0, size=11)
    before = (root / "a/x").stat().st_mtime_ns, (root / "b/z").stat().st_mtime_ns
    second = build(root, {"a": ("2", {"a/x": b"one", "a/y": b"TWO"}), "b": ("1", {"b/z": b"never asked for"})})
    assert second == Changes(written=1, unchanged=2, removed=0, size=3)
    assert ((root / "a/x").stat().st_mtime_ns, (root / "b/z").stat().st_mtime_ns) == before
    assert files_in(root) == {"a/x": b"one", "a/y": b"TWO", "b/z": b"three"}


def test_files_without_a_group_are_removed(tmp_path: Path) -> None:
    """Groups that are not passed, and files without a group, are removed; other files are kept."""
    root = tmp_path / "site"
    build(
        root, {"a": ("1", {"a/x": b"1", "a/deep/y": b"2"}), "b": ("1", {"b/z": b"3"}), "c": ("1", {"c/z": b"4"})}
    )
    (root / "c/own.txt").write_text("mine")
    changes = build(root, {"a": ("2", {"a/x": b"1"})})
    assert changes.removed == 3
    assert files_in(root) == {"a/x": b"1", "c/own.txt": b"mine"}
    assert not (root / "b").exists()
    assert not (root / "a/deep").exists()


def test_foreign_folder_is_refused(tmp_path: Path) -> None:
    """A folder with files but no manifest is refused; so is a foreign file in place of a page."""
    (tmp_path / "precious").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty and contains no site"):
        build(tmp_path, {"a": ("1", {"x": b"1"})})
    root = tmp_path / "site"
    build(root, {"a": ("1", {"x": b"1"})})
    (root / "about").mkdir()
    (root / "about/index.html").write_text("mine")
    with pytest.raises(ConfigError, match=r"about/index\.html was not written by etstats"):
        build(root, {"a": ("1", {"x": b"1"}), "b": ("1", {"about/index.html": b"theirs"})})
    assert (root / "about/index.html").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
def test_folder_of_another_user_is_refused_with_the_command(reachable_dir: Path) -> None:
    """The command of the message makes the folder writable."""
    root = reachable_dir / "a site"
    os.seteuid(65534)
    try:
        with pytest.raises(ConfigError, match="Permission denied") as caught:
            folders.check_folder(root)
    finally:
        os.seteuid(0)
    subprocess.run(["sh", "-c", str(caught.value).partition("as root: ")[2]], check=True)
    os.seteuid(65534)
    try:
        assert build(root, {}).written == 0
    finally:
        os.seteuid(0)


def test_deleted_file_is_written_again(tmp_path: Path) -> None:
    """A group is kept only if all its files exist."""
    groups = {"a": ("1", {"x": b"1", "y": b"2"})}
    build(tmp_path / "site", groups)
    (tmp_path / "site/y").unlink()
    assert build(tmp_path / "site", groups).written == 1
    assert files_in(tmp_path / "site") == {"x": b"1", "y": b"2"}


def test_files_are_readable_with_any_umask(tmp_path: Path) -> None:
    """Files are readable by a web server, even with a private umask."""
    before = os.umask(0o077)
    try:
        build(tmp_path / "site", {"a": ("1", {"deep/er/x": b"1"})})
    finally:
        os.umask(before)
    assert (tmp_path / "site/deep/er/x").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "site/deep/er").stat().st_mode & 0o777 == 0o755


def test_second_build_waits_or_is_refused(tmp_path: Path) -> None:
    """Two builds of one folder do not run at the same time."""
    root = tmp_path / "site"
    with open_folder(root):
        with pytest.raises(LockedError, match="another process is writing the site"), open_folder(root):
            pass


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe{",
        b"[" * 100_000,
        b'{"format":1,"groups":{"a":["1",' + b"[" * 100_000,
        b'{"format":' + b"1" * 10_000 + b',"groups":{}}',
        b'{"format":NaN,"groups":{}}',
        *(
            json.dumps({"format": 1, "groups": {"a": ["1", [path]]}}).encode()
            for path in (
                "../../etc/passwd",
                "/etc/passwd",
                "a/../../x",
                "a\0b",
                "\udcff",
                "x" * 5_000,
                "",
                MANIFEST,
            )
        ),
        json.dumps({"format": 1, "groups": {"a": ["1", [f"{TEMPORARY}/journal"]]}}).encode(),
        b'{"format":1,"groups":{"a":["1",[["x"]]]}}',
    ],
)
def test_invalid_manifest_is_refused(tmp_path: Path, content: bytes) -> None:
    """A damaged manifest, or one with paths outside the folder, is refused, because it decides what is removed."""
    (tmp_path / MANIFEST).write_bytes(content)
    with pytest.raises(ConfigError, match=MANIFEST):
        build(tmp_path, {})


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["fifo", "folder"])
def test_manifest_that_is_not_a_file_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """A build does not wait for a writer."""
    make(tmp_path / MANIFEST)
    with pytest.raises(ConfigError, match=MANIFEST):
        build(tmp_path, {})


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b"5",
        b'"x"',
        b"null",
        b"[" * 100_000,
        b'{"files":["top"]}',
        b'{"files":5,"groups":[]}',
        b'{"files":null,"groups":[]}',
        b'{"files":[{}],"groups":[]}',
        b'{"files":[],"groups":5}',
        b'{"files":[],"groups":[[]]}',
        b'{"files":["../precious","/etc/passwd"],"groups":[]}',
        b'{"files":["a\\u0000b"],"groups":[]}',
        b'{"files":["\\udcff"],"groups":[]}',
        b"\x00\xff\x80",
    ],
)
def test_invalid_journal_lines_are_skipped(tmp_path: Path, line: bytes) -> None:
    """A line of another form is skipped, and the build continues."""
    root, groups = tmp_path / "site", {"a": ("1", {"a/x": b"1"})}
    build(root, groups)
    (tmp_path / "precious").write_text("mine")
    (root / TEMPORARY).mkdir()
    (root / TEMPORARY / "journal").write_bytes(line)
    assert build(root, groups) == Changes(written=0, unchanged=1, removed=0, size=0)
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.parametrize("link", ["a", "a/deep", TEMPORARY])
@pytest.mark.parametrize("path", ["a/deep/x", "a/deep/new", "top"], ids=["changes", "adds", "removes"])
def test_link_out_of_the_folder_is_refused(tmp_path: Path, link: str, path: str) -> None:
    """A link in place of a folder is refused; the files that it leads to are neither changed nor removed."""
    root, outside = tmp_path / "site", tmp_path / "outside"
    build(root, {"a": ("1", {"a/deep/x": b"1"})})
    (outside / "deep").mkdir(parents=True)
    for place in ("x", "deep/x", "journal"):
        (outside / place).write_text("mine")
    if (root / link).exists():
        shutil.rmtree(root / link)
    (root / link).symlink_to(outside)
    before = {found: found.read_bytes() for found in outside.rglob("*") if found.is_file()}
    with pytest.raises(ConfigError, match="is a link"):
        build(root, {"a": ("2", {path: b"2"})})
    assert {found: found.read_bytes() for found in outside.rglob("*") if found.is_file()} == before


def test_folder_can_be_a_link(tmp_path: Path) -> None:
    """For example, where a deployment switches between two folders."""
    (tmp_path / "real").mkdir()
    (tmp_path / "site").symlink_to(tmp_path / "real")
    assert build(tmp_path / "site", {"a": ("1", {"a/x": b"1"})}).written == 1


_BUILD_AND_DIE = """
import os, signal, sys
from pathlib import Path
from etstats.site import folder as folders
folders._BATCH = 2
left = int(sys.argv[2])
for name in ("replace", "unlink", "write_bytes", "mkdir"):
    def counted(self, *args, _real=getattr(Path, name), **kwargs):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return _real(self, *args, **kwargs)
    setattr(Path, name, counted)
with folders.open_folder(Path(sys.argv[1])) as folder:
    for name, fingerprint, files in eval(sys.argv[3]):
        if not folder.keep(name, fingerprint):
            folder.write(name, fingerprint, files)
    folder.finish()
"""

OLD: Groups = {
    "a": ("1", {"a/x": b"old x", "a/y": b"old y"}),
    "b": ("1", {"b/z": b"old z", "moved/m": b"old m"}),
    "gone": ("1", {"gone/w": b"old w"}),
}
NEW: Groups = {
    "a": ("2", {"a/x": b"new x", "a/v": b"new v", "moved/m": b"new m"}),
    "b": ("2", {"b/z": b"old z"}),
    "c": ("1", {"c/1": b"new 1", "c/2": b"new 2", "c/3": b"new 3"}),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("has_site", "then"),
    [(True, []), (True, [1]), (False, []), (False, [3])],
    ids=["on a site", "on a site, twice", "in a new folder", "in a new folder, twice"],
)
def test_killed_builds_are_completed_by_the_next(tmp_path: Path, has_site: bool, then: list[int]) -> None:
    """Killed at any step, every existing file is complete, and the next build gives the expected files.

    The next build may be of the old state as well: then nothing of the new one stays behind. `then`: the steps at
    which further builds are killed.
    """
    step = 0
    while True:
        for after, wanted in {"new": NEW, "old": OLD}.items():
            root = tmp_path / f"{after}-{step}"
            if has_site:
                build(root, OLD)
            else:
                root.mkdir()
            arguments = [(name, fingerprint, dict(files)) for name, (fingerprint, files) in NEW.items()]
            calls = [
                [sys.executable, "-c", _BUILD_AND_DIE, str(root), str(at), repr(arguments)] for at in (step, *then)
            ]
            code, *_ = [subprocess.run(call, check=False).returncode for call in calls]
            whole = {
                content for groups in (OLD, NEW) for _, files in groups.values() for content in files.values()
            }
            for path, content in files_in(root).items():
                assert path.startswith(TEMPORARY) or content in whole
            build(root, wanted)
            expected = {path: content for _, files in wanted.values() for path, content in files.items()}
            assert files_in(root) == expected, f"killed at step {step}, then built the {after} state"
            assert not (root / TEMPORARY).exists()
        if code == 0:
            break
        assert code == -signal.SIGKILL
        step += 1
    assert step > 8


_PATHS = st.sampled_from(["1", "2", "deep/3", "deep/er/4"])
_STATES = st.lists(
    st.dictionaries(_PATHS, st.tuples(st.sampled_from("abc"), st.binary(max_size=2))), min_size=2, max_size=4
)


@given(states=_STATES)
def test_folder_has_only_the_last_build(
    tmp_path_factory: pytest.TempPathFactory, states: list[dict[str, tuple[str, bytes]]]
) -> None:
    """After any sequence of builds, the folder has the files of the last build, also if files change groups."""
    root = tmp_path_factory.mktemp("site") / "site"
    for state in states:
        expected = {path: content for path, (_, content) in state.items()}
        groups = {
            name: {path: expected[path] for path in sorted(state) if state[path][0] == name}
            for name in sorted({name for name, _ in state.values()})
        }
        build(root, {name: (repr(files), files) for name, files in groups.items()})
        assert files_in(root) == expected


def test_keep_all_requires_every_file(tmp_path: Path) -> None:
    """All groups are kept at once only if no file is missing and no build was killed."""
    root = tmp_path / "site"
    build(root, {"a": ("1", {"x": b"1"}), "all": ("7", {})})
    with open_folder(root) as folder:
        assert folder.keep_all("all", "7")
        assert folder.finish() == Changes(0, 1, 0, 0)
    (root / "x").unlink()
    with open_folder(root) as folder:
        assert not folder.keep_all("all", "7")
        assert not folder.keep_all("all", "8")
        folder.write("a", "1", {"x": b"1"})
        folder.finish()
    assert files_in(root) == {"x": b"1"}


def test_temporary_folder_marks_an_unfinished_build(tmp_path: Path) -> None:
    """The marker of an unfinished build exists from its start to its end."""
    root = tmp_path / "site"
    with open_folder(root) as folder:
        assert (root / TEMPORARY).exists()
        folder.finish()
    assert not (root / TEMPORARY).exists()
