# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The use case in this process: 10,000 clients found as declared, 1,000 made over several connections."""

from __future__ import annotations

import cProfile
import io
import pstats
from collections.abc import Callable
from ipaddress import IPv4Network
from typing import Any

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.use_case import Answer
from ansible_collections.msrpc.dhcp.tests.benchmarks.ground import (
    LARGE,
    checked,
    clients,
    connection,
    declare,
    scope,
)
from ansible_collections.msrpc.dhcp.tests.benchmarks.report import Bench, Times, alternate
from ansible_collections.msrpc.dhcp.tests.playbooks.support import Program

WALK = "R_DhcpEnumSubnetClientsVQ"
BESIDE_PAGES = 10
SLOWEST_FUNCTIONS = 15
LATENCY = 0.02  # seconds
BULK = 1_000
WRITES_A_CLIENT = 2
CONNECTIONS = (1, 2, 4, 8, 16)
MEASURED = 8
TOLERANCE = 1.3


def second_run(bench: Bench) -> None:
    """From entering the use case to its result, where everything is as declared."""
    report, count = bench.report, 1_000 if bench.quick else 10_000
    report.title(f"Second run over {count:,} reservations, from entering the use case to its result")
    with Program(bench.place("second_run"), {"scopes": [scope(LARGE, count)]}) as program:
        options = {**connection(program), "clients": clients(LARGE, count)}
        parameters = checked(options)
        program.ask(do="reset")
        answer = declare(parameters, "none")
        counts = program.ask(do="dump")
        first, check = alternate(bench.runs(5), lambda: declare(parameters, "none"), lambda: checked(options))
        program.ask(do="set", keep_answers=True)
        declare(parameters, "none")
        (kept,) = alternate(bench.runs(5), lambda: declare(parameters, "none"))
        if bench.profile:
            report.say(profiled(lambda: declare(parameters, "none")))
    pages, rpc = counts["counters"][WALK], answer.values["rpc"]
    report.row("the use case", first.text("ms"))
    report.row("processor time of this process in it", first.spent_text("ms"))
    report.row("with replies that the simulator encoded beforehand", kept.text("ms"))
    report.row("Ansible's check of the options, before it", check.text("ms"))
    report.row("calls, writes; pages of the walk", f"{rpc['calls']}, {rpc['writes']}; {pages}")
    report.judge("second run over 10,000 clients", first.median, 1, " s")
    report.fact("calls of that run", rpc["calls"], pages + BESIDE_PAGES)


def profiled(work: Callable[[], Any]) -> str:
    """The functions that take most of the time, their own and with all that they call."""
    profile = cProfile.Profile()
    profile.runcall(work)
    text = io.StringIO()
    for order in ("tottime", "cumulative"):
        pstats.Stats(profile, stream=text).strip_dirs().sort_stats(order).print_stats(SLOWEST_FUNCTIONS)
    return text.getvalue()


def bulk(bench: Bench) -> None:
    """Creating reservations on a server that is 20 ms away, over one and more connections."""
    report, count = bench.report, 100 if bench.quick else BULK
    report.title(f"Create {count:,} reservations; every exchange, logons included, takes the server {LATENCY:.3f} s")
    report.row("connections", "seconds", "least that the writes take", "ratio")
    networks = [IPv4Network(f"10.{number}.0.0/21") for number in range(len(CONNECTIONS))]
    site = {"scopes": [scope(each) for each in networks], "settings": {"latency": LATENCY}}
    with Program(bench.place("bulk"), site) as program:
        for number, network in zip(CONNECTIONS, networks, strict=True):
            if bench.quick and number != MEASURED:
                continue
            least = WRITES_A_CLIENT * count * LATENCY / number
            took, answer = _created(program, network, count, number)
            rpc = answer["rpc"]
            counted = f"{rpc['calls']} calls, {rpc['writes']} writes"
            report.row(str(number), took.text("s"), f"{least:.2f} s", f"{took.median / least:.2f}  ({counted})")
            if number == MEASURED:
                measured = took.median
    limit = TOLERANCE * WRITES_A_CLIENT * count * LATENCY / MEASURED
    report.judge(f"create {count:,} reservations over {MEASURED} connections", measured, limit, " s")


def _created(program: Program, network: IPv4Network, count: int, number: int) -> tuple[Times, dict[str, Any]]:
    parameters = checked({**connection(program), "clients": clients(network, count), "connections": number})
    answers: list[Answer] = []
    (took,) = alternate(1, lambda: answers.append(declare(parameters, "created")))
    return took, answers[0].values
