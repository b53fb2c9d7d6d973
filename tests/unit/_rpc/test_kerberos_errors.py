# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the codes of Kerberos mean, and what of a server's KRB-ERROR is read; no library is needed for it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import InvalidInput, LogonFailed, NoKerberos
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import kerberos_errors
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.kerberos_errors import (
    Case,
    Problem,
    error_of,
    explain,
    refusal,
)

TABLE = -1765328384
NO_CREDENTIALS = 7 << 16
EXPIRED = 11 << 16
UNSPECIFIED = 13 << 16


class OfGssapi(Exception):
    """An error as the package gssapi has it: codes without a sign."""

    def __init__(self, major: int, minor: int, text: str = "text") -> None:
        super().__init__(f"Major ({major}): Some failure.  Minor code may tell more, Minor ({minor}): {text}")
        self.maj_code = major
        self.min_code = minor


class OfKrb5(Exception):
    """An error as the package krb5 has it."""

    def __init__(self, code: int) -> None:
        super().__init__(f"text {code}")
        self.err_code = code


def case(**changes: Any) -> Case:
    values: dict[str, Any] = {"server": "dhcp1", "username": "admin", "spn": "host/dhcp1", "by_password": True}
    return Case(**values | {"client": "admin@EXAMPLE.COM", "realm": "EXAMPLE.COM"} | changes)


def test_a_code_of_krb5_is_read() -> None:
    assert error_of(OfKrb5(TABLE + 24)) == Problem(24, "text")


def test_a_code_of_gssapi_is_read() -> None:
    assert error_of(OfGssapi(UNSPECIFIED, (TABLE + 7) & 0xFFFFFFFF)) == Problem(7, "text")


def test_expired_credentials_are_an_expired_ticket() -> None:
    assert error_of(OfGssapi(EXPIRED, 100001)).code == 32


def test_missing_credentials_are_a_missing_ticket() -> None:
    assert error_of(OfGssapi(NO_CREDENTIALS, 100001)).code == 195


def test_missing_credentials_for_a_known_reason_have_that_reason() -> None:
    assert error_of(OfGssapi(NO_CREDENTIALS, (TABLE + 37) & 0xFFFFFFFF)).code == 37


EVERY = sorted({*kerberos_errors._REFUSED, *kerberos_errors._CANNOT_BE_HAD, *kerberos_errors._TICKETLESS})


@pytest.mark.parametrize("code", [*EVERY, 60, 999])
def test_every_code_is_a_sentence_with_object_cause_and_remedy(code: int) -> None:
    message = str(explain(Problem(code, "the library's text"), case()))
    assert message.startswith("Cannot log on to dhcp1 as 'admin' by Kerberos: ")
    assert message.endswith(" (the library's text)")
    assert ". " in message.removesuffix(" (the library's text)") or "Check" in message
    assert "{" not in message


def test_what_somebody_on_the_way_can_bring_about_is_told_from_what_this_machine_lacks() -> None:
    told = {code: explain(Problem(code, ""), case()) for code in kerberos_errors._CANNOT_BE_HAD}
    asked = {code for code, exc in told.items() if isinstance(exc, NoKerberos) and exc.asked}
    assert asked == {6, 7, 68, 156, 220}


def test_what_nobody_can_give_is_told_from_what_was_refused() -> None:
    kinds = {code: type(explain(Problem(code, ""), case())) for code in (6, 7, 154, 156, 12, 18, 24, 32, 37, 60)}
    absent = {code for code, kind in kinds.items() if kind is NoKerberos}
    assert absent == {6, 7, 154, 156}
    assert all(kind is LogonFailed for code, kind in kinds.items() if code not in absent)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (12, "logon hours"),
        (33, "not yet valid"),
        (148, "(NTP)"),
        (217, "Set spn with the realm, as host/name@REALM."),
        (220, "not resolve"),
    ],
)
def test_what_no_kdc_can_be_made_to_say_here_has_its_words(code: int, words: str) -> None:
    assert words in str(explain(Problem(code, ""), case()))


# --- KRB-ERROR --------------------------------------------------------------------------------------------------------


def der(tag: int, content: bytes) -> bytes:
    return bytes((tag, len(content))) + content


def krb_error(code: int) -> bytes:
    fields = [
        (0, b"\2\1\5"),
        (1, b"\2\1\x1e"),
        (4, der(0x18, b"20260101000000Z")),
        (5, b"\2\1\0"),
        (6, der(2, bytes((code,)))),
    ]
    return der(0x7E, der(0x30, b"".join(der(0xA0 | number, content) for number, content in fields)))


@pytest.mark.parametrize("framed", [False, True])
def test_the_error_code_is_read_with_and_without_a_frame(framed: bool) -> None:
    token = krb_error(41)
    if framed:
        token = der(0x60, bytes.fromhex("06092a864886f712010202") + b"\x03\x00" + token)
    assert refusal(token) == (
        "Kerberos error 41: it cannot decrypt the ticket: the name belongs to another account, or its key was changed"
    )


def test_an_error_without_words_keeps_its_number() -> None:
    assert refusal(krb_error(60)) == "Kerberos error 60: it refuses the ticket"


@pytest.mark.parametrize(
    "token", [b"", b"\x6f\x03abc", b"\x60", b"\x7e", b"\x7e\x84\xff\xff\xff\xff", krb_error(41)[:30]]
)
def test_what_is_no_error_is_none(token: bytes) -> None:
    assert refusal(token) is None


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x7e", b"\x60\x10\x03\x00\x7e"]))
def test_whatever_a_server_sends_is_text_or_nothing(data: bytes, start: bytes) -> None:
    said = refusal(start + data)
    assert said is None or said.startswith("Kerberos error ")


def test_the_tree_of_errors_has_its_place_for_it() -> None:
    assert issubclass(NoKerberos, LogonFailed)
    assert not issubclass(NoKerberos, InvalidInput)
