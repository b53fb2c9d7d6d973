# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many clients: how much memory a walk past 100,000 leases takes, and how time and memory grow with the list."""

from __future__ import annotations

import math
from collections.abc import Sequence
from ipaddress import IPv4Network
from itertools import pairwise
from typing import Any

from ansible_collections.msrpc.dhcp.tests.benchmarks.child import measure
from ansible_collections.msrpc.dhcp.tests.benchmarks.ground import client, clients, connection, scope
from ansible_collections.msrpc.dhcp.tests.benchmarks.report import Bench, demand
from ansible_collections.msrpc.dhcp.tests.playbooks.support import Program

VAST = IPv4Network("10.0.0.0/15")  # room for 131,072 addresses
MANY = 100_000
MANY_IN_QUICK = 10_000
SCOPES = 10
DECLARED = 20  # few, and enough for a walk in place of look-ups
MOST_MEMORY = 150
SIZES = (1_000, 10_000, 100_000)
MOST_CREATED = 10_000
# A list that grows tenfold may take ten times 1.26 as long before it counts as more than linear: 10 ** 1.1.
MOST_EXPONENT = 1.1


def memory(bench: Bench) -> None:
    """Peak memory of a process that walks past many leases for few clients, above the same process idle."""
    report, many = bench.report, MANY_IN_QUICK if bench.quick else MANY
    report.title(
        f"Peak memory above the idle process, {many:,} leases in the walked scopes, {DECLARED} clients declared"
    )
    report.row("", "peak", "idle", "above", "seconds, calls")
    folder = bench.place("memory")
    with Program(folder, {"scopes": [scope(VAST, many, reserved=False)]}) as program:
        listed = [{**each, "type": "lease"} for each in clients(VAST, DECLARED)]
        one = {**connection(program), "scope": str(VAST.network_address), "clients": listed}
        found = [
            _remembered(bench, folder, "one scope, its use case", "write", one),
            _remembered(bench, folder, "one scope, the whole module process", "module", one),
        ]
    networks = list(IPv4Network("10.0.0.0/12").subnets(new_prefix=17))[:SCOPES]
    site = {"scopes": [scope(each, many // SCOPES, reserved=False) for each in networks]}
    with Program(folder, site) as program:
        # A client to be absent wherever it is: each of the scopes is walked.
        gone = [{"mac_address": f"06{number:010x}", "state": "absent"} for number in range(DECLARED)]
        all_of_them = {**connection(program), "clients": gone}
        found.append(_remembered(bench, folder, f"{SCOPES} scopes, their use case", "write", all_of_them))
        found.append(_remembered(bench, folder, f"{SCOPES} scopes, the whole module process", "module", all_of_them))
    report.judge(f"peak memory, {many:,} leases in the walked scopes", max(found), MOST_MEMORY, " MiB")


def _remembered(bench: Bench, folder: Any, title: str, what: str, options: dict[str, Any]) -> float:
    answer = measure(folder, title.replace(" ", "_"), what, options)
    demand(not answer["failed"], f"{title} failed")
    above: float = answer["peak"] - answer["idle"]
    cells = [f"{each:.1f} MiB" for each in (answer["peak"], answer["idle"], above)]
    calls = f", {answer['calls']}" if "calls" in answer else ""
    bench.report.row(title, *cells, f"{answer['seconds']:.2f}{calls}")
    return above


def growth(bench: Bench) -> None:
    """Time and memory at 1,000, 10,000 and 100,000 clients, each in a process of its own."""
    report = bench.report
    report.title("Growth: time, and peak memory above the idle process")
    report.row("clients", *(f"{size:,}" for size in SIZES), "exponents")
    listing: list[dict[str, Any]] = []
    second: list[dict[str, Any]] = []
    first: list[dict[str, Any]] = []
    folder = bench.place("growth")
    for size in SIZES[:2] if bench.quick else SIZES:
        with Program(folder, {"scopes": [scope(VAST, size)]}) as program:
            where = {**connection(program), "scope": str(VAST.network_address)}
            listing.append(measure(folder, "list", "list", where))
            second.append(measure(folder, "second", "write", {**where, "clients": clients(VAST, size)}))
        demand(listing[-1]["count"] == size and second[-1]["actions"] == ["none"], f"not as declared: {second[-1]}")
        if size <= MOST_CREATED:
            with Program(folder, {"scopes": [scope(VAST)]}) as program:
                options = {**connection(program), "clients": [client(VAST, number) for number in range(size)]}
                first.append(measure(folder, "first", "write", options))
            demand(first[-1]["actions"] == ["created"], f"not created: {first[-1]}")
    grown = [_grown(bench, "list the clients of the scope, dhcp_lease_info", listing)]
    grown.append(_grown(bench, "second run", second))
    grown.append(_grown(bench, "first run (not of 100,000: that is 200,000 writes)", first))
    report.judge("largest exponent of processor time or memory", max(grown), MOST_EXPONENT)


def _grown(bench: Bench, title: str, answers: Sequence[dict[str, Any]]) -> float:
    """The largest exponent between two sizes, of memory and of the processor time, which other people's load spares."""
    figures = {
        "s": [answer["seconds"] for answer in answers],
        "s of the processor": [answer["processor"] for answer in answers],
        "MiB": [answer["peak"] - answer["idle"] for answer in answers],
    }
    blank = [""] * (len(SIZES) - len(answers))
    bench.report.row(title, *(f"{answer['calls']:,} calls" for answer in answers))
    for unit, values in figures.items():
        shown = ", ".join(f"{each:.2f}" for each in _exponents(values))
        bench.report.row("", *(f"{each:.2f} {unit}" for each in values), *blank, shown)
    return max(_exponents(figures["s of the processor"]) + _exponents(figures["MiB"]))


def _exponents(values: Sequence[float]) -> list[float]:
    return [math.log10(after / before) for before, after in pairwise(values)]
