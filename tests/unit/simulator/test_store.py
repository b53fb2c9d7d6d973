# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of the simulated server's calls, one fact a test, each with the section that says so."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls, structs
from ansible_collections.msrpc.dhcp.tests.simulator.site import (
    NEVER,
    Record,
    Settings,
    Site,
    address,
    record,
    reservation,
    scope,
)
from ansible_collections.msrpc.dhcp.tests.simulator.store import Caller, Store, refusal, unique_id

NOW = 133_000_000_000_000_000
SUBNET = address("10.0.0.0")
OURS = bytes.fromhex("001c2580a043")
THEIRS = bytes.fromhex("00b18ad15a1f")


def store(**settings: Any) -> Store:
    """Two scopes; the first has a range from 10.0.0.10 to 10.0.0.250."""
    site = Site(scopes=(scope("10.0.0.0"), scope("10.0.1.0")), settings=Settings(**settings))
    return Store(site, now=lambda: NOW)


def info(ip: str, identifier: bytes | None = OURS, **more: Any) -> structs.DHCP_CLIENT_INFO_VQ:
    fields: dict[str, Any] = {
        "SubnetMask": 0xFFFFFF00,
        "ClientName": "printer",
        "ClientComment": None,
        "ClientLeaseExpires": 0,
        "OwnerHost": structs.DHCP_HOST_INFO(),
        "bClientType": 1,
        "AddressState": 0,
        "Status": 0,
        "ProbationEnds": 0,
        "QuarantineCapable": 0,
    }
    return structs.DHCP_CLIENT_INFO_VQ(
        **{**fields, "ClientIpAddress": address(ip), "ClientHardwareAddress": identifier, **more}
    )


def create(db: Store, ip: str, identifier: bytes | None = OURS, **more: Any) -> int:
    return db.execute(calls.R_DhcpCreateClientInfoVQ(ClientInfo=info(ip, identifier, **more))).Return


def element(ip: str, identifier: bytes) -> structs.DHCP_SUBNET_ELEMENT_DATA_V5:
    return structs.DHCP_SUBNET_ELEMENT_DATA_V5(
        ElementType=structs.ELEMENT_RESERVATIONS,
        Element=structs.DHCP_IP_RESERVATION_V4(
            ReservedIpAddress=address(ip),
            ReservedForClient=structs.DHCP_CLIENT_UID(Data=identifier),
            bAllowedClientTypes=1,
        ),
    )


def reserve(db: Store, ip: str, identifier: bytes = OURS, subnet: str = "10.0.0.0") -> int:
    call = calls.R_DhcpAddSubnetElementV5(SubnetAddress=address(subnet), AddElementInfo=element(ip, identifier))
    return db.execute(call).Return


def unreserve(db: Store, ip: str, identifier: bytes = OURS, subnet: str = "10.0.0.0") -> int:
    call = calls.R_DhcpRemoveSubnetElementV5(SubnetAddress=address(subnet), RemoveElementInfo=element(ip, identifier))
    return db.execute(call).Return


def search(value: int | bytes | str) -> structs.DHCP_SEARCH_INFO:
    kind = (int, bytes, str).index(type(value))
    return structs.DHCP_SEARCH_INFO(SearchType=kind, Value=value)


def get(db: Store, value: int | bytes | str) -> calls.ClientInfoReply:
    reply = db.execute(calls.R_DhcpGetClientInfoVQ(SearchInfo=search(value)))
    assert isinstance(reply, calls.ClientInfoReply)
    return reply


def delete(db: Store, value: int | bytes | str) -> int:
    return db.execute(calls.R_DhcpDeleteClientInfo(ClientInfo=search(value))).Return


def change(db: Store, ip: str, identifier: bytes = OURS, **more: Any) -> int:
    fields: dict[str, Any] = {
        "SubnetMask": 1,
        "ClientName": None,
        "ClientComment": None,
        "ClientLeaseExpires": 77,
        "OwnerHost": structs.DHCP_HOST_INFO(IpAddress=9),
    }
    client = structs.DHCP_CLIENT_INFO(
        **{**fields, "ClientIpAddress": address(ip), "ClientHardwareAddress": identifier, **more}
    )
    return db.execute(calls.R_DhcpSetClientInfo(ClientInfo=client)).Return


