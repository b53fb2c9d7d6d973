# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users see of clients and plans."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import Client
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import (
    NEVER,
    AddressState,
    ClientType,
    Expiry,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.render import client_values, diff
from ansible_collections.msrpc.dhcp.tests.unit._domain.worlds import CAMPUS, DESK, PHONE, PRINTER, SHELF, SOON

LEASE = Client(
    scope=CAMPUS.address,
    address=DESK,
    client_id=PRINTER,
    type=ClientType.LEASE,
    name="pc",
    description="2nd floor",
    lease_expires=SOON,
)
RESERVATION = Client(
    scope=CAMPUS.address, address=SHELF, client_id=PHONE, type=ClientType.RESERVATION, active_until=NEVER
)


def test_a_lease_is_returned_with_every_key() -> None:
    assert client_values(LEASE) == {
        "ip_address": "10.0.0.1",
        "mac_address": "00:1c:25:80:a0:43",
        "client_id": "001c2580a043",
        "scope": "10.0.0.0",
        "name": "pc",
        "description": "2nd floor",
        "type": "lease",
        "lease_expires": "2030-01-31T12:00:00Z",
        "active_until": None,
    }


def test_a_reservation_without_record_is_returned_with_nulls() -> None:
    assert client_values(RESERVATION) == {
        "ip_address": "10.0.0.2",
        "mac_address": None,
        "client_id": PHONE.hex,
        "scope": "10.0.0.0",
        "name": None,
        "description": None,
        "type": "reservation",
        "lease_expires": None,
        "active_until": "never",
    }


def test_what_is_not_known_of_a_client_is_null() -> None:
    values = client_values(Client(scope=None, address=None, client_id=None, type=ClientType.LEASE))
    assert {key: value for key, value in values.items() if value is not None} == {"type": "lease"}


def test_the_diff_shows_that_a_declined_record_is_made_active() -> None:
    declined = replace(LEASE, address_state=AddressState.DECLINED)
    assert diff([(declined, LEASE)], single=True)["before"]["address_state"] == "declined"


def test_an_empty_name_is_no_null() -> None:
    nameless = Client(
        scope=CAMPUS.address, address=DESK, client_id=PRINTER, type=ClientType.LEASE, name="", description=""
    )
    values = client_values(nameless)
    assert (values["name"], values["description"]) == ("", "")


def test_the_diff_of_one_client_has_its_values() -> None:
    shown = diff([(None, LEASE)], single=True)
    assert shown["before"] == {}
    assert shown["after"] == {key: value for key, value in client_values(LEASE).items() if key != "active_until"}


def test_the_diff_of_one_removed_client_has_its_values_before() -> None:
    shown = diff([(LEASE, None)], single=True)
    assert (shown["before"]["ip_address"], shown["after"]) == ("10.0.0.1", {})


def test_the_diff_of_one_client_that_does_not_change_is_empty() -> None:
    assert diff([], single=True) == {"before": {}, "after": {}}


def test_the_diff_of_a_list_is_by_address() -> None:
    shown = diff([(None, LEASE), (RESERVATION, None)], single=False)
    assert (list(shown["before"]), list(shown["after"])) == (["10.0.0.2"], ["10.0.0.1"])


def test_an_address_that_changes_hands_is_on_both_sides() -> None:
    other = Client(scope=CAMPUS.address, address=DESK, client_id=PHONE, type=ClientType.LEASE)
    shown = diff([(LEASE, None), (None, other)], single=False)
    assert shown["before"]["10.0.0.1"]["client_id"] == PRINTER.hex
    assert shown["after"]["10.0.0.1"]["client_id"] == PHONE.hex


def test_what_can_not_be_declared_is_in_no_diff() -> None:
    shown = diff([(None, RESERVATION)], single=False)
    assert "active_until" not in shown["after"]["10.0.0.2"]


def test_an_expiry_that_no_calendar_has_is_shown_as_number() -> None:
    odd = Client(scope=None, address=None, client_id=None, type=ClientType.LEASE, lease_expires=Expiry(2**64 - 1))
    assert client_values(odd)["lease_expires"] == f"filetime {2**64 - 1}"
