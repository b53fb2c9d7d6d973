# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The use cases that read: what they find, how much they ask for it, and what they make of odd records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.naming import host_names
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.listing import Question
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import AddressRange, ClientId
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.survey import count_free
from ansible_collections.msrpc.dhcp.plugins.module_utils._read import (
    describe_server,
    find_clients,
    survey_scopes,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.status import AccessDenied
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import NOBODY, READER, record, reservation
from ansible_collections.msrpc.dhcp.tests.unit.reading import LAPTOP, LATER, LONG, PRINTER, SENSOR, gateway, site

OFFICE = IPv4Address("192.0.2.0")
WALK = "R_DhcpEnumSubnetClientsVQ"
GET = "R_DhcpGetClientInfoVQ"
LIST = "R_DhcpEnumSubnetElementsV5"
FAILOVER = "R_DhcpV4FailoverGetScopeRelationship"


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(site()) as simulator:
        yield simulator


def find(sim: Simulator, username: str = READER, **asked: Any) -> list[dict[str, Any]]:
    with gateway(sim, username) as server:
        return find_clients(server, Question(**asked)).found


def addresses(clients: list[dict[str, Any]]) -> list[str]:
    return [client["ip_address"] for client in clients]


def survey(sim: Simulator, *scopes: str) -> list[dict[str, Any]]:
    with gateway(sim) as server:
        return survey_scopes(server, tuple(map(IPv4Address, scopes)) or None).found


# --- clients ----------------------------------------------------------------------------------------------------------


def test_all_clients_are_listed_by_scope_and_address(sim: Simulator) -> None:
    assert addresses(find(sim)) == [
        "192.0.2.40",
        "192.0.2.41",
        "192.0.2.50",
        "192.0.2.60",
        "198.51.100.40",
        "198.51.100.41",
    ]


def test_a_scope_is_read_alone(sim: Simulator) -> None:
    assert {client["scope"] for client in find(sim, scopes=(OFFICE,))} == {"192.0.2.0"}
    assert sim.counters["R_DhcpEnumSubnets"] == 0


def test_a_scope_that_does_not_exist_is_empty_with_a_warning(sim: Simulator) -> None:
    with gateway(sim) as server:
        listing = find_clients(server, Question(scopes=(IPv4Address("10.9.9.0"),)))
    assert listing.found == []
    assert listing.warnings == [
        "The server has no scope 10.9.9.0. Check scope; dhcp_scope_info lists those that it has."
    ]
    assert sim.counters[WALK] == 0


def test_a_client_id_in_two_scopes_is_two_clients(sim: Simulator) -> None:
    found = find(sim, client_id=ClientId.parse_mac(PRINTER))
    assert [(client["ip_address"], client["type"]) for client in found] == [
        ("192.0.2.40", "reservation"),
        ("198.51.100.40", "lease"),
    ]


def test_a_client_id_is_looked_up_and_not_walked_for(sim: Simulator) -> None:
    find(sim, client_id=ClientId.parse_mac(PRINTER))
    assert (sim.counters[GET], sim.counters[WALK]) == (2, 0)


def test_an_address_is_looked_up_in_its_scope_alone(sim: Simulator) -> None:
    assert addresses(find(sim, address=IPv4Address("192.0.2.50"))) == ["192.0.2.50"]
    assert (sim.counters[GET], sim.counters[LIST], sim.counters["R_DhcpGetSubnetInfo"]) == (1, 1, 1)


@pytest.mark.parametrize("address", ["192.0.2.99", "203.0.113.1", "198.51.100.200", "1.0.0.1"])
def test_an_address_that_nobody_has_is_an_empty_list(sim: Simulator, address: str) -> None:
    assert find(sim, address=IPv4Address(address)) == []


def test_an_unknown_client_id_is_an_empty_list(sim: Simulator) -> None:
    assert find(sim, client_id=ClientId.parse_mac("02:00:00:00:00:01")) == []


def test_a_short_name_finds_the_full_one_whatever_the_case(sim: Simulator) -> None:
    assert addresses(find(sim, name="printer-1")) == ["192.0.2.40", "198.51.100.40"]


def test_an_empty_name_finds_the_clients_without_one(sim: Simulator) -> None:
    assert addresses(find(sim, name="")) == ["192.0.2.41", "192.0.2.60", "198.51.100.41"]


def test_conditions_have_to_hold_together(sim: Simulator) -> None:
    address = IPv4Address("192.0.2.40")
    assert addresses(find(sim, address=address, client_id=ClientId.parse_mac(PRINTER))) == ["192.0.2.40"]
    assert find(sim, address=address, client_id=ClientId.parse_mac(LAPTOP)) == []
    assert find(sim, address=address, name="laptop") == []


def test_a_reservation_without_record_is_listed_without_name(sim: Simulator) -> None:
    (ghost,) = find(sim, address=IPv4Address("192.0.2.41"))
    assert (ghost["type"], ghost["name"], ghost["lease_expires"]) == ("reservation", None, None)


def test_a_reserved_client_has_its_lease_in_active_until(sim: Simulator) -> None:
    sim.scope("192.0.2.0").records.put(record("192.0.2.40", PRINTER, expires=LATER))
    (printer,) = find(sim, address=IPv4Address("192.0.2.40"))
    assert (printer["lease_expires"], printer["active_until"]) == (None, LATER)


def test_a_strangers_lease_at_a_reserved_address_is_a_client_too(sim: Simulator) -> None:
    sim.scope("192.0.2.0").records.put(record("192.0.2.41", SENSOR, name="intruder", expires=LATER))
    found = find(sim, address=IPv4Address("192.0.2.41"))
    assert [(client["type"], client["name"]) for client in found] == [("reservation", None), ("lease", "intruder")]


def test_the_holder_of_a_reserved_address_is_found_by_its_id(sim: Simulator) -> None:
    sim.scope("192.0.2.0").records.put(record("192.0.2.41", SENSOR, expires=LATER))
    assert addresses(find(sim, scopes=(OFFICE,), client_id=ClientId.parse_hex(SENSOR))) == ["192.0.2.41"]


def test_a_long_id_with_unknown_type_and_state_is_listed(sim: Simulator) -> None:
    (odd,) = find(sim, address=IPv4Address("192.0.2.60"))
    assert (odd["client_id"], odd["mac_address"], odd["type"]) == (LONG, None, "lease")


@pytest.mark.parametrize("shown", [b"", b"\x00", bytes(range(64)), bytes(255)])
def test_any_octets_as_identifier_are_listed(sim: Simulator, shown: bytes) -> None:
    sim.scope("192.0.2.0").records.put(record("192.0.2.70", "aa", shown_id=shown))
    assert [client["client_id"] for client in find(sim, address=IPv4Address("192.0.2.70"))] == [shown.hex()]


def test_an_expired_lease_is_listed_with_its_end(sim: Simulator) -> None:
    sim.scope("192.0.2.0").records.put(record("192.0.2.70", "aa", expires="2020-01-01T00:00:00Z"))
    (old,) = find(sim, address=IPv4Address("192.0.2.70"))
    assert old["lease_expires"] == "2020-01-01T00:00:00Z"


@pytest.mark.parametrize("form", ["unique", "bare"])
def test_both_forms_of_identifiers_are_read_alike(form: str) -> None:
    with Simulator(site(id_form=form)) as sim:
        assert [client["client_id"] for client in find(sim, scopes=(OFFICE,))] == [
            PRINTER.replace(":", ""),
            "001c2580a045",
            LAPTOP.replace(":", ""),
            LONG,
        ]


def test_clients_in_pages_are_all_listed() -> None:
    with Simulator(site(clients_per_page=1, subnets_per_page=1)) as sim:
        assert len(find(sim)) == 6


def test_an_account_without_rights_gets_the_servers_refusal(sim: Simulator) -> None:
    with pytest.raises(AccessDenied, match="DHCP Users"):
        find(sim, NOBODY)


def test_reading_sends_no_write(sim: Simulator) -> None:
    find(sim, "dhcp-admin")
    survey(sim)
    assert (sim.writes, sim.audit) == (0, [])


# --- scopes -----------------------------------------------------------------------------------------------------------


def test_a_scope_is_surveyed_whole(sim: Simulator) -> None:
    (office,) = survey(sim, "192.0.2.0")
    assert office == {
        "scope": "192.0.2.0",
        "prefix_length": 24,
        "mask": "255.255.255.0",
        "name": "Office",
        "description": "First floor",
        "state": "enabled",
        "ranges": [{"start": "192.0.2.10", "end": "192.0.2.250"}],
        "exclusions": [{"start": "192.0.2.100", "end": "192.0.2.109"}],
        "counts": {"records": 3, "reservations": 2, "free": 227},
        "failover": {
            "name": "dhcp1-dhcp2",
            "partner": "dhcp2.example.com",
            "partner_address": "203.0.113.2",
            "role": "primary",
            "mode": "load_balance",
            "state": "normal",
            "percentage": 50,
        },
    }


def test_all_scopes_are_surveyed_in_order(sim: Simulator) -> None:
    assert [(each["scope"], each["state"]) for each in survey(sim)] == [
        ("192.0.2.0", "enabled"),
        ("198.51.100.0", "disabled"),
    ]


def test_an_unknown_scope_is_an_empty_survey(sim: Simulator) -> None:
    assert survey(sim, "10.9.9.0") == []


@pytest.mark.parametrize("code", [20115, 20116])
def test_a_scope_without_failover_has_none(code: int) -> None:
    with Simulator(site(no_relationship_code=code)) as sim:
        assert survey(sim, "198.51.100.0")[0]["failover"] is None


def test_a_server_without_failover_is_asked_for_it_once() -> None:
    with Simulator(site(generation="2008r2")) as sim:
        assert [each["failover"] for each in survey(sim)] == [None, None]
        assert sim.handshakes["logon"] == 2


def test_on_the_secondary_server_the_partner_is_the_primary(sim: Simulator) -> None:
    sim.store.failover[0] = replace(sim.store.failover[0], server_type=1)
    found = survey(sim, "192.0.2.0")[0]["failover"]
    assert (found["role"], found["partner"], found["partner_address"]) == (
        "secondary",
        "dhcp1.example.com",
        "203.0.113.1",
    )


def test_an_unknown_failover_state_is_null(sim: Simulator) -> None:
    sim.store.failover[0] = replace(sim.store.failover[0], state=99)
    assert survey(sim, "192.0.2.0")[0]["failover"]["state"] is None


def test_the_shared_secret_of_failover_is_nowhere(sim: Simulator) -> None:
    assert "canary-secret" not in repr(survey(sim))


def test_an_empty_scope_answered_by_no_more_items_is_empty() -> None:
    with Simulator(site(empty_elements="no_more_items")) as sim:
        assert survey(sim, "198.51.100.0")[0]["exclusions"] == []


SPANS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 10)).map(
        lambda each: AddressRange(IPv4Address(each[0]), IPv4Address(each[0] + each[1]))
    ),
    max_size=6,
)


