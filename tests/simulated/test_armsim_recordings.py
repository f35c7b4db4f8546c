# SPDX-License-Identifier: MIT
"""armsim against recordings of the real service: the same requests, at the same times, get the same answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from armsim import SHAPES, Armsim, ManualClock

GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

# Steps of the recordings that are none of armsim's business.
OUT_OF_SCOPE = {
    "linkNotificationHub": "an action on the resource's notification hub",
    "listKeys": "keys: no command of ours reads them",
    "regenerateKey": "keys: no command of ours changes them",
}

# Headers that a client goes by. (Those that the recorder removes can't be compared.)
HEADERS = ("content-type", "etag", "azure-asyncoperation", "location", "x-ms-providerhub-traffic", "cache-control",
           "pragma", "expires", "x-content-type-options", "strict-transport-security", "request-context")


@dataclass
class Step:
    """One recorded request and its answer."""

    method: str
    url: str
    body: Any
    status: int
    headers: dict[str, str]
    answer: Any
    if_match: str | None = None

    @property
    def when(self) -> float | None:
        return parsedate_to_datetime(self.headers["date"]).timestamp() if "date" in self.headers else None


def from_yaml(path: Path) -> list[Step]:
    """The steps of a recording of azure-cli-testsdk."""
    steps = []
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML has it
    for one in yaml.load(path.read_text(encoding="utf-8"), loader)["interactions"]:  # noqa: S506  # both are safe
        request, response = one["request"], one["response"]
        steps.append(Step(request["method"], request["uri"], _json(request["body"]), response["status"]["code"],
                          {name.lower(): values[0] for name, values in response["headers"].items()},
                          _json(response["body"]["string"]), request.get("headers", {}).get("If-Match", [None])[0]))
    return steps


def from_powershell(path: Path) -> list[Step]:
    """The steps of the retyped recording of PowerShell."""
    steps = []
    for one in json.loads(path.read_text(encoding="utf-8"))["interactions"]:
        headers = one.get("headers") or {key: one[key] for key in ("etag", "date")}
        steps.append(Step(one["method"], one["url"], one.get("request_body"), one["status"],
                          {name.lower(): value for name, value in headers.items()}, one["body"]))
    return steps


def _json(text: Any) -> Any:
    return json.loads(text) if text else None


class Replay:
    """Plays steps to armsim and compares. GUIDs and operation names are renamed consistently: what is one in the
    recording is one in the simulation, and what differs there differs here.
    """

    def __init__(self, sim: Armsim, clock: ManualClock) -> None:
        self.sim = sim
        self.clock = clock
        self.session = requests.Session()
        self.session.trust_env = False  # the machine may have a bundle of its own
        self.session.verify = sim.ca_file
        self.names: dict[str, str] = {}  # recorded: simulated
        self.operations: dict[str, str] = {}  # recorded URL: simulated URL
        self.etags: dict[str, str] = {}  # recorded: simulated
        self.skipped: list[str] = []

    def play(self, step: Step) -> None:
        """Send one step's request and compare the answer."""
        action = step.url.split("?")[0].rsplit("/", 1)[-1]
        if action in OUT_OF_SCOPE:
            self.skipped.append(action)
            return
        url = self.operations.get(step.url) or step.url.replace("https://management.azure.com", self.sim.url)
        # The answer's Date is when it was sent; the request came no later.
        if step.when:
            self.clock.move_to(step.when)
        headers = {"If-Match": re.sub('".*"', lambda match: self.etags[match.group()], step.if_match)
                   } if step.if_match else {}
        body = step.body and json.loads(GUID.sub(lambda match: self.names.get(match.group(), match.group()),
                                                 json.dumps(step.body)))
        answer = self.session.request(step.method, url, json=body, headers=headers, timeout=10)
        assert answer.status_code == step.status, (step, answer.text)
        self._compare_headers(step, answer)
        self._compare(step.answer, _json(answer.text), step.method + " " + step.url.split("?")[0])

    def _compare_headers(self, step: Step, answer: requests.Response) -> None:
        for name in HEADERS:
            if name not in step.headers and not (name in ("azure-asyncoperation", "location") and name
                                                 in answer.headers):
                continue
            recorded, simulated = step.headers[name], answer.headers[name]
            if name == "etag":
                self.etags[recorded] = simulated
                assert re.fullmatch(r'"[0-9a-f]{8}-0000-[0-9a-f]{4}-0000-[0-9a-f]{12}"', simulated), simulated
            elif name in ("azure-asyncoperation", "location") and recorded.startswith("https:"):
                self.operations[recorded] = simulated
                assert re.sub(r"operationStatuses/.*", "", recorded).split("/", 3)[3] == re.sub(
                    r"operationStatuses/.*", "", simulated).split("/", 3)[3]
            else:
                assert simulated == recorded, name

    def _compare(self, recorded: Any, simulated: Any, where: str) -> None:
        """The same keys, casing and values; in the same order but inside `properties`, where recordings differ."""
        if isinstance(recorded, dict):
            assert isinstance(simulated, dict), where
            ordered = where.rsplit(".", 1)[-1] != "properties"
            keys = list(recorded), list(simulated)
            assert keys[0] == keys[1] if ordered else set(keys[0]) == set(keys[1]), (where, keys)
            for key, value in recorded.items():
                self._compare(value, simulated[key], f"{where}.{key}")
        elif isinstance(recorded, list):
            assert len(recorded) == len(simulated), where
            for index, value in enumerate(recorded):
                self._compare(value, simulated[index], f"{where}[{index}]")
        else:
            self._compare_value(recorded, simulated, where)

    def _compare_value(self, recorded: Any, simulated: Any, where: str) -> None:
        key = where.rsplit(".", 1)[-1]
        if key in ("createdAt", "lastModifiedAt", "startTime", "endTime"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", simulated), where
        elif key in ("createdBy", "lastModifiedBy", "hostName"):
            assert bool(simulated) == bool(recorded), where  # persons and the host's region differ by the year
        elif isinstance(recorded, str) and (GUID.search(recorded) or "*" in recorded):
            self._same_shape(recorded, simulated, where)
        else:
            assert recorded == simulated, where

    def _same_shape(self, recorded: str, simulated: str, where: str) -> None:
        pattern = re.compile(rf"({GUID.pattern})(\*[0-9A-F]{{64}})?", re.IGNORECASE)
        assert pattern.sub("#", recorded) == pattern.sub("#", simulated), where
        for one, other in zip(pattern.finditer(recorded), pattern.finditer(simulated), strict=True):
            assert self.names.setdefault(one.group(), other.group()) == other.group(), where
        assert len(set(self.names.values())) == len(self.names), where


@pytest.fixture
def replay() -> Iterator[Replay]:
    clock = ManualClock(0.0)
    with Armsim(clock) as sim:
        sim.state.add_subscription("00000000-0000-0000-0000-000000000000", "recorded")
        player = Replay(sim, clock)
        # Names that are given, not made: they stay what they are.
        player.names["00000000-0000-0000-0000-000000000000"] = "00000000-0000-0000-0000-000000000000"
        yield player


def prepare_group(replay: Replay, step: Step) -> None:
    """Make the group of a recording, which was there before it began."""
    _, _, _, _, subscription, _, group = step.url.split("?")[0].split("/")[:7]
    replay.sim.state.add_subscription(subscription, "recorded")
    replay.names[subscription] = subscription
    recorded = step.answer if step.answer and step.answer.get("type") == "Microsoft.Resources/resourceGroups" else {}
    replay.sim.state.add_group(group, subscription, recorded.get("location", "westus"), recorded.get("tags"))


def test_identity_recording(shared: Path, replay: Replay) -> None:
    steps = from_yaml(shared / "data" / "recordings" / "communication_identity_2023-12.yaml")
    assert len(steps) == 35
    replay.clock.move_to(steps[0].when or 0)
    prepare_group(replay, steps[0])
    for step in steps:
        replay.play(step)
    assert replay.skipped == []
    replay.sim.verify()


def test_recording_with_a_patch_of_tags(shared: Path, replay: Replay) -> None:
    steps = from_yaml(shared / "data" / "recordings" / "communication_scenario_2023-05_with_patch.yaml")
    replay.clock.move_to(steps[0].when or 0)
    prepare_group(replay, steps[0])
    for step in steps:
        replay.play(step)
    assert any(step.method == "PATCH" for step in steps)
    assert set(replay.skipped) <= set(OUT_OF_SCOPE)
    assert len(replay.skipped) == len([step for step in steps if step.method == "POST"])
    replay.sim.verify()


def test_powershell_recording_of_two_patches(shared: Path, replay: Replay) -> None:
    steps = from_powershell(shared / "data" / "recordings" / "powershell_update_2024-07.json")
    first = steps[0]
    parts = first.url.split("?")[0].split("/")
    prepare_group(replay, first)
    replay.clock.move_to((first.when or 0) - 60)
    state = replay.sim.state
    resource = state.add_resource(parts[-1], parts[6], subscription=parts[4])
    kept = state.resources[resource.lower()]
    kept.location = "Global"
    kept.properties = {key: first.answer["properties"][key] for key in ("dataLocation", "notificationHubId")}
    for step in steps:
        replay.play(step)
    # The GET at once after a PATCH shows the PATCH's own ETag (recorded).
    assert first.headers["etag"] == steps[1].headers["etag"]
    replay.sim.verify()


def as_acs(step: Step) -> Step:
    """A step of LoadTestService as if it were of ACS: other names, ACS's properties, and a principal's keys in its
    order.
    """
    def renamed(value: Any) -> Any:
        text = json.dumps(value)
        for theirs, ours in (("LoadTestService", "Communication"), ("loadTests", "communicationServices"),
                             ("api-version=2022-12-01", "api-version=2025-09-01")):
            text = text.replace(theirs, ours).replace(theirs.lower(), ours.lower())
        return json.loads(text)

    answer = renamed(step.answer)
    if answer and "systemData" in answer:
        host = answer["properties"]["dataPlaneURI"]
        answer["properties"] = {"provisioningState": answer["properties"]["provisioningState"], "hostName": host,
                                "immutableResourceId": host.split(".")[0], "dataLocation": "unitedstates"}
        for key, value in answer["identity"].get("userAssignedIdentities", {}).items():
            answer["identity"]["userAssignedIdentities"][key] = dict(sorted(value.items()))
    return Step(step.method, renamed(step.url), step.body, step.status, renamed(step.headers), answer)


def test_load_testing_recording_of_two_patches_with_an_identity(shared: Path, replay: Replay) -> None:
    recording = shared / "data" / "recordings" / "loadtest_identity_patch_2025-04.yaml"
    steps = [as_acs(step) for step in from_yaml(recording)]
    assert [(step.method, step.status) for step in steps] == [("PATCH", 202), *[("GET", 200)] * 3] * 2
    replay.clock.move_to((steps[0].when or 0) - 60)
    prepare_group(replay, steps[0])
    state = replay.sim.state
    state.options.patch = SHAPES["load-test"]
    kept = steps[7].answer["identity"]["userAssignedIdentities"]
    for first, block in ((steps[0], {"type": "SystemAssigned"}),
                         (steps[4], {"type": "UserAssigned", "userAssignedIdentities": dict.fromkeys(kept, {})})):
        parts = first.url.split("?")[0].split("/")
        state.add_user_identity("clitestid1", parts[6], parts[4])
        resource = state.add_resource(parts[-1], parts[6], subscription=parts[4], identity=block)
        state.resources[resource.lower()].location = "westus2"
    for step in steps:
        replay.play(step)
    replay.sim.verify()
