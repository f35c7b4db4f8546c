# SPDX-License-Identifier: MIT
"""Bad input of every kind: always an error of azclierror or of the parser, never a traceback, never a request outside
the resource's own path. `ACS_FUZZ=10000 python3 dev.py test tests/simulated/test_fuzz.py` tries more.
"""

from __future__ import annotations

import os
import re

from armsim import Armsim
from azure.cli.core.azclierror import AzCLIError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from in_process import InProcessAz
from knack.util import CLIError

EXAMPLES = int(os.environ.get("ACS_FUZZ", "150"))
SUB = "00000000-0000-0000-0000-000000000001"
GOOD_ID = f"/subscriptions/{SUB}/resourceGroups/rg/providers/Microsoft.Communication/communicationServices/myApp"
GOOD_IDENTITY = f"/subscriptions/{SUB}/resourcegroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mi"
# What a request to the resource's own path may look like, unescaped letters and all.
OWN = re.compile(rf"/subscriptions/{SUB}/resourceGroups/[^/?#\s]+/providers/Microsoft\.(Communication"
                 r"/communicationServices(/[-\w]{1,63})?|ManagedIdentity/userAssignedIdentities(/[-\w]{1,128})?)\?api-version=[-\w]+"
                 rf"|/subscriptions/{SUB}/providers/Microsoft\.(Communication/communicationServices"
                 r"|ManagedIdentity/userAssignedIdentities)\?api-version=[-\w]+",
                 re.ASCII | re.IGNORECASE)

nasty = st.sampled_from([
    "", " ", "\t", "\x00", "\x1b[31m", "..", ".", "a/../b", "a%2fb", "%00", "a?b=c", "a#b", "a b", "ä", "名前", "𝕏",
    "\u202ex",
    "\ufeff", "\u212a", "\u017f", "'", '"', ",", "/", "C:/Program Files/Git" + GOOD_ID, "//" + GOOD_ID,
    f"[{{id:{GOOD_ID}}}]",
    f"https://portal.azure.com/#@x/resource{GOOD_IDENTITY}/overview", "??", "[0]=mi", "[,]", "ids.json",
    "-", "--", "--name", "@", "[", "]", "[]", "{}", "[1]", '[{"id": 1}]', '{"id": "x"}', "null", "None", "[system]",
    "x" * 10_000, GOOD_ID, GOOD_IDENTITY, GOOD_ID + "/..", GOOD_ID + "%2f..", GOOD_ID.replace(SUB, "x"),
    GOOD_ID.replace("Communication", "Compute"), "https://management.chinacloudapi.cn" + GOOD_ID, SUB, f"{GOOD_ID}\n",
])
values = nasty | st.text(max_size=40) | st.builds(
    lambda where, what: GOOD_ID[:where] + what + GOOD_ID[where:], st.integers(0, len(GOOD_ID)), nasty)
options = st.sampled_from(["-n", "-g", "--ids", "--user-assigned", "--system-assigned", "--subscription", "--no-wait",
                           "--role", "--scope", "--for", "--custom", "--interval"])
lines = st.builds(
    lambda verb, words: ["communication", "identity", verb, *words],
    st.sampled_from(["assign", "remove", "show", "list", "check", "wait"]),
    st.lists(st.tuples(options, st.lists(values, max_size=2)).map(lambda pair: [pair[0], *pair[1]]), max_size=4).map(
        lambda groups: [word for group in groups for word in group]))


def usable(line: list[str]) -> bool:
    """A process can't be given a NUL; @FILE reads a file; debugging and help are the CLI's own affair."""
    return not any(word.startswith("@") or word in ("-h", "--help") for word in line)


@settings(max_examples=EXAMPLES, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(line=lines.filter(usable))
def test_any_command_line(in_process: InProcessAz, sim: Armsim, line: list[str]) -> None:
    sim.clear_log()
    run = in_process(line)
    if run.error is not None:
        # CLIError alone: the CLI's own checks, such as of the subscription, before ours.
        assert isinstance(run.error, (AzCLIError, CLIError, SystemExit)), repr(run.error)
    assert all(OWN.fullmatch(request.raw_path) for request in sim.requests), [r.raw_path for r in sim.requests]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=values.filter(lambda value: usable([value])))
def test_any_identity_names_its_value(in_process: InProcessAz, sim: Armsim, value: str) -> None:
    sim.clear_log()
    sim.state.add_resource("myApp", "rg")
    run = in_process(["communication", "identity", "assign", "-n", "myApp", "-g", "rg", f"--user-assigned={value}"])
    assert run.exit_code != 0 or sim.state.identity_of(GOOD_ID)
    if isinstance(run.error, AzCLIError) and value.strip() and value.isprintable() and len(value) < 100:
        parts = re.findall(r"[^\s,:'\"\[\]{}]+", value)
        assert not parts or any(part in str(run.error) for part in [*parts, "an empty value"])
    assert all(OWN.fullmatch(request.raw_path) for request in sim.requests), [r.raw_path for r in sim.requests]
