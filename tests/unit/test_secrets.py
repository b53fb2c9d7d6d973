# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What objects and exceptions say of themselves holds no password, and messages hold nothing but printable text."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from spnego._ntlm_raw.crypto import ntowfv1

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import argspec, options, worker
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.kept import KeptConnections
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.render import whole_characters
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError, InvalidInput, printable
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import Connection, Endpoint, connect
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV, DHCPSRV2
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.kerberos import Wanted
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.security import Credentials, open_context
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer
from ansible_collections.msrpc.dhcp.tests.kdc import Realm
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import Account, Site, scope
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import OURS, WANTED

CANARY = "Canary-0c4e77a1"
PASSWORD = f"{CANARY}-Zürich Ω"
# What a logon can end with before the first call, each as a forgery or a recipe of the server.
FORGERIES = ("bind_nak", "challenge_without_128", "context_rejected", "no_header_signing", "no_password")
RECIPES: dict[str, dict[str, Any]] = {
    "a fault": {"fault": 5},
    "a torn reply": {"torn": "truncated"},
    "a wrong signature": {"forge": ("wrong_signature",)},
    "a lost connection": {"drop": "before"},
    "a timeout": {"silent": "before"},
}


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """A server whose only account has the canary."""
    accounts = (Account(username="canary", password=PASSWORD),)
    with Simulator(Site(scopes=(scope("10.0.0.0"),), accounts=accounts)) as simulator:
        yield simulator


@pytest.fixture
def credentials() -> Credentials:
    return Credentials(auth="ntlm", username="canary", password=PASSWORD)


def endpoint(sim: Simulator) -> Endpoint:
    return Endpoint(server=sim.host, port=sim.port, request_timeout=0.3)


def params(**given: Any) -> dict[str, Any]:
    """The connection options of a task."""
    return {**dict.fromkeys(argspec.connection_spec()), "auth": "negotiate", "server": "dhcp1", **given}


def told(error: BaseException | None) -> str:
    """All that an exception and those behind it say, with their attributes."""
    text = ""
    while error is not None:
        text += "".join(traceback.format_exception(error)) + repr(error.args) + repr(vars(error))
        # UnicodeError has what it could not encode, in full.
        text += repr(getattr(error, "object", None))
        error = error.__cause__ or error.__context__
    return text


def assert_without_secret(text: str) -> None:
    assert text
    assert CANARY not in text
    assert ntowfv1(PASSWORD).hex() not in text


# --- objects ----------------------------------------------------------------------------------------------------------


def test_credentials_do_not_show_the_password(credentials: Credentials) -> None:
    assert_without_secret(f"{credentials!r} {credentials} {credentials.account}")


def test_a_wanted_ticket_does_not_show_the_password() -> None:
    assert_without_secret(repr(Wanted(server="dhcp1", username="canary", password=PASSWORD)))


@pytest.mark.parametrize("auth", ["ntlm", "negotiate"])
def test_a_security_context_does_not_show_the_password(auth: Any) -> None:
    context = open_context(Credentials(auth=auth, username="canary", password=PASSWORD), "127.0.0.1")
    assert_without_secret(f"{context!r} {context._context!r}")


def test_a_kerberos_context_does_not_show_the_password(realm: Realm, monkeypatch: pytest.MonkeyPatch) -> None:
    realm.add("canary-of-units", password=CANARY)
    for name, value in realm.variables.items():
        monkeypatch.setenv(name, value)
    account = Credentials(auth="kerberos", username="canary-of-units@EXAMPLE.COM", password=CANARY)
    context = open_context(account, "localhost")
    assert_without_secret(f"{context!r} {context._context!r} {vars(context._context)!r}")


def test_a_checked_task_does_not_show_what_must_not_be_shown() -> None:
    given = {"server": "dhcp1", "username": "canary", "password": PASSWORD, "ip_address": WANTED, "mac_address": OURS}
    checked = worker.check(argspec.RESERVATION_LEASE, given)
    assert checked is not None
    assert CANARY not in repr(checked.secrets - {PASSWORD})
    assert "secrets" not in repr(checked)


def test_a_kept_connection_does_not_show_the_password(sim: Simulator, credentials: Credentials) -> None:
    keeping = KeptConnections()
    line = keeping.line(endpoint(sim), credentials)
    line.put(connect(endpoint(sim), credentials, (DHCPSRV, DHCPSRV2)))
    shelf = keeping._shelf()
    assert len(shelf.waiting) == 1
    assert_without_secret(f"{vars(line)!r} {shelf.waiting!r} {list(shelf.waiting)!r}")
    keeping.close()