def clients(
    db: Store, subnet: int | str = "10.0.0.0", handle: int = 0, maximum: int = 0xFFFFFFFF
) -> calls.EnumClientsReply:
    call = calls.R_DhcpEnumSubnetClientsVQ(SubnetAddress=address(subnet), ResumeHandle=handle, PreferredMaximum=maximum)
    reply = db.execute(call)
    assert isinstance(reply, calls.EnumClientsReply)
    return reply


def elements(db: Store, kind: int, handle: int = 0, maximum: int = 0xFFFFFFFF) -> calls.EnumElementsReply:
    call = calls.R_DhcpEnumSubnetElementsV5(
        SubnetAddress=SUBNET, EnumElementType=kind, ResumeHandle=handle, PreferredMaximum=maximum
    )
    reply = db.execute(call)
    assert isinstance(reply, calls.EnumElementsReply)
    return reply


def many(db: Store, count: int) -> None:
    records = db.scope("10.0.0.0").records
    for number in range(count):
        records.put(record(address("10.0.0.10") + number, number.to_bytes(6, "big"), name=f"host-{number}"))


# --- R_DhcpCreateClientInfoVQ, 3.1.4.45 -------------------------------------------------------------------------------


def test_create_sets_the_type_none_itself() -> None:
    db = store()
    create(db, "10.0.0.20", bClientType=1)
    assert db.scope("10.0.0.0").records["10.0.0.20"].client_type == 0x64


def test_create_makes_the_record_active() -> None:
    db = store()
    create(db, "10.0.0.20", AddressState=2)
    assert db.scope("10.0.0.0").records["10.0.0.20"].state == 1


def test_create_stores_the_subnet_address_as_mask() -> None:
    db = store()
    create(db, "10.0.0.20", SubnetMask=0xFFFFFF00)
    assert db.scope("10.0.0.0").records["10.0.0.20"].mask == SUBNET


def test_create_stores_name_and_expiry_as_sent() -> None:
    db = store()
    create(db, "10.0.0.20", ClientName="Drucker", ClientLeaseExpires=NEVER)
    stored = db.scope("10.0.0.0").records["10.0.0.20"]
    assert (stored.name, stored.expires) == ("Drucker", NEVER)


def test_create_ignores_the_nap_fields() -> None:
    db = store()
    create(db, "10.0.0.20", Status=3, ProbationEnds=5, QuarantineCapable=1)
    stored = db.scope("10.0.0.0").records["10.0.0.20"]
    assert (stored.status, stored.probation_ends, stored.quarantine_capable) == (0, 0, 0)


def test_create_of_an_old_server_stores_the_nap_fields() -> None:
    db = store(honour_nap=True)
    create(db, "10.0.0.20", Status=3, ProbationEnds=5, QuarantineCapable=1)
    stored = db.scope("10.0.0.0").records["10.0.0.20"]
    assert (stored.status, stored.probation_ends, stored.quarantine_capable) == (3, 5, 1)


@pytest.mark.parametrize("code", [20013, 20014])
def test_create_at_a_taken_address_answers_the_code_of_the_setting(code: int) -> None:
    db = store(exists_code=code)
    create(db, "10.0.0.20", THEIRS)
    assert create(db, "10.0.0.20") == code


@pytest.mark.parametrize("code", [20013, 20014])
def test_create_for_a_client_of_the_scope_answers_the_code_of_the_setting(code: int) -> None:
    db = store(exists_code=code)
    create(db, "10.0.0.21")
    assert create(db, "10.0.0.20") == code


def test_a_client_may_have_a_record_in_each_scope() -> None:
    db = store()
    create(db, "10.0.0.20")
    assert create(db, "10.0.1.20") == 0


