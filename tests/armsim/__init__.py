# SPDX-License-Identifier: MIT
"""armsim: a local Azure Resource Manager for tests, demos and trying things by hand. It is not Azure: what it does is
built on public recordings of the real service, and where they are silent its comments say so: K14 and A1 are lines of
docs/service-behavior.md.
"""

from . import target_routes as _target_routes  # noqa: F401  # registers its routes
from .clock import Clock, ManualClock, ScaledClock
from .direct import DirectClient
from .faults import Fault
from .http_types import Request
from .patch_shapes import ALLOWED, FAILURES, SHAPES, PatchShape
from .server import Armsim
from .state import ArmState
from .throttle import Throttle

__all__ = ["ALLOWED", "FAILURES", "SHAPES", "ArmState", "Armsim", "Clock", "DirectClient", "Fault", "ManualClock",
           "PatchShape", "Request", "ScaledClock", "Throttle"]
