"""The documents: links lead somewhere, and what the README names exists and answers."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("models/**/*.md")],
)
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
COMMAND_ROW = re.compile(r"^\| `(python -m [\w. -]+)` \|[^|]*\| (.+) \|$", re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(document: Path):
    targets = LINK.findall(document.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (document.parent / target).exists()] == []


def test_the_walk_from_command_to_core_is_at_most_four_files_that_exist():
    rows = COMMAND_ROW.findall(README)
    assert len(rows) >= 12
    for command, walk in rows:
        names = re.findall(r"`([^`]+)`", walk)
        folder = Path(names[0]).parent
        paths = [Path(name) if "/" in name else folder / name for name in names]
        assert len(paths) <= 4, command
        assert [str(path) for path in paths if not (ROOT / path).is_file()] == [], command


@pytest.mark.parametrize("command", [command for command, _ in COMMAND_ROW.findall(README)])
def test_a_command_of_the_readme_answers_to_help(command: str):
    arguments = command.split()[1:]
    done = subprocess.run(
        [sys.executable, *arguments, "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "usage: " in done.stdout


def test_make_help_names_every_target_that_the_documents_name():
    help_text = subprocess.run(
        ["make", "help"], capture_output=True, text=True, cwd=ROOT, check=True
    ).stdout
    known = set(re.findall(r"make (\w+)", help_text))
    for document in (ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        named = set(re.findall(r"`make (\w+)|^make (\w+)", document.read_text(), re.MULTILINE))
        assert {first or second for first, second in named} <= known, document.name
