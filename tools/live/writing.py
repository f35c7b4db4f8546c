# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""A write, followed to its end: what was answered, what was seen meanwhile, and what the resource shows then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .arm import Answer, Arm, pause

LIMIT = 900.0  # seconds until a write is given up
_OPERATION_HEADERS = {"azure-asyncoperation": "Azure-AsyncOperation", "location": "Location"}
_ENDED = ("succeeded", "failed", "canceled")
_PAUSES = (1.0, 1.0, 2.0, 3.0)  # between polls, where the service names none; then 5


@dataclass(frozen=True)
class Sight:
    """What the resource showed while the operation ran."""

    seconds: float
    state: str
    block: dict[str, Any] | None


@dataclass
class Outcome:
    """How a write went. `operation`: Succeeded, Failed, Canceled, None (there was none), Unknown (its address doesn't
    say) or Running (given up).
    """

    answer: Answer
    operation: str = "None"
    error: str = ""  # of an operation that failed
    seen: list[Sight] = field(default_factory=list)
    resource: Answer | None = None  # at the end
    seconds: float = 0.0

    @property
    def headers(self) -> list[str]:
        """The operation headers that the answer has."""
        return [name for key, name in _OPERATION_HEADERS.items() if key in self.answer.headers]

    @property
    def synchronous(self) -> bool:
        """Whether the answer was 200 with the finished resource and no operation."""
        return self.answer.status == 200 and not self.headers and self.answer.state.lower() == "succeeded"

    @property
    def made(self) -> bool:
        """Whether the service said yes and nothing after that said no."""
        return self.answer.ok and self.operation in ("None", "Succeeded", "Unknown")

    @property
    def block(self) -> dict[str, Any] | None:
        """The identity block at the end."""
        return self.resource.block if self.resource else None

    def words(self) -> str:
        """The outcome in a sentence."""
        said = f"{self.answer.status} {self.answer.code}".strip()
        if not self.answer.ok:
            return f"{said}: {str(self.answer.error.get('message', '') or self.answer.text)[:300]}"
        said += f" with {' and '.join(self.headers)}" if self.headers else " without operation headers"
        said += f", {_body_words(self.answer)}; "
        said += "no operation" if self.operation == "None" else f"the operation: {self.operation}"
        said += f" ({self.error})" if self.error else ""
        return f"{said}; done after {self.seconds:.0f} s; the resource then has {words(self.block)}"


def write(arm: Arm, method: str, resource: str, body: Any, version: str, if_match: str | None = None) -> Outcome:
    """Send a write and follow it. Raises NoAnswerError."""
    started = arm.clock.now()
    outcome = Outcome(arm.ask(method, resource, body, version=version, if_match=if_match))
    follow(arm, resource, version, outcome, started)
    return outcome


def address(answer: Answer) -> str | None:
    """Where the operation of a write is followed."""
    found = answer.headers.get("azure-asyncoperation")
    if found is None and answer.status in (201, 202):
        found = answer.headers.get("location")
    return found if answer.ok and found and "://" in found else None


def running(arm: Arm, resource: str, version: str, answer: Answer) -> bool:
    """Whether the operation of a write still runs, or the resource is busy."""
    if address(answer):
        return ended(arm.ask("GET", str(address(answer))))[0] == "Running"
    return busy(arm.ask("GET", resource, version=version))


def follow(arm: Arm, resource: str, version: str, outcome: Outcome, started: float) -> None:
    """Wait for the end of the operation and until the resource is settled; look at the resource meanwhile."""
    if address(outcome.answer):
        _follow_operation(arm, resource, version, outcome, started)
    outcome.resource = arm.ask("GET", resource, version=version)
    while outcome.answer.ok and busy(outcome.resource) and arm.clock.now() - started < LIMIT:
        arm.clock.sleep(2)
        outcome.resource = arm.ask("GET", resource, version=version)
    outcome.seconds = arm.clock.now() - started


def _follow_operation(arm: Arm, resource: str, version: str, outcome: Outcome, started: float) -> None:
    polls, wait, outcome.operation = 0, pause(outcome.answer, _PAUSES[0]), "Running"
    while outcome.operation == "Running" and arm.clock.now() - started < LIMIT:
        now = arm.ask("GET", resource, version=version)
        sight = Sight(arm.clock.now() - started, now.state, now.block)
        poll = arm.ask("GET", str(address(outcome.answer)))
        outcome.operation, outcome.error = ended(poll)
        if outcome.operation == "Running":
            outcome.seen.append(sight)
            polls += 1
            arm.clock.sleep(wait)
            wait = pause(poll, _PAUSES[polls] if polls < len(_PAUSES) else 5.0)


def ended(poll: Answer) -> tuple[str, str]:
    """The state of an operation by the answer to a poll, and its error."""
    body = poll.body if isinstance(poll.body, dict) else {}
    status = str(body.get("status") or "")
    if status.lower() in _ENDED:
        return status.capitalize(), " ".join(str(poll.error.get(key) or "") for key in ("code", "message")).strip()
    if poll.status in (401, 403, 404, 410):
        return "Unknown", f"its address answers {poll.status} {poll.code}"
    if not poll.ok:
        return "Failed", f"{poll.status} {poll.code}"
    return "Running" if status or poll.status == 202 else "Succeeded", ""


def busy(resource: Answer) -> bool:
    """Whether a resource says that something is under way."""
    return resource.ok and resource.state != "" and resource.state.lower() not in _ENDED


def _body_words(answer: Answer) -> str:
    if not answer.text.strip():
        return "an empty body"
    return "the body null" if answer.body is None else f"a resource that has {words(answer.block)}"


def kinds(block: dict[str, Any] | None) -> tuple[bool, frozenset[str]]:
    """What a block holds: the system-assigned identity, and the user-assigned ones by lower-case ID."""
    named = {kind.strip().lower() for kind in str((block or {}).get("type")).split(",")}
    users = (block or {}).get("userAssignedIdentities") or {}
    return "systemassigned" in named, frozenset(key.lower() for key in users)


def words(block: dict[str, Any] | None) -> str:
    """A block in short."""
    if block is None:
        return "no identity block"
    users = [key.rsplit("/", 1)[-1] for key in block.get("userAssignedIdentities") or {}]
    return f"type '{block.get('type')}'" + (f" and {', '.join(sorted(users))}" if users else "")
