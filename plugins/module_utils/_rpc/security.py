# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Security contexts for packet privacy: NTLM, alone and in SPNEGO (MS-RPCE 3.3.1.5.2, MS-NLMP 3.4, MS-SPNG).

pyspnego does the cryptography. It goes on where the server's side of a logon is weaker than asked, so what must hold is
demanded here, before the answer that proves our knowledge of the password is sent.
"""

from __future__ import annotations

import os
import traceback
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from struct import Struct
from typing import Any, Literal

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    BadReply,
    InvalidInput,
    LogonFailed,
    SecurityError,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.foreign import translated

try:
    import spnego
    from spnego._ntlm_raw.crypto import ntowfv1
    from spnego._spnego import NegState, NegTokenResp, unpack_token
    from spnego.iov import BufferType
except ImportError:
    SPNEGO_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    SPNEGO_IMPORT_ERROR = None

# Authentication types (MS-RPCE 2.2.1.1.7)
SPNEGO = 9
NTLM = 10
KERBEROS = 16

_REJECT = "its SPNEGO answer is reject"  # the connection makes the sentence
_WRONG_SIGNATURE = (
    "the reply's signature is wrong: it was changed on the way, or its sender does not know the account's password; "
    "nothing of it was believed"
)
_NTLM_OID = "1.3.6.1.4.1.311.2.2.10"
_CHALLENGE_SIGNATURE = b"NTLMSSP\0\x02\0\0\0"
_CHALLENGE_FLAGS = Struct("<20xI")
# MS-NLMP 2.2.2.5: without any of these a session is sealed weakly, or not at all.
_DEMANDED_FLAGS = {
    "NTLMSSP_NEGOTIATE_SIGN": 0x00000010,
    "NTLMSSP_NEGOTIATE_SEAL": 0x00000020,
    "NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY": 0x00080000,
    "NTLMSSP_NEGOTIATE_128": 0x20000000,
    "NTLMSSP_NEGOTIATE_KEY_EXCH": 0x40000000,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who logs on, and how. ``spn`` is the service principal name, ``host/<server>`` where it is None."""

    auth: Literal["negotiate", "kerberos", "ntlm"] = "negotiate"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    spn: str | None = None

    @property
    def account(self) -> str:
        """The account as messages name it."""
        return f"'{self.username}'"


class SecurityContext(ABC):
    """One logon: it makes the tokens of its legs, then seals requests and opens replies.

    The order is ``first_leg``, ``third_leg`` with the token of the bind_ack, and ``last_leg`` with the token of the
    alter_context_resp where ``ends_with_auth3`` is false. A mechanism is a subclass.
    """

    auth_type: int
    mechanism: str  # what is really used: "ntlm" or "kerberos"
    title: str  # the same for people
    ends_with_auth3: bool  # an odd number of legs, the last one without an answer (MS-RPCE 3.3.1.5.2.1)

    def __init__(self, context: Any) -> None:
        self._context = context
        self.token_size = 0

    def first_leg(self) -> bytes:
        """The token of the bind."""
        with translated(LogonFailed, f"Cannot begin a logon by {self.title}"):
            token: bytes = self._context.step()
        return token

    @abstractmethod
    def third_leg(self, token: bytes) -> bytes:
        """The token that answers the bind_ack's."""

    def last_leg(self, token: bytes) -> None:
        """Take the token of the alter_context_resp."""
        raise BadReply(f"the server answered a logon by {self.title} where no answer is expected ({len(token)} bytes).")

    def seal(self, header: bytes, body: bytes, trailer: bytes) -> tuple[bytes, bytes]:
        """Encrypt the body; the token returned signs all three in clear (MS-RPCE 3.3.1.5.2.2)."""
        with translated(SecurityError, "the request cannot be sealed"):
            sealed = self._context.wrap_iov(
                (
                    (BufferType.sign_only, header),
                    (BufferType.data, body),
                    (BufferType.sign_only, trailer),
                    BufferType.header,
                )
            ).buffers
        return sealed[1].data, sealed[3].data

    def unseal(self, header: bytes, body: bytes, trailer: bytes, token: bytes) -> bytes:
        """Decrypt the body; raise ``SecurityError`` unless the token is the peer's signature of all three in clear."""
        with translated(SecurityError, _WRONG_SIGNATURE):
            clear: bytes = (
                self._context.unwrap_iov(
                    (
                        (BufferType.sign_only, header),
                        (BufferType.data, body),
                        (BufferType.sign_only, trailer),
                        (BufferType.header, token),
                    )
                )
                .buffers[1]
                .data
            )
        return clear

    def _settle(self) -> None:
        """Demand that the logon is over and has the strength that was asked for."""
        wanted = spnego.ContextReq
        needed = wanted.confidentiality | wanted.integrity | wanted.replay_detect | wanted.sequence_detect
        if not self._context.complete or self._context.context_attr & needed != needed:
            raise SecurityError(f"the server did not agree to sealed messages in the logon by {self.title}.")
        self.token_size = self._context.query_message_sizes().header


