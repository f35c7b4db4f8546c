# SPDX-License-Identifier: MIT
"""The command table. The CLI loads it often, so what only a run needs is imported on the first call."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from importlib import import_module
from typing import Any


def load_command_table(self: Any, _args: list[str] | None) -> None:
    """Register the six commands."""
    table = _lazy("_format", "show_table")
    with self.command_group("communication identity", exception_handler=_lazy("arm.errors", "explain")) as g:
        g.custom_command("assign", "assign_identity", validator=_validator("validate_assign"), table_transformer=table)
        g.custom_command("remove", "remove_identity", validator=_validator("validate_remove"), table_transformer=table)
        g.custom_show_command("show", "show_identity", validator=_validator("validate_resources"),
                              table_transformer=table)
        g.custom_command("list", "list_identities", validator=_validator("validate_list"),
                         table_transformer=_lazy("_format", "list_table"))
        g.custom_command("check", "check_identity", validator=_validator("validate_check"),
                         table_transformer=_lazy("_format", "check_table"))
        g.custom_command("wait", "wait_for_resource", validator=_validator("validate_wait"))


def _lazy(module: str, name: str) -> Callable[[Any], Any]:
    """A function of one argument in another file."""
    def call(argument: Any) -> Any:
        return getattr(import_module(f".{module}", __package__), name)(argument)
    return call


def _validator(name: str) -> Callable[[Any, Namespace], None]:
    """A function in _validators.py. azure-cli passes the arguments by name: cmd and namespace."""
    def validate(cmd: Any, namespace: Namespace) -> None:
        validators = import_module("._validators", __package__)
        validators.warn_of_git_bash(namespace)
        validators.require_files(namespace)
        getattr(validators, name)(cmd, namespace)
    return validate
