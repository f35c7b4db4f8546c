# SPDX-License-Identifier: MIT
"""What an identity is meant for: the account or container as ARM shows it, and what can be said of it."""

from __future__ import annotations

from typing import Any

import pytest
from azext_communication_identity.arm.targets import Target, read_target
from azext_communication_identity.model.answers import Answer
from azext_communication_identity.model.purposes import PURPOSES, account_of, check_target, target_findings
from azext_communication_identity.model.requests import SharedGet
from azure.cli.core.azclierror import InvalidArgumentValueError
from flow import play

SUB = "/subscriptions/00000000-0000-0000-0000-00000000000a"
AI = f"{SUB}/resourceGroups/my rg/providers/Microsoft.CognitiveServices/accounts/myAI"
STORAGE = f"{SUB}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/store"
CONTAINER = f"{STORAGE}/blobServices/default/containers/calls"
VERSION = "?api-version=2023-05-01"
DELETED = SharedGet(f"{SUB}/providers/Microsoft.CognitiveServices/deletedAccounts{VERSION}")
GONE, REFUSED = (Answer(status, {"error": {"code": code}}) for status, code in ((404, "ResourceNotFound"), (403, "X")))
IS_GONE = "There is no 'accounts/myAI' in resource group 'my rg'"


def there(path: str, **more: Any) -> Answer:
    return Answer(200, {"id": path.upper(), **more})


# ---- read ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("target", "replies", "asked"), [
    (AI, [there(AI, kind="x")], [AI]), (STORAGE, [there(STORAGE, kind="x")], [STORAGE]),
    (CONTAINER, [there(STORAGE, kind="x"), there(CONTAINER)], [STORAGE, CONTAINER])])
def test_a_target_that_is_there(target: str, replies: list[Answer], asked: list[str]) -> None:
    played = play(read_target(target), *replies)
    assert played.requests == [SharedGet(path + VERSION) for path in asked]
    assert played.result == Target(replies[0].body)


@pytest.mark.parametrize(("target", "replies", "account", "missing"), [
    (STORAGE, [GONE], {}, "There is no 'storageAccounts/store' in resource group 'rg'."),
    (CONTAINER, [there(STORAGE), GONE], {"id": STORAGE.upper()}, "There is no 'containers/calls' in resource group 'rg'."),
    (AI, [GONE, Answer(200, {"value": []})], {}, f"{IS_GONE}."), (AI, [GONE, REFUSED], {}, f"{IS_GONE}."),
    (AI, [GONE, Answer(200, {"value": [{}, {"id": f"{SUB}/providers/x/locations/y/resourceGroups/other/deletedAccounts/myAI"}]})], {}, f"{IS_GONE}."),
    (AI, [GONE, Answer(200, {"value": [{"id": f"{SUB}/providers/x/locations/y/resourceGroups/MY RG/deletedAccounts/MYAI"}]})], {},
     f"{IS_GONE}: it was deleted, and can be recovered.")])
def test_a_target_that_isnt_there(target: str, replies: list[Answer], account: dict[str, Any], missing: str) -> None:
    played = play(read_target(target), *replies)
    assert played.result == Target(account, missing)
    assert target != AI or played.requests[1] == DELETED


@pytest.mark.parametrize(("target", "replies", "account"), [
    (AI, [REFUSED], {}), (CONTAINER, [there(STORAGE), REFUSED], {"id": STORAGE.upper()}), (AI, [there(STORAGE)], {}), (AI, [Answer(200, {})], {})])
def test_a_target_that_cant_be_read(target: str, replies: list[Answer], account: dict[str, Any]) -> None:
    found = play(read_target(target), *replies).result
    assert (found.account, found.missing) == (account, "")
    assert str(found.error) == ("status 403" if REFUSED in replies else "The service's response is not the resource.")
    assert found.error.request == SharedGet(target + VERSION)
    assert REFUSED in replies or found.error.reply.permanent is True


# ---- which one -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("purpose", "scope"), [
    ("azure-ai", AI), ("azure-ai", AI.upper()), ("recording", STORAGE), ("recording", CONTAINER), ("recording", CONTAINER.lower())])
def test_a_target_of_its_kind(purpose: str, scope: str) -> None:
    check_target(purpose, scope)
    assert account_of(scope) in (scope, STORAGE, STORAGE.lower())


@pytest.mark.parametrize(("purpose", "scope", "what", "lists"), [
    ("azure-ai", STORAGE, "an Azure AI account", "az cognitiveservices account list"),
    ("azure-ai", f"{AI}/deployments/x", "an Azure AI account", "az cognitiveservices account list"),
    ("recording", f"{STORAGE}/blobServices/default", "a storage account or one of its blob containers", "az storage account list"),
    ("recording", "store", "a storage account or one of its blob containers", "az storage account list")])
