# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""live-report.md, live-report.json and live-recording.yaml."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .arm import Answer, Exchange, reason
from .assumptions import LINES, source
from .commands import Ran
from .questions import GRAPH, QUESTIONS, Finding
from .sanitise import Sanitiser

VERDICTS = {True: "holds", False: "DOES NOT HOLD", None: "not settled"}


@dataclass(frozen=True)
class Report:
    """All that came out."""

    findings: dict[str, Finding]
    commands: Sequence[Ran]
    exchanges: Sequence[Exchange]
    resource: str  # the ID of ours
    stopped: str = ""  # why the run ended early, if it did

    @property
    def all_hold(self) -> bool:
        """Whether every assumption holds and every command did what it should."""
        return (not self.stopped and set(self.findings) == set(QUESTIONS) and bool(self.commands)
                and all(finding.holds for finding in self.findings.values())
                and all(command.holds for command in self.commands))

    def write(self, folder: Path, sanitiser: Sanitiser) -> list[Path]:
        """Write the three files; return their paths."""
        data = sanitiser.body(self._data())
        files = {"live-report.json": json.dumps(data, indent=1, ensure_ascii=False) + "\n",
                 "live-report.md": _markdown(data),
                 "live-recording.yaml": _recording(self.exchanges, self.resource, sanitiser)}
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        return [folder / name for name in files]

    def _data(self) -> dict[str, Any]:
        return {
            "allHold": self.all_hold, "stopped": self.stopped,
            "assumptions": [
                {"line": LINES[key], "question": key, "assumption": (QUESTIONS[key].__doc__ or "").strip(),
                 "source": source(LINES[key]), "service": finding.seen, "verdict": VERDICTS[finding.holds]}
                for key, finding in self.findings.items()],
            "commands": [{"command": one.line, "service": one.seen, "seconds": round(one.seconds, 1),
                          "verdict": VERDICTS[one.holds]} for one in self.commands],
            "requests": len(self.exchanges)}


def _markdown(data: dict[str, Any]) -> str:
    held = sum(one["verdict"] == "holds" for one in data["assumptions"])
    lines = ["# What the service does", "",
             f"{held} of {len(data['assumptions'])} assumptions hold; {data['requests']} requests."]
    if data["stopped"]:
        lines.append(f"The run stopped early: {data['stopped']}")
    lines += ["", "The numbers are those of docs/service-behaviour.md.", "",
              "| Line | Assumption | Current source | What the service did | Verdict |", "|---|---|---|---|---|"]
    lines += [_row(one["line"], one["assumption"], one["source"], one["service"], one["verdict"])
              for one in data["assumptions"]]
    lines += ["", "## The commands", "", "| Command | Result | Seconds | Verdict |", "|---|---|---|---|"]
    lines += [_row(f"`{one['command']}`", one["service"], one["seconds"], one["verdict"]) for one in data["commands"]]
    return "\n".join(lines) + "\n"


def _row(*cells: Any) -> str:
    return "| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in cells) + " |"


def _recording(exchanges: Iterable[Exchange], resource: str, sanitiser: Sanitiser) -> str:
    """The requests in the form of vcrpy, as azure-cli-testsdk writes it. Each value is JSON, which is YAML too."""
    lines = ["interactions:"]
    for one in exchanges:
        body = None if one.body is None else json.dumps(sanitiser.body(one.body), ensure_ascii=False)
        answer = one.answer
        text = _only_ours(answer, resource) if GRAPH in one.url else answer.text
        lines += ["- request:", f"    body: {_value(body)}", f"    headers: {_headers(one.headers, sanitiser)}",
                  f"    method: {one.method}", f"    uri: {_value(sanitiser.url(one.url))}",
                  "  response:", f"    body: {{string: {_value(sanitiser.body_text(text))}}}",
                  f"    headers: {_headers(answer.headers, sanitiser)}",
                  f"    status: {{code: {answer.status}, message: {_value(reason(answer.status))}}}"]
    return "\n".join([*lines, "version: 1"]) + "\n"


def _only_ours(answer: Answer, resource: str) -> str:
    """An answer of Resource Graph without the rows of other resources."""
    body = answer.body
    if not isinstance(body, dict) or not isinstance(body.get("data"), list):
        return answer.text
    rows = [row for row in body["data"] if str(row.get("id")).lower() == resource.lower()]
    return json.dumps({**body, "data": rows, "count": len(rows), "totalRecords": len(rows)})


def _headers(headers: Any, sanitiser: Sanitiser) -> str:
    return _value({name: [value] for name, value in sanitiser.headers(headers).items()})


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
