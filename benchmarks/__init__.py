# SPDX-License-Identifier: MIT
"""Measurements of the extension against armsim, run by `dev.py bench`: how long a command takes, memory, a fleet, a
long list. Each part's raw data is JSON; `report.py` and `pictures.py` make the rest of that.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))  # armsim and the helper that runs `az`
