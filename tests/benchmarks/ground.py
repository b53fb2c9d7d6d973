# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the benchmarks stand on: sites with many clients, a task's parameters, playbooks run as a user runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.argspec import RESERVATION_LEASE, ModuleSpec
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.runner import perform
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.use_case import Answer
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.writing import reservation_lease
from ansible_collections.msrpc.dhcp.tests.benchmarks.report import demand
from ansible_collections.msrpc.dhcp.tests.playbooks.running import environment
from ansible_collections.msrpc.dhcp.tests.playbooks.support import MODULE, Program
from ansible_collections.msrpc.dhcp.tests.simulator.site import ADMINISTRATOR, DEFAULT_DOMAIN, DEFAULT_PASSWORD

LONGEST = 600  # seconds that a playbook may take
FIRST = 10  # the first address of a scope that a client has
LARGE = IPv4Network("10.0.0.0/18")  # room for 10,000


class At:
    """Where a simulator listens, as its foreign clients want to know it."""

    def __init__(self, program: Program) -> None:
        self.host = "127.0.0.1"
        self.port: int = program.ports["port"]


def client(network: IPv4Network, number: int) -> dict[str, Any]:
    """The client of that number in a scope, as a task declares it."""
    where = int(network.network_address) + FIRST + number
    return {
        "ip_address": str(IPv4Address(where)),
        "mac_address": f"02{where:010x}",
        "name": f"client-{number}.example.com",
        "description": f"Building 4, room {number}",
    }


def clients(network: IPv4Network, count: int) -> list[dict[str, Any]]:
    """The first clients of a scope."""
    return [client(network, number) for number in range(count)]


def scope(network: IPv4Network, count: int = 0, *, reserved: bool = True) -> dict[str, Any]:
    """A scope of the simulator with so many clients, all of them reserved or all of them leases."""
    present = clients(network, count)
    reservations = [{key: each[key] for key in ("ip_address", "mac_address")} for each in present]
    return {
        "scope": str(network.network_address),
        "prefix_length": network.prefixlen,
        "ranges": [{"start": str(network[FIRST]), "end": str(network[-6])}],
        "records": [{**each, **({"lease_expires": 0} if reserved else {})} for each in present],
        "reservations": reservations if reserved else [],
    }


def connection(program: Program) -> dict[str, Any]:
    """The connection options of a simulator. With ``auth: ntlm`` the logon is the one that impacket does."""
    return {
        "server": "127.0.0.1",
        "port": program.ports["port"],
        "username": f"{DEFAULT_DOMAIN}\\{ADMINISTRATOR}",
        "password": DEFAULT_PASSWORD,
        "auth": "ntlm",
    }


def checked(options: Mapping[str, Any], spec: ModuleSpec = RESERVATION_LEASE) -> dict[str, Any]:
    """A task's options after Ansible's own check of them."""
    validator = ArgumentSpecValidator(
        spec.options, mutually_exclusive=spec.mutually_exclusive, required_one_of=spec.required_one_of
    )
    result = validator.validate(dict(options))
    demand(not result.error_messages, f"Ansible refuses the options: {result.error_messages}")
    parameters: dict[str, Any] = result.validated_parameters
    return parameters


def declare(parameters: Mapping[str, Any], action: str) -> Answer:
    """What the module does for a task, in this process. Ends the program if something else was done."""
    answer = perform(reservation_lease, parameters, check_mode=False)
    done = {each["action"] for each in answer.values.get("clients", ())}
    demand(answer.failure is None and done == {action}, f"Not every client was {action}: {answer.failure or done}")
    return answer


# --- playbooks --------------------------------------------------------------------------------------------------------


def play(tasks: Sequence[Mapping[str, Any]], *, hosts: str = "localhost", **more: Any) -> dict[str, Any]:
    """A play without facts."""
    return {"name": "Measure", "hosts": hosts, "gather_facts": False, "tasks": list(tasks), **more}


def task(options: Mapping[str, Any], **keywords: Any) -> dict[str, Any]:
    """A task of the module."""
    return {"name": "Declare", MODULE: dict(options), **keywords}


class Playbook:
    """A playbook that can be run, and timed, again and again; its home is its own."""

    def __init__(self, home: Path, name: str, content: Mapping[str, Any], *arguments: str | Path) -> None:
        self._home = home
        self._path = home / f"{name}.yml"
        self._path.write_text(json.dumps([content]), encoding="utf-8")
        self._arguments = arguments

    def __call__(self) -> str:
        """Run it; what it printed. Ends the program if it fails."""
        ended = subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), *self._arguments, self._path],
            cwd=self._home,
            env=environment(self._home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=LONGEST,
            check=False,
        )
        demand(ended.returncode == 0, f"{self._path.name} failed:\n{ended.stdout[-3000:]}")
        return ended.stdout


def unchanged(program: Program, work: Playbook) -> Playbook:
    """Run it once untimed, which also warms what there is to warm, and see that it finds everything as declared."""
    program.ask(do="reset")
    output = work()
    demand("changed=0" in output and "changed=1" not in output, f"A client was changed:\n{output[-3000:]}")
    counts = program.ask(do="dump")
    demand(counts["calls"] > 0 and counts["writes"] == 0, "The server was not asked, or was written to.")
    return work