def test_a_refused_create_changes_nothing() -> None:
    db = store()
    create(db, "10.0.0.20", THEIRS)
    before = db.snapshot()
    create(db, "10.0.0.20")
    assert db.snapshot() == before


@pytest.mark.parametrize("identifier", [None, b""])
def test_create_without_an_identifier_is_an_invalid_parameter(identifier: bytes | None) -> None:
    assert create(store(), "10.0.0.20", identifier) == 87


def test_create_in_no_scope_is_an_invalid_parameter() -> None:
    assert create(store(), "192.0.2.1") == 87


def test_create_outside_the_ranges_is_accepted_by_the_subnet_reading() -> None:
    assert create(store(), "10.0.0.5") == 0


def test_create_outside_the_ranges_is_refused_by_the_range_reading() -> None:
    assert create(store(create_outside_range="range"), "10.0.0.5") == 87


def test_create_at_an_address_reserved_for_another_client_succeeds() -> None:
    db = store()
    db.scope("10.0.0.0").reservations.put(reservation("10.0.0.20", THEIRS))
    assert create(db, "10.0.0.20") == 0


# --- R_DhcpSetClientInfo, 3.1.4.18, and R_DhcpSetClientInfoVQ, 3.1.4.46 -----------------------------------------------


def test_set_leaves_a_name_that_is_null() -> None:
    db = store()
    create(db, "10.0.0.20", ClientName="printer")
    change(db, "10.0.0.20", ClientName=None)
    assert db.scope("10.0.0.0").records["10.0.0.20"].name == "printer"


def test_set_clears_a_name_that_is_empty() -> None:
    db = store()
    create(db, "10.0.0.20", ClientName="printer")
    change(db, "10.0.0.20", ClientName="")
    assert db.scope("10.0.0.0").records["10.0.0.20"].name == ""


def test_set_of_a_missing_record_is_a_jet_error() -> None:
    assert change(store(), "10.0.0.20") == 20013


def test_set_changes_the_expiry_of_a_lease() -> None:
    db = store()
    create(db, "10.0.0.20", ClientLeaseExpires=5)
    change(db, "10.0.0.20", ClientLeaseExpires=77)
    assert db.scope("10.0.0.0").records["10.0.0.20"].expires == 77


def test_set_keeps_the_expiry_of_a_reserved_address() -> None:
    db = store()
    create(db, "10.0.0.20", ClientLeaseExpires=5)
    reserve(db, "10.0.0.20")
    change(db, "10.0.0.20", ClientLeaseExpires=77)
    assert db.scope("10.0.0.0").records["10.0.0.20"].expires == 5


def test_set_keeps_the_mask() -> None:
    db = store()
    create(db, "10.0.0.20")
    change(db, "10.0.0.20", SubnetMask=1)
    assert db.scope("10.0.0.0").records["10.0.0.20"].mask == SUBNET


def test_set_overwrites_identifier_owner_and_state_without_a_condition() -> None:
    db = store()
    db.scope("10.0.0.0").records.put(record("10.0.0.20", THEIRS, state=2))
    change(db, "10.0.0.20", OURS, OwnerHost=structs.DHCP_HOST_INFO(IpAddress=9))
    stored = db.scope("10.0.0.0").records["10.0.0.20"]
    assert (stored.client_id, stored.owner_address, stored.state) == (OURS, 9, 1)


def test_set_vq_stores_the_name() -> None:
    db = store()
    create(db, "10.0.0.20")
    db.execute(calls.R_DhcpSetClientInfoVQ(ClientInfo=info("10.0.0.20", ClientName="new")))
    assert db.scope("10.0.0.0").records["10.0.0.20"].name == "new"


def test_set_vq_by_the_letter_does_not_store_the_name() -> None:
    db = store(set_vq_names=False)
    create(db, "10.0.0.20", ClientName="old")
    db.execute(calls.R_DhcpSetClientInfoVQ(ClientInfo=info("10.0.0.20", ClientName="new")))
    assert db.scope("10.0.0.0").records["10.0.0.20"].name == "old"


