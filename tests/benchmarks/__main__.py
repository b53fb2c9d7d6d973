# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long things take, beside impacket where it can do the same: same simulator, same octets, in one run.

``python -m ansible_collections.msrpc.dhcp.tests.benchmarks``. The simulator is a process of its own, and its time is in
every figure but the codec's. Each figure is the best of three, but impacket's walk, which is timed once.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import options
from ansible_collections.msrpc.dhcp.plugins.module_utils._converge import converge
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import Scope
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import connect
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV, DHCPSRV2
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer
from ansible_collections.msrpc.dhcp.tests.playbooks.support import Program
from ansible_collections.msrpc.dhcp.tests.simulator.site import ADMINISTRATOR, DEFAULT_DOMAIN, DEFAULT_PASSWORD
from ansible_collections.msrpc.dhcp.tests.unit.simulator.foreign import EnumSubnetClientsVQReply, ImpacketClient

RUNS = 3
GETS = 200
CREATED = 200
PAGE = 65536
LARGE, MIDDLE, EMPTY = (IPv4Network(text) for text in ("10.0.0.0/18", "10.1.0.0/18", "10.2.0.0/18"))
SIZES = {LARGE: 10_000, MIDDLE: 2_000}


@dataclass(frozen=True, kw_only=True)
class At:
    """Where the simulator listens."""

    host: str
    port: int


def client(network: IPv4Network, number: int) -> dict[str, Any]:
    """The client of that number in a scope, as a task declares it."""
    where = int(network.network_address) + 10 + number
    return {
        "ip_address": str(IPv4Address(where)),
        "mac_address": f"02{where:010x}",
        "name": f"client-{number}.example.com",
        "description": f"Building 4, room {number}",
    }


def scope(network: IPv4Network) -> dict[str, Any]:
    """A scope of the simulator with its clients, reserved all of them."""
    clients = [client(network, number) for number in range(SIZES.get(network, 0))]
    return {
        "scope": str(network.network_address),
        "prefix_length": network.prefixlen,
        "ranges": [{"start": str(network[10]), "end": str(network[-6])}],
        "records": [{**each, "lease_expires": 0} for each in clients],
        "reservations": [{key: each[key] for key in ("ip_address", "mac_address")} for each in clients],
    }


@contextmanager
def opened(at: At) -> Iterator[DhcpServer]:
    """Our connection, made as the module makes it."""
    params = {
        "server": at.host,
        "port": at.port,
        "endpoint_mapper_port": 135,
        "connect_timeout": 10,
        "request_timeout": 30,
        "auth": "ntlm",  # what impacket does
        "username": f"{DEFAULT_DOMAIN}\\{ADMINISTRATOR}",
        "password": DEFAULT_PASSWORD,
        "spn": None,
    }
    endpoint, credentials = options.endpoint(params), options.credentials(params)
    with DhcpServer(lambda: connect(endpoint, credentials, (DHCPSRV, DHCPSRV2))) as server:
        yield server


def seconds(work: Callable[[], Any], runs: int = RUNS) -> float:
    """How long the work takes at best."""
    best = float("inf")
    for _run in range(runs):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


def row(what: str, ours: str, theirs: str = "", ratio: float | None = None) -> None:
    """A line of the table."""
    print(f"{what:<60}{ours:>12}{theirs:>12}{'' if ratio is None else f'{ratio:.1f}':>7}".rstrip(), flush=True)


def compare(what: str, ours: float, theirs: float, count: int, unit: str) -> None:
    """A line with both, in milli- or microseconds for each of ``count``."""
    factor = {"ms": 1e3, "µs": 1e6}[unit] / count
    row(what, f"{ours * factor:.2f} {unit}", f"{theirs * factor:.2f} {unit}", theirs / ours)


def codec(impacket: ImpacketClient) -> None:
    """One full page of client records, decoded."""
    request = calls.R_DhcpEnumSubnetClientsVQ(
        SubnetAddress=int(LARGE.network_address), ResumeHandle=0, PreferredMaximum=PAGE
    )
    stub = impacket.raw(request.OPNUM, request.pack())
    count = len(calls.R_DhcpEnumSubnetClientsVQ.Reply.unpack(stub).ClientInfo or ())
    ours = seconds(lambda: calls.R_DhcpEnumSubnetClientsVQ.Reply.unpack(stub))
    theirs = seconds(lambda: EnumSubnetClientsVQReply(stub))  # type: ignore[no-untyped-call]
    compare(f"decode a page of {count} records ({len(stub)} octets), each", ours, theirs, count, "µs")