def test_a_scope_that_is_no_target(purpose: str, scope: str, what: str, lists: str) -> None:
    with pytest.raises(InvalidArgumentValueError) as caught:
        check_target(purpose, scope)
    assert str(caught.value) == f"'{scope}' is not the ID of {what}, which --for {purpose} requires."
    assert caught.value.recommendations == [f'To list the IDs, run:\n{lists} --query "[].id" --output tsv']


# ---- what can be said of it ------------------------------------------------------------------------------------------

def found(purpose: str, target: str, kind: Any = None, **properties: Any) -> dict[str, tuple[str, str]]:
    """The status and the reason of each check."""
    findings = target_findings(purpose, target, {"kind": kind, "properties": properties})
    assert {one.scope for one in findings} == {target}
    return {one.check: (one.status, one.reason) for one in findings}


@pytest.mark.parametrize(("state", "status", "shown"), [
    ("Succeeded", "ok", "Succeeded"), ("SUCCEEDED", "ok", "SUCCEEDED"), ("Failed", "failed", "Failed"), (None, "unknown", "not shown")])
def test_the_state(state: Any, status: str, shown: str) -> None:
    expected = (status, f"'myAI' exists. Its provisioningState is {shown}.")
    assert found("azure-ai", AI, provisioningState=state)["target"] == expected


@pytest.mark.parametrize(("purpose", "kind", "status", "shown"), [
    ("azure-ai", "CognitiveServices", "ok", "CognitiveServices, which works"), ("azure-ai", "OpenAI", "warning", "OpenAI, which works only for"),
    ("azure-ai", "SpeechServices", "unknown", "SpeechServices, which isn't"), ("azure-ai", "Face", "failed", "Face, and only multi-service"),
    ("azure-ai", None, "unknown", "?, which isn't shown"), ("recording", "StorageV2", "ok", "StorageV2, which holds blobs"),
    ("recording", "FileStorage", "failed", "FileStorage, which can't"), ("recording", "New", "unknown", "New, ")])
def test_the_kind(purpose: str, kind: Any, status: str, shown: str) -> None:
    target, name = (AI, "myAI") if purpose == "azure-ai" else (CONTAINER, "store")
    found_status, reason = found(purpose, target, kind)["kind"]
    assert found_status == status
    assert reason.startswith(f"'{name}' is of the kind {shown}")


def test_the_subdomain_of_an_azure_ai_account() -> None:
    assert found("azure-ai", AI, customSubDomainName="x")["subdomain"] == ("ok", "'myAI' has a custom subdomain.")
    assert "subdomain" not in found("recording", STORAGE)
    account = {"properties": {"provisioningState": "Succeeded"}}
    (missing,) = (one for one in target_findings("azure-ai", f"{AI}_1", account) if one.check == "subdomain")
    assert (missing.status, missing.reason) == (
        "failed", "'myAI_1' has no custom subdomain, which Microsoft Entra tokens require. Once set, it can't be changed.")
    assert missing.fix == [f'az cognitiveservices account update --name myAI_1 --resource-group "my rg" --subscription {SUB.rpartition("/")[2]} '
                           "--custom-domain myai-1"]


PUBLIC = "and Azure Communication Services reaches it over its public endpoint ({})."
BLOCK = {"defaultAction": "Deny"}


SOME = ("'store' can be reached only from some addresses or resources. Can't tell whether Azure Communication "
        "Services is among them: it publishes no list of addresses (reported).")


@pytest.mark.parametrize(("properties", "status", "reason"), [
    ({"x": 1}, "ok", "'store' can be reached from all networks."),
    ({"publicNetworkAccess": "enabled", "networkAcls": {"defaultAction": "ALLOW"}}, "ok", "'store' can be reached from all networks."),
    ({}, "unknown", "The service doesn't show the network rules of 'store'."),
    ({"publicNetworkAccess": "Disabled"}, "failed", f"Public network access to 'store' is off, {PUBLIC.format('reported')}"),
    ({"publicNetworkAccess": "SecuredByPerimeter"}, "unknown", "A network security perimeter decides who reaches 'store'. Its access rules, which ARM "
     "doesn't show here, have to allow Azure Communication Services."),
    ({"networkAcls": {**BLOCK, "ipRules": [1]}}, "unknown", SOME),
    ({"networkAcls": {**BLOCK, "resourceAccessRules": [1]}}, "unknown", SOME),
    ({"networkAcls": {**BLOCK, "ipRules": []}}, "failed",
     f"The network rules of 'store' block all public networks, {PUBLIC.format('reported')} It isn't one of the trusted services")])
def test_the_network(properties: dict[str, Any], status: str, reason: str) -> None:
    found_status, shown = found("recording", STORAGE, **properties)["network"]
    assert found_status == status
    assert shown.startswith(reason)
    if "public endpoint" in shown:
        assert "public endpoint (inferred)" in found("azure-ai", AI, **properties)["network"][1]


def test_what_each_purpose_needs() -> None:
    assert {name: one.role for name, one in PURPOSES.items()} == {
        "azure-ai": "Cognitive Services User", "recording": "Storage Blob Data Contributor"}