# --- R_DhcpGetClientInfoVQ, 3.1.4.47 ----------------------------------------------------------------------------------


def test_reads_return_the_unique_id() -> None:
    db = store()
    create(db, "10.0.0.20")
    found = get(db, address("10.0.0.20")).ClientInfo
    assert found is not None
    assert found.ClientHardwareAddress == bytes.fromhex("0000000a01") + OURS


def test_reads_return_the_bare_identifier_where_the_setting_says_so() -> None:
    db = store(id_form="bare")
    create(db, "10.0.0.20")
    found = get(db, address("10.0.0.20")).ClientInfo
    assert found is not None
    assert found.ClientHardwareAddress == OURS


def test_a_client_is_found_by_its_unique_id() -> None:
    db = store()
    create(db, "10.0.0.20")
    assert get(db, unique_id(SUBNET, OURS)).Return == 0


def test_a_client_is_not_found_by_its_bare_identifier() -> None:
    db = store()
    create(db, "10.0.0.20")
    assert get(db, OURS).Return == 20013


def test_of_several_clients_of_a_name_the_lowest_address_is_found() -> None:
    db = store()
    create(db, "10.0.0.30", OURS, ClientName="twin")
    create(db, "10.0.0.20", THEIRS, ClientName="twin")
    found = get(db, "TWIN").ClientInfo
    assert found is not None
    assert found.ClientIpAddress == address("10.0.0.20")


def test_a_missing_client_is_a_jet_error() -> None:
    assert get(store(), address("10.0.0.20")).Return == 20013


# --- R_DhcpDeleteClientInfo, 3.1.4.20 ---------------------------------------------------------------------------------


def test_delete_removes_the_record() -> None:
    db = store()
    create(db, "10.0.0.20")
    delete(db, unique_id(SUBNET, OURS))
    assert not db.scope("10.0.0.0").records


def test_delete_of_a_reserved_clients_record_is_refused() -> None:
    db = store()
    create(db, "10.0.0.20")
    reserve(db, "10.0.0.20")
    assert delete(db, unique_id(SUBNET, OURS)) == 20019


def test_delete_of_a_record_on_another_clients_reserved_address_is_refused() -> None:
    db = store()
    db.scope("10.0.0.0").reservations.put(reservation("10.0.0.20", THEIRS))
    create(db, "10.0.0.20")
    assert delete(db, address("10.0.0.20")) == 20019


def test_delete_of_a_missing_record_is_a_jet_error() -> None:
    assert delete(store(), unique_id(SUBNET, OURS)) == 20013


# --- R_DhcpEnumSubnetClientsVQ, 3.1.4.48 ------------------------------------------------------------------------------


def test_an_unknown_scope_enumerates_as_success_with_nothing() -> None:
    db = store()
    create(db, "10.0.0.20")
    reply = clients(db, "192.0.2.0")
    assert (reply.Return, reply.ClientInfo, reply.ClientsTotal) == (0, (), 0)


def test_an_empty_scope_of_a_server_with_records_is_a_success() -> None:
    db = store()
    create(db, "10.0.0.20")
    assert clients(db, "10.0.1.0").Return == 0


def test_an_empty_server_has_no_more_items() -> None:
    assert clients(store()).Return == 259


def test_subnet_zero_lists_every_scope() -> None:
    db = store()
    create(db, "10.0.0.20")
    create(db, "10.0.1.20")
    assert clients(db, 0).ClientsRead == 2


def test_records_come_in_the_order_of_their_addresses() -> None:
    db = store()
    create(db, "10.0.0.30", OURS)
    create(db, "10.0.0.20", THEIRS)
    shown = [each.ClientIpAddress for each in clients(db).ClientInfo or () if each is not None]
    assert shown == [address("10.0.0.20"), address("10.0.0.30")]


def test_a_page_is_at_least_1024_octets() -> None:
    db = store()
    many(db, 20)
    assert clients(db, maximum=1).ClientsRead == clients(db, maximum=1024).ClientsRead > 1


