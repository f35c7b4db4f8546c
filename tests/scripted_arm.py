# SPDX-License-Identifier: MIT
"""An ARM that knows no rules: it answers each request with what the test says, in the order in which it says it. For
what armsim, which behaves, never does.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import trustme
from in_process import FakeClock, InProcessAz, Input, Run

SUB = "00000000-0000-0000-0000-00000000000a"
TENANT = "00000000-0000-0000-0000-0000000000ff"
_NOT_IN_TIME = 599  # the status that `quick_time_outs` turns into a time-out


@dataclass
class Seen:
    """A request as it came."""

    method: str
    path: str  # with its query, unescaped
    body: Any
    headers: Mapping[str, str]


@dataclass
class Reply:
    """An answer. `first` is called before it is given, `after` once it was. A text isn't JSON. `is_broken`: the
    connection breaks instead; `is_held`: nothing comes until the test is over.
    """

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    first: Callable[[], None] | None = None
    after: Callable[[], None] | None = None
    is_broken: bool = False
    is_held: bool = False


@dataclass
class Rule:
    """The answers to a method and path: each once, the last one from then on."""

    method: str
    part: str
    answers: list[Any]

    def take(self, seen: Seen) -> Reply:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        reply = answer(seen) if callable(answer) else answer
        assert isinstance(reply, Reply)
        return reply


class ScriptedArm:
    """Start it, say what it answers with `on`, and look at what it has `seen`."""

    def __init__(self, folder: Path) -> None:
        self.seen: list[Seen] = []
        self.rules: list[Rule] = []
        self.unexpected: list[str] = []
        self.over = threading.Event()
        self.token_life = 200  # seconds; azure-core asks for a new one before each request if it is less than 300
        self.failing: Reply | None = None  # what every request gets
        self._login_has_ended = False
        self._lock = threading.Lock()
        self.ca_file = str(folder / "ca.pem")
        authority, context = _certificates()
        authority.cert_pem.write_to_path(self.ca_file)
        self._servers = [_Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"arm": self})) for _ in "ab"]
        arm, tokens = self._servers
        arm.socket = context.wrap_socket(arm.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://localhost:{arm.server_address[1]}"
        self._token_url = f"http://127.0.0.1:{tokens.server_address[1]}/msi/token"
        for server in self._servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        self.over.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def env(self) -> dict[str, str]:
        return {"REQUESTS_CA_BUNDLE": self.ca_file, "IDENTITY_ENDPOINT": self._token_url, "IDENTITY_HEADER": "x",
                "MSI_ENDPOINT": self._token_url, "MSI_SECRET": "x"}

    def log_in(self, config: Path, *subscriptions: str, **more: Any) -> Path:
        """Write a configuration folder as `az cloud register` and `az login --identity` do."""
        config.mkdir(parents=True)
        (config / "clouds.config").write_text(
            f"[scripted]\nendpoint_management = {self.url}\nendpoint_resource_manager = {self.url}\n"
            f"endpoint_active_directory = {self.url}\nendpoint_active_directory_resource_id = {self.url}\n")
        (config / "config").write_text("[cloud]\nname = scripted\n")
        user = {"name": "systemAssignedIdentity", "type": "servicePrincipal", "assignedIdentityInfo": "MSI"}
        accounts = [{"id": one, "name": one, "state": "Enabled", "user": user, "isDefault": not index,
                     "tenantId": TENANT, "environmentName": "scripted", "homeTenantId": TENANT, "managedByTenants": [],
                     **more} for index, one in enumerate(subscriptions or (SUB,))]
        (config / "azureProfile.json").write_text(json.dumps({"installationId": "x", "subscriptions": accounts}))
        return config

    def on(self, method: str, part: str, *answers: Any) -> None:
        """Answer requests whose path has this part; what is said later goes first."""
        self.rules.insert(0, Rule(method, part.lower(), list(answers)))

    def fail(self, kind: str) -> None:
        """From now on, every request fails: with one of FAILURES, with no token or with one of SIGNALS."""
        if kind == "login":
            self._login_has_ended = True
        else:
            self.failing = interrupted(SIGNALS[kind][0]) if kind in SIGNALS else FAILURES[kind]

    def sent(self, *methods: str) -> list[str]:
        """The requests with one of these methods."""
        return [f"{one.method} {one.path.partition('?')[0]}" for one in self.seen if one.method in methods]

    def answer(self, seen: Seen) -> Reply:
        if seen.path.startswith("/msi/token"):
            return Reply(400, {"error": "invalid_grant", "error_description": "The login has ended."}) \
                if self._login_has_ended else Reply(200, self._token())
        with self._lock:
            self.seen.append(seen)
            if self.failing:
                return self.failing
            for rule in self.rules:
                if rule.method == seen.method and rule.part in seen.path.lower():
                    return rule.take(seen)
            self.unexpected.append(f"{seen.method} {seen.path}")
        return Reply(400, error("Unscripted", seen.path))

    def _token(self) -> dict[str, Any]:
        ends = int(time.time()) + self.token_life
        claims = {"aud": self.url, "exp": ends, "oid": SUB, "tid": TENANT, "appid": SUB}
        token = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
                         for part in ({"alg": "none", "typ": "JWT"}, claims)) + "."
        return {"access_token": token, "expires_on": str(ends), "expires_in": str(self.token_life),
                "token_type": "Bearer", "resource": self.url, "client_id": SUB}


@cache
def _certificates() -> tuple[trustme.CA, ssl.SSLContext]:
    """An authority, and a server's certificate from it: once for all tests."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return authority, context


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""


