# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The arguments."""

from typing import Any

from azure.cli.core.commands.parameters import resource_group_name_type
from knack.arguments import CLIArgumentType

from ._completers import complete_resource_names, complete_roles, complete_user_assigned
from ._values import FlagAction, IdentityListAction

_resource_group_type = {"arg_type": resource_group_name_type, "required": False, "id_part": None}
_name_type = CLIArgumentType(
    options_list=["--name", "-n"], completer=complete_resource_names,
    help="Name of the Communication Services resource.")
_ids_type = CLIArgumentType(
    options_list=["--ids"], nargs="*", metavar="ID", required=False,
    help="One or more resource IDs (space-delimited), instead of --name and --resource-group. `@-` reads them from "
         "standard input.")
_flag_type = CLIArgumentType(action=FlagAction, nargs="?", metavar="{true,false}")
# The second names are those of azure-cli's own generated commands.
_system_type = CLIArgumentType(overrides=_flag_type, options_list=["--system-assigned", "--mi-system-assigned"])
_user_type = CLIArgumentType(
    options_list=["--user-assigned", "--mi-user-assigned"], action=IdentityListAction, metavar="ID_OR_NAME",
    completer=complete_user_assigned)
_WHICH = ("resource IDs, or names of identities in the resource's own group and subscription (space-delimited, or a "
          "list [a,b]; may be given more than once).")

_CONDITIONS = {"created": "Wait until created with 'provisioningState' at 'Succeeded'.",
               "updated": "Wait until updated with 'provisioningState' at 'Succeeded'.",
               "deleted": "Wait until deleted.",
               "exists": "Wait until the resource exists."}


def load_arguments(self: Any, _command: str) -> None:
    """Register the arguments of the five commands, each under its own full name, and with options, help and group said
    in full: whatever an extension registers under "communication" fills in what is left open here.
    """
    for command in ("assign", "remove", "show", "wait"):
        with self.argument_context(f"communication identity {command}", arg_group="Resource Id") as c:
            c.argument("resources", _ids_type)
            for name, settings in (("resource_name", {"arg_type": _name_type}),
                                   ("resource_group_name", _resource_group_type)):
                c.extra(name, **settings)
                c.argument(name, **settings)  # also by name, or another extension's "communication" would fill it in

    for command in ("assign", "remove"):
        with self.argument_context(f"communication identity {command}", arg_group=None) as c:
            # Not `no_wait`: the CLI prints nothing for a command that has an argument of this name.
            c.argument("skip_wait", _flag_type, options_list=["--no-wait"],
                       help="Do not wait until the service has settled the change; return right after the write.")

    with self.argument_context("communication identity assign", arg_group=None) as c:
        c.argument("system_assigned", _system_type, help="Enable the system-assigned identity.")
        c.argument("user_assigned", _user_type, nargs="+", help=f"User-assigned identities to add: {_WHICH}")

    with self.argument_context("communication identity assign", arg_group="Role") as c:
        c.argument("role", options_list=["--role"], completer=complete_roles,
                   help="Role to grant to the identities that this call names, also those that are assigned already: "
                        "its name or its ID. With a role the command always waits.")
        c.argument("scopes", options_list=["--scope"], nargs="+",
                   help="Scopes at which to grant the role (space-delimited resource IDs). Default: the resource "
                        "itself.")

    with self.argument_context("communication identity remove", arg_group=None) as c:
        c.argument("system_assigned", _system_type, help="Remove the system-assigned identity.")
        c.argument("user_assigned", _user_type, nargs="*",
                   help=f"User-assigned identities to remove: {_WHICH} Without a value: all of them.")
        c.argument("delete_role_assignments", options_list=["--delete-role-assignments", "--delete-assignments"],
                   action="store_true",
                   help="Delete the role assignments that the removed identities hold in the subscription first, also "
                        "those of user-assigned identities, which other resources may use.")
        c.argument("yes", options_list=["--yes", "-y"], action="store_true", help="Do not prompt for confirmation.")

    with self.argument_context("communication identity show", arg_group=None) as c:
        c.argument("roles", options_list=["--roles"], action="store_true",
                   help="Show the role assignments that each identity holds in the subscription, at any scope.")

    with self.argument_context("communication identity list", arg_group=None) as c:
        c.argument("resource_group_name", **_resource_group_type)
        c.argument("all_subscriptions", options_list=["--all-subscriptions"], action="store_true",
                   help="List the resources of every subscription that this login can read, through Azure Resource "
                        "Graph, which may not know yet of the last minute's changes.")

    with self.argument_context("communication identity wait", arg_group="Wait Condition") as c:
        for name, what in _CONDITIONS.items():
            c.argument(name, options_list=[f"--{name}"], action="store_true", help=what)
        c.argument("custom", options_list=["--custom"],
                   help="Wait until the resource satisfies a custom JMESPath query, e.g. identity.principalId.")
        c.argument("interval", options_list=["--interval"], type=int, help="Polling interval in seconds.")
        c.argument("timeout", options_list=["--timeout"], type=int, help="Maximum wait in seconds.")
