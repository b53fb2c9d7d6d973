# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user may declare, and what the server's scopes make of it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.desired import (
    Declaration,
    relevant_scopes,
    resolve,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import Absent, Item, Present
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import (
    NEVER,
    ClientId,
    ClientType,
    NamePolicy,
    Scope,
    State,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import InvalidInput
from ansible_collections.msrpc.dhcp.tests.unit._domain.worlds import (
    CAMPUS,
    DESK,
    GATE,
    LAB,
    LAB_DESK,
    PHONE,
    PRINTER,
    SCOPES,
    SHELF,
    SOON,
    STRANGER,
    absent,
    absent_lease,
    listed,
    present,
    present_lease,
)

KNOWN = [IPv4Address(text) for text in ("10.0.0.0", "10.0.0.8", "10.2.0.0")]


def resolved(*declarations: Declaration) -> list[Item]:
    return resolve(listed(declarations), SCOPES)


def refusal(*declarations: Declaration) -> str:
    with pytest.raises(InvalidInput) as caught:
        resolved(*declarations)
    return str(caught.value)


def scope_of_width(prefix: int) -> dict[IPv4Address, Scope]:
    scope = Scope(network=IPv4Network(f"10.9.0.0/{prefix}"))
    return {scope.address: scope}


# --- what cannot be meant, whatever the server has --------------------------------------------------------------------


def test_present_without_client_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"^clients\[4\]\.mac_address=None: .*mac_address or client_id"):
        Declaration(index=4, place="clients[4].", address=DESK)


def test_present_without_address_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"^ip_address=None: .*state=present"):
        Declaration(index=0, client_id=PRINTER)


def test_absent_without_address_and_client_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"^ip_address=None: .*one of ip_address, mac_address and client_id"):
        Declaration(index=0, state=State.ABSENT)


def test_a_scope_alone_does_not_name_what_is_to_be_absent() -> None:
    with pytest.raises(InvalidInput, match="one of ip_address, mac_address and client_id"):
        Declaration(index=0, state=State.ABSENT, scope=CAMPUS.address)


@pytest.mark.parametrize(("address", "client_id"), [(DESK, None), (None, PRINTER), (DESK, PRINTER)])
def test_absent_needs_one_of_address_and_client(address: IPv4Address | None, client_id: ClientId | None) -> None:
    (item,) = resolved(absent(address, client_id))
    assert (item.address, item.client_id) == (address, client_id)


def test_a_reservation_with_an_expiry_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"^lease_expires='2030-01-31T12:00:00Z': .*type=lease"):
        present(DESK, expires=SOON)


def test_a_reservation_that_never_expires_is_refused_too() -> None:
    with pytest.raises(InvalidInput, match=r"^lease_expires='never': "):
        present(DESK, expires=NEVER)


def test_a_lease_may_have_an_expiry() -> None:
    assert present_lease(DESK, expires=SOON).expires == SOON


# --- which scopes have to be read -------------------------------------------------------------------------------------


def test_a_given_scope_is_read_whether_or_not_the_server_has_it() -> None:
    declaration = replace(present(DESK), scope=IPv4Address("10.7.0.0"))
    assert relevant_scopes([declaration], []) == [IPv4Address("10.7.0.0")]


@pytest.mark.parametrize(
    ("address", "scopes"),
    [
        ("10.0.0.0", ["10.0.0.0"]),
        ("10.0.0.7", ["10.0.0.0"]),
        ("10.0.0.8", ["10.0.0.8"]),
        ("10.1.255.255", ["10.0.0.8"]),
        ("10.200.0.1", ["10.2.0.0"]),
        ("9.255.255.255", []),
    ],
)
def test_without_scope_the_last_one_that_begins_at_or_below_the_address_is_read(
    address: str, scopes: list[str]
) -> None:
    found = relevant_scopes([present(IPv4Address(address))], KNOWN)
    assert [str(scope) for scope in found] == scopes


def test_a_client_without_address_and_scope_may_be_in_every_scope() -> None:
    assert relevant_scopes([present(DESK), absent(client_id=PRINTER)], KNOWN) == KNOWN


def test_each_scope_is_read_once() -> None:
    assert relevant_scopes([present(LAB_DESK), present(DESK), present(SHELF)], KNOWN) == KNOWN[:2]


# --- what the scopes show to be wrong ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("address", "scope"), [(DESK, CAMPUS), (GATE, CAMPUS), (LAB_DESK, LAB)])
def test_the_scope_is_found_from_the_address(address: IPv4Address, scope: Scope) -> None:
    (item,) = resolved(present(address))
    assert item.scope == scope.address


@pytest.mark.parametrize("address", ["9.255.255.255", "10.0.0.16", "10.0.1.1"])
def test_an_address_in_no_scope_is_refused(address: str) -> None:
    assert refusal(present(IPv4Address(address))) == (
        f"clients[0].ip_address='{address}': the address is in no scope of the server. "
        "Check it, or add its scope there first."
    )


def test_an_absent_address_in_no_scope_is_refused() -> None:
    assert "is in no scope of the server" in refusal(absent(IPv4Address("10.0.1.1")))


def test_an_address_outside_the_given_scope_is_refused() -> None:
    assert refusal(replace(present(DESK), scope=LAB.address)) == (
        "clients[0].ip_address='10.0.0.1': the address is outside scope 10.0.0.8 (10.0.0.8/29). "
        "Correct one of the two, or leave scope out."
    )


