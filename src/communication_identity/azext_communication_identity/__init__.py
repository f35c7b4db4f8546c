# SPDX-License-Identifier: MIT
"""Azure CLI extension: managed identities of Azure Communication Services resources."""

from __future__ import annotations

from typing import Any, cast

from azure.cli.core import AzCommandsLoader

from . import _help  # noqa: F401  # pylint: disable=unused-import  # importing it registers the help texts


class CommunicationIdentityCommandsLoader(AzCommandsLoader):
    """Loads the commands of `az communication identity`."""

    def __init__(self, cli_ctx: Any = None) -> None:
        from azure.cli.core.commands import CliCommandType
        super().__init__(cli_ctx=cli_ctx, custom_command_type=CliCommandType(operations_tmpl=f"{__name__}.custom#{{}}"))

    def load_command_table(self, args: list[str] | None) -> dict[str, Any]:
        from .commands import load_command_table
        load_command_table(self, args)
        return cast("dict[str, Any]", self.command_table)

    def load_arguments(self, command: str) -> None:
        from ._params import load_arguments
        load_arguments(self, command)


COMMAND_LOADER_CLS = CommunicationIdentityCommandsLoader
