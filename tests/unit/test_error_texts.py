# SPDX-License-Identifier: MIT
"""What errors say about bad values, word for word."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from azext_communication_identity.model.resource_id import (
    check_group_name,
    check_resource_name,
    check_subscription,
    check_user_assigned,
    parse_resource_id,
)
from azext_communication_identity.model.role_assignments import check_role, check_scope
from azext_communication_identity.model.shell_words import clean_list, parse_flag
from azure.cli.core.azclierror import InvalidArgumentValueError

GUID = "00000000-0000-0000-0000-00000000000a"
FIND = 'To list the resource IDs of your identities, run:\naz identity list --query "[].id" --output tsv'
NO_IDENTITY = ("A resource ID looks like /subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers"
               f"/Microsoft.ManagedIdentity/userAssignedIdentities/NAME. {FIND}")
EMPTY = f"If the value comes from a variable, check that it is set. Specify a name or resource ID. {FIND}"
EMPTY_QUERY = ("A --query that finds nothing prints 'None' with --output tsv and 'null' with --output json. Check the "
               "command that the value comes from. If an identity has this name, specify its resource ID.")
SYSTEM = "For the system-assigned identity, use --system-assigned."


@pytest.mark.parametrize(("check", "value", "said", "way_on"), [
    (parse_resource_id, "app", "'app' is not the resource ID of a Communication Services resource.",
     "A resource ID looks like /subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/Microsoft.Communication"
     "/communicationServices/NAME. To list the IDs of your resources, run:\n"
     'az communication identity list --query "[].id" --output tsv'),
    (check_resource_name, "a b", "'a b' is not a valid name for a Communication Services resource.",
     "A name can have 1 to 63 letters, digits, hyphens and underscores. To list your resources, run:\n"
     "az communication identity list --output table"),
    (check_group_name, "g.", "'g.' is not a valid name for a resource group.",
     "A name can have 1 to 90 letters, digits, hyphens, underscores, periods and parentheses, and can't end with a "
     "period. To list your resource groups, run:\naz group list --output table"),
    (check_subscription, "Mine", "'Mine' is not a subscription that you have access to.",
     "To list your subscriptions, run:\naz account list --output table"),
    (check_user_assigned, f" {GUID}",
     f"' {GUID}' is a client ID or a principal ID, not the resource ID of a user-assigned identity.",
     "To find the resource ID, run:\n"
     f"az identity list --query \"[?clientId=='{GUID}' || principalId=='{GUID}'].id\" --output tsv"),
    (check_user_assigned, "Null",
     "'Null' looks like the result of an empty query, not the name of a user-assigned identity.", EMPTY_QUERY),
    (check_user_assigned, "none",
     "'none' looks like the result of an empty query, not the name of a user-assigned identity.", EMPTY_QUERY),
    (check_user_assigned, " ", "--user-assigned contains an empty value.", EMPTY),
    (check_user_assigned, "[system]", "'[system]' is not a user-assigned identity.", SYSTEM),
    (check_user_assigned, "[SystemAssigned]", "'[SystemAssigned]' is not a user-assigned identity.", SYSTEM),
    (check_user_assigned, "??", "--user-assigned doesn't support '??'.",
     "To see how to specify identities, run:\naz communication identity assign --help"),
    (check_user_assigned, "[-12]=a=b", "--user-assigned doesn't support setting one element of a list: '[-12]=a=b'",
     "Specify the identity itself: --user-assigned a=b"),
    (check_user_assigned, "[0]", "--user-assigned doesn't support setting one element of a list: '[0]'",
     "Specify the identity itself: --user-assigned ID_OR_NAME"),
    (check_user_assigned, "X[system]X", "'X[system]X' is not a valid name or resource ID of a user-assigned "
                                        "identity.", NO_IDENTITY),
    (check_user_assigned, "a/b", "'a/b' is not a valid name or resource ID of a user-assigned identity.",
     NO_IDENTITY),
    (check_scope, "x", "'x' is not a valid scope.",
     "A scope is the ID of a resource, a resource group, a subscription or a management group, such as "
     "/subscriptions/SUBSCRIPTION/resourceGroups/GROUP. If the value contains a variable, check that it is set. "
     "To print the ID of a resource group, run:\n"
     "az group show --name GROUP --query id --output tsv"),
    (check_role, "/x", "'/x' is not a valid name or ID of a role.",
     "Specify the name or ID of a role. To list the roles, run:\n"
     'az role definition list --query "[].roleName" --output tsv'),
    (parse_flag, "on", "'on' isn't a valid value.", "Use true or false, or no value."),
    (lambda text: clean_list([text]), "[1]", "'[1]' is not a list of names or resource IDs.",
     'Separate them with spaces (ID1 ID2), or use a JSON list: ["ID1","ID2"].'),
])
def test_what_errors_say(check: Callable[[str], object], value: str, said: str, way_on: str) -> None:
    with pytest.raises(InvalidArgumentValueError) as caught:
        check(value)
    assert (str(caught.value), list(caught.value.recommendations)) == (said, [way_on])


def test_only_the_slash_behind_an_identity_is_dropped() -> None:
    identity = f"/subscriptions/{GUID}/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/XX"
    assert check_user_assigned(f" {identity}/\n") == identity
