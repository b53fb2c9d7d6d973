# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The protocol beside impacket: decoding, one sealed call, and a walk of 10,000 clients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self

from impacket.dcerpc.v5.ndr import NULL

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import options
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import Scope
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls, structs
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import Connection, connect
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV, DHCPSRV2
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer
from ansible_collections.msrpc.dhcp.tests.benchmarks.ground import LARGE, At, checked, client, connection, scope
from ansible_collections.msrpc.dhcp.tests.benchmarks.report import Bench, Report, Times, alternate, demand
from ansible_collections.msrpc.dhcp.tests.playbooks.support import Program
from ansible_collections.msrpc.dhcp.tests.unit.simulator.foreign import (
    CreateClientInfoVQ,
    EnumSubnetClientsVQReply,
    ImpacketClient,
    blank,
)

CLIENTS = 10_000
PAGE = 65536
GETS = 200
ENCODED = 300
WHERE = Scope(network=LARGE, name="")
SUBNET = int(LARGE.network_address)
COLUMNS = ("ours", "impacket", "ratio")


class Beside:
    """Our connection, our gateway and impacket, all of them to one simulator with 10,000 clients.

    The simulator sends answers that it has encoded before, so that its own codec is in nobody's time.
    """

    def __init__(self, bench: Bench, name: str) -> None:
        self._stack = ExitStack()
        self._folder = bench.place(name)

    def __enter__(self) -> Self:
        site = {"scopes": [scope(LARGE, CLIENTS)], "settings": {"keep_answers": True}}
        program = self._stack.enter_context(Program(self._folder, site))
        parameters = checked({**connection(program), **client(LARGE, 0)})
        endpoint, credentials = options.endpoint(parameters), options.credentials(parameters)

        def opened() -> Connection:
            return connect(endpoint, credentials, (DHCPSRV, DHCPSRV2))

        self.connection = self._stack.enter_context(opened())
        self.server = self._stack.enter_context(DhcpServer(opened))
        self.impacket = self._stack.enter_context(ImpacketClient(At(program)))
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def ask(self, request: calls.Call[Any]) -> Any:
        """A reply, verified and decoded, by our protocol layer alone."""
        stub = self.connection.call(request.INTERFACE, request.OPNUM, request.pack(), label=request.name)
        return request.Reply.unpack(stub)


# --- the codec alone --------------------------------------------------------------------------------------------------


def codec(bench: Bench) -> None:
    """One page of client records decoded, one record encoded; no server is asked meanwhile."""
    report = bench.report
    report.title("Codec, beside impacket's NDR (no network, no sealing)")
    report.row("", *COLUMNS)
    with Beside(bench, "codec") as beside:
        request = calls.R_DhcpEnumSubnetClientsVQ(SubnetAddress=SUBNET, ResumeHandle=0, PreferredMaximum=PAGE)
        stub = beside.impacket.raw(request.OPNUM, request.pack())
    count = len(request.Reply.unpack(stub).ClientInfo or ())
    decoded = alternate(
        bench.runs(7),
        lambda: request.Reply.unpack(stub),
        lambda: EnumSubnetClientsVQReply(stub),  # type: ignore[no-untyped-call]
    )
    _compare(report, f"decode a record (a page of {count}, {len(stub):,} octets)", decoded, count, "µs")
    encoded = alternate(
        bench.runs(7),
        lambda: [_our_create(number).pack() for number in range(ENCODED)],
        lambda: [_their_create(number).getData() for number in range(ENCODED)],
    )
    _compare(report, "build and encode the request that creates a record", encoded, ENCODED, "µs")


def _our_create(number: int) -> calls.R_DhcpCreateClientInfoVQ:
    info = structs.DHCP_CLIENT_INFO_VQ(
        ClientIpAddress=SUBNET + number,
        SubnetMask=0xFFFFC000,
        ClientHardwareAddress=number.to_bytes(6, "big"),
        ClientName=f"client-{number}.example.com",
        ClientComment=None,
        ClientLeaseExpires=0,
        OwnerHost=structs.DHCP_HOST_INFO(),
        bClientType=structs.CLIENT_TYPE_DHCP,
        AddressState=structs.ADDRESS_STATE_ACTIVE,
        Status=0,
        ProbationEnds=0,
        QuarantineCapable=0,
    )
    return calls.R_DhcpCreateClientInfoVQ(ClientInfo=info)


def _their_create(number: int) -> Any:
    request = blank(CreateClientInfoVQ)
    info = request["ClientInfo"]
    info["ClientIpAddress"] = SUBNET + number
    info["Status"] = 0
    info["ClientHardwareAddress"]["DataLength"] = 6
    info["ClientHardwareAddress"]["Data_"] = number.to_bytes(6, "big")
    info["ClientName"] = f"client-{number}.example.com\x00"
    info["ClientComment"] = info["OwnerHost"]["NetBiosName"] = info["OwnerHost"]["HostName"] = NULL
    return request


