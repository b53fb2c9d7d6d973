# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a logon demands of the server, without a network: the other side is pyspnego's acceptor, edited to lie."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
import spnego
from spnego._spnego import NegState, NegTokenResp, unpack_token
from spnego.iov import BufferType

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    BadReply,
    InvalidInput,
    LogonFailed,
    SecurityError,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.security import (
    Credentials,
    SecurityContext,
    check_challenge,
    open_context,
)

PASSWORD = "canary-Pa55"
ALL_FLAGS = 0xE2880235
NTLM_OID = "1.3.6.1.4.1.311.2.2.10"
KERBEROS_OID = "1.2.840.113554.1.2.2"


def challenge(flags: int) -> bytes:
    return b"NTLMSSP\0" + struct.pack("<IHHII", 2, 0, 0, 56, flags) + bytes(32)


def credentials(auth: Any = "ntlm", **other: Any) -> Credentials:
    return Credentials(**{"auth": auth, "username": r"EXAMPLE\svc", "password": PASSWORD} | other)


@pytest.fixture(autouse=True)
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The accounts that the acceptor knows."""
    path = tmp_path / "accounts"
    path.write_text(f"EXAMPLE:svc:{PASSWORD}\n", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(path))
    monkeypatch.delenv("LM_COMPAT_LEVEL", raising=False)


def acceptor(auth: str) -> spnego.ContextProxy:
    return spnego.server(
        protocol=auth,
        context_req=spnego.ContextReq.default | spnego.ContextReq.dce_style,
        options=spnego.NegotiateOptions.use_negotiate if auth == "negotiate" else spnego.NegotiateOptions.use_ntlm,
    )


def logged_on(auth: str) -> tuple[SecurityContext, spnego.ContextProxy]:
    client, server = open_context(credentials(auth), "dhcp1"), acceptor(auth)
    proof = client.third_leg(server.step(client.first_leg()) or b"")
    last = server.step(proof)
    if not client.ends_with_auth3:
        client.last_leg(last or b"")
    return client, server


def reply_of(server: spnego.ContextProxy, header: bytes, body: bytes, trailer: bytes) -> tuple[bytes, bytes]:
    buffers = server.wrap_iov(
        [
            (BufferType.sign_only, header),
            (BufferType.data, body),
            (BufferType.sign_only, trailer),
            BufferType.header,
        ]
    ).buffers
    return buffers[1].data or b"", buffers[3].data or b""


def spnego_answer(**changes: Any) -> tuple[SecurityContext, bytes]:
    """A client in the middle of a SPNEGO logon, and the acceptor's first answer with changes."""
    client = open_context(credentials("negotiate"), "dhcp1")
    answer = unpack_token(acceptor("negotiate").step(client.first_leg()) or b"")
    for name, value in changes.items():
        setattr(answer, name, value)
    return client, answer.pack()


def spnego_end(**changes: Any) -> tuple[SecurityContext, bytes]:
    """A client that awaits the end of a SPNEGO logon, and the acceptor's last answer with changes."""
    client, server = open_context(credentials("negotiate"), "dhcp1"), acceptor("negotiate")
    answer = unpack_token(server.step(client.third_leg(server.step(client.first_leg()) or b"")) or b"")
    for name, value in changes.items():
        setattr(answer, name, value)
    return client, answer.pack()


@pytest.mark.parametrize("auth", ["ntlm", "negotiate"])
def test_a_sealed_request_is_understood(auth: str) -> None:
    client, server = logged_on(auth)
    body, token = client.seal(b"header", b"a request", b"trailer")
    opened = server.unwrap_iov(
        [
            (BufferType.sign_only, b"header"),
            (BufferType.data, body),
            (BufferType.sign_only, b"trailer"),
            (BufferType.header, token),
        ]
    )
    assert opened.buffers[1].data == b"a request" != body


@pytest.mark.parametrize("auth", ["ntlm", "negotiate"])
def test_a_sealed_reply_is_opened(auth: str) -> None:
    client, server = logged_on(auth)
    assert client.unseal(b"header", *reply_parts(server)) == b"a reply"


def reply_parts(server: spnego.ContextProxy) -> tuple[bytes, bytes, bytes]:
    body, token = reply_of(server, b"header", b"a reply", b"trailer")
    return body, b"trailer", token


@pytest.mark.parametrize("changed", range(4), ids=["header", "body", "trailer", "token"])
@pytest.mark.parametrize("auth", ["ntlm", "negotiate"])
def test_a_flipped_bit_anywhere_is_refused(auth: str, changed: int) -> None:
    client, server = logged_on(auth)
    parts = [b"header", *reply_parts(server)]
    parts[changed] = parts[changed][:-1] + bytes([parts[changed][-1] ^ 1])
    with pytest.raises(SecurityError, match="signature is wrong"):
        client.unseal(*parts)


def test_a_reply_that_comes_twice_is_refused() -> None:
    client, server = logged_on("ntlm")
    parts = reply_parts(server)
    client.unseal(b"header", *parts)
    with pytest.raises(SecurityError):
        client.unseal(b"header", *parts)


def test_our_own_request_sent_back_is_refused() -> None:
    client, _server = logged_on("ntlm")
    body, token = client.seal(b"header", b"a request", b"trailer")
    with pytest.raises(SecurityError):
        client.unseal(b"header", body, b"trailer", token)


@pytest.mark.parametrize("auth", ["ntlm", "negotiate"])
def test_the_mechanism_in_use_is_named(auth: str) -> None:
    assert logged_on(auth)[0].mechanism == "ntlm"


