# SPDX-License-Identifier: MIT
"""`dev.py live` against armsim in many shapes."""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from email import message_from_string
from pathlib import Path
from subprocess import CompletedProcess
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from armsim import Armsim, Fault, ManualClock, ScaledClock, Throttle, wire
from armsim.http_types import Request
from armsim.patch_shapes import ALLOWED, FAILURES, SHAPES, PatchShape
from armsim.state import CLIENT, SUBSCRIPTION, TENANT
from az import ROOT, Az
from hypothesis import given
from hypothesis import strategies as st

import tools.live
from tools.live import live
from tools.live.arm import Answer, Arm, NoAnswerError, Write
from tools.live.questions import GRAPH, GRAPH_QUERY, OLDER, QUESTIONS
from tools.live.sanitize import Sanitizer, known_secrets
from tools.live.scene import Scene

GROUP = "Somebodys-Group"
RESOURCE = "/communicationServices/[^/]+$"
UNKNOWN = {"created-again", "isolation-scope", "newest-version"}  # nobody knows what a simulation should answer
NAMES = [name for _, name, _, _ in QUESTIONS]
Runs = Callable[..., "CompletedProcess[str]"]
Verdicts = dict[str, str]
NO, OPEN = "DOES NOT HOLD", "not settled"


def done(exit_code: int, stdout: str = "", stderr: str = "") -> CompletedProcess[str]:
    return CompletedProcess([], exit_code, stdout, stderr)


def no_az(*_: str) -> CompletedProcess[str]:
    return done(1, stderr="no az here")


def brief(shape: PatchShape) -> PatchShape:
    """The same in less time."""
    return replace(shape, seconds=3.0, settles=shape.settles and 9.0)


class NearArm(Arm):
    """Asks armsim without a connection: it would take most of the time. The whole run below has connections."""

    def __init__(self, sim: Armsim) -> None:
        super().__init__(sim.url, lambda: "a-token")
        self.sim, self.clock = sim, sim.clock

    def _open(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Answer:
        sent = {**headers, "Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        message = message_from_string("".join(f"{name}: {value}\n" for name, value in sent.items()))
        content = b"" if body is None else json.dumps(body).encode()
        answer = self.sim.exchange(Request.parse(method, url.removeprefix(self.endpoint), message, content,
                                                 self.sim.clock.now()))
        return Answer(answer.status, answer.headers, answer.body.decode("utf-8", "replace"))


@dataclass
class Stage:
    """A simulated service with a clock moved by whoever waits, and a scene in it."""

    sim: Armsim
    scene: Scene

    def run(self, az: Runs = no_az, clean: Callable[[str], str] = str, **options: Any) -> tuple[dict[str, Any], str]:
        """The report, and what was said."""
        said: list[str] = []
        self.scene.check()
        return live(self.scene, az, clean, say=said.append, **options), "\n".join(said)

    @property
    def empty(self) -> bool:
        state = self.sim.state
        return not state.resources and not state.identities and not state.authorization.assignments


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Stage]]:
    running = []
    # The official schemas take half of the time; the commands' requests are held against them.
    monkeypatch.setattr(wire, "complaints", lambda *_: [])

    def start(only: str | None = None, fault: Fault | None = None, **options: Any) -> Stage:
        if only is not None:
            monkeypatch.setattr(tools.live, "QUESTIONS", [row for row in QUESTIONS if row[1] == only])
        sim = Armsim(ManualClock(), put_resource_seconds=2.0, put_operation_seconds=8.0, **options).start()
        running.append(sim)
        sim.state.add_group(GROUP)
        if fault:
            sim.add_fault(replace(fault))
        return Stage(sim, Scene(NearArm(sim), SUBSCRIPTION, GROUP))

    yield start
    for sim in running:
        sim.stop()


@pytest.fixture(autouse=True)
def older_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """The version of a question; no command of ours sends it."""
    monkeypatch.setattr(wire, "_ROUTES", [
        (method, path, versions | {OLDER} if versions == wire.COMMUNICATION_VERSIONS else versions, handler)
        for method, path, versions, handler in wire._ROUTES])


def unlike(report: Mapping[str, Any], among: Sequence[str] = NAMES, known: set[str] = UNKNOWN) -> Verdicts:
    """The questions whose assumption doesn't hold, without those about which nothing is known."""
    return {row["question"]: row["verdict"] for row in report["questions"]
            if row["verdict"] != "holds" and row["question"] in among and row["question"] not in known}


