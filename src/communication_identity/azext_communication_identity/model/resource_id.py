# SPDX-License-Identifier: MIT
"""Resource IDs and names: which are valid, and what an error says of one that isn't. Pure.

Every part of a URL matches one of the patterns below. They accept only one thing that a URL must not contain, non-ASCII
letters in the name of a group, and the SDK escapes these.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from azure.cli.core.azclierror import InvalidArgumentValueError

from .quoting import for_display, for_shell

# 1-63 characters, ^[-\w]+$ (OpenAPI document of Microsoft.Communication 2025-09-01, communicationServiceName).
_RESOURCE_NAME = r"[-0-9A-Za-z_]{1,63}"
# 1-90 characters and no period at the end (Azure naming rules); ARM allows non-ASCII letters here. Not the KELVIN SIGN
# and the LONG S: where IDs are compared without case, they would pass for a k and an s.
_GROUP_NAME = r"(?![-\w.()]*[\u212a\u017f])[-\w.()]{0,89}[-\w()]"
GUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
# Alphanumerics, hyphens and underscores, a letter or digit first, at most 128 (Azure naming rules).
_IDENTITY_NAME = r"[0-9A-Za-z][-0-9A-Za-z_]{0,127}"
# Not compiled here: that would slow down every command, and most don't need them.
# `a`: without it, Python takes the KELVIN SIGN for a k and the LONG S for an s. `u-i`: a group may have more letters.
_IN_GROUP = rf"/subscriptions/({GUID})/resourceGroups/((?u-i:{_GROUP_NAME}))/providers"
_RESOURCE_ID = rf"(?ia:{_IN_GROUP}/Microsoft\.Communication/communicationServices/({_RESOURCE_NAME})/?)"
_IDENTITY_ID = rf"(?ia:{_IN_GROUP}/Microsoft\.ManagedIdentity/userAssignedIdentities/({_IDENTITY_NAME})/?)"


class ResourceId(NamedTuple):
    """One communicationServices resource: the three parts of its ID that vary."""

    subscription: str
    group: str
    name: str

    @property
    def id(self) -> str:
        """The ARM resource ID."""
        return (f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"
                f"/providers/Microsoft.Communication/communicationServices/{self.name}")

    @property
    def to_see(self) -> str:
        """How to see its identities, as errors recommend it."""
        return f"To see its current identities, run:\naz communication identity show --ids {for_shell(self.id)}"

    @property
    def to_wait(self) -> str:
        """How to wait for an operation on it, as errors recommend it."""
        return f"To wait for it to finish, run:\naz communication identity wait --updated --ids {for_shell(self.id)}"


class IdentityId(NamedTuple):
    """A user-assigned identity: the three parts of its ID that vary."""

    subscription: str
    group: str
    name: str

    @property
    def id(self) -> str:
        """The ARM resource ID, with "resourcegroups" as Microsoft.ManagedIdentity spells it (recorded)."""
        return (f"/subscriptions/{self.subscription}/resourcegroups/{self.group}"
                f"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{self.name}")


def parse_identity_id(value: str) -> IdentityId | None:
    """The user-assigned identity that an ID names; None if it isn't such an ID."""
    match = re.fullmatch(_IDENTITY_ID, value)
    return IdentityId(*match.groups()) if match else None


def parse_resource_id(value: str) -> ResourceId:
    """The resource that an ID names. Raises InvalidArgumentValueError that names the value and the fix."""
    match = re.fullmatch(_RESOURCE_ID, value.strip())
    if not match:
        raise InvalidArgumentValueError(
            f"{for_display(value)} is not the resource ID of a Communication Services resource.",
            "A resource ID looks like /subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers"
            "/Microsoft.Communication/communicationServices/NAME. To list the IDs of your resources, run:\n"
            'az communication identity list --query "[].id" --output tsv')
    return ResourceId(*match.groups())


def check_resource_name(name: str) -> str:
    """The name of a resource, or InvalidArgumentValueError."""
    if not re.fullmatch(_RESOURCE_NAME, name):
        raise InvalidArgumentValueError(
            f"{for_display(name)} is not a valid name for a Communication Services resource.",
            "A name can have 1 to 63 letters, digits, hyphens and underscores. To list your resources, run:\n"
            "az communication identity list --output table")
    return name