class _Handler(BaseHTTPRequestHandler):
    arm: ScriptedArm
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _handle(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_json = "json" in self.headers.get("Content-Type", "")
        reply = self.arm.answer(Seen(self.command, unquote(self.path), json.loads(content) if is_json else None,
                                     dict(self.headers.items())))
        if reply.first:
            reply.first()
        if reply.is_held:
            self.arm.over.wait(60)
        if reply.is_held or reply.is_broken:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        text = reply.body if isinstance(reply.body, str) else "" if reply.body is None else json.dumps(reply.body)
        self.send_response_only(reply.status)
        self.send_header("Content-Type", "text/html" if isinstance(reply.body, str) else "application/json")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        if reply.after:
            reply.after()
        self.wfile.write(b"" if reply.status == 204 else text.encode())

    do_GET = do_PUT = do_PATCH = do_POST = do_DELETE = _handle


def error(code: str, message: str = "No.") -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def interrupted(number: int) -> Reply:
    """Ctrl-C or SIGTERM comes, once, while this request has no answer."""
    first = threading.Lock()
    return Reply(first=lambda: os.kill(os.getpid(), number) if first.acquire(blocking=False) else None, is_held=True)


class ScriptedAz(InProcessAz):
    """The CLI in this process, against a ScriptedArm."""

    def __init__(self, config: Path, arm: ScriptedArm, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(config, arm, monkeypatch)
        self.arm = arm

    def run(self, *words: str, stdin: Input | None = None) -> Run:
        """Run a command of the group without a terminal."""
        return self.captured(["communication", "identity", *words], stdin or Input())


@contextmanager
def quick_time_outs(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let an answer that never comes in time take no time."""
    from requests.adapters import HTTPAdapter
    from requests.exceptions import ReadTimeout
    send = HTTPAdapter.send

    def quick(self: Any, request: Any, *args: Any, **options: Any) -> Any:
        response = send(self, request, *args, **options)
        if response.status_code == _NOT_IN_TIME:
            clock.time += 60.0
            raise ReadTimeout("Read timed out.")
        return response

    with monkeypatch.context() as patch:
        patch.setattr(HTTPAdapter, "send", quick)
        yield


NOT_IN_TIME = Reply(_NOT_IN_TIME)
HTML = Reply(200, "<html>Sign in to the network</html>")
# What may come instead of an answer, from some moment on.
FAILURES = {
    "401": Reply(401, error("ExpiredAuthenticationToken", "The access token expiry UTC time is earlier.")),
    "403": Reply(403, error("AuthorizationFailed", "The client does not have authorization to perform action 'x/read' "
                                                   "over scope '/subscriptions/x'.")),
    "429": Reply(429, error("TooManyRequests", "Slow down."), {"Retry-After": "3600"}),
    "500": Reply(500, error("InternalServerError", "It broke.")),
    "html": HTML,
    "connection": Reply(is_broken=True),
    "time-out": NOT_IN_TIME,
}
SIGNALS = {"Ctrl-C": (signal.SIGINT, 130), "SIGTERM": (signal.SIGTERM, 143)}  # each with its exit code
KINDS = (*FAILURES, "login", *SIGNALS)
