# SPDX-License-Identifier: MIT
"""The servers: ARM over TLS, the token endpoint over plain HTTP, the log of requests, and the faults."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import struct
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme

from .clock import Clock
from .faults import Fault, Faults
from .http_types import Answer, Request, json_answer
from .state import CLIENT, TENANT, ArmState, Options
from .wire import Wire, metadata


class Armsim:
    """A local Azure Resource Manager. `start` it, point `az` at `url` with `env()`, and `verify` at the end."""

    def __init__(self, clock: Clock | None = None, port: int = 0, **options: Any) -> None:
        self.clock = clock or Clock()
        self.options = Options(**options)
        self._given = options
        self._port = port
        self._folder = tempfile.TemporaryDirectory(prefix="armsim-")
        self.ca_file = str(Path(self._folder.name) / "ca.pem")
        self.requests: list[Request] = []  # to ARM
        self.other_requests: list[Request] = []  # for metadata and tokens
        self.connections = 0  # to ARM
        self.faults = Faults()
        self.url = self.token_url = ""
        self._servers: list[ThreadingHTTPServer] = []
        self.state = ArmState(self.clock, self.options)
        self.wire = Wire(self.state, self.url)

    def start(self) -> Armsim:
        """Serve, on this machine's loopback address only."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_file)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        arm = self._serve(self._port)
        arm.socket = context.wrap_socket(arm.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://localhost:{arm.server_address[1]}"
        self.token_url = f"http://127.0.0.1:{self._serve(0).server_address[1]}/msi/token"
        self.wire.base_url = self.url
        for server in self._servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop serving."""
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._folder.cleanup()

    def __enter__(self) -> Armsim:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def env(self) -> dict[str, str]:
        """What `az` needs in its environment to trust this server and to log in with `az login --identity`."""
        return {"REQUESTS_CA_BUNDLE": self.ca_file, "IDENTITY_ENDPOINT": self.token_url, "IDENTITY_HEADER": "armsim",
                "MSI_ENDPOINT": self.token_url, "MSI_SECRET": "armsim"}

    def add_fault(self, fault: Fault) -> Fault:
        """Order a fault."""
        self.faults.all.append(fault)
        return fault

    def clear_log(self) -> None:
        """Forget the requests so far."""
        self.connections = 0
        self.requests = []  # new lists: a request that is still on its way stays in the old one
        self.other_requests = []

    def reset(self) -> None:
        """Begin anew: state, options, faults, log; address and certificate stay."""
        self.options = Options(**self._given)
        self.state = ArmState(self.clock, self.options)
        self.wire = Wire(self.state, self.url)
        self.faults = Faults()
        self.clear_log()

    def verify(self) -> None:
        """Raise AssertionError for every violation of the protocol, and for every fault that never happened."""
        problems = self.wire.violations + [f"unused fault: {fault}" for fault in self.faults.unused()]
        if problems:
            raise AssertionError("armsim saw:\n" + "\n".join(problems))

    def exchange(self, request: Request) -> Answer:
        """What a client in this process gets for a request, without a connection; no fault breaks one here."""
        return self.answer_with(self.faults.take(request), request)

    def answer_with(self, fault: Fault | None, request: Request) -> Answer:
        """The answer to a request for which a fault may be ordered; the request notes it."""
        answer = self._answer_with(fault, request)
        request.status, request.answered = answer.status, self.clock.now()
        return answer

    def _answer_with(self, fault: Fault | None, request: Request) -> Answer:
        wire, log = self.wire, self.requests
        if fault and fault.kind == "delay":
            self.clock.sleep(fault.delay)
        if fault is None or fault.has_effect:
            answer = self.answer(request, wire, log)
            return Answer(200) if fault and fault.kind == "empty" else answer
        log.append(request)
        if fault.kind == "status":
            return json_answer(fault.status, fault.error_body(), fault.headers)
        if fault.kind in ("raw", "stall-midway"):
            return Answer(fault.status, fault.body.encode(), {"Content-Type": fault.content_type, **fault.headers})
        if fault.kind == "ignore":
            document, etag = self.state.get_resource(request.path)
            return json_answer(200, document, {"ETag": etag})
        return Answer(200)

    def answer(self, request: Request, wire: Wire, log: list[Request]) -> Answer:
        """The answer to a request to any of the servers, from the state and into the log of when it came: by now there
        may have been a `reset`.
        """
        if request.path == "/metadata/endpoints":
            self.other_requests.append(request)
            return json_answer(200, metadata(self.url))
        if request.path == "/msi/token":
            self.other_requests.append(request)
            return json_answer(200, self._token(request))
        log.append(request)
        return wire.answer(request)

    def _token(self, request: Request) -> dict[str, Any]:
        """A token as App Service's endpoint gives it: an unsigned JWT, good for a day."""
        now = int(Clock().now())  # the CLI goes by the machine's time
        claims = {"aud": self.url, "iss": f"https://sts.windows.net/{TENANT}/", "iat": now, "nbf": now,
                  "exp": now + 86400, "oid": CLIENT, "sub": CLIENT, "tid": TENANT, "appid": CLIENT, "idtyp": "app",
                  "xms_mirid": "/subscriptions/armsim"}
        token = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
                         for part in ({"alg": "none", "typ": "JWT"}, claims)) + "."
        return {"access_token": token, "expires_on": str(now + 86400), "expires_in": "86400", "token_type": "Bearer",
                "resource": request.query.get("resource", self.url), "client_id": CLIENT}

    def _serve(self, port: int) -> ThreadingHTTPServer:
        handler = type("Handler", (_Handler,), {"sim": self})
        server = _Server(("127.0.0.1", port), handler)
        self._servers.append(server)
        return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away, or that doesn't trust us, is no news."""


class _Handler(BaseHTTPRequestHandler):
    sim: Armsim
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body in one write

    def setup(self) -> None:
        super().setup()
        self.sim.connections += isinstance(self.connection, ssl.SSLSocket)

    def log_message(self, *_: object) -> None:
        """Say nothing: the log is `Armsim.requests`."""

    def _handle(self) -> None:
        request = self._read()
        fault = self.sim.faults.take(request)
        request.fault = fault.kind if fault else None
        if fault and fault.kind in ("reset-before", "stall"):
            self.sim.requests.append(request)
            self._break(fault)
            return
        answer = self.sim.answer_with(fault, request)
        if fault and fault.kind in ("reset-after", "stall-after"):
            self._break(fault)
            return
        self._send(answer, truncate=bool(fault and fault.kind in ("truncate", "stall-midway")))
        if fault and fault.kind == "stall-midway":
            self.wfile.flush()
            self._break(fault)

    do_GET = do_PUT = do_PATCH = do_POST = do_DELETE = do_HEAD = _handle

    def _read(self) -> Request:
        length = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(length)
        if len(content) < length:
            raise ConnectionAbortedError("the client went away before it had said all")
        return Request.parse(self.command, self.path, self.headers, content, self.sim.clock.now())

    def _send(self, answer: Answer, truncate: bool) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if truncate:
            self.wfile.write(answer.body[:len(answer.body) // 2])
            self.close_connection = True
        elif self.command != "HEAD":
            self.wfile.write(answer.body)

    def _break(self, fault: Fault) -> None:
        """Break the connection with RST, as a crash or a firewall does; or say nothing until the client hangs up."""
        self.close_connection = True
        if fault.kind.startswith("stall"):
            self.rfile.read(1)
            return
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
