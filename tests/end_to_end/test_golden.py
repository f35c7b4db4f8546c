# SPDX-License-Identifier: MIT
"""Help and tables as they look, in golden files."""

from __future__ import annotations

import re

import pytest
from armsim import Armsim
from az import Az
from golden import assert_golden

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))


@pytest.mark.parametrize("command", ["", "assign", "remove", "show", "list", "check", "wait"])
def test_help(az: Az, update: bool, command: str) -> None:
    text = az(f"communication identity {command} -h").ok().stdout
    # The CLI's own arguments differ by its version, and so do line breaks with their widths; ours are what we look at.
    text = re.sub(r"\nGlobal (Policy )?Arguments\n.*?(?=\n\n\S|\Z)", "", text, flags=re.DOTALL)
    assert_golden(f"help-{command or 'group'}.txt", re.sub(r"[ \t]+", " ", text).strip() + "\n", update)


@pytest.mark.parametrize("command", ["assign --system-assigned", "remove --user-assigned two", "show", "show --roles",
                                     "list"])
def test_table(az: Az, sim: Armsim, update: bool, command: str) -> None:
    ids = [sim.state.add_user_identity(name, "rg") for name in ("one", "two")]
    resource = sim.state.add_resource("myApp", "rg", identity={
        "type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {identity: {} for identity in ids}})
    sim.state.add_role_assignment(f"/subscriptions/{sim.state.SUBSCRIPTION}/resourceGroups/ai",
                                  "acdd72a7-3385-48ef-bd42-f606fba81ae7",
                                  sim.state.identity_of(resource)["principalId"])
    where = "-g rg" if command == "list" else "-n myApp -g rg"
    text = az(f"communication identity {command} {where} -o table").ok().stdout
    name = re.sub(r"\W+", "-", command)
    assert_golden(f"table-{name}.txt", GUID.sub("00000000-0000-0000-0000-000000000000", text), update)


def test_table_of_several_resources_names_them(az: Az, sim: Armsim, update: bool) -> None:
    ids = [sim.state.add_resource(name, "rg", identity={"type": "SystemAssigned"}) for name in ("a", "b")]
    text = az(["communication", "identity", "show", "-o", "table", "--ids", *ids]).ok().stdout
    assert_golden("table-several.txt", GUID.sub("00000000-0000-0000-0000-000000000000", text), update)