NO_PATCH: Verdicts = dict.fromkeys((
    "patch-synchronous", "busy-while-running", "values-filled", "nothing-else-changes", "map-merged", "null-removes",
    "type-without-map", "map-needs-type", "empty-user-assigned", "last-removed", "if-match-fresh", "if-match-old",
    "precondition-body", "if-match-weak", "write-while-busy", "patch-while-patching", "key-casing-kept",
    "keys-without-case", "gone-refused", "gone-removed", "unknown-identity", "versions-alike"), OPEN)
SYNCHRONOUS = {"patch-synchronous": NO}
DEVIATIONS: dict[str, tuple[dict[str, Any], Verdicts, str]] = {
    "as assumed": ({}, {}, ""),
    "the map is replaced": ({"merge_patch": False}, {"map-merged": NO}, "the resource then has type 'UserAssigned'"),
    "If-Match is ignored": ({"honor_if_match": False}, {
        "if-match-old": NO, "precondition-body": NO, "if-match-weak": NO}, "200 without operation headers"),
    "If-Match is misunderstood": ({"misunderstand_if_match": True}, {"if-match-fresh": NO}, "PreconditionFailed"),
    "null is refused": ({"takes_null": False}, {"null-removes": NO, "gone-removed": NO}, "InvalidIdentityValues"),
    **{f"PATCH: {seen}": ({"patch": brief(shape)}, SYNCHRONOUS, seen) for shape, seen in (
        (SHAPES["load-test"], "202 with Azure-AsyncOperation and Location, the body 'null'; the operation: Succeeded"),
        (ALLOWED["202 and Azure-AsyncOperation"], "202 with Azure-AsyncOperation, the body 'null'"),
        (SHAPES["container-app-environment"], "202 with Location, the body ''; the operation: Succeeded"),
        (ALLOWED["202 and no address"], "202 without operation headers, the body 'null'; no operation; done after"))},
    "204": ({"patch": ALLOWED["204 at once"]}, SYNCHRONOUS, "204 without operation headers"),
    "the resource looks done": ({"patch": brief(ALLOWED["the resource looks done"])},
                                {**SYNCHRONOUS, "busy-while-running": NO}, "0 s: succeeded"),
    "the resource shows it late": ({"patch": brief(ALLOWED["the resource shows it late"])},
                                   {**SYNCHRONOUS, "busy-while-running": NO}, "s after the end"),
    "ignored": ({"patch": FAILURES["ignored at once"]}, {
        "patch-taken": NO, **NO_PATCH, "patch-synchronous": "holds", "busy-while-running": "holds"}, "no identity"),
    "failed": ({"patch": brief(FAILURES["failed, 200"])}, {"patch-taken": NO, **NO_PATCH}, "OperationFailed"),
    "throttled": ({"throttle": Throttle((20, 1), (10, 1), (10, 1))}, {"not-throttled": NO}, "answers were 429"),
    "roles take time": ({"replication_seconds": 30, "replication_even_with_type": True}, {"role-at-once": NO},
                        "granted after 30 s"),
    "a PATCH is refused": ({"fault": Fault("PATCH", RESOURCE, times=1000, status=400, code="PatchNotSupported")},
                           {"patch-taken": NO, **NO_PATCH}, "PatchNotSupported"),
    "an answer of another form": ({"fault": Fault("POST", "ResourceGraph", times=1000, kind="raw", status=200,
                                                  body='{"rows": []}', content_type="application/json")},
                                  {"graph-soon": OPEN, "graph-row": OPEN},
                                  "the answer has an unexpected form: 'data'"),
}


@pytest.mark.parametrize("name", DEVIATIONS)
def test_every_deviation_is_named_and_no_other(stage: Callable[..., Stage], name: str) -> None:
    options, expected, words = DEVIATIONS[name]
    here = stage(**options)
    other = here.sim.state.add_resource("other", GROUP, identity={"type": "SystemAssigned"})
    before = here.sim.state.get_resource(other)
    report, said = here.run()
    assert report["stopped"] == ""
    assert [row["question"] for row in report["questions"]][:len(NAMES)] == NAMES
    assert unlike(report) == {one: verdict for one, verdict in expected.items() if verdict != "holds"}
    assert any(words in row["seen"] for row in report["questions"])
    assert not report["allHold"]  # there is no az
    assert 250 <= report["requests"] <= 600
    assert here.sim.state.get_resource(other) == before
    here.sim.state.resources.pop(other.lower())
    assert here.empty
    assert "still exist" not in said
    written = {request.path for request in here.sim.requests if request.method != "GET"}
    assert all(here.scene.name in path or path == GRAPH for path in written)
    here.sim.verify()


