# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logons by Kerberos, with tickets of a real KDC: credentials, legs, seal, and what is said when one is refused."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    BadReply,
    DhcpError,
    InvalidInput,
    LogonFailed,
    NoKerberos,
    RpcFault,
    SecurityError,
    TimedOut,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls, kerberos
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.channel import Deadline
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import Connection, connect
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV, DHCPSRV2
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.security import Credentials, KerberosContext, open_context
from ansible_collections.msrpc.dhcp.tests import kdc
from ansible_collections.msrpc.dhcp.tests.kdc import LOCAL_SERVICE, LOCKED, OUTDATED, OVER, SERVICE, WEAK_SERVICE, Realm
from ansible_collections.msrpc.dhcp.tests.simulator import pdu
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import (
    ADMINISTRATOR,
    DEFAULT_PASSWORD,
    READER,
    Settings,
    Site,
    record,
    scope,
)
from ansible_collections.msrpc.dhcp.tests.unit._rpc.conversation import (
    PATIENCE,
    Edit,
    Tap,
    ask,
    changed,
    creation,
    endpoint,
    lookup,
    replaced,
    version,
    with_token,
    without_verifier,
)

AUTHS = ("kerberos", "negotiate")
TITLES = {"kerberos": "Kerberos", "negotiate": "Kerberos in SPNEGO"}
PASSWORD = {"username": ADMINISTRATOR, "password": DEFAULT_PASSWORD}
HOUR = 3600


