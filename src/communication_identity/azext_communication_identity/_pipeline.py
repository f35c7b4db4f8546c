# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""How requests reach Azure Resource Manager (ARM): the SDK's own pipeline, taught what ARM does when it's busy."""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Mapping
from typing import Any, TypeAlias

from azure.core.exceptions import HttpResponseError, ServiceResponseError
from azure.core.pipeline.policies import RetryPolicy, SansIOHTTPPolicy

# PipelineRequest and PipelineResponse of azure.core.pipeline, whose type arguments azure-core 1.28 doesn't take at run
# time; it is the oldest that the oldest CLI may come with.
Request: TypeAlias = Any
Response: TypeAlias = Any

CONFLICT = 409
THROTTLED = 429
# A request of a fleet may have to wait for its turn again and again; this bounds one request (seconds).
LONGEST_THROTTLE = 900.0
# "Retry after 2 seconds." (recorded inside FailedIdentityOperation), "try again after '6' seconds." (recorded, ARM).
_SECONDS_IN_TEXT = r"(?:retry|try again) after '?(\d+)'? seconds"
_DEFAULT_PAUSE = 5.0  # seconds, where a 429 names no time

# Threads whose request waits for ARM's throttle right now, over all clients.
throttled: set[int] = set()


class StillThrottledError(HttpResponseError):
    """A 429 that did not end. `waited`: seconds spent on waiting for its end."""

    def __init__(self, waited: float, response: Any) -> None:
        super().__init__(response=response)
        self.waited = waited


class ArmRetryPolicy(RetryPolicy):  # type: ignore[type-arg]  # as above
    """azure-core's RetryPolicy, but for three things.

    - A 429 is retried, for every method, as long as LONGEST_THROTTLE allows; never sooner than ARM asks for, and with
      jitter, so that the threads of a bulk run don't come back together.
    - A PATCH is retried on nothing else: whether it took effect is found out by reading, in _change.py.
    - A 409 leaves as an error: azure-mgmt-core's ARMAutoResourceProviderRegistrationPolicy, next in the pipeline, would
      register Microsoft.Communication in the subscription by itself. Only the identity block is ours to write.
    """

    def send(self, request: Request) -> Response:
        """Send, and send again while ARM throttles. Raises StillThrottledError, HttpResponseError for a 409."""
        waited = 0.0
        while True:
            response = super().send(request)
            status = response.http_response.status_code
            if status == CONFLICT:
                raise HttpResponseError(response=response.http_response)
            if status != THROTTLED:
                return response
            pause = seconds_asked_for(response)
            pause += random.uniform(0, max(1.0, pause / 4))  # noqa: S311 - jitter, not a secret
            if waited + pause > LONGEST_THROTTLE:
                raise StillThrottledError(waited, response.http_response)
            _sleep(request, pause)
            waited += pause

    def is_retry(self, settings: dict[str, Any], response: Response) -> bool:
        """Whether azure-core's own loop sends the request again."""
        if response.http_response.status_code == THROTTLED or response.http_request.method == "PATCH":
            return False
        return bool(super().is_retry(settings, response))


class JsonObjectPolicy(SansIOHTTPPolicy):  # type: ignore[type-arg]  # as above
    """Turns a 200 without a JSON object (a proxy's page, a truncated or empty body) into a ServiceResponseError, which
    the retry policy knows how to treat: a GET is sent again, a PATCH is not.
    """

    def on_response(self, request: Request, response: Response) -> None:
        """Check one answer."""
        http_response = response.http_response
        if http_response.status_code == 200 and not isinstance(_parsed(http_response), dict):
            raise ServiceResponseError("The service's answer is not a JSON object.")


def seconds_asked_for(response: Response) -> float:
    """How long a 429 asks to wait, in seconds: the longest of its Retry-After, the time that its text names and the end
    of Resource Graph's quota.
    """
    header = max(RetryPolicy().get_retry_after(response) or 0.0, quota_resets_after(response.http_response.headers))
    in_text = re.findall(_SECONDS_IN_TEXT, response.http_response.text(), re.IGNORECASE)
    return max(header, *(float(seconds) for seconds in in_text)) if in_text else header or _DEFAULT_PAUSE


def quota_resets_after(headers: Mapping[str, str]) -> float:
    """The seconds until Resource Graph grants new queries ("00:00:05"); 0 where the headers don't say."""
    match = re.fullmatch(r"(\d+):(\d\d):(\d\d)(?:\.\d+)?", headers.get("x-ms-user-quota-resets-after", ""))
    if not match:
        return 0.0
    hours, minutes, seconds = map(int, match.groups())
    return hours * 3600.0 + minutes * 60.0 + seconds


def _sleep(request: Request, seconds: float) -> None:
    throttled.add(threading.get_ident())
    try:
        request.context.transport.sleep(seconds)
    finally:
        throttled.discard(threading.get_ident())


def _parsed(http_response: Any) -> Any:
    try:
        return json.loads(http_response.text())
    except ValueError:
        return None
