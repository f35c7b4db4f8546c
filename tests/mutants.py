# SPDX-License-Identifier: MIT
"""The plugin of pytest behind `dev.py mutate`. mutmut changes functions. Each change is tried in a process of its own,
in which the tests are collected already: it runs those that reach the changed statement, until one fails.
"""

from __future__ import annotations

import ast
import faulthandler
import gc
import importlib
import os
import pickle
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import unified_diff
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from armsim import Armsim
from az import ROOT, SOURCE, Az
from conftest import OTHER_SUBSCRIPTION
from coverage import Coverage
from hypothesis import HealthCheck, Phase, settings
from mutmut.mutation.file_mutation import mutate_file_contents

NAME = "azext_communication_identity"
FOLDER = Path(tempfile.mkdtemp(prefix="mutants-"))
SURVIVED, NOTICED, STOPPED, IMPOSSIBLE = range(4)  # how a process ends that tries a change; any other end: noticed


@dataclass
class Measured:
    """Of tests that pass: their seconds, and which ones reach a line of a file. `imported`: the modules after them."""

    seconds: dict[str, float] = field(default_factory=dict)
    reaching: dict[tuple[str, int], list[str]] = field(default_factory=lambda: defaultdict(list))
    imported: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Change:
    """A function, what it becomes, the lines of the statement that changes, and the difference to read."""

    function: FunctionType
    changed: FunctionType
    lines: range
    text: str


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--modules")
    parser.addoption("--children", type=int)
    parser.addoption("--seconds", type=float)
    parser.addoption("--minimum", type=float)
    parser.addoption("--survivors")


def pytest_sessionstart() -> None:
    """A property that doesn't hold needn't be reduced to its smallest example."""
    settings.register_profile("mutants", derandomize=True, deadline=None, phases=[Phase.explicit, Phase.generate],
                              suppress_health_check=list(HealthCheck))
    settings.load_profile("mutants")


def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> Any:
    """One login serves all processes, and nothing is built or installed."""
    if fixturedef.argname not in ("installed", "wheel"):
        return None
    made: Any = FOLDER / "none"
    if fixturedef.argname == "installed":
        sim, config = request.getfixturevalue("sim_server"), FOLDER / str(os.getpid())
        shutil.copytree(FOLDER / "login", config)
        clouds = config / "clouds.config"
        clouds.write_text(clouds.read_text().replace((config / "url").read_text(), sim.url))
        made = Az(config, FOLDER / "none", sim.env())
    fixturedef.cached_result = (made, fixturedef.cache_key(request), None)  # type: ignore[arg-type]  # it is one
    return made


def pytest_runtestloop(session: pytest.Session) -> bool:
    """Instead of running the tests: try the changes of each module."""
    option = session.config.option
    if any("installed" in item.fixturenames for item in session.items if isinstance(item, pytest.Function)):
        os.waitpid(_fork(_log_in), 0)
    tests, items = _measured(session.items, option.children), {item.nodeid: item for item in session.items}
    for name in tests.imported:  # once, not in each process
        with suppress(Exception):
            importlib.import_module(name)
    line = session.config.get_terminal_writer().line
    line(f"{len(tests.seconds)} tests take {sum(tests.seconds.values()):.0f} seconds. Left out, since they fail here: "
         f"{', '.join(sorted(items.keys() - tests.seconds.keys())) or 'none'}", flush=True)
    gc.freeze()  # what all processes share
    total: Counter[int] = Counter()
    with Path(option.survivors).open("w", buffering=1, encoding="utf-8") as survivors:
        for module in option.modules.split(","):
            changes = list(_changes(importlib.import_module(f"{NAME}.{module}")))
            work = [(_try, change, [items[name] for name in _chosen(change, tests)], tests.seconds, option.seconds)
                    for change in changes]
            ends = [end if end in (SURVIVED, STOPPED, IMPOSSIBLE) else NOTICED for end in _all(work, option.children)]
            survivors.writelines(change.text for change, end in zip(changes, ends, strict=True) if end != NOTICED)
            total += Counter(ends)
            line(_result(module, Counter(ends)), flush=True)
    line(_result("all", total))
    shutil.rmtree(FOLDER)
    session.testsfailed = int(total[NOTICED] * 100 < option.minimum * total.total())
    return True


def _result(name: str, ends: Counter[int]) -> str:
    number = ends.total()
    return (f"{name:24}{number:6} changes {ends[NOTICED]:6} noticed {100 * ends[NOTICED] / max(number, 1):6.1f} %   "
            f"of the others, {ends[STOPPED]} were stopped and {ends[IMPOSSIBLE]} not tried")


def _fork(function: Callable[..., int | None], *args: Any) -> int:
    """Call a function in a process of its own, silently. What it returns is the exit code."""
    pid = os.fork()
    if pid:
        return pid
    exit_code = NOTICED  # if something is raised that pytest lets through, such as KeyboardInterrupt
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(null, number)
        exit_code = function(*args) or 0
    finally:
        os._exit(exit_code)


def _all(work: Sequence[Sequence[Any]], children: int) -> list[int]:
    """Call functions, some at a time. Returns their exit codes."""
    running: dict[int, int] = {}
    ends = [0] * len(work)
    for index in range(len(work) + children):
        if running and (len(running) >= children or index >= len(work)):
            pid, status = os.wait()
            ends[running.pop(pid)] = os.waitstatus_to_exitcode(status)
        if index < len(work):
            running[_fork(*work[index])] = index
    return ends


