"""Who may import whom (README, Packages), read from the sources so that lazy imports count too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = {"search_spaces", "lightning_modules", "deploy", "benchmarks", "tests"}
ALLOWED = {
    "search_spaces": set(),
    "lightning_modules": {"search_spaces"},
    "deploy": {"search_spaces", "lightning_modules"},
}
NNI_MODULES = {
    "search_spaces/nni_adapter.py",
    "search_spaces/nni_experiment.py",
    "search_spaces/nni_tuner.py",
}


def imported_packages(source: str) -> Iterator[tuple[int, str]]:
    """Line and top-level package of every import statement, wherever it stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.lineno, node.module.partition(".")[0]
        elif isinstance(node, ast.Call) and _is_import_call(node.func) and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield node.lineno, name.value.partition(".")[0]


def _is_import_call(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in {"import_module", "__import__"}


def files_of(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_what_lies_below_it(package):
    forbidden = OURS - ALLOWED[package] - {package}
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in files_of(package)
        for line, name in imported_packages(path.read_text(encoding="utf-8"))
        if name in forbidden
    ]
    assert files_of(package)
    assert wrong == []


def test_nni_is_touched_in_three_modules_only():
    users = {
        str(path.relative_to(ROOT))
        for package in ALLOWED
        for path in files_of(package)
        for _, name in imported_packages(path.read_text(encoding="utf-8"))
        if name == "nni"
    }
    assert users == NNI_MODULES


def test_relative_imports_are_not_used():
    """They would hide from this test."""
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for package in ALLOWED
        for path in files_of(package)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "source",
    [
        "import deploy.lower",
        "def f():\n    from deploy import lower",
        "import importlib\nimportlib.import_module('deploy.lower')",
        "if True:\n    import deploy as d",
    ],
)
def test_the_check_sees_every_form_of_import(source):
    assert "deploy" in {name for _, name in imported_packages(source)}