@pytest.mark.parametrize("scope", ["10.7.0.0", "10.0.0.1"])
def test_a_scope_that_does_not_exist_is_refused(scope: str) -> None:
    message = refusal(replace(absent(client_id=PRINTER), scope=IPv4Address(scope)))
    assert message.startswith(f"clients[0].scope='{scope}': the server has no such scope.")


@pytest.mark.parametrize(("address", "kind"), [("10.0.0.8", "network"), ("10.0.0.15", "broadcast")])
def test_network_and_broadcast_address_of_a_scope_are_refused(address: str, kind: str) -> None:
    message = refusal(present(IPv4Address(address)))
    assert message.startswith(f"clients[0].ip_address='{address}': is the {kind} address of scope 10.0.0.8")


def test_the_broadcast_address_is_refused_in_a_given_scope_too() -> None:
    assert "is the broadcast address" in refusal(replace(present(IPv4Address("10.0.0.7")), scope=CAMPUS.address))


@pytest.mark.parametrize("address", ["10.9.0.0", "10.9.0.1"])
def test_a_scope_of_two_addresses_gives_out_both(address: str) -> None:
    (item,) = resolve([present(IPv4Address(address))], scope_of_width(31))
    assert item.address == IPv4Address(address)


def test_a_scope_of_four_addresses_has_a_broadcast_address() -> None:
    with pytest.raises(InvalidInput, match="broadcast address"):
        resolve([present(IPv4Address("10.9.0.3"))], scope_of_width(30))


# --- a list is one declaration ----------------------------------------------------------------------------------------


def test_the_same_address_twice_is_refused() -> None:
    assert refusal(present(DESK), present(DESK, STRANGER)) == (
        "clients[1].ip_address='10.0.0.1': is in the list twice: also in clients[0]. Leave one of the two out."
    )


def test_the_same_absent_address_twice_is_refused() -> None:
    assert "clients[1].ip_address='10.0.0.1': is in the list twice" in refusal(absent(DESK), absent_lease(DESK, PHONE))


def test_the_same_client_of_a_scope_twice_is_refused() -> None:
    assert refusal(present(DESK), present(SHELF)) == (
        "clients[1].mac_address='00:1c:25:80:a0:43': is in the list twice for one scope: also in "
        "clients[0]. Leave one of the two out."
    )


def test_the_same_client_that_has_no_mac_is_refused_by_its_client_id() -> None:
    assert refusal(present(DESK, PHONE), present(SHELF, PHONE)).startswith(f"clients[1].client_id='{PHONE.hex}': ")


def test_the_same_client_may_not_be_present_and_absent_in_one_scope() -> None:
    assert "is in the list twice for one scope" in refusal(absent(DESK, PRINTER), present(SHELF))


@pytest.mark.parametrize("reverse", [False, True])
def test_a_client_that_is_absent_from_every_scope_may_not_be_present_in_one(reverse: bool) -> None:
    declarations = [absent(client_id=PRINTER), present(LAB_DESK)]
    assert "is in the list twice for one scope" in refusal(*(declarations[::-1] if reverse else declarations))


def test_a_client_is_compared_with_every_item_before_it() -> None:
    message = refusal(present(LAB_DESK), present(SHELF, STRANGER), present(DESK), absent_lease(client_id=STRANGER))
    assert message.startswith(f"clients[3].mac_address='{STRANGER.mac}': ")


def test_of_two_scopes_that_have_a_client_the_second_is_seen_as_well() -> None:
    assert "also in clients[1]" in refusal(present(DESK), present(LAB_DESK), absent(client_id=PRINTER, scope=LAB))


def test_the_same_client_may_be_in_two_scopes() -> None:
    assert len(resolved(present(DESK), present(LAB_DESK))) == 2


def test_one_absent_and_one_present_item_may_share_an_address() -> None:
    assert len(resolved(absent(DESK), present(DESK))) == 2


def test_two_clients_at_two_addresses_are_no_duplicates() -> None:
    assert len(resolved(present(DESK), present(SHELF, STRANGER))) == 2


def test_two_absent_items_without_address_are_no_duplicates() -> None:
    assert len(resolved(absent(client_id=PRINTER), absent(client_id=STRANGER))) == 2


# --- what becomes of a declaration ------------------------------------------------------------------------------------


def test_a_present_declaration_becomes_an_item_with_all_that_was_given() -> None:
    declaration = replace(
        present_lease(DESK, name="pc", description="", expires=SOON), name_policy=NamePolicy.ON_CREATE, index=7
    )
    assert resolve([declaration], SCOPES) == [
        Present(
            index=7,
            scope=CAMPUS.address,
            address=DESK,
            client_id=PRINTER,
            name="pc",
            description="",
            name_policy=NamePolicy.ON_CREATE,
            type=ClientType.LEASE,
            expires=SOON,
        )
    ]


def test_an_absent_client_without_scope_and_address_stays_without_scope() -> None:
    assert resolve([absent_lease(client_id=PRINTER)], SCOPES) == [
        Absent(index=0, scope=None, address=None, client_id=PRINTER, type=ClientType.LEASE)
    ]


def test_an_absent_address_gets_its_scope() -> None:
    assert resolve([absent(LAB_DESK)], SCOPES) == [Absent(index=0, scope=LAB.address, address=LAB_DESK, client_id=None)]


def test_items_keep_the_order_of_the_list() -> None:
    items = resolved(present(LAB_DESK), absent(DESK), present(SHELF, STRANGER))
    assert [(item.index, item.option) for item in items] == [(0, "clients[0]."), (1, "clients[1]."), (2, "clients[2].")]