def test_a_page_is_at_most_64_kib() -> None:
    db = Store(Site(scopes=(scope("10.0.0.0", 16),)))
    many(db, 2000)
    assert clients(db).ClientsRead == clients(db, maximum=65536).ClientsRead < 2000


def test_a_page_that_is_not_the_last_says_more_data() -> None:
    db = store(clients_per_page=2)
    many(db, 3)
    assert clients(db).Return == 234


def test_the_total_of_a_page_that_is_not_the_last_is_unknown() -> None:
    db = store(clients_per_page=2)
    many(db, 3)
    assert clients(db).ClientsTotal == 0x7FFFFFFF


def test_the_handle_is_the_last_address_read() -> None:
    db = store(clients_per_page=2)
    many(db, 3)
    assert clients(db).ResumeHandle == address("10.0.0.11")


def test_the_last_page_has_handle_zero_and_says_success() -> None:
    db = store(clients_per_page=2)
    many(db, 3)
    last = clients(db, handle=address("10.0.0.11"))
    assert (last.Return, last.ResumeHandle, last.ClientsRead) == (0, 0, 1)


def test_a_handle_whose_record_is_gone_is_a_jet_error() -> None:
    db = store(clients_per_page=2)
    many(db, 3)
    del db.scope("10.0.0.0").records["10.0.0.11"]
    assert clients(db, handle=address("10.0.0.11")).Return == 20013


def test_a_handle_with_nothing_behind_it_has_no_more_items() -> None:
    db = store()
    many(db, 2)
    assert clients(db, handle=address("10.0.0.11")).Return == 259


# --- R_DhcpAddSubnetElementV5, 3.2.4.38 -------------------------------------------------------------------------------


def test_reserving_a_free_address_makes_a_nameless_record_without_expiry() -> None:
    db = store()
    reserve(db, "10.0.0.20")
    made = db.scope("10.0.0.0").records["10.0.0.20"]
    assert (made.client_id, made.name, made.expires, made.mask) == (OURS, None, 0, 0xFFFFFF00)


def test_reserving_keeps_the_clients_own_record() -> None:
    db = store()
    create(db, "10.0.0.20")
    before = db.scope("10.0.0.0").records["10.0.0.20"]
    reserve(db, "10.0.0.20")
    assert db.scope("10.0.0.0").records["10.0.0.20"] == before


def test_reserving_for_a_client_with_a_record_elsewhere_makes_no_record() -> None:
    db = store()
    create(db, "10.0.0.21")
    reserve(db, "10.0.0.20")
    assert "10.0.0.20" in db.scope("10.0.0.0").reservations
    assert "10.0.0.20" not in db.scope("10.0.0.0").records


def test_reserving_over_another_clients_lease_leaves_that_lease_as_it_is() -> None:
    db = store()
    create(db, "10.0.0.20", THEIRS)
    before = db.scope("10.0.0.0").records["10.0.0.20"]
    assert reserve(db, "10.0.0.20") == 0
    assert dict(db.scope("10.0.0.0").records) == {before.address: before}


def test_reserving_outside_every_range_is_refused_before_anything_is_stored() -> None:
    db = store()
    before = db.snapshot()
    assert reserve(db, "10.0.0.5") == 20018
    assert db.snapshot() == before


def test_reserving_inside_an_exclusion_is_accepted() -> None:
    db = Store(Site(scopes=(scope("10.0.0.0", exclusions=(("10.0.0.20", "10.0.0.29"),)),)))
    assert reserve(db, "10.0.0.20") == 0


def test_an_address_is_reserved_once() -> None:
    db = store()
    reserve(db, "10.0.0.20", THEIRS)
    assert reserve(db, "10.0.0.20") == 20022


def test_a_client_is_reserved_once_in_a_scope() -> None:
    db = store()
    reserve(db, "10.0.0.21")
    assert reserve(db, "10.0.0.20") == 20022


def test_a_reserved_address_outside_the_ranges_is_reported_as_reserved() -> None:
    db = store()
    db.scope("10.0.0.0").reservations.put(reservation("10.0.0.5", THEIRS))
    assert reserve(db, "10.0.0.5") == 20022


