# SPDX-License-Identifier: MIT
"""A write, followed to its end: what was answered, what was seen meanwhile, and what the resource shows then."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from .arm import ENDED, Answer, Arm, NoAnswerError

LIMIT = 900.0  # seconds until a write is given up
MAP = "userAssignedIdentities"
Block = dict[str, Any]  # an identity block; empty: there is none
State = tuple[bool, frozenset[str]]  # the system-assigned identity, and the user-assigned ones by lower-case ID


class Finding(NamedTuple):
    """What was seen. `holds`: whether the assumption does; None: it could not be settled."""

    holds: bool | None
    seen: str


class Write:
    """How a write goes. `operation`: Succeeded, Failed, Canceled, None (there is none), Unknown (its address doesn't
    say) or Running; `seen`: the resource meanwhile, and after how many seconds; `resource`: the resource at the end.
    """

    def __init__(self, arm: Arm, method: str, path: str, version: str, body: Any = None, if_match: str = "") -> None:
        self.arm, self.path, self.version, self.started = arm, path, version, arm.clock.now()
        self.answer = self.resource = answer = arm.ask(method, path, body, version, if_match)
        self.seen: list[tuple[float, Answer]] = []
        self.headers = [name for name in ("Azure-AsyncOperation", "Location") if name.lower() in answer.headers]
        location = answer.headers.get("location", "") if answer.status == 202 else ""  # of a 201 it may be the resource
        named = (answer.headers.get("azure-asyncoperation") or location) if answer.ok else ""
        self.where, self.seconds = arm.address(named), 0.0
        self.operation = "Running" if self.where else "Unknown" if named else "None"
        self.error = " (its address is at another host, which gets no token)" if self.operation == "Unknown" else ""

    def follow(self) -> Write:
        """Wait for the end of the operation and until the resource is settled; look at the resource meanwhile."""
        poll, settled = self.answer, False
        while not settled and self.look().seconds < LIMIT:
            polls = self.operation == "Running"
            if polls:
                poll = self.arm.ask("GET", self.where)
                self.operation, self.error = _ended(poll)
            settled = not polls and (not self.answer.ok or self.resource.state in ("", *ENDED))
            if self.operation == "Running" or not polls and not settled:
                self.seen.append((self.seconds, self.resource))
                self.arm.clock.sleep(poll.pause)
        return self

    def look(self) -> Write:
        """Read the resource."""
        self.resource = self.arm.ask("GET", self.path, version=self.version)
        self.seconds = float(self.arm.clock.now() - self.started)
        return self

    @property
    def made(self) -> bool:
        """Whether the service said yes and nothing after that said no."""
        return self.answer.ok and self.operation in ("None", "Succeeded", "Unknown")

    @property
    def block(self) -> Block:
        """The identity block at the end."""
        return self.resource.block

    def words(self) -> str:
        """What happened, in a sentence."""
        answer, said = self.answer, f"{self.answer.status} {self.answer.code}".strip()
        if not answer.ok:
            return f"{said}: {(answer.message or answer.text)[:300]}"
        headers = f"with {' and '.join(self.headers)}" if self.headers else "without operation headers"
        body = f"a resource that has {words(answer.block)}" if answer.body else f"the body '{answer.text[:20]}'"
        operation = "no operation" if self.operation == "None" else f"the operation: {self.operation}{self.error}"
        return (f"{said} {headers}, {body}; {operation}; done after {self.seconds:.0f} s; "
                f"the resource then has {words(self.block)}")

    def must(self) -> Write:
        """Itself. Raises NoAnswerError where it was not made."""
        if not self.made:
            raise NoAnswerError(f"A write was not made: {self.words()}")
        return self

    def has(self, *wanted: str, system: bool = False) -> bool:
        """Whether the write was accepted and made what was wanted."""
        return self.made and kinds(self.block) == state(*wanted, system=system)

    def done(self, *wanted: str, system: bool = False) -> Finding:
        """Whether the write was accepted and made what was wanted, and what it did."""
        return Finding(self.has(*wanted, system=system), self.words())

    def refused(self, status: int, code: str = "") -> Finding:
        """Whether the write was refused with this status and code."""
        return Finding(self.answer.status == status and code in ("", self.answer.code), self.words())


def _ended(poll: Answer) -> tuple[str, str]:
    """The state of an operation by the answer to a poll, and its error."""
    status = str(poll.body.get("status") or "") if isinstance(poll.body, dict) else ""
    if status.lower() in ENDED:
        return status.capitalize(), f" ({poll.code} {poll.message})" if poll.code else ""
    if not poll.ok:
        return "Unknown" if poll.status in (401, 403, 404, 410) else "Failed", f" ({poll.status} {poll.code})"
    return "Running" if status or poll.status == 202 else "Succeeded", ""


def state(*identities: str, system: bool = False) -> State:
    """What is wanted of a block."""
    return system, frozenset(identity.lower() for identity in identities)


def users(block: Block) -> dict[str, Any]:
    """The user-assigned identities of a block."""
    return block.get(MAP) or {}


def user(block: Block, identity: str) -> dict[str, Any]:
    """What a block says of a user-assigned identity."""
    return next((value or {} for key, value in users(block).items() if key.lower() == identity.lower()), {})


def kinds(block: Block) -> State:
    """What a block holds."""
    named = {kind.strip().lower() for kind in str(block.get("type")).split(",")}
    return state(*users(block), system="systemassigned" in named)


def block_of(*named: str, gone: Iterable[str] = (), system: bool = False) -> Block:
    """A block for a write that names the whole state."""
    kind = ",".join(["SystemAssigned"] * system + ["UserAssigned"] * bool(named)) or "None"
    return {"type": kind, **({MAP: {**{one: {} for one in named}, **dict.fromkeys(gone)}} if named else {})}


def words(block: Block) -> str:
    """A block in short."""
    names = ", ".join(sorted(key.rsplit("/", 1)[-1] for key in users(block)))
    return f"type '{block['type']}'{names and f' and {names}'}" if block else "no identity block"
