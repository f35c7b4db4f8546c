# SPDX-License-Identifier: MIT
"""Requests and answers against the official OpenAPI documents, where their folder is there; without it, the body of a
PATCH against the same rules written by hand.
"""

from __future__ import annotations

import copy
import json
import os
import sys
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

# Where real traffic and document differ, real traffic wins: an enumeration with the first value takes the second too.
DEVIATIONS = {
    "Creating": "Accepted",  # provisioningState, in the answer to every PUT (K4)
    "SystemAssigned,UserAssigned": "SystemAssigned, UserAssigned",  # with a space (K11)
}

_COMMUNICATION = {
    "2023-04-01": "communication/resource-manager/Microsoft.Communication/stable/2023-04-01/CommunicationServices.json",
    "2025-09-01": "communication/resource-manager/Microsoft.Communication/Communication/stable/2025-09-01/openapi.json",
}
_GRAPH = {"2021-03-01": "resourcegraph/resource-manager/Microsoft.ResourceGraph/stable/2021-03-01/resourcegraph.json"}
_MSI = {"2023-01-31": "msi/resource-manager/Microsoft.ManagedIdentity/stable/2023-01-31/ManagedIdentity.json"}


def shared_folder() -> Path | None:
    """The folder of OpenAPI documents and recordings beside the checkout, or that ACS_SHARED names; None if absent."""
    folder = Path(os.environ.get("ACS_SHARED") or Path(__file__).resolve().parents[3] / "shared")
    return folder if (folder / "data" / "specs").is_dir() else None


def complaints(part: str, type_name: str, api_version: str, body: Any) -> list[str]:
    """What the schema says against a body: nothing where it is fine or where there is no schema.

    `part`: resource, update, list or query; `type_name`: communication, msi or graph.
    """
    return [] if _validator(part, type_name, api_version) is None else [
        *_complaints(part, type_name, api_version, json.dumps(body))]


@lru_cache(maxsize=1000)
def _complaints(part: str, type_name: str, api_version: str, text: str) -> tuple[str, ...]:
    """The same of a text: what polls read is mostly what the last one read."""
    return tuple(f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
                 for error in _validator(part, type_name, api_version).iter_errors(json.loads(text)))


_DEFINITIONS = {("resource", "communication"): "CommunicationServiceResource",
                ("update", "communication"): "CommunicationServiceResourceUpdate",
                ("list", "communication"): "CommunicationServiceResourceList",
                ("resource", "msi"): "Identity",
                ("query", "graph"): "QueryRequest"}


# CommunicationServiceResourceUpdate of Azure/azure-rest-api-specs, specification/communication, 2025-09-01.
_UPDATE: dict[str, Any] = {"type": "object", "properties": {
    "tags": {"type": "object", "additionalProperties": {"type": "string"}},
    "identity": {"type": "object", "required": ["type"], "properties": {
        "type": {"enum": ["None", "SystemAssigned", "UserAssigned", "SystemAssigned,UserAssigned",
                          "SystemAssigned, UserAssigned"]},
        "userAssignedIdentities": {"type": "object", "additionalProperties": {"type": ["object", "null"]}}}},
    "properties": {"type": "object", "properties": {
        "linkedDomains": {"type": "array", "items": {"type": "string"}},
        "publicNetworkAccess": {"enum": ["Enabled", "Disabled", "SecuredByPerimeter"]},
        "disableLocalAuth": {"type": "boolean"}}}}}


@cache
def _validator(part: str, type_name: str, api_version: str) -> Any:
    # jsonschema does without it, and it takes two seconds to load.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # this is how to say that it isn't there
    from jsonschema import Draft4Validator
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT4
    folder = shared_folder()
    document = {"communication": _COMMUNICATION, "msi": _MSI, "graph": _GRAPH}[type_name].get(api_version)
    name = _DEFINITIONS.get((part, type_name))
    if folder is None and (part, type_name) == ("update", "communication"):
        return Draft4Validator(_UPDATE)
    if folder is None or document is None or name is None:
        return None

    uri = (folder / "data" / "specs" / "specification" / document).resolve().as_uri()
    registry: Registry[Any] = Registry().with_resources(
        (name, Resource(contents=content, specification=DRAFT4))  # type: ignore[call-arg]  # attrs' aliases
        for name, content in _documents(uri).items()).crawl()
    return Draft4Validator({"$ref": f"{uri}#/definitions/{name}"}, registry=registry)


def _documents(first: str) -> dict[str, Any]:
    """A document and all that it refers to, by address: read once, since a registry that fetches them does it anew for
    each body.
    """
    found: dict[str, Any] = {}
    missing = [first]
    while missing:
        uri = missing.pop()
        if uri in found:
            continue
        found[uri] = _as_json_schema(json.loads(Path(uri.removeprefix("file://")).read_text(encoding="utf-8")))
        missing += [urljoin(uri, node["$ref"]).split("#")[0] for node in _objects(found[uri])
                    if isinstance(node.get("$ref"), str) and "/examples/" not in node["$ref"]]
    return found


def _as_json_schema(document: Any) -> Any:
    """OpenAPI 2 as JSON schema: x-nullable, and the deviations above."""
    document = copy.deepcopy(document)
    for node in _objects(document):
        values = node.get("enum", [])
        if isinstance(values, list):  # else a property of that name
            values += [DEVIATIONS[value] for value in values if value in DEVIATIONS]
        extra = node.get("additionalProperties")
        if isinstance(extra, dict) and extra.pop("x-nullable", False):
            node["additionalProperties"] = {"anyOf": [{"type": "null"}, extra]}
    return document


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in list(node.values()):
            yield from _objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from _objects(value)
