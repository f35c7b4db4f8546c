# SPDX-License-Identifier: MIT
"""When `wait` reads again, and when it ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from azext_communication_identity.actions.wait import Condition, wait
from azext_communication_identity.model.answers import Answer, NoAnswer, Reply
from azext_communication_identity.model.requests import GetResource
from azext_communication_identity.model.resource_id import ResourceId
from flow import Played, play

RESOURCE = ResourceId("00000000-0000-0000-0000-000000000001", "rg", "app")
ABSENT = {"error": {"code": "ResourceNotFound"}}


def there(at: float, state: str = "Updating") -> Answer:
    return Answer(200, {"id": RESOURCE.id, "properties": {"provisioningState": state}}, at=at)


def throttled(at: float, seconds: str = "60") -> Answer:
    return Answer(429, headers={"retry-after": seconds}, at=at)


def unavailable(at: float, seconds: str = "") -> Answer:
    return Answer(503, headers={"retry-after": seconds}, at=at)


def waited(timeout: float, *replies: Reply, interval: float = 30, updated: bool = True) -> Played:
    """Play a wait for the end of an operation, or for a deletion."""
    return play(wait(RESOURCE, Condition(updated=updated, deleted=not updated), interval, timeout), *replies)


def pauses(played: Played) -> list[float | None]:
    return [step.at_least for step in played.delays]


def test_one_read_a_poll_which_no_throttle_holds_up_for_longer_than_there_is_time() -> None:
    played = waited(600, there(1), there(31.5), there(62, "Succeeded"))
    assert played.error is None
    assert pauses(played) == [30, 30]
    assert played.requests == [GetResource(RESOURCE, patience) for patience in (600, 600, 569.5)]
    assert waited(3600, there(1, "Succeeded")).requests[0].patience == 900


@pytest.mark.parametrize("updated", [True, False])
@pytest.mark.parametrize("refuse", [throttled, unavailable, lambda at: unavailable(at, "60"),
                                    lambda at: NoAnswer("broken", at=at)])
def test_a_service_that_asks_to_wait_for_longer_than_there_is_time(refuse: Callable[[float], Reply], updated: bool) -> None:
    last = refuse(6)
    played = waited(5, refuse(1), last, updated=updated)
    assert played.refused.reply is last
    assert len(pauses(played)) == 1
    assert (pauses(played)[0] or 0) <= 5


def test_the_time_left_bounds_every_pause() -> None:
    played = waited(100, there(1), throttled(31), there(91), throttled(101))
    assert pauses(played) == [30, 60, 10]
    assert played.refused.reply == throttled(101)
    assert "within 100 seconds" in waited(100, throttled(1), there(101)).message[0]


def test_a_throttle_is_waited_for_until_it_ends() -> None:
    played = waited(3600, *(throttled(at, "7") for at in range(10)), throttled(10, "0.1"), there(11, "Succeeded"))
    assert played.error is None
    assert pauses(played) == [7.0] * 10 + [0.8]


def test_a_throttle_that_is_too_long() -> None:
    assert waited(3600, throttled(1, "901")).refused.reply == throttled(1, "901")
    assert pauses(waited(3600, throttled(1, "900"), there(901, "Succeeded"))) == [900]


@pytest.mark.parametrize("bad", [unavailable(1), NoAnswer("broken", at=1), Answer(200, [], at=1)])
def test_a_failure_is_retried_as_in_every_read(bad: Reply) -> None:
    played = waited(3600, bad, bad, bad, bad)
    assert pauses(played) == [0.8, 1.6, 3.2]
    assert played.refused
    played = waited(3600, bad, bad, there(1), bad, bad, throttled(1, "9"), bad, there(1, "Succeeded"))
    assert played.error is None
    assert pauses(played) == [0.8, 1.6, 30, 0.8, 1.6, 9, 0.8]


@pytest.mark.parametrize(("asked", "pause"), [("0.1", 0.8), ("7", 7.0), ("61", 60.0)])
def test_a_failure_that_asks_to_wait(asked: str, pause: float) -> None:
    assert pauses(waited(3600, unavailable(1, asked), there(9, "Succeeded"))) == [pause]


@pytest.mark.parametrize("reply", [
    Answer(403, at=1), Answer(404, ABSENT, at=1), NoAnswer("slow", timed_out=True, at=1), Answer(200, {"id": "/x"}, at=1)])
def test_what_does_not_pass_ends_it_at_once(reply: Reply) -> None:
    played = waited(3600, reply)
    assert played.refused
    assert pauses(played) == []


def test_a_failure_is_no_deletion() -> None:
    played = waited(3600, unavailable(1), throttled(2, "9"), there(12), Answer(404, ABSENT, at=42), updated=False)
    assert played.error is None
    assert pauses(played) == [0.8, 9, 30]
