# SPDX-License-Identifier: MIT
"""armsim answers PATCH in every shape: what the answer, the resource and the operation say, until the end and then."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from armsim import ALLOWED, FAILURES, SHAPES, ArmState, DirectClient, ManualClock, PatchShape
from armsim.http_types import Answer
from armsim.patch_shapes import ASYNC, LOCATION

VERSION = "?api-version=2025-09-01"
LOAD_TEST = SHAPES["load-test"]
EVERY = {**SHAPES, **ALLOWED, **FAILURES}


class Scene:
    """A resource that has the identity "kept", and a client that adds "added"."""

    def __init__(self, shape: PatchShape) -> None:
        self.clock = ManualClock()
        self.state = ArmState(self.clock)
        self.state.options.patch = shape
        self.kept, self.added = (self.state.add_user_identity(name, "g") for name in ("kept", "added"))
        self.app = self.state.add_resource("app", "g", identity={"type": "UserAssigned",
                                                                 "userAssignedIdentities": {self.kept: {}}})
        self.client = DirectClient(self.state)

    def patch(self, identity: str | None = None, **headers: str) -> Answer:
        return self.client("PATCH", self.app + VERSION, {"identity": {
            "type": "UserAssigned", "userAssignedIdentities": {identity or self.added: {}}}}, **headers)

    def read(self) -> dict[str, Any]:
        return dict(body_of(self.client("GET", self.app + VERSION)))

    def poll(self, address: str) -> Answer:
        answer = self.client("GET", address)
        assert self.client.wire.violations == []
        return answer


def body_of(answer: Answer) -> Any:
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    return json.loads(answer.body)


def shows(document: dict[str, Any]) -> str:
    """What of the block a document shows, in the words of PatchShape."""
    values = {key.rsplit("/", 1)[-1]: bool(value) for key, value in
              document["identity"]["userAssignedIdentities"].items()}
    return {(("kept", True),): "old", (("added", False), ("kept", False)): "empty",
            (("added", False), ("kept", True)): "added-empty",
            (("added", True), ("kept", True)): "filled"}[tuple(sorted(values.items()))]


def state_of(document: dict[str, Any]) -> Any:
    return document["properties"].get("provisioningState")


@pytest.mark.parametrize("name", EVERY)
def test_the_answer(name: str) -> None:
    shape, scene = EVERY[name], Scene(EVERY[name])
    answer = scene.patch()
    assert answer.status == shape.status
    assert {header for header in (ASYNC, LOCATION) if header in answer.headers} == set(shape.headers)
    if shape.body == "resource":
        assert (shows(body_of(answer)), state_of(body_of(answer))) == (shape.shows, shape.state)
    else:
        assert answer.body == (b"null" if shape.body == "null" else b"")
    assert answer.headers.get("Retry-After") == (str(shape.retry_after) if shape.retry_after is not None else None)
    assert scene.client.wire.violations == []


@pytest.mark.parametrize("name", [name for name, shape in EVERY.items() if not shape.at_once])
def test_the_resource_until_the_end_and_after_it(name: str) -> None:
    shape, scene = EVERY[name], Scene(EVERY[name])
    etags = [scene.client("GET", scene.app + VERSION).headers["ETag"]]
    scene.patch()
    scene.clock.sleep(shape.finishes - 0.5)
    document = scene.read()
    assert (shows(document), state_of(document)) == (shape.shows, shape.state)
    etags.append(scene.client("GET", scene.app + VERSION).headers["ETag"])
    scene.clock.sleep(0.5)
    document = scene.read()
    assert (shows(document), state_of(document)) == {
        "Succeeded": ("filled", "Succeeded"), "ignored": ("old", "Succeeded"),
        "Failed": ("old", shape.state_after or "Failed"), "Canceled": ("old", "Canceled")}[shape.ends]
    etags.append(scene.client("GET", scene.app + VERSION).headers["ETag"])
    assert len(set(etags)) == 3


@pytest.mark.parametrize("name", [name for name, shape in EVERY.items() if shape.at_once])
def test_done_at_once(name: str) -> None:
    shape, scene = EVERY[name], Scene(EVERY[name])
    answer = scene.patch()
    got = scene.client("GET", scene.app + VERSION)
    assert shows(body_of(got)) == ("old" if shape.ends == "ignored" else "filled")
    assert got.headers["ETag"] == answer.headers["ETag"]
    assert state_of(body_of(got)) == "Succeeded"


@pytest.mark.parametrize("name", [name for name, shape in EVERY.items() if shape.address == "good" and (
    ASYNC in shape.headers or shape.headers and shape.location == "status")])
def test_the_operation(name: str) -> None:
    shape, scene = EVERY[name], Scene(EVERY[name])
    address = scene.patch().headers[shape.headers[0]]
    running = scene.poll(address)
    assert (running.status, body_of(running)["status"]) == (200, shape.running)
    assert set(body_of(running)) == {"id", "name", "resourceId", "status", "startTime"}
    assert running.headers.get("Retry-After") == (str(shape.poll_retry_after) if shape.poll_retry_after else None)
    scene.clock.sleep(shape.seconds)
    over = scene.poll(address)
    assert over.status == 200
    assert "Retry-After" not in over.headers
    body = body_of(over)
    assert ("endTime" in body) is shape.end_time
    assert body["status"] == ("Succeeded" if shape.ends == "ignored" else shape.ends)
    if shape.ends in ("Failed", "Canceled"):
        assert body["error"] == {"code": shape.code, "message": shape.message}
    else:
        assert body["properties"] is None


@pytest.mark.parametrize("name", [name for name, shape in EVERY.items() if LOCATION in shape.headers
                                  and shape.location != "status" and not shape.at_once])
def test_a_location_of_its_own(name: str) -> None:
    shape, scene = EVERY[name], Scene(EVERY[name])
    address = scene.patch().headers[LOCATION]
    running = scene.poll(address)
    assert (running.status, running.body, running.headers[LOCATION]) == (202, b"", address)
    scene.clock.sleep(shape.seconds)
    over = scene.poll(address)
    if shape.ends == "Failed":
        assert (over.status, body_of(over)) == (400, {"error": {"code": shape.code, "message": shape.message}})
    elif shape.location == "nothing":
        assert (over.status, over.body) == (204, b"")
    else:
        assert (over.status, shows(body_of(over))) == (200, "filled")


@pytest.mark.parametrize(("kind", "status", "start"), [("missing", 404, b'{"error"'), ("html", 200, b"<html>"),
                                                       ("no-status", 200, b'{"id"')])
def test_addresses_that_are_no_good(kind: Any, status: int, start: bytes) -> None:
    scene = Scene(replace(LOAD_TEST, address=kind))
    answer = scene.poll(scene.patch().headers[ASYNC])
    assert (answer.status, answer.body[:len(start)]) == (status, start)
    assert b'"status"' not in answer.body


def test_addresses_are_long_and_hold_a_star() -> None:
    headers = Scene(LOAD_TEST).patch().headers
    for name in (ASYNC, LOCATION):
        assert 3000 < len(headers[name]) < 4096
        assert "*" in urlsplit(headers[name]).path
    assert headers[ASYNC] != headers[LOCATION]


@pytest.mark.parametrize("change", [
    lambda url: url.replace("*", "%2A"), lambda url: url.split("&s=")[0], lambda url: url + "&x=1",
    lambda url: url.replace("2025-09-01", "2023-04-01"), lambda url: url.replace("Statuses", "statuses"),
])
def test_an_address_that_comes_back_changed_is_a_violation(change: Any) -> None:
    scene = Scene(LOAD_TEST)
    scene.client("GET", change(scene.patch().headers[ASYNC]))
    assert "must come back as it was given" in scene.client.wire.violations[0]


def test_a_second_write_meanwhile() -> None:
    scene = Scene(LOAD_TEST)
    third = scene.state.add_user_identity("third", "g")
    etag = scene.client("GET", scene.app + VERSION).headers["ETag"]
    scene.patch(If_Match=etag)
    assert scene.patch(third, If_Match=etag).status == 412  # the first one's ETag is another
    refused = scene.patch(third)
    assert (refused.status, body_of(refused)["error"]["code"]) == (409, "Conflict")
    put = scene.client("PUT", scene.app + VERSION, {"location": "global", "properties": {"dataLocation": "europe"}})
    assert put.status == 409
    scene.clock.sleep(LOAD_TEST.seconds)
    assert scene.patch(third).status == 202


def test_a_service_that_takes_a_second_write_meanwhile_does_both() -> None:
    scene = Scene(replace(LOAD_TEST, accepts_writes=True))
    third = scene.state.add_user_identity("third", "g")
    first = scene.patch().headers[ASYNC]
    scene.clock.sleep(5)
    second = scene.patch(third)
    assert second.status == 202
    assert shows(scene.read()) == "filled"  # the second one's "old" is what the first one makes
    scene.clock.sleep(LOAD_TEST.seconds - 5)
    assert body_of(scene.poll(first))["status"] == "Succeeded"
    assert body_of(scene.poll(second.headers[ASYNC]))["status"] == "Accepted"
    scene.clock.sleep(5)
    assert set(scene.read()["identity"]["userAssignedIdentities"]) == {scene.kept, scene.added, third}


def test_looks_done_and_is_rolled_back() -> None:
    scene = Scene(FAILURES["failed after looking done"])
    answer = scene.patch()
    assert (shows(body_of(answer)), state_of(body_of(answer))) == ("filled", "Succeeded")
    assert (shows(scene.read()), state_of(scene.read())) == ("filled", "Succeeded")
    scene.clock.sleep(12)
    assert body_of(scene.poll(answer.headers[ASYNC]))["status"] == "Failed"
    assert (shows(scene.read()), state_of(scene.read())) == ("old", "Succeeded")


def test_settles_and_is_rolled_back_later() -> None:
    scene = Scene(replace(LOAD_TEST, seconds=60.0, settles=12.0, ends="Failed"))
    scene.patch()
    assert (shows(scene.read()), state_of(scene.read())) == ("old", "Updating")
    scene.clock.sleep(12)
    assert (shows(scene.read()), state_of(scene.read())) == ("filled", "Succeeded")
    assert scene.patch().status == 409
    scene.clock.sleep(48)
    assert (shows(scene.read()), state_of(scene.read())) == ("old", "Failed")


def test_a_failure_brings_back_all_that_was_sent() -> None:
    scene = Scene(FAILURES["failed"])
    before = scene.read()
    scene.client("PATCH", scene.app + VERSION, {"tags": {"new": "tag"}, "properties": {"disableLocalAuth": True},
                                                "identity": {"type": "SystemAssigned"}})
    scene.clock.sleep(12)
    after = scene.read()
    assert [after.get(key) for key in ("tags", "identity")] == [before.get(key) for key in ("tags", "identity")]
    assert "disableLocalAuth" not in after["properties"]
    scene.state.options.patch = PatchShape()
    assert state_of(body_of(scene.patch())) == "Succeeded"
    assert state_of(scene.read()) == "Succeeded"  # of the failure nothing is left


def test_one_resource_of_many_may_have_a_shape_of_its_own() -> None:
    scene = Scene(LOAD_TEST)
    scene.state.options.patch_of["other"] = FAILURES["ignored at once"]
    other = scene.state.add_resource("other", "g")
    assert scene.client("PATCH", other + VERSION, {"identity": {"type": "SystemAssigned"}}).status == 200
    assert scene.state.identity_of(other) is None
    assert scene.patch().status == 202


class NotWalked(dict[str, Any]):
    """Resources that can be looked up only."""

    def values(self) -> Any:
        raise AssertionError("walked through all resources")

    items = __iter__ = values


def test_requests_for_one_resource_do_not_look_at_the_others() -> None:
    scene = Scene(LOAD_TEST)
    scene.state.resources = NotWalked(scene.state.resources)
    address = scene.patch().headers[ASYNC]
    scene.clock.sleep(12)
    assert body_of(scene.poll(address))["status"] == "Succeeded"
    assert shows(scene.read()) == "filled"


def test_a_list_shows_what_the_resource_shows() -> None:
    scene = Scene(LOAD_TEST)
    scene.patch()
    path = scene.app.rsplit("/", 1)[0] + VERSION
    assert shows(body_of(scene.client("GET", path))["value"][0]) == "old"
    scene.clock.sleep(12)
    assert shows(body_of(scene.client("GET", path))["value"][0]) == "filled"


# ---- the recordings that the table is of -----------------------------------------------------------------------------


def kinds(kind: str | None) -> frozenset[str]:
    return frozenset(part.strip() for part in (kind or "None").split(","))


def may_show(row: dict[str, Any]) -> set[str]:
    """What the block in a recorded answer may be, in the words of PatchShape; nothing added: it can't be told."""
    answer, found = row["answer"], set()
    if isinstance(answer, str):
        return {"old", "empty", "added-empty", "filled"}
    values, is_new = set(answer["userValues"]), kinds(answer["identityType"]) == kinds(row["sent_type"])
    if not is_new or "set" not in row["sent_map"]:
        found.add("old")
    if is_new:
        found |= {"filled", "added-empty"} if "empty" not in values else {"empty", "added-empty"}
        found |= set() if values else {"empty", "filled"}
    return found


