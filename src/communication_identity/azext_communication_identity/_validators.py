# SPDX-License-Identifier: MIT
"""Checks of a whole command line, before any call: what is missing, what is wrong, and which resources it means.

What argparse would miss (the resource, the identity, the value of an option) ends with exit code 2, as in argparse.
Everything else ends with 1, as in azure-cli's own validators.
"""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from azure.cli.core.azclierror import (
    ArgumentUsageError,
    AzCLIError,
    FileOperationError,
    InvalidArgumentValueError,
    MutuallyExclusiveArgumentError,
    NoTTYError,
    RequiredArgumentMissingError,
)
from knack.log import get_logger

from .model.quoting import for_display
from .model.resource_id import (
    ResourceId,
    check_group_name,
    check_resource_name,
    check_subscription,
    check_user_assigned,
    parse_resource_id,
)
from .model.role_assignments import check_role, check_scope
from .model.shell_words import clean_list, clean_value, flatten, from_git_bash
from .runner.terminal import Consent, is_terminal

logger = get_logger(__name__)


def warn_of_git_bash(namespace: Namespace) -> None:
    """Warn once if Git Bash changed any ID."""
    if from_git_bash(_words(namespace)):
        logger.warning("Git Bash converted a resource ID to a file path. The original ID is used. To prevent the "
                       "conversion, run: export MSYS_NO_PATHCONV=1")


def require_files(namespace: Namespace) -> None:
    """Refuse an @FILE that azure-cli couldn't read: it passes the word on unchanged, with its @."""
    for file in [word.strip()[1:] for word in _words(namespace) if re.match(r"\s*@.", word)]:
        raise FileOperationError(f"Can't read the file {for_display(file)}." if Path(file).exists() else
                                 f"There is no file {for_display(file)}.",
                                 "Specify the path of a file after @, or use @- to read from standard input.")


def _words(namespace: Namespace) -> list[str]:
    """The words of all options that take names or IDs."""
    names = [getattr(namespace, name, None) or "" for name in ("resource_name", "resource_group_name")]
    options = [getattr(namespace, name, None) for name in ("resources", "user_assigned", "scopes", "roles")]
    return names + [word for words in options if isinstance(words, list) for of_one in words for word in of_one]


def validate_assign(cmd: Any, namespace: Namespace) -> None:
    """`assign`: at least one identity to add."""
    _read_user_assigned(namespace)
    _require_identity(namespace, "assign", has_user_assigned=bool(namespace.user_assigned))
    _check_roles_and_scopes(namespace)
    validate_resources(cmd, namespace)


def validate_remove(cmd: Any, namespace: Namespace) -> None:
    """`remove`: at least one identity to remove, and consent. --user-assigned without a value means all of them."""
    is_bare = (not any(word for words in namespace.user_assigned or () for word in words)
               or _comes_from_a_file("--user-assigned", "--mi-user-assigned"))
    _read_user_assigned(namespace)
    _require_identity(namespace, "remove", has_user_assigned=namespace.user_assigned is not None)
    if namespace.delete_role_assignments and not namespace.system_assigned:
        raise ArgumentUsageError(
            "--delete-role-assignments requires --system-assigned.",
            "A user-assigned identity keeps its role assignments, because other resources may use it. To delete a role "
            "assignment, run:\naz role assignment delete --ids ID")
    has_ids = namespace.resources is not None
    validate_resources(cmd, namespace)
    namespace.yes = _consent(cmd, namespace, has_ids=has_ids, is_bare=is_bare)  # remove_identity gets a Consent


def validate_check(cmd: Any, namespace: Namespace) -> None:
    """`check`: --for or --role, each with the scopes that it needs, or neither."""
    from .model.purposes import check_target
    if namespace.purpose and namespace.roles is not None:
        raise MutuallyExclusiveArgumentError(
            "--for can't be used with --role.",
            "Use --for to check all that a purpose needs, or --role to check whether the identities hold a role.")
    _check_roles_and_scopes(namespace, purpose=namespace.purpose)
    for scope in namespace.scopes if namespace.purpose else ():
        check_target(namespace.purpose, scope)
    validate_resources(cmd, namespace)


def validate_list(cmd: Any, namespace: Namespace) -> None:
    """`list`: a valid group name, if any; --all-subscriptions without a group or subscription."""
    group = namespace.resource_group_name
    if namespace.all_subscriptions:
        if getattr(group, "is_default", False):  # configured, not typed
            namespace.resource_group_name = group = None
        option = "--resource-group" if group is not None else "--subscription"
        if group is not None or getattr(namespace, "_subscription", None):
            raise MutuallyExclusiveArgumentError(
                f"--all-subscriptions can't be used with {option}.",
                "Use only one of them. To filter the list of all resources, use --query, for example:\n"
                "az communication identity list --all-subscriptions --query \"[?resourceGroup=='myResourceGroup']\"")
    if group is not None:
        namespace.resource_group_name = check_group_name(clean_value(group))
    _read_user_assigned(namespace)
    if namespace.user_assigned == []:
        usage_error(RequiredArgumentMissingError("--user-assigned requires at least one identity.",
                                                 "Specify the name or resource ID of the identity to look for."))
    if not namespace.all_subscriptions:
        _resolve_subscription(cmd)


