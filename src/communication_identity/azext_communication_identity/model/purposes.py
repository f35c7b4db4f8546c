# SPDX-License-Identifier: MIT
"""What an identity of a communication resource is for, and what that needs: a target with the right properties, and a
role on it. Pure. Reasons name what isn't documented: "reported" by users, or "inferred".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from azure.cli.core.azclierror import InvalidArgumentValueError

from .action_patterns import Element
from .answers import object_at, text_of
from .findings import FAILED, OK, UNKNOWN, WARNING, Finding
from .permissions import data_actions
from .quoting import for_display, for_shell
from .resource_id import GUID, last_segment

Json = Mapping[str, Any]

_ACCOUNT = rf"/subscriptions/{GUID}/resourceGroups/[^/]+/providers/"
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/"


class Purpose(NamedTuple):
    """`target`: what --scope names, as `pattern`. `role`: the one that Microsoft names; others do if they allow what it
    `needs`. `kinds`: the verdict on each kind of account; "" for every other.
    """

    target: str
    pattern: str
    role: str
    needs: tuple[Element, ...]
    needs_in_words: str
    kinds: Mapping[str, tuple[str, str]]


PURPOSES = {
    "azure-ai": Purpose(
        "an Azure AI account", rf"(?ia:{_ACCOUNT}Microsoft\.CognitiveServices/accounts/[^/]+)",
        "Cognitive Services User", data_actions("Microsoft.CognitiveServices/*"),
        "Microsoft.CognitiveServices/*. Which of them Azure Communication Services needs isn't documented; 'Cognitive "
        "Services Speech User' alone was reported as not enough", {
            "cognitiveservices": (OK, "which works"),
            "aiservices": (OK, "which works (inferred: it is the successor of CognitiveServices)"),
            "openai": (WARNING, "which works only for message analysis, not for speech (inferred)"),
            "speechservices": (UNKNOWN, "which isn't documented to work: Microsoft names multi-service accounts"),
            "": (FAILED, "and only multi-service accounts work: CognitiveServices or AIServices"),
        }),
    "recording": Purpose(
        "a storage account or one of its blob containers",
        rf"(?ia:{_ACCOUNT}Microsoft\.Storage/storageAccounts/[^/]+(?:/blobServices/default/containers/[^/]+)?)",
        "Storage Blob Data Contributor", data_actions(f"{_BLOBS}write", f"{_BLOBS}add/action"),
        "the data actions that write blobs", {
            **dict.fromkeys(("storagev2", "storage", "blockblobstorage", "blobstorage"), (OK, "which holds blobs")),
            "filestorage": (FAILED, "which can't hold blobs (inferred)"),
            "": (UNKNOWN, "which isn't known to hold blobs"),
        }),
}


def check_target(purpose: str, scope: str) -> None:
    """Raise InvalidArgumentValueError if a scope isn't a target for this purpose."""
    if not re.fullmatch(PURPOSES[purpose].pattern, scope):
        raise InvalidArgumentValueError(
            f"{for_display(scope)} is not the ID of {PURPOSES[purpose].target}, which --for {purpose} requires.",
            "To list the IDs, run:\n" + ("az cognitiveservices account list" if purpose == "azure-ai" else
                                         "az storage account list") + ' --query "[].id" --output tsv')


def account_of(target: str) -> str:
    """The ID of the account that a target is, or is in."""
    return "/".join(target.split("/")[:9])


def target_findings(purpose: str, target: str, account: Json) -> list[Finding]:
    """What can be said of a target from the JSON of its account."""
    properties = object_at(account, "properties")
    name, kind = last_segment(account_of(target)), text_of(account.get("kind"))
    state = text_of(properties.get("provisioningState"))
    kinds = PURPOSES[purpose].kinds
    status, what = kinds.get(kind.lower(), kinds[""]) if kind else (UNKNOWN, "which isn't shown")
    found = [
        Finding("target", OK if state.lower() == "succeeded" else FAILED if state else UNKNOWN,
                f"'{name}' exists. Its provisioningState is {state or 'not shown'}."),
        Finding("kind", status, f"'{name}' is of the kind {kind or '?'}, {what}."),
        *([_subdomain(account_of(target), properties)] if purpose == "azure-ai" else []),
        Finding("network", *_network(purpose, name, properties)),
    ]
    return [finding._replace(scope=target) for finding in found]


def _subdomain(account: str, properties: Json) -> Finding:
    _, _, subscription, _, group, *_, name = account.split("/")
    if properties.get("customSubDomainName"):
        return Finding("subdomain", OK, f"'{name}' has a custom subdomain.")
    if not properties:
        return Finding("subdomain", UNKNOWN, f"The service doesn't show whether '{name}' has a custom subdomain.")
    return Finding(
        "subdomain", FAILED,
        f"'{name}' has no custom subdomain, which Microsoft Entra tokens require. Once set, it can't be changed.",
        fix=[f"az cognitiveservices account update --name {for_shell(name)} --resource-group {for_shell(group)} "
             f"--subscription {subscription} --custom-domain {re.sub('[^a-z0-9-]', '-', name.lower())}"])


def _network(purpose: str, name: str, properties: Json) -> tuple[str, str]:
    """Azure Communication Services isn't among the trusted services of either account, so `bypass` doesn't matter."""
    how_known = "inferred" if purpose == "azure-ai" else "reported"
    public = f"Azure Communication Services reaches it over its public endpoint ({how_known})"
    access = str(properties.get("publicNetworkAccess") or "Enabled").lower()
    rules = properties.get("networkAcls") or {}
    if not properties or not isinstance(rules, dict):
        return UNKNOWN, f"The service doesn't show the network rules of '{name}'."
    if access == "disabled":
        return FAILED, f"Public network access to '{name}' is off, and {public}."
    if access != "enabled":
        return UNKNOWN, (f"A network security perimeter decides who reaches '{name}'. Its access rules, which ARM "
                         "doesn't show here, have to allow Azure Communication Services.")
    if str(rules.get("defaultAction") or "Allow").lower() == "allow":
        return OK, f"'{name}' can be reached from all networks."
    if rules.get("ipRules") or rules.get("resourceAccessRules"):
        return UNKNOWN, (f"'{name}' can be reached only from some addresses or resources. Can't tell whether Azure "
                         "Communication Services is among them: it publishes no list of addresses (reported).")
    return FAILED, (f"The network rules of '{name}' block all public networks, and {public}. It isn't one of the "
                    "trusted services that bypass the rules (inferred).")