def test_reserving_in_an_unknown_scope_is_refused() -> None:
    assert reserve(store(), "192.0.2.20", subnet="192.0.2.0") == 20005


# --- R_DhcpEnumSubnetElementsV5, 3.2.4.39 -----------------------------------------------------------------------------


def reserved_addresses(reply: calls.EnumElementsReply) -> list[int]:
    return [
        each.Element.ReservedIpAddress
        for each in reply.EnumElementInfo or ()
        if isinstance(each.Element, structs.DHCP_IP_RESERVATION_V4)
    ]


def test_reservations_come_in_the_order_of_insertion() -> None:
    db = store()
    reserve(db, "10.0.0.30", OURS)
    reserve(db, "10.0.0.20", THEIRS)
    assert reserved_addresses(elements(db, 2)) == [address("10.0.0.30"), address("10.0.0.20")]


def test_reservations_show_the_unique_id() -> None:
    db = store()
    reserve(db, "10.0.0.20")
    (each,) = elements(db, 2).EnumElementInfo or ()
    assert isinstance(each.Element, structs.DHCP_IP_RESERVATION_V4)
    assert each.Element.ReservedForClient == structs.DHCP_CLIENT_UID(Data=unique_id(SUBNET, OURS))


def test_everything_is_not_clamped() -> None:
    db = Store(Site(scopes=(scope("10.0.0.0", 16),)))
    for number in range(5000):
        db.scope("10.0.0.0").reservations.put(reservation(SUBNET + 10 + number, number.to_bytes(6, "big")))
    reply = elements(db, 2)
    assert (reply.Return, reply.ElementsRead) == (0, 5000)


def test_the_handle_of_elements_is_an_index() -> None:
    db = store(elements_per_page=1)
    reserve(db, "10.0.0.30", OURS)
    reserve(db, "10.0.0.20", THEIRS)
    first = elements(db, 2)
    assert (first.Return, first.ResumeHandle, first.ElementsTotal) == (234, 1, 1)


def test_a_removal_between_two_pages_skips_a_row() -> None:
    db = store(elements_per_page=1)
    for number in (20, 21, 22):
        reserve(db, f"10.0.0.{number}", bytes((number,)))
    unreserve(db, "10.0.0.20", bytes((20,)))
    assert reserved_addresses(elements(db, 2, handle=1)) == [address("10.0.0.22")]


def test_a_handle_beyond_the_end_has_no_more_items() -> None:
    db = store()
    reserve(db, "10.0.0.20")
    assert elements(db, 2, handle=1).Return == 259


@pytest.mark.parametrize("kind", [0, 6])
def test_ranges_are_listed_by_two_types(kind: int) -> None:
    (each,) = elements(store(), kind).EnumElementInfo or ()
    assert isinstance(each.Element, structs.DHCP_BOOTP_IP_RANGE)
    assert (each.Element.StartAddress, each.Element.EndAddress) == (address("10.0.0.10"), address("10.0.0.250"))


@pytest.mark.parametrize("kind", [4, 5, 7])
def test_other_types_of_elements_are_an_invalid_parameter(kind: int) -> None:
    assert elements(store(), kind).Return == 87


def test_elements_of_an_unknown_scope_are_refused() -> None:
    call = calls.R_DhcpEnumSubnetElementsV5(SubnetAddress=address("192.0.2.0"), EnumElementType=2)
    assert store().execute(call).Return == 20005


def test_no_reservations_are_a_success_without_elements() -> None:
    reply = elements(store(), 2)
    assert (reply.Return, reply.EnumElementInfo) == (0, None)


def test_no_reservations_are_an_end_where_the_setting_says_so() -> None:
    assert elements(store(empty_elements="no_more_items"), 2).Return == 259


# --- R_DhcpRemoveSubnetElementV5, 3.2.4.40 ----------------------------------------------------------------------------