def sealed_get(server: DhcpServer, impacket: ImpacketClient) -> None:
    """R_DhcpGetClientInfoVQ by address, on a connection that is open."""
    where = Scope(network=LARGE, name="")
    addresses = [LARGE[10 + number] for number in range(GETS)]
    server.record_at(where, addresses[0])
    ours = seconds(lambda: [server.record_at(where, each) for each in addresses])
    theirs = seconds(lambda: [impacket.get(int(each)) for each in addresses])
    compare("read one record, sealed, decoded", ours, theirs, GETS, "ms")


def walk(server: DhcpServer, impacket: ImpacketClient) -> None:
    """Every record of a large scope."""

    def their_walk() -> int:
        handle, count = 0, 0
        while True:
            page = impacket.page(int(LARGE.network_address), handle)
            count += len(page["ClientInfo"]["Clients"])
            if page["ErrorCode"] == 0:
                return count
            handle = page["ResumeHandle"]

    count = sum(1 for _record in server.records(Scope(network=LARGE, name="")))
    if not count == their_walk() == SIZES[LARGE]:
        sys.exit("The two walks do not see the same.")
    ours = seconds(lambda: list(server.records(Scope(network=LARGE, name=""))))
    compare(f"read {count:,} records of a scope, in all", ours, seconds(their_walk, runs=1), 1, "ms")


def declare(server: DhcpServer, clients: list[dict[str, Any]], action: str) -> None:
    """What the module does for a task, in this process. Ends the program if something else was done."""
    params = {"clients": clients, "scope": None, "type": "reservation", "state": "present", "name_policy": "always"}
    declared = options.declarations(params, now=datetime.now(UTC))
    outcome = converge(server, declared, single=False, check_mode=False)
    if {each["action"] for each in outcome.clients} != {action}:
        sys.exit(f"Not every client was {action}: {outcome.failure}")


def declarations(server: DhcpServer) -> None:
    """Reservations made, and found as they are."""
    numbers = iter(range(RUNS * CREATED))
    batches = ([client(EMPTY, next(numbers)) for _each in range(CREATED)] for _run in range(RUNS))
    took = seconds(lambda: declare(server, next(batches), "created"))
    row(f"create {CREATED} reservations and prove them, each", f"{took / CREATED * 1e3:.2f} ms")
    for network, size in sorted(SIZES.items(), key=lambda each: each[1]):
        clients = [client(network, number) for number in range(size)]
        calls_before, writes_before = server.calls, server.writes
        took = seconds(lambda clients=clients: declare(server, clients, "none"))  # type: ignore[misc]
        sent = f"{(server.calls - calls_before) // RUNS} calls, {server.writes - writes_before} writes"
        row(f"second run over {size:,} reservations ({sent})", f"{took * 1e3:.2f} ms")


def load() -> str:
    """The machine's load in the last minute."""
    return f"{os.getloadavg()[0]:.2f}"


def main() -> None:
    """The table."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("ansible-core", "impacket", "pyspnego"))
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors; Python {platform.python_version()},")
    print(f"{libraries}. Load at the start: {load()}.\n")
    row("", "ours", "impacket", None)
    site = {"scopes": [scope(network) for network in (LARGE, MIDDLE, EMPTY)]}
    with tempfile.TemporaryDirectory() as folder, Program(Path(folder), site) as program:
        at = At(host="127.0.0.1", port=program.ports["port"])
        with opened(at) as server, ImpacketClient(at) as impacket:
            codec(impacket)
            sealed_get(server, impacket)
            walk(server, impacket)
            declarations(server)
    print(f"\nLoad at the end: {load()}. The last column is impacket's time divided by ours. The simulator is written")
    print("in Python too, and its time is in every line but the first: against a faster server the ratios differ.")


if __name__ == "__main__":
    main()
