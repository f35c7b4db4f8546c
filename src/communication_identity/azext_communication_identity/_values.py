# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The spellings of values that scripts use: lists of identities and flags with a value. No I/O, no SDK."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from azure.cli.core.azclierror import InvalidArgumentValueError

from .model.names import shown

_TRUE = ("true", "yes", "y", "t", "1")
_FALSE = ("false", "no", "n", "f", "0")


def parse_flag(value: str) -> bool:
    """A flag's value: true, yes, y, t, 1 or false, no, n, f, 0, in any case (as Microsoft's extension accepts it)."""
    word = value.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise InvalidArgumentValueError(f"{shown(value)} is neither true nor false.",
                                    "Give the flag alone, or with true or false.")


def parse_list(values: Sequence[str]) -> list[str]:
    """Values as one list, from: several words, `[a,b]`, `["a","b"]`, and `[a, b]` that the shell split in words."""
    text = " ".join(values).strip()
    if not (text.startswith("[") and text.endswith("]")):
        return list(values)
    if text == "[system]":  # azure-cli's own word elsewhere: it is a wrong value here, not a list
        return [text]
    try:
        items = json.loads(text)
    except ValueError:
        inner = text[1:-1].strip()
        return [item.strip().strip("'\"") for item in inner.split(",")] if inner else []
    if not all(isinstance(item, str) for item in items):
        raise InvalidArgumentValueError(f"{shown(text)} is not a list of user-assigned identities.",
                                        'Give names or resource IDs: --user-assigned ID1 ID2, or ["ID1","ID2"].')
    return [str(item) for item in items]


class FlagAction(argparse.Action):
    """Stores a flag that may be given alone or with a value."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any,
                 option_string: str | None = None) -> None:
        setattr(namespace, self.dest, values is None or parse_flag(values))


class IdentityListAction(argparse.Action):
    """Collects `--user-assigned`, given once or several times, with values, a list, or nothing."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any,
                 option_string: str | None = None) -> None:
        setattr(namespace, self.dest, (getattr(namespace, self.dest, None) or []) + parse_list(values))