@pytest.mark.parametrize(
    ("bit", "name"),
    [
        (0x00000010, "NEGOTIATE_SIGN"),
        (0x00000020, "NEGOTIATE_SEAL"),
        (0x00080000, "NEGOTIATE_EXTENDED_SESSIONSECURITY"),
        (0x20000000, "NEGOTIATE_128"),
        (0x40000000, "NEGOTIATE_KEY_EXCH"),
    ],
)
def test_a_challenge_that_lacks_a_flag_is_refused(bit: int, name: str) -> None:
    with pytest.raises(SecurityError, match=rf"lacks NTLMSSP_{name}:"):
        check_challenge(challenge(ALL_FLAGS & ~bit))


def test_a_challenge_with_all_flags_passes() -> None:
    check_challenge(challenge(ALL_FLAGS))


@pytest.mark.parametrize(
    "token",
    [b"", b"NTLMSSP\0", challenge(ALL_FLAGS)[:47], b"NTLMSSP\0\x03" + challenge(ALL_FLAGS)[9:], b"\x60\x48" * 30],
)
def test_a_token_that_is_no_challenge_is_refused(token: bytes) -> None:
    with pytest.raises(BadReply, match="no NTLM CHALLENGE"):
        check_challenge(token)


def test_a_challenge_without_seal_gets_no_proof_of_the_password() -> None:
    client = open_context(credentials("ntlm"), "dhcp1")
    client.first_leg()
    with pytest.raises(SecurityError):
        client.third_leg(challenge(ALL_FLAGS & ~0x20))


def test_a_challenge_without_seal_in_spnego_gets_no_proof_of_the_password() -> None:
    client, token = spnego_answer(response_token=challenge(ALL_FLAGS & ~0x20))
    with pytest.raises(SecurityError, match="lacks NTLMSSP_NEGOTIATE_SEAL"):
        client.third_leg(token)


@pytest.mark.parametrize("token", [b"", b"\xa1\x03\x30", b"NTLMSSP\0\x02\0\0\0" + bytes(40), b"\xff" * 9])
def test_an_answer_that_is_no_spnego_response_is_refused(token: bytes) -> None:
    client, _answer = spnego_answer()
    with pytest.raises(BadReply, match="no SPNEGO"):
        client.third_leg(token)


def test_another_mechanism_than_offered_is_refused() -> None:
    client, token = spnego_answer(supported_mech=KERBEROS_OID)
    with pytest.raises(SecurityError, match="only NTLM was offered"):
        client.third_leg(token)


def test_a_logon_that_the_server_ends_before_the_proof_is_refused() -> None:
    client, token = spnego_answer(neg_state=NegState.accept_complete)
    with pytest.raises(SecurityError, match="before it had seen a proof"):
        client.third_leg(token)


def test_a_rejection_in_the_first_answer_is_a_failed_logon() -> None:
    client, _token = spnego_answer()
    with pytest.raises(LogonFailed):
        client.third_leg(NegTokenResp(NegState.reject).pack())


def test_a_rejection_in_the_last_answer_is_a_failed_logon() -> None:
    client, _token = spnego_end()
    with pytest.raises(LogonFailed):
        client.last_leg(NegTokenResp(NegState.reject).pack())


@pytest.mark.parametrize(
    "changes",
    [
        {"mech_list_mic": None},
        {"mech_list_mic": b""},
        {"neg_state": NegState.accept_incomplete},
        {"neg_state": None},
        {"mech_list_mic": bytes(16), "response_token": bytes(16)},
    ],
    ids=["no MIC", "empty MIC", "not ended", "no state", "MIC that repeats the response token"],
)
def test_an_end_without_a_signed_list_of_mechanisms_is_refused(changes: dict[str, Any]) -> None:
    client, token = spnego_end(**changes)
    with pytest.raises(SecurityError, match="signed list of mechanisms"):
        client.last_leg(token)


def test_an_end_with_a_wrong_signature_is_refused() -> None:
    client, token = spnego_end(mech_list_mic=b"\x01\0\0\0" + bytes(12))
    with pytest.raises(SecurityError, match="signature of the SPNEGO mechanisms is wrong"):
        client.last_leg(token)


def test_ntlm_alone_expects_no_last_answer() -> None:
    client, _server = logged_on("ntlm")
    with pytest.raises(BadReply, match="no answer is expected"):
        client.last_leg(b"")


@pytest.mark.parametrize("level", ["0", "1", "2", " 2", "six", "", "-1"])
def test_an_environment_that_asks_for_ntlmv1_is_refused(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LM_COMPAT_LEVEL", level)
    with pytest.raises(SecurityError, match="LM_COMPAT_LEVEL"):
        open_context(credentials(), "dhcp1")


@pytest.mark.parametrize("level", ["3", "4", "5"])
def test_an_environment_that_asks_for_ntlmv2_is_fine(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LM_COMPAT_LEVEL", level)
    assert open_context(credentials(), "dhcp1").first_leg().startswith(b"NTLMSSP\0\x01")


def test_the_password_given_wins_over_a_file_of_accounts() -> None:
    client, server = open_context(credentials("ntlm", password="another"), "dhcp1"), acceptor("ntlm")
    proof = client.third_leg(server.step(client.first_leg()) or b"")
    with pytest.raises(spnego.exceptions.InvalidTokenError):
        server.step(proof)


@pytest.mark.parametrize("missing", [{"username": None}, {"username": ""}, {"password": None}])
def test_a_logon_without_user_name_or_password_is_refused(missing: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="user name and a password"):
        open_context(credentials("ntlm", **missing), "dhcp1")


@pytest.mark.parametrize("spn", ["dhcp1", "host/"])
def test_a_service_principal_name_without_host_is_refused(spn: str) -> None:
    with pytest.raises(InvalidInput, match="spn="):
        open_context(credentials(spn=spn), "dhcp1")


def test_a_password_does_not_show() -> None:
    assert PASSWORD not in repr(credentials())