# --- exceptions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", ["ntlm", "negotiate"])
@pytest.mark.parametrize("forgery", FORGERIES)
def test_no_exception_behind_a_failed_logon_has_the_password(sim: Simulator, forgery: str, auth: Any) -> None:
    sim.faults.forge(forgery)
    with pytest.raises(DhcpError) as failed:
        _ask(connect(endpoint(sim), Credentials(auth=auth, username="canary", password=PASSWORD), (DHCPSRV, DHCPSRV2)))
    assert_without_secret(told(failed.value))


@pytest.mark.parametrize("recipe", RECIPES)
def test_no_exception_behind_a_failed_call_has_the_password(
    sim: Simulator, credentials: Credentials, recipe: str
) -> None:
    sim.faults.add(times=None, **RECIPES[recipe])
    with pytest.raises(DhcpError) as failed:
        _ask(connect(endpoint(sim), credentials, (DHCPSRV, DHCPSRV2)))
    assert_without_secret(told(failed.value))


@pytest.mark.parametrize("auth", ["ntlm", "negotiate"])
def test_no_exception_behind_a_wrong_password_has_it(sim: Simulator, auth: Any) -> None:
    account = Credentials(auth=auth, username="canary", password=f"{PASSWORD}-x")
    with pytest.raises(DhcpError) as failed:
        _ask(connect(endpoint(sim), account, (DHCPSRV, DHCPSRV2)))
    assert_without_secret(told(failed.value))


def _ask(connection: Connection) -> None:
    """A first call, with which raw NTLM shows whether the logon was accepted."""
    with DhcpServer(lambda: connection) as server:
        server.scope_addresses()


# --- passwords that cannot be meant -----------------------------------------------------------------------------------


def test_a_password_that_is_no_unicode_is_refused_before_it_counts_as_a_wrong_one() -> None:
    with pytest.raises(InvalidInput, match="password=None: is not written in UTF-8"):
        options.credentials(params(username="canary", password=f"{CANARY}\udcfc"))


def test_the_refusal_of_a_password_does_not_show_it() -> None:
    with pytest.raises(InvalidInput) as failed:
        options.credentials(params(username="canary", password=f"{CANARY}\udcfc"))
    assert_without_secret(told(failed.value))


def test_a_password_without_a_user_is_not_shown() -> None:
    with pytest.raises(InvalidInput) as failed:
        options.credentials(params(password=PASSWORD))
    assert_without_secret(told(failed.value))


@pytest.mark.parametrize("password", ["Grüße", "пароль", "密码", "\U0001f511"])
@pytest.mark.parametrize("auth", ["ntlm", "negotiate"])
def test_a_password_may_have_any_character(password: str, auth: Any) -> None:
    accounts = (Account(username="canary", password=password),)
    with Simulator(Site(scopes=(scope("10.0.0.0"),), accounts=accounts)) as sim:
        account = Credentials(auth=auth, username="canary", password=password)
        _ask(connect(endpoint(sim), account, (DHCPSRV, DHCPSRV2)))


# --- text -------------------------------------------------------------------------------------------------------------

ESCAPES = {
    "escape": ("\x1b[31m", "\\x1b[31m"),
    "bell": ("\x07", "\\x07"),
    "carriage return": ("\r", "\\r"),
    "new line": ("\n", "\\n"),
    "nul": ("\0", "\\x00"),
    "delete": ("\x7f", "\\x7f"),
    "control sequence introducer": ("\x9b", "\\x9b"),
    "line separator": ("\u2028", "\\u2028"),
    "the other direction": ("\u202e", "\\u202e"),
    "isolated direction": ("\u2066", "\\u2066"),
    "half of a pair": ("\ud800", "\\ud800"),
    "tag": ("\U000e0041", "\\U000e0041"),
}


@pytest.mark.parametrize("case", ESCAPES)
def test_a_message_escapes_what_cannot_be_printed(case: str) -> None:
    raw, escaped = ESCAPES[case]
    assert str(DhcpError(f"the lease of {raw} is there")) == f"the lease of {escaped} is there"


def test_a_message_that_is_quoted_in_another_one_is_not_escaped_twice() -> None:
    assert str(DhcpError(f"because {DhcpError(chr(7))}")) == "because \\x07"


@pytest.mark.parametrize("text", ["", "printer-1 (first floor)", "Gast Köln", "日本語", "\U0001f5a8", "a\\b"])
def test_printable_text_is_left_alone(text: str) -> None:
    assert printable(text) == text


def test_half_of_a_pair_becomes_a_character_that_json_can_hold() -> None:
    assert whole_characters("a\ud800b\udc00") == "a\ufffdb\ufffd"


@pytest.mark.parametrize("text", [None, "", "printer", "Köln \U0001f5a8", "a\x1b\u202e\ufffd"])
def test_other_text_stays_as_it_is(text: str | None) -> None:
    assert whole_characters(text) == text