@pytest.fixture
def home(realm: Realm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This process belongs to the realm, and has neither ticket nor keytab."""
    for name, value in realm.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path}/tickets")
    return tmp_path


@pytest.fixture
def sim(realm: Realm, home: Path) -> Iterator[Simulator]:
    with Simulator(site(keytab=realm.keytab("server"))) as simulator:
        yield simulator


def site(**settings: Any) -> Site:
    there = record("10.0.0.20", "00:1c:25:80:a0:43", name="printer", comment="x" * 20_000, expires=0)
    return Site(scopes=(scope("10.0.0.0", records=(there,)),), settings=Settings(**settings))


def logged_on(
    sim: Simulator,
    auth: Any = "kerberos",
    *,
    spn: str | None = SERVICE,
    who: dict[str, Any] | None = None,
    **where: Any,
) -> Connection:
    """A connection, with the password where nothing else is said."""
    credentials = Credentials(auth=auth, spn=spn, **(PASSWORD if who is None else who))
    return connect(endpoint(sim, **where), credentials, (DHCPSRV, DHCPSRV2))


def failure(sim: Simulator, auth: Any = "kerberos", **how: Any) -> DhcpError:
    """What a logon fails with; the password is in no message."""
    with pytest.raises(DhcpError) as caught:
        logged_on(sim, auth, **how)
    assert DEFAULT_PASSWORD not in str(caught.value)
    return caught.value


# --- a logon that works -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", AUTHS)
def test_a_call_is_answered(sim: Simulator, auth: str) -> None:
    with logged_on(sim, auth) as connection:
        assert version(connection) == (10, 0)
        assert (connection.mechanism, connection.without_kerberos) == ("kerberos", None)


@pytest.mark.parametrize(("auth", "auth_type"), [("kerberos", 16), ("negotiate", 9)])
def test_the_authentication_type_is_that_of_the_specification(sim: Simulator, auth: str, auth_type: int) -> None:
    with Tap(sim.port) as tap, logged_on(sim, auth, port=tap.port) as connection:
        version(connection)
    assert {data[-pdu_token(data) - 8] for data in tap.sent} == {auth_type}


def pdu_token(data: bytes) -> int:
    return int.from_bytes(data[10:12], "little")


@pytest.mark.parametrize("auth", AUTHS)
def test_the_third_leg_is_an_alter_context(sim: Simulator, auth: str) -> None:
    """As Windows does it, which is certain of the number of legs only with NTLM and Netlogon."""
    with Tap(sim.port) as tap, logged_on(sim, auth, port=tap.port) as connection:
        version(connection)
    assert [data[2] for data in tap.sent] == [pdu.BIND, pdu.ALTER_CONTEXT, pdu.REQUEST]


def test_the_acceptor_takes_the_third_leg_as_auth3_too(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Samba's clients do it."""
    monkeypatch.setattr(KerberosContext, "ends_with_auth3", True)
    with logged_on(sim) as connection:
        assert version(connection) == (10, 0)
    assert (sim.handshakes["auth3"], sim.handshakes["alter_context"]) == (1, 0)


def test_the_last_answer_may_have_no_verifier(sim: Simulator) -> None:
    edit = replaced(pdu.ALTER_CONTEXT_RESP, lambda data: data[:8] + bytes((len(data) - 8, 0, 0, 0)) + data[12:-8])
    with Tap(sim.port, edit) as tap, logged_on(sim, port=tap.port) as connection:
        assert version(connection) == (10, 0)


@pytest.mark.parametrize("auth", AUTHS)
def test_a_request_and_a_reply_of_many_fragments_are_sealed_and_opened(sim: Simulator, auth: str) -> None:
    comment = "y" * 30_000
    with Tap(sim.port) as tap, logged_on(sim, auth, port=tap.port) as connection:
        assert ask(connection, lookup("10.0.0.20")).ClientInfo.ClientComment == "x" * 20_000
        assert ask(connection, creation("10.0.0.21", identifier=b"another", comment=comment)).Return == 0
    made = sim.scope("10.0.0.0").records.get("10.0.0.21")
    assert made is not None
    assert made.comment == comment
    assert len([data for data in tap.sent if data[2] == pdu.REQUEST]) > 10
    assert "y".encode("utf-16-le") * 8 not in b"".join(tap.sent)


@pytest.mark.parametrize("size", range(1, 34))
def test_a_request_of_any_length_is_sealed_and_opened(sim: Simulator, size: int) -> None:
    with logged_on(sim) as connection:
        ask(connection, creation("10.0.0.21", identifier=b"another", comment="z" * size))
    made = sim.scope("10.0.0.0").records.get("10.0.0.21")
    assert made is not None
    assert made.comment == "z" * size


@pytest.mark.parametrize("auth", AUTHS)
def test_the_rights_are_those_of_the_ticket_s_owner(sim: Simulator, auth: str) -> None:
    with logged_on(sim, auth, who={"username": READER, "password": DEFAULT_PASSWORD}) as connection:
        assert ask(connection, lookup("10.0.0.20")).Return == 0
        assert ask(connection, creation("10.0.0.21", identifier=b"another")).Return == 5


@pytest.mark.parametrize(
    "username",
    [
        ADMINISTRATOR,
        f"{ADMINISTRATOR}@EXAMPLE.COM",
        f"{ADMINISTRATOR}@example.com",
        f"EXAMPLE\\{ADMINISTRATOR}",
        f"example\\{ADMINISTRATOR}",
        f"example.com\\{ADMINISTRATOR}",
    ],
)
def test_every_form_of_a_user_name_is_understood(sim: Simulator, username: str) -> None:
    with logged_on(sim, who={"username": username, "password": DEFAULT_PASSWORD}) as connection:
        assert version(connection) == (10, 0)


def test_the_service_is_the_host_of_the_server_s_name(sim: Simulator) -> None:
    with logged_on(sim, spn=None, server="localhost") as connection:
        assert version(connection) == (10, 0)


@pytest.mark.parametrize("spn", [f"{SERVICE}@EXAMPLE.COM", LOCAL_SERVICE])
def test_the_service_can_be_given(sim: Simulator, spn: str) -> None:
    with logged_on(sim, spn=spn) as connection:
        assert version(connection) == (10, 0)


# --- tickets and keytabs ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("username", [None, ADMINISTRATOR])
@pytest.mark.parametrize("auth", AUTHS)
def test_a_ticket_of_a_file_is_used(sim: Simulator, realm: Realm, home: Path, auth: str, username: str | None) -> None:
    realm.write_ticket(home / "tickets", ADMINISTRATOR, password=DEFAULT_PASSWORD)
    with logged_on(sim, auth, who={"username": username}) as connection:
        assert version(connection) == (10, 0)


def test_a_ticket_of_a_directory_is_found_by_its_owner(
    sim: Simulator, realm: Realm, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "all").mkdir()
    for name in (ADMINISTRATOR, READER):
        realm.write_ticket(f"DIR::{home}/all/tkt{name}", name, password=DEFAULT_PASSWORD)
    (home / "all" / "primary").write_text(f"tkt{READER}\n", encoding="utf-8")
    monkeypatch.setenv("KRB5CCNAME", f"DIR:{home}/all")
    with logged_on(sim, who={"username": ADMINISTRATOR}) as connection:
        assert ask(connection, creation("10.0.0.21", identifier=b"another")).Return == 0
    with logged_on(sim, who={}) as connection:
        assert ask(connection, creation("10.0.0.22", identifier=b"one more")).Return == 5


def test_the_default_cache_is_used_where_the_environment_names_none(
    sim: Simulator, realm: Realm, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = realm.write_ticket(home / "default", ADMINISTRATOR, password=DEFAULT_PASSWORD)
    config = realm.write_config(home / "krb5.conf", more=f"default_ccache_name = {cache}")
    monkeypatch.setenv("KRB5_CONFIG", str(config))
    monkeypatch.delenv("KRB5CCNAME")
    with logged_on(sim, who={}) as connection:
        assert version(connection) == (10, 0)


@pytest.mark.parametrize("username", [None, ADMINISTRATOR])
@pytest.mark.parametrize("auth", AUTHS)
def test_a_keytab_is_used(
    sim: Simulator, realm: Realm, monkeypatch: pytest.MonkeyPatch, auth: str, username: str | None
) -> None:
    monkeypatch.setenv("KRB5_CLIENT_KTNAME", realm.keytab("client"))
    with logged_on(sim, auth, who={"username": username}) as connection:
        assert version(connection) == (10, 0)


def test_a_keytab_is_used_where_the_ticket_has_expired(
    sim: Simulator, realm: Realm, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    realm.write_expired_ticket(home / "tickets", ADMINISTRATOR, password=DEFAULT_PASSWORD)
    monkeypatch.setenv("KRB5_CLIENT_KTNAME", realm.keytab("client"))
    with logged_on(sim, who={}) as connection:
        assert version(connection) == (10, 0)


def test_a_ticket_goes_before_a_keytab(
    sim: Simulator, realm: Realm, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    realm.write_ticket(home / "tickets", READER, password=DEFAULT_PASSWORD)
    monkeypatch.setenv("KRB5_CLIENT_KTNAME", realm.keytab("client"))
    with logged_on(sim, who={}) as connection:
        assert ask(connection, creation("10.0.0.21", identifier=b"another")).Return == 5


@pytest.mark.parametrize("how", ["password", "keytab"])
def test_what_is_got_by_password_or_keytab_is_on_no_disk(
    sim: Simulator, realm: Realm, home: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setenv("KRB5_CLIENT_KTNAME", realm.keytab("client"))
    with logged_on(sim, who=PASSWORD if how == "password" else {}) as connection:
        version(connection)
    assert list(home.iterdir()) == []


def test_a_password_goes_before_the_ticket_of_somebody_else(sim: Simulator, realm: Realm, home: Path) -> None:
    realm.write_ticket(home / "tickets", READER, password=DEFAULT_PASSWORD)
    before = (home / "tickets").read_bytes()
    with logged_on(sim) as connection:
        assert ask(connection, creation("10.0.0.21", identifier=b"another")).Return == 0
    assert (home / "tickets").read_bytes() == before


def test_no_ticket_got_by_password_is_left_in_memory(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    import krb5  # noqa: PLC0415

    names = []
    real = krb5.cc_new_unique

    def spy(library: Any, kind: bytes) -> Any:
        cache = real(library, kind)
        names.append(cache.cache_type + b":" + cache.name)
        return cache

    monkeypatch.setattr(krb5, "cc_new_unique", spy)
    with logged_on(sim) as connection:
        version(connection)
    library = krb5.init_context()
    assert len(names) == 1
    with pytest.raises(krb5.Krb5Error):
        krb5.cc_get_principal(library, krb5.cc_resolve(library, names[0]))


def test_nor_is_one_where_no_ticket_for_the_service_follows(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    import krb5  # noqa: PLC0415

    left = []
    real_new, real_destroy = krb5.cc_new_unique, krb5.cc_destroy

    def new(library: Any, kind: bytes) -> Any:
        left.append(real_new(library, kind))
        return left[-1]

    def destroy(library: Any, cache: Any) -> None:
        left.remove(cache)
        real_destroy(library, cache)

    monkeypatch.setattr(krb5, "cc_new_unique", new)
    monkeypatch.setattr(krb5, "cc_destroy", destroy)
    assert isinstance(failure(sim, spn="host/elsewhere.example.com"), NoKerberos)
    assert left == []


# --- what the KDC refuses ---------------------------------------------------------------------------------------------

# Whatever is said here of somebody who was asked is final, with negotiate as well.
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a wrong password": (
        {"who": {"username": ADMINISTRATOR, "password": "another"}},
        rf"the KDC refuses the password of {ADMINISTRATOR}@EXAMPLE.COM\. Check username, realm and password",
    ),
    "a locked account": (
        {"who": {"username": LOCKED, "password": DEFAULT_PASSWORD}},
        "the account is locked or disabled",
    ),
    "an expired account": ({"who": {"username": OVER, "password": DEFAULT_PASSWORD}}, "the account has expired"),
    "an expired password": ({"who": {"username": OUTDATED, "password": DEFAULT_PASSWORD}}, "its password has expired"),
    "a weak session": ({"spn": WEAK_SERVICE}, r"taken here: AES, neither RC4 nor DES\. Enable AES"),
}


@pytest.mark.parametrize(("how", "words"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("auth", AUTHS)
def test_what_the_kdc_refuses_is_said_and_the_server_is_not_asked(
    sim: Simulator, auth: str, how: dict[str, Any], words: str
) -> None:
    exc = failure(sim, auth, **how)
    assert exc.__class__ is LogonFailed
    assert re.search(words, str(exc))
    assert str(exc).startswith("Cannot log on to 127.0.0.1 as '")
    assert not sim.handshakes


@pytest.mark.parametrize("auth", AUTHS)
def test_an_expired_ticket_is_said(sim: Simulator, realm: Realm, home: Path, auth: str) -> None:
    cache = realm.write_expired_ticket(home / "tickets", ADMINISTRATOR, password=DEFAULT_PASSWORD)
    message = str(failure(sim, auth, who={}))
    assert f"the ticket in {cache} has expired. Get a new one with kinit." in message


@pytest.mark.parametrize("auth", AUTHS)
def test_clocks_that_differ_from_the_kdc_s_are_said(sim: Simulator, realm: Realm, home: Path, auth: str) -> None:
    realm.write_shifted_ticket(home / "tickets", ADMINISTRATOR, password=DEFAULT_PASSWORD, seconds=-HOUR)
    message = str(failure(sim, auth, who={}))
    assert "the clocks of this machine and the KDC differ by more than is allowed" in message
    assert "(NTP)" in message


@pytest.mark.parametrize("username", [None, ADMINISTRATOR])
@pytest.mark.parametrize("auth", AUTHS)
def test_a_missing_ticket_is_said(sim: Simulator, home: Path, auth: str, username: str | None) -> None:
    message = str(failure(sim, auth, who={"username": username}))
    whose = "" if username is None else f" of {username}@EXAMPLE.COM"
    assert f"there is no ticket{whose} in FILE:{home}/tickets" in message
    assert "Get one with kinit, let KRB5CCNAME name the cache or KRB5_CLIENT_KTNAME a keytab" in message


def test_a_ticket_of_somebody_else_is_none(sim: Simulator, realm: Realm, home: Path) -> None:
    realm.write_ticket(home / "tickets", READER, password=DEFAULT_PASSWORD)
    assert f"there is no ticket of {ADMINISTRATOR}@EXAMPLE.COM" in str(failure(sim, who={"username": ADMINISTRATOR}))


def test_a_keytab_without_the_account_is_said(sim: Simulator, realm: Realm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KRB5_CLIENT_KTNAME", realm.keytab("client"))
    message = str(failure(sim, who={"username": READER}))
    assert f"the keytab {realm.keytab('client')} has no key of {READER}@EXAMPLE.COM" in message


def test_a_keytab_with_an_old_key_is_said(
    sim: Simulator, realm: Realm, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    realm.add("rotated", "+requires_preauth")
    realm.write_keytab(home / "old.keytab", "rotated")
    realm.administer("cpw -randkey rotated")
    monkeypatch.setenv("KRB5_CLIENT_KTNAME", f"FILE:{home}/old.keytab")
    message = str(failure(sim, who={"username": "rotated"}))
    assert "the key of rotated@EXAMPLE.COM in the keytab is not the one that the KDC has" in message


# --- nobody to ask ----------------------------------------------------------------------------------------------------

ABSENT: dict[str, tuple[dict[str, Any], str]] = {
    "a server by its address": ({"spn": None}, r"127\.0\.0\.1 is an address\. Set server to the name, or spn"),
    "an unknown account": (
        {"who": {"username": "nobody-here", "password": DEFAULT_PASSWORD}},
        "the KDC of EXAMPLE.COM does not know the account nobody-here@EXAMPLE.COM",
    ),
    "an unknown service": (
        {"spn": "host/elsewhere.example.com"},
        r"the KDC does not know the service host/elsewhere\.example\.com\. Set server to the server's full DNS name",
    ),
    "an unknown realm": (
        {"who": {"username": f"{ADMINISTRATOR}@ELSEWHERE.COM", "password": DEFAULT_PASSWORD}},
        r"krb5\.conf names no KDC of ELSEWHERE\.COM, nor does DNS",
    ),
    "an unknown domain": (
        {"who": {"username": f"ELSEWHERE\\{ADMINISTRATOR}", "password": DEFAULT_PASSWORD}},
        r"not known which realm the domain ELSEWHERE is\. Write username as user@REALM",
    ),
}


@pytest.mark.parametrize(("how", "words"), ABSENT.values(), ids=ABSENT)
def test_nobody_to_ask_is_said(sim: Simulator, how: dict[str, Any], words: str) -> None:
    exc = failure(sim, **how)
    assert exc.__class__ is NoKerberos
    assert re.search(words, str(exc))
    assert not sim.handshakes


@pytest.mark.parametrize("absent", ["a server by its address", "an unknown service"])
def test_negotiate_is_ntlm_where_nobody_can_be_asked_and_says_so(sim: Simulator, absent: str) -> None:
    how, words = ABSENT[absent]
    with logged_on(sim, "negotiate", **how) as connection:
        assert version(connection) == (10, 0)
        assert connection.mechanism == "ntlm"
        assert re.search(words, connection.without_kerberos or "")


@pytest.mark.parametrize("absent", ["an unknown account", "an unknown realm", "an unknown domain"])
def test_negotiate_tries_ntlm_for_an_account_that_kerberos_does_not_know(sim: Simulator, absent: str) -> None:
    """It may be one of the server itself. Here the server does not know it either."""
    how, _words = ABSENT[absent]
    assert "by NTLM in SPNEGO" in str(failure(sim, "negotiate", **how))


@pytest.mark.parametrize("absent", ABSENT)
def test_what_a_kdc_said_is_told_from_what_this_machine_does_not_have(sim: Simulator, absent: str) -> None:
    exc = failure(sim, **ABSENT[absent][0])
    assert isinstance(exc, NoKerberos)
    assert exc.asked == (absent in ("an unknown account", "an unknown service"))


def test_the_service_of_another_realm_is_written_with_it(sim: Simulator) -> None:
    assert "with its realm (host/name@REALM) where that is another one" in str(
        failure(sim, spn="host/elsewhere.example.com")
    )


def test_negotiate_without_a_password_is_never_ntlm(sim: Simulator) -> None:
    assert isinstance(failure(sim, "negotiate", spn=None, who={}), NoKerberos)
    assert not sim.handshakes


CONFIGURATIONS: dict[str, tuple[str, str]] = {
    "no default realm": ("[libdefaults]\n", r"names no default_realm\. Add it, or write username as user@REALM"),
    "no KDC": (
        "[libdefaults]\ndefault_realm = EXAMPLE.COM\ndns_lookup_kdc = false\n",
        r"names no KDC of EXAMPLE\.COM",
    ),
    "no Kerberos configuration": ("[libdefaults\n}", "the configuration of Kerberos cannot be read"),
}


@pytest.mark.parametrize(("text", "words"), CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_a_configuration_that_is_not_there_is_said_or_leads_to_ntlm(
    sim: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    (home / "other.conf").write_text(text, encoding="utf-8")
    monkeypatch.setenv("KRB5_CONFIG", str(home / "other.conf"))
    assert re.search(words, str(failure(sim)))
    with Simulator(site()) as plain, logged_on(plain, "negotiate") as connection:
        assert re.search(words, connection.without_kerberos or "")


def test_the_realm_of_this_machine_is_asked_for_in_a_way_that_has_a_deadline(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """krb5.get_default_realm may ask DNS, and stops every thread of Python until it answers."""
    monkeypatch.setattr("krb5.get_default_realm", None)
    with logged_on(sim) as connection:
        assert version(connection) == (10, 0)


# --- a KDC that does not answer ---------------------------------------------------------------------------------------


@pytest.fixture
def silence(realm: Realm, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A KDC that takes everything, by UDP and TCP, and says nothing."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = listener.getsockname()[1]
        datagrams = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        datagrams.bind(("127.0.0.1", port))
        monkeypatch.setenv("KRB5_CONFIG", str(realm.write_config(home / "silent.conf", port=port)))
        yield


def test_a_silent_kdc_is_waited_for_no_longer_than_connect_timeout(sim: Simulator, silence: None) -> None:
    begin = time.monotonic()
    exc = failure(sim, connect_timeout=0.5)
    assert time.monotonic() - begin < 3
    assert isinstance(exc, TimedOut)
    assert "no answer within 0.5 s while asking the KDC of EXAMPLE.COM. Check that it is up" in str(exc)
    assert "raise connect_timeout" in str(exc)


def test_a_silent_kdc_gets_half_of_the_time_where_ntlm_is_left(sim: Simulator, silence: None) -> None:
    with logged_on(sim, "negotiate", connect_timeout=1) as connection:
        assert connection.mechanism == "ntlm"
        assert "no answer within 0.5 s while asking the KDC" in (connection.without_kerberos or "")
        assert connection.kdc_asked


def test_a_silent_kdc_gets_all_of_the_time_where_there_is_no_password(
    sim: Simulator, realm: Realm, home: Path, silence: None
) -> None:
    realm.write_ticket(home / "tickets", ADMINISTRATOR, password=DEFAULT_PASSWORD)
    assert "no answer within 0.5 s" in str(failure(sim, "negotiate", who={}, connect_timeout=0.5))


def test_a_kdc_that_is_not_there_is_said(
    sim: Simulator, realm: Realm, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRB5_CONFIG", str(realm.write_config(home / "gone.conf", port=kdc.free_port())))
    message = str(failure(sim))
    assert "no KDC of EXAMPLE.COM can be reached" in message
    assert "firewalls between (port 88, UDP and TCP)" in message


# --- what the server refuses ------------------------------------------------------------------------------------------


@pytest.fixture
def impostor(realm: Realm, home: Path) -> Iterator[Simulator]:
    """A server that has not the key that the KDC has."""
    with Simulator(site(keytab=realm.keytab("impostor"))) as simulator:
        yield simulator


@pytest.mark.parametrize("auth", AUTHS)
def test_a_server_without_the_ticket_s_key_is_told_from_a_wrong_password(impostor: Simulator, auth: str) -> None:
    exc = failure(impostor, auth)
    assert exc.__class__ is LogonFailed
    assert f"did not accept the logon of '{ADMINISTRATOR}' by {TITLES[auth]} (" in str(exc)
    assert "Its name in Kerberos may belong to another account" in str(exc)
    assert "check spn (setspn -Q on Windows)" in str(exc)
    assert "password" not in str(exc)


def test_clocks_that_differ_from_the_server_s_are_said(sim: Simulator, realm: Realm, home: Path) -> None:
    """The ticket for the service is there already, so the KDC is not asked."""
    realm.write_ticket(home / "tickets", ADMINISTRATOR, password=DEFAULT_PASSWORD)
    with logged_on(sim, who={}):
        pass
    kdc.shift(home / "tickets", 400)
    message = str(failure(sim, "negotiate", who={}))
    assert "(Kerberos error 37: its clock and this machine's differ by more than is allowed)" in message


def test_a_server_that_repeats_a_logon_gets_nothing(sim: Simulator) -> None:
    """Nobody who listened to a logon can make another of it."""
    with Tap(sim.port) as tap, logged_on(sim, port=tap.port) as connection:
        version(connection)
    with socket.create_connection(("127.0.0.1", sim.port), timeout=PATIENCE) as again:
        again.sendall(tap.sent[0])
        assert again.recv(65536)[2] == pdu.BIND_NAK
    assert "Request is a replay" in sim.refusals[-1]


@pytest.mark.parametrize("auth", AUTHS)
def test_a_server_without_kerberos_refuses_it(realm: Realm, home: Path, auth: str) -> None:
    with Simulator(site()) as plain:
        exc = failure(plain, auth)
    assert exc.__class__ is LogonFailed
    assert "(bind_nak: it does not know this kind of logon)" in str(exc)


@pytest.mark.parametrize("auth", AUTHS)
def test_a_refusal_without_a_reason_is_one_of_the_logon(sim: Simulator, auth: str) -> None:
    edit = replaced(pdu.BIND_ACK, lambda data: pdu.bind_nak(call_id=int.from_bytes(data[12:16], "little"), reason=0))
    with Tap(sim.port, edit) as tap:
        assert "(bind_nak: reason 0)" in str(failure(sim, auth, port=tap.port))


# --- the smallest messages --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def strong(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    """A realm with the encryption that has the largest tokens."""
    reason = kdc.missing()
    if reason is not None:
        pytest.skip(f"environment: {reason}")
    with Realm(tmp_path_factory.mktemp("strong"), encryption="aes256-cts-hmac-sha384-192:normal") as running:
        running.add(ADMINISTRATOR, password=DEFAULT_PASSWORD)
        running.add(SERVICE)
        running.write_keytab(running.directory / "server.keytab", SERVICE)
        running.write_config(running.config, more="permitted_enctypes = aes256-cts-hmac-sha384-192")
        yield running


@pytest.fixture
def strong_sim(strong: Realm, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    for name, value in strong.variables.items():
        monkeypatch.setenv(name, value)
    with Simulator(site(keytab=strong.keytab("server"))) as simulator:
        yield simulator


def largest_of(size: int) -> Edit:
    """A server that takes no larger messages (max_recv_frag of the bind_ack)."""
    return replaced(pdu.BIND_ACK, lambda data: data[:18] + size.to_bytes(2, "little") + data[20:])


def test_the_smallest_message_has_room_for_the_largest_token(strong_sim: Simulator) -> None:
    with (
        Tap(strong_sim.port, largest_of(136)) as tap,
        logged_on(strong_sim, port=tap.port) as connection,
    ):
        assert connection._security.token_size == 88
        assert version(connection) == (10, 0)
        assert ask(connection, lookup("10.0.0.20")).ClientInfo.ClientName == "printer"
    sizes = [len(data) for data in tap.sent if data[2] == pdu.REQUEST]
    assert max(sizes) == 136


@pytest.mark.parametrize("size", [0, 128, 135])
def test_smaller_ones_are_refused_in_a_sentence(strong_sim: Simulator, size: int) -> None:
    with Tap(strong_sim.port, largest_of(size)) as tap:
        exc = failure(strong_sim, port=tap.port)
    assert f"the server takes messages of {size} bytes only, too few for any call." in str(exc)


# --- a dishonest server -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", AUTHS)
def test_a_server_without_a_key_cannot_answer(sim: Simulator, auth: str) -> None:
    sim.faults.forge("no_password")
    exc = failure(sim, auth)
    assert exc.__class__ is SecurityError
    assert "the server does not prove that it is the one that the ticket is for" in str(exc)
    assert sim.handshakes["alter_context"] == 0


REPLIES = (
    "clear_reply", "signed_only", "wrong_signature", "flipped_bit", "wrong_level", "wrong_auth_type",
    "wrong_auth_context", "wrong_presentation_context", "repeated_sequence", "short_verifier",
)  # fmt: skip


@pytest.mark.parametrize("forgery", REPLIES)
@pytest.mark.parametrize("auth", AUTHS)
def test_a_forged_reply_is_not_believed(sim: Simulator, auth: str, forgery: str) -> None:
    with logged_on(sim, auth) as connection:
        version(connection)
        sim.faults.forge(forgery)
        with pytest.raises(SecurityError):
            version(connection)
        assert connection.broken


@pytest.mark.parametrize("auth", AUTHS)
def test_a_request_changed_on_the_way_is_refused_by_the_server(sim: Simulator, auth: str) -> None:
    """Headers are signed: nobody can make one call out of another."""

    class Changing(Tap):
        def _remember(self, data: bytes) -> bytes:
            return data[:22] + b"\x13" + data[23:] if data[2] == pdu.REQUEST else data

    with Changing(sim.port) as tap, logged_on(sim, auth, port=tap.port) as connection, pytest.raises(RpcFault):
        version(connection)
    assert sim.calls == 0
    assert "wrong signature" in sim.refusals


def test_a_reply_s_header_is_signed(sim: Simulator) -> None:
    """The allocation hint, which nothing else looks at."""
    with (
        Tap(sim.port, changed(pdu.RESPONSE, 16, 0xFF)) as tap,
        logged_on(sim, port=tap.port) as connection,
        pytest.raises(SecurityError, match="the reply's signature is wrong"),
    ):
        version(connection)


BIND_ACKS: dict[str, Edit] = {
    "without header signing": changed(pdu.BIND_ACK, 3, 3),
    "without a verifier": replaced(pdu.BIND_ACK, without_verifier),
    "with an empty token": replaced(pdu.BIND_ACK, lambda data: with_token(data, b"")),
    "with a token that is none": replaced(pdu.BIND_ACK, lambda data: with_token(data, b"\x6f\x84")),
    "with another one's AP-REP": replaced(pdu.BIND_ACK, lambda data: data[:-4] + bytes(4)),
}


@pytest.mark.parametrize("edit", BIND_ACKS.values(), ids=BIND_ACKS)
@pytest.mark.parametrize("auth", AUTHS)
def test_a_bind_ack_changed_on_the_way_ends_the_logon(sim: Simulator, auth: str, edit: Edit) -> None:
    with Tap(sim.port, edit) as tap:
        assert isinstance(failure(sim, auth, port=tap.port), BadReply)
    assert sim.handshakes["alter_context"] == 0


def test_a_wrong_signature_of_the_mechanisms_is_refused(sim: Simulator) -> None:
    sim.faults.forge("wrong_mech_list_mic")
    assert "signature of the SPNEGO mechanisms is wrong" in str(failure(sim, "negotiate"))


def test_a_server_may_leave_the_list_of_one_mechanism_unsigned(sim: Simulator) -> None:
    sim.faults.forge("no_mech_list_mic")
    with logged_on(sim, "negotiate") as connection:
        assert version(connection) == (10, 0)


def test_a_signature_of_the_mechanisms_taken_out_on_the_way_is_noticed(sim: Simulator) -> None:
    """Its number is missing in the sequence."""
    accepted = bytes.fromhex("a1073005a0030a0100")
    edit = replaced(pdu.ALTER_CONTEXT_RESP, lambda data: with_token(data, accepted))
    with (
        Tap(sim.port, edit) as tap,
        logged_on(sim, "negotiate", port=tap.port) as connection,
        pytest.raises(SecurityError, match="the reply's signature is wrong"),
    ):
        version(connection)


def test_more_after_the_last_leg_is_refused(sim: Simulator) -> None:
    edit = replaced(pdu.ALTER_CONTEXT_RESP, lambda data: with_token(data + bytes(8), b"more"))
    with Tap(sim.port, edit) as tap:
        assert isinstance(failure(sim, port=tap.port), BadReply)


def test_a_message_that_was_signed_but_not_sealed_is_refused(realm: Realm, home: Path) -> None:
    import gssapi  # noqa: PLC0415
    from gssapi.raw import IOV, IOVBufferType, wrap_iov  # noqa: PLC0415

    client = kerberos.begin(
        kerberos.Wanted(server="127.0.0.1", spn=SERVICE, **PASSWORD),
        Deadline(PATIENCE, option="connect_timeout", doing="x"),
        PATIENCE,
    )
    keys = gssapi.Credentials(usage="accept", store={"keytab": realm.keytab("server")})
    server = gssapi.SecurityContext(usage="accept", creds=keys)
    server.step(client.answer(server.step(client.token)))
    buffers = IOV((IOVBufferType.data, bytes(16)), IOVBufferType.header, std_layout=False)
    wrap_iov(server, buffers, confidential=False)
    with pytest.raises(SecurityError, match="signed, but not encrypted"):
        client.unseal(b"", buffers[0].value or b"", b"", buffers[1].value or b"")


def test_nothing_is_delegated_and_everything_is_demanded(sim: Simulator) -> None:
    """The acceptor refuses a ticket to act as the user, and a logon without mutual authentication, seal or sequence."""
    with logged_on(sim):
        pass
    assert sim.refusals == []


# --- without a library ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", AUTHS)
def test_a_missing_library_is_named_with_its_remedy(auth: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kerberos, "KERBEROS_IMPORT_ERROR", "ImportError")
    with pytest.raises(NoKerberos, match=r"`pip install pyspnego\[kerberos\]`.* libkrb5-dev or krb5-devel"):
        open_context(Credentials(auth=auth), "dhcp1")


def test_a_missing_library_leads_to_ntlm_where_there_is_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kerberos, "KERBEROS_IMPORT_ERROR", "ImportError")
    context = open_context(Credentials(auth="negotiate", username=ADMINISTRATOR, password=DEFAULT_PASSWORD), "dhcp1")
    assert context.mechanism == "ntlm"
    assert "pip install pyspnego[kerberos]" in (context.without_kerberos or "")


def test_ntlm_alone_does_not_ask_for_kerberos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kerberos, "begin", None)
    context = open_context(Credentials(auth="ntlm", username=ADMINISTRATOR, password=DEFAULT_PASSWORD), "dhcp1")
    assert (context.mechanism, context.without_kerberos) == ("ntlm", None)


def test_a_kdc_that_a_connection_before_had_to_do_without_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kerberos, "begin", None)
    account = {"username": ADMINISTRATOR, "password": DEFAULT_PASSWORD}
    context = open_context(Credentials(auth="negotiate", without_kerberos="no answer", **account), "dhcp1")
    assert (context.mechanism, context.without_kerberos) == ("ntlm", "no answer")


@pytest.mark.parametrize("asked", [False, True])
def test_what_that_one_was_told_is_kept(monkeypatch: pytest.MonkeyPatch, asked: bool) -> None:
    monkeypatch.setattr(kerberos, "begin", None)
    account = {"username": ADMINISTRATOR, "password": DEFAULT_PASSWORD}
    context = open_context(Credentials(without_kerberos="no answer", kdc_asked=asked, **account), "dhcp1")
    assert context.kdc_asked is asked


def test_auth_kerberos_is_never_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kerberos, "KERBEROS_IMPORT_ERROR", "ImportError")
    with pytest.raises(NoKerberos, match="pip install"):
        open_context(Credentials(auth="kerberos", without_kerberos="no answer"), "dhcp1")


@pytest.mark.parametrize("spn", ["dhcp1", "host/", "/dhcp1"])
def test_a_service_principal_name_has_two_parts(spn: str) -> None:
    with pytest.raises(InvalidInput, match="has the form service/host"):
        open_context(Credentials(auth="kerberos", spn=spn), "dhcp1")


def test_a_call_needs_no_more_than_a_name(realm: Realm, sim: Simulator) -> None:
    """The whole way with the endpoint mapper, a name, and a write."""
    with logged_on(sim, "negotiate", spn=None, server="localhost", port=None) as connection:
        assert ask(connection, calls.R_DhcpGetVersion()).MajorVersion == 10
