# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server whose replies decode and make no sense: each has an end in time and memory, and is used or told, never both.

What is told is a ``DhcpError``. A listing does not fail for a record that is odd: it shows it, or leaves out what
cannot belong to the scope.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.listing import Question
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import AddressRange, Expiry, Record, Scope
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.survey import count_free
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import BadReply
from ansible_collections.msrpc.dhcp.plugins.module_utils._read import find_clients, survey_scopes
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls, option_calls, structs
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import Interface
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.status import StatusError
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer
from ansible_collections.msrpc.dhcp.tests.simulator import store as rules
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import (
    GET,
    HOME,
    LIST,
    OTHER,
    OURS,
    SCOPES,
    WALK,
    Bed,
    ours,
    site,
)
from ansible_collections.msrpc.dhcp.tests.unit.reading import ask

WHERE = Scope(network=IPv4Network("10.0.0.0/24"))
FIRST = int(IPv4Address(HOME))
FREE = "R_DhcpV4GetFreeIPAddress"
HUGE = 0xFFFFFFFF
MIB = 1 << 20
LONG_NAME = "n" * (8 * MIB - 1)  # with its NUL 16 MiB on the wire


class Script:
    """A channel that answers from a function of the call that it is asked."""

    broken = False
    mechanism = "none"
    without_kerberos: str | None = None
    account = "'tester'"
    server = "dhcp1.example.com"

    def __init__(self, answer: Callable[[Any], calls.Reply | bytes]) -> None:
        self.answer = answer
        self.calls: list[Any] = []

    def call(self, interface: Interface, opnum: int, stub: bytes, *, label: str) -> bytes:
        self.calls.append(rules.CALLS[interface, opnum].unpack(stub))
        reply = self.answer(self.calls[-1])
        return reply if isinstance(reply, bytes) else reply.pack()

    def close(self) -> None:
        self.broken = True


def before(*answers: calls.Reply | bytes) -> DhcpServer:
    """The gateway before a server that gives these answers, and the last of them for ever."""
    left = list(answers)
    return DhcpServer(lambda: Script(lambda _call: left.pop(0) if len(left) > 1 else left[0]))


def asked(answer: Callable[[Any], calls.Reply | bytes]) -> tuple[DhcpServer, Script]:
    """The gateway before a server that answers so, and what the server was asked."""
    channel = Script(answer)
    return DhcpServer(lambda: channel), channel


def client(address: int, **fields: Any) -> structs.DHCP_CLIENT_INFO_VQ:
    values: dict[str, Any] = {
        "ClientIpAddress": address,
        "SubnetMask": 0,
        "ClientHardwareAddress": address.to_bytes(4, "big"),
        "ClientName": None,
        "ClientComment": None,
        "ClientLeaseExpires": 0,
        "OwnerHost": structs.DHCP_HOST_INFO(),
        "bClientType": 1,
        "AddressState": 1,
        "Status": 0,
        "ProbationEnds": 0,
        "QuarantineCapable": 0,
    }
    return structs.DHCP_CLIENT_INFO_VQ(**values | fields)


def clients(*found: Any, handle: int = 0, status: int = 0, total: int | None = None) -> calls.Reply:
    return calls.EnumClientsReply(
        ResumeHandle=handle,
        ClientInfo=found,
        ClientsRead=len(found) if total is None else total,
        ClientsTotal=len(found) if total is None else total,
        Return=status,
    )


def scopes(*addresses: int, handle: int = 0, status: int = 0, total: int = 0) -> calls.Reply:
    return calls.EnumSubnetsReply(
        ResumeHandle=handle, EnumInfo=addresses, ElementsRead=total, ElementsTotal=total, Return=status
    )


def elements(
    *found: structs.Element, kind: int = structs.ELEMENT_RESERVATIONS, handle: int = 0, status: int = 0
) -> calls.Reply:
    return calls.EnumElementsReply(
        ResumeHandle=handle,
        EnumElementInfo=tuple(structs.DHCP_SUBNET_ELEMENT_DATA_V5(ElementType=kind, Element=each) for each in found),
        ElementsRead=len(found),
        ElementsTotal=len(found),
        Return=status,
    )


def reserved(address: int, octets: bytes = b"\x00\x1c\x25\x80\xa0\x43") -> structs.Element:
    uid = structs.DHCP_CLIENT_UID(Data=octets)
    return structs.DHCP_IP_RESERVATION_V4(ReservedIpAddress=address, ReservedForClient=uid, bAllowedClientTypes=1)


def span(start: str, end: str) -> structs.Element:
    return structs.DHCP_BOOTP_IP_RANGE(StartAddress=int(IPv4Address(start)), EndAddress=int(IPv4Address(end)))


