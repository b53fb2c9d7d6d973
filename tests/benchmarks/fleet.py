# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet of DHCP servers: how the time of a playbook grows with their number and with Ansible's forks."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from ipaddress import IPv4Network
from typing import Any

from ansible_collections.msrpc.dhcp.tests.benchmarks.ground import Playbook, clients, connection, play, scope, task
from ansible_collections.msrpc.dhcp.tests.benchmarks.report import Bench, alternate, demand
from ansible_collections.msrpc.dhcp.tests.playbooks.support import Program

SERVERS = 20
CLIENTS = 2_000
FORKS = (1, 5, 10)
# A scope for each number of forks, so that every first run finds an empty one.
CAMPUSES = [IPv4Network(f"10.{number}.0.0/20") for number in range(len(FORKS))]


def fleet(bench: Bench) -> None:
    """Twenty DHCP servers as twenty hosts of an inventory, a list of clients for each, delegated to the controller."""
    report = bench.report
    servers, count = (3, 200) if bench.quick else (SERVERS, CLIENTS)
    report.title(f"A fleet: {servers} servers with {count:,} clients each, one task, from start to end of the playbook")
    report.row("forks", *(str(each) for each in FORKS))
    with ExitStack() as stack:
        site = {"scopes": [scope(campus) for campus in CAMPUSES]}
        programs = [stack.enter_context(Program(bench.place(f"fleet_{each}"), site)) for each in range(servers)]
        works = [_Fleet(bench, programs, campus, count) for campus in CAMPUSES]
        firsts = [alternate(1, work.run(forks, "changed=1"))[0] for work, forks in zip(works, FORKS, strict=True)]
        runs = [work.run(forks, "changed=0") for work, forks in zip(works, FORKS, strict=True)]
        alone = _Fleet(bench, programs[:1], CAMPUSES[0], count).run(1, "changed=0")
        *again, one = alternate(bench.runs(2), *runs, alone)
    report.row("first run", *(each.text("s") for each in firsts))
    report.row("  processor time of Ansible", *(each.spent_text("s") for each in firsts))
    report.row("  clients created a second", *(f"{servers * count / each.median:.0f}" for each in firsts))
    report.row("second run", *(each.text("s") for each in again))
    report.row("  processor time of Ansible", *(each.spent_text("s") for each in again))
    report.row("  over that of one server alone", *(f"{each.median / one.median:.1f}" for each in again))
    report.row("second run of one server alone", one.text("s"))
    report.row("  processor time of Ansible", one.spent_text("s"))


class _Fleet:
    """An inventory of servers, with a file of variables for each, and a playbook for it."""

    def __init__(self, bench: Bench, programs: list[Program], campus: IPv4Network, count: int) -> None:
        self._home = bench.place(f"fleet_{campus.network_address}_{len(programs)}")
        self._size = len(programs)
        options = {**connection(programs[0]), "port": "{{ dhcp_port }}", "clients": "{{ dhcp_clients }}"}
        self._play = play([task(options, delegate_to="localhost")], hosts="all")
        variables, listed = self._home / "host_vars", clients(campus, count)
        variables.mkdir()
        names = [f"dhcp{number}.example.com" for number in range(len(programs))]
        for name, program in zip(names, programs, strict=True):
            content = {"dhcp_port": program.ports["port"], "dhcp_clients": listed}
            (variables / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
        inventory: dict[str, Any] = {"all": {"hosts": {name: {} for name in names}}}
        (self._home / "inventory.json").write_text(json.dumps(inventory), encoding="utf-8")

    def run(self, forks: int, outcome: str) -> Callable[[], None]:
        """What runs the playbook once; each of its hosts has to report this outcome."""
        arguments = ("--inventory", self._home / "inventory.json", "--forks", str(forks))
        playbook = Playbook(self._home, f"forks_{forks}", self._play, *arguments)

        def work() -> None:
            output = playbook()
            demand(output.count(outcome) == self._size, f"not every server was {outcome}:\n{output[-3000:]}")

        return work
