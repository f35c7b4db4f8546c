# SPDX-License-Identifier: MIT
"""`dev.py live` against armsim in many shapes, and against another server that has nothing of it."""

from __future__ import annotations

import html
import io
import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, unquote

import pytest
import yaml
from armsim import Armsim, Fault, ManualClock, ScaledClock, Throttle, wire
from armsim.http_types import Request
from armsim.patch_shapes import ALLOWED, FAILURES, SHAPES, PatchShape
from armsim.state import CLIENT, SUBSCRIPTION, TENANT
from az import ROOT, Az
from hypothesis import given
from hypothesis import strategies as st
from simulated.test_armsim_recordings import GUID, Replay, from_yaml, prepare_group

import tools.live
from tools.live import arm as arm_module
from tools.live import live
from tools.live import login as login_module
from tools.live.arm import Answer, Arm
from tools.live.commands import run_all
from tools.live.login import Login, LoginError, Run
from tools.live.questions import GRAPH, GRAPH_QUERY, OLDER, QUESTIONS, Questions
from tools.live.report import Report, document_lines
from tools.live.sanitise import Sanitiser, known_secrets
from tools.live.scene import READER, CannotAskError

GROUP = "Somebodys-Group"
QUICK: dict[str, Any] = {"put_resource_seconds": 2.0, "put_operation_seconds": 4.0}
WITH_INDEX = {"AZURE_CORE_COLLECT_TELEMETRY": "no"}  # without the index of commands, az takes some seconds more
TOKENS_AND_TRACES = {"msal_token_cache.json", "msal_token_cache.bin", "msal_http_cache.bin", "az.json", "az.sess"}
PATH_OF_THE_RESOURCE = "/communicationServices/[^/]+$"
UNKNOWN = {"created-again", "isolation-scope", "newest-version"}  # nobody knows what a simulation should answer
Runner = Callable[[Sequence[str]], Run]


@pytest.fixture(autouse=True)
def older_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """The version of a question; no command of ours sends it."""
    monkeypatch.setattr(wire, "_ROUTES", [
        (method, path, versions | {OLDER} if versions == wire.COMMUNICATION_VERSIONS else versions, handler)
        for method, path, versions, handler in wire._ROUTES])


def unlike(report: Report) -> dict[str, bool | None]:
    """The assumptions that don't hold, without those about which nothing is known."""
    return {key: one.holds for key, one in report.findings.items() if not one.holds and key not in UNKNOWN}


def brief(shape: PatchShape) -> PatchShape:
    """The same in less time."""
    return replace(shape, seconds=3.0, settles=shape.settles and 9.0)


def no_az(_args: Sequence[str]) -> Run:
    return Run(1, "", "no az here")


@dataclass
class Stage:
    """A simulated service with a clock moved by whoever waits, and a scene in it."""

    sim: Armsim
    scene: Questions

    def run(self, az: Runner = no_az) -> tuple[Report, list[str]]:
        said: list[str] = []
        self.scene.check()
        return live(self.scene, az, say=said.append), said

    @property
    def empty(self) -> bool:
        state = self.sim.state
        return not state.resources and not state.identities and not state.authorization.assignments


class NearArm(Arm):
    """Asks armsim without a connection: it would take most of the time. The whole run below has connections."""

    def __init__(self, sim: Armsim, token: Callable[[], str] = lambda: "a-token") -> None:
        super().__init__(sim.url, token, sim.clock, sim.ca_file)
        self.sim = sim

    def _open(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Answer:
        message = Message()
        for name, value in {**headers, "Content-Type": "application/json", "Authorization": f"Bearer {self.token}",
                            }.items():
            message[name] = value
        content = b"" if body is None else json.dumps(body).encode()
        answer = self.sim.exchange(Request.parse(method, url.removeprefix(self.endpoint), message, content,
                                                 self.sim.clock.now()))
        return Answer(answer.status, answer.headers, answer.body.decode("utf-8", "replace"))


def stage_of(sim: Armsim) -> Stage:
    sim.state.add_group(GROUP)
    return Stage(sim, Questions(NearArm(sim), SUBSCRIPTION, GROUP))


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Stage]]:
    running = []
    # The official schemas take half of the time; the commands' requests are held against them.
    monkeypatch.setattr(wire, "complaints", lambda *_: [])

    def start(**options: Any) -> Stage:
        running.append(Armsim(ManualClock(), **QUICK, **options).start())
        return stage_of(running[-1])

    yield start
    for sim in running:
        sim.stop()


# ---- every deviation is named, and no other --------------------------------------------------------------------------

