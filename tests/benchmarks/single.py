# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the time of a single task goes: processes, imports, checks, logon, calls; as a module and inside the worker."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.msrpc.dhcp.tests.benchmarks.ground import Playbook, clients, connection, play, scope, task
from ansible_collections.msrpc.dhcp.tests.benchmarks.playbooks import DEBUG, OF_ITEM, OFFICE, RESERVED, defaults
from ansible_collections.msrpc.dhcp.tests.benchmarks.report import Bench, alternate, demand
from ansible_collections.msrpc.dhcp.tests.playbooks.running import TREE
from ansible_collections.msrpc.dhcp.tests.playbooks.support import Program

LONGEST = 60  # seconds
ITEMS = 10
MOST_PACKAGES = 16
OURS = "ansible_collections.msrpc.dhcp.plugins"
# A variable that Python reads when it starts cannot be given to a worker that runs: then the module runs.
AS_MODULE = {"environment": {"PYTHONUNBUFFERED": "1"}}
COLUMNS = ("by the clock", "of the processor")
IMPORT_LINE = re.compile(r"import time:\s*(\d+) \|\s*\d+ \| *(\S+)")


def single(bench: Bench) -> None:
    """All tables of it."""
    with Program(bench.place("single_server"), {"scopes": [scope(OFFICE, RESERVED)]}) as program:
        _items(bench, program)
        _module(bench, program)
        _worker(bench, program)
        _imports(bench, program)


# --- an item of a loop ------------------------------------------------------------------------------------------------


def _items(bench: Bench, program: Program) -> None:
    """What an item of a loop costs as a user sees it, above one of debug."""
    report, home = bench.report, bench.place("single")
    report.title("An item of a loop, from the controller's side, above an item of ansible.builtin.debug")
    where = {"vars": {"clients": clients(OFFICE, ITEMS)}, **defaults(connection(program))}
    loop = {"loop": "{{ clients }}"}
    tasks: dict[str, dict[str, Any]] = {
        "ansible.builtin.debug": {"name": "Say", **DEBUG, **loop},
        "ansible.builtin.ping": {"name": "Ping", "ansible.builtin.ping": {}, **loop},
        "dhcp_reservation_lease as a module": task(OF_ITEM, **loop, **AS_MODULE),
        "dhcp_reservation_lease inside the worker": task(OF_ITEM, **loop),
    }
    works = [Playbook(home, f"play{number}", play([each], **where)) for number, each in enumerate(tasks.values())]
    base, *times = alternate(bench.runs(3), *works)
    report.row("", *COLUMNS)
    for name, each in zip(list(tasks)[1:], times, strict=True):
        by_clock, spent = each.median - base.median, each.spent - base.spent
        report.row(name, f"{by_clock / ITEMS * 1e3:.1f} ms", f"{spent / ITEMS * 1e3:.1f} ms")


# --- stages -----------------------------------------------------------------------------------------------------------


class _Cost(NamedTuple):
    """Seconds of a stage, by the clock and of the processor."""

    clock: float
    processor: float

    def less(self, other: _Cost) -> _Cost:
        return _Cost(self.clock - other.clock, self.processor - other.processor)

    @property
    def cells(self) -> tuple[str, str]:
        return f"{self.clock * 1e3:.1f} ms", f"{self.processor * 1e3:.1f} ms"


def _stages(bench: Bench, options: Mapping[str, Any], *, worker: bool) -> dict[str, _Cost]:
    """Medians over some processes."""
    found = [_stage_process(bench, options, worker=worker)[0]["stages"] for _run in range(bench.runs(5))]
    return {
        name: _Cost(*map(statistics.median, zip(*(each[name] for each in found), strict=True))) for name in found[0]
    }


