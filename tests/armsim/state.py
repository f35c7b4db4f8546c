# SPDX-License-Identifier: MIT
"""The state of the simulated Azure: subscriptions, groups, identities, resources, what they get access to, and what is
forbidden. No HTTP.
"""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from . import errors
from .authorization import ALL_PRINCIPALS, Authorization, within
from .clock import Clock
from .communication import CommunicationResource, Content, UnderWay
from .identity_rules import Principal, Rules, StoredIdentity
from .operations import Operation, Timeline, operation_name
from .patch_shapes import ASYNC, LOCATION, PatchShape
from .policy_token import PolicyTokens
from .roles import Role, built_in, permission
from .targets import AI_TYPE, STORAGE_TYPE, AiAccount, Container, StorageAccount, Target
from .throttle import QueryQuota, Throttle

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
TENANT = "00000000-0000-0000-0000-00000000000a"
CLIENT = "00000000-0000-0000-0000-00000000000c"  # the login's object ID
PROVIDER = "Microsoft.Communication"
RESOURCE_TYPE = f"{PROVIDER}/CommunicationServices"
MSI_TYPE = "Microsoft.ManagedIdentity/userAssignedIdentities"
ASSIGN_ACTION = f"{MSI_TYPE}/assign/action"


@dataclass
class Options:
    """How the simulated service behaves. Times are in seconds of the clock."""

    honor_if_match: bool = True  # A6
    misunderstand_if_match: bool = False  # every If-Match is 412, that of a fresh GET too
    merge_patch: bool = True  # A2
    takes_null: bool = True  # in the map of a PATCH (A3)
    patch: PatchShape = PatchShape()  # how a PATCH is answered, and how it ends (A1)
    patch_of: dict[str, PatchShape] = field(default_factory=dict)  # by resource name, instead of `patch`
    patch_fill_after: int = 0  # GETs after a PATCH until it is settled; 0: the answer of the PATCH is
    patch_seconds: float = 0.0  # how long the answer to a PATCH takes
    put_resource_seconds: float = 12.0  # until the resource shows Succeeded (A25)
    put_operation_seconds: float = 68.0  # until the operation does (K7, A25)
    page_size: int = 100
    throttle: Throttle | None = None
    replication_seconds: float = 0.0  # how long a new principal is unknown to the directory
    replication_even_with_type: bool = False
    graph_page_size: int = 1000
    graph_quota: QueryQuota = field(default_factory=QueryQuota)
    graph_lag_seconds: float = 0.0  # how late Resource Graph is (A13)
    identity_versions: frozenset[str] | None = None  # of user-assigned identities in this cloud; None: all (A37)
    graph_limit_hit: bool = False  # the login can read more than the 10,000 subscriptions that Resource Graph looks at


class Written(NamedTuple):
    """The result of a write: the resource as it shows now, its ETag, and the operation."""

    document: dict[str, Any]
    etag: str
    operation: Operation


@dataclass
class UserAssignedIdentity:
    """A Microsoft.ManagedIdentity/userAssignedIdentities resource."""

    id: str
    location: str
    tags: dict[str, str]
    isolation_scope: str = "None"
    providers: tuple[str, ...] = ()  # that may use it; none: all
    client_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    principal_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def document(self, tenant: str, api_version: str) -> dict[str, Any]:
        """The JSON of an answer, keys in the recorded order (K13), with the restrictions that a version knows (K71)."""
        restrictions: dict[str, Any] = {}
        if api_version >= "2024-11-30":
            restrictions["isolationScope"] = self.isolation_scope
        if api_version in ("2025-05-31-preview", "2026-05-31"):
            restrictions["assignmentRestrictions"] = {"providers": list(self.providers)}
        return {"location": self.location, "tags": self.tags, "id": self.id, "name": self.id.rsplit("/", 1)[-1],
                "type": MSI_TYPE, "properties": {"tenantId": tenant, "principalId": self.principal_id,
                                                 "clientId": self.client_id, **restrictions}}