NO_PATCH: dict[str, bool | None] = dict.fromkeys((
    "values-filled", "nothing-else-changes", "map-merged", "null-removes", "type-without-map", "map-needs-type",
    "empty-user-assigned", "last-removed", "if-match-fresh", "if-match-old", "precondition-body", "if-match-weak",
    "write-while-busy", "patch-while-patching", "key-casing-kept", "keys-without-case", "gone-refused", "gone-removed",
    "unknown-identity", "versions-alike"))
DEVIATIONS: dict[str, tuple[dict[str, Any], dict[str, bool | None], str]] = {
    "as assumed": ({}, {}, ""),
    "the map is replaced": ({"merge_patch": False}, {"map-merged": False}, "the map is replaced"),
    "If-Match is ignored": ({"honour_if_match": False}, {
        "if-match-old": False, "precondition-body": None, "if-match-weak": False}, "If-Match is ignored"),
    "If-Match is misunderstood": ({"misunderstand_if_match": True}, {"if-match-fresh": False},
                                  "refused: 412 PreconditionFailed"),
    "null is refused": ({"takes_null": False}, {"null-removes": False, "gone-removed": False},
                        "refused: 400 InvalidIdentityValues"),
    "202 with both headers": ({"patch": brief(SHAPES["load-test"])}, {"patch-synchronous": False},
                              "202 with Azure-AsyncOperation and Location, the body null"),
    "202 with Azure-AsyncOperation": ({"patch": brief(ALLOWED["202 and Azure-AsyncOperation"])},
                                      {"patch-synchronous": False},
                                      "202 with Azure-AsyncOperation, the body null"),
    "202 with Location": ({"patch": brief(SHAPES["container-app-environment"])}, {"patch-synchronous": False},
                          "202 with Location, an empty body"),
    "202 with neither": ({"patch": brief(ALLOWED["202 and no address"])}, {"patch-synchronous": False},
                         "202 without operation headers, the body null; no operation; done after"),
    "204": ({"patch": ALLOWED["204 at once"]}, {"patch-synchronous": False}, "204 without operation headers"),
    "the resource looks done": ({"patch": brief(ALLOWED["the resource looks done"])},
                                {"patch-synchronous": False, "busy-while-running": False}, "0 s: Succeeded"),
    "the resource shows it late": ({"patch": brief(ALLOWED["the resource shows it late"])},
                                   {"patch-synchronous": False, "busy-while-running": False}, "s after that"),
    "ignored": ({"patch": FAILURES["ignored at once"]}, {"patch-taken": False, **NO_PATCH}, "accepted, but not made"),
    "failed": ({"patch": brief(FAILURES["failed, 200"])},
               {"patch-taken": False, "patch-synchronous": False, **NO_PATCH}, "Failed (OperationFailed"),
    "throttled": ({"throttle": Throttle((20, 1), (10, 1), (10, 1))}, {"not-throttled": False}, "answers were 429"),
    "roles take time": ({"replication_seconds": 30, "replication_even_with_type": True}, {"role-at-once": False},
                        "granted after 30 s"),
    "a PATCH is refused": ({}, {
        "patch-taken": False, "patch-synchronous": None, "busy-while-running": None, **NO_PATCH},
        "refused: 400 PatchNotSupported"),
    "an answer of another form": ({}, {"graph-soon": None, "graph-row": None},
                                  "an answer of a form that nobody expected (KeyError: 'data')"),
}


FAULTS = {
    "a PATCH is refused": Fault("PATCH", PATH_OF_THE_RESOURCE, times=1000, status=400, code="PatchNotSupported"),
    "an answer of another form": Fault("POST", "ResourceGraph", times=1000, kind="raw", status=200,
                                       body='{"rows": []}', content_type="application/json"),
}


@pytest.mark.parametrize("name", DEVIATIONS)
def test_every_deviation_is_named_and_no_other(stage: Callable[..., Stage], name: str) -> None:
    options, expected, words = DEVIATIONS[name]
    here = stage(**options)
    if name in FAULTS:
        here.sim.add_fault(replace(FAULTS[name]))
    report, said = here.run()
    assert list(report.findings) == list(QUESTIONS)
    assert unlike(report) == expected
    assert any(words in one.seen for one in report.findings.values())
    assert report.stopped == ""
    assert here.empty
    assert "To delete" not in "\n".join(said)
    here.sim.verify()


def test_a_login_that_ends(stage: Callable[..., Stage]) -> None:
    here = stage()
    here.scene.check()
    tokens = iter(["one"])

    def token() -> str:
        for one in tokens:
            return one
        raise LoginError("AADSTS700082: The refresh token has expired.")

    here.scene.arm = NearArm(here.sim, token)
    here.sim.add_fault(Fault("PUT", PATH_OF_THE_RESOURCE, times=1000, status=401, code="ExpiredAuthenticationToken"))
    report = live(here.scene, no_az, say=lambda _: None)
    assert report.stopped.startswith("AADSTS700082")
    assert here.empty


