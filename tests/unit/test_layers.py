# SPDX-License-Identifier: MIT
"""Who imports whom in the extension: model knows nothing, arm knows model; actions and runner know both but not each
other, except that actions ask questions in the terminal; none knows the files that azure-cli loads. import-linter
checks the layers in `dev.py lint`; this checks what it can't express.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

NAME = "azext_communication_identity"
PACKAGE = Path(__file__).resolve().parents[2] / "src" / "communication_identity" / NAME
MAY_KNOW = {"model": ("model",), "arm": ("model", "arm"), "actions": ("model", "arm", "actions", "runner.terminal"),
            "runner": ("model", "arm", "runner")}


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, by full name."""
    package = f"{NAME}.{path.parent.relative_to(PACKAGE).as_posix().replace('/', '.')}".split(".")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[:len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from ([f"{module}.{alias.name}" for alias in node.names] if not node.module else [module])


@pytest.mark.parametrize("path", [path for layer in MAY_KNOW for path in sorted((PACKAGE / layer).rglob("*.py"))],
                         ids=lambda path: f"{path.parent.name}/{path.name}")
def test_nothing_imports_upward(path: Path) -> None:
    allowed = tuple(f"{NAME}.{layer}" for layer in MAY_KNOW[path.relative_to(PACKAGE).parts[0]])
    assert [name for name in imported(path) if name.startswith(NAME) and not name.startswith(allowed)] == []


@pytest.mark.parametrize("path", sorted((PACKAGE / "model").rglob("*.py")), ids=lambda path: path.name)
def test_model_imports_the_standard_library_and_the_error_classes(path: Path) -> None:
    assert [name for name in imported(path) if name.split(".")[0] not in sys.stdlib_module_names
            and not name.startswith(f"{NAME}.model") and name != "azure.cli.core.azclierror"] == []
