# SPDX-License-Identifier: MIT
"""`dev.py mutate`: mutation testing. The code of model/, arm/ and runner/ is changed in small ways, one at a time; a
change that no test notices is a survivor.
"""

from __future__ import annotations

from collections.abc import Sequence

from .command_line import parser
from .environment import ROOT, SOURCE, WORK, apart_from_the_users_own, for_tests, run_command

PACKAGE = SOURCE / "azext_communication_identity"
MODULES = tuple(f"{folder}.{path.stem}" for folder in ("model", "arm", "runner")
                for path in sorted((PACKAGE / folder).glob("[!_]*.py")))
TESTS = ("tests/unit", "tests/simulated")
MINIMUM = 95  # percent of the changes that the tests notice
SURVIVORS = WORK / "survivors.txt"


def run(args: Sequence[str]) -> int:
    """Try all changes, or those of some modules. tests/mutants.py does the work."""
    command = parser("mutate", "Change the code of model, arm and runner in small ways, one at a time, and run the\n"
                               "tests that reach the changed statement, until one fails. Prints for each module how\n"
                               f"many changes the tests notice. Fails below {MINIMUM} %. Writes the\n"
                               f"others to {SURVIVORS.relative_to(ROOT)}. For example:\n"
                               "python3 dev.py mutate arm.errors --tests tests/unit")
    command.add_argument("modules", nargs="*", metavar="MODULE", help="such as arm.errors (default: all)")
    command.add_argument("--tests", nargs="+", default=TESTS, metavar="PATH",
                         help=f"files and folders (default: {' '.join(TESTS)})")
    command.add_argument("--children", type=int, default=2, help="processes at a time (default: %(default)s)")
    command.add_argument("--seconds", type=float, default=20,
                         help="of tests, after which a change counts as not noticed (default: %(default)s)")
    parsed = command.parse_args(args)
    options = {"modules": ",".join(parsed.modules or MODULES), "children": parsed.children, "seconds": parsed.seconds,
               "minimum": MINIMUM, "survivors": SURVIVORS}
    return run_command([for_tests().python, "-m", "pytest", "-p", "mutants", "-p", "no:cacheprovider", "-q", "-s",
                        "-m", "not slow and not timing and not full", "--ignore-glob", "*/test_armsim*",
                        *(f"--{name}={value}" for name, value in options.items()), *parsed.tests], check=False,
                       env={**apart_from_the_users_own(), "PYTHONPATH": str(ROOT / "tests")})
