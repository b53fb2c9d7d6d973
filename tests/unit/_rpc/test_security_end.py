# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a logon demands of the library that carries it out, at its end.

No peer brings pyspnego as far as this today; the library could change its mind, so the demands have tests of their own.
"""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import pytest
from spnego import ContextReq
from spnego._spnego import NegState, NegTokenResp

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import BadReply, LogonFailed, SecurityError
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.security import (
    Credentials,
    NegotiateContext,
    NtlmContext,
    SecurityContext,
    open_context,
)
from ansible_collections.msrpc.dhcp.tests.unit._rpc.conversation import AUTHS

SEALED = ContextReq.confidentiality | ContextReq.integrity | ContextReq.replay_detect | ContextReq.sequence_detect
NTLM_OID = "1.3.6.1.4.1.311.2.2.10"
CHALLENGE = b"NTLMSSP\0" + struct.pack("<IHHII", 2, 0, 0, 56, 0xE2880235) + bytes(32)
FIRST = NegTokenResp(NegState.accept_incomplete, supported_mech=NTLM_OID, response_token=CHALLENGE).pack()
LAST = NegTokenResp(NegState.accept_complete, mech_list_mic=bytes(16)).pack()


class Library:
    """A context of the library that says what it is told to say."""

    def __init__(self, *, token: bytes | None = None, complete: bool = True, attributes: int = SEALED) -> None:
        self.complete = complete
        self.context_attr = attributes
        self._token = token

    def step(self, _token: bytes | None = None) -> bytes | None:
        return self._token

    def query_message_sizes(self) -> Any:
        return SimpleNamespace(header=16)


class Breaking(Library):
    """A context that fails as libraries do: with anything."""

    def step(self, _token: bytes | None = None) -> bytes | None:
        raise IndexError("list index out of range")

    wrap_iov = unwrap_iov = step


def end_of_ntlm(**what: Any) -> SecurityContext:
    context = NtlmContext(Library(token=b"proof", **what))
    context.third_leg(CHALLENGE)
    return context


def end_of_negotiate(**what: Any) -> SecurityContext:
    context = NegotiateContext(Library(**what))
    context.last_leg(LAST)
    return context


ENDS = [end_of_ntlm, end_of_negotiate]


@pytest.mark.parametrize("end", ENDS)
def test_a_logon_that_is_over_and_sealed_is_taken(end: Any) -> None:
    assert end().token_size == 16


@pytest.mark.parametrize("end", ENDS)
def test_a_logon_that_is_not_over_is_refused(end: Any) -> None:
    with pytest.raises(SecurityError, match="did not agree to sealed messages in the logon by NTLM"):
        end(complete=False)


@pytest.mark.parametrize(
    "lacking",
    [ContextReq.confidentiality, ContextReq.integrity, ContextReq.replay_detect, ContextReq.sequence_detect],
    ids=lambda each: each.name,
)
@pytest.mark.parametrize("end", ENDS)
def test_a_logon_of_less_than_was_asked_for_is_refused(end: Any, lacking: ContextReq) -> None:
    with pytest.raises(SecurityError, match="did not agree to sealed messages"):
        end(attributes=SEALED & ~lacking)


@pytest.mark.parametrize("proof", [None, b""])
def test_a_negotiate_logon_without_a_proof_of_the_password_is_refused(proof: bytes | None) -> None:
    with pytest.raises(SecurityError, match="without a proof of the password"):
        NegotiateContext(Library(token=proof)).third_leg(FIRST)


def test_a_negotiate_logon_that_wants_to_go_on_is_refused() -> None:
    with pytest.raises(SecurityError, match="does not end where it should"):
        end_of_negotiate(token=b"more")


@pytest.mark.parametrize(
    ("run", "kind", "words"),
    [
        (lambda: NtlmContext(Breaking()).first_leg(), LogonFailed, "Cannot begin a logon by NTLM"),
        (lambda: NtlmContext(Breaking()).third_leg(CHALLENGE), BadReply, "CHALLENGE cannot be answered"),
        (lambda: NegotiateContext(Breaking()).third_leg(FIRST), BadReply, "CHALLENGE cannot be answered"),
        (lambda: NegotiateContext(Breaking()).last_leg(LAST), SecurityError, "signature of the SPNEGO mechanisms"),
        (lambda: NtlmContext(Breaking()).seal(b"", b"", b""), SecurityError, "request cannot be sealed"),
        (lambda: NtlmContext(Breaking()).unseal(b"", b"", b"", b""), SecurityError, "signature is wrong"),
    ],
)
def test_whatever_the_library_raises_is_one_of_our_errors(run: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        run()
    assert isinstance(caught.value.__cause__, (IndexError, TypeError))


def test_the_server_is_what_a_logon_names_as_its_target() -> None:
    context = open_context(Credentials(auth="ntlm", username="svc", password="x"), "dhcp1.example.com")
    assert context._context.spn == "host/dhcp1.example.com"


def test_another_target_can_be_named() -> None:
    context = open_context(Credentials(auth="ntlm", username="svc", password="x", spn="rpc/alias"), "dhcp1")
    assert context._context.spn == "rpc/alias"


def test_a_negotiate_logon_has_nothing_along_that_kerberos_could_use() -> None:
    """Where its libraries are installed, pyspnego would ask a KDC, without a time limit."""
    context = open_context(Credentials(auth="negotiate", username="svc", password="x"), "dhcp1")
    assert [each.supported_protocols for each in context._context._credentials] == [["ntlm"]]


@pytest.mark.parametrize("auth", AUTHS)
def test_a_logon_asks_for_what_dce_rpc_wants(auth: Any) -> None:
    context = open_context(Credentials(auth=auth, username="svc", password="x"), "dhcp1")
    assert context._context.context_req & (SEALED | ContextReq.dce_style) == SEALED | ContextReq.dce_style
