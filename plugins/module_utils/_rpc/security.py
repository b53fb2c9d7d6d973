# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Security contexts for packet privacy: NTLM and Kerberos, alone and in SPNEGO (MS-RPCE 3.3.1.5.2, MS-NLMP 3.4).

pyspnego does the cryptography of NTLM and writes the tokens of SPNEGO; ``kerberos`` is the other mechanism. pyspnego
goes on where the server's side of a logon is weaker than asked, so what must hold is demanded here, before the answer
that proves our knowledge of the password is sent.
"""

from __future__ import annotations

import os
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from struct import Struct
from typing import Any, Literal

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    BadReply,
    InvalidInput,
    LogonFailed,
    NoKerberos,
    SecurityError,
    TimedOut,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import kerberos
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.channel import Deadline
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.foreign import translated
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.kerberos_errors import refusal

try:
    import spnego
    from spnego._ntlm_raw.crypto import RC4Handle, hmac_md5, ntowfv1
    from spnego._spnego import NegState, NegTokenInit, NegTokenResp, pack_mech_type_list, unpack_token
    from spnego.iov import BufferType
except ImportError:
    SPNEGO_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    SPNEGO_IMPORT_ERROR = None

# Authentication types (MS-RPCE 2.2.1.1.7)
SPNEGO = 9
NTLM = 10
KERBEROS = 16

_PATIENCE = 10.0  # seconds that a KDC gets where the caller does not say
_REJECT = "it rejects the logon in SPNEGO"  # the connection makes the sentence
_WRONG_SIGNATURE = (
    "the reply's signature is wrong: it was changed on the way, or its sender does not know the account's password; "
    "nothing of it was believed"
)
_WRONG_KERBEROS_SIGNATURE = (
    "the reply's signature is wrong: it was changed, repeated or kept back on the way, or its sender is not the server "
    "that the ticket is for; nothing of it was believed"
)
_NTLM_OID = "1.3.6.1.4.1.311.2.2.10"
_KERBEROS_OID = "1.2.840.113554.1.2.2"
# Servers may answer with the first one, an old mistake of Windows 2000 (MS-SPNG 3.1.5.2).
_KERBEROS_OIDS = ("1.2.840.48018.1.2.2", _KERBEROS_OID)
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
    """Who logs on, and how. ``spn`` is the service principal name, ``host/<server>`` where it is None.

    Without ``username`` it is whoever the Kerberos tickets belong to; without ``password`` there is only Kerberos.
    ``without_kerberos`` is why ``negotiate`` need not ask a KDC again: a connection before had to do without one;
    ``kdc_asked`` is what that one said of it.
    """

    auth: Literal["negotiate", "kerberos", "ntlm"] = "negotiate"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    spn: str | None = None
    without_kerberos: str | None = None
    kdc_asked: bool = False

    @property
    def account(self) -> str:
        """The account as messages name it."""
        return f"'{self.username}'" if self.username else "the owner of the Kerberos tickets"


class SecurityContext(ABC):
    """One logon: it makes the tokens of its legs, then seals requests and opens replies.

    The order is ``first_leg``, ``third_leg`` with the token of the bind_ack, and ``last_leg`` with the token of the
    alter_context_resp where ``ends_with_auth3`` is false. A mechanism is a subclass.

    An odd number of legs ends with an rpc_auth_3, which nobody answers, only where that number is certain (MS-RPCE
    3.3.1.5.2.1). Windows is certain of NTLM and Netlogon (note 98 there). Kerberos has three legs in DCE style and
    ends with an alter_context all the same, as SPNEGO does with its four: the server answers, with an empty token.
    """

    auth_type: int
    mechanism: str  # what is really used: "ntlm" or "kerberos"
    title: str  # the same for people
    advice: str  # what to check where the server refuses the logon
    ends_with_auth3 = False
    ends_silently = False  # the server's last token is empty, so that its PDU may have no verifier
    without_kerberos: str | None = None  # why NTLM is used although Kerberos was allowed
    kdc_asked = False  # whether that is what a KDC said, or that it did not answer: somebody on the way can do both

    def __init__(self, context: Any) -> None:
        self._context = context
        self.token_size = 0

    @abstractmethod
    def first_leg(self) -> bytes:
        """The token of the bind."""

    @abstractmethod
    def third_leg(self, token: bytes) -> bytes:
        """The token that answers the bind_ack's."""

    def last_leg(self, token: bytes) -> None:
        """Take the token of the alter_context_resp."""
        raise BadReply(f"the server answered a logon by {self.title} where no answer is expected ({len(token)} bytes).")

    @abstractmethod
    def seal(self, header: bytes, body: bytes, trailer: bytes) -> tuple[bytes, bytes]:
        """Encrypt the body; the token returned signs all three in clear (MS-RPCE 3.3.1.5.2.2)."""

    @abstractmethod
    def unseal(self, header: bytes, body: bytes, trailer: bytes, token: bytes) -> bytes:
        """Decrypt the body; raise ``SecurityError`` unless the token is the peer's signature of all three in clear."""


