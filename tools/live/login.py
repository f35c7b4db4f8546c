# SPDX-License-Identifier: MIT
"""The user's own `az login`, used through the `az` of dev.py's environment."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .arm import NoAnswerError

# The user's command index must not learn of another extension folder; no other setting plays a part.
OWN_SETTINGS = {"AZURE_CORE_USE_COMMAND_INDEX": "false", "AZURE_CORE_COLLECT_TELEMETRY": "no",
                "AZURE_CORE_NO_COLOR": "true", "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no"}


class Run(NamedTuple):
    """How a run of `az` ended."""

    exit_code: int
    stdout: str
    stderr: str


Az = Callable[[Sequence[str]], Run]


class LoginError(NoAnswerError):
    """`az` can't be used; the message is what it said."""


@dataclass(frozen=True)
class Login:
    """`az` with the user's configuration folder and an extension folder of our own."""

    python: str
    extensions: Path

    def __call__(self, args: Sequence[str]) -> Run:
        """Run `az` without a terminal."""
        env = {key: value for key, value in os.environ.items() if key != "AZURE_EXTENSION_DEV_SOURCES"}
        done = subprocess.run([self.python, "-m", "azure.cli", *args], stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, check=False,
                              env={**env, **OWN_SETTINGS, "AZURE_EXTENSION_DIR": str(self.extensions)})
        return Run(done.returncode, done.stdout, done.stderr)

    def ask(self, *args: str) -> Any:
        """What `az` prints, as data. Raises LoginError."""
        run = self([*args, "--output", "json"])
        if run.exit_code:
            raise LoginError(run.stderr.strip())
        return json.loads(run.stdout)

    def token(self, subscription: str) -> str:
        """A token for Azure Resource Manager."""
        return str(self.ask("account", "get-access-token", "--subscription", subscription)["accessToken"])