def test_a_record_that_was_never_leased_goes_with_its_reservation() -> None:
    db = store()
    create(db, "10.0.0.20", ClientLeaseExpires=0)
    reserve(db, "10.0.0.20")
    assert unreserve(db, "10.0.0.20") == 0
    assert not db.scope("10.0.0.0").records


def test_a_leased_record_outlives_its_reservation_for_a_lease_time() -> None:
    db = store()
    create(db, "10.0.0.20", ClientLeaseExpires=NEVER)
    reserve(db, "10.0.0.20")
    unreserve(db, "10.0.0.20")
    lease_time = db.scope("10.0.0.0").lease_seconds * 10_000_000
    assert db.scope("10.0.0.0").records["10.0.0.20"].expires == NOW + lease_time


def test_a_reservation_without_a_record_goes_although_the_answer_is_a_jet_error() -> None:
    db = store()
    db.scope("10.0.0.0").reservations.put(reservation("10.0.0.20", OURS))
    assert unreserve(db, "10.0.0.20") == 20013
    assert not db.scope("10.0.0.0").reservations


def test_removing_where_nothing_is_reserved_deletes_whatever_lease_is_there() -> None:
    db = store()
    create(db, "10.0.0.20", THEIRS)
    assert unreserve(db, "10.0.0.20") == 0
    assert not db.scope("10.0.0.0").records


def test_removing_with_an_id_that_is_not_recognised_deletes_the_lease_there() -> None:
    db = store()
    create(db, "10.0.0.20")
    reserve(db, "10.0.0.20")
    unreserve(db, "10.0.0.20", unique_id(SUBNET, OURS))
    assert "10.0.0.20" in db.scope("10.0.0.0").reservations
    assert not db.scope("10.0.0.0").records


def test_removing_another_clients_reservation_is_refused_where_the_setting_says_so() -> None:
    db = store(remove_unrecognised="refuse")
    create(db, "10.0.0.20", THEIRS)
    reserve(db, "10.0.0.20", THEIRS)
    assert unreserve(db, "10.0.0.20") == 20019


def test_removing_where_nothing_is_at_all_is_a_jet_error() -> None:
    assert unreserve(store(), "10.0.0.20") == 20013


def test_removing_in_an_unknown_scope_is_refused() -> None:
    assert unreserve(store(), "192.0.2.20", subnet="192.0.2.0") == 20005


# --- scopes, versions, rights -----------------------------------------------------------------------------------------


def test_subnets_are_listed() -> None:
    reply = store().execute(calls.R_DhcpEnumSubnets())
    assert isinstance(reply, calls.EnumSubnetsReply)
    assert reply.EnumInfo == (address("10.0.0.0"), address("10.0.1.0"))


def test_the_handle_behind_the_last_subnet_is_an_end() -> None:
    assert store().execute(calls.R_DhcpEnumSubnets(ResumeHandle=2)).Return == 259


def test_a_subnet_has_its_mask() -> None:
    reply = store().execute(calls.R_DhcpGetSubnetInfo(SubnetAddress=SUBNET))
    assert isinstance(reply, calls.SubnetInfoReply)
    assert reply.SubnetInfo is not None
    assert reply.SubnetInfo.SubnetMask == 0xFFFFFF00


def test_an_unknown_subnet_is_not_present() -> None:
    assert store().execute(calls.R_DhcpGetSubnetInfo(SubnetAddress=1)).Return == 20005


READ = calls.R_DhcpEnumSubnets()
WRITE = calls.R_DhcpDeleteClientInfo(ClientInfo=structs.DHCP_SEARCH_INFO(SearchType=0, Value=1))
VERSION = calls.R_DhcpGetVersion()


@pytest.mark.parametrize(
    ("rights", "call", "allowed"),
    [
        ("none", VERSION, True),
        ("none", READ, False),
        ("none", WRITE, False),
        ("users", READ, True),
        ("users", WRITE, False),
        ("administrators", READ, True),
        ("administrators", WRITE, True),
    ],
)
def test_reading_takes_dhcp_users_and_writing_dhcp_administrators(
    rights: str, call: calls.Call[Any], allowed: bool
) -> None:
    assert Caller(name="somebody", rights=rights).may(call) is allowed