def validate_wait(cmd: Any, namespace: Namespace) -> None:
    """`wait`: something to wait for."""
    if namespace.custom is not None:
        namespace.custom = _compile_query(namespace.custom)
    if not (namespace.created or namespace.updated or namespace.deleted or namespace.exists or namespace.custom):
        raise RequiredArgumentMissingError(
            "The condition to wait for is missing.",
            "Specify at least one of --created, --updated, --deleted, --exists or --custom JMESPATH.")
    validate_resources(cmd, namespace)


def validate_resources(cmd: Any, namespace: Namespace) -> None:
    """`show`, and a part of the other validators. Sets `namespace.resources`, in the order given, each once."""
    name, group = namespace.resource_name, namespace.resource_group_name
    del namespace.resource_name, namespace.resource_group_name  # the commands know resources only
    if namespace.resources is not None:
        # Core's own warning for what is typed beside --ids, but not for configured defaults.
        for option, value in (("--name", name), ("--resource-group", group),
                              ("--subscription", getattr(namespace, "_subscription", None))):
            if value is not None and not getattr(value, "is_default", False):
                logger.warning("option '%s' will be ignored due to use of '--ids'.", option)
        namespace.resources = _resources(namespace.resources)
        return
    if name is None or group is None:
        usage_error(RequiredArgumentMissingError(
            "(--name --resource-group | --ids) are required.",
            "Specify the resource with --name and --resource-group, or with --ids."))
    name, group = check_resource_name(clean_value(name)), check_group_name(clean_value(group))
    namespace.resources = [ResourceId(_resolve_subscription(cmd), group, name)]


def usage_error(error: AzCLIError) -> NoReturn:
    """End the way argparse does if something is missing: print the error and recommendation, exit with code 2."""
    error.print_error()
    error.send_telemetry()
    raise SystemExit(2)


def _resources(words: Sequence[Sequence[str]]) -> list[ResourceId]:
    """The resources of --ids. An empty list if a file or another command supplies none: that isn't an error, so a
    pipeline continues if no resource needs a change. azure-cli replaces `@-` and `@FILE` before it loads an extension.
    """
    values = [value for of_one in words for value in clean_list(of_one) if value]
    found = {resource.id.lower(): resource for resource in map(parse_resource_id, values)}
    if not found:
        if not _comes_from_a_file("--ids"):
            usage_error(RequiredArgumentMissingError(
                "--ids requires at least one resource ID.", "If the IDs come from a variable, check that it is set."))
        logger.warning("--ids contains no resource ID. There is nothing to do.")
    return list(found.values())


def _comes_from_a_file(*names: str) -> bool:
    """Whether an option, which azure-cli lets people abbreviate, is typed with `@-` or `@FILE`."""
    option = ""
    for word in sys.argv[1:]:
        value = word
        if word.startswith("-"):
            option, _, value = word.partition("=")
        if value.startswith("@") and len(option) > 2 and any(name.startswith(option) for name in names):
            return True
    return False


def _read_user_assigned(namespace: Namespace) -> None:
    """Turn the words of each --user-assigned into one list of checked names and IDs."""
    if namespace.user_assigned is None:
        return
    values: list[str] = []
    for words in namespace.user_assigned:
        files = [word for word in words if re.search(r"(?i)\.(json|ya?ml)\s*\Z", word)]  # no name or ID has a dot there
        values += clean_list([word for word in words if word not in files])
        for file in files:
            values += _read_file(clean_value(file))
    namespace.user_assigned = [check_user_assigned(value) for value in values]


def _read_file(name: str) -> list[str]:
    """The names and IDs in a JSON or YAML file, which azure-cli's shorthand syntax accepts as the value of a list."""
    import json

    import yaml
    from azure.cli.core.util import read_file_content
    from knack.util import CLIError
    try:
        text = read_file_content(str(Path(name).expanduser()))
    except (OSError, ValueError, RuntimeError, CLIError) as error:  # a NUL in the name; no such user; no text
        raise FileOperationError(f"Can't read {for_display(name)} for --user-assigned: {error}",
                                 "Specify the path of a JSON or YAML file, or names and resource IDs.") from error
    try:
        items = json.loads(text) if name.lower().endswith(".json") else yaml.safe_load(text)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise FileOperationError(f"{for_display(name)} is not a valid {name.rpartition('.')[2].upper()} file: {error}",
                                 'The file must contain a list, such as ["ID1", "ID2"].') from error
    if not isinstance(items, list) or not items:
        raise FileOperationError(f"{for_display(name)} doesn't contain a list of user-assigned identities.",
                                 'The file must contain a list, such as ["ID1", "ID2"].')
    return flatten(items, text)