def _compare(report: Report, what: str, both: Sequence[Times], each: int, unit: str) -> float:
    """A line with ours and impacket's, and one with their processor time; the ratio of the former."""
    ours, theirs = both
    ratio = theirs.median / ours.median
    report.row(what, ours.text(unit, each=each), theirs.text(unit, each=each), f"{ratio:.1f}")
    spent = (ours.spent_text(unit, each=each), theirs.spent_text(unit, each=each), f"{theirs.spent / ours.spent:.1f}")
    report.row("  its processor time in the client", *spent)
    return ratio


# --- one call ---------------------------------------------------------------------------------------------------------


def get(bench: Bench) -> None:
    """R_DhcpGetClientInfoVQ on an open connection: encode, seal, send, wait, verify, decode."""
    report = bench.report
    report.title("One Get, sealed and verified (200 of them a sample, on an open connection)")
    report.row("", *COLUMNS)
    addresses = [SUBNET + 10 + number for number in range(GETS)]
    with Beside(bench, "get") as beside:

        def ours() -> None:
            for address in addresses:
                search = structs.DHCP_SEARCH_INFO(SearchType=structs.SEARCH_ADDRESS, Value=address)
                beside.ask(calls.R_DhcpGetClientInfoVQ(SearchInfo=search))

        def gateway() -> None:
            for number in range(GETS):
                beside.server.record_at(WHERE, LARGE[10 + number])

        def theirs() -> None:
            for address in addresses:
                beside.impacket.get(address)

        works = (ours, theirs, gateway)
        for work in works:
            work()
        our_time, their_time, gateway_time = alternate(bench.runs(7), *works)
    ratio = _compare(report, "the call, decoded", (our_time, their_time), GETS, "ms")
    report.row("the call as a value of the domain, checked", gateway_time.text("ms", each=GETS))
    report.judge("one Get, times faster than impacket", ratio, 4, at_least=True)


# --- a walk -----------------------------------------------------------------------------------------------------------


def walk(bench: Bench) -> None:
    """R_DhcpEnumSubnetClientsVQ until the end, every field of every record decoded, every reply verified."""
    report = bench.report
    report.title(f"Enumerate {CLIENTS:,} clients with privacy (replies encoded beforehand)")
    report.row("", *COLUMNS)
    with Beside(bench, "walk") as beside:
        _see_the_same(beside)
        works = (
            lambda: sum(len(page) for page in _our_pages(beside)),
            lambda: sum(len(page) for page in _their_pages(beside)),
            lambda: sum(1 for _record in beside.server.records(WHERE)),
        )
        ours, theirs, gateway = alternate(bench.runs(3), *works)
    ratio = _compare(report, "the calls, decoded", (ours, theirs), 1, "ms")
    factor = f"{theirs.median / gateway.median:.1f}"
    report.row("the calls as values of the domain, checked", gateway.text("ms"), "", factor)
    report.judge(f"enumerate {CLIENTS:,} clients, times faster than impacket", ratio, 15, at_least=True)


def _our_pages(beside: Beside) -> Iterator[Any]:
    handle = 0
    while True:
        page = beside.ask(
            calls.R_DhcpEnumSubnetClientsVQ(SubnetAddress=SUBNET, ResumeHandle=handle, PreferredMaximum=PAGE)
        )
        yield page.ClientInfo
        if page.Return == 0:
            return
        handle = page.ResumeHandle


def _their_pages(beside: Beside) -> Iterator[Any]:
    handle = 0
    while True:
        page = beside.impacket.page(SUBNET, handle)
        yield page["ClientInfo"]["Clients"]
        if page["ErrorCode"] == 0:
            return
        handle = page["ResumeHandle"]


@dataclass(frozen=True)
class _Seen:
    """A record's fields that have something in them here."""

    address: int
    mask: int
    identifier: bytes
    name: str
    comment: str
    expires: int
    owner: int


def _see_the_same(beside: Beside) -> None:
    ours = [
        _Seen(
            each.ClientIpAddress,
            each.SubnetMask,
            each.ClientHardwareAddress,
            each.ClientName,
            each.ClientComment,
            each.ClientLeaseExpires,
            each.OwnerHost.IpAddress,
        )
        for page in _our_pages(beside)
        for each in page
    ]
    theirs = [
        _Seen(
            each["ClientIpAddress"],
            each["SubnetMask"],
            b"".join(each["ClientHardwareAddress"]["Data_"]),
            each["ClientName"][:-1],
            each["ClientComment"][:-1],
            each["ClientLeaseExpires"]["dwHighDateTime"] << 32 | each["ClientLeaseExpires"]["dwLowDateTime"],
            each["OwnerHost"]["IpAddress"],
        )
        for page in _their_pages(beside)
        for each in page
    ]
    demand(ours == theirs and len(ours) == CLIENTS, f"the two walks differ: {ours[:1]} {theirs[:1]}")