class ArmState:
    """Everything there is. Safe for threads: each public method holds one lock. IDs compare without case."""

    SUBSCRIPTION = SUBSCRIPTION
    TENANT = TENANT

    def __init__(self, clock: Clock | None = None, options: Options | None = None) -> None:
        self.clock = clock or Clock()
        self.options = options or Options()
        self.lock = threading.RLock()
        self.subscriptions: dict[str, str] = {SUBSCRIPTION: "armsim"}  # ID: name
        self.hidden: set[str] = set()  # subscriptions that the login can't read
        self.groups: dict[tuple[str, str], dict[str, Any]] = {}
        self.resources: dict[str, CommunicationResource] = {}
        self.identities: dict[str, UserAssignedIdentity] = {}
        self.operations: dict[str, Operation] = {}
        self.timeline = Timeline()
        self.authorization = Authorization(self.clock, TENANT, CLIENT)
        self.targets: dict[str, Target] = {}
        self.deleted_targets: dict[str, Target] = {}
        self.tenant = TENANT  # of the subscriptions; that of the login, unless it manages them for somebody else
        self.tenant_of: dict[str, str] = {}  # of subscriptions that are of another one
        self.denials: list[tuple[str, str]] = []
        self.grants: list[tuple[str, Role]] | None = None  # None: the login may do everything
        self.policy_tokens = PolicyTokens()
        self._past: dict[str, list[tuple[float, dict[str, Any] | None]]] = {}  # what resources were, and until when
        self.locks: list[str] = []  # the scopes
        self.policies: set[tuple[str, str]] = set()  # scope and name of the assignments that deny
        self.unregistered: set[tuple[str, str]] = set()

    # ---- setting the scene -------------------------------------------------------------------------------------------

    def add_subscription(self, subscription: str, name: str, tenant: str | None = None) -> str:
        """Add a subscription, of the login's tenant unless another one is named."""
        self.subscriptions[subscription] = name
        if tenant:
            self.tenant_of[subscription.lower()] = tenant
        return subscription

    def manage_for_another_tenant(self, tenant: str = "00000000-0000-0000-0000-00000000000b") -> str:
        """Azure Lighthouse: the subscriptions are of another tenant, whose role assignments the login can't see (K68).
        """
        self.tenant, self.authorization.delegated = tenant, True
        return tenant

    def add_management_group(self, name: str, *below: str) -> str:
        """Add a management group with the subscriptions and management groups, by ID, below it. Once there is one, a
        management group reaches only what is below it. Returns its ID.
        """
        group_id = f"/providers/Microsoft.Management/managementGroups/{name}"
        self.authorization.parents |= {scope.lower(): group_id.lower() for scope in below}
        return group_id

    def hide_subscription(self, subscription: str) -> None:
        """Take the login's right to read a subscription."""
        self.hidden.add(subscription.lower())

    def add_group(self, name: str, subscription: str | None = None, location: str = "westeurope",
                  tags: dict[str, str] | None = None) -> str:
        """Add a resource group; return its ID."""
        subscription = subscription or SUBSCRIPTION
        group_id = f"/subscriptions/{subscription}/resourceGroups/{name}"
        with self.lock:
            self.groups.setdefault((subscription.lower(), name.lower()), {
                "id": group_id, "name": name, "type": "Microsoft.Resources/resourceGroups", "location": location,
                "tags": tags or {}, "properties": {"provisioningState": "Succeeded"}})
        return group_id

    def add_user_identity(self, name: str, group: str, subscription: str | None = None,
                          location: str = "eastus", isolation_scope: str = "None", providers: tuple[str, ...] = ()
                          ) -> str:
        """Add a user-assigned identity; return its ID, with lower-case resourcegroups (K13). `isolation_scope` None or
        Regional; `providers`: those that may use it.
        """
        self.add_group(group, subscription)
        properties = {"isolationScope": isolation_scope, "assignmentRestrictions": {"providers": providers}}
        with self.lock:
            return self._make_identity(subscription or SUBSCRIPTION, group, name,
                                       {"location": location, "properties": properties})[0].id

    def recreate_user_identity(self, identity_id: str) -> str:
        """Delete a user-assigned identity and create it again, with another principal; return its principal ID."""
        with self.lock:
            old = self.identities[identity_id.lower()]
            new = UserAssignedIdentity(old.id, old.location, old.tags, old.isolation_scope, old.providers)
            self.identities[identity_id.lower()] = new
            return new.principal_id

    def hide_ids(self, resource_id: str, principal_id: str, shown: Any = None) -> None:
        """Let a resource show something else for the IDs of an identity, as long as it holds this principal: `shown` in
        the map, or no principal ID if it is the system-assigned one.
        """
        self.resources[resource_id.lower()].identity.hidden[principal_id] = shown

    def add_ai_account(self, name: str, group: str, *, subscription: str | None = None, subdomain: str | None = "",
                       **properties: Any) -> str:
        """Add an Azure AI account; return its ID. `subdomain`: its custom one, which is its name unless said otherwise;
        None: it has none. `properties`: of AiAccount.
        """
        account_id = self._target_id(name, group, subscription, AI_TYPE)
        self.targets[account_id.lower()] = AiAccount(
            account_id, subdomain=name.lower() if subdomain == "" else subdomain, **properties)
        return account_id

    def add_storage_account(self, name: str, group: str, *containers: str, subscription: str | None = None,
                            **properties: Any) -> str:
        """Add a storage account with blob containers; return its ID. `properties`: of StorageAccount."""
        account_id = self._target_id(name, group, subscription, STORAGE_TYPE)
        self.targets[account_id.lower()] = StorageAccount(account_id, **properties)
        for container in containers:
            container_id = f"{account_id}/blobServices/default/containers/{container}"
            self.targets[container_id.lower()] = Container(container_id)
        return account_id

    def change_target(self, target_id: str, **properties: Any) -> None:
        """Change properties of AiAccount or StorageAccount."""
        target = self.targets[target_id.lower()]
        self.targets[target_id.lower()] = target._replace(**properties)

    def patch_ai_account(self, account_id: str, properties: dict[str, Any]) -> AiAccount:
        """Set a custom subdomain, which can't be changed once it is set (A39). Raises ArmError."""
        with self.lock:
            self.require(f"{AI_TYPE}/write", account_id)
            account = self.targets[account_id.lower()]
            assert isinstance(account, AiAccount)
            wanted = properties.get("customSubDomainName", account.subdomain)
            if account.subdomain not in (None, wanted):
                raise errors.ArmError(400, "BadRequest", "The custom subdomain can't be changed.")
            account = account._replace(subdomain=wanted)
            self.targets[account_id.lower()] = account
            return account

    def delete_target(self, target_id: str) -> None:
        """Delete a target; an Azure AI account can then be recovered."""
        self.deleted_targets[target_id.lower()] = self.targets.pop(target_id.lower())

    def add_entra_group(self, *members: str) -> str:
        """Add a group of Microsoft Entra ID with principals, groups among them, by ID; return its ID."""
        group_id = str(uuid.uuid4())
        self.authorization.groups[group_id] = [member.lower() for member in members]
        return group_id

    def add_resource(self, name: str, group: str, *, identity: dict[str, Any] | None = None,
                     tags: dict[str, str] | None = None, linked_domains: list[str] | None = None,
                     disable_local_auth: bool | None = None, public_network_access: str | None = None,
                     subscription: str | None = None) -> str:
        """Add a resource that is settled; return its ID. `identity`: a block as PUT takes it."""
        subscription = subscription or SUBSCRIPTION
        self.add_group(group, subscription)
        properties: dict[str, Any] = {"dataLocation": "unitedstates"}
        for key, value in (("linkedDomains", linked_domains), ("disableLocalAuth", disable_local_auth),
                           ("publicNetworkAccess", public_network_access)):
            if value is not None:
                properties[key] = value
        now = self.clock.now()
        resource = CommunicationResource(subscription, group, name, "global", now, tags, properties, modified=now,
                                         version=1, host=True)
        with self.lock:
            resource.identity = self._rules(resource).put(StoredIdentity(), identity)
            self.resources[resource.id.lower()] = resource
        return resource.id

    def add_role(self, name: str, scope: str | None = None, actions: tuple[str, ...] = (), *elements: dict[str, Any],
                 **more: tuple[str, ...]) -> str:
        """Add a custom role; return its GUID. `more`: of `permission`; `elements`: more of its `permissions`."""
        with self.lock:
            return self.authorization.add_role(name, scope or f"/subscriptions/{SUBSCRIPTION}",
                                               permission(actions, **more), *elements)

    def add_role_assignment(self, scope: str, role: str, principal_id: str, age: float = 0.0, *,
                            condition: str | None = None) -> str:
        """Add a role assignment that was made `age` seconds ago; `role`: a GUID or an ID. Returns its ID."""
        kind = "Group" if principal_id.lower() in self.authorization.groups else "ServicePrincipal"
        body = {"properties": {"roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/"
                                                   f"{role.rsplit('/', 1)[-1]}",
                               "principalId": principal_id, "principalType": kind, "condition": condition,
                               "conditionVersion": "2.0" if condition else None}}
        with self.lock:
            assignment_id = str(self.authorization.put(scope, str(uuid.uuid4()), body, 0, False)["id"])
            self.authorization.date(assignment_id, self.clock.now() - age)
            return assignment_id

    def add_deny_assignment(self, scope: str, *principals: str, actions: tuple[str, ...] = (),
                            data_actions: tuple[str, ...] = (), exclude: tuple[str, ...] = (),
                            child_scopes: bool = True, **more: tuple[str, ...]) -> str:
        """Add a deny assignment, for all principals unless some are named; return its ID. `more`: of `permission`."""
        def named(ids: tuple[str, ...]) -> list[dict[str, str]]:
            return [{"id": one, "type": "SystemDefined" if one == ALL_PRINCIPALS else
                     "Group" if one.lower() in self.authorization.groups else "ServicePrincipal"} for one in ids]
        with self.lock:
            return self.authorization.deny(scope, {
                "permissions": [permission(actions, data_actions=data_actions, **more)],
                "doNotApplyToChildScopes": not child_scopes, "principals": named(principals or (ALL_PRINCIPALS,)),
                "excludePrincipals": named(exclude)})

    def deny(self, action: str, scope: str) -> None:
        """Take the login's right to an action at a scope and below."""
        self.denials.append((action.lower(), scope))

    def grant_only(self, roles: dict[str, list[str]]) -> None:
        """Take all rights but those of built-in roles, by name, at scopes and below (K42)."""
        self.grants = [(scope, built_in(name)) for scope, names in roles.items() for name in names]

    def require_policy_token(self, scope: str, assignment: str = "ask-outside", change_reference: bool = False) -> None:
        """Refuse writes at a scope and below that come without a policy token (K52)."""
        self.policy_tokens.require(scope, assignment, change_reference)

    def lock_scope(self, scope: str) -> None:
        """Put a lock on a scope (K29)."""
        self.locks.append(scope)

    def require_identity_by_policy(self, scope: str, assignment: str = "require-identity") -> None:
        """Assign the built-in policy bcff6755-…, effect Deny: no resource without identity (K31)."""
        self.policies.add((scope, assignment))

    def end_policy(self, scope: str, assignment: str) -> None:
        """Take a policy's effect away: Audit, Disabled or no assignment."""
        self.policies.discard((scope, assignment))

    def unregister(self, namespace: str, subscription: str | None = None) -> None:
        """Unregister a provider (K28)."""
        self.unregistered.add((namespace.lower(), (subscription or SUBSCRIPTION).lower()))

    # ---- rights and places -------------------------------------------------------------------------------------------

    def require(self, action: str, scope: str) -> None:
        """Raise ArmError 403 where the login lacks an action at a scope (K28)."""
        if not self.may(action, scope):
            raise errors.authorization_failed(CLIENT, action, scope)

    def may(self, action: str, scope: str) -> bool:
        """Whether the login has an action at a scope."""
        if any(action.lower() == denied and within(scope, place) for denied, place in self.denials):
            return False
        return self.grants is None or any(within(scope, place) and role.allows(action) for place, role in self.grants)

    def require_place(self, subscription: str, group: str | None = None, namespace: str | None = None) -> None:
        """Raise ArmError where the subscription, its registration or the group isn't there."""
        known = {other.lower() for other in self.subscriptions} - self.hidden
        if subscription.lower() not in known:
            raise errors.subscription_not_found(subscription)
        if namespace and (namespace.lower(), subscription.lower()) in self.unregistered:
            raise errors.not_registered(namespace)
        if group is not None and (subscription.lower(), group.lower()) not in self.groups:
            raise errors.group_not_found(group)

    # ---- communication resources -------------------------------------------------------------------------------------

    def get_resource(self, resource_id: str) -> tuple[dict[str, Any], str]:
        """The document and the ETag. Raises ArmError."""
        with self.lock:
            resource = self._find(resource_id)
            self.require(f"{RESOURCE_TYPE}/read", resource.id)
            resource.count_read()
            return resource.document(self.tenant), resource.etag

    def identity_of(self, resource_id: str) -> Any:
        """The identity block as it is, with nothing counted or checked."""
        with self.lock:
            block = self._find(resource_id).document(self.tenant).get("identity")
            return dict(block) if block else None

    def put_resource(self, resource_id: str, body: dict[str, Any]) -> Written:
        """Create or replace. Raises ArmError."""
        with self.lock:
            _, subscription, _, group, _, _, _, name = resource_id.strip("/").split("/")[-8:]
            self.require_place(subscription, group, PROVIDER)
            self._may_write(resource_id, name)
            self._tidy()
            now, known = self.clock.now(), self.resources.get(resource_id.lower())
            self._remember(resource_id, now)
            resource = known or CommunicationResource(subscription, group, name, body["location"], now)
            self._may_begin(resource)
            before = resource.content
            resource.identity = self._allowed(resource, self._rules(resource).put(resource.identity,
                                                                                  body.get("identity")))
            resource.location, resource.tags = body["location"], body.get("tags")
            resource.properties = dict(body.get("properties") or {})
            self.resources[resource.id.lower()] = resource
            shape = PatchShape(201, (ASYNC,), "resource", self.options.put_operation_seconds,
                               self.options.put_resource_seconds, "empty", "Accepted", end_time=False)
            return self._start(resource, before, shape)

    def patch_resource(self, resource_id: str, body: dict[str, Any], if_match: str | None = None) -> Written:
        """Update, in the shape that the options name (K14, K15, A1). Raises ArmError."""
        with self.lock:
            resource = self._find(resource_id)
            self._may_write(resource.id, resource.name)
            if self.options.honor_if_match and if_match not in (None, "*", resource.etag):
                raise errors.precondition_failed(resource.name)
            if self.options.misunderstand_if_match and if_match is not None:
                raise errors.precondition_failed(resource.name)
            self._may_begin(resource)
            self._may_assign(resource, body.get("identity"))
            self._remember(resource_id, self.clock.now())
            before = resource.content
            resource.identity = self._allowed(resource, self._rules(resource).patch(resource.identity,
                                                                                    body.get("identity")))
            if "tags" in body:
                resource.tags = body["tags"]  # the sent map is the resulting one (K14)
            resource.properties |= body.get("properties") or {}
            resource.reads_to_fill = self.options.patch_fill_after if "identity" in body else 0
            return self._start(resource, before, self.options.patch_of.get(resource.name, self.options.patch))

    def delete_resource(self, resource_id: str) -> Written | None:
        """Start to delete (K8); None where nothing is there. Raises ArmError."""
        with self.lock:
            self._tidy()
            resource = self.resources.get(resource_id.lower())
            if resource is None:
                return None
            self.require(f"{RESOURCE_TYPE}/delete", resource.id)
            resource.finish(self.clock.now())
            shape = PatchShape(202, (ASYNC, LOCATION), "null", self.options.put_operation_seconds,
                               self.options.put_resource_seconds, state="Deleting", running="Deleting", end_time=False)
            return self._start(resource, resource.content, shape, deletes=True)

    def list_resources(self, subscription: str, group: str | None = None) -> list[CommunicationResource]:
        """The resources of a group or a subscription, in the order they were made. Raises ArmError."""
        with self.lock:
            self.require_place(subscription, group, PROVIDER)
            scope = f"/subscriptions/{subscription}" + (f"/resourceGroups/{group}" if group else "")
            self.require(f"{RESOURCE_TYPE}/read", scope)
            self._tidy()
            return [resource for resource in self.resources.values()
                    if resource.subscription.lower() == subscription.lower()
                    and (group is None or resource.group.lower() == group.lower())]

    def graph_rows(self) -> list[dict[str, Any]]:
        """A row of Resource Graph for each resource that the login can read (K50, A15), as late as it is (A13)."""
        with self.lock:
            self._tidy()
            since = self.clock.now() - self.options.graph_lag_seconds
            then = [next((old for until, old in self._past.get(key, []) if until > since),
                         resource.document(self.tenant)) for key, resource in self.resources.items()]
            documents = [document for document in then if document]
            return [{"tenantId": self.tenant, "tags": None, "identity": None, **document,
                     "resourceGroup": group.lower(), "subscriptionId": subscription}
                    for document in documents
                    for _, subscription, _, group in [document["id"].strip("/").split("/")[:4]]
                    if self._visible(subscription) and self.may(f"{RESOURCE_TYPE}/read", document["id"])]

    def authorization_rows(self) -> list[dict[str, Any]]:
        """Rows of `authorizationresources` that the login can read (K47)."""
        with self.lock:
            rows = self.authorization.graph_rows(self.may, self.options.graph_lag_seconds)
            return [row for row in rows if not row["subscriptionId"] or self._visible(row["subscriptionId"])]

    def operation(self, name: str) -> Operation | None:
        """A write's operation. Raises ArmError where the login may not read it at its resource (A24)."""
        with self.lock:
            self._tidy()
            operation = self.operations.get(name)
            if operation:
                self.require(f"{PROVIDER}/Locations/OperationStatuses/read", operation.resource_id)
            return operation

    # ---- user-assigned identities ------------------------------------------------------------------------------------

    def put_identity(self, subscription: str, group: str, name: str, body: dict[str, Any], api_version: str
                     ) -> tuple[dict[str, Any], bool]:
        """Make an identity; the document and whether it is new. Raises ArmError."""
        with self.lock:
            self.require_place(subscription, group)
            self.require(f"{MSI_TYPE}/write", _identity_id(subscription, group, name))
            identity, new = self._make_identity(subscription, group, name, body)
            return identity.document(self.tenant, api_version), new

    def get_identity(self, subscription: str, group: str, name: str, api_version: str) -> dict[str, Any]:
        """One identity's document. Raises ArmError."""
        with self.lock:
            self.require_place(subscription, group)
            identity_id = _identity_id(subscription, group, name)
            self.require(f"{MSI_TYPE}/read", identity_id)
            if identity_id.lower() not in self.identities:
                raise errors.resource_not_found(MSI_TYPE, name, group)
            return self.identities[identity_id.lower()].document(self.tenant, api_version)

    def list_identities(self, subscription: str, group: str | None, api_version: str) -> list[dict[str, Any]]:
        """The identities of a group or a subscription. Raises ArmError."""
        with self.lock:
            self.require_place(subscription, group)
            scope = f"/subscriptions/{subscription}" + (f"/resourcegroups/{group}" if group else "")
            self.require(f"{MSI_TYPE}/read", scope)
            return [identity.document(self.tenant, api_version) for key, identity in self.identities.items()
                    if key.startswith(f"{scope.lower()}/")]

    def delete_identity(self, identity_id: str) -> bool:
        """Delete an identity; whether it was there."""
        with self.lock:
            self.require(f"{MSI_TYPE}/delete", identity_id)
            return self.identities.pop(identity_id.lower(), None) is not None

    # ---- inside ------------------------------------------------------------------------------------------------------

    def _make_identity(self, subscription: str, group: str, name: str, body: dict[str, Any]
                       ) -> tuple[UserAssignedIdentity, bool]:
        identity_id = _identity_id(subscription, group, name)
        new = identity_id.lower() not in self.identities
        if new:
            properties = body.get("properties") or {}
            allowed = (properties.get("assignmentRestrictions") or {}).get("providers") or ()
            identity = UserAssignedIdentity(identity_id, body["location"], body.get("tags") or {},
                                            properties.get("isolationScope") or "None", tuple(allowed))
            self.identities[identity_id.lower()] = identity
            self.authorization.made[identity.principal_id] = self.clock.now()
        return self.identities[identity_id.lower()], new

    def _target_id(self, name: str, group: str, subscription: str | None, kind: str) -> str:
        return f"{self.add_group(group, subscription)}/providers/{kind}/{name}"

    def _remember(self, resource_id: str, until: float) -> None:
        """Keep what Resource Graph shows of a resource for a while: what it is before it changes."""
        if self.options.graph_lag_seconds:
            known = self.resources.get(resource_id.lower())
            shown = known.document(self.tenant) if known else None
            self._past.setdefault(resource_id.lower(), []).append((until, shown))

    def _find(self, resource_id: str) -> CommunicationResource:
        parts = resource_id.strip("/").split("/")
        self.require_place(parts[1], parts[3], PROVIDER)
        self._tidy()
        resource = self.resources.get(resource_id.lower())
        if resource is None:
            self.require(f"{RESOURCE_TYPE}/read", resource_id)
            raise errors.resource_not_found(RESOURCE_TYPE, parts[7], parts[3])
        return resource

    def _tidy(self) -> None:
        """Do what is due by now."""
        self.timeline.run(self.clock.now())

    def _start(self, resource: CommunicationResource, before: Content, shape: PatchShape, deletes: bool = False
               ) -> Written:
        """Begin a write whose content the resource already holds, and schedule its end."""
        now = self.clock.now()
        operation = Operation(operation_name(resource.id), resource.id, shape, now)
        if shape.headers:
            self.operations[operation.name] = operation
        write = UnderWay(before, operation)
        resource.start(write, now)
        written = Written(resource.document(self.tenant), resource.etag, operation)

        def settle() -> None:
            if resource.write is write:
                self._remember(resource.id, now + (shape.settles or 0))
                resource.settle(now + (shape.settles or 0))

        def finish() -> None:
            if resource.write is write:
                self._remember(resource.id, now + shape.finishes)
                resource.finish(now + shape.finishes)
                if deletes and self.resources.get(resource.id.lower()) is resource:
                    del self.resources[resource.id.lower()]

        if shape.settles is not None and shape.settles < shape.finishes:
            self.timeline.at(now + shape.settles, settle)
        self.timeline.at(now + shape.finishes, finish)
        self._tidy()
        return written

    def _may_begin(self, resource: CommunicationResource) -> None:
        """Refuse a write while another one is under way (K34, A7), or finish that one's change first."""
        if resource.write is None:
            return
        if not resource.write.shape.accepts_writes:
            raise errors.conflict()
        resource.finish(self.clock.now())

    def _rules(self, resource: CommunicationResource) -> Rules:
        return Rules(resource.id, self._principal, self._new_principal, self.options.merge_patch,
                     self.options.takes_null)

    def _principal(self, identity_id: str) -> Principal | None:
        identity = self.identities.get(identity_id.lower())
        return {"clientId": identity.client_id, "principalId": identity.principal_id} if identity else None

    def _new_principal(self) -> str:
        principal = str(uuid.uuid4())
        self.authorization.made[principal] = self.clock.now()
        return principal

    def _may_write(self, resource_id: str, name: str) -> None:
        self.require(f"{RESOURCE_TYPE}/write", resource_id)
        for scope in self.locks:
            if within(resource_id, scope):
                raise errors.scope_locked(resource_id, scope)

    def _may_assign(self, resource: CommunicationResource, block: dict[str, Any] | None) -> None:
        for key, value in ((block or {}).get("userAssignedIdentities") or {}).items():
            if value is not None and not self.may(ASSIGN_ACTION, key):  # A23
                raise errors.linked_authorization_failed(CLIENT, f"{RESOURCE_TYPE}/write", resource.id, key)

    def _allowed(self, resource: CommunicationResource, identity: StoredIdentity) -> StoredIdentity:
        """What a policy lets through: with Deny, no resource without identity."""
        for scope, assignment in self.policies:
            if within(resource.id, scope) and not identity.system and not identity.users:
                raise errors.disallowed_by_policy(resource.name, scope, assignment)
        return identity

    def _visible(self, subscription: str) -> bool:
        return subscription.lower() not in self.hidden


def _identity_id(subscription: str, group: str, name: str) -> str:
    """With lower-case resourcegroups (K13)."""
    return f"/subscriptions/{subscription}/resourcegroups/{group}/providers/{MSI_TYPE}/{name}"