def test_every_question_has_its_line() -> None:
    assert {question.line for question in QUESTIONS.values()} <= {*document_lines(), "new"}


# ---- it deletes what it made -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["identity", "resource", "question", "command"])
def test_ctrl_c_deletes_everything(stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    here = stage()

    def stop(*_: object, **__: object) -> Any:
        raise KeyboardInterrupt

    if when == "question":
        monkeypatch.setitem(QUESTIONS, "map-merged", QUESTIONS["map-merged"]._replace(ask=stop))
    elif when != "command":  # the request has reached the service; its answer is never seen
        ask, path = Arm.ask, {"identity": "-two", "resource": "/communicationServices/"}[when]

        def broken_off(self: Arm, method: str, target: str, *args: Any, **more: Any) -> Any:
            answer = ask(self, method, target, *args, **more)
            return stop() if method == "PUT" and path in target else answer

        monkeypatch.setattr(Arm, "ask", broken_off)
    report, said = here.run(stop if when == "command" else no_az)
    assert report.stopped == "Ctrl-C"
    assert not report.all_hold
    assert here.empty
    assert said[-1] == "Stopped: Ctrl-C"


def test_a_failure_deletes_everything(stage: Callable[..., Stage]) -> None:
    here = stage()
    here.sim.add_fault(Fault("PUT", "communicationServices", status=403, code="AuthorizationFailed"))
    report, _ = here.run()
    assert "can't be created: 403 AuthorizationFailed" in report.stopped
    assert here.empty


def test_what_can_not_be_deleted_is_named(stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch) -> None:
    here = stage()
    monkeypatch.setattr(tools.live, "QUESTIONS", {})
    here.sim.add_fault(Fault("DELETE", "-two$", status=403, code="AuthorizationFailed"))
    _, said = here.run()
    assert list(here.sim.state.identities) == [here.scene.two.lower()]
    assert f'  az identity delete --ids "{here.scene.two}"' in said


def test_keep(stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch) -> None:
    here = stage()
    monkeypatch.setattr(tools.live, "QUESTIONS", {})
    said: list[str] = []
    here.scene.check()
    live(here.scene, no_az, keep=True, say=said.append)
    assert len(here.sim.state.identities) == 3
    assert said[-4] == f'  az resource delete --ids "{here.scene.resource}"'


def test_nothing_else_is_written(stage: Callable[..., Stage]) -> None:
    here = stage()
    other = here.sim.state.add_resource("other", GROUP, identity={"type": "SystemAssigned"})
    before = here.sim.state.get_resource(other)
    here.run()
    assert here.sim.state.get_resource(other) == before
    written = {request.path for request in here.sim.requests if request.method != "GET"}
    assert all(here.scene.name in path or path == GRAPH for path in written)


def test_a_provider_that_is_not_registered(stage: Callable[..., Stage]) -> None:
    here = stage()
    here.sim.state.unregister("Microsoft.Communication")
    with pytest.raises(CannotAskError, match="az provider register --namespace Microsoft.Communication --wait"):
        here.scene.check()
    assert [request for request in here.sim.requests if request.method != "GET"] == []


# ---- what is written down --------------------------------------------------------------------------------------------


def test_no_secret_is_written_down(stage: Callable[..., Stage], tmp_path: Path) -> None:
    here = stage(patch=brief(SHAPES["load-test"]))
    here.sim.state.groups[SUBSCRIPTION, GROUP.lower()]["tags"] = {"cost-center": "4711-secret"}
    here.sim.state.add_resource("another-secret", "other-group")
    user, name = "jane.doe@contoso.example", "Jane Doe"
    planted = {"cost-center", "4711-secret", "another-secret", "other-group", str(Path.home()),
               "a-token", SUBSCRIPTION, TENANT, CLIENT, user, name, GROUP, "contoso", "203.0.113.77",
               "c0ffee00deadbeef0123456789abcdef", "MIIHpTCC", "keq3-UAT", "kgKrcT3N", here.sim.url.split("//")[1]}
    here.sim.add_fault(Fault("PATCH", PATH_OF_THE_RESOURCE, nth=3, status=403, code="AuthorizationFailed", message=(
        f"The client '{user}' ({name}) with object id '{CLIENT}' in {TENANT.replace('-', '')}, principal "
        f"c0ffee00deadbeef0123456789abcdef, from 203.0.113.77, https://login.contoso.example/{TENANT}?sig=keq3-UAT, "
        f"has no right over scope '/subscriptions/{SUBSCRIPTION}/resourcegroups/{GROUP.lower()}'"),
        headers={"x-ms-routing": user, "Location": f"https://eastus.contoso.example/{CLIENT}?s=keq3-UAT"}))
    report, _ = here.run(lambda args: Run(1, "", f"ERROR: {user} {Path.home()}/.azure {' '.join(args)}"))
    account = {"tenantId": TENANT, "user": {"name": user}, "name": name}
    sanitiser = Sanitiser(known_secrets(here.sim.url, SUBSCRIPTION, GROUP, account, "a-token"))
    written = "\n".join(path.read_text(encoding="utf-8") for path in report.write(tmp_path, sanitiser)).lower()
    for exchange in here.scene.arm.exchanges:
        planted |= set(GUID.findall(exchange.answer.text)) - {READER}
        planted |= set(re.findall(r"(?<=[*])[0-9A-F]{64}", exchange.answer.text))
    planted |= {secret.replace("-", "") for secret in planted if GUID.fullmatch(secret)}
    assert len(planted) > 50
    assert [secret for secret in planted if secret.lower() in written] == []
    assert "has no right over scope '/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/live-group'" \
        in written


def test_the_recording_can_be_replayed(stage: Callable[..., Stage], tmp_path: Path) -> None:
    here = stage()
    report, _ = here.run()
    report.write(tmp_path, Sanitiser(known_secrets(here.sim.url, SUBSCRIPTION, GROUP, {}, "a-token")))
    steps = from_yaml(tmp_path / "live-recording.yaml")
    assert len(steps) == len(here.scene.arm.exchanges)
    clock = ManualClock(steps[0].when or 0)
    with Armsim(clock, **QUICK) as sim:
        replay = Replay(sim, clock)
        prepare_group(replay, next(step for step in steps if step.answer.get("location")))
        for step in steps:
            replay.play(step)


def test_the_report(stage: Callable[..., Stage], tmp_path: Path) -> None:
    report, _ = stage(merge_patch=False).run()
    report.write(tmp_path, Sanitiser({}))
    data = json.loads((tmp_path / "live-report.json").read_text(encoding="utf-8"))
    by_key = {one["question"]: one for one in data["assumptions"]}
    assert not data["allHold"]
    assert by_key["map-merged"] == {
        "line": "A2", "question": "map-merged", "source": by_key["map-merged"]["source"],
        "assumption": "An identity that the map of a PATCH doesn't name stays.", "verdict": "DOES NOT HOLD",
        "service": "the map is replaced: the identity that was not named is gone"}
    table = (tmp_path / "live-report.md").read_text(encoding="utf-8")
    assert "| the map is replaced: the identity that was not named is gone | DOES NOT HOLD |" in table
    assert yaml.safe_load((tmp_path / "live-recording.yaml").read_text(encoding="utf-8"))["version"] == 1


# ---- the commands ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "words"), [
    (Run(1, "", "ERROR: it broke"), "exit 1: ERROR: it broke"),
    (Run(0, "", ""), "wanted system-assigned; printed no identity block; the resource has type 'None'"),
    (Run(0, '{"type": "SystemAssigned"}', ""),
     "wanted system-assigned; printed type 'SystemAssigned'; the resource has type 'None'"),
])
def test_a_command_that_does_not_do_it_is_named(stage: Callable[..., Stage], answer: Run, words: str) -> None:
    here = stage()
    here.scene.check()
    here.scene.make()
    ran = run_all(here.scene, lambda _: answer)
    assert {one.line.split()[3] for one in ran} == {"assign", "remove", "show", "list", "wait", "check"}
    assert (ran[1].holds, ran[1].seen) == (False, words)


