# SPDX-License-Identifier: MIT
"""The questions to the service."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from .arm import NoAnswerError
from .scene import VERSION, CannotAskError, Scene
from .writing import LIMIT, MAP, Finding, Outcome, State, block_of, kinds, state, user, users, words

BOTH = "SystemAssigned,UserAssigned"
GRAPH = "/providers/Microsoft.ResourceGraph/resources"
GRAPH_VERSION = "2021-03-01"
# What the extension sends: Resource Graph pages only what has an ID and an order.
GRAPH_QUERY = ("resources | where type =~ 'microsoft.communication/communicationservices' "
               "| project id, name, resourceGroup, subscriptionId, identity | order by id asc")
SOON = 120.0  # seconds that Resource Graph and the directory may lag behind
OLDER = "2023-03-31"  # what Terraform's azurerm sends; its model has no identity
ISOLATING = "2024-11-30"  # of Microsoft.ManagedIdentity: the first that has isolationScope
_COMPARED, _NEWEST = "2025-09-01", "2026-03-18"  # that is known of


class Questions(Scene):
    """One method each, in the order in which they are put.

    Each brings the resource to a state of its own, does one thing, and says what it saw and whether that is what the
    extension and its tests assume: the first line of its docstring, after the number of the line in
    docs/service-behavior.md that it settles.
    """

    row: dict[str, Any] | None = None  # of Resource Graph

    def patch_taken(self) -> Finding:
        """A1: A PATCH with identity, and nothing else, makes the change."""
        finding = self.first_patch(state(system=True)).done(state(system=True))
        late = f"; the resource shows it {self.lag:.0f} s after that" if self.lag else ""
        return Finding(finding.holds, finding.seen + late)

    def patch_synchronous(self) -> Finding:
        """A1: The answer is 200 with the finished resource and no operation to wait for."""
        first = self._first()
        at_once = first.answer.status == 200 and not first.headers and first.answer.state.lower() == "succeeded"
        return Finding(at_once, first.words())

    def busy_while_running(self) -> Finding:
        """A1: While the operation of a PATCH runs, the resource doesn't say that it is settled."""
        seen = self._first().seen
        sights = "; ".join(f"{after:.0f} s: {one.state or 'no state'}, {words(one.block)}" for after, one in seen)
        settled = [one for _, one in seen if one.state.lower() == "succeeded"]
        return Finding(not settled, sights or "no operation was seen running")

    def values_filled(self) -> Finding:
        """A1: When a PATCH is done, each user-assigned identity has its clientId and principalId."""
        self.bring(system=True)
        outcome = self._made({"type": BOTH, MAP: {self.one: {}}}, state(self.one, system=True))
        at_once, filled = ({"clientId", "principalId"} <= set(user(block, self.one))
                           for block in (outcome.answer.block, outcome.block))
        return Finding(filled, f"in the answer to the PATCH {'' if at_once else 'not '}filled, "
                       f"at the end {'' if filled else 'not '}filled")

    def put_settles_early(self) -> Finding:
        """A25: After a PUT the resource shows Succeeded some time before the operation does."""
        if self.created is None or not self.created.seen:
            return Finding(None, "the PUT had no operation that was seen running")
        early = [seconds for seconds, one in self.created.seen if one.state.lower() == "succeeded"]
        return Finding(bool(early), f"operation {self.created.seconds:.0f} s; the resource Succeeded "
                       + (f"after {early[0]:.0f} s" if early else "not before"))

    def spelling_of_both(self) -> Finding:
        """K11: The type of both kinds is answered with a space."""
        spelled = str((self.bring(self.one, system=True).get().block or {}).get("type"))
        return Finding(spelled == "SystemAssigned, UserAssigned", f"'{spelled}'")

    def nothing_else_changes(self) -> Finding:
        """K34: A PATCH of the identity leaves tags and properties as they are."""
        before = self.bring(self.one).get().body
        outcome = self._made(block_of(self.one, system=True), state(self.one, system=True))
        after = outcome.resource.body if outcome.resource else {}
        changed = [key for key in ("location", "tags", "properties") if before.get(key) != after.get(key)]
        return Finding(not changed, f"changed: {', '.join(changed) or 'nothing'}")

    def map_merged(self) -> Finding:
        """A2: An identity that the map of a PATCH doesn't name stays."""
        outcome = self.bring(self.one)._made({"type": "UserAssigned", MAP: {self.two: {}}})
        if kinds(outcome.block) == state(self.two):
            return Finding(False, "the map is replaced: the identity that was not named is gone")
        merged = kinds(outcome.block)[1] == state(*self.users[:2])[1]
        return Finding(merged or None, "the map is merged" if merged else outcome.words())

    def null_removes(self) -> Finding:
        """A3: Null as the value of an identity removes it."""
        return self.bring(self.one, self.two).patch(block_of(self.one, gone=[self.two])).done(state(self.one))

    def type_without_map(self) -> Finding:
        """A4: A type with UserAssigned but no map keeps the map."""
        return self.bring(self.one).patch({"type": BOTH}).done(state(self.one, system=True))

    def map_needs_type(self) -> Finding:
        """K21: A map with a type that doesn't say UserAssigned is refused with 400."""
        return self.bring(system=True).patch({"type": "SystemAssigned", MAP: {self.one: None}}).refused(400)

    def empty_user_assigned(self) -> Finding:
        """K22: UserAssigned without any identity is refused with 400 MissingIdentityIds."""
        return self.bring().patch({"type": "UserAssigned"}).refused(400, "MissingIdentityIds")

    def last_removed(self) -> Finding:
        """A5: Type None removes all; the resource then has {"type": "None"}."""
        outcome = self.bring(self.one, system=True)._made(block_of(), state())
        return Finding(outcome.block == {"type": "None"}, words(outcome.block))

    def new_principal(self) -> Finding:
        """K12: A system-assigned identity that is removed and added again has another principal."""
        before = self.bring(system=True).principal()
        same = self.bring().bring(system=True).principal() == before
        return Finding(not same, f"{'the same' if same else 'another'} principal")

    def if_match_fresh(self) -> Finding:
        """A6: A PATCH with the ETag of the GET before it is taken."""
        etag = self.bring(system=True)._etag()
        return self.patch(block_of(self.one, system=True), if_match=etag).done(state(self.one, system=True))

    def if_match_old(self) -> Finding:
        """A6: A PATCH with an ETag from before another change is refused with 412 and changes nothing."""
        outcome = self._patch_with_an_old_etag()
        if outcome.answer.ok and self.two.lower() in kinds(outcome.block)[1]:
            return Finding(False, f"If-Match is ignored: {outcome.words()}")
        return outcome.refused(412)

    def precondition_body(self) -> Finding:
        """A6: A 412 has the code PreconditionFailed."""
        outcome = self._patch_with_an_old_etag()
        if outcome.answer.status != 412:
            return Finding(None, f"no 412 came: {outcome.words()}")
        wrapped = isinstance(outcome.answer.body, dict) and "error" in outcome.answer.body
        return Finding(outcome.answer.code == "PreconditionFailed",
                       f"{outcome.words()} ({'inside' if wrapped else 'without'} 'error')")

    def if_match_weak(self) -> Finding:
        """A6: The fresh ETag, written as a weak one, is refused with 412."""
        etag = self.bring(self.one)._etag()
        if etag.startswith("W/"):
            return Finding(None, "the service's own ETags are weak")
        return self.patch(block_of(self.one, system=True), if_match=f"W/{etag}").refused(412)

    def write_while_busy(self) -> Finding:
        """A7: While an operation runs, a PATCH is refused with 409."""
        self.need_patch()
        first = self.bring(self.one).begin("PUT", self.put_body(block_of(self.one)))
        second = self.begin("PATCH", {"identity": block_of(self.one, system=True)})
        if not first.follow().seen:
            return Finding(None, f"the PUT was not seen running: {first.words()}")
        return second.follow().refused(409)

    def patch_while_patching(self) -> Finding:
        """A7: While the operation of a PATCH runs, another PATCH is refused with 409."""
        first = self.bring(self.one).begin("PATCH", {"identity": block_of(self.one, system=True)})
        second = self.begin("PATCH", {"identity": block_of(self.one)})
        if not first.follow().answer.ok:
            raise CannotAskError(f"The PATCH was refused: {first.words()}")
        if second.follow().answer.ok and not first.seen:
            return Finding(True, "the first was done when it was answered")
        return second.refused(409)

    def key_casing_kept(self) -> Finding:
        """A8: Keys are answered in the casing that they were sent in."""
        self.bring()._made(block_of(self.one), state(self.one))
        found = "".join(users(self.get().block)).split("/")
        changed = [part for part, sent in zip(found, self.one.split("/"), strict=True) if part != sent]
        return Finding(not changed, f"answered as {', '.join(changed)}" if changed else "as they were sent")

    def keys_without_case(self) -> Finding:
        """A8: A key in another casing names the same identity."""
        other = self.one.replace("/resourcegroups/", "/RESOURCEGROUPS/").replace("/userAssigned", "/UserAssigned")
        keys = users(self.bring(self.one)._made({"type": BOTH, MAP: {other: {}}}).block)
        return Finding(len(keys) == 1, f"{len(keys)} keys afterwards")

    def gone_stays_listed(self) -> Finding:
        """A9: An identity that is deleted stays in the resource's map."""
        self._bring_a_gone_identity()
        listed = self.three.lower() in kinds(self.get().block)[1]
        return Finding(listed, "still in the map" if listed else "no longer in the map")

    def gone_refused(self) -> Finding:
        """A9: A PATCH that names a deleted identity with {} is refused, though the resource has it."""
        self._bring_a_gone_identity()
        return self.patch(block_of(self.one, self.three, self.two)).refused(400)

    def gone_removed(self) -> Finding:
        """A9: A PATCH with null takes a deleted identity off the resource."""
        self._bring_a_gone_identity()
        return self.patch(block_of(self.one, gone=[self.three, self.two])).done(state(self.one))

    def created_again(self) -> Finding:
        """A9: {} doesn't refresh an identity that was deleted and created again; to remove and add it does."""
        before = self.bring(self.one, self.two)._principal_of(self.two)
        if not self.delete(self.two):
            raise CannotAskError("The identity can't be deleted")
        new = self.make_identity(self.two).body["properties"]["principalId"]
        seen = {"after it was created": self._principal_of(self.two)}
        seen["after {}"] = self._principal_of(self.two, self.patch(block_of(self.one, self.two)))
        seen["removed and added"] = self.bring(self.one).bring(self.one, self.two)._principal_of(self.two)
        names = {before: "the old principal", new: "the new principal", "": "no principal"}
        return Finding(seen["after {}"] != new == seen["removed and added"], "; ".join(
            f"{when}: {names.get(principal, 'another principal')}" for when, principal in seen.items()))

    def isolation_scope(self) -> Finding:
        """new: A user-assigned identity with isolationScope Regional is refused, since the resource is global."""
        self.bring()
        regional = self.identity("regional")
        self.make_identity(regional, ISOLATING, isolationScope="Regional")
        outcome = self.patch(block_of(regional))
        self.bring()
        self.delete(regional)
        seen = outcome.words()
        return Finding(not outcome.made, f"refused: {seen}" if not outcome.answer.ok else seen)

    def unknown_identity(self) -> Finding:
        """A10: An identity that doesn't exist is refused with 400 FailedIdentityOperation."""
        self.bring(self.one)
        return self.patch(block_of(self.one, self.identity("absent"))).refused(400, "FailedIdentityOperation")

    def put_at_older_version(self) -> Finding:
        """K9: A PUT at 2023-03-31, which knows no identity, leaves the resource none."""
        self.bring(self.one, system=True)
        outcome = self.write("PUT", self.put_body(None), OLDER)
        if not outcome.made:
            raise CannotAskError(f"The PUT was not made: {outcome.words()}")
        return Finding(kinds(self.get().block) == state(), outcome.words())

    def newest_version(self) -> Finding:
        """A11: The newest stable api-version is 2026-03-18, and it shows the block that 2023-04-01 shows."""
        newest = self._stable_versions()[-1]
        self.bring(self.one, system=True)
        same = self.get(newest).block == self.get().block
        return Finding(same and newest == _NEWEST, f"{newest}: {'the same' if same else 'another'} block")

    def versions_alike(self) -> Finding:
        """A11: Every stable api-version from 2023-04-01 on answers GET and PATCH alike."""
        seen = {}
        for version in (VERSION, _COMPARED, *(one for one in self._stable_versions() if one > _COMPARED)):
            self.bring(self.one)
            read, outcome = self.get(version), self.patch(block_of(self.one, system=True), version)
            end = outcome.block and {key: value for key, value in outcome.block.items() if key != "principalId"}
            seen[version] = (read.status, words(read.block), outcome.answer.status, tuple(outcome.headers), str(end))
        alike = len(set(seen.values())) == 1
        said = "; ".join(f"{version}: GET {one[0]}, PATCH {one[2]} {' '.join(one[3])}".rstrip()
                         for version, one in seen.items())
        return Finding(alike, f"{said}{'' if alike else ': they differ'}")

    def graph_soon(self) -> Finding:
        """A13: Resource Graph takes the extension's query and shows a change within two minutes."""
        self.bring()
        self._graph_shows(state())
        self.bring(self.one, system=True)
        seconds = self._graph_shows(state(self.one, system=True))
        return Finding(seconds <= SOON, f"shown after {seconds:.0f} s")

    def graph_row(self) -> Finding:
        """A15: A row of Resource Graph has resourceGroup in lower case and the block as ARM answers it."""
        if not self.row:
            raise CannotAskError("There was no row")
        group = str(self.row.get("resourceGroup"))
        same, lower = self.row.get("identity") == self.get().block, group == group.lower()
        return Finding(same and lower, f"resourceGroup {'' if lower else 'not '}in lower case; the block is "
                       f"{'the same' if same else 'another one'}")

    def role_at_once(self) -> Finding:
        """A14: With principalType, a role can be granted to a new system-assigned identity at once."""
        made, seconds = self.bring().bring(system=True).grant()
        self.delete(made)
        return Finding(seconds < 5, f"granted after {seconds:.0f} s")

    def not_throttled(self) -> Finding:
        """A12: As many requests as these are not throttled."""
        answers = [exchange.answer for exchange in self.arm.exchanges]
        throttled = sum(answer.status == 429 for answer in answers)
        left = sorted({name for answer in answers for name in answer.headers
                       if name.startswith(("x-ms-ratelimit-remaining", "x-ms-user-quota"))})
        return Finding(throttled == 0, f"{throttled} of {len(answers)} answers were 429; headers on what is left: "
                       f"{', '.join(left) or 'none'}")

    def retry_after(self) -> Finding:
        """A12: A 429 of ARM says in Retry-After how long to wait."""
        waits = sorted({one.answer.headers.get("retry-after", "none") for one in self.arm.exchanges
                        if one.answer.status == 429 and GRAPH not in one.url})
        return Finding("none" not in waits, f"Retry-After: {', '.join(waits)}" if waits else "no 429 came")

    def _first(self) -> Outcome:
        if self.first is None or not self.first.answer.ok:
            raise CannotAskError("The first PATCH was refused" if self.first else "There was no first PATCH")
        return self.first

    def _made(self, block: dict[str, Any], wanted: State | None = None) -> Outcome:
        """A PATCH that the question needs to be made."""
        outcome = self.patch(block)
        if not outcome.made or wanted and kinds(outcome.block) != wanted:
            raise CannotAskError(f"The PATCH was not made: {outcome.words()}")
        return outcome

    def _etag(self) -> str:
        headers = self.get().headers
        if "etag" not in headers:
            raise CannotAskError("A GET of the resource has no ETag")
        return headers["etag"]

    def _patch_with_an_old_etag(self) -> Outcome:
        """A PATCH with an ETag that a change has made old."""
        old = self.bring(self.one, system=True)._etag()
        if self.bring(self.one)._etag() == old:
            raise CannotAskError("The ETag doesn't change with the identity")
        return self.patch(block_of(self.one, self.two), if_match=old)

    def _bring_a_gone_identity(self) -> None:
        """The resource has the first and the third; the third is deleted."""
        if self.three in self.made:
            self.bring(self.one, self.three)
            if not self.delete(self.three):
                raise CannotAskError("The identity can't be deleted")
        elif self.three.lower() not in kinds(self.get().block)[1]:
            raise CannotAskError("The deleted identity is no longer on the resource")

    def _principal_of(self, identity: str, outcome: Outcome | None = None) -> str:
        """The principal of a user-assigned identity as the resource has it; empty where it has none."""
        if outcome and not outcome.made:
            raise CannotAskError(f"The PATCH was not made: {outcome.words()}")
        return str(user(self.get().block, identity).get("principalId") or "")

    def _stable_versions(self) -> list[str]:
        """The stable api-versions of the resource that the provider lists."""
        types = (self.look("providers/Microsoft.Communication").body or {}).get("resourceTypes", [])
        listed = [version for one in types if str(one.get("resourceType")).lower() == "communicationservices"
                  for version in one.get("apiVersions", []) if "preview" not in version]
        return sorted(listed) or [VERSION]

    def _graph_shows(self, wanted: State) -> float:
        """The seconds until Resource Graph shows the resource with these identities. Raises CannotAskError."""
        started = self.arm.clock.now()
        body = {"query": GRAPH_QUERY, "subscriptions": [self.subscription], "options": {"$top": 1000}}
        while (seconds := float(self.arm.clock.now() - started)) < LIMIT:
            answer = self.arm.ask("POST", GRAPH, body, GRAPH_VERSION)
            if not answer.ok:
                raise CannotAskError(f"Resource Graph refuses the query: {answer.status} {answer.code}")
            for row in answer.body["data"]:
                if str(row["id"]).lower() == self.resource.lower() and kinds(row.get("identity")) == wanted:
                    self.row = row
                    return seconds
            self.arm.clock.sleep(5)
        raise CannotAskError(f"Resource Graph doesn't show the change after {LIMIT:.0f} s")


class Question(NamedTuple):
    """A question: the number of its line, what is assumed, and how it is asked."""

    line: str
    assumption: str
    ask: Callable[[Questions], Finding]


QUESTIONS = {name.replace("_", "-"): Question(found[1], found[2], method) for name, method in vars(Questions).items()
             if (found := re.fullmatch(r"(new|[AK]\d+): (.*)", str(method.__doc__)))}


def put(key: str, scene: Questions) -> Finding:
    """Put a question; where it gets no answer, or one that nobody expected, say why."""
    try:
        return QUESTIONS[key].ask(scene)
    except (CannotAskError, NoAnswerError) as error:
        return Finding(None, str(error))
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        return Finding(None, f"an answer of a form that nobody expected ({type(error).__name__}: {error})")
