# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Where the time of one command goes, by the stop watch in probe.py. The watch itself takes time: the sum of the stages
is a little more than one_command.py's figures.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from .measuring import Setting, machine
from .one_command import CORE, CORE_HELP, CORE_SHOW, OURS, prepare, scene

PROBE = Path(__file__).parent / "probe.py"
SHOWN = {**{name: CORE[name] for name in (CORE_SHOW, CORE_HELP)},
         **{name: OURS[name].words for name in ("show", "assign", "remove", "show -h")}}


def measure(setting: Setting) -> dict[str, Any]:
    """The stages of each run of each command, in seconds, after one round that isn't counted."""
    resource = scene(setting.sim)
    stages: dict[str, list[dict[str, float]]] = {name: [] for name in SHOWN}
    for number in range(setting.runs + 1):
        for name, words in SHOWN.items():
            prepare(setting.sim, resource, name)
            took = _probed(setting, words)
            if number:
                stages[name].append(took)
    return {"machine": machine(), "stages": stages}


def _probed(setting: Setting, words: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        out = Path(folder) / "stages.json"
        python, _, _, *args = setting.az.command(words)
        started = time.perf_counter()
        subprocess.run([python, str(PROBE), str(out), str(started), *args],
                       env=setting.az.environment(), stdin=subprocess.DEVNULL, capture_output=True, check=True)
        ended = time.perf_counter()
        took: dict[str, float] = json.loads(out.read_text(encoding="utf-8"))
    took["end of the interpreter"] = ended - started - sum(took.values())
    return took
