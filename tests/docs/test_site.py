"""The script of docs/site.md that publishes the pages by git, run with repositories on this machine."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.processes import run

PAGE = ROOT / "docs" / "site.md"
AUTHOR = {f"GIT_{who}_{what}": "somebody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


class Publisher:
    """A home folder with the script, an `etstats` stub with a site of one page, and a clone of a repository."""

    def __init__(self, folder: Path, earlier: int) -> None:
        self._folder = folder
        self.remote = folder / "remote.git"
        self._environment = (
            os.environ
            | AUTHOR
            | {
                "HOME": str(folder),
                "PATH": f"{folder}:{os.environ['PATH']}",
                "GIT_CONFIG_NOSYSTEM": "1",
            }
        )
        script = PAGE.read_text(encoding="utf-8").partition("publish-stats")[2].partition("```")[0]
        self._script = folder / "publish-stats"
        self._script.write_text(f"#!/bin/sh\n# {script}", encoding="utf-8")
        program = folder / "etstats"
        program.write_text('#!/bin/sh\nmkdir -p "$4"\ncp "$HOME/page" "$4/index.html"\n', encoding="utf-8")
        program.chmod(0o755)
        self.git("init", "--quiet", "--bare", "--initial-branch=main", self.remote)
        self.git("clone", "--quiet", self.remote, folder / "stats-site")
        for number in range(earlier):
            (folder / "stats-site" / "README.md").write_text(f"version {number} names Mallory", encoding="utf-8")
            self.git("-C", folder / "stats-site", "add", "README.md")
            self.git("-C", folder / "stats-site", "commit", "--quiet", "--message", f"version {number}")
        if earlier:
            self.git("-C", folder / "stats-site", "push", "--quiet")

    def git(self, *words: str | Path) -> str:
        """Run git, and fail if it fails."""
        ended = run(["git", *words], env=self._environment)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def publish(self, page: str) -> subprocess.CompletedProcess[str]:
        """Run the script with this content of the page."""
        (self._folder / "page").write_text(page, encoding="utf-8")
        return run(["sh", str(self._script)], env=self._environment, cwd=self._folder)

    def published(self) -> tuple[str, list[str]]:
        """Return the page, and the subjects of all commits of the repository."""
        commits = self.git("--git-dir", self.remote, "log", "--all", "--format=%s").splitlines()
        return self.git("--git-dir", self.remote, "show", "main:pages/index.html"), commits


@pytest.mark.parametrize("earlier", [0, 1, 3])
def test_repository_has_the_newest_pages_without_history(tmp_path: Path, earlier: int) -> None:
    """Also in an empty repository and one with other commits; a run without changes pushes nothing."""
    publisher = Publisher(tmp_path, earlier)
    for page in ("Alpha and Beta", "Alpha and Beta", "Alpha"):
        assert publisher.publish(page).returncode == 0
        assert publisher.published() == (page, ["Statistics"])


def test_failed_push_is_repeated(tmp_path: Path) -> None:
    """The next run pushes, even without new changes."""
    publisher = Publisher(tmp_path, 1)
    aside = publisher.remote.rename(tmp_path / "aside.git")
    assert publisher.publish("Alpha").returncode != 0
    aside.rename(publisher.remote)
    assert publisher.publish("Alpha").returncode == 0
    assert publisher.published() == ("Alpha", ["Statistics"])