class _NtlmSecurity(SecurityContext):
    """What NTLM alone and NTLM in SPNEGO share: pyspnego's context."""

    mechanism = "ntlm"
    advice = "Check user name, domain and password, that the account is not locked, and that the server allows NTLM."

    def first_leg(self) -> bytes:
        with translated(LogonFailed, f"Cannot begin a logon by {self.title}; report this error of pyspnego"):
            token: bytes = self._context.step()
        return token

    def seal(self, header: bytes, body: bytes, trailer: bytes) -> tuple[bytes, bytes]:
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


class NtlmContext(_NtlmSecurity):
    """NTLM as it is: NEGOTIATE, CHALLENGE, AUTHENTICATE (MS-NLMP 1.3.1.1)."""

    auth_type = NTLM
    title = "NTLM"
    ends_with_auth3 = True

    def third_leg(self, token: bytes) -> bytes:
        check_challenge(token)
        with translated(BadReply, "the server's NTLM CHALLENGE cannot be answered"):
            answer: bytes = self._context.step(token)
        self._settle()
        return answer


class NegotiateContext(_NtlmSecurity):
    """NTLM in SPNEGO (RFC 4178, MS-SPNG 3.3); the list of mechanisms is protected by a MIC in both directions."""

    auth_type = SPNEGO
    title = "NTLM in SPNEGO"

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


class KerberosContext(SecurityContext):
    """Kerberos in DCE style: AP-REQ, AP-REP, AP-REP (MS-KILE 3.4.5.1)."""

    auth_type = KERBEROS
    mechanism = "kerberos"
    title = "Kerberos"
    advice = (
        "Its name in Kerberos may belong to another account, its key may have changed since the ticket was made, or "
        "the clocks may differ: check spn (setspn -Q on Windows), the time on both sides, and get a new ticket."
    )
    ends_silently = True

    _context: kerberos.Kerberos

    def first_leg(self) -> bytes:
        return self._context.token

    def third_leg(self, token: bytes) -> bytes:
        return self._answer(token)

    def last_leg(self, token: bytes) -> None:
        if token:
            raise SecurityError(f"the Kerberos logon does not end where it should ({len(token)} bytes more).")

    def seal(self, header: bytes, body: bytes, trailer: bytes) -> tuple[bytes, bytes]:
        with translated(SecurityError, "the request cannot be sealed"):
            return self._context.seal(header, body, trailer)

    def unseal(self, header: bytes, body: bytes, trailer: bytes, token: bytes) -> bytes:
        with translated(SecurityError, _WRONG_KERBEROS_SIGNATURE):
            return self._context.unseal(header, body, trailer, token)

    def _answer(self, token: bytes) -> bytes:
        """The AP-REP for the server's, which must prove who the server is."""
        refused = refusal(token)
        if refused is not None:
            raise LogonFailed(refused)
        answer = self._context.answer(token)
        self.token_size = self._context.token_size
        return answer


class NegotiatedKerberosContext(KerberosContext):
    """Kerberos in SPNEGO (RFC 4178, MS-SPNG 3.3), the only mechanism that is offered.

    Our side of the list's MIC goes with the third leg, as always in DCE style. The server's is verified where it sends
    one. It is not demanded: there is nothing in a list of one that could be exchanged, and who the server is was proved
    by the AP-REP. A MIC that is taken out on the way leaves a gap in the server's sequence numbers, which is noticed.
    """

    auth_type = SPNEGO
    title = "Kerberos in SPNEGO"
    ends_silently = False

    def first_leg(self) -> bytes:
        token: bytes = NegTokenInit([_KERBEROS_OID], mech_token=self._context.token).pack()
        return token

    def third_leg(self, token: bytes) -> bytes:
        answer = _response(token)
        refused = refusal(answer.response_token or b"")
        if answer.neg_state == NegState.reject or refused:
            raise LogonFailed(refused or _REJECT)
        if answer.supported_mech not in _KERBEROS_OIDS:
            raise SecurityError(
                f"the server chose the mechanism {answer.supported_mech}, but only Kerberos was offered."
            )
        if answer.neg_state not in (NegState.accept_incomplete, NegState.request_mic):
            raise SecurityError("the server ended the SPNEGO logon before it was told who it is talking to.")
        proof = self._answer(answer.response_token or b"")
        with translated(SecurityError, "the list of SPNEGO mechanisms cannot be signed"):
            mic = self._context.sign(pack_mech_type_list([_KERBEROS_OID]))
            last: bytes = NegTokenResp(
                neg_state=NegState.accept_incomplete, response_token=proof, mech_list_mic=mic
            ).pack()
        return last

    def last_leg(self, token: bytes) -> None:
        answer = _response(token)
        if answer.neg_state == NegState.reject:
            raise LogonFailed(refusal(answer.response_token or b"") or _REJECT)
        if answer.neg_state != NegState.accept_complete or answer.response_token:
            raise SecurityError("the SPNEGO logon does not end where it should.")
        if answer.mech_list_mic:
            with translated(SecurityError, "the server's signature of the SPNEGO mechanisms is wrong"):
                self._context.verify(pack_mech_type_list([_KERBEROS_OID]), answer.mech_list_mic)


