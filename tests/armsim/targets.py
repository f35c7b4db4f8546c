# SPDX-License-Identifier: MIT
"""What identities get access to: Azure AI accounts, storage accounts and blob containers. No HTTP."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

AI_TYPE = "Microsoft.CognitiveServices/accounts"
STORAGE_TYPE = "Microsoft.Storage/storageAccounts"
CONTAINER_TYPE = f"{STORAGE_TYPE}/blobServices/containers"
_BYPASS_SINCE = "2024-10-01"
_BY = {"createdBy": "armsim@example.com", "createdByType": "User", "lastModifiedBy": "armsim@example.com",
       "lastModifiedByType": "User"}


class AiAccount(NamedTuple):
    """A Microsoft.CognitiveServices account. What is None was never set, and is absent from answers (K69)."""

    id: str
    kind: str = "AIServices"
    location: str = "eastus"
    subdomain: str | None = None
    public_network_access: str | None = "Enabled"
    network_acls: dict[str, Any] | None = None
    disable_local_auth: bool | None = None
    state: str = "Succeeded"

    def document(self, api_version: str) -> dict[str, Any]:
        """The JSON of an answer, keys in the recorded order (K69)."""
        name = self.id.rsplit("/", 1)[-1]
        endpoint = f"{self.subdomain}.cognitiveservices.azure.com" if self.subdomain else (
            f"{self.location}.api.cognitive.microsoft.com")
        properties: dict[str, Any] = {
            "endpoint": f"https://{endpoint}/", "internalId": "0" * 32, "dateCreated": "2026-04-07T14:54:16.6656296Z",
            "isMigrated": False, "customSubDomainName": self.subdomain, "networkAcls": copy.deepcopy(self.network_acls),
            "privateEndpointConnections": [], "publicNetworkAccess": self.public_network_access,
            "disableLocalAuth": self.disable_local_auth,
            "capabilities": [{"name": "VirtualNetworks"}, {
                "name": "TrustedServices",
                "value": "Microsoft.CognitiveServices,Microsoft.MachineLearningServices,Microsoft.Search"}],
            "endpoints": {"Speech Services Speech to Text": f"https://{endpoint}/"}, "provisioningState": self.state}
        if api_version < _BYPASS_SINCE and self.network_acls:
            properties["networkAcls"].pop("bypass", None)
        return {"id": self.id, "name": name, "type": AI_TYPE, "etag": '"00000000-0000-0100-0000-000000000000"',
                "location": self.location, "sku": {"name": "S0"}, "kind": self.kind,
                "properties": {key: value for key, value in properties.items() if value is not None},
                "systemData": {**_BY, "createdAt": "2026-04-07T14:54:16.0000000Z",
                               "lastModifiedAt": "2026-04-07T14:54:16.0000000Z"}}

    def deleted(self, api_version: str) -> dict[str, Any]:
        """The JSON of an account that was deleted and can be recovered (A38)."""
        document = self.document(api_version)
        _, _, subscription, _, group, *_, name = self.id.split("/")
        document["id"] = (f"/subscriptions/{subscription}/providers/Microsoft.CognitiveServices/locations/"
                          f"{self.location}/resourceGroups/{group}/deletedAccounts/{name}")
        document["type"] = "Microsoft.CognitiveServices/locations/resourceGroups/deletedAccounts"
        document["properties"] |= {"deletionDate": "2026-04-08T10:00:00Z", "scheduledPurgeDate": "2026-04-10T10:00:00Z"}
        return document


class StorageAccount(NamedTuple):
    """A Microsoft.Storage account. What is None was never set, and is absent from answers (K70)."""

    id: str
    kind: str = "StorageV2"
    location: str = "eastus"
    public_network_access: str | None = None
    network_acls: dict[str, Any] | None = None  # None: open
    hierarchical: bool | None = None
    shared_key: bool | None = None
    state: str = "Succeeded"
    primary: str = "available"

    def document(self, _api_version: str) -> dict[str, Any]:
        """The JSON of an answer, keys in the recorded order (K70)."""
        name = self.id.rsplit("/", 1)[-1]
        created = "2026-04-02T16:30:40.6649565Z"
        rules = {"ipv6Rules": [], "bypass": "AzureServices", "virtualNetworkRules": [], "ipRules": [],
                 "defaultAction": "Allow", **copy.deepcopy(self.network_acls or {})}
        properties: dict[str, Any] = {
            "publicNetworkAccess": self.public_network_access, "keyCreationTime": {"key1": created, "key2": created},
            "allowCrossTenantReplication": False, "privateEndpointConnections": [], "minimumTlsVersion": "TLS1_0",
            "allowBlobPublicAccess": False, "allowSharedKeyAccess": self.shared_key, "isHnsEnabled": self.hierarchical,
            "networkAcls": rules, "supportsHttpsTrafficOnly": True, "accessTier": "Hot",
            "provisioningState": self.state, "creationTime": created,
            "primaryEndpoints": {"blob": f"https://{name}.blob.core.windows.net/"},
            "primaryLocation": self.location, "statusOfPrimary": self.primary}
        return {"sku": {"name": "Standard_LRS", "tier": "Standard"}, "kind": self.kind, "id": self.id, "name": name,
                "type": STORAGE_TYPE, "location": self.location, "tags": {},
                "properties": {key: value for key, value in properties.items() if value is not None}}


class Container(NamedTuple):
    """A blob container. Its shape is that of the specification (A36)."""

    id: str

    def document(self, _api_version: str) -> dict[str, Any]:
        """The JSON of an answer."""
        return {"id": self.id, "name": self.id.rsplit("/", 1)[-1], "type": CONTAINER_TYPE,
                "etag": '"0x8D000000000000"', "properties": {
                    "deleted": False, "remainingRetentionDays": 0, "publicAccess": "None", "leaseStatus": "Unlocked",
                    "leaseState": "Available", "lastModifiedTime": "2026-04-02T16:31:40.0000000Z",
                    "hasImmutabilityPolicy": False, "hasLegalHold": False}}


Target = AiAccount | StorageAccount | Container