def check_group_name(name: str) -> str:
    """The name of a resource group, or InvalidArgumentValueError."""
    if not re.fullmatch(_GROUP_NAME, name):
        raise InvalidArgumentValueError(
            f"{for_display(name)} is not a valid name for a resource group.",
            "A name can have 1 to 90 letters, digits, hyphens, underscores, periods and parentheses, and can't end "
            "with a period. To list your resource groups, run:\naz group list --output table")
    return name


def check_subscription(subscription: str) -> str:
    """A subscription ID, or InvalidArgumentValueError. The CLI passes on unknown names as they are."""
    if not re.fullmatch(GUID, subscription):
        raise InvalidArgumentValueError(
            f"{for_display(subscription)} is not a subscription that you have access to.",
            "To list your subscriptions, run:\naz account list --output table")
    return subscription


def check_user_assigned(value: str) -> str:
    """The name or ID of a user-assigned identity, without blanks and a slash around it; InvalidArgumentValueError."""
    text = value.strip()
    if re.fullmatch(_IDENTITY_ID, text):
        return text.rstrip("/")
    if re.fullmatch(GUID, text):
        raise InvalidArgumentValueError(
            f"{for_display(value)} is a client ID or a principal ID, not the resource ID of a user-assigned identity.",
            "To find the resource ID, run:\n"
            f"az identity list --query \"[?clientId=='{text}' || principalId=='{text}'].id\" --output tsv")
    if text.lower() in ("null", "none"):
        raise InvalidArgumentValueError(
            f"{for_display(value)} looks like the result of an empty query, not the name of a user-assigned identity.",
            "A --query that finds nothing prints 'None' with --output tsv and 'null' with --output json. Check the "
            "command that the value comes from. If an identity has this name, specify its resource ID.")
    if re.fullmatch(_IDENTITY_NAME, text):
        return text
    raise InvalidArgumentValueError(*_why_not_an_identity(value, text))


def _why_not_an_identity(value: str, text: str) -> tuple[str, str]:
    find = 'To list the resource IDs of your identities, run:\naz identity list --query "[].id" --output tsv'
    if not text:
        return ("--user-assigned contains an empty value.",
                f"If the value comes from a variable, check that it is set. Specify a name or resource ID. {find}")
    if text.strip("[]").lower() in ("system", "systemassigned"):
        return (f"{for_display(value)} is not a user-assigned identity.",
                "For the system-assigned identity, use --system-assigned.")
    if text == "??":
        return ("--user-assigned doesn't support '??'.",
                "To see how to specify identities, run:\naz communication identity assign --help")
    if re.match(r"\[-?\d+\]", text):
        return (f"--user-assigned doesn't support setting one element of a list: {for_display(value)}",
                f"Specify the identity itself: --user-assigned {text.partition('=')[2] or 'ID_OR_NAME'}")
    return (f"{for_display(value)} is not a valid name or resource ID of a user-assigned identity.",
            "A resource ID looks like /subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers"
            f"/Microsoft.ManagedIdentity/userAssignedIdentities/NAME. {find}")


def user_assigned_id(value: str, resource: ResourceId) -> str:
    """The resource ID of a user-assigned identity. A name means the resource's own group and subscription."""
    return value if value.startswith("/") else IdentityId(resource.subscription, resource.group, value).id


def name_or_id(identity: str, resource: ResourceId) -> str:
    """The name of a user-assigned identity in the resource's own group and subscription; else its ID."""
    name = identity.rsplit("/", 1)[-1]
    return name if identity.lower() == user_assigned_id(name, resource).lower() else identity


def subscription_in(scope: str) -> str:
    """The subscription in a scope, in lower case; empty if there is none."""
    segments = scope.lower().split("/")
    return segments[2] if segments[1:2] == ["subscriptions"] else ""


def last_segment(path: str) -> str:
    """The last part of an ID: the name of what it names."""
    return path.rsplit("/", 1)[-1]