def covers(shape: PatchShape, row: dict[str, Any]) -> bool:
    answer, polls = row["answer"], [status for _, status in row["polls"]]
    body = {"null": "null", "(empty)": "empty"}.get(answer, "resource") if isinstance(answer, str) else "resource"
    headers = {name for name, there in ((ASYNC, row["async_operation"]), (LOCATION, row["location"])) if there}
    running = next((status for status in polls if status not in (None, "Succeeded")), None)
    by_location = bool(row["polls"]) and row["polls"][-1] == [200, None]
    return (shape.status == row["status"] and set(shape.headers) == headers and shape.body == body
            and running in (None, shape.running) and shape.shows in may_show(row)
            and (body != "resource" or shape.state == answer["provisioningState"])
            and (not by_location or shape.location == "resource"))


def test_the_table_covers_every_recorded_answer(shared: Path) -> None:
    rows = json.loads((shared / "data" / "identity_patch_answers.json").read_text(encoding="utf-8"))
    assert len(rows) == 71
    assert [row for row in rows if not any(covers(shape, row) for shape in SHAPES.values())] == []
    # "communication" is ACS's own PATCH of tags: no row of this data.
    assert [name for name, shape in SHAPES.items() if not any(covers(shape, row) for row in rows)] == ["communication"]