def _log_in() -> None:
    with Armsim() as sim:
        sim.state.add_subscription(*OTHER_SUBSCRIPTION)
        Az(FOLDER / "login", FOLDER / "none", sim.env()).log_in(sim.url)
        (FOLDER / "login" / "url").write_text(sim.url)


def _measured(items: Sequence[pytest.Item], children: int) -> Measured:
    """Run all tests once, but for those of files that nothing has changed for since they were measured."""
    by_file: dict[Path, list[pytest.Item]] = defaultdict(list)
    for item in items:
        by_file[item.path].append(item)
    others = [path for folder in (SOURCE / NAME, ROOT / "tests") for path in sorted(folder.rglob("*.py"))
              if not path.name.startswith("test_") and str(path) != __file__]
    common = b"".join(path.read_bytes() for path in others)
    folder = ROOT / ".work" / "measured-tests"
    folder.mkdir(parents=True, exist_ok=True)
    results = {folder / sha256(common + path.read_bytes()).hexdigest(): own for path, own in by_file.items()}
    _all([(_measure, own, result) for result, own in results.items() if not result.exists()], children)
    measured = Measured()
    for result in results:
        seconds, reaching, imported = pickle.loads(result.read_bytes())  # noqa: S301  # _measure wrote it
        measured.seconds |= seconds
        measured.imported |= imported
        for line, names in reaching.items():
            measured.reaching[line] += names
    return measured


def _measure(items: Sequence[pytest.Item], result: Path) -> None:
    seconds: dict[str, float] = {}
    coverage = Coverage(data_file=None, config_file=False, source_pkgs=[NAME])
    coverage.start()
    for item, following in zip_longest(items, items[1:]):
        coverage.switch_context(item.nodeid)
        started = time.monotonic()
        if _passes(item, following):
            seconds[item.nodeid] = time.monotonic() - started
    coverage.stop()
    data = coverage.get_data()
    reaching = {(file, line): [name for name in names if name in seconds] for file in data.measured_files()
                for line, names in data.contexts_by_lineno(file).items()}
    result.write_bytes(pickle.dumps((seconds, reaching, set(sys.modules))))


def _passes(item: pytest.Item, following: pytest.Item | None) -> bool:
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))


def _changes(module: ModuleType) -> Iterator[Change]:
    """The changes that mutmut makes to the functions of a module."""
    path = Path(str(module.__file__))
    source = path.read_text(encoding="utf-8")
    tree, mutated = ast.parse(source), mutate_file_contents(str(path), source)
    namespace: dict[str, Any] = {"__name__": module.__name__}
    exec(compile(mutated.code, str(path), "exec"), namespace)  # noqa: S102  # our own code
    lines = mutated.code.splitlines()
    texts = {name: lines[span.start - 1:span.end] for name, span in mutated.line_span_by_function_name.items()}
    for mutants in [value for key, value in namespace.items() if key.startswith("mutants_x")]:
        original = mutants.pop("_mutmut_orig").__name__  # x_name__mutmut_orig, or xǁClassǁname__mutmut_orig
        owner, _, name = original.removesuffix("__mutmut_orig")[2:].rpartition("ǁ")
        found = vars(getattr(module, owner) if owner else module)[name]
        function = getattr(found, "__func__", found)
        before = texts[original]
        first = next(index for index, line in enumerate(before) if line.strip()[:1] not in ("", "#"))
        for label, changed in mutants.items():
            after = [line.replace(label, original) for line in texts[label]]
            differing = next(index for index, pair in enumerate(zip_longest(before, after)) if pair[0] != pair[1])
            difference = unified_diff(before, after, module.__name__, label, lineterm="", n=2)
            yield Change(function, getattr(changed, "__func__", changed),
                         _statement(tree, function.__code__.co_firstlineno + differing - first),
                         "\n".join([*difference, "", ""]))


def _statement(tree: ast.Module, line: int) -> range:
    """The lines of the statement at a line, without those in it; of the whole function, if it's in the signature."""
    found = max((node for node in ast.walk(tree) if isinstance(node, ast.stmt)
                 and node.lineno <= line <= (node.end_lineno or 0)), key=lambda node: node.lineno)
    if hasattr(found, "body") and not isinstance(found, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return range(found.lineno, max(found.lineno + 1, found.body[0].lineno))
    return range(found.lineno, (found.end_lineno or 0) + 1)


def _chosen(change: Change, tests: Measured) -> list[str]:
    """The tests that reach a change: those without a server first, the fastest of each file before its others."""
    file, ranked, by_file = change.function.__code__.co_filename, [], Counter[str]()
    names = {name for line in change.lines for name in tests.reaching.get((file, line), ())}
    for name in sorted(names, key=lambda name: tests.seconds[name]):
        path = name.partition("::")[0]
        ranked.append(("/unit/" not in path, by_file[path], tests.seconds[name], name))
        by_file[path] += 1
    return [name for *_, name in sorted(ranked)]


def _try(change: Change, items: Sequence[pytest.Item], usual: Mapping[str, float], seconds: float) -> int:
    try:
        change.function.__code__ = change.changed.__code__
    except ValueError:  # it uses other variables from around it
        return IMPOSSIBLE
    change.function.__defaults__ = change.changed.__defaults__
    change.function.__kwdefaults__ = change.changed.__kwdefaults__
    left = seconds
    for item, following in zip_longest(items, items[1:]):
        if left < 0:
            return STOPPED
        left -= usual[item.nodeid]
        faulthandler.dump_traceback_later(5 + 10 * usual[item.nodeid], exit=True)  # it doesn't end: noticed
        if not _passes(item, following) and not _passes(item, following):  # twice: not by chance
            return NOTICED
    return SURVIVED
