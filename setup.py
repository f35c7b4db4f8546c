# SPDX-License-Identifier: MIT
"""`pip install .` and `pip wheel .` here do what they do in src/communication_identity, where the extension is."""

import os
import runpy
from pathlib import Path

HERE = Path(__file__).resolve().parent
os.chdir(HERE / "src" / "communication_identity")
try:
    runpy.run_path("setup.py")
finally:
    os.chdir(HERE)
