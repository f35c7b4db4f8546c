# SPDX-License-Identifier: MIT
"""The real `az`, run as a process against armsim: one helper for all end-to-end tests."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "communication_identity"
CA_VARIABLE = "REQUESTS_CA_BUNDLE"

# What a process needs of its surroundings; all else would make a test depend on the machine.
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "PYTHONDONTWRITEBYTECODE", "SSL_CERT_FILE",
         "COVERAGE_PROCESS_CONFIG")  # dev.py test --coverage measures the processes too


@dataclass(frozen=True)
class Result:
    """How a run of `az` ended."""

    args: Sequence[str]
    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.stdout)

    def ok(self) -> Result:
        """Itself. Raises AssertionError with all output if the command failed."""
        assert self.exit_code == 0, f"az {shlex.join(self.args)} ended with {self.exit_code}:\n{self.stderr}"
        return self


class Az:
    """Runs `az` of one Python environment, with a configuration and an extension folder of its own.

    Raises AssertionError from any run that ends in a traceback.
    """

    def __init__(self, config: Path, extensions: Path, env: Mapping[str, str], python: str = sys.executable) -> None:
        self.config = config
        self.extensions = extensions
        self.python = python
        self._env = dict(env)

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a run."""
        kept = {key: os.environ[key] for key in _KEPT if key in os.environ}
        return {**kept, **self._env, "AZURE_CONFIG_DIR": str(self.config),
                "AZURE_EXTENSION_DIR": str(self.extensions), "AZURE_CORE_COLLECT_TELEMETRY": "no",
                "AZURE_CORE_SURVEY_MESSAGE": "no", "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off", **(more or {})}

    def command(self, args: str | Sequence[str]) -> list[str]:
        """The process to run for the words behind `az`."""
        words = shlex.split(args) if isinstance(args, str) else list(args)
        return [self.python, "-m", "azure.cli", *words]

    def __call__(self, args: str | Sequence[str], *, stdin: str | None = None, env: Mapping[str, str] | None = None,
                 timeout: float = 120) -> Result:
        """Run and wait, without a terminal. `stdin`: text to feed; None: nothing to read."""
        command = self.command(args)
        done = subprocess.run(command, input=stdin if stdin is not None else "", env=self.environment(env), text=True,
                              capture_output=True, timeout=timeout, check=False)
        assert "Traceback (most recent call last)" not in done.stderr, done.stderr
        return Result(command[3:], done.returncode, done.stdout, done.stderr)

    def start(self, args: str | Sequence[str], *, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start and go on."""
        return subprocess.Popen(self.command(args), env=self.environment(env), text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def in_terminal(self, args: str | Sequence[str], answer: str = "", timeout: float = 60, columns: int = 80,
                    output: IO[str] | None = None) -> Result:
        """Run in a pseudo-terminal with `answer` typed; all output is in `stdout`. `output`: where standard output goes
        instead.
        """
        import fcntl  # these three aren't on Windows, where dev.py uses this file too
        import pty
        import termios

        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 50, columns, 0, 0))
        process = subprocess.Popen(self.command(args), env=self.environment(), stdin=theirs, stdout=output or theirs,
                                   stderr=theirs, close_fds=True)
        os.close(theirs)
        os.write(ours, answer.encode())
        chunks = []
        while True:
            try:
                chunk = os.read(ours, 4096)
            except OSError:  # Linux says EIO when the other side is gone
                break
            if not chunk:
                break
            chunks.append(chunk)
        exit_code = process.wait(timeout)
        os.close(ours)
        return Result(self.command(args)[3:], exit_code, b"".join(chunks).decode().replace("\r\n", "\n"), "")

    def copy(self, config: Path) -> Az:
        """The same with a configuration folder of its own, logged in all the same."""
        shutil.copytree(self.config, config)
        return Az(config, self.extensions, self._env, self.python)

    def log_in(self, url: str) -> None:
        """Register armsim as a cloud and log in there with a managed identity."""
        self(["cloud", "register", "-n", "armsim", "--endpoint-resource-manager", url]).ok()
        self(["cloud", "set", "-n", "armsim"]).ok()
        self(["login", "--identity"]).ok()


def add_extension(wheel: Path, folder: Path, python: str) -> Path:
    """`az extension add` a wheel, as people do; return the extension folder that it is in then."""
    Az(folder / "install", folder / "extensions", pip_environment(), python)(
        ["extension", "add", "--source", str(wheel), "--yes"], timeout=600).ok()
    return folder / "extensions"


def pip_environment() -> dict[str, str]:
    """What the pip inside `az extension add` needs: this machine's settings, but never armsim's certificate."""
    return {key: value for key, value in os.environ.items()
            if key != CA_VARIABLE and (key.startswith("PIP_") or key.lower().endswith("_proxy"))}
