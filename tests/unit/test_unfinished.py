# SPDX-License-Identifier: MIT
"""What an error says once a write was accepted, or may have been: that, and what is still to be done."""

from __future__ import annotations

from asyncio import CancelledError
from contextlib import nullcontext

import pytest
from azext_communication_identity.arm.errors import explained
from azext_communication_identity.model.answers import Answer, NoAnswer
from azext_communication_identity.model.operation import NotDoneError, OperationFailedError
from azext_communication_identity.model.requests import GetResource, RequestError
from azext_communication_identity.model.resource_id import ResourceId
from azext_communication_identity.model.unfinished import UnfinishedError, accepted, remaining
from azure.cli.core.azclierror import (
    AuthenticationError,
    AzCLIError,
    AzureConnectionError,
    AzureInternalError,
    AzureResponseError,
    ForbiddenError,
    UnauthorizedError,
)

RESOURCE = ResourceId("00000000-0000-0000-0000-00000000000a", "rg", "app")
SEE = f"To see its current identities, run:\naz communication identity show --ids {RESOURCE.id}"


def refused(status: int, code: str = "X") -> RequestError:
    return RequestError(GetResource(RESOURCE), Answer(status, {"error": {"code": code, "message": "m"}}))


FAILURES = [refused(403), RequestError(GetResource(RESOURCE), NoAnswer("broken")), AuthenticationError("No token."),
            CancelledError()]


def ended(failure: BaseException, sentence: str = "Accepted.", left: str | None = None) -> BaseException:
    """What a block that ends with the failure raises."""
    with pytest.raises(type(failure) if not sentence else UnfinishedError) as caught, (  # noqa: PT012  # one block
            nullcontext() if left is None else remaining(lambda: left)), accepted(RESOURCE, lambda: sentence):
        raise failure
    return caught.value


@pytest.mark.parametrize("failure", FAILURES, ids=lambda one: type(one).__name__)
def test_any_failure_after_an_accepted_write_is_unfinished(failure: BaseException) -> None:
    error = ended(failure)
    assert isinstance(error, UnfinishedError)
    assert (error.resource, error.cause, error.accepted, error.remaining) == (RESOURCE, failure, "Accepted.", ())
    assert str(error) == "Accepted."
    assert error.is_interrupted is isinstance(failure, CancelledError)
    assert ended(failure, sentence="", left="Later.") is failure


@pytest.mark.parametrize("left", ["", "The role was not granted."])
def test_what_is_still_to_be_done(left: str) -> None:
    error = ended(refused(403), left=left)
    assert isinstance(error, UnfinishedError)
    assert error.remaining == ((left,) if left else ())
    assert error.cause is error.__cause__


def test_each_block_adds_what_it_leaves() -> None:
    with pytest.raises(UnfinishedError) as caught, remaining(lambda: "B"), remaining(lambda: "A"), \
            accepted(RESOURCE, lambda: "Accepted."):
        raise CancelledError
    assert caught.value.remaining == ("A", "B")
    with pytest.raises(UnfinishedError) as caught, accepted(RESOURCE, lambda: "no"), accepted(RESOURCE, lambda: "Yes."):
        raise CancelledError
    assert caught.value.accepted == "Yes."


@pytest.mark.parametrize("failure", [NotDoneError("Not done."), OperationFailedError("Failed.", "See.", "c")])
def test_an_error_that_says_it_itself(failure: Exception) -> None:
    error = ended(failure)
    assert isinstance(error, UnfinishedError)
    assert error.accepted == ""


def test_nothing_happens_without_a_failure() -> None:
    with remaining(lambda: "x"), accepted(RESOURCE, lambda: "x"):
        pass
    with pytest.raises(KeyError), remaining(lambda: "x"), accepted(RESOURCE, lambda: ""):
        raise KeyError


# ---- as users read it ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("failure", "kind", "said", "ways"), [
    (refused(403), ForbiddenError, "(X) m\nAccepted.\nLater.", [SEE]),
    (refused(401), UnauthorizedError, "(X) m\nAccepted.\nLater.", ["To log in again, run:\naz login", SEE]),
    (refused(500), AzureInternalError, "The service failed: (X) m\nAccepted.\nLater.", [SEE]),
    (FAILURES[1], AzureConnectionError, "No usable response from the service: broken\nAccepted.\nLater.", [SEE]),
    (AuthenticationError("No token.", recommendation="Log in."), AuthenticationError, "No token.\nAccepted.\nLater.", ["Log in.", SEE]),
    (KeyError("a defect"), AzureResponseError, "KeyError: 'a defect'\nAccepted.\nLater.", [SEE]),
    (CancelledError(), AzureResponseError, "Interrupted.\nAccepted.\nLater.", [SEE]),
    (NotDoneError("Not done.", SEE), AzureResponseError, "Not done.\nLater.", [SEE]),
    (OperationFailedError("Failed.", "Look.", "c"), AzureResponseError, "Failed.\nLater.", ["Look.", SEE]),
])
def test_an_unfinished_error_is_explained(failure: BaseException, kind: type[AzCLIError], said: str, ways: list[str]) -> None:
    error = explained(ended(failure, left="Later."))  # type: ignore[arg-type]  # it's an UnfinishedError
    assert isinstance(error, kind)
    assert (str(error), error.recommendations) == (said, ways)
