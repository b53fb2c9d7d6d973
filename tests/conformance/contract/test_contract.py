# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the collection promises on any MS-DHCPM server, tried in a scratch scope of one."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._converge import Outcome
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import AddressState, ClientId, OptionValues
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import SetOptions
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import option_structs
from ansible_collections.msrpc.dhcp.tests.conformance.contract.ground import BLOCK, Ground

END, LATER_END = "2098-01-01T00:00:00Z", "2099-01-01T00:00:00Z"


def action(outcome: Outcome) -> str:
    """What was done for the only client."""
    assert outcome.failure is None, outcome.failure
    (client,) = outcome.clients
    return str(client["action"])


def failure(outcome: Outcome) -> str:
    assert outcome.failure is not None
    assert not outcome.changed
    return outcome.failure


# --- the server -------------------------------------------------------------------------------------------------------


def test_the_server_tells_its_version(scratch: Ground) -> None:
    with scratch.server() as server:
        assert server.version() > (0, 0)


def test_the_scratch_scope_is_listed(scratch: Ground) -> None:
    with scratch.server() as server:
        assert scratch.scope.address in server.scope_addresses()


def test_a_client_that_is_not_there_is_not_found(scratch: Ground) -> None:
    with scratch.server() as server:
        assert server.record_at(scratch.scope, scratch.pool[0]) is None
        assert server.record_of(scratch.scope, ClientId.parse_mac(scratch.mac(0))) is None


# --- present ----------------------------------------------------------------------------------------------------------

KINDS: dict[str, dict[str, Any]] = {
    "reservation": {"name": "printer", "description": "First floor"},
    "lease": {"type": "lease", "name": "printer", "lease_expires": END},
}
of_each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@of_each_kind
def test_a_client_is_created(scratch: Ground, kind: dict[str, Any]) -> None:
    assert action(scratch.declare(scratch.client(0, **kind))) == "created"


@of_each_kind
def test_a_second_run_sends_no_write(scratch: Ground, kind: dict[str, Any]) -> None:
    scratch.declare(scratch.client(0, **kind))
    before = scratch.contents()
    assert action(scratch.declare(scratch.client(0, **kind))) == "none"
    assert scratch.contents() == before


@of_each_kind
def test_check_mode_foresees_it_and_writes_nothing(scratch: Ground, kind: dict[str, Any]) -> None:
    assert action(scratch.declare(scratch.client(0, **kind), check=True)) == "created"
    assert scratch.contents().ours() == []


def test_a_reservation_has_its_record_with_name_and_description(scratch: Ground) -> None:
    scratch.declare(scratch.client(0, name="printer", description="First floor"))
    contents = scratch.contents()
    record = contents.record_of(scratch.mac(0))
    assert record is not None
    assert (record.name, record.description, record.state) == ("printer", "First floor", AddressState.ACTIVE)
    assert contents.reserved_for(scratch.ip(0)) == scratch.mac(0)


def test_a_lease_is_not_reserved_and_ends_as_declared(scratch: Ground) -> None:
    scratch.declare(scratch.client(0, type="lease", lease_expires=END))
    contents = scratch.contents()
    record = contents.record_of(scratch.mac(0))
    assert record is not None
    assert (str(record.expires), contents.reserved_for(scratch.ip(0))) == (END, None)


def test_a_lease_ends_never_by_default(scratch: Ground) -> None:
    outcome = scratch.declare(scratch.client(0, type="lease"))
    assert outcome.clients[0]["lease_expires"] == "never"


def test_a_client_is_found_by_its_identifier(scratch: Ground) -> None:
    scratch.declare(scratch.client(0))
    with scratch.server() as server:
        record = server.record_of(scratch.scope, ClientId.parse_mac(scratch.mac(0)))
    assert record is not None
    assert record.address == scratch.pool[0]


def test_a_long_identifier_comes_back_as_it_was(scratch: Ground) -> None:
    identifier = (BLOCK + bytes(range(11))).hex()
    declared = {"ip_address": scratch.ip(0), "client_id": identifier, "scope": str(scratch.scope)}
    outcome = scratch.declare(declared)
    assert (action(outcome), outcome.clients[0]["client_id"]) == ("created", identifier)
    assert action(scratch.declare(declared)) == "none"


