# SPDX-License-Identifier: MIT
"""A write, followed to its end: what was answered, what was seen meanwhile, and what the resource shows then."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from .arm import Answer, Arm

LIMIT = 900.0  # seconds until a write is given up
MAP = "userAssignedIdentities"
_ENDED = ("succeeded", "failed", "canceled")
_PAUSES = (1.0, 1.0, 2.0, 3.0, 5.0)  # between polls, where the service names none
State = tuple[bool, frozenset[str]]  # the system-assigned identity, and the user-assigned ones by lower-case ID


class Finding(NamedTuple):
    """What was seen. `holds`: whether the assumption does; None: it could not be settled."""

    holds: bool | None
    seen: str


class Outcome:
    """How a write went. `operation`: Succeeded, Failed, Canceled, None (there was none), Unknown (its address doesn't
    say) or Running (given up); `error`: why; `seen`: the resource meanwhile, and after how many seconds;
    `resource`: the resource at the end.
    """

    def __init__(self, arm: Arm, method: str, path: str, version: str, body: Any = None, if_match: str = "") -> None:
        self.arm, self.path, self.version, self.started = arm, path, version, arm.clock.now()
        self.answer = answer = arm.ask(method, path, body, version, if_match)
        self.operation, self.error, self.seconds = "None", "", 0.0
        self.seen: list[tuple[float, Answer]] = []
        self.resource: Answer | None = None
        self.headers = [name for name in ("Azure-AsyncOperation", "Location") if name.lower() in answer.headers]
        location = answer.headers.get("location", "") if answer.status in (201, 202) else ""
        named = (answer.headers.get("azure-asyncoperation") or location) if answer.ok else ""
        self.where = arm.address(named) if named else None
        if named and not self.where:
            self.operation, self.error = "Unknown", "its address is at another host, which gets no token"

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
        answer, said = self.answer, f"{self.answer.status} {self.answer.code}".strip()
        if not answer.ok:
            return f"{said}: {str(answer.error.get('message', '') or answer.text)[:300]}"
        headers = f"with {' and '.join(self.headers)}" if self.headers else "without operation headers"
        body = ("an empty body" if not answer.text.strip() else
                "the body null" if answer.body is None else f"a resource that has {words(answer.block)}")
        operation = "no operation" if self.operation == "None" else f"the operation: {self.operation}"
        error = f" ({self.error})" if self.error else ""
        return (f"{said} {headers}, {body}; {operation}{error}; done after {self.seconds:.0f} s; "
                f"the resource then has {words(self.block)}")

    def has(self, wanted: State) -> bool:
        """Whether the write was accepted and made what was wanted."""
        return self.made and kinds(self.block) == wanted

    def done(self, wanted: State) -> Finding:
        """Whether the write was accepted and made what was wanted, and what it did."""
        how = "" if self.has(wanted) else "accepted, but not made: " if self.answer.ok else "refused: "
        return Finding(self.has(wanted), how + self.words())

    def refused(self, status: int, code: str = "") -> Finding:
        """Whether the write was refused with this status and code."""
        right = self.answer.status == status and code in ("", self.answer.code)
        return Finding(right, self.words() if right or not self.answer.ok else f"not refused: {self.words()}")

    def follow(self) -> Outcome:
        """Wait for the end of the operation and until the resource is settled; look at the resource meanwhile."""
        self.operation = "Running" if self.where else self.operation
        wait = self.answer.pause(_PAUSES[0])
        while self.where and self.operation == "Running" and self._lasted() < LIMIT:
            now = self._read()
            seconds, poll = self._lasted(), self.arm.ask("GET", self.where)
            self.operation, self.error = _ended(poll)
            if self.operation == "Running":
                self.seen.append((seconds, now))
                self.arm.clock.sleep(wait)
                wait = poll.pause(_PAUSES[min(len(self.seen), 4)])
        self.resource = self._read()
        while self.answer.ok and _busy(self.resource) and self._lasted() < LIMIT:
            self.seen.append((self._lasted(), self.resource))
            self.arm.clock.sleep(2)
            self.resource = self._read()
        self.seconds = self._lasted()
        return self

    def _read(self) -> Answer:
        return self.arm.ask("GET", self.path, version=self.version)

    def _lasted(self) -> float:
        return float(self.arm.clock.now() - self.started)


def _ended(poll: Answer) -> tuple[str, str]:
    """The state of an operation by the answer to a poll, and its error."""
    status = str(poll.body.get("status") or "") if isinstance(poll.body, dict) else ""
    if status.lower() in _ENDED:
        return status.capitalize(), f"{poll.code} {poll.error.get('message') or ''}".strip()
    if poll.status in (401, 403, 404, 410):
        return "Unknown", f"its address answers {poll.status} {poll.code}"
    if not poll.ok:
        return "Failed", f"{poll.status} {poll.code}"
    return "Running" if status or poll.status == 202 else "Succeeded", ""


def _busy(resource: Answer) -> bool:
    return resource.ok and resource.state != "" and resource.state.lower() not in _ENDED


def state(*identities: str, system: bool = False) -> State:
    """What is wanted of a block."""
    return system, frozenset(identity.lower() for identity in identities)


def users(block: dict[str, Any] | None) -> dict[str, Any]:
    """The user-assigned identities of a block."""
    return (block or {}).get(MAP) or {}


def user(block: dict[str, Any] | None, identity: str) -> dict[str, Any]:
    """What a block says of a user-assigned identity."""
    return next((value or {} for key, value in users(block).items() if key.lower() == identity.lower()), {})


def kinds(block: dict[str, Any] | None) -> State:
    """What a block holds."""
    named = {kind.strip().lower() for kind in str((block or {}).get("type")).split(",")}
    return state(*users(block), system="systemassigned" in named)


def block_of(*named: str, gone: Iterable[str] = (), system: bool = False) -> dict[str, Any]:
    """A block for a write that names the whole state."""
    kind = ",".join(["SystemAssigned"] * system + ["UserAssigned"] * bool(named)) or "None"
    return {"type": kind, **({MAP: {**{one: {} for one in named}, **dict.fromkeys(gone)}} if named else {})}


def words(block: dict[str, Any] | None) -> str:
    """A block in short."""
    names = ", ".join(sorted(key.rsplit("/", 1)[-1] for key in users(block)))
    return f"type '{block.get('type')}'{names and f' and {names}'}" if block is not None else "no identity block"
