# SPDX-License-Identifier: MIT
"""What the command lines of all commands share."""

from __future__ import annotations

import argparse


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """The parser of a command: options are written in full, and unknown ones are errors."""
    return argparse.ArgumentParser(prog=f"dev.py {name}", description=description, allow_abbrev=False,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