@settings(deadline=None)
@given(ranges=SPANS, exclusions=SPANS, used=st.sets(st.integers(0, 60).map(IPv4Address)))
def test_free_addresses_are_counted_as_if_one_by_one(
    ranges: list[AddressRange], exclusions: list[AddressRange], used: set[IPv4Address]
) -> None:
    one_by_one = sum(
        any(address in span for span in ranges)
        and not any(address in span for span in exclusions)
        and address not in used
        for address in map(IPv4Address, range(64))
    )
    assert count_free(ranges, exclusions, used) == one_by_one


def test_millions_of_free_addresses_are_counted_by_their_ends() -> None:
    whole = AddressRange(IPv4Address(0), IPv4Address(2**32 - 1))
    assert count_free([whole], [], [IPv4Address("10.0.0.1")]) == 2**32 - 1


# --- the server -------------------------------------------------------------------------------------------------------


def test_the_server_tells_its_version_to_a_reader(sim: Simulator) -> None:
    with gateway(sim) as server:
        assert describe_server(server) == {
            "reachable": True,
            "version": {"major": 10, "minor": 0, "product": "Windows Server 2016 or later"},
            "mechanism": "ntlm",
            "without_kerberos": None,
            "can_read": True,
            "read_error": None,
        }


def test_an_unlisted_version_has_no_product() -> None:
    with Simulator(site(version=(11, 7))) as sim, gateway(sim) as server:
        assert describe_server(server)["version"] == {"major": 11, "minor": 7, "product": None}


