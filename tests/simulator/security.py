# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server's side of a logon and of packet privacy: NTLM (MS-NLMP) and SPNEGO (RFC 4178, MS-SPNG).

The primitives are impacket's, since the collection's own client stands on another library: an error that both sides
share would go unseen. The other mechanism is in ``kerberos.py``. Names of forgeries that act here are in ``faults.py``.
"""

from __future__ import annotations

import hmac
import os
import struct
import time
from collections.abc import Callable
from typing import Any, Protocol

from Cryptodome.Cipher import ARC4
from impacket import ntlm

from ansible_collections.msrpc.dhcp.tests.simulator.site import FILETIME_OF_1970, Account, Settings

AUTH_SPNEGO = 9
AUTH_NTLM = 10
AUTH_KERBEROS = 16
LEVEL_PRIVACY = 6
SIGNATURE_SIZE = 16

_SIGNATURE = b"NTLMSSP\x00"
_AV_FLAGS = 6
_AV_FLAG_MIC = 2
_MIC_OFFSET = 72
_VERSION = bytes((10, 0)) + (17763).to_bytes(2, "little") + bytes((0, 0, 0, 15))

SIGN = ntlm.NTLMSSP_NEGOTIATE_SIGN
SEAL = ntlm.NTLMSSP_NEGOTIATE_SEAL
ESS = ntlm.NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY
KEY_EXCH = ntlm.NTLMSSP_NEGOTIATE_KEY_EXCH
STRONG = ntlm.NTLMSSP_NEGOTIATE_128
UNICODE = ntlm.NTLMSSP_NEGOTIATE_UNICODE
DEMANDED = SIGN | SEAL | ESS | KEY_EXCH | STRONG

# What a CHALLENGE lacks under these forgeries.
_STRIPPED = {
    "challenge_without_sign": SIGN,
    "challenge_without_seal": SEAL,
    "challenge_without_128": STRONG,
    "challenge_without_key_exch": KEY_EXCH,
    "challenge_without_ess": ESS,
}

Forged = Callable[[str], bool]


class Refused(Exception):
    """The logon or a message is not what it has to be; the reason is for the tests, a real server tells none.

    ``token`` is what it may tell the client of the mechanism's.
    """

    def __init__(self, reason: str, *, token: bytes | None = None) -> None:
        super().__init__(reason)
        self.token = token


class Accounts:
    """The accounts of the domain, found by ``user``, ``DOMAIN\\user`` and ``user@domain``."""

    def __init__(self, accounts: tuple[Account, ...], settings: Settings) -> None:
        self._accounts = {each.username.casefold(): each for each in accounts}
        self._hashes = {each.username.casefold(): ntlm.compute_nthash(each.password) for each in accounts}
        self._domains = {settings.domain.casefold(), settings.dns_domain.casefold(), settings.netbios_name.casefold()}

    def find(self, user: str, domain: str) -> tuple[Account, bytes]:
        """The account and its NT hash. Raises ``Refused`` where there is none of that name and domain."""
        name, _at, realm = user.partition("@")
        where = {part.casefold() for part in (domain, realm) if part and part != "."}
        account = self._accounts.get(name.casefold())
        if account is None or not where <= self._domains:
            raise Refused(f"no account {user!r} in {domain!r}")
        return account, self._hashes[name.casefold()]


class Acceptor(Protocol):
    """One logon: tokens in and out, then the keys. ``account`` is known when ``complete``."""

    complete: bool

    @property
    def account(self) -> Account | None: ...

    def signature_size(self, *, seal: bool = True) -> int: ...

    def step(self, token: bytes) -> bytes | None: ...

    def wrap(self, head: bytes, stub: bytes, trailer: bytes, *, seal: bool = True) -> tuple[bytes, bytes]: ...

    def unwrap(self, head: bytes, sealed: bytes, trailer: bytes, signature: bytes) -> bytes: ...

    def repeat_sequence(self) -> None: ...


class Mechanism(Acceptor, Protocol):
    """What can be inside SPNEGO: it signs the list of mechanisms."""

    def mic(self, data: bytes) -> bytes: ...

    def accepts_mic(self, data: bytes, mic: bytes) -> bool: ...


class Direction:
    """Signing and sealing in one direction (MS-NLMP 3.4): a key, a running RC4 and a sequence number."""

    def __init__(self, flags: int, session_key: bytes, mode: str) -> None:
        self._flags = flags
        self._signing_key: bytes = ntlm.SIGNKEY(flags, session_key, mode)
        self._sealing_key: bytes = ntlm.SEALKEY(flags, session_key, mode)
        self._rc4: Any = ARC4.new(self._sealing_key)
        self._sequence = 0

    def restart_rc4(self) -> None:
        """After a mechListMIC the key stream begins anew, the sequence number does not (MS-SPNG 3.3.5.1)."""
        self._rc4 = ARC4.new(self._sealing_key)

    def repeat_sequence(self) -> None:
        """Make the next message look like one that was sent before."""
        self._sequence -= 1

    def crypt(self, data: bytes) -> bytes:
        """Seal or unseal: RC4 is its own inverse."""
        crypted: bytes = self._rc4.encrypt(data)
        return crypted

    def sign(self, data: bytes) -> bytes:
        """The signature of the next message (MS-NLMP 3.4.4.2)."""
        sequence = struct.pack("<I", self._sequence & 0xFFFFFFFF)
        checksum = hmac.digest(self._signing_key, sequence + data, "md5")[:8]
        if self._flags & KEY_EXCH:
            checksum = self.crypt(checksum)
        self._sequence += 1
        return b"\x01\x00\x00\x00" + checksum + sequence


class Ntlm:
    """An NTLMv2 logon (MS-NLMP 3.2.5)."""

    def __init__(self, accounts: Accounts, settings: Settings, forged: Forged, *, level: int = LEVEL_PRIVACY) -> None:
        self.complete = False
        self.account: Account | None = None
        self.has_mic = False
        self.incoming: Direction
        self.outgoing: Direction
        self._accounts = accounts
        self._settings = settings
        self._forged = forged
        self._level = level
        self._negotiate = b""
        self._challenge = b""
        self._flags = 0
        self._nonce = os.urandom(8)

    def signature_size(self, *, seal: bool = True) -> int:
        """Octets of a message's signature (MS-NLMP 2.2.2.9)."""
        del seal
        return SIGNATURE_SIZE

    def repeat_sequence(self) -> None:
        """Make the next message look like one that was sent before."""
        self.outgoing.repeat_sequence()

    def mic(self, data: bytes) -> bytes:
        """The signature of a list of mechanisms."""
        made = self.outgoing.sign(data)
        self.outgoing.restart_rc4()
        return made

    def accepts_mic(self, data: bytes, mic: bytes) -> bool:
        """Whether it is the client's signature of a list of mechanisms."""
        valid = hmac.compare_digest(self.incoming.sign(data), mic)
        self.incoming.restart_rc4()
        return valid

    def step(self, token: bytes) -> bytes | None:
        """NEGOTIATE in, CHALLENGE out; AUTHENTICATE in, nothing out. Raises ``Refused``."""
        if len(token) < 16 or not token.startswith(_SIGNATURE) or self.complete:
            raise Refused("no NTLM message")
        (kind,) = struct.unpack_from("<I", token, 8)
        if kind == 1 and not self._negotiate:
            self._negotiate = token
            self._challenge = self._make_challenge()
            return self._challenge
        if kind == 3 and self._negotiate:
            self._authenticate(token)
            self.complete = True
            return None
        raise Refused(f"NTLM message {kind} out of turn")

    def _make_challenge(self) -> bytes:
        """CHALLENGE_MESSAGE (MS-NLMP 2.2.1.2)."""
        (asked,) = struct.unpack_from("<I", self._negotiate, 12)
        flags = (asked & (DEMANDED | ntlm.NTLMSSP_NEGOTIATE_56 | ntlm.NTLMSSP_NEGOTIATE_ALWAYS_SIGN)) | (
            UNICODE
            | ntlm.NTLMSSP_REQUEST_TARGET
            | ntlm.NTLMSSP_NEGOTIATE_NTLM
            | ntlm.NTLMSSP_TARGET_TYPE_DOMAIN
            | ntlm.NTLMSSP_NEGOTIATE_TARGET_INFO
            | ntlm.NTLMSSP_NEGOTIATE_VERSION
        )
        for forgery, flag in _STRIPPED.items():
            if self._forged(forgery):
                flags &= ~flag
        self._flags = flags
        target = self._settings.domain.encode("utf-16-le")
        info = self._target_info()
        return (
            _SIGNATURE
            + struct.pack("<IHHII", 2, len(target), len(target), 56, flags)
            + self._nonce
            + bytes(8)
            + struct.pack("<HHI", len(info), len(info), 56 + len(target))
            + _VERSION
            + target
            + info
        )

    def _target_info(self) -> bytes:
        """AV_PAIRs (MS-NLMP 2.2.2.1). The time makes clients send a MIC."""
        settings = self._settings
        texts = (
            (2, settings.domain),
            (1, settings.netbios_name),
            (4, settings.dns_domain),
            (3, f"{settings.netbios_name.lower()}.{settings.dns_domain}"),
        )
        pairs = [(kind, text.encode("utf-16-le")) for kind, text in texts]
        pairs.append((7, struct.pack("<Q", FILETIME_OF_1970 + time.time_ns() // 100)))
        return b"".join(struct.pack("<HH", kind, len(data)) + data for kind, data in pairs) + bytes(4)

    def _authenticate(self, token: bytes) -> None:
        """AUTHENTICATE_MESSAGE (MS-NLMP 2.2.1.3)."""
        response = _payload(token, 20)
        domain = _payload(token, 28).decode("utf-16-le", "replace")
        user = _payload(token, 36).decode("utf-16-le", "replace")
        encrypted_key = _payload(token, 52)
        flags = struct.unpack_from("<I", token, 60)[0] & self._flags
        if self._forged("no_password"):
            # Keys out of thin air: this server could not check the response, it just says yes.
            self._make_keys(flags, os.urandom(16))
            return
        if len(response) < 16 + 28 or response[16] != 1:
            raise Refused("no NTLMv2 response")  # NTLM version 1 and anonymous logons
        missing = DEMANDED & self._flags & ~flags if self._level == LEVEL_PRIVACY else 0
        if missing:
            raise Refused(f"AUTHENTICATE lacks flags {missing:#x}")
        account, nt_hash = self._accounts.find(user, domain)
        response_key = ntlm.NTOWFv2(user, "", domain, nt_hash)
        proof, blob = response[:16], response[16:]
        if not hmac.compare_digest(proof, hmac.digest(response_key, self._nonce + blob, "md5")):
            raise Refused(f"wrong password of {user!r}")
        session_key = hmac.digest(response_key, proof, "md5")
        if flags & KEY_EXCH:
            if len(encrypted_key) != 16:
                raise Refused("no session key")
            session_key = ARC4.new(session_key).decrypt(encrypted_key)
        self._check_mic(token, blob, session_key)
        self._make_keys(flags, session_key)
        self.account = account

    def _check_mic(self, token: bytes, blob: bytes, session_key: bytes) -> None:
        """The MIC over all three messages, where the client's signed AV_PAIRs announce one (MS-NLMP 3.2.5.1.2)."""
        if not _announces_mic(blob):
            return
        zeroed = token[:_MIC_OFFSET] + bytes(16) + token[_MIC_OFFSET + 16 :]
        expected = hmac.digest(session_key, self._negotiate + self._challenge + zeroed, "md5")
        if not hmac.compare_digest(token[_MIC_OFFSET : _MIC_OFFSET + 16], expected):
            raise Refused("wrong MIC")
        self.has_mic = True

    def _make_keys(self, flags: int, session_key: bytes) -> None:
        if not flags & ESS:
            raise Refused("without extended session security")  # nobody who insists on it comes here
        self.incoming = Direction(flags, session_key, "Client")
        self.outgoing = Direction(flags, session_key, "Server")

    def wrap(self, head: bytes, stub: bytes, trailer: bytes, *, seal: bool = True) -> tuple[bytes, bytes]:
        """Stub (sealed) and signature of a PDU. With NTLM headers are always signed as well."""
        sealed = self.outgoing.crypt(stub) if seal else stub
        return sealed, self.outgoing.sign(head + stub + trailer)

    def unwrap(self, head: bytes, sealed: bytes, trailer: bytes, signature: bytes) -> bytes:
        """The stub of a sealed PDU. Raises ``Refused`` where the signature is not that of the client's next message."""
        stub = self.incoming.crypt(sealed)
        if not hmac.compare_digest(self.incoming.sign(head + stub + trailer), signature):
            raise Refused("wrong signature")
        return stub


def _payload(token: bytes, field: int) -> bytes:
    if len(token) < 64:
        raise Refused("short AUTHENTICATE")
    length, _maximum, offset = struct.unpack_from("<HHI", token, field)
    data = token[offset : offset + length]
    if len(data) != length:
        raise Refused("AUTHENTICATE points behind its end")
    return data


def _announces_mic(blob: bytes) -> bool:
    """NTLMv2_CLIENT_CHALLENGE (MS-NLMP 2.2.2.7): its AV_PAIRs begin at 28."""
    position = 28
    while position + 4 <= len(blob):
        kind, length = struct.unpack_from("<HH", blob, position)
        data = blob[position + 4 : position + 4 + length]
        if kind == _AV_FLAGS and len(data) == 4:
            return bool(int.from_bytes(data, "little") & _AV_FLAG_MIC)
        if kind == 0:
            return False
        position += 4 + length
    return False


# --- SPNEGO -----------------------------------------------------------------------------------------------------------

_OID_SPNEGO = bytes.fromhex("2b0601050502")
_OID_NTLM = bytes.fromhex("2b06010401823702020a")
# The second one is an old mistake of Windows, which it still takes and sends (MS-SPNG 3.1.5.2).
_OIDS_KERBEROS = (bytes.fromhex("2a864886f712010202"), bytes.fromhex("2a864882f712010202"))

ACCEPT_COMPLETED = 0
ACCEPT_INCOMPLETE = 1
REJECT = 2
REQUEST_MIC = 3


class Spnego:
    """A mechanism inside SPNEGO, with the mechListMIC of both sides (RFC 4178 4.2, 5).

    Kerberos is chosen where the server has a keytab and the client would like it best, else NTLM.
    """

    def __init__(self, ntlm_logon: Mechanism, kerberos: Mechanism | None, forged: Forged) -> None:
        self.complete = False
        self.mechanism = ntlm_logon
        self._kerberos = kerberos
        self._forged = forged
        self._mech_list = b""
        self._mic_demanded = False

    @property
    def account(self) -> Account | None:
        """Whose logon it is."""
        return self.mechanism.account

    def signature_size(self, *, seal: bool = True) -> int:
        """Octets of a message's signature."""
        return self.mechanism.signature_size(seal=seal)

    def repeat_sequence(self) -> None:
        """As the mechanism does it."""
        self.mechanism.repeat_sequence()

    def step(self, token: bytes) -> bytes | None:
        """NegTokenInit or NegTokenResp in, NegTokenResp out. Raises ``Refused``."""
        if self.complete:
            raise Refused("a token too many")
        return self._continue(token) if self._mech_list else self._begin(token)

    def _begin(self, token: bytes) -> bytes:
        tag, framed, _rest = _take(token)
        oid_tag, oid, inner = _take(framed)
        if tag != 0x60 or oid_tag != 0x06 or oid != _OID_SPNEGO:
            raise Refused("no NegTokenInit")
        fields = _fields(inner, 0xA0)
        if 0xA0 not in fields:
            raise Refused("NegTokenInit without mechanisms")
        self._mech_list = fields[0xA0]
        offered = _oids(self._mech_list)
        first = fields.get(0xA2, b"")
        if offered[0] in _OIDS_KERBEROS and self._kerberos is not None:
            self.mechanism = self._kerberos
            return _response(ACCEPT_INCOMPLETE, mechanism=offered[0], token=self._inner(_octets(first)))
        if _OID_NTLM not in offered:
            raise Refused("NTLM is not offered")
        if offered[0] != _OID_NTLM:
            self._mic_demanded = True  # the optimistic token was for another mechanism
            return _response(REQUEST_MIC, mechanism=_OID_NTLM)
        challenge = self.mechanism.step(_octets(first))
        return _response(ACCEPT_INCOMPLETE, mechanism=_OID_NTLM, token=challenge)

    def _continue(self, token: bytes) -> bytes:
        fields = _fields(token, 0xA1)
        answer = self._inner(_octets(fields.get(0xA2, b"")))
        if not self.mechanism.complete:
            return _response(ACCEPT_INCOMPLETE, token=answer)
        self.complete = True
        if 0xA3 not in fields:
            if self._mic_demanded:
                raise Refused("no mechListMIC")
            return _response(ACCEPT_COMPLETED)
        self._verify(_octets(fields[0xA3]))
        if self._forged("no_mech_list_mic"):
            return _response(ACCEPT_COMPLETED)
        mic = self.mechanism.mic(self._mech_list)
        if self._forged("wrong_mech_list_mic"):
            mic = _flip(mic, 5)
        return _response(ACCEPT_COMPLETED, mic=mic)

    def _inner(self, token: bytes) -> bytes | None:
        """The mechanism's answer; what it tells of a refusal goes into a NegTokenResp that rejects."""
        try:
            return self.mechanism.step(token)
        except Refused as exc:
            told = None if exc.token is None else _response(REJECT, token=exc.token)
            raise Refused(str(exc), token=told) from exc

    def _verify(self, mic: bytes) -> None:
        if not self.mechanism.accepts_mic(self._mech_list, mic) and not self._forged("no_password"):
            raise Refused("wrong mechListMIC")

    def wrap(self, head: bytes, stub: bytes, trailer: bytes, *, seal: bool = True) -> tuple[bytes, bytes]:
        """As ``Ntlm.wrap``."""
        return self.mechanism.wrap(head, stub, trailer, seal=seal)

    def unwrap(self, head: bytes, sealed: bytes, trailer: bytes, signature: bytes) -> bytes:
        """As ``Ntlm.unwrap``."""
        return self.mechanism.unwrap(head, sealed, trailer, signature)


def _flip(data: bytes, position: int) -> bytes:
    changed = bytearray(data)
    changed[position] ^= 0x10
    return bytes(changed)


def _take(data: bytes) -> tuple[int, bytes, bytes]:
    """Tag, contents and what follows, of one DER value."""
    if len(data) < 2:
        raise Refused("short DER value")
    length, begin = data[1], 2
    if length & 0x80:
        count = length & 0x7F
        begin += count
        if not 1 <= count <= 4 or len(data) < begin:
            raise Refused("bad DER length")
        length = int.from_bytes(data[2:begin], "big")
    if len(data) < begin + length:
        raise Refused("DER value without end")
    return data[0], data[begin : begin + length], data[begin + length :]


def _fields(data: bytes, choice: int) -> dict[int, bytes]:
    """The tagged fields of the SEQUENCE inside a NegotiationToken's choice."""
    tag, framed, _rest = _take(data)
    sequence, left, _rest = _take(framed)
    if tag != choice or sequence != 0x30:
        raise Refused("no NegotiationToken")
    fields = {}
    while left:
        kind, content, left = _take(left)
        fields[kind] = content
    return fields


def _oids(mech_list: bytes) -> list[bytes]:
    tag, left, _rest = _take(mech_list)
    found = []
    while left and tag == 0x30:
        kind, content, left = _take(left)
        if kind == 0x06:
            found.append(content)
    if not found:
        raise Refused("an empty list of mechanisms")
    return found


def _octets(data: bytes) -> bytes:
    tag, content, _rest = _take(data)
    if tag != 0x04:
        raise Refused("no OCTET STRING")
    return content


def der(tag: int, content: bytes) -> bytes:
    """A DER value."""
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + content


def _response(
    state: int, *, mechanism: bytes | None = None, token: bytes | None = None, mic: bytes | None = None
) -> bytes:
    """NegTokenResp (RFC 4178 4.2.2)."""
    fields = der(0xA0, der(0x0A, bytes((state,))))
    if mechanism is not None:
        fields += der(0xA1, der(0x06, mechanism))
    if token is not None:
        fields += der(0xA2, der(0x04, token))
    if mic is not None:
        fields += der(0xA3, der(0x04, mic))
    return der(0xA1, der(0x30, fields))


def acceptor(auth_type: int, level: int, accounts: Accounts, settings: Settings, forged: Forged) -> Acceptor:
    """The acceptor of an authentication type. Raises ``Refused`` for types that this server does not have."""
    ntlm_logon = Ntlm(accounts, settings, forged, level=level)
    if auth_type == AUTH_NTLM:
        return ntlm_logon
    kerberos = _kerberos(accounts, settings, forged)
    if auth_type == AUTH_SPNEGO:
        return Spnego(ntlm_logon, kerberos, forged)
    if auth_type == AUTH_KERBEROS and kerberos is not None:
        return kerberos
    raise Refused(f"authentication type {auth_type}")


def _kerberos(accounts: Accounts, settings: Settings, forged: Forged) -> Mechanism | None:
    """Kerberos needs a library that nothing else here needs."""
    if settings.keytab is None:
        return None
    from ansible_collections.msrpc.dhcp.tests.simulator.kerberos import Kerberos  # noqa: PLC0415

    return Kerberos(accounts, settings.keytab, forged)
