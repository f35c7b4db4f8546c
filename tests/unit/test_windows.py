# SPDX-License-Identifier: MIT
"""Nothing needs what Windows lacks: the whole extension is imported, and a flow runs, on a Python without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "communication_identity"

# As Windows has them: no pty, no termios, no fcntl; of signal a few; no os.get_blocking, no os.fork.
AS_ON_WINDOWS = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import azure.cli.core, azure.cli.core.commands.parameters  # azure-cli's own imports are as they are
for name in ("pty", "termios", "fcntl", "tty", "resource", "pwd", "grp", "readline"):
    sys.modules[name] = None
for name in ("get_blocking", "set_blocking", "fork", "getuid", "mkfifo", "pipe2", "uname"):
    if hasattr(os, name):
        delattr(os, name)
for name in dir(signal):
    if name.startswith("SIG") and name not in ("SIGINT", "SIGTERM", "SIGABRT", "SIGFPE", "SIGILL", "SIGSEGV", "SIG_DFL",
                                               "SIG_IGN", "SIGBREAK"):
        delattr(signal, name)
for name in ("pthread_kill", "pthread_sigmask", "alarm", "setitimer", "siginterrupt", "sigwait", "pause"):
    if hasattr(signal, name):
        delattr(signal, name)
"""

IMPORT_ALL = AS_ON_WINDOWS + """
import importlib, pkgutil
import azext_communication_identity as package
found = [name for _, name, _ in pkgutil.walk_packages(package.__path__, package.__name__ + ".") if ".tests" not in name]
for name in found:
    importlib.import_module(name)
print(len(found))
"""

RUN_A_FLOW = AS_ON_WINDOWS + """
from types import SimpleNamespace
from azext_communication_identity.model.answers import Answer
from azext_communication_identity.model.requests import Get, Sleep
from azext_communication_identity.model.resource_id import ResourceId
from azext_communication_identity.runner.event_loop import run
from azext_communication_identity.runner.runner import Runner
from azext_communication_identity.runner.terminal import is_terminal, progress_line
async def flow(_):
    await Sleep(0.01, "x")
    return (await Get("/x")).status
resource = ResourceId("s", "g", "n")
arm = SimpleNamespace(send=lambda request, subscription: Answer(200), login_of=lambda subscription: None)
with progress_line(SimpleNamespace(only_show_errors=True), "resources") as tick:
    outcome = run(Runner(arm, [resource], flow).run(tick))
print(outcome.results[resource], is_terminal(None))
"""


@pytest.mark.parametrize(("script", "printed"), [(IMPORT_ALL, None), (RUN_A_FLOW, "200 False")],
                         ids=["imports", "a flow"])
def test_nothing_that_windows_lacks(script: str, printed: str | None) -> None:
    done = subprocess.run([sys.executable, "-c", script, str(PACKAGE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if printed is None:
        assert int(done.stdout) > 20
    else:
        assert done.stdout.strip() == printed


def test_text_files_name_their_encoding() -> None:
    """Windows' own isn't UTF-8."""
    for path in PACKAGE.glob("azext_communication_identity/**/*.py"):
        if "tests" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        assert "open(" not in text, path
        assert "read_text()" not in text, path
