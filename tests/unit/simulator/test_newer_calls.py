# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Free addresses (opnum 120), failover (96) and what an older server does not have, one rule a test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from impacket.dcerpc.v5 import dhcpm
from impacket.dcerpc.v5.rpcrt import DCERPCException

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.failover_calls import (
    R_DhcpV4FailoverGetScopeRelationship,
    ScopeRelationshipReply,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.failover_structs import (
    MODE_HOT_STANDBY,
    SERVER_SECONDARY,
)
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import (
    ADDRESS_STATE_DECLINED,
    ADDRESS_STATE_DOOM,
    NOBODY,
    READER,
    Failover,
    Settings,
    Site,
    address,
    dotted,
    load,
    record,
    reservation,
    scope,
)
from ansible_collections.msrpc.dhcp.tests.simulator.store import Store
from ansible_collections.msrpc.dhcp.tests.unit.simulator.foreign import ImpacketClient

OURS = bytes.fromhex("001c2580a043")
RANGE = (("10.0.0.10", "10.0.0.14"),)
FAILOVER = Failover(
    name="fo",
    primary_server=address("192.0.2.1"),
    secondary_server=address("192.0.2.2"),
    scopes=(address("10.0.0.0"),),
)


def store(*, settings: dict[str, Any] | None = None, **more: Any) -> Store:
    """A scope with five addresses."""
    more = {"ranges": RANGE, **more}
    return Store(Site(scopes=(scope("10.0.0.0", **more),), settings=Settings(**(settings or {}))))


def ask(db: Store, count: int, start: str | int = 0, end: str | int = 0, subnet: str | int = "10.0.0.0") -> Any:
    return db.execute(
        calls.R_DhcpV4GetFreeIPAddress(
            ScopeId=address(subnet), startIP=address(start), endIP=address(end), numFreeAddr=count
        )
    )


def free(db: Store, count: int, start: str | int = 0, end: str | int = 0) -> tuple[list[str], int]:
    reply = ask(db, count, start, end)
    return [dotted(each) for each in reply.IPAddrList], reply.Return


# --- R_DhcpV4GetFreeIPAddress, 3.2.4.121 ------------------------------------------------------------------------------


def test_the_lowest_free_addresses_come_first() -> None:
    assert free(store(), 2) == (["10.0.0.10", "10.0.0.11"], 0)


def test_zero_asks_for_one() -> None:
    assert free(store(), 0) == (["10.0.0.10"], 0)


def test_the_whole_range_is_free_where_nothing_is() -> None:
    assert free(store(), 5)[1] == 0


def test_an_address_with_a_record_is_taken() -> None:
    assert free(store(records=(record("10.0.0.10", OURS),)), 1) == (["10.0.0.11"], 0)


def test_an_address_with_a_declined_record_is_taken() -> None:
    assert free(store(records=(record("10.0.0.10", OURS, state=ADDRESS_STATE_DECLINED),)), 1) == (["10.0.0.11"], 0)


def test_an_excluded_address_is_taken() -> None:
    assert free(store(exclusions=(("10.0.0.10", "10.0.0.12"),)), 1) == (["10.0.0.13"], 0)


def test_an_address_that_is_only_reserved_is_free() -> None:
    assert free(store(reservations=(reservation("10.0.0.10", OURS),)), 1) == (["10.0.0.10"], 0)


def test_a_search_starts_and_ends_where_it_is_told() -> None:
    assert free(store(), 2, "10.0.0.12", "10.0.0.13") == (["10.0.0.12", "10.0.0.13"], 0)


def test_a_search_without_an_end_goes_to_the_end_of_the_range() -> None:
    assert free(store(), 5, "10.0.0.13") == (["10.0.0.13", "10.0.0.14"], 20126)


def test_too_few_free_addresses_are_returned_with_20126() -> None:
    assert free(store(exclusions=(("10.0.0.11", "10.0.0.14"),)), 3) == (["10.0.0.10"], 20126)


def test_a_full_scope_returns_an_empty_list_with_20126() -> None:
    assert free(store(exclusions=RANGE), 1) == ([], 20126)


def test_the_code_for_too_few_is_a_setting() -> None:
    assert free(store(settings={"end_of_selection_code": 259}), 6)[1] == 259


def test_doomed_addresses_come_after_the_free_ones() -> None:
    doomed = record("10.0.0.10", OURS, state=ADDRESS_STATE_DOOM)
    assert free(store(records=(doomed,)), 5) == (["10.0.0.11", "10.0.0.12", "10.0.0.13", "10.0.0.14", "10.0.0.10"], 0)


def test_doomed_addresses_do_not_come_where_enough_are_free() -> None:
    doomed = record("10.0.0.10", OURS, state=ADDRESS_STATE_DOOM)
    assert free(store(records=(doomed,)), 1) == (["10.0.0.11"], 0)


def test_addresses_between_two_ranges_are_not_offered() -> None:
    db = store(ranges=(("10.0.0.10", "10.0.0.10"), ("10.0.0.20", "10.0.0.20")))
    assert free(db, 2) == (["10.0.0.10", "10.0.0.20"], 0)


def test_1024_addresses_may_be_asked_for() -> None:
    db = Store(Site(scopes=(scope("10.0.0.0", 20),)))
    assert len(free(db, 1024)[0]) == 1024


@pytest.mark.parametrize(
    ("count", "start", "end", "subnet"),
    [
        (1025, 0, 0, "10.0.0.0"),
        (1, 0, 0, 0),
        (1, 0, 0, "192.0.2.0"),
        (1, "10.0.0.12", "10.0.0.11", "10.0.0.0"),
        (3, "10.0.0.12", "10.0.0.13", "10.0.0.0"),
        (1, "10.0.1.10", 0, "10.0.0.0"),
        (1, "10.0.0.9", 0, "10.0.0.0"),
        (1, 0, "10.0.0.15", "10.0.0.0"),
    ],
    ids=["too many", "no scope", "unknown scope", "backwards", "too short", "other subnet", "before", "behind"],
)
def test_a_request_that_makes_no_sense_is_an_invalid_parameter(
    count: int, start: str | int, end: str | int, subnet: str | int
) -> None:
    reply = ask(store(), count, start, end, subnet)
    assert (reply.IPAddrList, reply.Return) == (None, 87)


@pytest.mark.parametrize("code", [2, 259])
def test_a_scope_without_a_range_answers_the_code_of_the_setting(code: int) -> None:
    reply = ask(store(ranges=(), settings={"no_range_code": code}), 1)
    assert (reply.IPAddrList, reply.Return) == (None, code)


# --- R_DhcpV4FailoverGetScopeRelationship, 3.2.4.97 -------------------------------------------------------------------


def relationship(db: Store, subnet: str | int = "10.0.0.0") -> ScopeRelationshipReply:
    reply = db.execute(R_DhcpV4FailoverGetScopeRelationship(scopeId=address(subnet)))
    assert isinstance(reply, ScopeRelationshipReply)
    return reply


def test_a_scope_in_a_relationship_has_it() -> None:
    found = relationship(Store(Site(scopes=(scope("10.0.0.0"),), failover=(FAILOVER,)))).pRelationship
    assert found is not None
    assert (found.relationshipName, found.secondaryServer, found.pScopes) == (
        "fo",
        address("192.0.2.2"),
        (address("10.0.0.0"),),
    )


@pytest.mark.parametrize("subnet", ["10.0.1.0", "192.0.2.0"])
def test_a_scope_in_no_relationship_is_20116(subnet: str) -> None:
    reply = relationship(Store(Site(scopes=(scope("10.0.1.0"),), failover=(FAILOVER,))), subnet)
    assert (reply.pRelationship, reply.Return) == (None, 20116)


def test_the_code_for_no_relationship_is_a_setting() -> None:
    assert relationship(Store(Site(settings=Settings(no_relationship_code=20115)))).Return == 20115


def test_no_scope_is_an_invalid_parameter() -> None:
    assert relationship(store(), 0).Return == 87


def test_a_site_declares_relationships() -> None:
    made = load(
        {
            "failover": [
                {
                    "name": "fo",
                    "mode": "hot_standby",
                    "server_type": "secondary",
                    "state": "partner_down",
                    "primary_server": "192.0.2.1",
                    "primary_server_name": "dhcp1.example.com",
                    "secondary_server": "192.0.2.2",
                    "secondary_server_name": "dhcp2.example.com",
                    "mclt": 60,
                    "safe_period": 30,
                    "percentage": 5,
                    "shared_secret": "s3cret",
                    "scopes": ["10.0.0.0"],
                }
            ]
        }
    )
    assert made.failover == (
        Failover(
            name="fo",
            mode=MODE_HOT_STANDBY,
            server_type=SERVER_SECONDARY,
            state=5,
            primary_server=address("192.0.2.1"),
            primary_server_name="dhcp1.example.com",
            secondary_server=address("192.0.2.2"),
            secondary_server_name="dhcp2.example.com",
            mclt=60,
            safe_period=30,
            percentage=5,
            shared_secret="s3cret",
            scopes=(address("10.0.0.0"),),
        ),
    )


def test_a_relationship_with_unknown_keys_is_refused() -> None:
    with pytest.raises(ValueError, match="failover: unknown keys colour"):
        load({"failover": [{"colour": 1}]})


# --- over the wire ----------------------------------------------------------------------------------------------------


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(Site(scopes=(scope("10.0.0.0"),), failover=(FAILOVER,))) as running:
        yield running


FREE = calls.R_DhcpV4GetFreeIPAddress(ScopeId=address("10.0.0.0"), numFreeAddr=1)
RELATIONSHIP = R_DhcpV4FailoverGetScopeRelationship(scopeId=address("10.0.0.0"))


def send(simulator: Simulator, call: calls.Call[Any], account: str = READER) -> Any:
    with ImpacketClient(simulator, account, interface=dhcpm.MSRPC_UUID_DHCPSRV2) as client:
        return call.Reply.unpack(client.raw(call.OPNUM, call.pack()))


@pytest.mark.parametrize("call", [FREE, RELATIONSHIP], ids=lambda call: call.name)
def test_a_reader_may_ask(simulator: Simulator, call: calls.Call[Any]) -> None:
    assert send(simulator, call) == simulator.store.execute(call)


@pytest.mark.parametrize("call", [FREE, RELATIONSHIP], ids=lambda call: call.name)
def test_an_account_without_rights_may_not_ask(simulator: Simulator, call: calls.Call[Any]) -> None:
    assert send(simulator, call, NOBODY).Return == 5


@pytest.mark.parametrize("call", [FREE, RELATIONSHIP], ids=lambda call: call.name)
def test_a_server_of_2008_r2_does_not_have_the_call(simulator: Simulator, call: calls.Call[Any]) -> None:
    simulator.settings.generation = "2008r2"
    with pytest.raises(DCERPCException, match="nca_s_op_rng_error"):
        send(simulator, call)


def test_a_server_of_2008_r2_has_the_older_calls(simulator: Simulator) -> None:
    simulator.settings.generation = "2008r2"
    call = calls.R_DhcpEnumSubnetElementsV5(SubnetAddress=address("10.0.0.0"), EnumElementType=0)
    assert send(simulator, call).Return == 0


@pytest.mark.parametrize(("version", "reported"), [((10, 0), (6, 1)), ((5, 7), (5, 7))])
def test_a_server_of_2008_r2_reports_its_version(version: tuple[int, int], reported: tuple[int, int]) -> None:
    db = Store(Site(settings=Settings(generation="2008r2", version=version)))
    reply = db.execute(calls.R_DhcpGetVersion())
    assert reply == calls.VersionReply(MajorVersion=reported[0], MinorVersion=reported[1], Return=0)