@pytest.mark.parametrize(
    "call",
    [
        VERSION,
        READ,
        WRITE,
        calls.R_DhcpGetSubnetInfo(SubnetAddress=1),
        calls.R_DhcpGetClientInfoVQ(SearchInfo=search(1)),
        calls.R_DhcpEnumSubnetClientsVQ(SubnetAddress=1, PreferredMaximum=1024),
        calls.R_DhcpEnumSubnetElementsV5(SubnetAddress=1, EnumElementType=2),
    ],
)
def test_a_refusal_is_a_reply_of_the_calls_own_type(call: calls.Call[Any]) -> None:
    stub = refusal(call, 5).pack()
    assert call.Reply.unpack(stub).Return == 5


# --- bookkeeping ------------------------------------------------------------------------------------------------------


def test_every_change_is_in_the_audit() -> None:
    db = store()
    create(db, "10.0.0.20")
    reserve(db, "10.0.0.20")
    unreserve(db, "10.0.0.20")
    assert [(each.call, each.before is None, each.after is None) for each in db.audit] == [
        ("R_DhcpCreateClientInfoVQ", True, False),
        ("R_DhcpAddSubnetElementV5", True, False),
        ("R_DhcpRemoveSubnetElementV5", False, True),
        ("R_DhcpRemoveSubnetElementV5", False, True),
    ]


def test_what_a_test_changes_is_not_in_the_audit() -> None:
    db = store()
    db.scope("10.0.0.0").records.put(record("10.0.0.20", OURS))
    assert db.audit == []


def test_a_snapshot_does_not_follow_the_database() -> None:
    db = store()
    before = db.snapshot()
    create(db, "10.0.0.20")
    assert before["10.0.0.0"].records == {}


def test_a_scope_does_not_take_the_same_client_twice() -> None:
    db = store()
    create(db, "10.0.0.20")
    with pytest.raises(ValueError, match=r"10\.0\.0\.20 already"):
        db.scope("10.0.0.0").records.put(record("10.0.0.21", OURS))


def test_a_record_that_changes_its_client_frees_the_old_one() -> None:
    db = store()
    create(db, "10.0.0.20")
    db.scope("10.0.0.0").records["10.0.0.20"] = record("10.0.0.20", THEIRS)
    assert create(db, "10.0.0.21", OURS) == 0


def test_an_odd_identifier_is_shown_as_it_is() -> None:
    db = store()
    db.scope("10.0.0.0").records.put(record("10.0.0.20", OURS, shown_id=b"odd"))
    found = get(db, address("10.0.0.20")).ClientInfo
    assert found is not None
    assert found.ClientHardwareAddress == b"odd"


def test_calls_are_counted_by_name() -> None:
    db = store()
    db.count(VERSION)
    db.count(WRITE)
    assert (dict(db.counters), db.writes) == ({"R_DhcpGetVersion": 1, "R_DhcpDeleteClientInfo": 1}, 1)


def test_ranges_and_exclusions_can_be_changed() -> None:
    db = store()
    span = structs.DHCP_IP_RANGE(StartAddress=SUBNET + 20, EndAddress=SUBNET + 29)
    data = structs.DHCP_SUBNET_ELEMENT_DATA_V5(ElementType=structs.ELEMENT_EXCLUSIONS, Element=span)
    db.execute(calls.R_DhcpAddSubnetElementV5(SubnetAddress=SUBNET, AddElementInfo=data))
    added = elements(db, 3).ElementsRead
    db.execute(calls.R_DhcpRemoveSubnetElementV5(SubnetAddress=SUBNET, RemoveElementInfo=data))
    assert (added, elements(db, 3).ElementsRead) == (1, 0)


def test_a_record_is_frozen() -> None:
    with pytest.raises(AttributeError):
        Record(address=1, client_id=OURS).name = "x"  # type: ignore[misc]
