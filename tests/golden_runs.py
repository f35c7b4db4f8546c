# SPDX-License-Identifier: MIT
"""Runs of commands as readable text: the requests, what is printed, and the exit code. Whatever differs from run to run
(IDs that the service makes, times, the port) gets a name instead, and long IDs that occur everywhere have a short one:
{ACS}, {MI}, {AI}, {AI ELSEWHERE}.

An answer follows each request behind an arrow. A request that is repeated, or repeats until something is over, is one
line with `×n`. Where a run is about several resources, each resource's requests stand together.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count, groupby
from typing import Any
from uuid import UUID

import pytest
from armsim import Armsim, Fault, PatchShape, Request
from armsim.state import CLIENT, SUBSCRIPTION, TENANT
from in_process import InProcessAz, Input
from scenes import AI, ELSEWHERE, OTHER, READER_ID, USER_ID, block

Mask = Callable[[str], str]
_RESOURCE = re.compile(r"/communicationServices/([^/?]+)$", re.IGNORECASE)
_OPERATION = re.compile(r"/operation(?:Statuses|Results)/([^?]+)", re.IGNORECASE)
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KEPT = {USER_ID, READER_ID, "99999999-9999-9999-9999-999999999999"}
_GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
_SHORT = {f"{_GROUP}/providers/Microsoft.Communication/communicationServices/": "{ACS}/",
          _GROUP.replace("G", "g") + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/": "{MI}/",
          AI: "{AI}", ELSEWHERE: "{AI ELSEWHERE}"}
_MASKS = ((re.compile(r"\('Connection aborted\.', .*?\)\)"), "<the connection broke>"),  # how it broke is up to timing
          (re.compile(r"[0-9a-f-]{36}\*[0-9A-F]{64}"), "<operation>"),
          (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[\d.]*(?:Z|\+00:00)?"), "<time>"),
          (re.compile(r"\b\d+(?= seconds (?:of waiting|later))|(?<=this one for )\d+(?= seconds)"), "<n>"),
          (re.compile(r"(?<=\(y/N\):) "), "\n"),  # as if someone typed the answer
          (re.compile("\nExamples from command's help:.*", re.DOTALL), ""),  # azure-cli chooses them
          (re.compile(r"(The service is throttling [^\n]*)\n\1"), r"\1"))  # two of them, where <n> differs


@dataclass(frozen=True)
class Case:
    """One run. `before`: what myApp has (s: system-assigned, r: with two role assignments, 1 and 2: user-assigned), or
    None where it doesn't exist. `prepare` does the rest. `first`: a command that has run before.
    """

    name: str
    words: str  # behind `az communication identity`
    before: str | None = ""
    faults: tuple[dict[str, Any], ...] = ()  # the arguments of each Fault
    shape: PatchShape = PatchShape()
    prepare: Callable[[Armsim], object] = lambda _: None
    first: str = ""
    stdin: str = ""
    terminal: bool = False


def stage(sim: Armsim, before: str, name: str = "myApp", group: str = "rg") -> str:
    """A resource with the identities that `before` names; those and a second subscription exist."""
    sim.state.add_subscription(OTHER, "other")
    ids = {key: sim.state.add_user_identity(user, "rg") for key, user in (("1", "one"), ("2", "two"))}
    resource = sim.state.add_resource(name, group, identity=block(*(ids[key] for key in before if key in ids),
                                                                  system="s" in before))
    if "r" in before:
        for scope in (AI, ELSEWHERE):
            sim.state.add_role_assignment(scope, READER_ID, sim.state.identity_of(resource)["principalId"])
    return resource


def transcript(in_process: InProcessAz, sim: Armsim, cases: Sequence[Case], monkeypatch: pytest.MonkeyPatch) -> str:
    """All runs; those that are the same but for their names stand there once."""
    found: dict[str, list[str]] = {}
    for case in cases:
        found.setdefault(_run(in_process, sim, case, monkeypatch), []).append(case.name)
    return "\n".join(f"=== {'; '.join(names)}\n{text}" for text, names in found.items())


def _run(in_process: InProcessAz, sim: Armsim, case: Case, monkeypatch: pytest.MonkeyPatch) -> str:
    numbers = count(1)  # so that what is sorted by IDs has the same order each time
    monkeypatch.setattr("uuid.uuid4", lambda: UUID(f"cccccccc-cccc-4ccc-8ccc-{next(numbers):012x}"))
    sim.reset()
    sim.options.patch = case.shape
    if case.before is not None:
        stage(sim, case.before)
    case.prepare(sim)
    names = _names(sim)
    if case.first:
        assert in_process(_words(case.first)).exit_code == 0, case.name
        sim.clear_log()
    for fault in case.faults:
        sim.add_fault(Fault(**fault))
    run = in_process.captured(_words(case.words), Input(case.stdin, case.terminal))
    requests, operations = list(sim.requests), {key: one.resource_id for key, one in sim.state.operations.items()}
    assert not sim.wire.violations, (case.name, sim.wire.violations)
    assert not sim.faults.unused(), (case.name, sim.faults.unused())
    sim.faults.all.clear()
    several = f"{case.words} {case.stdin}".count("communicationServices") > 1
    mask = _mask(names | _names(sim), sim.url)
    lines = _request_lines(requests, operations, mask, watch=case.words.startswith("wait"), several=several)
    messages = mask(run.stderr.rstrip())
    text = "\n".join([f"$ az communication identity {mask(case.words)}", *lines,
                      "--- standard output", mask(run.output.rstrip()),
                      "--- standard error", _sorted_warnings(messages) if several else messages,
                      f"--- exit code {run.exit_code}", ""])
    return re.sub("\n\n+", "\n", text)


def _words(text: str) -> list[str]:
    return ["communication", "identity", *shlex.split(text)]


def _names(sim: Armsim) -> dict[str, str]:
    """A name for each ID that the service makes and that a user sees."""
    names: dict[str, str] = {}
    for identity in sim.state.identities.values():
        name = identity.id.rsplit("/", 1)[-1]
        names |= {identity.principal_id: f"<{name}'s principal>", identity.client_id: f"<{name}'s client>"}
    for resource in sim.state.resources.values():
        principal = resource.document(TENANT).get("identity", {}).get("principalId")
        names |= {principal: f"<{resource.name}'s principal>"} if principal else {}
    return names


def _mask(names: dict[str, str], url: str) -> Mask:
    known = {url: "https://armsim", url.removeprefix("https://"): "armsim", **_SHORT, SUBSCRIPTION: "SUB",
             OTHER: "OTHER", TENANT: "TENANT", CLIENT: "LOGIN", **names}

    def guid(found: re.Match[str]) -> str:
        return found[0] if found[0] in _KEPT or found[0].startswith("00000000") else "<guid>"

    def mask(text: str) -> str:
        for pattern, name in _MASKS:
            text = pattern.sub(name, text)
        for value, name in known.items():
            text = text.replace(value, name)
        return _GUID.sub(guid, text)
    return mask


def _sorted_warnings(text: str) -> str:
    """Messages, where those that follow each other are sorted: which resource comes first is a matter of threads."""
    found = re.split(r"^(?=WARNING: |ERROR: |Remove \d)", text, flags=re.MULTILINE)
    return "\n".join(message.rstrip("\n") for warns, some in groupby(found, lambda one: one.startswith("WARNING"))
                     for message in (sorted(some) if warns else some))


# ---- requests --------------------------------------------------------------------------------------------------------

def _request_lines(requests: Sequence[Request], operations: dict[str, str], mask: Mask, *, watch: bool, several: bool
                   ) -> list[str]:
    """The requests in their order, or in that of each resource where there are several."""
    groups: dict[str, list[Request]] = {}
    for request in requests:
        groups.setdefault(_target(request, operations, mask) if several else "", []).append(request)
    return [line for key in sorted(groups) for line in (
        _collapsed(groups[key], mask, watch) if key.startswith("/") or not several
        else dict.fromkeys(mask(_line(request)) for request in groups[key]))]  # whether they share is up to threads


def _target(request: Request, operations: dict[str, str], mask: Mask) -> str:
    """What a request is about: requests of one target come one after the other."""
    operation = _OPERATION.search(request.path)
    path = operations.get(operation[1], "") if operation else request.path
    resource = _RESOURCE.search(path)
    return f"/{resource[1]}" if resource else mask(_line(request)).partition(" → ")[0]


def _collapsed(requests: Sequence[Request], mask: Mask, watch: bool) -> list[str]:
    """A line for each request. Polls between two other requests, in whatever number, are a line for each kind; so is
    what is sent again and again.
    """
    lines: list[str] = []
    segment: set[str] = set()  # polls since the last request that was none
    wrote = watch
    for request in requests:
        line, repeated = mask(_line(request)), ""
        if _OPERATION.search(request.path) or (wrote and request.method == "GET" and _RESOURCE.search(request.path)):
            if line in segment:
                continue
            segment.add(line)
            repeated = " ×n"
        else:
            segment.clear()
            wrote = wrote or request.method == "PATCH"
            if lines and lines[-1].removesuffix(" ×n") == line:
                lines[-1] = f"{line} ×n"
                continue
        lines.append(line + repeated)
        _collapse_round(lines)
    return lines


def _collapse_round(lines: list[str]) -> None:
    """Drop the last lines if they repeat those before them."""
    for size in (2, 3):
        last, before = ([line.removesuffix(" ×n") for line in part] for part in (lines[-size:], lines[-2 * size:-size]))
        if last == before:
            del lines[-size:]
            lines[-size:] = [f"{line} ×n" for line in last]


def _line(request: Request) -> str:
    path = _OPERATION.sub(lambda found: found[0].replace(found[1], "<operation>"), request.path)
    where = request.query.get("$filter")
    body = None if request.body is None else json.dumps(request.body, ensure_ascii=False)
    broken = request.fault if request.fault not in (None, "status", "raw") else None
    words: list[Any] = [request.method, path + (f"?$filter={where}" if where else ""),
                        "If-Match" if request.header("If-Match") else None, body, "→", request.status or None, broken]
    return " ".join(str(word) for word in words if word is not None)
