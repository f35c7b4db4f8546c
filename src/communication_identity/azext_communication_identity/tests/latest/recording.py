# SPDX-License-Identifier: MIT
"""How the scenario tests are recorded and played back.

They are recorded against armsim (tests/armsim, `python3 dev.py record`), a simulation: each recorded answer says so in
its `server` header. With `azdev test communication_identity --live --discover` and your own login they run against
Azure: each test makes a resource group, and deletes it with all that is in it at the end. Such a run replaces the
recordings.
"""

from __future__ import annotations

import inspect
import os
import re
from typing import Any

from azure.cli.testsdk import ScenarioTest
from azure.cli.testsdk.scenario_tests import RecordingProcessor, mock_in_unit_test

if not hasattr(inspect, "getargspec"):  # azure-cli-testsdk 0.3.0 calls it; Python 3.11 has it no more
    inspect.getargspec = lambda f: inspect.getfullargspec(f)[:4]  # type: ignore[assignment,return-value]  # a tuple will do

AZURE = "https://management.azure.com"
ARMSIM = os.environ.get("ARMSIM_URL")  # set by `dev.py record`


class ArmsimHost(RecordingProcessor):
    """Writes Azure's host for armsim's, since playback asks Azure's; leaves out requests for tokens."""

    def process_request(self, request: Any) -> Any:
        if ARMSIM and not request.uri.startswith((ARMSIM, AZURE)):  # vcr comes by more than once
            return None
        request.uri = self._replace(request.uri)
        return request

    def process_response(self, response: Any) -> Any:
        response["body"]["string"] = self._replace(response["body"]["string"])
        for name in ("location", "azure-asyncoperation"):
            self.replace_header_fn(response, name, self._replace)
        return response

    @staticmethod
    def _replace(text: Any) -> Any:
        return text.replace(ARMSIM, AZURE) if ARMSIM and isinstance(text, str) else text


class UserName(RecordingProcessor):
    """Leaves out who made and who changed a resource, which a run against Azure would record."""

    def process_response(self, response: Any) -> Any:
        text = response["body"]["string"]
        if isinstance(text, str):
            response["body"]["string"] = re.sub(r'("(?:createdBy|lastModifiedBy)": ?)"[^"]*"', r'\1"user@example.com"',
                                                text)
        return response


class IdentityVersion(RecordingProcessor):
    """Writes one api-version for that of `az identity create`, which changes with the CLI."""

    def process_request(self, request: Any) -> Any:
        request.uri = re.sub(r"(/Microsoft\.ManagedIdentity/.*api-version=)[-\w]+", r"\g<1>2023-01-31", request.uri)
        return request


class Credential:
    """A login for playback. azure-cli-testsdk 0.3.0 has one without `acquire_token`, which azure-cli calls since 2.74;
    newer ones have both, as this.
    """

    @staticmethod
    def acquire_token(*_: Any, **__: Any) -> dict[str, Any]:
        """A token as MSAL gives it."""
        return {"access_token": "not-a-token", "expires_in": 3600, "token_type": "Bearer"}

    @staticmethod
    def get_token(*_: Any, **__: Any) -> Any:
        """A token as azure-core knows it."""
        from azure.core.credentials import AccessToken
        return AccessToken("not-a-token", 4102444800)  # until 2100


class RecordedTest(ScenarioTest):
    """A scenario test that can be recorded against armsim."""

    def __init__(self, method_name: str) -> None:
        super().__init__(method_name, recording_processors=[ArmsimHost(), IdentityVersion(), UserName()],
                         replay_processors=[IdentityVersion()])

    def setUp(self) -> None:
        super().setUp()
        if not self.in_recording:
            mock_in_unit_test(self, "azure.cli.core.auth.identity.Identity.get_user_credential",
                              lambda *_, **__: Credential())
