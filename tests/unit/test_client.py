# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The client of ARM, where it is used by many threads."""

from __future__ import annotations

import subprocess
import sys

from az import SOURCE

# azure.core.rest and azure.core.pipeline.transport import each other: two threads that begin at either end both get
# half a module. The first request of a process is the first to import them, and a fleet's come from many threads.
PROGRAM = """
import sys
from azext_communication_identity.arm.client import Arm
from azext_communication_identity.model.steps import Request
class Looked(Exception):
    pass
def client(self, subscription):
    raise Looked([name for name in sys.modules if name.startswith(("azure.core", "requests"))])
Arm._client = client
try:
    Arm(None).send(Request("GET", "/"), "subscription")
except Looked as looked:
    print(looked.args[0])
"""


def test_nothing_is_imported_before_one_thread_has_imported_all() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=SOURCE, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