VERSIONS = json.dumps({"registrationState": "Registered", "resourceTypes": [
    {"resourceType": "CommunicationServices", "apiVersions": ["2030-01-01", "2031-01-01-preview", "2023-04-01"]}]})
AFTER = "after it was created: the old principal; after {}: the "


@pytest.mark.parametrize(("name", "fault", "verdict", "words"), [
    ("isolation-scope", None, NO, "200 without operation headers"),
    ("isolation-scope", Fault("PATCH", RESOURCE, status=400, code="Regional"), "holds", "400: "),
    ("created-again", None, NO, f"{AFTER}new principal; removed and added: the new principal"),
    ("created-again", Fault("PATCH", RESOURCE, nth=2, kind="raw", status=200, body="{}"), "holds",
     f"{AFTER}old principal; removed and added: the new principal"),
    ("put-at-older-version", Fault("PUT", RESOURCE, nth=2, kind="raw", status=200, body="{}"), NO, "200 without"),
    ("put-at-older-version", Fault("PUT", RESOURCE, nth=2, status=400, code="Unsupported"), OPEN, "A write was"),
    ("newest-version", Fault("GET", "/providers/Microsoft.Communication$", times=2, kind="raw", status=200,
                             body=VERSIONS), NO, "2030-01-01: another block"),
    ("gone-stays-listed", Fault("DELETE", "-three$", status=403, code="AuthorizationFailed"), OPEN, "A write was not"),
])
def test_a_question(stage: Callable[..., Stage], name: str, fault: Fault | None, verdict: str, words: str) -> None:
    row = stage(name, fault).run()[0]["questions"][0]
    assert (row["question"], row["verdict"], row["seen"][:len(words)]) == (name, verdict, words)


def test_every_question_has_its_line() -> None:
    lines = re.findall(r"^- \*\*([AK]\d+)\*\* ", (ROOT / "docs" / "service-behavior.md").read_text("utf-8"), re.M)
    assert {line for line, *_ in QUESTIONS} <= {*lines, "new"}
    assert len({assumption for _, _, assumption, _ in QUESTIONS}) == len(set(NAMES)) == len(NAMES) == 36


@pytest.mark.parametrize(("method", "path", "rows"), [
    ("PUT", "-two", 0), ("PUT", "/communicationServices/", 0), ("PATCH", "/communicationServices/", 0),
    ("POST", "ResourceGraph", 31), ("az", "", 36)])
def test_ctrl_c_deletes_everything(stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch, method: str,
                                   path: str, rows: int) -> None:
    def stop(*_: object) -> Any:
        raise KeyboardInterrupt

    def broken_off(self: Arm, asked: str, target: str, *args: Any, **more: Any) -> Any:
        answer = ask(self, asked, target, *args, **more)  # the request has reached the service
        return stop() if asked == method and path in target else answer

    ask, here = Arm.ask, stage()
    monkeypatch.setattr(Arm, "ask", broken_off)
    report, said = here.run(stop if method == "az" else no_az)
    assert (report["stopped"], report["allHold"], len(report["questions"])) == ("Ctrl-C", False, rows)
    assert here.empty
    assert said.endswith("Stopped: Ctrl-C")


@pytest.mark.parametrize(("fault", "keep", "stopped", "left"), [
    (Fault("PUT", RESOURCE, status=403, code="AuthorizationFailed"), False, "AuthorizationFailed", []),
    (Fault("DELETE", "-two$", status=403, code="AuthorizationFailed"), False, "", ["two"]),
    (Fault("DELETE", "-two$", times=3, status=503, code="ServerBusy"), False, "", []),
    (None, True, "", ["one", "two", "three"]),
], ids=["not made", "not deleted", "deleted late", "--keep"])
def test_what_is_left_is_named(stage: Callable[..., Stage], fault: Fault | None, keep: bool, stopped: str,
                               left: list[str]) -> None:
    here = stage("", fault)
    report, said = here.run(keep=keep)
    assert stopped in report["stopped"]
    ids = [here.scene.identity(one) for one in left]
    assert list(here.sim.state.identities) == [one.lower() for one in ids]
    ids += [here.scene.resource] if keep else []
    command = "\n  az resource delete --ids " + " ".join(f'"{one}"' for one in ids)
    assert said.partition("run:")[2].removesuffix("\nDone.") == (command if left else "")


