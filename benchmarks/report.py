# SPDX-License-Identifier: MIT

"""Tables in Markdown, of the raw data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from .fleet import LIMIT as FLEET_LIMIT
from .measuring import middle_half
from .one_command import CORE, CORE_SHOW, MEMORY_LIMIT, MICROSOFT, OURS, TABLE_LIMIT
from .operations import GETS_LIMIT
from .operations import LIMIT as OPERATIONS_LIMIT
from .operations import MEMORY_LIMIT as OPERATIONS_MEMORY
from .service_time import LIMIT as SERVICE_LIMIT
from .service_time import RECORDED

Data = Mapping[str, Any]
BEGIN, END = "<!-- benchmarks/report.py writes from here -->\n", "<!-- to here -->"


def report(data: Mapping[str, Data]) -> str:
    """All tables for which there is data, by the name of the part."""
    tables = {"one_command": _one_command, "service_time": _service_time, "fleet": _fleet,
              "operations": _operations, "listing": _listing}
    return "\n\n".join(f"{table(data[part])}\n\n{_where(data[part]['machine'])}"
                       for part, table in tables.items() if part in data) + "\n"


def write_into(document: Path, text: str) -> None:
    """Put the text between the two marks of a document."""
    before, rest = document.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    document.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def _one_command(data: Data) -> str:
    runs = data["runs"]
    middle = {name: median([run["seconds"] for run in all_of]) for name, all_of in runs.items()}
    memory = {name: median([run["memory"] for run in all_of]) for name, all_of in runs.items()}

    def row(name: str, shown: str, against: str = "", limit: str = "") -> list[str]:
        low, high = middle_half([run["seconds"] for run in runs[name]])
        ratio = f"{middle[name] / middle[against]:.2f}" if against else ""
        return [shown, f"{middle[name] * 1000:.0f} ms", f"{low * 1000:.0f} to {high * 1000:.0f} ms",
                f"`{against}`" if against else "", ratio, limit, f"{memory[name]:.1f} MiB"]

    rows = [row(name, f"`{name}`") for name in CORE]
    rows += [row(name, f"`{name}`", one.against, f"{one.limit:.2f}") for name, one in OURS.items()]
    rows += [row(name, name, against) for name, (_, against) in MICROSOFT.items() if name in runs]
    table = [seconds * 1000 for seconds in data["command table"]]
    low, high = middle_half(table)
    rows.append(["loading the command table", f"{median(table):.0f} ms", f"{low:.0f} to {high:.0f} ms", "", "",
                 f"{TABLE_LIMIT * 1000:.0f} ms", ""])
    title = (f"One command, {len(runs[CORE_SHOW])} interleaved runs of each, the simulation answering at once. Memory: "
             f"the peak, which must stay within {MEMORY_LIMIT} MiB of that of `{CORE_SHOW}`.")
    return f"{title}\n\n" + _table(["command", "median", "middle half", "against", "ratio", "at most", "memory"], rows)


def _service_time(data: Data) -> str:
    rows = [[f"`{name}`" if name == "assign" else name, f"{median([run['seconds'] for run in runs]):.1f} s",
             f"{SERVICE_LIMIT:.0f} s" if name == "assign" else ""]
            for name, runs in data["runs"].items() if runs]
    title = (f"The real service's time, {data['patch_seconds']:.0f} seconds for a PATCH. Microsoft's extension takes "
             f"{RECORDED[0]} to {RECORDED[1]} s in public recordings of the real service.")
    return f"{title}\n\n" + _table(["command", "median", "at most"], rows)


def _fleet(data: Data) -> str:
    rows = [[f"`{verb} --ids`", f"{data[verb]['seconds']:.1f} s", f"{data['ideal']:.0f} s",
             f"{data[verb]['seconds'] / data['ideal']:.3f}", f"{FLEET_LIMIT:.2f}", str(len(data[verb]["granted"])),
             str(len(data[verb]["refused"])), f"{data[verb]['memory']:.0f} MiB"] for verb in ("assign", "remove")]
    title = (f"{data['resources']} resources, {data['patch_seconds']:.0f} seconds for a PATCH, a bucket of "
             f"{data['bucket']} writes that refills with {data['refill']} a second. Ideal: the last write begins the "
             "moment the bucket grants it.")
    head = ["command", "time", "ideal", "ratio", "at most", "writes", "refused (429)", "memory"]
    return f"{title}\n\n" + _table(head, rows)


def _operations(data: Data) -> str:
    rows = [[name, str(run["resources"]), f"{run['seconds']:.1f} s", f"{run['ideal']:.0f} s",
             f"{run['seconds'] / run['ideal']:.2f}", f"{run['gets']:.2f}", f"{run['polls']:.2f}", str(run["refused"]),
             f"{run['memory']:.0f} MiB"] for name, run in data["fleets"].items()]
    title = (f"`assign --ids` where each PATCH is answered 202 and takes {data['operation_seconds']:.0f} seconds; "
             f"a bucket of {data['bucket']} writes for each subscription, refilled with {data['refill']} a "
             f"second. Ideal: the last operation ends. At most {OPERATIONS_LIMIT:.2f} times that, with at most "
             f"{GETS_LIMIT} GETs for each resource, and {OPERATIONS_MEMORY:.0f} MiB. Where reads are throttled, ARM's "
             "bucket of 250 reads and 25 a second is in force too, and is the tighter bound in one subscription.")
    head = ["fleet", "resources", "time", "ideal", "ratio", "GETs each", "of them polls", "refused (429)", "memory"]
    return f"{title}\n\n" + _table(head, rows)


def _listing(data: Data) -> str:
    rows = [[f"`{command}`", size, f"{run['seconds']:.1f} s", f"{run['first'] + run['pages']:.1f} s",
             str(run["requests"]), f"{run['processor']:.1f} s", f"{run['memory']:.0f} MiB",
             f"{run['output'] / 1e6:.1f} MB"]
            for command, sizes in data["runs"].items() for size, run in sizes.items()]
    title = "A long list, each resource with both kinds of identity, printed as JSON."
    return f"{title}\n\n" + _table(["command", "resources", "time", "asked for the last page after", "requests",
                                    "processor", "memory", "output"], rows)


def _where(machine: Data) -> str:
    return (f"Measured on {machine['date']}: {machine['system']}, {machine['processor']}, {machine['processors']} "
            f"processors, Python {machine['python']}, azure-cli {machine['azure-cli']}.")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))
