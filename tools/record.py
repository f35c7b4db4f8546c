# SPDX-License-Identifier: MIT
"""`dev.py record`: record the scenario tests again, against the local server. The recordings say that it was."""

from __future__ import annotations

from collections.abc import Sequence

from .command_line import parser
from .environment import SOURCE, WORK, for_tests, run_command
from .private_az import session

SCENARIOS = SOURCE / "azext_communication_identity" / "tests" / "latest" / "test_communication_identity_scenario.py"


def run(args: Sequence[str]) -> int:
    """Run all scenario tests live: azure-cli-testsdk deletes every recording at the start, also those it won't make."""
    parser("record", "Run the scenario tests live against the simulation and write their recordings.").parse_args(args)
    venv = for_tests()
    with session(venv, "--clock-scale", "60") as running:
        environment = {**running.az.environment(), "AZURE_TEST_RUN_LIVE": "true", "ARMSIM_URL": running.server["url"],
                       "AZURE_EXTENSION_DIR": str(WORK / "no-extensions"),
                       "AZURE_EXTENSION_DEV_SOURCES": str(SOURCE.parent)}
        return run_command([venv.python, "-m", "pytest", "-q", str(SCENARIOS)], env=environment, check=False)
