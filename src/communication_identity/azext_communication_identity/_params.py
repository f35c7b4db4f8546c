# SPDX-License-Identifier: MIT
"""The arguments. _validators.py reads and checks their values."""

from __future__ import annotations

import argparse
from typing import Any

from azure.cli.core.commands.parameters import get_enum_type, resource_group_name_type
from azure.cli.core.local_context import ALL, LocalContextAction, LocalContextAttribute
from knack.arguments import CLIArgumentType

from ._completers import complete_assigned, complete_resources, complete_roles, complete_scopes, complete_user_assigned


class FlagAction(argparse.Action):
    """Stores a flag that can be used alone or with a value. A bad value ends the command the way argparse does."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any,
                 option_string: str | None = None) -> None:
        from azure.cli.core.azclierror import InvalidArgumentValueError

        from ._validators import usage_error
        from .model.shell_words import parse_flag
        try:
            setattr(namespace, self.dest, values is None or parse_flag(values))
        except InvalidArgumentValueError as error:
            usage_error(error)


def seconds(text: str) -> int:
    """A positive number of seconds, no longer than a year. Zero would poll endlessly or fail in azure-cli's wait."""
    number = int(text)
    if not 1 <= number <= 31_536_000:
        raise argparse.ArgumentTypeError(f"invalid value: '{text}'. Specify a number of seconds from 1 to 31536000.")
    return number


# `az config param-persist on` may fill in the group (GET). It doesn't store the group of these commands (SET), because
# validate_resources deletes the argument that azure-cli would then look for.
_resource_group_settings = {"arg_type": resource_group_name_type, "required": False, "id_part": None,
                            "local_context_attribute": LocalContextAttribute(
                                name="resource_group_name", actions=[LocalContextAction.GET], scopes=[ALL])}
_name_type = CLIArgumentType(
    options_list=["--name", "-n"], completer=complete_resources,
    help="Name of the Communication Services resource.")
_ids_type = CLIArgumentType(
    options_list=["--ids"], nargs="*", action="append", metavar="ID", required=False,
    help="One or more resource IDs (space-delimited), instead of --name and --resource-group. To read them from "
         "standard input, use \"@-\"; from a file, \"@FILE\".")
_flag_type = CLIArgumentType(action=FlagAction, nargs="?", metavar="{true,false}")
# The second names are those of azure-cli's own generated commands.
_system_type = CLIArgumentType(overrides=_flag_type, options_list=["--system-assigned", "--mi-system-assigned"])
_user_type = CLIArgumentType(
    options_list=["--user-assigned", "--mi-user-assigned"], action="append", metavar="ID_OR_NAME",
    completer=complete_user_assigned)
_role_type = CLIArgumentType(
    options_list=["--role"], nargs="+", action="append", metavar="ROLE", completer=complete_roles)
_scope_type = CLIArgumentType(options_list=["--scope"], nargs="+", action="append", completer=complete_scopes)
_WHICH = ("resource IDs, or names of identities in the resource's own group and subscription (space-delimited, a list "
          "[a,b], or a JSON or YAML file; can be repeated).")


def load_arguments(self: Any, _command: str) -> None:
    """Register the arguments under the full names of their commands, or other extensions' settings would apply."""
    for command in ("assign", "remove", "show", "check", "wait"):
        with self.argument_context(f"communication identity {command}", arg_group="Resource Id") as c:
            c.argument("resources", _ids_type)
            for name, settings in (("resource_name", {"arg_type": _name_type}),
                                   ("resource_group_name", _resource_group_settings)):
                c.extra(name, **settings)
                c.argument(name, **settings)  # otherwise, another extension's settings would apply
    _load_changes(self)
    _load_reads(self)


