# SPDX-License-Identifier: MIT
"""The questions to the service, in order. Each begins with a state of its own, and says what it saw after a write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .arm import LIMIT, MAP, Block, Finding, NoAnswerError, Write, block_of, kinds, users, words
from .scene import VERSION, Scene

BOTH = "SystemAssigned,UserAssigned"
GRAPH = "/providers/Microsoft.ResourceGraph/resources"
# What the extension sends: Resource Graph pages only what has an ID and an order.
GRAPH_QUERY = ("resources | where type =~ 'microsoft.communication/communicationservices' "
               "| project id, name, resourceGroup, subscriptionId, identity | order by id asc")
SOON = 120.0  # seconds that Resource Graph and the directory may lag behind
OLDER = "2023-03-31"  # what Terraform's azurerm sends; its model has no identity
ISOLATING = "2024-11-30"  # of Microsoft.ManagedIdentity: the first that has isolationScope
_COMPARED, _NEWEST = "2025-09-01", "2026-03-18"  # that is known of


# The number of its line in docs/service-behavior.md or `new`, its name, what is assumed, and how it is asked.
Question = tuple[str, str, str, Callable[[Scene], Finding]]


def _patch_taken(s: Scene) -> Finding:
    s.first = s.patch(block_of(system=True))
    _, lag = s.until(s.first.look, lambda one: not one.made or one.has(system=True))
    s.takes_patch, s.lag = s.first.has(system=True), lag
    return s.takes_patch, s.first.words() + (f", {lag} s after the end" if lag and s.takes_patch else "")


def _early(one: Write, assumed: bool) -> Finding:
    """Whether the resource says that it is settled while the operation runs."""
    sights = [f"{after:.0f} s: {sight.state or 'no state'}, {words(sight.block)}" for after, sight in one.seen]
    return (any(sight.state == "succeeded" for _, sight in one.seen) == assumed,
            "; ".join([*sights, f"the end: {one.seconds:.0f} s"]))


def _unchanged(s: Scene) -> Finding:
    before = s.bring(s.one).get().body
    after = s.patch(block_of(s.one, system=True)).must().resource.body
    return _is([key for key in ("location", "tags", "properties") if before.get(key) != after.get(key)], [])


def _with_an_old_etag(s: Scene) -> Write:
    """A PATCH with an ETag that a change has made old."""
    old = s.bring(s.one, system=True).get().headers["etag"]
    return s.bring(s.one).patch(block_of(s.one, s.two), if_match=old)


def _while_running(s: Scene, method: str) -> Finding:
    body = {"identity": block_of(s.one, system=True)}
    first = s.bring(s.one).begin(method, body if method == "PATCH" else s.put_body(block_of(s.one)))
    second = s.begin("PATCH", body)
    first.follow().must()
    if second.follow().answer.ok and not first.seen:
        return method == "PATCH" or None, f"the {method} was done when it was answered"
    return second.refused(409)


def _with_a_gone_identity(s: Scene) -> Scene:
    """The resource has the first and the third; the third is deleted."""
    if s.three in s.made:
        s.bring(s.one, s.three).delete(s.three)
    elif s.three.lower() not in users(s.get().block):
        raise NoAnswerError("The deleted identity is no longer on the resource")
    return s


def _created_again(s: Scene) -> Finding:
    def principal(scene: Scene) -> str:
        return str(users(scene.get().block).get(s.two.lower(), {}).get("principalId"))

    old = principal(s.bring(s.one, s.two))
    s.delete(s.two)
    names = {old: "the old principal", s.make_identity(s.two).body["properties"]["principalId"]: "the new principal"}
    found = [principal(s)]
    s.patch(block_of(s.one, s.two)).must()
    found += [principal(s), principal(s.bring(s.one).bring(s.one, s.two))]
    seen = [names.get(one, "another one") for one in found]
    return (seen[1] != "the new principal" == seen[2],
            f"after it was created: {seen[0]}; after {{}}: {seen[1]}; removed and added: {seen[2]}")


def _isolation_scope(s: Scene) -> Finding:
    regional = s.bring().identity("regional")
    s.make_identity(regional, ISOLATING, isolationScope="Regional")
    outcome = s.patch(block_of(regional))
    s.bring().delete(regional)
    return not outcome.made, outcome.words()


def _older(s: Scene) -> Finding:
    outcome = s.bring(s.one, system=True).write("PUT", s.put_body({}), OLDER).must()
    return not any(kinds(s.get().block)), outcome.words()


def _stable_versions(s: Scene) -> list[str]:
    """The stable api-versions of the resource that the provider lists."""
    types = (s.look("providers/Microsoft.Communication").body or {}).get("resourceTypes", [])
    return sorted(version for one in types if str(one.get("resourceType")).lower() == "communicationservices"
                  for version in one.get("apiVersions", []) if "preview" not in version) or [VERSION]


def _newest_shows(s: Scene) -> Finding:
    newest = _stable_versions(s)[-1]
    same = s.bring(s.one, system=True).get(newest).block == s.get().block
    return same and newest == _NEWEST, f"{newest}: {'the same' if same else 'another'} block"


def _alike(s: Scene) -> Finding:
    seen = {}
    for version in (VERSION, _COMPARED, *(one for one in _stable_versions(s) if one > _COMPARED)):
        read, outcome = s.bring(s.one).get(version), s.patch(block_of(s.one, system=True), version)
        seen[version] = (f"GET {read.status}, {words(read.block)}, PATCH {outcome.answer.status}, "
                         f"{' and '.join(outcome.headers) or 'no header'}, {words(outcome.resource.block)}")
    return len(set(seen.values())) == 1, "; ".join(f"{version}: {one}" for version, one in seen.items())


def _soon(s: Scene) -> Finding:
    def ask() -> dict[str, Any]:
        answer = s.arm.ask("POST", GRAPH, {"query": GRAPH_QUERY, "subscriptions": [s.subscription],
                                           "options": {"$top": 1000}}, "2021-03-01")
        if not answer.ok:
            raise NoAnswerError(f"Resource Graph refuses the query: {answer.status} {answer.code}")
        return next((row for row in answer.body["data"] if str(row["id"]).lower() == s.resource.lower()), {})

    s.bring()
    s.until(ask, lambda row: bool(row) and kinds(row["identity"] or {}) == kinds(block_of()), LIMIT)
    wanted = kinds(s.bring(s.one, system=True).get().block)
    s.row, seconds = s.until(ask, lambda row: bool(row) and kinds(row["identity"] or {}) == wanted, LIMIT)
    return seconds <= SOON, f"shown after {seconds} s"


def _row(s: Scene) -> Finding:
    same, lower = s.row["identity"] == s.get().block, s.row["resourceGroup"].islower()
    return same and lower, f"resourceGroup in lower case: {lower}; the same block: {same}"


def _role(s: Scene) -> Finding:
    made, seconds = s.bring().bring(system=True).grant()
    s.delete(made)
    return seconds < 5, f"granted after {seconds} s"


def _not_throttled(s: Scene) -> Finding:
    throttled = sum(answer.status == 429 for _, answer in s.arm.answers)
    left = sorted({name for _, answer in s.arm.answers for name in answer.headers
                   if name.startswith(("x-ms-ratelimit-remaining", "x-ms-user-quota"))})
    return throttled == 0, f"{throttled} of {len(s.arm.answers)} answers were 429; on what is left: {left or 'nothing'}"


def _retry_after(s: Scene) -> Finding:
    waits = sorted({answer.headers.get("retry-after", "none") for url, answer in s.arm.answers
                    if answer.status == 429 and GRAPH not in url})
    return "none" not in waits, f"Retry-After: {', '.join(waits)}" if waits else "no 429 came"


def _made(s: Scene, block: Block) -> Block:
    """What the resource has after a PATCH that the question needs to be made."""
    return s.patch(block).must().resource.block


def _is(found: Any, assumed: Any, what: str = "") -> Finding:
    return found == assumed, f"{found} {what}".strip()


QUESTIONS: list[Question] = [
    ("A1", "patch-taken", "A PATCH with identity, and nothing else, makes the change.", _patch_taken),
    ("A1", "patch-synchronous", "The answer is 200 with the finished resource and no operation to wait for.",
     lambda s: ((s.first.must().answer.status, s.first.answer.state, s.first.headers) == (200, "succeeded", []),
                s.first.words())),
    ("A1", "busy-while-running", "While the operation of a PATCH runs, the resource doesn't say that it is settled.",
     lambda s: _early(s.first.must(), False)),
    ("A1", "values-filled", "When a PATCH is done, each user-assigned identity has its clientId and principalId.",
     lambda s: _is(sorted(users(_made(s.bring(system=True), {"type": BOTH, MAP: {s.one: {}}}))[s.one.lower()]),
                   ["clientId", "principalId"])),
    ("A25", "put-settles-early", "After a PUT the resource shows Succeeded some time before the operation does.",
     lambda s: _early(s.created, True)),
    ("K11", "spelling-of-both", "The type of both kinds is answered with a space.",
     lambda s: _is(s.bring(s.one, system=True).get().block["type"], "SystemAssigned, UserAssigned")),
    ("K34", "nothing-else-changes", "A PATCH of the identity leaves tags and properties as they are.", _unchanged),
    ("A2", "map-merged", "An identity that the map of a PATCH doesn't name stays.",
     lambda s: s.bring(s.one).patch({"type": "UserAssigned", MAP: {s.two: {}}}).must().done(s.one, s.two)),
    ("A3", "null-removes", "Null as the value of an identity removes it.",
     lambda s: s.bring(s.one, s.two).patch(block_of(s.one, gone=[s.two])).done(s.one)),
    ("A4", "type-without-map", "A type with UserAssigned but no map keeps the map.",
     lambda s: s.bring(s.one).patch({"type": BOTH}).done(s.one, system=True)),
    ("K21", "map-needs-type", "A map with a type that doesn't say UserAssigned is refused with 400.",
     lambda s: s.bring(system=True).patch({"type": "SystemAssigned", MAP: {s.one: None}}).refused(400)),
    ("K22", "empty-user-assigned", "UserAssigned without any identity is refused with 400 MissingIdentityIds.",
     lambda s: s.bring().patch({"type": "UserAssigned"}).refused(400, "MissingIdentityIds")),
    ("A5", "last-removed", 'Type None removes all; the resource then has {"type": "None"}.',
     lambda s: _is(_made(s.bring(s.one, system=True), block_of()), {"type": "None"})),
    ("K12", "new-principal", "A system-assigned identity that is removed and added again has another principal.",
     lambda s: _is(len({s.bring(system=True).get().block["principalId"],
                        s.bring().bring(system=True).get().block["principalId"]}), 2, "principals")),
    ("A6", "if-match-fresh", "A PATCH with the ETag of the GET before it is taken.",
     lambda s: s.bring().patch(block_of(s.one), if_match=s.get().headers["etag"]).done(s.one)),
    ("A6", "if-match-old", "A PATCH with an ETag from before another change is refused with 412 and changes nothing.",
     lambda s: _with_an_old_etag(s).refused(412)),
    ("A6", "precondition-body", "A 412 has the code PreconditionFailed.",
     lambda s: _with_an_old_etag(s).refused(412, "PreconditionFailed")),
    ("A6", "if-match-weak", "The fresh ETag, written as a weak one, is refused with 412.",
     lambda s: s.bring(s.one).patch(block_of(system=True), if_match="W/" + s.get().headers["etag"]).refused(412)),
    ("A7", "write-while-busy", "While an operation runs, a PATCH is refused with 409.",
     lambda s: _while_running(s, "PUT")),
    ("A7", "patch-while-patching", "While the operation of a PATCH runs, another PATCH is refused with 409.",
     lambda s: _while_running(s, "PATCH")),
    ("A8", "key-casing-kept", "Keys are answered in the casing that they were sent in.",
     lambda s: _is(list(_made(s.bring(), block_of(s.one))[MAP]), [s.one])),
    ("A8", "keys-without-case", "A key in another casing names the same identity.",
     lambda s: _is(len(_made(s.bring(s.one), block_of(s.one.replace("/resource", "/RESOURCE")))[MAP]), 1)),
    ("A9", "gone-stays-listed", "An identity that is deleted stays in the resource's map.",
     lambda s: _is(s.three.lower() in users(_with_a_gone_identity(s).get().block), True, "(listed)")),
    ("A9", "gone-refused", "A PATCH that names a deleted identity with {} is refused, though the resource has it.",
     lambda s: _with_a_gone_identity(s).patch(block_of(s.one, s.three, s.two)).refused(400)),
    ("A9", "gone-removed", "A PATCH with null takes a deleted identity off the resource.",
     lambda s: _with_a_gone_identity(s).patch(block_of(s.one, gone=[s.three, s.two])).done(s.one)),
    ("A9", "created-again", "{} doesn't refresh an identity that was deleted and created again; to remove and add it "
     "does.", _created_again),
    ("new", "isolation-scope", "A user-assigned identity with isolationScope Regional is refused, since the resource "
     "is global.", _isolation_scope),
    ("A10", "unknown-identity", "An identity that doesn't exist is refused with 400 FailedIdentityOperation.",
     lambda s: s.bring(s.one).patch(block_of(s.one, s.identity("absent"))).refused(400, "FailedIdentityOperation")),
    ("K9", "put-at-older-version", "A PUT at 2023-03-31, which knows no identity, leaves the resource none.", _older),
    ("A11", "newest-version", "The newest stable api-version is 2026-03-18, and it shows the block that 2023-04-01 "
     "shows.", _newest_shows),
    ("A11", "versions-alike", "Every stable api-version from 2023-04-01 on answers GET and PATCH alike.", _alike),
    ("A13", "graph-soon", "Resource Graph takes the extension's query and shows a change within two minutes.",
     _soon),
    ("A15", "graph-row", "A row of Resource Graph has resourceGroup in lower case and the block as ARM answers it.",
     _row),
    ("A14", "role-at-once", "With principalType, a role can be granted to a new system-assigned identity at once.",
     _role),
    ("A12", "not-throttled", "As many requests as these are not throttled.", _not_throttled),
    ("A12", "retry-after", "A 429 of ARM says in Retry-After how long to wait.", _retry_after),
]
