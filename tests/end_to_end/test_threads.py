# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The threads of a fleet start at once: nothing that they need may still be half imported by another of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from armsim import Armsim
from az import Az

# Python hands a thread a module that another one has half imported where waiting for it could be a deadlock. Each
# import that takes a while makes that likely.
SLOW_IMPORTS = """
import sys
import threading
import time

class Finder:
    def find_spec(self, name, path=None, target=None):
        if threading.current_thread() is not threading.main_thread():
            time.sleep(0.02)

sys.meta_path.insert(0, Finder())
"""


@pytest.mark.slow
def test_threads_do_not_import_at_the_same_time(az: Az, sim: Armsim, tmp_path: Path) -> None:
    ids = [sim.state.add_resource(f"app{number}", "rg") for number in range(64)]
    (tmp_path / "sitecustomize.py").write_text(SLOW_IMPORTS, encoding="utf-8")
    done = az("communication identity assign --ids @- --system-assigned", stdin="\n".join(ids),
              env={"PYTHONPATH": str(tmp_path)})
    assert len(done.ok().json) == 64