def open_context(credentials: Credentials, server: str, deadline: Deadline | None = None) -> SecurityContext:
    """The context for a logon; raises ``InvalidInput`` for what cannot work. Nobody but a KDC has been asked yet.

    ``negotiate`` is Kerberos. Where there is nobody to give a ticket, or the KDC does not answer in half of the time,
    it is NTLM if there is a password for it, and the context says why. A refusal by the KDC is final: a password that
    is wrong, an account that is locked or a ticket that has expired is told, not tried once more in another way.
    """
    deadline = deadline or Deadline(_PATIENCE, option="connect_timeout", doing=f"Logging on to {server}")
    if credentials.auth == "ntlm":
        return _open_ntlm(credentials, server, NtlmContext)
    may_fall_back = credentials.auth == "negotiate" and bool(credentials.username) and credentials.password is not None
    wanted = kerberos.Wanted(
        server=server, username=credentials.username, password=credentials.password, spn=credentials.spn
    )
    context_class = KerberosContext if credentials.auth == "kerberos" else NegotiatedKerberosContext
    try:
        if may_fall_back and credentials.without_kerberos is not None:
            raise NoKerberos(credentials.without_kerberos, asked=credentials.kdc_asked)
        return context_class(kerberos.begin(wanted, deadline, deadline.left() / (2 if may_fall_back else 1)))
    except (NoKerberos, TimedOut) as exc:
        if not may_fall_back:
            raise
        try:
            context = _open_ntlm(credentials, server, NegotiateContext)
        except LogonFailed as why:
            raise LogonFailed(f"{why} Kerberos was tried before: {exc}") from exc
        context.without_kerberos = str(exc)
        context.kdc_asked = exc.asked if isinstance(exc, NoKerberos) else True
        return context


def _open_ntlm(credentials: Credentials, server: str, context_class: type[_NtlmSecurity]) -> SecurityContext:
    """A context of pyspnego's."""
    if not credentials.username or credentials.password is None:
        raise InvalidInput(
            "auth", credentials.auth, "NTLM needs a user name and a password. Set username and password."
        )
    _refuse_weak_environment()
    service, _slash, host = (credentials.spn or f"host/{server}").partition("/")
    if not host:
        raise InvalidInput(
            "spn", credentials.spn, "a service principal name has the form service/host, as host/dhcp1.example.com has."
        )
    cannot = f"Cannot log on to {server} as {credentials.account} by {context_class.title}"
    _demand_algorithms(cannot)
    options = spnego.NegotiateOptions
    with translated(LogonFailed, f"{cannot}; check username, else report this error of pyspnego"):
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


def _demand_algorithms(cannot: str) -> None:
    """Refuse NTLM in a sentence where the system's policy, such as FIPS mode, takes away what it is made of."""
    probes: dict[str, Callable[[], object]] = {
        "MD4": lambda: ntowfv1(""),
        "MD5": lambda: hmac_md5(bytes(16), b""),
        "RC4": lambda: RC4Handle(bytes(16)),
    }
    missing = []
    for name, probe in probes.items():
        try:
            with translated(LogonFailed, name):
                probe()
        except LogonFailed:
            missing.append(name)
    if missing:
        raise LogonFailed(
            f"{cannot}: NTLM needs {' and '.join(missing)}, which this system refuses, as systems in FIPS mode do. Use "
            "Kerberos: install pyspnego[kerberos] and set auth=kerberos."
        )


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
            f"The environment has LM_COMPAT_LEVEL={level!r}, which may mean NTLMv1. Set it to 3 or unset it."
        )


def _response(token: bytes) -> Any:
    """The NegTokenResp in a token (RFC 4178 4.2.2)."""
    with translated(BadReply, "the server's answer to the logon is no SPNEGO token"):
        answer = unpack_token(token)
        if not isinstance(answer, NegTokenResp):
            raise BadReply("the server's answer to the logon is no SPNEGO response.")
    return answer
