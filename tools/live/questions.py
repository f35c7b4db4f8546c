# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The questions to the service, one function each, in the order in which they are put.

Each brings the resource to a state of its own, does one thing, and says what it saw and whether that is what the
extension and its tests assume (assumptions.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .arm import Answer, NoAnswerError
from .scene import VERSION, CannotAskError, Scene, block_of
from .writing import LIMIT, Outcome, follow, kinds, running, words

BOTH = "SystemAssigned,UserAssigned"
GRAPH = "/providers/Microsoft.ResourceGraph/resources"
GRAPH_VERSION = "2021-03-01"
# What the extension sends: Resource Graph pages only what has an ID and an order.
GRAPH_QUERY = ("resources | where type =~ 'microsoft.communication/communicationservices' "
               "| project id, name, resourceGroup, subscriptionId, identity | order by id asc")
SOON = 120.0  # seconds that Resource Graph and the directory may lag behind
_NEWEST_KNOWN = "2025-09-01"


@dataclass(frozen=True)
class Finding:
    """What was seen. `holds`: whether the assumption does; None: it could not be settled."""

    holds: bool | None
    seen: str


Question = Callable[[Scene], Finding]
QUESTIONS: dict[str, Question] = {}


def question(key: str) -> Callable[[Question], Question]:
    """Register a question under the key of its assumption."""
    def register(function: Question) -> Question:
        QUESTIONS[key] = function
        return function
    return register


def put(key: str, scene: Scene) -> Finding:
    """Put a question; where it gets no answer, or one that nobody expected, say why."""
    try:
        return QUESTIONS[key](scene)
    except (CannotAskError, NoAnswerError) as error:
        return Finding(None, str(error))
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        return Finding(None, f"an answer of a form that nobody expected ({type(error).__name__}: {error})")


# ---- is a PATCH with identity taken ----------------------------------------------------------------------------------


@question("patch-taken")
def patch_is_taken(scene: Scene) -> Finding:
    """A PATCH with identity, and nothing else, makes the change."""
    scene.first = scene.patch({"type": "SystemAssigned"})
    scene.wait_for(scene.first, (True, frozenset()))
    finding = _done(scene.first, (True, frozenset()))
    if finding.holds and scene.first.block:
        scene.principals.append(str(scene.first.block.get("principalId")))
    scene.takes_patch = bool(finding.holds)
    late = f"; the resource shows it {scene.lag:.0f} s after that" if scene.lag else ""
    return Finding(finding.holds, finding.seen + late)


@question("patch-synchronous")
def patch_is_synchronous(scene: Scene) -> Finding:
    """The answer is 200 with the finished resource and no operation to wait for."""
    return Finding(_first(scene).synchronous, _first(scene).words())


@question("busy-while-running")
def busy_while_it_runs(scene: Scene) -> Finding:
    """While the operation of a PATCH runs, the resource doesn't say that it is settled."""
    first = _first(scene)
    if not first.seen:
        return Finding(True, "no operation was seen running")
    sights = "; ".join(f"{sight.seconds:.0f} s: {sight.state or 'no state'}, {words(sight.block)}"
                       for sight in first.seen)
    return Finding(all(sight.state.lower() != "succeeded" for sight in first.seen), sights)


@question("put-settles-early")
def resource_settles_before_the_put(scene: Scene) -> Finding:
    """After a PUT the resource shows Succeeded some time before the operation does."""
    if scene.created is None or not scene.created.seen:
        return Finding(None, "the PUT had no operation that was seen running")
    early = [sight.seconds for sight in scene.created.seen if sight.state.lower() == "succeeded"]
    return Finding(bool(early), f"operation {scene.created.seconds:.0f} s; the resource Succeeded "
                   + (f"after {early[0]:.0f} s" if early else "not before"))


@question("values-filled")
def values_are_filled(scene: Scene) -> Finding:
    """When a PATCH is done, each user-assigned identity has its clientId and principalId."""
    scene.bring(system=True)
    outcome = scene.patch({"type": BOTH, "userAssignedIdentities": {scene.one: {}}})
    _need(outcome, (True, frozenset({scene.one.lower()})))
    at_once = _filled(outcome.answer.block)
    return Finding(_filled(outcome.block), f"in the answer to the PATCH {'filled' if at_once else 'not filled'}, "
                   f"at the end {'filled' if _filled(outcome.block) else 'not filled'}")


@question("spelling-of-both")
def spelling_of_both_kinds(scene: Scene) -> Finding:
    """The type of both kinds is answered with a space."""
    scene.bring(scene.one, system=True)
    spelled = str((scene.get().block or {}).get("type"))
    return Finding(spelled == "SystemAssigned, UserAssigned", f"'{spelled}'")


@question("nothing-else-changes")
def nothing_else_changes(scene: Scene) -> Finding:
    """A PATCH of the identity leaves tags and properties as they are."""
    scene.bring(scene.one)
    before = scene.get().body
    outcome = scene.patch(block_of([scene.one], system=True))
    _need(outcome, (True, frozenset({scene.one.lower()})))
    after = outcome.resource.body if outcome.resource else {}
    changed = [key for key in ("location", "tags", "properties") if before.get(key) != after.get(key)]
    return Finding(not changed, f"changed: {', '.join(changed)}" if changed else "location, tags, properties unchanged")


# ---- merged or replaced, null, types ---------------------------------------------------------------------------------


@question("map-merged")
def map_is_merged(scene: Scene) -> Finding:
    """An identity that the map of a PATCH doesn't name stays."""
    scene.bring(scene.one)
    outcome = scene.patch({"type": "UserAssigned", "userAssignedIdentities": {scene.two: {}}})
    _need_accepted(outcome)
    found = kinds(outcome.block)[1]
    if found == {scene.two.lower()}:
        return Finding(False, "the map is replaced: the identity that was not named is gone")
    merged = found == {scene.one.lower(), scene.two.lower()}
    return Finding(merged or None, "the map is merged" if merged else outcome.words())


@question("null-removes")
def null_removes(scene: Scene) -> Finding:
    """Null as the value of an identity removes it."""
    scene.bring(scene.one, scene.two)
    block = {"type": "UserAssigned", "userAssignedIdentities": {scene.one: {}, scene.two: None}}
    return _done(scene.patch(block), (False, frozenset({scene.one.lower()})))


@question("type-without-map")
def type_without_a_map(scene: Scene) -> Finding:
    """A type with UserAssigned but no map keeps the map."""
    scene.bring(scene.one)
    return _done(scene.patch({"type": BOTH}), (True, frozenset({scene.one.lower()})))


@question("map-needs-type")
def map_needs_its_type(scene: Scene) -> Finding:
    """A map with a type that doesn't say UserAssigned is refused with 400."""
    scene.bring(system=True)
    return _refused(scene.patch({"type": "SystemAssigned", "userAssignedIdentities": {scene.one: None}}), 400)


@question("empty-user-assigned")
def user_assigned_needs_an_identity(scene: Scene) -> Finding:
    """UserAssigned without any identity is refused with 400 MissingIdentityIds."""
    scene.bring()
    return _refused(scene.patch({"type": "UserAssigned"}), 400, "MissingIdentityIds")


@question("last-removed")
def last_one_is_removed(scene: Scene) -> Finding:
    """Type None removes all; the resource then has {"type": "None"}."""
    scene.bring(scene.one, system=True)
    outcome = scene.patch({"type": "None"})
    _need(outcome, (False, frozenset()))
    return Finding(outcome.block == {"type": "None"}, words(outcome.block))


@question("new-principal")
def new_principal_each_time(scene: Scene) -> Finding:
    """A system-assigned identity that is removed and added again has another principal."""
    if not scene.principals:
        scene.bring(system=True)
        scene.principals.append(_principal(scene))
    scene.bring()
    scene.bring(system=True)
    scene.principals.append(_principal(scene))
    differs = scene.principals[-1] != scene.principals[-2]
    return Finding(differs, "another principal" if differs else "the same principal")


# ---- If-Match --------------------------------------------------------------------------------------------------------


@question("if-match-fresh")
def fresh_etag_is_taken(scene: Scene) -> Finding:
    """A PATCH with the ETag of the GET before it is taken."""
    scene.bring(system=True)
    etag = _etag(scene.get())
    return _done(scene.patch(block_of([scene.one], system=True), if_match=etag), (True, frozenset({scene.one.lower()})))


@question("if-match-old")
def old_etag_is_refused(scene: Scene) -> Finding:
    """A PATCH with an ETag from before another change is refused with 412 and changes nothing."""
    old = _old_etag(scene)
    outcome = scene.patch(block_of([scene.one, scene.two]), if_match=old)
    if outcome.answer.ok and scene.two.lower() in kinds(outcome.block)[1]:
        return Finding(False, f"If-Match is ignored: {outcome.words()}")
    return _refused(outcome, 412)


@question("precondition-body")
def body_of_a_412(scene: Scene) -> Finding:
    """A 412 has the code PreconditionFailed."""
    outcome = scene.patch(block_of([scene.one, scene.two]), if_match=_old_etag(scene))
    if outcome.answer.status != 412:
        return Finding(None, f"no 412 came: {outcome.words()}")
    wrapped = isinstance(outcome.answer.body, dict) and "error" in outcome.answer.body
    return Finding(outcome.answer.code == "PreconditionFailed",
                   f"{outcome.words()} ({'inside' if wrapped else 'without'} 'error')")


@question("if-match-weak")
def weak_etag_is_refused(scene: Scene) -> Finding:
    """The fresh ETag, written as a weak one, is refused with 412."""
    scene.bring(scene.one)
    etag = _etag(scene.get())
    if etag.startswith("W/"):
        return Finding(None, "the service's own ETags are weak")
    return _refused(scene.patch(block_of([scene.one], system=True), if_match=f"W/{etag}"), 412)


# ---- two writes, casing, identities that are not there ---------------------------------------------------------------


@question("write-while-busy")
def second_write_is_refused(scene: Scene) -> Finding:
    """While an operation runs, a PATCH is refused with 409."""
    scene.needs_patch()
    scene.bring(scene.one)
    started = scene.arm.clock.now()
    first = Outcome(scene.arm.ask("PUT", scene.resource, scene.put_body(block_of([scene.one])), version=VERSION))
    second = scene.arm.send("PATCH", scene.resource, {"identity": block_of([scene.one], system=True)}, version=VERSION)
    follow(scene.arm, scene.resource, VERSION, first, started)
    if not first.seen:
        return Finding(None, f"the PUT was not seen running: {first.words()}")
    return _second(scene, second)


@question("patch-while-patching")
def second_patch_is_refused(scene: Scene) -> Finding:
    """While the operation of a PATCH runs, another PATCH is refused with 409."""
    scene.bring(scene.one)
    scene.needs_patch()
    started, block = scene.arm.clock.now(), block_of([scene.one], system=True)
    first = Outcome(scene.arm.ask("PATCH", scene.resource, {"identity": block}, version=VERSION))
    if not first.answer.ok:
        raise CannotAskError(f"The PATCH was refused: {first.words()}")
    if not running(scene.arm, scene.resource, VERSION, first.answer):
        return Finding(True, "the first was done when it was answered")
    second = scene.arm.send("PATCH", scene.resource, {"identity": block_of([scene.one])}, version=VERSION)
    follow(scene.arm, scene.resource, VERSION, first, started)
    return _second(scene, second)


@question("key-casing-kept")
def casing_of_keys_is_kept(scene: Scene) -> Finding:
    """Keys are answered in the casing that they were sent in."""
    scene.bring()
    _need(scene.patch(block_of([scene.one])), (False, frozenset({scene.one.lower()})))
    keys = list((scene.get().block or {}).get("userAssignedIdentities") or {})
    changed = [part for key in keys for part, sent in zip(key.split("/"), scene.one.split("/"), strict=True)
               if part != sent]
    return Finding(not changed, f"answered as {', '.join(changed)}" if changed else "as they were sent")


@question("keys-without-case")
def keys_compare_without_case(scene: Scene) -> Finding:
    """A key in another casing names the same identity."""
    scene.bring(scene.one)
    other = scene.one.replace("/resourcegroups/", "/RESOURCEGROUPS/").replace("/userAssigned", "/UserAssigned")
    outcome = scene.patch({"type": BOTH, "userAssignedIdentities": {other: {}}})
    _need_accepted(outcome)
    keys = list((outcome.block or {}).get("userAssignedIdentities") or {})
    return Finding(len(keys) == 1, f"{len(keys)} keys afterwards")


@question("unknown-identity")
def unknown_identity_is_refused(scene: Scene) -> Finding:
    """An identity that doesn't exist is refused with 400 FailedIdentityOperation."""
    scene.bring(scene.one)
    return _refused(scene.patch(block_of([scene.one, scene.identity("absent")])), 400, "FailedIdentityOperation")


@question("gone-stays-listed")
def gone_identity_stays_listed(scene: Scene) -> Finding:
    """An identity that is deleted stays in the resource's map."""
    _with_a_gone_identity(scene)
    listed = scene.three.lower() in kinds(scene.get().block)[1]
    return Finding(listed, "still in the map" if listed else "no longer in the map")


@question("gone-refused")
def gone_identity_can_not_be_named(scene: Scene) -> Finding:
    """A PATCH that names a deleted identity with {} is refused, though the resource has it."""
    _with_a_gone_identity(scene)
    return _refused(scene.patch(block_of([scene.one, scene.three, scene.two])), 400)


@question("gone-removed")
def gone_identity_can_be_removed(scene: Scene) -> Finding:
    """A PATCH with null takes a deleted identity off the resource."""
    _with_a_gone_identity(scene)
    return _done(scene.patch(block_of([scene.one], [scene.three, scene.two])), (False, frozenset({scene.one.lower()})))


# ---- versions, limits, and what comes later --------------------------------------------------------------------------


@question("versions-alike")
def versions_behave_alike(scene: Scene) -> Finding:
    """Every stable api-version from 2023-04-01 on answers GET and PATCH alike."""
    seen = {}
    for version in _versions(scene):
        scene.bring(scene.one)
        read = scene.get(version)
        outcome = scene.patch(block_of([scene.one], system=True), version=version)
        end = outcome.block and {key: value for key, value in outcome.block.items() if key != "principalId"}
        seen[version] = (read.status, words(read.block), outcome.answer.status, tuple(outcome.headers), str(end))
    alike = len(set(seen.values())) == 1
    said = "; ".join(f"{version}: GET {one[0]}, PATCH {one[2]} {' '.join(one[3])}".rstrip()
                     for version, one in seen.items())
    return Finding(alike, f"{said}{'' if alike else ': they differ'}")


@question("role-at-once")
def role_can_be_granted_at_once(scene: Scene) -> Finding:
    """With principalType, a role can be granted to a new system-assigned identity at once."""
    scene.bring()
    scene.bring(system=True)
    principal, started = _principal(scene), scene.arm.clock.now()
    while True:
        made, answer = scene.grant(principal)
        seconds = scene.arm.clock.now() - started
        if answer.code != "PrincipalNotFound" or seconds > LIMIT:
            break
        scene.arm.clock.sleep(5)
    if not answer.ok:
        raise CannotAskError(f"The role can't be granted: {answer.status} {answer.code}")
    scene.delete(made)
    return Finding(seconds < 5, f"granted after {seconds:.0f} s")


@question("graph-soon")
def resource_graph_shows_it_soon(scene: Scene) -> Finding:
    """Resource Graph takes the extension's query and shows a change within two minutes."""
    scene.bring()
    _graph_shows(scene, (False, frozenset()))
    scene.bring(scene.one, system=True)
    seconds = _graph_shows(scene, (True, frozenset({scene.one.lower()})))
    return Finding(seconds <= SOON, f"shown after {seconds:.0f} s")


@question("graph-row")
def row_of_resource_graph(scene: Scene) -> Finding:
    """A row of Resource Graph has resourceGroup in lower case and the block as ARM answers it."""
    if not scene.row:
        raise CannotAskError("There was no row")
    block, group = scene.get().block, str(scene.row.get("resourceGroup"))
    same, lower = scene.row.get("identity") == block, group == group.lower()
    return Finding(same and lower, f"resourceGroup {'' if lower else 'not '}in lower case; the block is "
                   f"{'the same' if same else 'another one'}")


@question("not-throttled")
def requests_are_not_throttled(scene: Scene) -> Finding:
    """As many requests as these are not throttled."""
    answers = [exchange.answer for exchange in scene.arm.exchanges]
    throttled = sum(answer.status == 429 for answer in answers)
    left = sorted({name for answer in answers for name in answer.headers
                   if name.startswith(("x-ms-ratelimit-remaining", "x-ms-user-quota"))})
    return Finding(throttled == 0, f"{throttled} of {len(answers)} answers were 429; headers on what is left: "
                   f"{', '.join(left) or 'none'}")


@question("retry-after")
def throttled_answers_say_how_long(scene: Scene) -> Finding:
    """A 429 of ARM says in Retry-After how long to wait."""
    throttled = [exchange.answer for exchange in scene.arm.exchanges
                 if exchange.answer.status == 429 and GRAPH not in exchange.url]
    if not throttled:
        return Finding(True, "no 429 came")
    waits = sorted({answer.headers.get("retry-after", "none") for answer in throttled})
    return Finding("none" not in waits, f"Retry-After: {', '.join(waits)}")


# ---- inside ----------------------------------------------------------------------------------------------------------


def _first(scene: Scene) -> Outcome:
    if scene.first is None or not scene.first.answer.ok:
        raise CannotAskError("The first PATCH was refused" if scene.first else "There was no first PATCH")
    return scene.first


def _done(outcome: Outcome, wanted: tuple[bool, frozenset[str]]) -> Finding:
    """Whether the write was accepted and made what was wanted."""
    done = outcome.made and kinds(outcome.block) == wanted
    said = outcome.words()
    if outcome.answer.ok and not done:
        said = f"accepted, but not made: {said}"
    elif not outcome.answer.ok:
        said = f"refused: {said}"
    return Finding(done, said)


def _refused(outcome: Outcome, status: int, code: str | None = None) -> Finding:
    """Whether the write was refused with this status and code."""
    right = outcome.answer.status == status and code in (None, outcome.answer.code)
    return Finding(right, outcome.words() if right or not outcome.answer.ok else f"not refused: {outcome.words()}")


def _second(scene: Scene, answer: Answer) -> Finding:
    """What a write while another one ran was answered; if it was taken, it is followed to its end."""
    outcome = Outcome(answer)
    follow(scene.arm, scene.resource, VERSION, outcome, scene.arm.clock.now())
    return _refused(outcome, 409)


def _need_accepted(outcome: Outcome) -> None:
    if not outcome.made:
        raise CannotAskError(f"The PATCH was not made: {outcome.words()}")


def _need(outcome: Outcome, wanted: tuple[bool, frozenset[str]]) -> None:
    if not _done(outcome, wanted).holds:
        raise CannotAskError(f"The PATCH was not made: {outcome.words()}")


def _filled(block: dict[str, object] | None) -> bool:
    users = (block or {}).get("userAssignedIdentities")
    return isinstance(users, dict) and all({"clientId", "principalId"} <= set(value or {}) for value in users.values())


def _principal(scene: Scene) -> str:
    return str((scene.get().block or {}).get("principalId"))


def _etag(answer: Answer) -> str:
    if "etag" not in answer.headers:
        raise CannotAskError("A GET of the resource has no ETag")
    return answer.headers["etag"]


def _old_etag(scene: Scene) -> str:
    """An ETag that a change has made old; the resource then has the first user-assigned identity alone."""
    scene.bring(scene.one, system=True)
    old = _etag(scene.get())
    scene.bring(scene.one)
    if _etag(scene.get()) == old:
        raise CannotAskError("The ETag doesn't change with the identity")
    return old


def _with_a_gone_identity(scene: Scene) -> None:
    """The resource has the first and the third; the third is deleted."""
    gone = next((made for made in scene.made if made.id == scene.three), None)
    if gone:
        scene.bring(scene.one, scene.three)
        if not scene.delete(gone):
            raise CannotAskError("The identity can't be deleted")
    elif scene.three.lower() not in kinds(scene.get().block)[1]:
        raise CannotAskError("The deleted identity is no longer on the resource")


def _versions(scene: Scene) -> list[str]:
    """The versions to compare: the two that are known, and the stable ones that the provider lists beyond."""
    answer = scene.arm.ask("GET", f"/subscriptions/{scene.subscription}/providers/Microsoft.Communication",
                           version="2021-04-01")
    types = answer.body.get("resourceTypes", []) if isinstance(answer.body, dict) else []
    listed: list[str] = next((one.get("apiVersions", []) for one in types
                   if str(one.get("resourceType")).lower() == "communicationservices"), [])
    return [VERSION, _NEWEST_KNOWN, *sorted(one for one in listed if one > _NEWEST_KNOWN and "preview" not in one)]


def _graph_shows(scene: Scene, wanted: tuple[bool, frozenset[str]]) -> float:
    """The seconds until Resource Graph shows the resource with these identities. Raises CannotAskError."""
    started = scene.arm.clock.now()
    body = {"query": GRAPH_QUERY, "subscriptions": [scene.subscription], "options": {"$top": 1000}}
    while scene.arm.clock.now() - started < LIMIT:
        answer = scene.arm.ask("POST", GRAPH, body, version=GRAPH_VERSION)
        if not answer.ok:
            raise CannotAskError(f"Resource Graph refuses the query: {answer.status} {answer.code}")
        for row in answer.body["data"]:
            if str(row["id"]).lower() == scene.resource.lower() and kinds(row.get("identity")) == wanted:
                scene.row = row
                return scene.arm.clock.now() - started
        scene.arm.clock.sleep(5)
    raise CannotAskError(f"Resource Graph doesn't show the change after {LIMIT:.0f} s")
