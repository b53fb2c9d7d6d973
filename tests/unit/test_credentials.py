# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options username, password, auth and spn to who logs on, and how."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import options
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import InvalidInput
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.security import Credentials

CANARY = "canary-Cr3d"


def given(**changes: Any) -> dict[str, Any]:
    return {"auth": "negotiate", "username": None, "password": None, "spn": None} | changes


@pytest.mark.parametrize("auth", ["negotiate", "kerberos"])
@pytest.mark.parametrize("nothing", [None, ""])
def test_without_user_name_and_password_it_is_the_ticket_cache(auth: Any, nothing: str | None) -> None:
    params = given(auth=auth, username=nothing, password=nothing, spn=nothing)
    assert options.credentials(params) == Credentials(auth=auth)


@pytest.mark.parametrize("auth", ["negotiate", "kerberos"])
def test_a_user_name_alone_is_whose_ticket_it_is(auth: Any) -> None:
    assert options.credentials(given(auth=auth, username="admin")) == Credentials(auth=auth, username="admin")


@pytest.mark.parametrize("auth", ["negotiate", "kerberos", "ntlm"])
def test_user_name_and_password_are_both_taken(auth: Any) -> None:
    whole = Credentials(auth=auth, username="admin", password=CANARY, spn="host/dhcp1")
    assert options.credentials(given(auth=auth, username="admin", password=CANARY, spn="host/dhcp1")) == whole


@pytest.mark.parametrize(
    "missing", [{"username": "admin"}, {"password": CANARY}, {}, {"username": "", "password": CANARY}]
)
def test_ntlm_needs_both(missing: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="auth=ntlm needs a user name and a password") as caught:
        options.credentials(given(auth="ntlm", **missing))
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("auth", ["negotiate", "kerberos"])
def test_a_password_without_a_user_name_is_a_mistake(auth: str) -> None:
    with pytest.raises(InvalidInput, match="there is a password, but no user name") as caught:
        options.credentials(given(auth=auth, password=CANARY))
    assert CANARY not in str(caught.value)


def test_a_password_does_not_show() -> None:
    assert CANARY not in repr(Credentials(username="admin", password=CANARY))