GRANTED, MISSING = Run(0, '{"status": "warning"}', ""), Run(1, '{"status": "failed"}', "")


@pytest.mark.parametrize(("without", "with_it", "faults", "expected"), [
    (MISSING, GRANTED, [], (True, "without the role: failed, exit 1; with it: warning, exit 0")),
    (MISSING, MISSING, [], (False, "without the role: failed, exit 1; with it: failed, exit 1")),
    (GRANTED, GRANTED, [], (False, "without the role: warning, exit 0; with it: warning, exit 0")),
    (Run(2, "", "ERROR: 'check' is misspelled or not recognized by the system."), GRANTED, [],
     (None, "not answered: the extension has no command check")),
    (MISSING, GRANTED, [Fault("PUT", "roleAssignments", status=403, code="AuthorizationFailed")],
     (None, "not answered: The role can't be granted: 403 AuthorizationFailed")),
], ids=["right", "misses it", "sees one that isn't there", "no such command", "may not grant"])
def test_check_is_compared_with_a_role_that_is_granted(stage: Callable[..., Stage], without: Run, with_it: Run,
                                                       faults: list[Fault], expected: tuple[bool | None, str]) -> None:
    here = stage()
    for fault in faults:
        here.sim.add_fault(replace(fault))
    here.scene.check()
    here.scene.make()
    ran = run_all(here.scene, lambda _: with_it if here.sim.state.authorization.assignments else without)[-1]
    assert ran.line.endswith(f"check -n {here.scene.name} -g {GROUP} --role Reader --scope {here.scene.resource}")
    assert (ran.holds, ran.seen) == expected
    assert not here.sim.state.authorization.assignments


