# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The command table."""

from typing import Any

from ._errors import explain
from ._format import list_table, show_table
from ._validators import validate_assign, validate_list, validate_remove, validate_resources, validate_wait


def load_command_table(self: Any, _args: list[str] | None) -> None:
    """Register the five commands."""
    with self.command_group("communication identity", exception_handler=explain) as g:
        g.custom_command("assign", "assign_identity", validator=validate_assign, table_transformer=show_table)
        g.custom_command("remove", "remove_identity", validator=validate_remove, table_transformer=show_table)
        g.custom_show_command("show", "show_identity", validator=validate_resources, table_transformer=show_table)
        g.custom_command("list", "list_identities", validator=validate_list, table_transformer=list_table)
        g.custom_command("wait", "wait_for_resource", validator=validate_wait)
