# SPDX-License-Identifier: MIT
"""Routes of what identities get access to, and of deny assignments."""

from __future__ import annotations

from . import errors
from .http_types import Answer, Request, json_answer
from .state import ArmState
from .targets import AI_TYPE, CONTAINER_TYPE, STORAGE_TYPE, AiAccount
from .wire import AUTH, GROUP, SUB, Wire, page, route

AI_VERSIONS = frozenset({"2023-05-01", "2024-10-01", "2025-06-01", "2025-09-01", "2026-05-15-preview"})
STORAGE_VERSIONS = frozenset({"2023-05-01", "2024-01-01", "2025-06-01", "2025-08-01"})
DENY_VERSIONS = frozenset({"2022-04-01", "2024-07-01-preview"})
_AI = "/providers/microsoft.cognitiveservices"
_STORAGE = "/providers/microsoft.storage/storageaccounts"


@route("GET", f"{GROUP}{_AI}/accounts/(?P<name>[^/]+)", AI_VERSIONS)
def get_ai_account(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    return _get(wire.state, request, parts, AI_TYPE)


@route("PATCH", f"{GROUP}{_AI}/accounts/(?P<name>[^/]+)", AI_VERSIONS)
def patch_ai_account(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    """Only what `az cognitiveservices account update --custom-domain` sends (A39)."""
    _get(wire.state, request, parts, AI_TYPE)
    if set(request.body) - {"sku", "properties"} or set(request.body["properties"]) != {"customSubDomainName"}:
        wire.violation(request, "a PATCH of something else")
    account = wire.state.patch_ai_account(request.path.rstrip("/"), request.body["properties"])
    return json_answer(200, account.document(request.query["api-version"]))


@route("GET", f"{GROUP}{_STORAGE}/(?P<name>[^/]+)", STORAGE_VERSIONS)
def get_storage_account(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    return _get(wire.state, request, parts, STORAGE_TYPE)


@route("GET", f"{GROUP}{_STORAGE}/(?P<name>[^/]+)/blobservices/default/containers/[^/]+", STORAGE_VERSIONS)
def get_container(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    account = request.path.lower().split("/blobservices/")[0]
    if account not in wire.state.targets:
        raise errors.resource_not_found(STORAGE_TYPE, parts["name"], parts["group"])
    return _get(wire.state, request, parts, CONTAINER_TYPE)


def _get(state: ArmState, request: Request, parts: dict[str, str], kind: str) -> Answer:
    """A target; 404 where there is none, or where it was deleted (K69)."""
    with state.lock:
        state.require_place(parts["subscription"], parts["group"], kind.split("/", 1)[0])
        state.require(f"{kind}/read", request.path)
        target = state.targets.get(request.path.rstrip("/").lower())
        if target is None and kind == CONTAINER_TYPE:
            raise errors.container_not_found()
        if target is None:
            raise errors.resource_not_found(kind, parts["name"], parts["group"])
        return json_answer(200, target.document(request.query["api-version"]))


@route("GET", f"{SUB}{_AI}/deletedaccounts", AI_VERSIONS)
@route("GET", f"{SUB}{_AI}/locations/(?P<location>[^/]+)/resourcegroups/(?P<group>[^/]+)/deletedaccounts/"
              "(?P<name>[^/]+)", AI_VERSIONS)
def get_deleted_accounts(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    """Accounts that can be recovered (A38)."""
    version, state = request.query["api-version"], wire.state
    with state.lock:
        state.require_place(parts["subscription"])
        state.require("Microsoft.CognitiveServices/locations/resourceGroups/deletedAccounts/read"
                      if parts.get("name") else "Microsoft.CognitiveServices/deletedAccounts/read", request.path)
        found = [target.deleted(version) for target in state.deleted_targets.values()
                 if isinstance(target, AiAccount)
                 and target.id.split("/")[2].lower() == parts["subscription"].lower()]
    if not parts.get("name"):
        return json_answer(200, page(wire, request, found))
    for one in found:
        if one["id"].lower() == request.path.rstrip("/").lower():
            return json_answer(200, one)
    raise errors.resource_not_found("Microsoft.CognitiveServices/deletedAccounts", parts["name"], parts["group"])


@route("GET", f"(?P<scope>.*){AUTH}/denyassignments", DENY_VERSIONS)
def list_deny_assignments(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    state = wire.state
    state.require("Microsoft.Authorization/denyAssignments/read", f"{parts['scope']}/providers/Microsoft.Authorization")
    with state.lock:
        found = state.authorization.find_denials(parts["scope"], request.query.get("$filter"))
    return json_answer(200, page(wire, request, found))
