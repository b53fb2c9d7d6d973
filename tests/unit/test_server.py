# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gateway: paging, both forms of identifiers, odd answers, and what each write sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils import _server
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import (
    NEVER,
    AddressRange,
    AddressState,
    ClientId,
    Reservation,
    Scope,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import (
    Create,
    DeleteRecord,
    RemoveReservation,
    Reserve,
    SetRecord,
    Step,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import BadReply, DhcpError, Overtaken, Taken
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls, option_structs, structs
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import Interface
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.status import ScopeNotPresent, StatusError
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer, RpcChannel
from ansible_collections.msrpc.dhcp.tests.simulator import store as rules
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import Range, Settings, Site, record, reservation, scope
from ansible_collections.msrpc.dhcp.tests.simulator.store import Store
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import (
    CREATE,
    GET,
    HOME,
    LATER,
    LIST,
    OTHER,
    OURS,
    RESERVE,
    SCOPE,
    SCOPES,
    STRANGER,
    WALK,
    WANTED,
    Bed,
    expiry,
)

WHERE = Scope(network=IPv4Network("10.0.0.0/24"))
AT = IPv4Address(WANTED)
US = ClientId.parse_mac(OURS)


@pytest.fixture
def server(bed: Bed) -> Iterator[DhcpServer]:
    """The gateway before the site of ``bed``."""
    with bed.server() as gateway:
        yield gateway


def fill(bed: Bed, count: int) -> list[int]:
    """So many records beside the bystanders'; returns all addresses, ascending."""
    where = bed.sim.scope(HOME)
    for number in range(count):
        where.records.put(record(where.subnet + 100 + number, b"\x04" + number.to_bytes(5, "big")))
    return sorted(int(item.address) for item in where.records.values())


def walked(server: DhcpServer) -> list[int]:
    """The addresses of all records, in the order in which they come."""
    return [int(each.address) for each in server.records(WHERE)]


# --- scopes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [None, 1, 2, 3])
def test_all_scopes_are_listed_whatever_the_size_of_a_page(size: int | None) -> None:
    site = Site(scopes=tuple(scope(f"10.0.{third}.0") for third in (3, 1, 2)), settings=Settings(subnets_per_page=size))
    with Simulator(site) as simulator, Bed(simulator).server() as server:
        assert [str(each) for each in server.scope_addresses()] == ["10.0.1.0", "10.0.2.0", "10.0.3.0"]


def test_a_server_without_scopes_has_none() -> None:
    with Simulator(Site()) as simulator, Bed(simulator).server() as server:
        assert server.scope_addresses() == []


def test_a_list_of_scopes_that_never_ends_is_given_up(bed: Bed, server: DhcpServer) -> None:
    page = calls.R_DhcpEnumSubnets.Reply(
        ResumeHandle=1, EnumInfo=(1, 2), ElementsRead=2, ElementsTotal=9, Return=rules.MORE_DATA
    )
    bed.sim.faults.add(SCOPES, times=None, stub=page.pack())
    with pytest.raises(BadReply, match="page after page"):
        server.scope_addresses()
    assert bed.sim.counters[SCOPES] == 2


def test_a_scope_is_its_subnet_and_its_name() -> None:
    with (
        Simulator(Site(scopes=(scope("10.8.0.0", 13, name="Campus"),))) as simulator,
        Bed(simulator).server() as server,
    ):
        found = server.scope(IPv4Address("10.8.0.0"))
    assert found == Scope(network=IPv4Network("10.8.0.0/13"), name="Campus")


@pytest.mark.parametrize("address", ["10.0.0.1", "10.9.9.0", "0.0.0.0"])  # noqa: S104
def test_an_unknown_scope_is_none(server: DhcpServer, address: str) -> None:
    assert server.scope(IPv4Address(address)) is None


def _subnet(address: int, mask: int) -> bytes:
    info = structs.DHCP_SUBNET_INFO(
        SubnetAddress=address,
        SubnetMask=mask,
        SubnetName=None,
        SubnetComment=None,
        PrimaryHost=structs.DHCP_HOST_INFO(),
        SubnetState=0,
    )
    return calls.R_DhcpGetSubnetInfo.Reply(SubnetInfo=info, Return=0).pack()


@pytest.mark.parametrize(
    ("stub", "word"),
    [
        (_subnet(0x0A000100, 0xFFFFFF00), "did not return scope"),
        (_subnet(0x0A000000, 0xFF00FF00), "subnet mask"),
        (calls.R_DhcpGetSubnetInfo.Reply(SubnetInfo=None, Return=0).pack(), "did not return scope"),
        (b"", "cannot be read"),
    ],
)
def test_a_scope_that_was_not_asked_for_or_makes_no_sense_is_refused(
    bed: Bed, server: DhcpServer, stub: bytes, word: str
) -> None:
    bed.sim.faults.add(SCOPE, stub=stub)
    with pytest.raises(BadReply, match=word):
        server.scope(IPv4Address(HOME))


# --- ranges and reservations ------------------------------------------------------------------------------------------


def test_all_ranges_are_read(bed: Bed, server: DhcpServer) -> None:
    bed.sim.scope(HOME).ranges[:] = [Range(start=0x0A000001, end=0x0A000005), Range(start=0x0A000010, end=0x0A000020)]
    assert server.ranges(WHERE) == (
        AddressRange(IPv4Address("10.0.0.1"), IPv4Address("10.0.0.5")),
        AddressRange(IPv4Address("10.0.0.16"), IPv4Address("10.0.0.32")),
    )


@pytest.mark.parametrize("empty", ["success", "no_more_items"])
def test_a_scope_without_ranges_and_reservations_has_none(bed: Bed, server: DhcpServer, empty: Any) -> None:
    bed.sim.settings.empty_elements = empty
    bed.sim.scope(HOME).ranges.clear()
    bed.sim.scope(HOME).reservations.clear()
    assert (server.ranges(WHERE), server.reservations(WHERE)) == ((), [])


@pytest.mark.parametrize("form", ["unique", "bare"])
def test_reservations_are_read_in_both_forms(bed: Bed, server: DhcpServer, form: Any) -> None:
    bed.sim.settings.id_form = form
    bed.reserve(WANTED, OURS)
    assert Reservation(address=AT, client_id=US) in server.reservations(WHERE)


def test_a_list_in_one_reply_is_read_once(bed: Bed, server: DhcpServer) -> None:
    server.reservations(WHERE)
    assert bed.sim.counters[LIST] == 1


def _reserve_many(bed: Bed, count: int) -> None:
    for number in range(count):
        bed.sim.scope(HOME).reservations.put(reservation(0x0A000014 + number, b"\x04" + bytes((number,))))


def test_a_list_in_pages_is_read_until_two_readings_agree(bed: Bed, server: DhcpServer) -> None:
    _reserve_many(bed, 5)
    bed.sim.settings.elements_per_page = 2
    assert len(server.reservations(WHERE)) == 6
    assert bed.sim.counters[LIST] == 6


def test_a_removal_between_two_pages_does_not_hide_a_reservation(bed: Bed, server: DhcpServer) -> None:
    _reserve_many(bed, 5)
    bed.sim.settings.elements_per_page = 2
    gone = next(iter(bed.sim.scope(HOME).reservations))
    bed.sim.faults.add(LIST, nth=2, before=lambda store: store.scope(HOME).reservations.__delitem__(gone))
    left = {int(each.address) for each in bed.sim.scope(HOME).reservations.values()} - {gone}
    assert {int(each.address) for each in server.reservations(WHERE)} == left


def test_a_list_in_pages_that_always_changes_is_given_up(bed: Bed, server: DhcpServer) -> None:
    _reserve_many(bed, 5)
    bed.sim.settings.elements_per_page = 2

    def stir(store: Store) -> None:
        found = bed.sim.scope(HOME).reservations
        address = next(iter(found))
        del found[address]
        found.put(reservation(0x0A0000C0 + store.counters[LIST], b"\x05" + bytes((store.counters[LIST],))))

    bed.sim.faults.add(LIST, times=None, before=stir)
    with pytest.raises(BadReply, match="changed during each"):
        server.reservations(WHERE)


def test_a_list_whose_handle_stands_still_is_given_up(bed: Bed, server: DhcpServer) -> None:
    page = calls.R_DhcpEnumSubnetElementsV5.Reply(
        ResumeHandle=0, EnumElementInfo=None, ElementsRead=0, ElementsTotal=9, Return=rules.MORE_DATA
    )
    bed.sim.faults.add(LIST, times=None, stub=page.pack())
    with pytest.raises(BadReply, match="page after page"):
        server.reservations(WHERE)
    assert bed.sim.counters[LIST] == 1


def test_reservations_of_an_unknown_scope_are_an_error(server: DhcpServer) -> None:
    with pytest.raises(ScopeNotPresent):
        server.reservations(Scope(network=IPv4Network("10.9.9.0/24")))


def test_an_odd_reservation_does_not_fail_the_list(bed: Bed, server: DhcpServer) -> None:
    bed.reserve(WANTED, OURS, shown_id=b"")
    found = {str(each.address): each.client_id.octets for each in server.reservations(WHERE)}
    assert found[WANTED] == b""


# --- a record ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["unique", "bare"])
def test_a_record_is_found_by_address_and_by_client_in_both_forms(bed: Bed, server: DhcpServer, form: Any) -> None:
    bed.sim.settings.id_form = form
    bed.record(WANTED, OURS, name="printer", comment="d")
    found = server.record_at(WHERE, AT)
    assert found is not None
    assert server.record_of(WHERE, US) == found
    assert (found.client_id, found.name, found.description) == (US, "printer", "d")
    assert (found.expires.filetime, found.state) == (expiry(LATER), AddressState.ACTIVE)


def test_a_missing_record_is_none(server: DhcpServer) -> None:
    assert (server.record_at(WHERE, AT), server.record_of(WHERE, US)) == (None, None)


def test_a_client_is_looked_up_in_its_scope_only(bed: Bed, server: DhcpServer) -> None:
    bed.record("10.0.1.20", OURS)
    assert server.record_of(WHERE, US) is None


def test_a_prefix_of_another_scope_is_part_of_the_identifier(bed: Bed, server: DhcpServer) -> None:
    bed.sim.settings.id_form = "bare"
    identifier = bytes.fromhex("0001000a01") + US.octets
    bed.sim.scope(HOME).records.put(record(WANTED, identifier))
    found = server.record_at(WHERE, AT)
    assert found is not None
    assert found.client_id.octets == identifier


def test_the_state_is_told_without_its_dns_bits(bed: Bed, server: DhcpServer) -> None:
    bed.record(WANTED, OURS, state=0xF2)
    found = server.record_at(WHERE, AT)
    assert found is not None
    assert found.state is AddressState.DECLINED


def test_a_record_without_name_has_empty_texts(bed: Bed, server: DhcpServer) -> None:
    bed.record(WANTED, OURS, name=None, comment=None)
    found = server.record_at(WHERE, AT)
    assert found is not None
    assert (found.name, found.description) == ("", "")


def _answer_as_if(bed: Bed, ip: str, mac: str) -> None:
    """The next look-up returns the record of another address."""

    def swap(store: Store) -> None:
        bed.record("10.0.0.77", STRANGER)
        shown = store.scope(HOME)
        stub = store.execute(
            calls.R_DhcpGetClientInfoVQ(
                SearchInfo=structs.DHCP_SEARCH_INFO(SearchType=structs.SEARCH_ADDRESS, Value=shown.subnet + 77)
            )
        ).pack()
        bed.sim.faults.add(GET, stub=stub)

    bed.record(ip, mac)
    swap(bed.sim.store)


def test_a_record_of_another_address_than_asked_for_is_refused(bed: Bed, server: DhcpServer) -> None:
    _answer_as_if(bed, WANTED, OURS)
    with pytest.raises(BadReply, match=r"asked for 10\.0\.0\.20 and returned 10\.0\.0\.77"):
        server.record_at(WHERE, AT)


def test_a_record_of_another_client_than_asked_for_is_refused(bed: Bed, server: DhcpServer) -> None:
    _answer_as_if(bed, WANTED, OURS)
    with pytest.raises(BadReply, match=STRANGER):
        server.record_of(WHERE, US)


def test_success_without_a_record_is_refused(bed: Bed, server: DhcpServer) -> None:
    bed.sim.faults.add(GET, stub=calls.R_DhcpGetClientInfoVQ.Reply(ClientInfo=None, Return=0).pack())
    with pytest.raises(BadReply, match="without a record"):
        server.record_at(WHERE, AT)


# --- all records ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [None, 1, 2, 7, 32])
def test_every_record_comes_once_whatever_the_size_of_a_page(bed: Bed, server: DhcpServer, size: int | None) -> None:
    expected = fill(bed, 30)
    bed.sim.settings.clients_per_page = size
    assert walked(server) == expected


def test_records_of_other_scopes_do_not_come(bed: Bed, server: DhcpServer) -> None:
    bed.record("10.0.1.20", OURS)
    assert all(each.address in WHERE.network for each in server.records(WHERE))


def test_an_empty_scope_has_no_records() -> None:
    with Simulator(Site(scopes=(scope(HOME),))) as simulator, Bed(simulator).server() as server:
        assert walked(server) == []


def test_large_pages_are_asked_for(bed: Bed, server: DhcpServer) -> None:
    fill(bed, 140)
    walked(server)
    assert bed.sim.counters[WALK] == 1


def _vanish(bed: Bed, addresses: Sequence[int]) -> Callable[[Store], None]:
    def delete(store: Store) -> None:
        for address in addresses:
            del bed.sim.scope(HOME).records[address]

    return delete


@pytest.mark.parametrize("gone", [1, 2, 3, 5])
def test_records_that_vanish_at_the_handle_cost_no_other(bed: Bed, server: DhcpServer, gone: int) -> None:
    expected = fill(bed, 30)
    bed.sim.settings.clients_per_page = 6
    bed.sim.faults.add(WALK, nth=2, before=_vanish(bed, expected[6 - gone : 6]))
    assert walked(server) == expected


def test_a_first_page_that_vanishes_starts_the_walk_again(bed: Bed, server: DhcpServer) -> None:
    expected = fill(bed, 30)
    bed.sim.settings.clients_per_page = 6
    bed.sim.faults.add(WALK, nth=2, before=_vanish(bed, expected[:6]))
    assert walked(server) == expected


def test_twelve_records_that_vanish_before_the_handle_start_the_walk_again(bed: Bed, server: DhcpServer) -> None:
    expected = fill(bed, 40)
    bed.sim.settings.clients_per_page = 15
    bed.sim.faults.add(WALK, nth=2, before=_vanish(bed, expected[2:15]))
    assert walked(server) == expected


def test_a_handle_that_vanishes_on_every_page_costs_no_other_record(bed: Bed, server: DhcpServer) -> None:
    expected = fill(bed, 30)
    bed.sim.settings.clients_per_page = 6
    for page in range(4):
        bed.sim.faults.add(WALK, nth=2 + 2 * page, before=_vanish(bed, (expected[5 + 5 * page],)))
    found = walked(server)
    assert sorted(found) == expected
    assert len(found) == len(set(found))


def test_pages_that_are_always_stale_are_an_error(bed: Bed, server: DhcpServer) -> None:
    fill(bed, 30)
    bed.sim.settings.clients_per_page = 6
    bed.sim.faults.add(WALK, nth=2, times=None, status=rules.JET_ERROR)
    with pytest.raises(StatusError, match="20013"):
        walked(server)
    assert bed.sim.counters[WALK] < 30


def test_a_broken_database_is_an_error_on_the_first_page(bed: Bed, server: DhcpServer) -> None:
    bed.sim.faults.add(WALK, status=rules.JET_ERROR)
    with pytest.raises(StatusError, match="20013"):
        walked(server)
    assert bed.sim.counters[WALK] == 1


def test_odd_records_do_not_fail_the_walk(bed: Bed, server: DhcpServer) -> None:
    bed.record("10.0.0.21", "00:00:00:00:00:21", shown_id=b"")
    bed.record("10.0.0.22", "00:00:00:00:00:22", shown_id=b"x" * 300)
    bed.record("10.0.0.23", "00:00:00:00:00:23", name="n" * 20000, expires=1 << 62)
    bed.record("10.0.0.24", "00:00:00:00:00:24", name="\ud83d\ude00", state=0xFF, client_type=0xEE, mask=0)
    bed.sim.scope(HOME).records.put(record("192.0.2.1", "00:00:00:00:00:25"))
    found = {str(each.address): each for each in server.records(WHERE)}
    assert set(found) == {"10.0.0.21", "10.0.0.22", "10.0.0.23", "10.0.0.24", "10.0.0.98", "10.0.0.99"}
    assert (found["10.0.0.21"].client_id.octets, len(found["10.0.0.22"].client_id.octets)) == (b"", 300)


class Script:
    """A channel that answers from a function."""

    broken = False
    account = "'tester'"
    server = "dhcp1.example.com"

    def __init__(self, answer: Callable[[int], calls.Reply]) -> None:
        self.answer = answer
        self.count = 0

    def call(self, interface: Interface, opnum: int, stub: bytes, *, label: str) -> bytes:
        self.count += 1
        return self.answer(self.count).pack()

    def close(self) -> None:
        self.broken = True


def _page(handle: int, *addresses: int, status: int = rules.MORE_DATA) -> calls.Reply:
    clients = tuple(
        structs.DHCP_CLIENT_INFO_VQ(
            ClientIpAddress=address,
            SubnetMask=0,
            ClientHardwareAddress=address.to_bytes(4, "big"),
            ClientName=None,
            ClientComment=None,
            ClientLeaseExpires=0,
            OwnerHost=structs.DHCP_HOST_INFO(),
            bClientType=1,
            AddressState=1,
            Status=0,
            ProbationEnds=0,
            QuarantineCapable=0,
        )
        for address in addresses
    )
    return calls.R_DhcpEnumSubnetClientsVQ.Reply(
        ResumeHandle=handle,
        ClientInfo=clients,
        ClientsRead=len(clients),
        ClientsTotal=rules.UNKNOWN_TOTAL,
        Return=status,
    )


@pytest.mark.parametrize(
    "answer",
    [
        lambda count: _page(0x0A000014, 0x0A000014),
        lambda count: _page(0x0A000014 + count % 2, 0x0A000014),
        lambda count: _page(
            0x0A000014, 0x0A000013, 0x0A000014, status=rules.MORE_DATA if count % 2 else rules.JET_ERROR
        ),
    ],
    ids=["the_same_page", "two_pages_in_turn", "a_page_that_is_stale_each_time"],
)
def test_a_walk_that_never_ends_is_given_up_soon(answer: Callable[[int], calls.Reply]) -> None:
    channel = Script(answer)
    with DhcpServer(lambda: channel) as server, pytest.raises(DhcpError):
        walked(server)
    assert channel.count < 100


def test_a_walk_that_always_brings_something_new_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_server, "_MAX_PAGES", 50)
    channel = Script(lambda count: _page(count, count))
    with DhcpServer(lambda: channel) as server, pytest.raises(BadReply, match="page after page"):
        walked(server)
    assert channel.count == 50


# --- writes -----------------------------------------------------------------------------------------------------------


class Recorder:
    """A real channel that keeps what was sent."""

    def __init__(self, channel: RpcChannel) -> None:
        self.channel = channel
        self.account, self.server = channel.account, channel.server
        self.broken = False
        self.sent: list[calls.Call[Any]] = []

    def call(self, interface: Interface, opnum: int, stub: bytes, *, label: str) -> bytes:
        self.sent.append(rules.CALLS[interface, opnum].unpack(stub))
        return self.channel.call(interface, opnum, stub, label=label)

    def close(self) -> None:
        self.channel.close()


def sent(bed: Bed, step: Step) -> list[Any]:
    """The calls that a step makes, on a connection on which both interfaces have answered."""
    recorder = Recorder(bed.server()._open())
    with DhcpServer(lambda: recorder) as server:
        server.scope(WHERE.address)
        server.exclusions(WHERE)
        recorder.sent.clear()
        server.apply(step)
    return recorder.sent


def test_on_a_connection_without_an_answer_each_interface_is_asked_before_a_write(bed: Bed) -> None:
    """No bind is signed: see docs/hostile-networks.md."""
    recorder = Recorder(bed.server()._open())
    with DhcpServer(lambda: recorder) as server:
        server.apply(Create(scope=WHERE, address=AT, client_id=US))
        assert [call.name for call in recorder.sent] == [SCOPE, LIST, CREATE]
        server.apply(Reserve(scope=WHERE, address=AT, client_id=US))
        assert [call.name for call in recorder.sent[3:]] == [RESERVE]


def test_to_a_scope_that_is_gone_nothing_is_written(bed: Bed, server: DhcpServer) -> None:
    gone = Scope(network=IPv4Network("10.0.7.0/24"))
    with pytest.raises(Overtaken, match=r"Scope 10\.0\.7\.0 is not on the server any more"):
        server.apply(Create(scope=gone, address=IPv4Address("10.0.7.20"), client_id=US))
    assert bed.sim.writes == 0


def test_that_there_are_no_scopes_is_asked_of_the_right_interface() -> None:
    with Simulator() as empty:
        with Bed(empty).server() as server:
            assert server.scope_addresses() == []
        assert dict(empty.counters) == {SCOPES: 1, "R_DhcpGetVersion": 1}


def test_a_create_sends_the_bare_identifier_and_no_nap_state(bed: Bed) -> None:
    (call,) = sent(bed, Create(scope=WHERE, address=AT, client_id=US, name="n", description="d", expires=NEVER))
    info = call.ClientInfo
    assert (info.ClientHardwareAddress, info.ClientName, info.ClientComment) == (US.octets, "n", "d")
    assert (info.Status, info.ProbationEnds, info.QuarantineCapable) == (0, 0, 0)
    assert info.ClientLeaseExpires == NEVER.filetime


@pytest.mark.parametrize("code", [20013, 20014])
def test_a_create_that_is_refused_as_taken_says_so(bed: Bed, server: DhcpServer, code: int) -> None:
    bed.sim.settings.exists_code = code
    bed.record(WANTED, STRANGER)
    with pytest.raises(Taken, match=str(code)):
        server.apply(Create(scope=WHERE, address=AT, client_id=US))


def test_a_create_with_another_refusal_is_not_taken(bed: Bed, server: DhcpServer) -> None:
    bed.sim.faults.add(CREATE, status=5)
    with pytest.raises(StatusError, match="ERROR_ACCESS_DENIED"):
        server.apply(Create(scope=WHERE, address=AT, client_id=US))


def test_a_reservation_sends_the_bare_identifier_for_dhcp_clients(bed: Bed) -> None:
    (call,) = sent(bed, Reserve(scope=WHERE, address=AT, client_id=US))
    element = call.AddElementInfo.Element
    assert (element.ReservedIpAddress, element.ReservedForClient.Data) == (int(AT), US.octets)
    assert element.bAllowedClientTypes == 1


def test_a_change_sends_back_what_it_has_just_read(bed: Bed) -> None:
    bed.record(WANTED, OURS, owner_address=0x0A000002)
    read, write = sent(bed, SetRecord(scope=WHERE, address=AT, client_id=US, name=None, description=""))
    info = write.ClientInfo
    assert isinstance(read, calls.R_DhcpGetClientInfoVQ)
    assert (info.ClientName, info.ClientComment) == (None, "")
    assert (info.ClientHardwareAddress, info.OwnerHost.IpAddress) == (US.octets, 0x0A000002)
    assert info.ClientLeaseExpires == expiry(LATER)


def test_a_removal_of_a_reservation_proves_it_and_sends_the_bare_identifier(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS)
    *reads, write = sent(bed, RemoveReservation(scope=WHERE, address=AT, client_id=US))
    assert [type(call) for call in reads[-2:]] == [calls.R_DhcpEnumSubnetElementsV5, calls.R_DhcpGetClientInfoVQ]
    assert write.RemoveElementInfo.Element.ReservedForClient.Data == US.octets
    assert write.RemoveElementInfo.Element.ReservedIpAddress == int(AT)


def test_a_record_is_deleted_by_its_unique_id(bed: Bed) -> None:
    bed.record(WANTED, OURS)
    *_reads, write = sent(bed, DeleteRecord(scope=WHERE, address=AT, client_id=US))
    assert write.ClientInfo.SearchType == structs.SEARCH_HARDWARE_ADDRESS
    assert write.ClientInfo.Value == bytes.fromhex("0000000a01") + US.octets


@pytest.mark.parametrize("kind", [SetRecord, RemoveReservation, DeleteRecord])
@pytest.mark.parametrize("there", [True, False])
def test_nothing_is_sent_where_somebody_else_or_nobody_is_there(
    bed: Bed, server: DhcpServer, kind: Any, there: bool
) -> None:
    if there:
        bed.reserved_record(WANTED, STRANGER)
    with pytest.raises(Overtaken, match=WANTED):
        server.apply(kind(scope=WHERE, address=AT, client_id=US))
    assert (bed.sim.writes, server.writes) == (0, 0)


# --- the connection ---------------------------------------------------------------------------------------------------


def test_a_server_that_is_not_asked_is_not_connected_to(bed: Bed) -> None:
    with bed.server():
        pass
    assert bed.sim.handshakes == {}


def test_one_connection_serves_all_calls(bed: Bed, server: DhcpServer) -> None:
    server.scope(IPv4Address(HOME))
    server.reservations(WHERE)
    server.scope(IPv4Address(OTHER))
    assert (bed.sim.handshakes["bind"], server.calls, server.writes) == (1, 3, 0)


def test_a_new_connection_is_opened_after_an_error(bed: Bed, server: DhcpServer) -> None:
    bed.sim.faults.add(SCOPE, drop="after")
    with pytest.raises(DhcpError):
        server.scope(IPv4Address(HOME))
    assert server.scope(IPv4Address(HOME)) is not None
    assert bed.sim.handshakes["bind"] == 2


@pytest.mark.parametrize("stub", [b"", b"\xff" * 64], ids=["nothing", "noise"])
def test_a_connection_that_brought_rubbish_is_not_used_again(bed: Bed, server: DhcpServer, stub: bytes) -> None:
    bed.sim.faults.add(GET, stub=stub)
    with pytest.raises(BadReply, match="cannot be read"):
        server.record_at(WHERE, AT)
    server.record_at(WHERE, AT)
    assert bed.sim.handshakes["bind"] == 2


def test_closing_twice_does_no_harm(bed: Bed, server: DhcpServer) -> None:
    server.scope(IPv4Address(HOME))
    server.close()
    server.close()
    assert server.calls == 1


def test_writes_are_counted_although_their_answer_is_lost(bed: Bed, server: DhcpServer) -> None:
    bed.sim.faults.add(CREATE, drop="after")
    with pytest.raises(DhcpError):
        server.apply(Create(scope=WHERE, address=AT, client_id=US))
    assert (server.calls, server.writes) == (bed.sim.calls, 1)


def test_option_values_do_not_depend_on_the_order_in_which_the_server_lists_them() -> None:
    values = [
        option_structs.DHCP_OPTION_VALUE(OptionID=number, Value=option_structs.DHCP_OPTION_DATA(Elements=()))
        for number in (66, 67)
    ]
    read = [
        _server._option_values(
            [
                option_structs.DHCP_CLASS_OPTION_VALUES(
                    ClassName=None,
                    VendorName=None,
                    IsVendor=False,
                    OptionsArray=option_structs.DHCP_OPTION_VALUE_ARRAY(Values=tuple(order)),
                )
            ]
        )
        for order in (values, values[::-1])
    ]
    assert read[0] == read[1]