def _load_changes(self: Any) -> None:
    """The arguments of `assign` and `remove`."""
    for command in ("assign", "remove"):
        with self.argument_context(f"communication identity {command}", arg_group=None) as c:
            # Not `no_wait`: the CLI prints nothing for a command that has an argument of this name.
            c.argument("skip_wait", _flag_type, options_list=["--no-wait"],
                       help="Do not wait for the long-running operation to finish.")
            c.argument("dry_run", _flag_type, options_list=["--dry-run"],
                       help="Show what would change, without changing anything.")

    with self.argument_context("communication identity assign", arg_group=None) as c:
        c.argument("system_assigned", _system_type, help="Enable the system-assigned identity.")
        c.argument("user_assigned", _user_type, nargs="+", help=f"User-assigned identities to add: {_WHICH}")

    with self.argument_context("communication identity assign", arg_group="Role") as c:
        c.argument("roles", _role_type,
                   help="Name or ID of a role to grant to the specified identities, whether new or already assigned "
                        "(can be repeated). Requires --scope. With --role, --no-wait has no effect.")
        c.argument("scopes", _scope_type,
                   help="Scopes at which to grant each role: IDs of resources, resource groups or subscriptions "
                        "(space-delimited; can be repeated). Requires --role.")

    with self.argument_context("communication identity remove", arg_group=None) as c:
        c.argument("system_assigned", _system_type, help="Remove the system-assigned identity.")
        c.argument("user_assigned", _user_type, nargs="*", completer=complete_assigned,
                   help=f"User-assigned identities to remove: {_WHICH} Without a value, removes all of them, and "
                        "requires --yes if there is no terminal.")
        c.argument("delete_role_assignments", options_list=["--delete-role-assignments", "--delete-assignments"],
                   action="store_true",
                   help="Delete the role assignments of the system-assigned identity after it is removed, in every "
                        "subscription that you can read. Requires --system-assigned. With this option, --no-wait has "
                        "no effect.")
        c.argument("yes", options_list=["--yes", "-y"], action="store_true", default=False, required=False,
                   help="Do not prompt for confirmation. Without a terminal, nothing prompts: a removal that would "
                        "prompt then requires this option if it uses --ids, or --user-assigned without a value. Other "
                        "removals proceed.")


def _load_reads(self: Any) -> None:
    """The arguments of the commands that change nothing."""
    with self.argument_context("communication identity show", arg_group=None) as c:
        c.argument("with_roles", options_list=["--roles"], action="store_true",
                   help="Show the role assignments of each identity, in every subscription that you can read.")

    with self.argument_context("communication identity list", arg_group=None) as c:
        c.argument("resource_group_name", **_resource_group_settings)
        c.argument("all_subscriptions", options_list=["--all-subscriptions"], action="store_true",
                   help="List the resources of every subscription that you can read, using Azure Resource "
                        "Graph. Changes from the last minute may be missing.")
        c.argument("user_assigned", _user_type, nargs="+",
                   help="List only resources that have at least one of these user-assigned identities: resource IDs, "
                        "or names, which match in any resource group (space-delimited; can be repeated).")

    with self.argument_context("communication identity check", arg_group="Access") as c:
        c.argument("purpose", get_enum_type(["azure-ai", "recording"]), options_list=["--for"],
                   help="What the system-assigned identity is for: Azure AI in calls, or recordings in your own "
                        "storage. Requires --scope.")
        c.argument("roles", _role_type,
                   help="Name or ID of a role that each identity should hold (can be repeated). Requires --scope.")
        c.argument("scopes", _scope_type,
                   help="Where the access is needed. With --for: IDs of Azure AI accounts, or of storage accounts or "
                        "blob containers. With --role: IDs of resources, resource groups or subscriptions "
                        "(space-delimited; can be repeated).")

    with self.argument_context("communication identity wait", arg_group="Wait Condition") as c:
        for name, what in (("created", "Wait until created with 'provisioningState' at 'Succeeded'."),
                           ("updated", "Wait until updated with 'provisioningState' at 'Succeeded'."),
                           ("deleted", "Wait until deleted."), ("exists", "Wait until the resource exists.")):
            c.argument(name, options_list=[f"--{name}"], action="store_true", help=what)
        c.argument("custom", options_list=["--custom"],
                   help="Wait until the resource satisfies a custom JMESPath query, e.g. identity.principalId.")
        c.argument("interval", options_list=["--interval"], type=seconds, help="Polling interval in seconds.")
        c.argument("timeout", options_list=["--timeout"], type=seconds, help="Maximum wait in seconds.")
