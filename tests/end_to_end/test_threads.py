# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The threads of a fleet start at once: only one of them may import the SDK. The modules of azure-core import each
other in circles, and Python hands a thread a half imported one where waiting for it would be a deadlock.
"""

from __future__ import annotations

from pathlib import Path

from armsim import Armsim
from az import Az

WATCH = """
import sys
import threading

def callers():
    frame = sys._getframe()
    while frame is not None:
        yield frame.f_code.co_name
        frame = frame.f_back

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("azure.core") and threading.current_thread() is not threading.main_thread():
            with open({file!r}, "a") as file:
                file.write("locked\\n" if {{"_client", "_once"}} & set(callers()) else name + "\\n")

sys.meta_path.insert(0, Finder())
"""


def test_threads_import_the_sdk_one_at_a_time(az: Az, sim: Armsim, tmp_path: Path) -> None:
    ids = [sim.state.add_resource(f"app{number}", "rg") for number in range(8)]
    seen = tmp_path / "seen"
    (tmp_path / "sitecustomize.py").write_text(WATCH.format(file=str(seen)), encoding="utf-8")
    az("communication identity assign --ids @- --system-assigned", stdin="\n".join(ids),
       env={"PYTHONPATH": str(tmp_path)}).ok()
    assert set(seen.read_text(encoding="utf-8").splitlines()) == {"locked"}  # Arm._client and OncePolicy hold one
