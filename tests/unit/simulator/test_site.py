# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sites are read from YAML with the keys of the collection's playbooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.tests.simulator.site import (
    NEVER,
    Account,
    Range,
    Site,
    address,
    client_id,
    dotted,
    filetime,
    load,
    record,
    reservation,
    scope,
)

TEXT = """
scopes:
  - scope: 10.20.0.0
    prefix_length: 22
    name: Werk München
    description: Halle 3
    state: disabled
    ranges: [{start: 10.20.0.20, end: 10.20.3.240}]
    exclusions: [{start: 10.20.0.20, end: 10.20.0.49}]
    reservations: [{ip_address: 10.20.0.60, mac_address: "00:1c:25:80:a0:43"}]
    records: [{ip_address: 10.20.0.60, client_id: 001c2580a043, name: printer, lease_expires: 0}]
accounts: [{username: admin, password: secret, rights: users}]
settings: {exists_code: 20014, version: [6, 3]}
clients: [{ip_address: 10.20.0.61, mac_address: "00:1c:25:80:a0:44"}]
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    path = tmp_path / "site.yml"
    path.write_text(TEXT, encoding="utf-8")
    return load(path)


def test_a_scope_has_its_subnet_and_mask(site: Site) -> None:
    assert (dotted(site.scopes[0].subnet), dotted(site.scopes[0].mask)) == ("10.20.0.0", "255.255.252.0")


def test_a_scope_has_its_texts_and_state(site: Site) -> None:
    assert (site.scopes[0].name, site.scopes[0].comment, site.scopes[0].enabled) == ("Werk München", "Halle 3", False)


def test_a_scope_has_its_ranges_and_exclusions(site: Site) -> None:
    assert site.scopes[0].ranges == (Range(start=address("10.20.0.20"), end=address("10.20.3.240")),)
    assert site.scopes[0].exclusions == (Range(start=address("10.20.0.20"), end=address("10.20.0.49")),)


def test_a_scope_has_its_reservations(site: Site) -> None:
    assert site.scopes[0].reservations == (reservation("10.20.0.60", "001c2580a043"),)


def test_a_scope_has_its_records(site: Site) -> None:
    wanted = record("10.20.0.60", "001c2580a043", name="printer", expires=0, mask=address("255.255.252.0"))
    assert site.scopes[0].records == (wanted,)


def test_a_site_has_its_accounts(site: Site) -> None:
    assert site.accounts == (Account(username="admin", password="secret", rights="users"),)


def test_a_site_has_its_settings(site: Site) -> None:
    assert (site.settings.exists_code, site.settings.version) == (20014, (6, 3))


def test_a_site_without_accounts_has_three() -> None:
    assert [each.rights for each in load({}).accounts] == ["administrators", "users", "none"]


def test_a_password_is_not_printed() -> None:
    assert "secret" not in repr(Account(username="admin", password="secret"))


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"scope": []}, "site: unknown keys scope"),
        ({"settings": {"colour": 1}}, "settings: unknown keys colour"),
        ({"scopes": [{"scope": "10.0.0.1", "prefix_length": 24}]}, "no subnet address with 24 bits"),
        ({"accounts": [{"username": "a", "password": "b", "rights": "root"}]}, "rights 'root' are none of"),
    ],
)
def test_a_site_that_makes_no_sense_is_refused(data: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        load(data)


@pytest.mark.parametrize("text", ["00:1c:25:80:a0:43", "00-1C-25-80-A0-43", "001c.2580.a043", "001C2580A043"])
def test_an_identifier_has_all_usual_spellings(text: str) -> None:
    assert client_id(text) == bytes.fromhex("001c2580a043")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        ("never", NEVER),
        ("1970-01-01T00:00:01Z", 116444736010000000),
        ("1970-01-01T01:00:00+01:00", 116444736000000000),
    ],
)
def test_a_time_has_several_forms(value: int | str, expected: int) -> None:
    assert filetime(value) == expected


def test_a_scope_in_one_line_has_a_range() -> None:
    made = scope("10.0.0.0", 24)
    assert made.ranges == (Range(start=address("10.0.0.10"), end=address("10.0.0.250")),)
