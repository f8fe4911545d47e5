"""An installation in an environment of its own: cron survives an upgrade and is quiet after an uninstall."""

import os
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.admin.operations.conftest import spool
from tests.support.paths import ROOT

__all__ = ["spool"]


def install(environment: Path, link: Path) -> None:
    """Install the package's wheel into a new environment, with a link to its script like pipx."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    packages = next((environment / "lib").glob("python*")) / "site-packages"
    shutil.copytree(ROOT / "etstats", packages / "etstats", ignore=shutil.ignore_patterns("__pycache__"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for source, target in project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"].items():
        place = packages / target
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place)
        else:
            shutil.copy(ROOT / source, place)
    ours = next(path for path in map(Path, sys.path) if path.name == "site-packages")
    (packages / "dependencies.pth").write_text(f"{ours}\n")
    script = environment / "bin" / "etstats"
    script.write_text(f"#!{python}\nimport sys\nfrom etstats.cli import run\nsys.exit(run())\n")
    script.chmod(stat.S_IRWXU)
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(script)


def etstats(link: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Call the installed program from outside of the checkout."""
    return subprocess.run(
        [link, *arguments], capture_output=True, text=True, check=False, cwd=link.parent, env=dict(os.environ)
    )


def lines(spool: Path) -> list[str]:
    """Return the commands that cron would run."""
    return [line.split(None, 5)[5] for line in spool.read_text().splitlines() if not line.startswith("#")]


def test_crontab_survives_an_upgrade_and_reports_an_uninstall(home: Path, tmp_path: Path, spool: Path) -> None:
    """The entries call the link, which outlives an environment; without the program one line a day fails."""
    link = home / ".local" / "bin" / "etstats"
    install(tmp_path / "first", link)
    config = home / ".config" / "etstats" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[cron]\nhours = "18-2"\n')
    assert etstats(link, "cron", "install").returncode == 0
    assert all(str(link) in line and str(tmp_path / "first") not in line for line in lines(spool))

    shutil.rmtree(tmp_path / "first")
    install(tmp_path / "second", link)
    assert "already" in etstats(link, "cron", "install").stderr
    assert etstats(link, "systemd", "show").stdout.count(f"ExecStart={link} -q") == 4
    assert etstats(link, "docs", "setup").stdout == (ROOT / "docs" / "setup.md").read_text()

    shutil.rmtree(tmp_path / "second")
    link.unlink()
    said = [
        subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False) for line in lines(spool)
    ]
    errors = [done.stderr for done in said if done.stderr]
    assert len(errors) == 1
    assert len(errors[0].splitlines()) == 1
    assert "etstats" in errors[0]
    assert config.exists()