@pytest.mark.parametrize("how", ["status", "fault"])
def test_an_account_that_may_not_read_is_told_so(how: str) -> None:
    with Simulator(site(access_denied=how)) as sim, gateway(sim, NOBODY) as server:
        found = describe_server(server)
    assert (found["reachable"], found["can_read"]) == (True, False)
    assert "right" in found["read_error"] or "DHCP Users" in found["read_error"]


# --- host names -------------------------------------------------------------------------------------------------------


def client(ip: str, name: str | None = None, identifier: str = "aa") -> dict[str, Any]:
    return {"ip_address": ip, "name": name, "client_id": identifier}


def names(*clients: dict[str, Any], preference: tuple[str, ...] = ("name", "ip_address")) -> list[str | None]:
    return host_names(clients, preference).names


def test_a_client_without_a_name_is_called_by_its_address() -> None:
    assert names(client("192.0.2.1", "a"), client("192.0.2.2", ""), client("192.0.2.3")) == [
        "a",
        "192.0.2.2",
        "192.0.2.3",
    ]


def test_a_client_that_has_nothing_of_the_preference_has_no_name() -> None:
    assert names(client("192.0.2.1"), preference=("name",)) == [None]


def test_a_shared_name_is_nobodys_alone() -> None:
    found = host_names([client("192.0.2.1", "a"), client("192.0.2.2", "a")], ["name"])
    assert found.names == ["a_192.0.2.1", "a_192.0.2.2"]
    assert found.warnings == [
        "Several clients are called 'a' (192.0.2.1, 192.0.2.2); each host is named with its ip_address behind."
    ]


def test_two_clients_at_one_address_differ_by_their_identifiers() -> None:
    assert names(client("192.0.2.1", None, "aa"), client("192.0.2.1", None, "bb")) == [
        "192.0.2.1_aa",
        "192.0.2.1_bb",
    ]


@pytest.mark.parametrize("name", ["localhost", "LocalHost", "all", "ungrouped"])
def test_nobody_becomes_localhost_by_saying_so(name: str) -> None:
    assert names(client("192.0.2.1", name)) == [f"{name}_192.0.2.1"]


def test_reservations_in_the_same_scope_do_not_leak_into_a_look_up(sim: Simulator) -> None:
    sim.scope("192.0.2.0").reservations.put(reservation("192.0.2.80", "bb"))
    assert addresses(find(sim, client_id=ClientId.parse_hex("bb"))) == ["192.0.2.80"]