@pytest.mark.parametrize("text", ["Höfe ₂ 打印机", "a" * 200, "\U0001f5a8"], ids=["letters", "long", "beyond 16 bits"])
def test_a_description_comes_back_as_it_was(scratch: Ground, text: str) -> None:
    outcome = scratch.declare(scratch.client(0, description=text))
    assert outcome.clients[0]["description"] == text


def test_a_name_and_a_description_are_changed(scratch: Ground) -> None:
    scratch.declare(scratch.client(0, name="printer", description="First floor"))
    outcome = scratch.declare(scratch.client(0, name="plotter", description="Hall"))
    assert action(outcome) == "updated"
    assert (outcome.clients[0]["name"], outcome.clients[0]["description"]) == ("plotter", "Hall")


def test_an_empty_description_clears_it_and_leaves_the_name(scratch: Ground) -> None:
    scratch.declare(scratch.client(0, name="printer", description="First floor"))
    outcome = scratch.declare(scratch.client(0, description=""))
    assert (outcome.clients[0]["name"], outcome.clients[0]["description"]) == ("printer", "")


def test_the_end_of_a_lease_is_changed(scratch: Ground) -> None:
    scratch.declare(scratch.client(0, type="lease", lease_expires=END))
    outcome = scratch.declare(scratch.client(0, type="lease", lease_expires=LATER_END))
    assert (action(outcome), outcome.clients[0]["lease_expires"]) == ("updated", LATER_END)


def test_a_lease_becomes_a_reservation_and_keeps_its_end(scratch: Ground) -> None:
    scratch.declare(scratch.client(0, type="lease", lease_expires=END))
    outcome = scratch.declare(scratch.client(0))
    assert (action(outcome), outcome.clients[0]["active_until"]) == ("updated", END)


def test_a_reservation_does_not_become_a_lease(scratch: Ground) -> None:
    scratch.declare(scratch.client(0))
    assert "type=reservation" in failure(scratch.declare(scratch.client(0, type="lease")))


def test_a_client_on_the_network_gets_its_reservation_beside_its_lease(scratch: Ground) -> None:
    scratch.declare(scratch.client(0, type="lease", lease_expires=END))
    outcome = scratch.declare(scratch.client(0, at=1, name="printer"))
    contents = scratch.contents()
    assert (outcome.failure, contents.reserved_for(scratch.ip(1))) == (None, scratch.mac(0))
    assert contents.record_of(scratch.mac(0)) is not None


# --- conflicts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("held", [{}, {"type": "lease"}], ids=["reservation", "lease"])
def test_another_clients_address_is_a_conflict_and_nothing_changes(scratch: Ground, held: dict[str, Any]) -> None:
    scratch.declare(scratch.client(0, **held))
    before = scratch.contents()
    message = failure(scratch.declare(scratch.client(1, at=0)))
    assert scratch.mac(0) in message
    assert scratch.contents() == before


def test_evict_lease_removes_another_clients_lease(scratch: Ground) -> None:
    scratch.declare(scratch.client(0, type="lease"))
    outcome = scratch.declare(scratch.client(1, at=0, on_conflict="evict_lease"))
    assert outcome.failure is None
    assert scratch.contents().reserved_for(scratch.ip(0)) == scratch.mac(1)


def test_replace_puts_another_client_on_a_reservation_and_keeps_its_name(scratch: Ground) -> None:
    scratch.declare(scratch.client(0, name="printer"))
    outcome = scratch.declare(scratch.client(1, at=0, on_conflict="replace"))
    assert (action(outcome), outcome.clients[0]["name"]) == ("replaced", "printer")
    assert scratch.contents().record_of(scratch.mac(0)) is None


def test_replace_keeps_the_option_values_of_a_reservation(scratch: Ground) -> None:
    scratch.declare(scratch.client(0))
    with scratch.server() as server:
        server.apply(_boot_server(scratch))
        before = server.options(scratch.scope, scratch.pool[0])
    scratch.declare(scratch.client(1, at=0, on_conflict="replace"))
    with scratch.server() as server:
        assert server.options(scratch.scope, scratch.pool[0]) == before
    assert before


def _boot_server(scratch: Ground) -> SetOptions:
    """Option 66, which every server knows, on the first reservation."""
    element = option_structs.DHCP_OPTION_DATA_ELEMENT(OptionType=option_structs.OPTION_STRING, Element="boot.example")
    value = option_structs.DHCP_OPTION_VALUE(OptionID=66, Value=option_structs.DHCP_OPTION_DATA(Elements=(element,)))
    entry = option_structs.DHCP_CLASS_OPTION_VALUES(
        ClassName=None,
        VendorName=None,
        IsVendor=False,
        OptionsArray=option_structs.DHCP_OPTION_VALUE_ARRAY(Values=(value,)),
    )
    return SetOptions(
        scope=scratch.scope,
        address=scratch.pool[0],
        client_id=ClientId.parse_mac(scratch.mac(0)),
        options=OptionValues(entries=(entry,)),
    )