def subnet(address: int = FIRST, mask: int = 0xFFFFFF00) -> calls.Reply:
    info = structs.DHCP_SUBNET_INFO(
        SubnetAddress=address,
        SubnetMask=mask,
        SubnetName=None,
        SubnetComment=None,
        PrimaryHost=structs.DHCP_HOST_INFO(),
        SubnetState=0,
    )
    return calls.SubnetInfoReply(SubnetInfo=info, Return=0)


def free(addresses: Iterable[int], status: int = 0) -> calls.Reply:
    return calls.FreeAddressesReply(IPAddrList=tuple(addresses), Return=status)


def records(*answers: calls.Reply) -> list[Record]:
    with before(*answers) as server:
        return list(server.records(WHERE))


def peak(run: Callable[[], object]) -> int:
    """How many octets were allocated at most."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# --- lists without end ------------------------------------------------------------------------------------------------


def test_scopes_that_never_end_are_given_up() -> None:
    server, script = asked(
        lambda call: scopes(call.ResumeHandle + 1, handle=call.ResumeHandle + 1, status=rules.MORE_DATA)
    )
    with server, pytest.raises(BadReply, match="R_DhcpEnumSubnets returns page after page"):
        server.scope_addresses()
    assert len(script.calls) == 10_000


def test_records_that_never_end_are_given_up() -> None:
    server, script = asked(
        lambda call: clients(client(call.ResumeHandle), handle=call.ResumeHandle + 1, status=rules.MORE_DATA)
    )
    with server, pytest.raises(BadReply, match="R_DhcpEnumSubnetClientsVQ returns page after page"):
        list(server.records(WHERE))
    assert len(script.calls) == 10_000


def test_empty_pages_with_ever_new_handles_are_given_up() -> None:
    server, script = asked(lambda call: clients(handle=call.ResumeHandle + 1, status=rules.MORE_DATA))
    with server, pytest.raises(BadReply, match="page after page"):
        list(server.records(WHERE))
    assert len(script.calls) == 10_000


def test_reservations_that_never_end_are_given_up() -> None:
    server, script = asked(
        lambda call: elements(reserved(FIRST + 20), handle=call.ResumeHandle + 1, status=rules.MORE_DATA)
    )
    with server, pytest.raises(BadReply, match="R_DhcpEnumSubnetElementsV5 returns page after page"):
        server.reservations(WHERE)
    assert len(script.calls) == 10_000


def test_a_list_of_large_pages_ends_by_its_size() -> None:
    """Long before its ten thousandth page: 64 MiB each would be 640 GB."""
    page = clients(client(FIRST + 20, ClientName=LONG_NAME), status=rules.MORE_DATA)
    stub = page.pack()
    server, script = asked(lambda call: (call.ResumeHandle + 1).to_bytes(4, "little") + stub[4:])
    with server, pytest.raises(BadReply, match="page after page"):
        list(server.records(WHERE))
    assert len(script.calls) < 20


def test_free_addresses_that_never_end_end_with_the_scope() -> None:
    server, script = asked(lambda call: free(range(call.startIP or FIRST + 1, (call.startIP or FIRST + 1) + 1024)))
    with server:
        assert [str(each) for each in server.free_addresses(WHERE)][-1] == "10.0.0.255"
    assert len(script.calls) == 1


def test_free_addresses_that_begin_again_and_again_are_read_once() -> None:
    server, script = asked(lambda call: free(range(FIRST, FIRST + 1024)))
    wide = Scope(network=IPv4Network("10.0.0.0/16"))
    with server:
        assert len(list(server.free_addresses(wide))) == 1024
    assert len(script.calls) == 2


def test_free_addresses_up_to_the_last_there_is_do_not_run_over() -> None:
    last = Scope(network=IPv4Network("255.255.252.0/22"))
    with before(free(range(HUGE - 1023, HUGE + 1))) as server:
        assert len(list(server.free_addresses(last))) == 1024


def test_more_free_addresses_than_were_asked_for_are_refused() -> None:
    with before(free(range(FIRST, FIRST + 1025))) as server, pytest.raises(BadReply, match="1025 addresses"):
        list(server.free_addresses(WHERE))


def test_more_scopes_than_any_server_has_are_refused() -> None:
    with before(scopes(*range(100_001))) as server, pytest.raises(BadReply, match="100001 scopes in one reply"):
        server.scope_addresses()


# --- handles ----------------------------------------------------------------------------------------------------------


def test_a_handle_of_records_that_comes_again_ends_the_walk() -> None:
    server, script = asked(lambda _call: clients(client(FIRST + 20), handle=FIRST + 20, status=rules.MORE_DATA))
    with server, pytest.raises(BadReply, match="page after page"):
        list(server.records(WHERE))
    assert len(script.calls) == 2


def test_handles_of_records_in_a_circle_end_the_walk() -> None:
    server, script = asked(
        lambda call: clients(client(FIRST + 20), handle=(call.ResumeHandle - 1) % 5 + 1, status=rules.MORE_DATA)
    )
    with server, pytest.raises(BadReply, match="page after page"):
        list(server.records(WHERE))
    assert len(script.calls) <= 6


def test_a_handle_of_reservations_that_goes_back_ends_the_list() -> None:
    server, script = asked(
        lambda call: elements(reserved(FIRST + 20), handle=0 if call.ResumeHandle else 5, status=rules.MORE_DATA)
    )
    with server, pytest.raises(BadReply, match="page after page"):
        server.reservations(WHERE)
    assert len(script.calls) == 2


# --- numbers that lie -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("total", [0, 1, HUGE])
def test_totals_that_lie_about_records_are_not_looked_at(total: int) -> None:
    assert len(records(clients(client(FIRST + 20), client(FIRST + 21), total=total))) == 2


@pytest.mark.parametrize("total", [0, 1, HUGE])
def test_totals_that_lie_about_scopes_are_not_looked_at(total: int) -> None:
    with before(scopes(FIRST, FIRST + 256, total=total)) as server:
        assert len(server.scope_addresses()) == 2


def _with_count(reply: calls.Reply, count: int) -> bytes:
    """A list whose two counts say something else than there is."""
    stub = bytearray(reply.pack())
    for offset in (8, 16):
        stub[offset : offset + 4] = count.to_bytes(4, "little")
    return bytes(stub)


READS: dict[str, tuple[calls.Reply, Callable[[DhcpServer], object]]] = {
    "scopes": (scopes(FIRST), lambda server: server.scope_addresses()),
    "records": (clients(client(FIRST + 20)), lambda server: list(server.records(WHERE))),
    "reservations": (elements(reserved(FIRST + 20)), lambda server: server.reservations(WHERE)),
}


@pytest.mark.parametrize("count", [2, 0x3FFFFFFF, 0x7FFFFFFF, 0x80000000, HUGE])
@pytest.mark.parametrize(("reply", "read"), READS.values(), ids=READS)
def test_a_count_beyond_what_was_sent_is_told(
    reply: calls.Reply, read: Callable[[DhcpServer], object], count: int
) -> None:
    with before(_with_count(reply, count)) as server, pytest.raises(BadReply, match="cannot be read"):
        read(server)


def options_answered(reply: calls.Reply | bytes) -> DhcpServer:
    """The gateway before a server that answers so to the question for option values, and is honest otherwise."""
    honest = {calls.R_DhcpGetSubnetInfo: subnet(), calls.R_DhcpEnumSubnetElementsV5: elements()}
    server, _script = asked(lambda call: honest.get(type(call), reply))
    return server


def test_option_values_of_a_count_beyond_what_was_sent_are_told() -> None:
    stub = b"".join(number.to_bytes(4, "little") for number in (4, 0, HUGE, 8, HUGE, 0))
    server = options_answered(stub)
    with server, pytest.raises(BadReply, match="R_DhcpGetAllOptionValues cannot be read"):
        server.options(WHERE, IPv4Address(FIRST + 20))


def test_option_values_of_which_there_is_more_are_an_error() -> None:
    """More data is no success: what is there of the values is not all of them, so it is not used."""
    reply = option_calls.AllOptionValuesReply(Values=None, Return=rules.MORE_DATA)
    server = options_answered(reply)
    with server, pytest.raises(StatusError, match="234"):
        server.options(WHERE, IPv4Address(FIRST + 20))


# --- what does not belong there ---------------------------------------------------------------------------------------


def test_a_record_on_two_pages_comes_once() -> None:
    first = clients(client(FIRST + 20), client(FIRST + 21), handle=1, status=rules.MORE_DATA)
    found = records(first, clients(client(FIRST + 21), client(FIRST + 22)))
    assert [int(each.address) - FIRST for each in found] == [20, 21, 22]


@pytest.mark.parametrize("address", ["0.0.0.0", "9.255.255.255", "10.0.1.0", "255.255.255.255"])  # noqa: S104
def test_a_record_outside_of_the_scope_is_left_out(address: str) -> None:
    found = records(clients(client(int(IPv4Address(address))), client(FIRST + 20)))
    assert [str(each.address) for each in found] == ["10.0.0.20"]


@pytest.mark.parametrize("address", ["0.0.0.0", "9.255.255.255", "10.0.1.0", "255.255.255.255"])  # noqa: S104
def test_a_reservation_outside_of_the_scope_is_left_out(address: str) -> None:
    with before(elements(reserved(int(IPv4Address(address))), reserved(FIRST + 20))) as server:
        assert [str(each.address) for each in server.reservations(WHERE)] == ["10.0.0.20"]


def test_a_purge_does_not_remove_a_reservation_that_lies_outside_of_the_scope(bed: Bed) -> None:
    outside = elements(reserved(int(IPv4Address("10.0.1.99")), bytes.fromhex("020000000099")))
    bed.sim.faults.add(LIST, times=None, stub=outside.pack())
    result = bed.declare(ours(), scope=HOME, purge=True, purge_limit=100, single=False)
    assert [change for change in result.audit if change.scope == OTHER] == []
    assert result.outcome.purged == []


def test_a_scope_that_is_listed_twice_is_read_once() -> None:
    with before(scopes(FIRST, FIRST)) as server:
        assert server.scope_addresses() == [IPv4Address(HOME)]


def test_a_client_with_two_reservations_has_both() -> None:
    with before(elements(reserved(FIRST + 20), reserved(FIRST + 21))) as server:
        assert len(server.reservations(WHERE)) == 2


def test_an_address_that_is_reserved_twice_is_listed_once(bed: Bed) -> None:
    twice = elements(reserved(FIRST + 20, b"first!"), reserved(FIRST + 20, b"second"))
    bed.sim.faults.add(LIST, times=None, stub=twice.pack())
    with bed.server() as server:
        found = find_clients(server, Question(scopes=(IPv4Address(HOME),), address=IPv4Address(FIRST + 20))).found
    assert [each["client_id"] for each in found] == [b"second".hex()]


@pytest.mark.parametrize("mask", [0, 0x000000FF, 0x0000FFFF, 0xFF00FF00, 0xFFFFFF01, 0x7FFFFFFF, 1])
def test_a_mask_that_is_none_is_told(mask: int) -> None:
    with before(subnet(mask=mask)) as server, pytest.raises(BadReply, match="subnet mask that is none"):
        server.scope(IPv4Address(HOME))


@pytest.mark.parametrize("bits", [8, 24, 31, 32])
def test_a_mask_of_leading_ones_is_taken(bits: int) -> None:
    with before(subnet(address=10 << 24, mask=0xFFFFFFFF << (32 - bits) & 0xFFFFFFFF)) as server:
        found = server.scope(IPv4Address(10 << 24))
    assert found == Scope(network=IPv4Network(f"10.0.0.0/{bits}"))


def test_a_scope_0_is_none_and_is_never_asked_for() -> None:
    """Other calls take 0 for all scopes (3.1.4.48): a listing or a purge would go everywhere."""
    server, script = asked(lambda call: scopes(0) if isinstance(call, calls.R_DhcpEnumSubnets) else subnet(0, 0))
    with server:
        assert find_clients(server, Question()).found == []
    assert [each.name for each in script.calls] == [SCOPES]


ODD_SPANS = [
    span("10.0.0.50", "10.0.0.49"),
    span("0.0.0.0", "255.255.255.255"),  # noqa: S104
    span("10.0.0.200", "10.0.1.10"),
    span("10.9.0.1", "10.9.0.200"),
    span("255.255.255.255", "0.0.0.0"),  # noqa: S104
]


@pytest.mark.parametrize("odd", ODD_SPANS)
def test_a_range_that_cannot_be_one_of_the_scope_is_left_out(odd: structs.Element) -> None:
    with before(elements(odd, span("10.0.0.10", "10.0.0.20"), kind=structs.ELEMENT_RANGES)) as server:
        assert server.ranges(WHERE) == (AddressRange(IPv4Address("10.0.0.10"), IPv4Address("10.0.0.20")),)


def test_odd_ranges_do_not_make_fewer_addresses_free_than_none(bed: Bed) -> None:
    bed.sim.faults.add(LIST, stub=elements(*ODD_SPANS, kind=structs.ELEMENT_RANGES).pack())
    with bed.server() as server:
        (found,) = survey_scopes(server, (IPv4Address(HOME),)).found
    assert found["counts"]["free"] == 0


@pytest.mark.parametrize("address", ["10.0.1.20", "0.0.0.0", "255.255.255.255"])  # noqa: S104
def test_a_free_address_outside_of_the_scope_is_not_given_to_anybody(bed: Bed, address: str) -> None:
    bed.sim.faults.add(FREE, times=None, stub=free([int(IPv4Address(address))]).pack())
    result = bed.declare({"mac_address": OURS}, scope=HOME, name="printer", type="lease", lease_expires="never")
    assert "no free address" in result.failure
    assert result.audit == ()


# --- odd values -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("octets", [None, b"", b"x", b"\xff" * 65536], ids=["NULL", "empty", "one", "64 KiB"])
def test_an_identifier_of_any_length_is_listed(octets: bytes | None) -> None:
    (found,) = records(clients(client(FIRST + 20, ClientHardwareAddress=octets)))
    assert found.client_id.octets == (octets or b"")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("tab\tbell\x07escape\x1b[31m", "tab\tbell\x07escape\x1b[31m"),
        ("before\0after", "before"),
        ("\ud800", "\ud800"),
        ("{{ 7 * 7 }}", "{{ 7 * 7 }}"),
        ("", ""),
    ],
    ids=["control", "NUL", "surrogate", "template", "empty"],
)
def test_a_name_of_any_characters_is_listed(name: str, shown: str) -> None:
    (found,) = records(clients(client(FIRST + 20, ClientName=name)))
    assert found.name == shown


@pytest.mark.parametrize("name", ["half \ud800 pair", "\udfff", "bell\x07", "\x1b]0;title\x07"])
def test_a_module_answers_although_a_name_is_odd(name: str) -> None:
    with Simulator(site()) as sim:
        Bed(sim).record("10.0.0.20", OURS, name=name)
        found = ask(sim, "dhcp_lease_info", ip_address="10.0.0.20")["clients"]
    assert [each["ip_address"] for each in found] == ["10.0.0.20"]


@pytest.mark.parametrize(
    ("filetime", "shown"),
    [
        (1, "1601-01-01T00:00:00Z"),
        (0x7FFFFFFF_FFFFFFFE, "filetime 9223372036854775806"),  # in the year 30828
        (0x80000000_00000000, "filetime 9223372036854775808"),  # negative, to whom it is a signed number
        (0xFFFFFFFF_FFFFFFFF, "filetime 18446744073709551615"),
        (0x7FFFFFFF_00000000, "filetime 9223372032559808512"),
    ],
)
def test_a_lease_ends_at_any_time(filetime: int, shown: str) -> None:
    (found,) = records(clients(client(FIRST + 20, ClientLeaseExpires=filetime)))
    assert (found.expires, str(found.expires)) == (Expiry(filetime), shown)


def test_a_record_of_ones_is_listed() -> None:
    odd = client(FIRST + 20, SubnetMask=HUGE, bClientType=255, AddressState=255, Status=0xFFFF, QuarantineCapable=HUGE)
    assert len(records(clients(odd))) == 1


# --- size -------------------------------------------------------------------------------------------------------------


def test_a_name_of_16_mib_is_listed() -> None:
    (found,) = records(clients(client(FIRST + 20, ClientName=LONG_NAME)))
    assert found.name == LONG_NAME


def test_a_name_of_16_mib_costs_a_small_multiple_of_itself() -> None:
    stub = clients(client(FIRST + 20, ClientName=LONG_NAME)).pack()
    with before(stub) as server:
        assert peak(lambda: list(server.records(WHERE))) < 4 * len(stub)


def test_a_name_of_16_mib_comes_through_seal_and_fragments(bed: Bed) -> None:
    bed.sim.faults.add(WALK, stub=clients(client(FIRST + 20, ClientName=LONG_NAME)).pack())
    with bed.server() as server:
        (found,) = server.records(WHERE)
    assert len(found.name) == len(LONG_NAME)


def test_a_name_of_16_mib_ends_a_look_up_as_well(bed: Bed) -> None:
    reply = calls.ClientInfoReply(ClientInfo=client(FIRST + 20, ClientName=LONG_NAME), Return=0)
    bed.sim.faults.add(GET, stub=reply.pack())
    with bed.server() as server:
        found = server.record_at(WHERE, IPv4Address(FIRST + 20))
    assert found is not None
    assert len(found.name) == len(LONG_NAME)


def _spans(count: int, first: int) -> Iterator[AddressRange]:
    return (AddressRange(IPv4Address(first + 4 * n), IPv4Address(first + 4 * n)) for n in range(count))


def test_free_addresses_between_many_ranges_and_exclusions_are_counted_in_linear_time() -> None:
    """Looking at every pair of these would take minutes."""
    began = time.process_time()
    assert count_free(_spans(100_000, 1 << 24), _spans(100_000, 2 << 24), []) == 100_000
    assert time.process_time() - began < 20
