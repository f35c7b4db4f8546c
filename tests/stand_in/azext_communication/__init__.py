# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The loader, as generated extensions have it, and an argument loader of the kind that reaches far."""

from azure.cli.core import AzCommandsLoader


class CommunicationCommandsLoader(AzCommandsLoader):
    """Loads the generated commands."""

    def __init__(self, cli_ctx=None):
        from azure.cli.core.commands import CliCommandType
        super().__init__(cli_ctx=cli_ctx, custom_command_type=CliCommandType(
            operations_tmpl="azext_communication.custom#{}"))

    def load_command_table(self, args):
        """Load the generated commands."""
        from azure.cli.core.aaz import load_aaz_command_table

        from . import aaz
        load_aaz_command_table(loader=self, aaz_pkg_name=aaz.__name__, args=args)
        return self.command_table

    def load_arguments(self, command):
        """A later version might do this: arguments for all of `communication`, by names that our commands have too."""
        with self.argument_context("communication") as c:
            for name in ("resources", "system_assigned", "user_assigned", "skip_wait", "role", "scopes", "yes", "roles",
                         "delete_role_assignments", "resource_group_name", "custom", "timeout"):
                c.argument(name, options_list=[f"--their-{name.replace('_', '-')}"], help="Theirs.", arg_group="Theirs")


COMMAND_LOADER_CLS = CommunicationCommandsLoader