def _stage_process(
    bench: Bench, options: Mapping[str, Any], *, worker: bool, trace: bool = False, arguments: tuple[str, ...] = ()
) -> tuple[dict[str, Any], str]:
    """The answer of one process, and what it wrote on its second channel."""
    request = bench.place("single") / "request.json"
    request.write_text(json.dumps({"worker": worker, "trace": trace, "options": options}), encoding="utf-8")
    module = "ansible_collections.msrpc.dhcp.tests.benchmarks.stages"
    ended = subprocess.run(
        [sys.executable, *arguments, "-m", module, str(request)],
        env={**os.environ, "PYTHONPATH": str(TREE)},
        capture_output=True,
        encoding="utf-8",
        timeout=LONGEST,
        check=False,
    )
    demand(ended.returncode == 0, f"a task failed:\n{ended.stderr[-3000:]}")
    answer: dict[str, Any] = json.loads(request.with_suffix(".answer").read_text(encoding="utf-8"))
    return answer, ended.stderr


def _module(bench: Bench, program: Program) -> None:
    report = bench.report
    report.title("The module, in a process of its own: one client, present as declared")
    report.row("", *COLUMNS)
    nothing = [sys.executable, "-c", "pass"]
    (start,) = alternate(bench.runs(7), lambda: subprocess.run(nothing, check=True, timeout=LONGEST))
    options = {**connection(program), "server": "localhost", **clients(OFFICE, 1)[0]}
    known = _stages(bench, options, worker=False)
    asked = {**options, "endpoint_mapper_port": program.ports["endpoint_mapper_port"]}
    del asked["port"]
    mapped = _stages(bench, asked, worker=False)["connect, bind, logon"]
    # The connection looks the name up as well; the stage before it did the same alone.
    logon = known["connect, bind, logon"]
    mapper = mapped.less(logon)
    known["connect, bind, logon"] = logon.less(known["look-up of the name"])
    stages = {"start and end of Python": _Cost(start.median, start.spent), **known}
    for name, cost in stages.items():
        report.row(name, *cost.cells)
    report.row("all of it", *_Cost(*map(sum, zip(*stages.values(), strict=True))).cells)
    report.row("endpoint mapper, where no port is given, beside it", *mapper.cells)


def _worker(bench: Bench, program: Program) -> None:
    report = bench.report
    report.title("Inside the controller's worker: one client, present as declared")
    report.row("", *COLUMNS)
    options = {**connection(program), **clients(OFFICE, 1)[0]}
    for name, cost in _stages(bench, options, worker=True).items():
        report.row(name, *cost.cells)


# --- imports ----------------------------------------------------------------------------------------------------------


def _imports(bench: Bench, program: Program) -> None:
    """Which packages a task imports, how long that takes, and how much of each package it then uses."""
    report = bench.report
    report.title("Imports of a task with NTLM as a module, by package (time of their own, in a warm file system)")
    options = {**connection(program), **clients(OFFICE, 1)[0]}
    _answer, output = _stage_process(bench, options, worker=False, arguments=("-X", "importtime"))
    times = {name: int(own) for own, name in IMPORT_LINE.findall(output)}
    answer, _output = _stage_process(bench, options, worker=False, trace=True)
    ran = set(answer["ran"])
    taken: Counter[str] = Counter()
    number: Counter[str] = Counter()
    used: Counter[str] = Counter()
    for name, own in times.items():
        package = _package(name)
        taken[package] += own
        number[package] += 1
        used[package] += name in ran
    report.row("", "own time", "modules", "of which a function ran")
    for package, own in taken.most_common(MOST_PACKAGES):
        report.row(package, f"{own / 1e3:.1f} ms", str(number[package]), str(used[package]))
    report.row("all", f"{sum(taken.values()) / 1e3:.1f} ms", str(len(times)), str(sum(used.values())))
    idle = [name for name in sorted(times, key=lambda each: -times[each]) if _is_idle(name, times, ran)]
    shown = ", ".join(f"{name} {times[name] / 1e3:.1f} ms" for name in idle[:MOST_PACKAGES])
    report.say(f"no function of these ran (they may define what others use): {shown}")


def _package(name: str) -> str:
    first = name.partition(".")[0]
    if first in sys.stdlib_module_names:
        return "the standard library"
    return "this collection" if name.startswith(OURS) else first


def _is_idle(name: str, times: Mapping[str, int], ran: set[str]) -> bool:
    """Neither it nor a module below it; the standard library and empty packages are left out."""
    if _package(name) == "the standard library" or times[name] < 300:
        return False
    return not any(each == name or each.startswith(f"{name}.") for each in ran)