def test_replace_moves_a_client(scratch: Ground) -> None:
    scratch.declare(scratch.client(0, name="printer"))
    outcome = scratch.declare(scratch.client(0, at=1, on_conflict="replace"))
    assert (action(outcome), outcome.clients[0]["name"]) == ("moved", "printer")
    contents = scratch.contents()
    assert (contents.reserved_for(scratch.ip(0)), contents.reserved_for(scratch.ip(1))) == (None, scratch.mac(0))


# --- absent -----------------------------------------------------------------------------------------------------------


def test_a_reservation_goes_with_its_record(scratch: Ground) -> None:
    scratch.declare(scratch.client(0))
    assert action(scratch.declare(scratch.client(0, state="absent"))) == "removed"
    assert scratch.contents().ours() == []


def test_a_lease_goes(scratch: Ground) -> None:
    scratch.declare(scratch.client(0, type="lease"))
    assert action(scratch.declare(scratch.client(0, type="lease", state="absent"))) == "removed"
    assert scratch.contents().ours() == []


def test_the_active_lease_of_a_reserved_client_stays(scratch: Ground) -> None:
    scratch.declare(scratch.client(0, type="lease", lease_expires=END))
    scratch.declare(scratch.client(0))
    assert action(scratch.declare(scratch.client(0, state="absent"))) == "removed"
    contents = scratch.contents()
    assert contents.reserved_for(scratch.ip(0)) is None
    assert contents.record_of(scratch.mac(0)) is not None


def test_absent_is_nothing_to_do_for_a_client_that_is_not_there(scratch: Ground) -> None:
    assert action(scratch.declare(scratch.client(0, state="absent"))) == "none"


def test_a_pair_that_is_none_is_left_alone(scratch: Ground) -> None:
    scratch.declare(scratch.client(0))
    before = scratch.contents()
    assert action(scratch.declare(scratch.client(1, at=0, state="absent"))) == "none"
    assert scratch.contents() == before


# --- lists ------------------------------------------------------------------------------------------------------------


def test_a_list_is_created_and_then_there(scratch: Ground) -> None:
    clients = [scratch.client(number, name=f"client-{number}") for number in range(5)]
    assert [client["action"] for client in scratch.declare(*clients).clients] == ["created"] * 5
    assert not scratch.declare(*clients).changed


def test_two_clients_swap_their_addresses_and_keep_their_names(scratch: Ground) -> None:
    scratch.declare(scratch.client(0, name="printer"), scratch.client(1, name="plotter"))
    outcome = scratch.declare(scratch.client(0, at=1), scratch.client(1, at=0), on_conflict="replace")
    assert outcome.failure is None
    assert [client["name"] for client in outcome.clients] == ["printer", "plotter"]
    contents = scratch.contents()
    assert contents.reserved_for(scratch.ip(0)) == scratch.mac(1)
    assert contents.reserved_for(scratch.ip(1)) == scratch.mac(0)


def test_a_client_without_address_gets_the_lowest_free_one(scratch: Ground) -> None:
    scratch.declare(scratch.client(0))
    outcome = scratch.declare({"mac_address": scratch.mac(1), "scope": str(scratch.scope)})
    assert (action(outcome), outcome.clients[0]["ip_address"]) == ("created", scratch.ip(1))


def test_a_client_without_address_keeps_the_one_that_it_has(scratch: Ground) -> None:
    scratch.declare(scratch.client(0, at=3))
    outcome = scratch.declare({"mac_address": scratch.mac(0), "scope": str(scratch.scope)})
    assert (action(outcome), outcome.clients[0]["ip_address"]) == ("none", scratch.ip(3))


def test_purge_removes_what_is_not_listed(scratch: Ground) -> None:
    scratch.declare(*(scratch.client(number) for number in range(3)))
    outcome = scratch.declare(scratch.client(0), purge=True, scope=str(scratch.scope))
    assert (outcome.failure, len(outcome.purged)) == (None, 2)
    assert [str(each.address) for each in scratch.contents().reservations] == [scratch.ip(0)]
