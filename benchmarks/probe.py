# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""`az`, with a stop watch: `python probe.py OUT STARTED ARG…` runs one command and writes to the file OUT, as JSON, how
many seconds each stage took. STARTED: `time.perf_counter()` of the parent, just before it started this process.
"""

from __future__ import annotations

import importlib.abc
import json
import runpy
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

UP = time.perf_counter()  # from here on the interpreter is up

INTERPRETER, CLI, LOADING, SDK, RUNNING, ARM = STAGES = (
    "interpreter", "azure-cli", "our loading", "SDK import", "our code and the SDK's", "ARM and login")

# Whose import counts for which stage; what it imports in turn counts for it too, unless it is listed itself.
IMPORTS = {"azext_communication_identity": LOADING, "azure.mgmt": SDK, "azure.core": SDK, "requests": SDK,
           "urllib3": SDK, "isodate": SDK, "msrest": SDK}


class StopWatch:
    """Seconds of each stage. One runs at a time: a stage within another stops that one."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._running = [CLI]
        self._since = UP

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Let a stage run."""
        self._lap()
        self._running.append(name)
        try:
            yield
        finally:
            self._lap()
            self._running.pop()

    def _lap(self) -> None:
        now = time.perf_counter()
        self.seconds[self._running[-1]] += now - self._since
        self._since = now

    def stop(self) -> dict[str, float]:
        """The seconds up to now."""
        self._lap()
        return self.seconds

    def wrap(self, owner: Any, names: Sequence[str], stage: str) -> None:
        """Let functions of a module or class count for a stage."""
        for name in names:
            setattr(owner, name, self._timed(getattr(owner, name), stage))

    def _timed(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.stage(stage):
                return function(*args, **kwargs)
        timed.__wrapped__ = function  # type: ignore[attr-defined]  # the CLI reads the signature through it
        return timed


class Watcher(importlib.abc.MetaPathFinder):
    """Times imports, and wraps the functions that start a stage as soon as their module is there."""

    def __init__(self, watch: StopWatch) -> None:
        self.watch = watch

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        """The spec that the others find, with a loader that is timed."""
        finders = [finder for finder in sys.meta_path if finder is not self]
        spec = next(filter(None, (finder.find_spec(fullname, path, target) for finder in finders)), None)
        stage = next((IMPORTS[name] for name in IMPORTS if f"{fullname}.".startswith(f"{name}.")), None)
        if spec is not None and stage is not None and spec.loader is not None:
            self._time(spec.loader, stage)
        return spec

    def _time(self, loader: Any, stage: str) -> None:
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            with self.watch.stage(stage):
                execute(module)
            self._wrap(module)

        loader.exec_module = exec_module

    def _wrap(self, module: ModuleType) -> None:
        if module.__name__ == "azext_communication_identity":
            self.watch.wrap(module.COMMAND_LOADER_CLS, ("load_command_table", "load_arguments"), LOADING)
        elif module.__name__ == "azext_communication_identity.custom":
            self.watch.wrap(module, ("assign_identity", "remove_identity", "show_identity", "list_identities"), RUNNING)
        elif module.__name__ == "requests.sessions":
            self.watch.wrap(module.Session, ("send",), ARM)


def main(out: str, started: str, args: Sequence[str]) -> None:
    """Run `az` with the arguments."""
    watch = StopWatch()
    watch.seconds[INTERPRETER] = UP - float(started)
    sys.meta_path.insert(0, Watcher(watch))
    sys.argv = ["az", *args]
    try:
        runpy.run_module("azure.cli", run_name="__main__", alter_sys=True)
    finally:
        Path(out).write_text(json.dumps(watch.stop()), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