class NtlmContext(SecurityContext):
    """NTLM as it is: NEGOTIATE, CHALLENGE, AUTHENTICATE (MS-NLMP 1.3.1.1)."""

    auth_type = NTLM
    mechanism = "ntlm"
    title = "NTLM"
    ends_with_auth3 = True

    def third_leg(self, token: bytes) -> bytes:
        check_challenge(token)
        with translated(BadReply, "the server's NTLM CHALLENGE cannot be answered"):
            answer: bytes = self._context.step(token)
        self._settle()
        return answer


class NegotiateContext(SecurityContext):
    """NTLM in SPNEGO (RFC 4178, MS-SPNG 3.3); the list of mechanisms is protected by a MIC in both directions."""

    auth_type = SPNEGO
    mechanism = "ntlm"
    title = "NTLM in SPNEGO"
    ends_with_auth3 = False

    def third_leg(self, token: bytes) -> bytes:
        answer = _response(token)
        if answer.neg_state == NegState.reject:
            raise LogonFailed(_REJECT)
        if answer.supported_mech != _NTLM_OID:
            raise SecurityError(f"the server chose the mechanism {answer.supported_mech}, but only NTLM was offered.")
        if answer.neg_state not in (NegState.accept_incomplete, NegState.request_mic):
            raise SecurityError("the server ended the SPNEGO logon before it had seen a proof of the password.")
        check_challenge(answer.response_token or b"")
        with translated(BadReply, "the server's NTLM CHALLENGE cannot be answered"):
            proof: bytes = self._context.step(token)
        if not proof:
            raise SecurityError("the SPNEGO logon ended without a proof of the password.")
        return proof

    def last_leg(self, token: bytes) -> None:
        answer = _response(token)
        if answer.neg_state == NegState.reject:
            raise LogonFailed(_REJECT)
        # pyspnego verifies a MIC that is there; it also goes on without one, or with a copy of the response token.
        if answer.neg_state != NegState.accept_complete or not answer.mech_list_mic or answer.response_token:
            raise SecurityError("the server did not confirm the SPNEGO logon with a signed list of mechanisms.")
        with translated(SecurityError, "the server's signature of the SPNEGO mechanisms is wrong"):
            more = self._context.step(token)
        if more:
            raise SecurityError("the SPNEGO logon does not end where it should.")
        self._settle()


def open_context(credentials: Credentials, server: str) -> SecurityContext:
    """The context for a logon; raises ``InvalidInput`` for what cannot work, before anything is sent."""
    if credentials.auth == "kerberos":
        raise InvalidInput("auth", "kerberos", "this release has no Kerberos. Use negotiate or ntlm, with a password.")
    if not credentials.username or credentials.password is None:
        raise InvalidInput("auth", credentials.auth, "this release needs a user name and a password.")
    _refuse_weak_environment()
    service, _slash, host = (credentials.spn or f"host/{server}").partition("/")
    if not host:
        raise InvalidInput("spn", credentials.spn, "a service principal name has the form service/host.")
    context_class: type[SecurityContext] = NtlmContext if credentials.auth == "ntlm" else NegotiateContext
    options = spnego.NegotiateOptions
    with translated(LogonFailed, f"Cannot begin a logon by {context_class.title} as {credentials.account}"):
        context = spnego.client(
            # A hash, because it restricts SPNEGO to NTLM: with a password pyspnego would also try Kerberos where it
            # finds the libraries, and ask a KDC without a time limit.
            spnego.NTLMHash(credentials.username, nt_hash=ntowfv1(credentials.password).hex()),
            hostname=host,
            service=service,
            protocol=credentials.auth,
            context_req=spnego.ContextReq.default | spnego.ContextReq.dce_style,
            options=options.use_ntlm if credentials.auth == "ntlm" else options.use_negotiate,
        )
    return context_class(context)


def check_challenge(token: bytes) -> None:
    """Demand what keeps a session sealed well from an NTLM CHALLENGE (MS-NLMP 2.2.1.2)."""
    if not token.startswith(_CHALLENGE_SIGNATURE) or len(token) < 48:
        raise BadReply("the server's answer to the logon is no NTLM CHALLENGE.")
    flags = _CHALLENGE_FLAGS.unpack_from(token)[0]
    missing = [name for name, bit in _DEMANDED_FLAGS.items() if not flags & bit]
    if missing:
        raise SecurityError(
            f"the server's NTLM CHALLENGE lacks {', '.join(missing)}: a weaker session than demanded. The logon was "
            "broken off before the proof of the password; the server is misconfigured, or somebody is on the way to it."
        )


def _refuse_weak_environment() -> None:
    """pyspnego reads this variable as gss-ntlmssp does; below 3 it would answer with NTLMv1 (MS-NLMP 3.3.1)."""
    level = os.environ.get("LM_COMPAT_LEVEL", "3")
    if level not in ("3", "4", "5"):
        raise SecurityError(
            f"the environment has LM_COMPAT_LEVEL={level!r}, which may mean NTLMv1. Set it to 3 or unset it."
        )


def _response(token: bytes) -> Any:
    """The NegTokenResp in a token (RFC 4178 4.2.2)."""
    with translated(BadReply, "the server's answer to the logon is no SPNEGO token"):
        answer = unpack_token(token)
        if not isinstance(answer, NegTokenResp):
            raise BadReply("the server's answer to the logon is no SPNEGO response.")
    return answer