def test_a_login_that_ends(stage: Callable[..., Stage]) -> None:
    here = stage("", Fault("PUT", RESOURCE, times=1000, status=401, code="ExpiredAuthenticationToken"))

    def ended() -> str:
        raise NoAnswerError("AADSTS700082: The refresh token has expired.")

    here.scene.arm.token, here.scene.arm._new_token = "a-token", ended
    report, _ = here.run()
    assert report["stopped"].startswith("AADSTS700082")
    assert here.empty


def test_a_provider_that_is_not_registered(stage: Callable[..., Stage]) -> None:
    here = stage()
    here.sim.state.unregister("Microsoft.Communication")
    with pytest.raises(NoAnswerError, match="az provider register --namespace Microsoft.Communication --wait"):
        here.scene.check()
    assert [request for request in here.sim.requests if request.method != "GET"] == []


GRANTED, MISSING = done(0, '{"status": "warning"}'), done(1, '{"status": "failed"}')
SHOWN, UNCHANGED = done(0, '{"type": "SystemAssigned"}'), "the resource has type 'None'"


@pytest.mark.parametrize(("verb", "before", "after", "code", "verdict", "seen"), [
    ("assign", no_az(), None, "", NO, f"exit 1: no az here; it printed no identity block; {UNCHANGED}"),
    ("assign", done(0), None, "", NO, f"exit 0: ; it printed no identity block; {UNCHANGED}"),
    ("assign", SHOWN, None, "", NO, f"exit 0: ; it printed type 'SystemAssigned'; {UNCHANGED}"),
    ("check", MISSING, GRANTED, "", "holds", "without the role: failed, exit 1; with it: warning, exit 0"),
    ("check", MISSING, MISSING, "", NO, "without the role: failed, exit 1; with it: failed, exit 1"),
    ("check", GRANTED, GRANTED, "", NO, "without the role: warning, exit 0; with it: warning, exit 0"),
    ("check", done(2, "", "'check' is misspelled or not recognized"), None, "", OPEN, "The extension has no command"),
    ("check", MISSING, GRANTED, "AuthorizationFailed", OPEN, "A write was not made: 403: "),
])
def test_a_command(stage: Callable[..., Stage], verb: str, before: CompletedProcess[str],
                   after: CompletedProcess[str] | None, code: str, verdict: str, seen: str) -> None:
    here = stage("", Fault("PUT", "roleAssignments", status=403, code=code) if code else None)
    report, _ = here.run(lambda *_: after or before if here.sim.state.authorization.assignments else before)
    rows = {row["question"].split()[3]: row for row in reversed(report["questions"])}
    assert set(rows) == {"assign", "remove", "show", "list", "wait", "check"}
    assert rows["assign"]["assumption"] == "The resource then has type 'SystemAssigned'."
    assert rows["check"]["question"] == (f"az communication identity check -n {here.scene.name} -g {GROUP} --role "
                                         f"Reader --scope {here.scene.resource}")
    assert (rows[verb]["verdict"], rows[verb]["seen"][:len(seen)]) == (verdict, seen)
    assert here.empty


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
    monkeypatch.setattr(Arm, "clock", clock)
    monkeypatch.setattr(tools.live, "OWN_SETTINGS", {"AZURE_CORE_COLLECT_TELEMETRY": "no"})  # az is faster then
    monkeypatch.setattr(tools.live, "for_demo", lambda: SimpleNamespace(python=installed.python))
    monkeypatch.setattr(tools.live, "private_folder", lambda: nullcontext(installed.extensions.parent))
    monkeypatch.setattr(tools.live, "install_extension", lambda *_: installed.extensions)  # it is
    monkeypatch.chdir(tmp_path)
    yield config
    sim.clock = real


