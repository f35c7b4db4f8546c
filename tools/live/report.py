# SPDX-License-Identifier: MIT
"""live-report.md, live-report.json and live-recording.yaml."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from http.client import responses
from pathlib import Path
from typing import Any, NamedTuple

from ..environment import ROOT
from .arm import Answer, Exchange
from .commands import Ran
from .questions import GRAPH, QUESTIONS
from .sanitise import Sanitiser
from .writing import Finding

DOCUMENT = ROOT / "docs" / "service-behavior.md"
VERDICTS = {True: "holds", False: "DOES NOT HOLD", None: "not settled"}


class Report(NamedTuple):
    """All that came out. `resource`: the ID of ours; `stopped`: why the run ended early, if it did."""

    findings: Mapping[str, Finding]
    commands: Sequence[Ran]
    exchanges: Sequence[Exchange]
    resource: str
    stopped: str = ""

    @property
    def all_hold(self) -> bool:
        """Whether every assumption holds and every command did what it should."""
        verdicts = [*(one.holds for one in self.findings.values()), *(one.holds for one in self.commands)]
        return not self.stopped and set(self.findings) == set(QUESTIONS) and bool(self.commands) and all(verdicts)

    def write(self, folder: Path, sanitiser: Sanitiser) -> list[Path]:
        """Write the three files; return their paths."""
        data = sanitiser.body(self._data())
        files = {"live-report.json": json.dumps(data, indent=1, ensure_ascii=False) + "\n",
                 "live-report.md": _markdown(data), "live-recording.yaml": self._recording(sanitiser)}
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        return [folder / name for name in files]

    def _data(self) -> dict[str, Any]:
        document, assumptions = document_lines(), []
        for key, finding in self.findings.items():
            line, assumption, _ = QUESTIONS[key]
            source = re.search(r"(?:Why|Source): (.*?)(?: To verify:| \[\w+\]|$)", document.get(line, ""))
            assumptions.append({"line": line, "question": key, "assumption": assumption,
                                "source": source.group(1) if source else "docs/service-behavior.md",
                                "service": finding.seen, "verdict": VERDICTS[finding.holds]})
        commands = [{"command": one.line, "service": one.seen, "seconds": round(one.seconds, 1),
                     "verdict": VERDICTS[one.holds]} for one in self.commands]
        return {"allHold": self.all_hold, "stopped": self.stopped, "assumptions": assumptions, "commands": commands,
                "requests": len(self.exchanges)}

    def _recording(self, sanitiser: Sanitiser) -> str:
        """The requests in the form of vcrpy, as azure-cli-testsdk writes it. Each value is JSON, which is YAML too."""
        def lists(headers: Mapping[str, str]) -> dict[str, list[str]]:
            return {name: [value] for name, value in sanitiser.headers(headers).items()}

        lines = ["interactions:"]
        for method, url, headers, body, answer in self.exchanges:
            text = _only_ours(answer, self.resource) if GRAPH in url else answer.text
            request = {"body": None if body is None else json.dumps(sanitiser.body(body), ensure_ascii=False),
                       "headers": lists(headers), "method": method, "uri": sanitiser.text(url)}
            response = {"body": {"string": sanitiser.text(text)}, "headers": lists(answer.headers),
                        "status": {"code": answer.status, "message": responses.get(answer.status, "")}}
            for name, part in (("- request:", request), ("  response:", response)):
                lines += [name, *(f"    {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in part.items())]
        return "\n".join([*lines, "version: 1"]) + "\n"


def document_lines() -> dict[str, str]:
    """The lines of docs/service-behavior.md by number: A1, K12, …"""
    text = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.is_file() else ""
    found = re.findall(r"^- \*\*([AK]\d+)\*\* (.*?)(?=^- \*\*|^#|^$)", text, re.MULTILINE | re.DOTALL)
    return {number: " ".join(words.split()) for number, words in found}


def _markdown(data: Mapping[str, Any]) -> str:
    held = sum(one["verdict"] == "holds" for one in data["assumptions"])
    lines = ["# What the service does", "",
             f"{held} of {len(data['assumptions'])} assumptions hold; {data['requests']} requests.",
             *([f"The run stopped early: {data['stopped']}"] if data["stopped"] else []),
             "", "The numbers are those of docs/service-behavior.md.", "",
             "| Line | Assumption | Current source | What the service did | Verdict |", "|---|---|---|---|---|",
             *(_row(one, "line", "assumption", "source", "service", "verdict") for one in data["assumptions"]),
             "", "## The commands", "", "| Command | Result | Seconds | Verdict |", "|---|---|---|---|",
             *(_row({**one, "command": f"`{one['command']}`"}, "command", "service", "seconds", "verdict")
               for one in data["commands"])]
    return "\n".join(lines) + "\n"


def _row(values: Mapping[str, Any], *keys: str) -> str:
    return "| " + " | ".join(" ".join(str(values[key]).split()).replace("|", "\\|") for key in keys) + " |"


def _only_ours(answer: Answer, resource: str) -> str:
    """An answer of Resource Graph without the rows of other resources."""
    body = answer.body
    if not isinstance(body, dict) or not isinstance(body.get("data"), list):
        return answer.text
    rows = [row for row in body["data"] if str(row.get("id")).lower() == resource.lower()]
    return json.dumps({**body, "data": rows, "count": len(rows), "totalRecords": len(rows)})
