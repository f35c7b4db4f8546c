# SPDX-License-Identifier: MIT
"""Who imports whom in the extension: model knows nothing, arm knows model, the runner knows both, actions know all
three; none knows the files that azure-cli loads. import-linter checks the layers in `dev.py lint`; this checks what it
can't express.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

NAME = "azext_communication_identity"
PACKAGE = Path(__file__).resolve().parents[2] / "src" / "communication_identity" / NAME
LAYERS = ("model", "arm", "runner", "actions")  # each may import those before it
# Of these, model may import no more than the name: what ends a flow, not what runs it; and azure-cli's error classes.
PARTS = {"asyncio": {"asyncio.CancelledError"}, "azure": {"azure.cli.core.azclierror"}}


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, by full name; of a package in PARTS, the names too."""
    package = f"{NAME}.{path.parent.relative_to(PACKAGE).as_posix().replace('/', '.')}".split(".")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[:len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            with_names = not node.module or module == "asyncio"
            yield from ([f"{module}.{alias.name}" for alias in node.names] if with_names else [module])


@pytest.mark.parametrize("path", [path for layer in LAYERS for path in sorted((PACKAGE / layer).rglob("*.py"))],
                         ids=lambda path: f"{path.parent.name}/{path.name}")
def test_nothing_imports_upward(path: Path) -> None:
    here = LAYERS.index(path.relative_to(PACKAGE).parts[0])
    allowed = tuple(f"{NAME}.{layer}" for layer in LAYERS[:here + 1])
    assert [name for name in imported(path) if name.startswith(NAME) and not name.startswith(allowed)] == []


@pytest.mark.parametrize("path", sorted((PACKAGE / "model").rglob("*.py")), ids=lambda path: path.name)
def test_model_imports_the_standard_library_and_what_is_named_above(path: Path) -> None:
    for name in imported(path):
        top = name.split(".")[0]
        if top in PARTS:
            assert name in PARTS[top], name
        else:
            assert top in sys.stdlib_module_names or name.startswith(f"{NAME}.model"), name


# Requests that no operation of an SDK makes, by file, and why. Every other one is a call of azure-mgmt-communication or
# azure-mgmt-msi.
ROLES = "azure-mgmt-authorization takes some 60 ms to load, and its create has no tenantId, which Lighthouse needs"
RAW = {
    "model/operation.py": (1, "the service gives the address of an operation, which goes back unchanged"),
    "arm/graph.py": (1, "the CLI ships no SDK of Azure Resource Graph"),
    "arm/roles.py": (6, ROLES),
    "arm/access_rights.py": (2, ROLES),
    "arm/targets.py": (2, "the SDKs of Azure AI and storage take 40 and 140 ms to import, for one GET each"),
    "_completers.py": (1, "azure-mgmt-resource takes 40 ms to import, for one GET after the Tab key"),
}
BY_ADDRESS = ("Get", "SharedGet", "Put", "Delete", "Query")


def test_requests_without_an_operation_of_an_sdk_are_few_and_have_a_reason() -> None:
    found = Counter(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") for node in sent(path))
    assert found == {path: count for path, (count, _) in RAW.items()}


def sent(path: Path) -> Iterator[ast.Call]:
    """The requests by address that a file sends. One that an error names was sent elsewhere."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    calls = [(node.func.id, node) for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    named = {id(argument) for name, call in calls for argument in call.args if name in ("all_assignments", "_listed")}
    named |= {id(node.value) for node in nodes if isinstance(node, ast.Attribute) and node.attr == "unusable"}
    yield from (call for name, call in calls if name in BY_ADDRESS and id(call) not in named)