def _consent(cmd: Any, namespace: Namespace, *, has_ids: bool, is_bare: bool) -> Consent:
    """What to do before a removal that destroys something. Raises NoTTYError if the command line alone shows that it
    needs confirmation and there is no one to ask. `is_bare`: --user-assigned has no value, or gets it from a file or
    another command, which may contain [] unexpectedly.
    """
    if namespace.dry_run or not namespace.resources:
        return Consent.PROCEED
    if namespace.yes or cmd.cli_ctx.config.getboolean("core", "disable_confirm_prompt", False):
        return Consent.YES
    if is_terminal(sys.stdin):
        return Consent.ASK
    removes_all = namespace.user_assigned == []
    if has_ids and (namespace.system_assigned or removes_all):
        raise NoTTYError(
            "Can't prompt for confirmation without a terminal. Nothing was removed.",
            "To remove identities from the resources of --ids without a prompt, add --yes. To see what would change, "
            "use --dry-run.")
    if removes_all and is_bare:
        raise NoTTYError(
            "Can't prompt for confirmation without a terminal: --user-assigned without a value means all "
            "user-assigned identities. Nothing was removed.",
            "If the value comes from a variable, check that it is set. To remove all of them, add --yes or use "
            "--user-assigned \"[]\". To see what would change, use --dry-run.")
    return Consent.NEEDS_YES if has_ids else Consent.PROCEED


def _require_identity(namespace: Namespace, verb: str, *, has_user_assigned: bool) -> None:
    """Refuse a command that specifies no identity. `--system-assigned false` specifies none."""
    if not (namespace.system_assigned or has_user_assigned):
        usage_error(RequiredArgumentMissingError(
            "Specify --system-assigned, --user-assigned or both.",
            f"To see examples, run:\naz communication identity {verb} --help"))


def _check_roles_and_scopes(namespace: Namespace, purpose: str | None = None) -> None:
    """Check --role and --scope, and refuse one without the other. `check` also takes --for instead of --role."""
    if namespace.roles is None and namespace.scopes is None and not purpose:
        return
    if namespace.roles is None and not purpose:
        other = " or --for" if hasattr(namespace, "purpose") else ""
        what = "what to check" if other else "the role"
        raise RequiredArgumentMissingError(f"--scope requires --role{other}.",
                                           f"To specify {what} at that scope, use --role{other}.")
    scopes = [value for words in namespace.scopes or () for value in clean_list(words, names=False)]
    if not scopes:
        raise RequiredArgumentMissingError(
            f"{'--for' if purpose else '--role'} requires --scope.",
            f"To specify the {'account or container' if purpose else 'resource, resource group or subscription'} on "
            f"which the {'access' if purpose else 'role'} is needed, use --scope ID.")
    if not purpose:
        namespace.roles = _roles(namespace.roles)
    namespace.scopes = list({scope.lower(): scope for scope in map(check_scope, scopes)}.values())


def _roles(options: Sequence[Sequence[str]]) -> list[str]:
    """The checked values of each --role, once. A name with spaces arrives as several words if it isn't quoted."""
    roles: dict[str, str] = {}
    for words in options:
        name = " ".join(words)
        role = clean_value(name)
        if len(words) > 1 and not role.startswith("/"):  # of an ID, Git Bash leaves two words
            raise InvalidArgumentValueError(f"--role takes one role, but {len(words)} words follow it: {name}",
                                            f'Quote a name that contains spaces: --role "{name}"')
        roles[role.lower()] = check_role(role)
    return list(roles.values())


def _compile_query(text: str) -> Callable[[Any], Any]:
    """A function that returns what a JMESPath query finds in a resource; None while a property that the query passes to
    a JMESPath function is missing. Raises InvalidArgumentValueError.
    """
    import jmespath  # type: ignore[import-untyped]  # it ships no types

    def find(resource: Any) -> Any:
        try:
            return jmespath.search(text, resource)
        except jmespath.exceptions.JMESPathTypeError:
            return None
        except (jmespath.exceptions.JMESPathError, RecursionError) as error:
            raise InvalidArgumentValueError(f"{for_display(text)} is not a JMESPath query: {error}",
                                            "For example: --custom identity.principalId") from error
    find({})  # refuses a bad query now
    return find


def _resolve_subscription(cmd: Any) -> str:
    """The ID of this command's subscription: --subscription, or the one that `az account show` shows. azure-cli doesn't
    recognize a name with the white space or quotes that a shell added, and ignores an empty --subscription.
    """
    from azure.cli.core._session import ACCOUNT
    from azure.cli.core.commands.client_factory import get_subscription_id
    given = cmd.cli_ctx.data.get("subscription_id")
    subscription = clean_value(get_subscription_id(cmd.cli_ctx) if given is None else given)
    known = {account["name"].lower(): account["id"] for account in ACCOUNT.get("subscriptions") or ()}
    subscription = check_subscription(known.get(subscription.lower(), subscription))
    cmd.cli_ctx.data["subscription_id"] = subscription  # what get_subscription_id returns from here on
    return subscription
