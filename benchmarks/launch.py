# SPDX-License-Identifier: MIT
"""Run a command and write as JSON to a file what it took: `python launch.py OUT COMMAND…`. A process of its own, since
Linux counts the memory of whoever starts a process as that process's own.
"""

import json
import os
import sys
import time
from pathlib import Path


def main(out: str, command: list[str]) -> int:
    """Run; the exit code is the command's."""
    started = time.perf_counter()
    child = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    took = {"seconds": time.perf_counter() - started,
            "processor": usage.ru_utime + usage.ru_stime,
            "memory": usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)}  # macOS counts in bytes
    Path(out).write_text(json.dumps(took), encoding="utf-8")
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
