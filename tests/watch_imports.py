# SPDX-License-Identifier: MIT
"""Run `az` and note who imports what an SDK needs: `python watch_imports.py OUT ARG…` writes a line to the file OUT for
each of the modules in WATCHED that is imported: its name, and "ours" if our code is what asked for it, else "core".
"""

from __future__ import annotations

import importlib.abc
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any

WATCHED = ("azure.mgmt", "azure.core", "msrest", "requests", "urllib3")


class Watcher(importlib.abc.MetaPathFinder):
    """Finds nothing; only sees what is looked for."""

    def __init__(self, out: Path) -> None:
        self._out = out
        out.write_text("", encoding="utf-8")

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        """Note the module, at once: completion ends without a farewell."""
        if fullname in WATCHED:
            ours = any("azext_communication_identity" in frame.filename for frame in traceback.extract_stack())
            with self._out.open("a", encoding="utf-8") as file:
                file.write(f"{fullname} {'ours' if ours else 'core'}\n")


def main(out: str, args: list[str]) -> None:
    """Run."""
    sys.meta_path.insert(0, Watcher(Path(out)))
    sys.argv = ["az", *args]
    runpy.run_module("azure.cli", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
