# SPDX-License-Identifier: MIT
"""What a terminal of 80 or 100 columns shows in the end, in golden files: every line as it wraps there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from armsim import Armsim, Throttle
from armsim.state import SUBSCRIPTION
from az import Az
from golden import assert_golden
from scenes import AI, OTHER, READER_ID, USER_ID, block

Scene = Callable[[Armsim], list[str]]
NAMES = [f"app{number:02}" for number in range(1, 52)]
TYPO = (f"/subscriptions/{SUBSCRIPTION}/resourceGroups/myResourceGroup/providers/Microsoft.ManagedIdentity"
        "/userAssignedIdentities/myIdentty")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def fleet(*kinds: str, size: int = len(NAMES)) -> Scene:
    """Resources that have, in turn, these identities: s: system-assigned, r: with a role, i: user-assigned."""
    def prepare(sim: Armsim) -> list[str]:
        identity = sim.state.add_user_identity("myIdentity", "myResourceGroup")
        found = []
        for number, name in enumerate(NAMES[:size]):
            kind = kinds[number % len(kinds)]
            found.append(sim.state.add_resource(name, "myResourceGroup", identity=block(
                *[identity] * ("i" in kind), system="s" in kind or "r" in kind)))
            if "r" in kind:
                sim.state.add_role_assignment(AI, READER_ID, sim.state.identity_of(found[-1])["principalId"])
        return found[::-1] if size < len(NAMES) else found
    return prepare


def roles(sim: Armsim) -> list[str]:
    """myApp, with both kinds of identities and roles at all kinds of scopes."""
    identity = sim.state.add_user_identity("myIdentity", "myResourceGroup")
    app = sim.state.add_resource("myApp", "myResourceGroup", identity=block(identity, system=True))
    sim.state.add_subscription(OTHER, "other")
    found = sim.state.identity_of(app)
    own, shared = found["principalId"], found["userAssignedIdentities"][identity]["principalId"]
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/myResourceGroup"
    for scope, role, principal in (
            (AI, USER_ID, own), (f"{group}/providers/Microsoft.CognitiveServices/accounts/myAI", USER_ID, own),
            (f"/subscriptions/{OTHER}", READER_ID, own), (group, READER_ID, shared),
            (f"{group}/providers/Microsoft.Storage/storageAccounts/recordings", READER_ID, shared)):
        sim.state.add_role_assignment(scope, role, principal)
    return [app]


def two_groups(sim: Armsim) -> list[str]:
    """Two resources, one of them in the group of the identity."""
    return [*fleet("", size=1)(sim), sim.state.add_resource("other", "otherGroup")]


def limited(prepare: Scene) -> Scene:
    """The same with a lock and a rate limit."""
    def prepared(sim: Armsim) -> list[str]:
        ids = prepare(sim)
        sim.state.lock_scope(ids[7])
        sim.options.throttle = Throttle(write=(20, 10))
        return ids
    return prepared


def shown(text: str, columns: int, answer: str) -> str:
    """What is on the screen in the end: the last state of each line, without colors, wrapped, and the answer behind its
    question. What differs from run to run has a name.
    """
    lines = []
    for line in text.removeprefix(answer).replace("(y/N): ", f"(y/N): {answer}").split("\n"):
        last = re.split(r"\x1b\[2?K|\r", re.sub(r"\x1b\[[\d;]*m", "", line))[-1].rstrip()
        last = re.sub(r"(?<=done in )\d+ s", "N s", _GUID.sub(
            lambda found: found[0] if found[0].startswith("00000000") else "c" * len(found[0]), last))
        lines += [last[at:at + columns].rstrip() for at in range(0, len(last), columns)] or [""]
    return "\n".join(lines).strip() + "\n"


@pytest.mark.parametrize(("name", "columns", "scene", "words", "answer"), [
    ("roles", 100, roles, "show --roles -o table", ""),
    ("roles-80", 80, roles, "show --roles -o table", ""),
    ("dry-run-roles", 100, roles, "remove --system-assigned --dry-run -o table", ""),
    ("check", 80, fleet("i", "s", "", size=3), "check -o table", ""),
    ("typo", 80, fleet("", "s"), "assign --user-assigned myIdentty", ""),
    ("typo-of-one", 80, fleet("", size=1), "assign --user-assigned myIdentty", ""),
    ("typo-of-an-id", 80, two_groups, f"assign --user-assigned {TYPO}", ""),
    ("remove-no", 100, fleet("r", "si", "i", size=7), "remove --system-assigned", "n\n"),
    ("remove-yes", 80, fleet("r", "si", "i", size=7), "remove --system-assigned --user-assigned -o none", "y\n"),
    ("remove-one", 80, fleet("r", size=1), "remove --system-assigned", "n\n"),
    ("remove-typo", 80, fleet("si", size=2), "remove --user-assigned myIdentty", ""),
    ("remove-without-a-question", 80, fleet("r", "si", "i", size=7), "remove --system-assigned --yes -o none", ""),
    ("locked", 80, limited(fleet("")), "assign --system-assigned -o none", ""),
    ("done", 80, fleet(""), "assign --system-assigned -o none", ""),
    ("only-errors", 80, fleet("", size=3), "assign --system-assigned -o none --only-show-errors", ""),
    ("dry-run", 80, fleet("", "s", size=3), "assign --system-assigned --dry-run -o table", ""),
    ("no-file", 80, lambda _: ["@none.txt"], "show", ""),
    ("empty-dry-run", 80, lambda _: ["@empty.txt"], "remove --system-assigned --dry-run", ""),
    ("unquoted-role", 80, fleet("", size=1), f"assign --system-assigned --scope {AI} --role Key Vault Reader", ""),
    ("missing", 80, lambda sim: [one.replace("app", "typo") for one in fleet("", size=3)(sim)], "show", ""),
])
def test_shown(az: Az, sim: Armsim, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
               name: str, columns: int, scene: Scene, words: str, answer: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.txt").write_text("\n", encoding="utf-8")
    ids = scene(sim)
    run = az.in_terminal(f"communication identity {words} --ids {' '.join(ids)}", answer, columns=columns)
    assert_golden(f"terminal/{name}.txt", f"{shown(run.stdout, columns, answer)}exit code {run.exit_code}\n",
                  bool(request.config.getoption("--update-golden")))


def test_progress_counts_what_is_there(az: Az, sim: Armsim) -> None:
    ids = limited(fleet(""))(sim)
    run = az.in_terminal(["communication", "identity", "assign", "--system-assigned", "--ids", *ids])
    lines = re.findall(r"\d+ of 51 resources.*?(?= \.\.\r)", run.stdout)
    assert any("waiting for the rate limit" in line for line in lines)
    assert [line for line in lines if not re.fullmatch(
        r"\d+ of 51 resources(, [1-9]\d* failed)?(, [1-9]\d* waiting for the rate limit)?", line)] == []


def test_the_question_stays_out_of_a_file(az: Az, sim: Armsim, tmp_path: Path) -> None:
    app, = fleet("s", size=1)(sim)
    with (tmp_path / "out.json").open("w+", encoding="utf-8") as file:
        run = az.in_terminal(f"communication identity remove --system-assigned --ids {app}", "y\n", output=file)
        file.seek(0)
        assert json.load(file)["type"] == "None"
    assert "Remove 1 identity from 'app01'? (y/N): " in run.stdout


@pytest.mark.parametrize(("where", "searched"), [
    ("", "this subscription"), ("-g myResourceGroup", "resource group 'myResourceGroup'"),
    ("--all-subscriptions", "any subscription that you can read")])
def test_nothing_found_is_said(az: Az, sim: Armsim, where: str, searched: str) -> None:
    fleet("i", size=1)(sim)
    run = az(f"communication identity list --user-assigned typo {where}").ok()
    assert (run.json, run.stderr) == ([], f"WARNING: No Communication Services resource in {searched} has the "
                                          "user-assigned identity 'typo'.\n")
