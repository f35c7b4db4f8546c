# SPDX-License-Identifier: MIT
"""From requests to the state and back: routes, API versions, headers, JSON. No rule of the service is here."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from email.utils import formatdate
from typing import Any
from urllib.parse import quote, urlencode

from . import errors, policy_token, polling, resource_graph
from .http_types import Answer, Request, json_answer
from .openapi import complaints
from .operations import Operation
from .state import MSI_TYPE, TENANT, ArmState

Handler = Callable[["Wire", Request, dict[str, str]], Answer]

# They behave alike (A11).
COMMUNICATION_VERSIONS = frozenset({"2020-08-20", "2023-04-01", "2023-04-01-preview", "2023-06-01-preview",
                                    "2025-09-01"})
MSI_VERSIONS = frozenset({"2018-11-30", "2023-01-31", "2024-11-30", "2025-05-31-preview", "2026-04-30", "2026-05-31"})
# What the versions of azure-cli that we test with send for these.
RESOURCES_VERSIONS = frozenset({"2016-02-01", "2020-10-01", "2021-04-01", "2022-09-01", "2024-11-01", "2025-04-01"})
SUBSCRIPTION_VERSIONS = frozenset({"2016-06-01", "2019-11-01", "2022-12-01"})
AUTHORIZATION_VERSIONS = frozenset({"2018-01-01-preview", "2020-04-01-preview", "2022-04-01", "2022-05-01-preview"})
# Those of azure-cli, of 2.67 and today's; shapes as its own code reads them (A28).
POLICY_VERSIONS = frozenset({"2021-06-01", "2022-06-01", "2025-11-01"})
GRAPH_VERSIONS = frozenset({"2021-03-01", "2022-10-01", "2024-04-01"})
POLICY_TOKEN_VERSIONS = frozenset({"2025-03-01", "2025-11-01"})

SUB = "/subscriptions/(?P<subscription>[^/]+)"
GROUP = f"{SUB}/resourcegroups/(?P<group>[^/]+)"
_ACS = "/providers/microsoft.communication/communicationservices"
_MSI = "/providers/microsoft.managedidentity/userassignedidentities"
AUTH = "/providers/microsoft.authorization"

_ROUTES: list[tuple[str, re.Pattern[str], frozenset[str], Handler]] = []


def route(method: str, path: str, versions: frozenset[str]) -> Callable[[Handler], Handler]:
    """Register a handler for a method and a path, a regular expression that compares without case."""
    def register(handler: Handler) -> Handler:
        _ROUTES.append((method, re.compile(path, re.IGNORECASE), versions, handler))
        return handler
    return register


class Wire:
    """Answers ARM requests from a state. `violations`: requests that no client of ARM may send."""

    def __init__(self, state: ArmState, base_url: str) -> None:
        self.state = state
        self.base_url = base_url
        self.violations: list[str] = []

    def answer(self, request: Request) -> Answer:
        """The answer to one request."""
        try:
            answer = self._dispatch(request)
        except errors.ArmError as error:
            answer = json_answer(error.status, error.body(), error.headers)
        answer.headers = {**self._common_headers(), **answer.headers}
        return answer

    def violation(self, request: Request, what: str) -> None:
        """Note what makes the test fail."""
        self.violations.append(f"{request.method} {request.raw_path}: {what}")

    def check(self, request: Request, part: str, type_name: str, body: Any) -> None:
        """Hold a body against the official schema."""
        for complaint in complaints(part, type_name, request.query["api-version"], body):
            self.violation(request, f"the official schema refuses {complaint}")

    def _dispatch(self, request: Request) -> Answer:
        if re.search(r"%2f|/\.{1,2}(/|$)", request.raw_path.split("?")[0], re.IGNORECASE):
            self.violation(request, "malformed path")
        for method, pattern, versions, handler in _ROUTES:
            match = pattern.fullmatch(request.path.rstrip("/") or "/")
            if match and method == request.method:
                self._check_version(request, versions)
                limits = self._throttle(request)
                self._check_policy_token(request)
                answer = handler(self, request, {key: value or "" for key, value in match.groupdict().items()})
                answer.headers = {**limits, **answer.headers}
                return answer
        self.violation(request, "unknown route")
        raise errors.unknown_route(request.path)

    def _check_version(self, request: Request, versions: frozenset[str]) -> None:
        version = request.query.get("api-version")
        if version is None:
            self.violation(request, "no api-version")
            raise errors.missing_api_version()
        if version not in versions:
            self.violation(request, f"unknown api-version {version}")
            raise errors.unknown_route(request.path)
        here = self.state.options.identity_versions
        if versions is MSI_VERSIONS and here is not None and version not in here:
            raise errors.unknown_to_this_cloud(MSI_TYPE, version, here)

    def _check_policy_token(self, request: Request) -> None:
        if request.method not in ("PUT", "PATCH", "DELETE"):
            return
        write = policy_token.Write(request.method, request.raw_path, request.body)
        try:
            with self.state.lock:
                self.state.policy_tokens.check(write, request.header(policy_token.HEADER))
        except ValueError as error:
            self.violation(request, str(error))
            raise errors.ArmError(403, "RequestDisallowedByPolicy", str(error)) from error

    def _throttle(self, request: Request) -> dict[str, str]:
        throttle = self.state.options.throttle
        if throttle is None or request.path.lower().startswith("/providers/microsoft.resourcegraph/"):
            return {}  # Resource Graph has a quota of its own
        with self.state.lock:
            return throttle.check(self.state.clock, request.path, request.method)

    def _common_headers(self) -> dict[str, str]:
        """Headers of every recorded answer."""
        correlation = str(uuid.uuid4())
        return {"Server": "armsim (a simulation, not Azure)", "Cache-Control": "no-cache", "Pragma": "no-cache",
                "Expires": "-1", "X-Content-Type-Options": "nosniff",
                "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
                "x-ms-request-id": correlation, "x-ms-correlation-request-id": correlation,
                "Date": formatdate(self.state.clock.now(), usegmt=True)}


# ---- communication resources ---------------------------------------------------------------------------------------


def _provider_headers(etag: str) -> dict[str, str]:
    """Headers of every answer about a resource (K1, K2)."""
    return {"ETag": etag, "x-ms-providerhub-traffic": "True", "Request-Context": "appId=",
            "mise-correlation-id": str(uuid.uuid4())}


@route("GET", f"{GROUP}{_ACS}/(?P<name>[^/]+)", COMMUNICATION_VERSIONS)
def get_resource(wire: Wire, request: Request, _parts: dict[str, str]) -> Answer:
    document, etag = wire.state.get_resource(request.path.rstrip("/"))
    if not wire.state.resources[request.path.rstrip("/").lower()].identity.hidden:  # the schema has no null (A40)
        wire.check(request, "resource", "communication", document)
    return json_answer(200, document, _provider_headers(etag))


@route("PUT", f"{GROUP}{_ACS}/(?P<name>[^/]+)", COMMUNICATION_VERSIONS)
def put_resource(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    wire.check(request, "resource", "communication", request.body)
    document, etag, operation = wire.state.put_resource(request.path.rstrip("/"), request.body)
    wire.check(request, "resource", "communication", document)
    return json_answer(201, document, {**_provider_headers(etag),  # K4
                                       **_addresses(wire, request, parts, operation)})


@route("PATCH", f"{GROUP}{_ACS}/(?P<name>[^/]+)", COMMUNICATION_VERSIONS)
def patch_resource(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    wire.check(request, "update", "communication", request.body)
    state = wire.state
    document, etag, operation = state.patch_resource(request.path.rstrip("/"), request.body, request.header("If-Match"))
    if state.options.patch_seconds:
        state.clock.sleep(state.options.patch_seconds)
    wire.check(request, "resource", "communication", document)
    shape = operation.shape
    headers = {**_provider_headers(etag), **_addresses(wire, request, parts, operation)}
    if shape.headers:
        headers |= polling.identifier()
    if shape.retry_after is not None:
        headers["Retry-After"] = str(shape.retry_after)
    if shape.body == "empty":
        return Answer(shape.status, b"", headers)
    return json_answer(shape.status, document if shape.body == "resource" else None, headers)


@route("DELETE", f"{GROUP}{_ACS}/(?P<name>[^/]+)", COMMUNICATION_VERSIONS)
def delete_resource(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    started = wire.state.delete_resource(request.path.rstrip("/"))
    if started is None:
        return Answer(204)
    return json_answer(202, None, {**_provider_headers(started.etag),
                                   **_addresses(wire, request, parts, started.operation)})


@route("GET", f"{SUB}{_ACS}", COMMUNICATION_VERSIONS)
@route("GET", f"{GROUP}{_ACS}", COMMUNICATION_VERSIONS)
def list_resources(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    found = wire.state.list_resources(parts["subscription"], parts.get("group"))
    body = page(wire, request, found)
    with wire.state.lock:
        body["value"] = [resource.document(wire.state.tenant) for resource in body["value"]]
    wire.check(request, "list", "communication", body)
    return json_answer(200, body, {"x-ms-providerhub-traffic": "True"})


@route("GET", f"{SUB}/providers/microsoft.communication/locations/[^/]+/operation(?P<kind>statuses|results)"
              "/(?P<name>[^/]+)", COMMUNICATION_VERSIONS)
def get_operation(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    operation = wire.state.operation(parts["name"])
    if operation is None:
        raise errors.unknown_route(request.path)
    if not polling.unchanged(operation, request.raw_path):
        wire.violation(request, "an operation's address must come back as it was given")
    answer = polling.answer(operation, parts["kind"].lower() == "statuses", parts["subscription"], wire.state.clock)
    if answer is None:
        document, etag = wire.state.get_resource(operation.resource_id)
        return json_answer(200, document, _provider_headers(etag))
    if answer.status == 202 and parts["kind"].lower() == "results":
        answer.headers["Location"] = f"{wire.base_url}{request.raw_path}"
    return answer


def _addresses(wire: Wire, request: Request, parts: dict[str, str], operation: Operation) -> dict[str, str]:
    return polling.addresses(operation, wire.base_url, parts["subscription"], request.query["api-version"],
                             wire.state.clock.now())


def page(wire: Wire, request: Request, found: Sequence[Any]) -> dict[str, Any]:
    """A page of a list, with the address of the next one."""
    start, size = int(request.query.get("$skipToken", "0")), wire.state.options.page_size
    body: dict[str, Any] = {"value": found[start:start + size]}
    if start + size < len(found):
        body["nextLink"] = (f"{wire.base_url}{quote(request.path)}?"
                            f"{urlencode({**request.query, '$skipToken': start + size})}")
    return body


# ---- user-assigned identities --------------------------------------------------------------------------------------


@route("PUT", f"{GROUP}{_MSI}/(?P<name>[^/]+)", MSI_VERSIONS)
def put_identity(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    wire.check(request, "resource", "msi", request.body)
    document, new = wire.state.put_identity(parts["subscription"], parts["group"], parts["name"], request.body,
                                            request.query["api-version"])
    return json_answer(201 if new else 200, document, {"Location": document["id"]})


@route("GET", f"{GROUP}{_MSI}/(?P<name>[^/]+)", MSI_VERSIONS)
def get_identity(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    return json_answer(200, wire.state.get_identity(parts["subscription"], parts["group"], parts["name"],
                                                    request.query["api-version"]))


@route("GET", f"{SUB}{_MSI}", MSI_VERSIONS)
@route("GET", f"{GROUP}{_MSI}", MSI_VERSIONS)
def list_identities(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    found = wire.state.list_identities(parts["subscription"], parts.get("group"), request.query["api-version"])
    return json_answer(200, page(wire, request, found))


@route("DELETE", f"{GROUP}{_MSI}/(?P<name>[^/]+)", MSI_VERSIONS)
def delete_identity(wire: Wire, request: Request, _parts: dict[str, str]) -> Answer:
    return Answer(200 if wire.state.delete_identity(request.path.rstrip("/")) else 204)


# ---- role definitions and role assignments -------------------------------------------------------------------------


@route("GET", f"(?P<scope>.*){AUTH}/roledefinitions", AUTHORIZATION_VERSIONS)
def list_role_definitions(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    _require_to_read_roles(wire, parts["scope"])
    try:
        with wire.state.lock:
            found = wire.state.authorization.definitions(parts["scope"], request.query.get("$filter"))
    except ValueError as error:
        wire.violation(request, str(error))
        raise errors.unknown_route(request.path) from error
    return json_answer(200, {"value": found})


@route("GET", f"(?P<scope>.*){AUTH}/roledefinitions/(?P<name>[^/]+)", AUTHORIZATION_VERSIONS)
def get_role_definition(wire: Wire, _request: Request, parts: dict[str, str]) -> Answer:
    _require_to_read_roles(wire, parts["scope"])
    with wire.state.lock:
        return json_answer(200, wire.state.authorization.definition(parts["name"], parts["scope"]))


def _require_to_read_roles(wire: Wire, scope: str) -> None:
    if scope:  # those of the tenant, which are built in, can be read by every login
        wire.state.require("Microsoft.Authorization/roleDefinitions/read", scope)


@route("GET", f"(?P<scope>.*){AUTH}/roleassignments", AUTHORIZATION_VERSIONS)
def list_role_assignments(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    wire.state.require("Microsoft.Authorization/roleAssignments/read",  # K66
                       f"{parts['scope']}/providers/Microsoft.Authorization")
    with wire.state.lock:
        found = wire.state.authorization.find(parts["scope"], request.query.get("$filter"))
    return json_answer(200, page(wire, request, found))


@route("PUT", f"(?P<scope>.*){AUTH}/roleassignments/(?P<name>[^/]+)", AUTHORIZATION_VERSIONS)
def put_role_assignment(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    state, options = wire.state, wire.state.options
    state.require("Microsoft.Authorization/roleAssignments/write", parts["scope"])
    with state.lock:
        return json_answer(201, state.authorization.put(parts["scope"], parts["name"], request.body,
                                                        options.replication_seconds,
                                                        options.replication_even_with_type))


@route("GET", f"(?P<scope>.*){AUTH}/roleassignments/(?P<name>[^/]+)", AUTHORIZATION_VERSIONS)
def get_role_assignment(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    wire.state.require("Microsoft.Authorization/roleAssignments/read", parts["scope"])
    return json_answer(200, wire.state.authorization.get(request.path))


@route("DELETE", f"(?P<scope>.*){AUTH}/roleassignments/(?P<name>[^/]+)", AUTHORIZATION_VERSIONS)
def delete_role_assignment(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    wire.state.require("Microsoft.Authorization/roleAssignments/delete", parts["scope"])
    with wire.state.lock:
        deleted = wire.state.authorization.delete(request.path)
    return Answer(204) if deleted is None else json_answer(200, deleted)


@route("POST", f"{SUB}{AUTH}/acquirepolicytoken", POLICY_TOKEN_VERSIONS)
def acquire_policy_token(wire: Wire, request: Request, _parts: dict[str, str]) -> Answer:
    try:
        with wire.state.lock:
            return json_answer(200, wire.state.policy_tokens.acquire(request.body))
    except ValueError as error:
        wire.violation(request, str(error))
        raise errors.ArmError(400, "InvalidRequestContent", str(error)) from error


# ---- policy: the built-in one that asks for an identity, and its assignments -----------------------------------------


@route("GET", f"(?P<scope>.*){AUTH}/policydefinitions/(?P<name>[^/]+)", POLICY_VERSIONS)
def get_policy_definition(_wire: Wire, _request: Request, parts: dict[str, str]) -> Answer:
    if parts["scope"] or parts["name"].lower() != errors.IDENTITY_POLICY:
        raise errors.policy_definition_not_found(parts["name"])
    effects = {"type": "string", "defaultValue": "Audit", "allowedValues": ["Audit", "Deny", "Disabled"]}
    return json_answer(200, {"id": f"/providers/Microsoft.Authorization/policyDefinitions/{parts['name']}",
                             "name": parts["name"], "type": "Microsoft.Authorization/policyDefinitions",
                             "properties": {"displayName": errors.IDENTITY_POLICY_NAME, "policyType": "BuiltIn",
                                            "mode": "Indexed", "parameters": {"effect": effects}}})


@route("PUT", f"(?P<scope>.*){AUTH}/policyassignments/(?P<name>[^/]+)", POLICY_VERSIONS)
def put_policy_assignment(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    properties = request.body["properties"]
    if not properties["policyDefinitionId"].lower().endswith(f"/{errors.IDENTITY_POLICY}"):
        raise errors.policy_definition_not_found(properties["policyDefinitionId"])
    effect = (properties.get("parameters") or {}).get("effect", {}).get("value", "Audit")
    wire.state.end_policy(parts["scope"], parts["name"])
    if effect == "Deny":
        wire.state.require_identity_by_policy(parts["scope"], parts["name"])
    return json_answer(201, {"id": request.path, "name": parts["name"],
                             "type": "Microsoft.Authorization/policyAssignments",
                             "properties": {**properties, "scope": parts["scope"]}})


@route("DELETE", f"(?P<scope>.*){AUTH}/policyassignments/(?P<name>[^/]+)", POLICY_VERSIONS)
def delete_policy_assignment(wire: Wire, _request: Request, parts: dict[str, str]) -> Answer:
    wire.state.end_policy(parts["scope"], parts["name"])
    return Answer(204)


# ---- Resource Graph ------------------------------------------------------------------------------------------------


@route("POST", "/providers/microsoft.resourcegraph/resources", GRAPH_VERSIONS)
def query_graph(wire: Wire, request: Request, _parts: dict[str, str]) -> Answer:
    wire.check(request, "query", "graph", request.body)
    options = wire.state.options
    with wire.state.lock:
        headers = options.graph_quota.take(wire.state.clock)
    if options.graph_limit_hit:
        headers["x-ms-tenant-subscription-limit-hit"] = "true"
    try:
        body = resource_graph.answer(wire.state.graph_rows(), wire.state.authorization_rows(), request.body,
                                     request.query["api-version"], options.graph_page_size)
    except ValueError as error:
        wire.violation(request, str(error))
        raise errors.unknown_route(request.path) from error
    return json_answer(200, body, headers)


# ---- subscriptions, tenants, groups, providers: what the CLI itself asks for -----------------------------------------


@route("GET", "/tenants", SUBSCRIPTION_VERSIONS)
def list_tenants(_wire: Wire, _request: Request, _parts: dict[str, str]) -> Answer:
    return json_answer(200, {"value": [{"id": f"/tenants/{TENANT}", "tenantId": TENANT, "displayName": "armsim"}]})


@route("GET", "/subscriptions", SUBSCRIPTION_VERSIONS)
def list_subscriptions(wire: Wire, _request: Request, _parts: dict[str, str]) -> Answer:
    return json_answer(200, {"value": [_subscription(wire, subscription) for subscription in wire.state.subscriptions]})


@route("GET", SUB, SUBSCRIPTION_VERSIONS)
def get_subscription(wire: Wire, _request: Request, parts: dict[str, str]) -> Answer:
    wire.state.require_place(parts["subscription"])
    return json_answer(200, _subscription(wire, parts["subscription"]))


def _subscription(wire: Wire, subscription: str) -> dict[str, Any]:
    tenant = wire.state.tenant_of.get(subscription.lower(), wire.state.tenant)
    return {"id": f"/subscriptions/{subscription}", "subscriptionId": subscription, "tenantId": tenant,
            "displayName": wire.state.subscriptions[subscription], "state": "Enabled",
            "authorizationSource": "RoleBased",
            "managedByTenants": [] if tenant == TENANT else [{"tenantId": TENANT}],
            "subscriptionPolicies": {"locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01",
                                     "spendingLimit": "Off"}}


@route("GET", f"{SUB}/resourcegroups", RESOURCES_VERSIONS)
def list_groups(wire: Wire, _request: Request, parts: dict[str, str]) -> Answer:
    wire.state.require_place(parts["subscription"])
    return json_answer(200, {"value": [group for (subscription, _), group in wire.state.groups.items()
                                       if subscription == parts["subscription"].lower()]})


@route("GET", GROUP, RESOURCES_VERSIONS)
def get_group(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    wire.state.require_place(parts["subscription"], parts["group"])
    wire.state.require("Microsoft.Resources/subscriptions/resourceGroups/read", request.path)
    return json_answer(200, wire.state.groups[parts["subscription"].lower(), parts["group"].lower()])


@route("HEAD", GROUP, RESOURCES_VERSIONS)
def has_group(wire: Wire, _request: Request, parts: dict[str, str]) -> Answer:
    return Answer(204 if (parts["subscription"].lower(), parts["group"].lower()) in wire.state.groups else 404)


@route("PUT", GROUP, RESOURCES_VERSIONS)
def put_group(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    key = (parts["subscription"].lower(), parts["group"].lower())
    new = key not in wire.state.groups
    wire.state.add_group(parts["group"], parts["subscription"], request.body["location"], request.body.get("tags"))
    return json_answer(201 if new else 200, wire.state.groups[key])


@route("DELETE", GROUP, RESOURCES_VERSIONS)
def delete_group(wire: Wire, _request: Request, parts: dict[str, str]) -> Answer:
    wire.state.require_place(parts["subscription"], parts["group"])
    prefix = f"/subscriptions/{parts['subscription']}/resourcegroups/{parts['group']}/".lower()
    with wire.state.lock:
        del wire.state.groups[parts["subscription"].lower(), parts["group"].lower()]
        for kept in (wire.state.resources, wire.state.identities, wire.state.targets):
            for key in [key for key in kept if key.startswith(prefix)]:
                del kept[key]
    return Answer(200)


@route("GET", f"{SUB}/providers/(?P<namespace>[^/]+)", RESOURCES_VERSIONS)
def get_provider(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    types = {"microsoft.communication": ("CommunicationServices", COMMUNICATION_VERSIONS),
             "microsoft.managedidentity": ("userAssignedIdentities", MSI_VERSIONS)}
    if parts["namespace"].lower() not in types:
        wire.violation(request, "unknown provider")
        raise errors.unknown_route(request.path)
    name, versions = types[parts["namespace"].lower()]
    gone = (parts["namespace"].lower(), parts["subscription"].lower()) in wire.state.unregistered
    return json_answer(200, {
        "id": f"/subscriptions/{parts['subscription']}/providers/{parts['namespace']}", "namespace": parts["namespace"],
        "registrationState": "NotRegistered" if gone else "Registered",
        "resourceTypes": [{"resourceType": name, "locations": ["Global"],
                           "apiVersions": sorted(versions, reverse=True)}]})


@route("POST", f"{SUB}/providers/(?P<namespace>[^/]+)/register", RESOURCES_VERSIONS)
def register_provider(wire: Wire, request: Request, parts: dict[str, str]) -> Answer:
    wire.state.require(f"{parts['namespace']}/register/action", f"/subscriptions/{parts['subscription']}")
    wire.state.unregistered.discard((parts["namespace"].lower(), parts["subscription"].lower()))
    return json_answer(200, {"namespace": parts["namespace"], "registrationState": "Registered"})


@route("GET", f"{SUB}/resources", RESOURCES_VERSIONS)
@route("GET", f"{GROUP}/resources", RESOURCES_VERSIONS)
def list_all(wire: Wire, _request: Request, parts: dict[str, str]) -> Answer:
    found = wire.state.list_resources(parts["subscription"], parts.get("group"))
    documents = (resource.document(wire.state.tenant) for resource in found)
    return json_answer(200, {"value": [
        {key: document[key] for key in ("id", "name", "type", "location")} for document in documents]})


def metadata(url: str) -> dict[str, Any]:
    """The cloud's metadata, as `az cloud register` reads it."""
    return {"name": "armsim", "portal": url, "resourceManager": url, "graphAudience": url,
            "authentication": {"loginEndpoint": url, "audiences": [url], "tenant": "common",
                               "identityProvider": "AAD"},
            # Older versions of the CLI ask for api-version 2015-01-01, whose names end in "Endpoint".
            "graphEndpoint": url, "galleryEndpoint": url, "portalEndpoint": url,
            "graph": url, "microsoftGraphResourceId": url, "gallery": url, "sqlManagement": url, "batch": url,
            "media": url, "activeDirectoryDataLake": url, "vmImageAliasDoc": url,
            "suffixes": {"storage": "armsim.invalid", "keyVaultDns": "vault.armsim.invalid",
                         "sqlServerHostname": "sql.armsim.invalid"}}