@pytest.mark.slow
def test_the_whole_run(logged_in: Path, sim: Armsim, capfd: pytest.CaptureFixture[str]) -> None:
    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in logged_in.rglob("*") if path.is_file()}

    before = files()
    exit_code = tools.live.run(["--resource-group", GROUP, "--yes"])
    changed = {path for path, content in files().items() if content != before.get(path)}
    assert {path.name for path in changed if path.parent.name != "commands"} <= {
        "msal_token_cache.json", "msal_token_cache.bin", "msal_http_cache.bin", "az.json", "az.sess",
        "commandIndex.json", "extensionCommandTree.json", "helpIndex.json"}  # indexes: OWN_SETTINGS prevents that
    said = capfd.readouterr().out
    text = Path("live-report.json").read_text(encoding="utf-8")
    report = json.loads(text)
    names = [row["question"] for row in report["questions"]]
    check = {names[-1]} if report["questions"][-1]["seen"] == "The extension has no command check" else set()
    assert unlike(report, names, UNKNOWN | check) == {}
    assert exit_code == (0 if report["allHold"] else 1)
    assert "They cost nothing" in said
    assert not sim.state.resources
    assert not sim.state.identities
    assert [secret for secret in (SUBSCRIPTION, TENANT, CLIENT, GROUP, "localhost", "armsim") if secret in text] == []
    assert {one.body["query"] for one in sim.requests if one.path == GRAPH} == {GRAPH_QUERY}  # of commands, too


def test_nothing_is_made_without_a_yes(logged_in: Path, sim: Armsim, capfd: pytest.CaptureFixture[str],
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))  # not a terminal
    assert tools.live.run(["--resource-group", GROUP]) == 2
    assert "add --yes" in capfd.readouterr().out
    assert {request.method for request in sim.requests} == {"GET"}


class Recording(Arm):
    """Answers every PATCH with 202 and one header, all else with 200. `urls`: where requests went."""

    urls: list[str]
    header: tuple[str, str]

    def _open(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Answer:
        self.urls = [*getattr(self, "urls", []), url]
        return Answer(202, dict([self.header]), "") if method == "PATCH" else Answer(200, {}, "")


ELSEWHERE = "the operation: Unknown (its address is at another host, which gets no token)"


@pytest.mark.parametrize("header", ["LOCATION", "AZURE-ASYNCOPERATION"])
@pytest.mark.parametrize(("place", "said"), [*((place, ELSEWHERE) for place in (
    "https://other/operation", "HTTPS://OTHER/operation?sig=secret", "//other/operation", "https:/other/operation",
    "https://arm.local@other/operation", "https://arm.local\\@other/operation", "https://arm.local.other/operation",
    "https://arm.local:444/operation", "http://arm.local/operation", "ftp://arm.local/o", "https://[other/operation",
    "https://other/https://arm.local/", "operation", "https://arm.local")), *(
    (place, "the operation: Succeeded") for place in (
        "https://arm.local/operation?sig=secret", "HTTPS://ARM.local/operation", "https://arm.local:443/operation",
        "/operation?s=t"))])
def test_no_other_host_sees_a_token(header: str, place: str, said: str) -> None:
    arm = Recording("https://arm.local/", lambda: "t")
    arm.header = header, place
    assert said in Write(arm, "PATCH", "/a", "1").follow().words()
    assert len(arm.urls) == (2 if said == ELSEWHERE else 4)
    assert {urlsplit(url).hostname for url in arm.urls} == {"arm.local"}
    assert {urlsplit(url).port for url in arm.urls} <= {None, 443}


def test_a_redirect_takes_no_token_along(stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch) -> None:
    other = stage().sim
    here = stage(fault=Fault("GET", "/a", kind="raw", status=302, headers={"Location": f"{other.url}/a"})).sim
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(here.ca_file))
    assert Arm(here.url, lambda: "t").ask("GET", "/a", version="1").status == 302
    assert other.requests == []