# ---- the whole of it, with the real az -------------------------------------------------------------------------------


@pytest.fixture
def logged_in(installed: Az, sim: Armsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user's surroundings: a login, and a folder to be in. Yields the folder of the CLI's settings."""
    real, clock = sim.clock, ScaledClock(5)
    sim.clock = clock
    sim.reset()
    sim.options.put_resource_seconds, sim.options.put_operation_seconds = 2.0, 12.0
    sim.state.add_group(GROUP)
    config = installed.copy(tmp_path / "azure").config
    for name, value in {**sim.env(), "AZURE_CONFIG_DIR": str(config)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(arm_module, "Clock", lambda: clock)
    monkeypatch.setattr(tools.live, "for_demo", lambda: SimpleNamespace(python=installed.python))
    monkeypatch.setattr(tools.live, "private_folder", lambda: nullcontext(installed.extensions.parent))
    monkeypatch.setattr(tools.live, "install_extension", lambda *_: installed.extensions)  # it is
    monkeypatch.chdir(tmp_path)
    yield config
    sim.clock = real


@pytest.mark.slow
def test_the_whole_run(logged_in: Path, installed: Az, sim: Armsim, capfd: pytest.CaptureFixture[str],
                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login_module, "OWN_SETTINGS", WITH_INDEX)
    exit_code = tools.live.run(["--resource-group", GROUP, "--yes"])
    said = capfd.readouterr().out
    report = json.loads(Path("live-report.json").read_text(encoding="utf-8"))
    odd = [one for one in report["assumptions"] if one["verdict"] != "holds" and one["question"] not in UNKNOWN]
    assert odd + [one for one in report["commands"] if one["verdict"] != "holds"
                  and one["service"] != "not answered: the extension has no command check"] == []
    assert exit_code == (0 if report["allHold"] else 1)
    assert "They cost nothing" in said
    assert not sim.state.resources
    assert not sim.state.identities
    text = Path("live-recording.yaml").read_text(encoding="utf-8") + json.dumps(report)
    assert not [secret for secret in (SUBSCRIPTION, TENANT, CLIENT, GROUP, "localhost", "armsim") if secret in text]
    assert Login(installed.python, installed.extensions)(
        ["communication", "identity", "list", "--all-subscriptions"]).exit_code == 0
    assert {one.body["query"] for one in sim.requests if one.path == GRAPH} == {GRAPH_QUERY}  # of commands, too


def test_nothing_is_made_without_a_yes(logged_in: Path, sim: Armsim, capfd: pytest.CaptureFixture[str],
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login_module, "OWN_SETTINGS", WITH_INDEX)
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))  # not a terminal
    assert tools.live.run(["--resource-group", GROUP]) == 2
    assert "add --yes" in capfd.readouterr().out
    assert {request.method for request in sim.requests} == {"GET"}


def test_no_setting_of_the_user_changes(logged_in: Path, installed: Az) -> None:
    def files() -> dict[Path, bytes]:
        found = [path for path in logged_in.rglob("*") if path.is_file() and path.parent.name != "commands"]
        return {path: path.read_bytes() for path in found}

    before = files()
    token = Login(installed.python, installed.extensions).token(SUBSCRIPTION)
    assert token.startswith("eyJ")
    assert {path.name for path, content in files().items() if content != before.get(path)} <= TOKENS_AND_TRACES


# ---- another server, which has nothing of armsim ---------------------------------------------------------------------


class Quiet(BaseHTTPRequestHandler):
    """A server of its own. `asked`: the headers of all requests to it."""

    protocol_version = "HTTP/1.1"
    asked: list[Any]

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def route(self, _path: str, _body: Any) -> tuple[int, Any, dict[str, str]]:
        return 200, {"status": "Succeeded"}, {}

    def handle_one(self) -> None:
        self.asked.append(self.headers)
        content = self.rfile.read(int(self.headers.get("content-length") or 0))
        status, answer, headers = self.route(self.path.split("?")[0].lower(), json.loads(content) if content else None)
        data = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response_only(status)
        for name, value in {**headers, "CONTENT-LENGTH": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_PATCH = do_POST = do_DELETE = handle_one


class Elsewhere(Quiet):
    """A service of other habits: plain HTTP, odd casing, 202 with a Location alone, a map that is replaced, no null,
    errors in plain text, no Resource Graph and no roles.
    """

    things: dict[str, dict[str, Any]]
    polls: list[int]
    place = "http://{host}/operation?sig=secret"  # where operations are followed
    header = "LOCATION"
    versions = ("2030-01-01", "2029-01-01-preview")
    keeps = refreshes = isolates = False  # what a PUT doesn't name; one created again; a regional one

    def route(self, path: str, body: Any) -> tuple[int, Any, dict[str, str]]:
        if path.endswith("/operation"):
            self.polls[0] -= 1
            return (202, "", {}) if self.polls[0] > 0 else (200, "", {})
        if re.fullmatch(r"/subscriptions/[^/]+/providers/[^/]+", path):
            types = [{"resourceType": "communicationservices", "apiVersions": list(self.versions)}]
            return 200, {"registrationState": "Registered", "resourceTypes": types}, {}
        if re.fullmatch(r"/subscriptions/[^/]+/resourcegroups/[^/]+", path):
            return 200, {"location": "moon"}, {}
        if "/communicationservices/" in path and "/roleassignments/" not in path:
            return self.resource(path, body)
        if "/userassignedidentities/" in path:
            if self.command == "DELETE":
                return (200, "", {}) if self.things.pop(path, None) else (204, "", {})
            if self.command == "PUT":
                self.things[path] = {"properties": {**body.get("properties", {}), "principalId": str(uuid.uuid4())}}
            return (200, self.things[path], {}) if path in self.things else (404, "gone", {})
        return 403, "<h1>Not here</h1>", {}

    def resource(self, path: str, body: Any) -> tuple[int, Any, dict[str, str]]:
        known = self.things.get(path)
        if self.command == "PUT":
            kept = known["identity"] if known and self.keeps else None
            known = self.things[path] = {**body, "identity": kept, "etag": 0}
        if known is None:
            return 404, "no such thing", {}
        if self.command in ("PUT", "PATCH") and "identity" in body:
            if self.headers.get("IF-MATCH") not in (None, str(known["etag"])):
                return 412, "no match", {}
            users = body["identity"].get("userAssignedIdentities") or {}
            if None in users.values() or not {user.lower() for user in users} <= set(self.things):
                return 422, "wrong map", {}
            if self.isolates and any("isolationScope" in self.things[user.lower()]["properties"] for user in users):
                return 400, "regional", {}
            self.write(known, body["identity"]["type"].lower(), users)
        if self.command == "DELETE":
            del self.things[path]
        if self.command != "GET":
            self.polls[0] = 2
            return 202, "", {self.header: self.place.format(host=self.headers["host"])}
        shown = {"ID": path.upper(), "properties": {}, "identity": known["identity"]}
        return 200, {key: value for key, value in shown.items() if value is not None}, {"etag": str(known["etag"])}

    def write(self, known: dict[str, Any], kind: str, users: dict[str, Any]) -> None:
        known["etag"] += 1
        old = known["identity"] or {}
        block: dict[str, Any] = {"type": "UserAssigned, SystemAssigned" if "," in kind else kind}
        if "system" in kind:
            block["principalId"] = old.get("principalId") or str(uuid.uuid4())
        if users:
            kept = {} if self.refreshes else old.get("userAssignedIdentities", {})
            block["userAssignedIdentities"] = {user.upper(): kept.get(user.upper()) or {
                "principalId": self.things[user.lower()]["properties"]["principalId"], "clientId": "c"}
                for user in users}
        known["identity"] = None if kind == "none" else block


@pytest.fixture
def serve() -> Iterator[Callable[..., Any]]:
    """Start a server of a class with these attributes."""
    servers = []

    def start(base: type[Quiet], **attributes: Any) -> Any:
        handler = type("Handler", (base,), {"asked": [], "things": {}, "polls": [0], **attributes})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        return SimpleNamespace(handler=handler, host=f"127.0.0.1:{server.server_address[1]}")

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def scene_at(host: str) -> Questions:
    scene = Questions(Arm(f"http://{host}", lambda: "t", ManualClock()), "s", "G")
    scene.check()
    return scene


def test_it_knows_no_simulation() -> None:
    files = list((ROOT / "tools" / "live").glob("*.py"))
    assert len(files) > 5
    assert [path.name for path in files if "armsim" in path.read_text(encoding="utf-8").lower()] == []


OTHER_HABITS: list[tuple[dict[str, Any], dict[str, tuple[bool | None, str]]]] = [
    ({}, {
        "created-again": (True, "after it was created: the old principal; after {}: the old principal; "
                                "removed and added: the new principal"),
        "isolation-scope": (False, "202 with Location"),
        "put-at-older-version": (True, "202 with Location"),
        "newest-version": (False, "2030-01-01: the same block")}),
    ({"refreshes": True, "isolates": True, "keeps": True, "versions": ("2026-03-18", "2023-04-01")}, {
        "created-again": (False, "after it was created: the old principal; after {}: the new principal; "
                                 "removed and added: the new principal"),
        "isolation-scope": (True, "refused: 400: regional"),
        "put-at-older-version": (False, "202 with Location"),
        "newest-version": (True, "2026-03-18: the same block")}),
]


@pytest.mark.parametrize(("habits", "open_questions"), OTHER_HABITS)
def test_another_server(serve: Callable[..., Any], tmp_path: Path, habits: dict[str, Any],
                        open_questions: dict[str, tuple[bool | None, str]]) -> None:
    server = serve(Elsewhere, **habits)
    scene = scene_at(server.host)
    report = live(scene, no_az, say=lambda _: None)
    report.write(tmp_path, Sanitiser(known_secrets(scene.arm.endpoint, "s", "G", {}, "t")))
    assert "secret" not in (tmp_path / "live-recording.yaml").read_text(encoding="utf-8")
    assert server.handler.things == {}
    found = report.findings
    assert {key: one.holds for key, one in found.items() if not one.holds and key not in open_questions} == {
        "patch-synchronous": False, "put-settles-early": False, "spelling-of-both": False, "map-merged": False,
        "null-removes": False, "type-without-map": False, "map-needs-type": False, "empty-user-assigned": False,
        "last-removed": False, "precondition-body": False, "write-while-busy": False, "patch-while-patching": False,
        "key-casing-kept": False, "gone-refused": False, "gone-removed": False, "unknown-identity": False,
        "graph-soon": None, "graph-row": None, "role-at-once": None}
    assert {key: (found[key].holds, found[key].seen.startswith(seen)) for key, (_, seen) in open_questions.items()} == {
        key: (holds, True) for key, (holds, _) in open_questions.items()}
    assert found["patch-taken"].seen.startswith("202 with Location, an empty body; the operation: Succeeded")
    assert found["null-removes"].seen == "refused: 422: wrong map"
    assert found["last-removed"].seen == "no identity block"
    assert f"{server.handler.versions[0]}: GET 200" in found["versions-alike"].seen
    assert "preview" not in found["versions-alike"].seen


# ---- the token goes to one host --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("header", "place"), [("LOCATION", "http://OTHER/operation"), *(
    ("AZURE-ASYNCOPERATION", place) for place in (
        "http://OTHER/operation", "HTTP://OTHER/operation?sig=secret", "//OTHER/operation",
        "http://{host}@OTHER/operation", "http://{host}\\@OTHER/operation", "http://{host}.example.com/operation",
        "https://{host}/operation", "ftp://{host}/operation", "http://[OTHER/operation"))])
def test_no_other_host_sees_a_token(serve: Callable[..., Any], header: str, place: str) -> None:
    other = serve(Quiet)
    scene = scene_at(serve(Elsewhere, place=place.replace("OTHER", other.host), header=header).host)
    scene.make()
    finding = scene.patch_taken()
    assert finding.holds  # the resource shows it
    assert "the operation: Unknown (its address is at another host, which gets no token)" in finding.seen
    assert other.handler.asked == []


@pytest.mark.parametrize("place", ["http://{host}/operation?sig=secret", "HTTP://{host}/operation", "/operation?s=t"])
def test_an_operation_of_the_same_host_is_followed(serve: Callable[..., Any], place: str) -> None:
    scene = scene_at(serve(Elsewhere, place=place, header="AZURE-ASYNCOPERATION").host)
    scene.make()
    assert "the operation: Succeeded" in scene.patch_taken().seen


def test_a_redirect_takes_no_token_along(serve: Callable[..., Any]) -> None:
    other = serve(Quiet)
    here = serve(Elsewhere, route=lambda *_: (302, "", {"LOCATION": f"http://{other.host}/"}))
    assert Arm(f"http://{here.host}", lambda: "t", ManualClock()).ask("GET", "/a", version="1").status == 302
    assert other.handler.asked == []


# ---- no secret survives, whatever address it is in -------------------------------------------------------------------

THEIRS = {"9b1c4f6e-2d3a-4b5c-8d7e-6f5a4b3c2d1e": "a subscription", "4d5e6f7a-8b9c-4d0e-9f1a-2b3c4d5e6f7a": "nobody's",
          "4d5e6f7a8b9c4d0e9f1a2b3c4d5e6f7a": "the same", "jane.doe@contoso.example": "a person", "Jane Doe": "a name",
          "Somebodys-Group": "a group", "203.0.113.77": "a machine", "name.communication.azure.com": "a resource"}
SIGNATURE = "keqUAT+secret/0=="
KNOWN = {"9b1c4f6e-2d3a-4b5c-8d7e-6f5a4b3c2d1e": "00000000-0000-0000-0000-000000000000", "Jane Doe": "somebody",
         "Somebodys-Group": "live-group"}

values = st.sampled_from(sorted(THEIRS))
parameters = st.lists(st.tuples(st.sampled_from(["c", "s", "h", "t", "sig", "Sig", "code", "x-sig"]),
                                st.one_of(st.just(SIGNATURE), values)), max_size=3)
encodings = st.lists(st.sampled_from([
    quote, lambda text: quote(text, safe=""), lambda text: json.dumps(text)[1:-1],
    lambda text: re.sub("%..", lambda code: code.group().lower(), quote(text, safe="")),
    lambda text: "".join(f"\\u{ord(one):04x}" if one in "@/?&=:" else one for one in text),
    lambda text: "".join(f"%{ord(one):02X}" for one in text), lambda text: text.replace("/", "\\/"),
    lambda text: text.replace("&", "&amp;").replace("@", "&#64;"), str.swapcase]), max_size=3)
wrappings = st.sampled_from([
    "{}", "see {} there", "({})", "'{}'", "Location: {}, and more", "[here]({})", "a={}", "<{}>", '{{"m": "{}"}}'])


@st.composite
def addresses(draw: st.DrawFn) -> str:
    start = draw(st.sampled_from(["https://eastus.contoso.example", "HTTP://jane.doe@contoso.example:80", "",
                                  "//eastus.contoso.example", "https://management.azure.com"]))
    path = "".join(f"/{part}" for part in draw(st.lists(st.one_of(st.just("providers"), values), max_size=3)))
    path += draw(st.sampled_from(["", f";sig={SIGNATURE}"]))
    query = draw(st.sampled_from("&;")).join(f"{name}={value}" for name, value in draw(parameters))
    return f"{start}{path}{draw(st.sampled_from('?#')) if query else ''}{query}"


def undone(text: str) -> str:
    """A text with all encodings undone: what a reader of the report can find in it."""
    before = ""
    while text != before:
        before = text
        text = html.unescape(unquote(re.sub(r"\\+[uU](\w{4})", lambda code: chr(int(code.group(1), 16)), text)))
        text = re.sub(r"\\+/", "/", text)
    return text.lower()


@given(addresses(), encodings, wrappings, st.booleans())
def test_no_secret_survives_in_any_address(address: str, encoded: list[Callable[[str], str]], wrapping: str,
                                           nested: bool) -> None:
    for encode in encoded:
        address = encode(address)
    text = wrapping.format(address)
    text = json.dumps({"error": {"message": text}}) if nested else text
    sanitiser = Sanitiser(KNOWN)
    clean = undone(sanitiser.text(text))
    assert [secret for secret in (*THEIRS, "contoso", "keqUAT", "secret") if secret.lower() in clean] == []
    again = undone(sanitiser.text(sanitiser.text(text)))
    assert again.replace(" ", "") == clean.replace(" ", "")  # what has been replaced stays


SUB = "9b1c4f6e-2d3a-4b5c-8d7e-6f5a4b3c2d1e"
ZERO = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(("text", "clean"), [
    (f"https://management.azure.com/subscriptions/{SUB}?api-version=2023-04-01&t=12&c=MIIH&s=k_e-q&h=abc",
     f"https://management.azure.com/subscriptions/{ZERO}?api-version=2023-04-01&t=xx&c=xxxx&s=xxxxx&h=xxx"),
    (f"x?id=%2Fsubscriptions%2F{SUB}", f"x?id={'x' * 51}"),
    (f"%2Fsubscriptions%2f{SUB}%252Fx", f"/subscriptions/{ZERO}/x"),
    ("mailto:jane%40contoso.example", "mailto:user@example.com"),
    ("/operations/1?c=MIIH&sig=abc%3D", "/operations/1?c=xxxx&sig=xxxx"),
    ("endpoint=https://name.communication.azure.com/;accesskey=abc==",
     "endpoint=xxxxxx//host.example.com/;accesskey=xxxxx"),
    ('{"error":{"message":"{\\"u\\":\\"https://a.example/?sig=abc\\"}"}}',
     '{"error":{"message":"{\\"u\\":\\"https://host.example.com/?sig=xxx\\"}"}}'),
    # what says nothing of anybody stays as it is written
    ("resources | where type =~ 'microsoft.communication/communicationservices' | order by id asc", ...),
    ("See https://aka.ms/a%20b, application/json; charset=utf-8, max-age=31536000; includeSubDomains", ...),
    ("SystemAssigned, UserAssigned: 100% of /a/b (in 3 s)", ...),
])
def test_what_an_address_becomes(text: str, clean: Any) -> None:
    assert Sanitiser(KNOWN).text(text) == (text if clean is ... else clean)
