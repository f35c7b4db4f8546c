# SPDX-License-Identifier: MIT
"""`check` with the real az: it fails, its commands are run as they are, and it is ok."""

from __future__ import annotations

import shlex

from armsim import Armsim
from az import Az

CHECK = "communication identity check -n myApp -g rg"


def test_the_printed_commands_mend_what_check_found(az: Az, sim: Armsim) -> None:
    gone = sim.state.add_user_identity("gone", "rg")
    sim.state.add_resource("myApp", "rg", identity={
        "type": "UserAssigned", "userAssignedIdentities": {gone: {}}})
    sim.state.delete_identity(gone)
    target = sim.state.add_ai_account("myAI", "ai", subdomain=None)
    for words, failed in (("", 1), (f" --for azure-ai --scope {target}", 2)):
        found = az(f'{CHECK}{words} --query "findings[].fix" -o tsv')
        assert found.exit_code == 1
        assert found.stderr == f"ERROR: {failed} check{'s' if failed > 1 else ''} failed.\n"
        for command in found.stdout.splitlines():
            az(shlex.split(command)[1:]).ok()
    for assignment in sim.state.authorization.assignments.values():
        sim.state.authorization.date(assignment["id"], sim.clock.now() - 3600)
    assert az(CHECK).ok().json["status"] == "ok"
    assert az(f"{CHECK} --for azure-ai --scope {target}").ok().json["status"] == "ok"


def test_the_table_is_printed_before_the_error(az: Az, sim: Armsim) -> None:
    sim.state.add_resource("myApp", "rg")
    run = az(f"{CHECK} -o table")
    assert (run.exit_code, run.stderr) == (1, 'ERROR: 1 check failed.\nTo print the commands that fix what failed, use '
                                              '--query "findings[].fix" --output tsv instead of --output table.\n')
    assert [line.split()[:2] for line in run.stdout.splitlines()] == [
        ["Status", "Check"], ["--------", "--------"], ["failed", "identity"], ["ok", "state"]]
