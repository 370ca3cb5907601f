"""Who may import whom: corpus → indexer → service → eval, prompts below all, training beside them."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "prompts": set(),
    "models": set(),
    "indexer": {"models"},
    "service": {"indexer", "prompts", "models"},
    "eval": {"service", "indexer"},
    # The recipe trains the very network that the service runs.
    "training": {"indexer", "service", "models"},
}


def imported_modules(source: str) -> list[tuple[int, str]]:
    """(line, dotted name) of every import, wherever in the file it stands."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.extend((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append((node.lineno, node.module))
    return found


def upward_imports(package: str, source: str) -> list[str]:
    forbidden = MAY_IMPORT.keys() - MAY_IMPORT[package] - {package}
    return [f"{line}: {name}" for line, name in imported_modules(source) if name.split(".")[0] in forbidden]


def bare_eval_imports(source: str) -> list[str]:
    """`import eval`, which shadows the built-in function; `from eval.x import y` does not."""
    return [
        f"{node.lineno}: import {alias.name}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name.split(".")[0] == "eval" and alias.asname is None
    ]


FILES = [
    pytest.param(package, path, id=path.relative_to(ROOT).as_posix())
    for package in MAY_IMPORT
    for path in sorted((ROOT / package).rglob("*.py"))
]


@pytest.mark.parametrize(("package", "path"), FILES)
def test_module_imports_nothing_from_above(package: str, path: Path):
    assert upward_imports(package, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(("package", "path"), FILES)
def test_module_does_not_shadow_the_builtin_eval(package: str, path: Path):
    assert bare_eval_imports(path.read_text(encoding="utf-8")) == []


def test_every_package_is_looked_at():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests"}
    assert packages <= MAY_IMPORT.keys()
    assert {"prompts", "indexer", "service", "eval"} <= packages


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("indexer", "from service.pipeline import Pipeline"),
        ("indexer", "import prompts"),
        ("indexer", "def f():\n    from eval.run import run"),
        ("service", "import eval.measures as m"),
        ("service", "from training.pairs import x"),
        ("prompts", "from indexer.text import fold"),
        ("training", "if True:\n    import eval.run as run"),
        ("eval", "from prompts import load"),
    ],
)
def test_upward_import_would_be_found(package: str, source: str):
    assert upward_imports(package, source)


@pytest.mark.parametrize(
    ("package", "source"), [("eval", "from eval.run import run"), ("service", "from . import answer")]
)
def test_import_within_a_package_is_fine(package: str, source: str):
    assert upward_imports(package, source) == []


@pytest.mark.parametrize("source", ["import eval", "import eval.run", "def f():\n    import eval.run"])
def test_bare_import_of_eval_would_be_found(source: str):
    assert bare_eval_imports(source)
