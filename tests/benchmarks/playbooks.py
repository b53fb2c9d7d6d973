# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole playbooks, from the start of ansible-playbook to its end, above playbooks that do nothing in their place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

from ansible_collections.msrpc.dhcp.tests.benchmarks.ground import (
    Playbook,
    clients,
    connection,
    play,
    scope,
    task,
    unchanged,
)
from ansible_collections.msrpc.dhcp.tests.benchmarks.report import Bench, alternate
from ansible_collections.msrpc.dhcp.tests.playbooks.support import Program

OFFICE = IPv4Network("10.0.0.0/22")
RESERVED = 200
LOOP = 100
HOSTS = 200
FORKS = 10
OF_ITEM = {name: f"{{{{ item.{name} }}}}" for name in ("ip_address", "mac_address", "name", "description")}
OF_HOST = {name: f"{{{{ {name} }}}}" for name in ("ip_address", "mac_address", "description")}
DEBUG = {"ansible.builtin.debug": {"msg": "{{ item.name }}"}}


def defaults(options: Mapping[str, Any]) -> dict[str, Any]:
    """The keyword of a play that names server and account once."""
    return {"module_defaults": {"group/msrpc.dhcp.dhcp": dict(options)}}


def _office(bench: Bench, name: str) -> Program:
    return Program(bench.place(f"{name}_server"), {"scopes": [scope(OFFICE, RESERVED)]})


def loop(bench: Bench) -> None:
    """A loop of single clients, all present, beside the same loop of debug."""
    report, count, runs = bench.report, 10 if bench.quick else LOOP, bench.runs(5)
    report.title(f"A loop of {count} single clients, all present, in a scope with {RESERVED} reservations")
    home, listed = bench.place("loop"), clients(OFFICE, count)
    with _office(bench, "loop") as program:
        where = {"vars": {"clients": listed}, **defaults(connection(program))}
        ours = Playbook(home, "ours", play([task(OF_ITEM, loop="{{ clients }}")], **where))
        debug = Playbook(home, "debug", play([{"name": "Say", **DEBUG, "loop": "{{ clients }}"}], **where))
        unchanged(program, ours)
        our_time, debug_time = alternate(runs, ours, debug)
        calls = program.ask(do="dump")["calls"] // (runs + 1)
    above = our_time.median - debug_time.median
    report.row("the loop", our_time.text("s"))
    report.row("the same loop of ansible.builtin.debug", debug_time.text("s"))
    report.row("processor time of either", our_time.spent_text("s"), debug_time.spent_text("s"))
    report.row("above it, each item; calls, each item", f"{above / count * 1e3:.1f} ms; {calls / count:.1f}")
    report.judge(f"loop of {count} single clients above debug", above, 1.5 * count / LOOP, " s")


def delegation(bench: Bench) -> None:
    """Many hosts that each declare themselves on the controller, beside hosts that say something there."""
    report, count, runs = bench.report, 20 if bench.quick else HOSTS, bench.runs(3)
    report.title(f"{count} hosts, each declaring itself with delegate_to: localhost, forks {FORKS}, all present")
    home = bench.place("delegation")
    hosts = {each["name"]: each for each in clients(OFFICE, count)}
    inventory = home / "inventory.json"
    inventory.write_text(json.dumps({"all": {"hosts": _without_names(hosts)}}), encoding="utf-8")
    arguments = ("--inventory", inventory, "--forks", str(FORKS))
    here = {"delegate_to": "localhost"}
    with _office(bench, "delegation") as program:
        ours_task = task({**OF_HOST, "name": "{{ inventory_hostname }}"}, **here)
        debug_task = {"name": "Say", "ansible.builtin.debug": {"msg": "{{ ip_address }}"}, **here}
        where = defaults(connection(program))
        ours = Playbook(home, "ours", play([ours_task], hosts="all", **where), *arguments)
        debug = Playbook(home, "debug", play([debug_task], hosts="all", **where), *arguments)
        unchanged(program, ours)
        our_time, debug_time = alternate(runs, ours, debug)
        logons = program.ask(do="dump")["handshakes"].get("logon", 0) // (runs + 1)
    above = (our_time.median - debug_time.median) / count
    report.row("the play", our_time.text("s"))
    report.row("the same play with ansible.builtin.debug", debug_time.text("s"))
    report.row("processor time of either", our_time.spent_text("s"), debug_time.spent_text("s"))
    report.row("logons a run", str(logons))
    report.judge("a host that declares itself, above debug", above * 1e3, 20, " ms")


def _without_names(hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {host: {key: each[key] for key in each if key != "name"} for host, each in hosts.items()}


def one_task(bench: Bench) -> None:
    """One task with 100 clients beside a loop of 100 pings, both less a play without tasks."""
    report, count, runs = bench.report, 20 if bench.quick else LOOP, bench.runs(3)
    report.title(f"One task with {count} clients, beside a loop of {count} ansible.builtin.ping")
    home = bench.place("one_task")
    with _office(bench, "one_task") as program:
        where = defaults(connection(program))
        ours = Playbook(home, "ours", play([task({"clients": clients(OFFICE, count)})], **where))
        ping_task = {"name": "Ping", "ansible.builtin.ping": {}, "loop": list(range(count))}
        ping, empty = Playbook(home, "ping", play([ping_task])), Playbook(home, "empty", play([]))
        unchanged(program, ours)
        our_time, ping_time, empty_time = alternate(runs, ours, ping, empty)
    report.row("the task", our_time.text("s"))
    report.row(f"the loop of {count} pings", ping_time.text("s"))
    report.row("an empty play", empty_time.text("s"))
    report.row("processor time of each", *(each.spent_text("s") for each in (our_time, ping_time, empty_time)))
    ratio = (ping_time.median - empty_time.median) / (our_time.median - empty_time.median)
    report.judge(f"one task with {count} clients, times faster than {count} pings", ratio, 20, at_least=True)