def test_no_secret_is_written_down(stage: Callable[..., Stage]) -> None:
    here = stage(patch=brief(SHAPES["load-test"]))
    user, name = "jane.doe@contoso.example", "Jane Doe"
    planted = {str(Path.home()), "a-token", SUBSCRIPTION, TENANT, CLIENT, user, name, GROUP, "contoso", "203.0.113.77",
               "c0ffee00deadbeef0123456789abcdef", "keq3-UAT", here.sim.url.split("//")[1]}
    here.sim.add_fault(Fault("PATCH", RESOURCE, nth=2, status=403, code="AuthorizationFailed", message=(
        f"'{user}' ({name}), object id '{CLIENT}', in {TENANT.replace('-', '')}, principal "
        f"c0ffee00deadbeef0123456789abcdef, from 203.0.113.77, https://login.contoso.example/{TENANT}?sig=keq3-UAT, "
        f"has no right over scope '/subscriptions/{SUBSCRIPTION}/resourcegroups/{GROUP.lower()}'")))
    account = {"tenantId": TENANT, "user": {"name": user}, "name": name}
    clean = Sanitizer(known_secrets(here.sim.url, GROUP, account, "a-token")).text
    report, _ = here.run(lambda *args: done(1, stderr=f"ERROR: {user} {Path.home()}/.azure {' '.join(args)}"), clean)
    written = json.dumps(report).lower()
    for _, answer in here.scene.arm.answers:
        planted |= set(re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=[*])[0-9A-F]{64}", answer.text))
    planted |= {secret.replace("-", "") for secret in planted if len(secret) == 36}
    assert len(planted) > 50
    assert [secret for secret in planted if secret.lower() in written] == []
    assert re.search("has no right over scope '/subscriptions/00000000-0000-4000-8000-[0-9]{12}/resourcegroups/group'",
                     written)


THEIRS = {"9b1c4f6e-2d3a-4b5c-8d7e-6f5a4b3c2d1e": "a subscription", "4d5e6f7a-8b9c-4d0e-9f1a-2b3c4d5e6f7a": "nobody's",
          "4d5e6f7a8b9c4d0e9f1a2b3c4d5e6f7a": "the same", "jane.doe@contoso.example": "a person", "Jane Doe": "a name",
          "Somebodys-Group": "a group", "203.0.113.77": "a machine", "name.communication.azure.com": "a resource"}
SIGNATURE = "keqUAT+secret/0=="
KNOWN = {"Jane Doe": "somebody", "Somebodys-Group": "GROUP"}

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
    sanitizer = Sanitizer(KNOWN)
    clean = undone(sanitizer.text(text))
    assert [secret for secret in (*THEIRS, "contoso", "keqUAT", "secret") if secret.lower() in clean] == []
    again = undone(sanitizer.text(sanitizer.text(text)))
    assert again.replace(" ", "") == clean.replace(" ", "")  # what has been replaced stays


SUB, FIRST = "9b1c4f6e-2d3a-4b5c-8d7e-6f5a4b3c2d1e", "00000000-0000-4000-8000-000000000001"


@pytest.mark.parametrize(("text", "clean"), [
    (f"https://management.azure.com/subscriptions/{SUB}?api-version=2023-04-01&t=12&c=MIIH&s=k_e-q&h=abc",
     f"https://management.azure.com/subscriptions/{FIRST}?api-version=2023-04-01&t=xxx&c=xxx&s=xxx&h=xxx"),
    (f"x?id=%2Fsubscriptions%2F{SUB}&=keq&api-version=https://a.example", "x?id=xxx&=xxx&api-version=xxx"),
    (f"%2Fsubscriptions%2f{SUB}%252Fx", f"/subscriptions/{FIRST}/x"),
    ("mailto:jane%40contoso.example", "mailto:user@example.com"),
    ("/operations/1?c=MIIH&sig=abc%3D", "/operations/1?c=xxx&sig=xxx"),
    ("endpoint=https://name.communication.azure.com/;accesskey=abc==", "endpoint=xxx;accesskey=xxx"),
    ('{"m":"{\\"u\\":\\"https://a.example/?sig=abc\\"}"}', '{"m":"{\\"u\\":\\"https://host.example.com/?sig=xxx"}"}'),
    # what says nothing of anybody stays
    ("resources | where type =~ 'microsoft.communication/communicationservices' | order by id asc", ...),
    ("See https://aka.ms/a, application/json; 100% of /a/b (in 3 s)", ...),
    ("SystemAssigned, UserAssigned: live-0a1b2c3d-one", ...),
])
def test_what_an_address_becomes(text: str, clean: Any) -> None:
    assert Sanitizer(KNOWN).text(text) == (text if clean is ... else clean)


@pytest.mark.parametrize("before", range(1960, 2001, 4))
def test_a_long_answer_is_cut_when_it_is_clean(stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch,
                                               before: int) -> None:
    monkeypatch.setattr(tools.live, "QUESTIONS", [("A1", "long", "", lambda _: (True, f"{'x' * before} {SUB}"))])
    report, _ = stage().run(clean=Sanitizer({}).text)
    seen = report["questions"][0]["seen"]
    assert len(seen) <= 2000
    assert SUB[:4] not in seen
