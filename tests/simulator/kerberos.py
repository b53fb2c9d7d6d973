# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server's side of a Kerberos logon in DCE style, with the keys of a keytab (MS-KILE 3.4.5.1, RFC 4121).

It needs the package gssapi, and is loaded only where a site's settings name a keytab.
"""

from __future__ import annotations

import os
from typing import Any

import gssapi
from gssapi.raw import IOV, GSSError, IOVBufferType, unwrap_iov, wrap_iov, wrap_iov_length

from ansible_collections.msrpc.dhcp.tests.simulator.security import Accounts, Forged, Refused, der
from ansible_collections.msrpc.dhcp.tests.simulator.site import Account

_TABLE = -1765328384  # what MIT's library adds to the protocol's error codes
# Errors of RFC 4120 3.2.3 that Windows tells in a KRB-ERROR.
_TOLD = range(31, 46)


class Kerberos:
    """A Kerberos logon: AP-REQ in, AP-REP out; AP-REP in, nothing out."""

    def __init__(self, accounts: Accounts, keytab: str, forged: Forged) -> None:
        self.complete = False
        self.account: Account | None = None
        self._accounts = accounts
        self._keytab = keytab
        self._forged = forged
        self._context: Any = None
        self._before_last: bytes | None = None

    def step(self, token: bytes) -> bytes | None:
        """Raises ``Refused``, with a KRB-ERROR where Windows would tell one."""
        if self.complete:
            raise Refused("a token too many")
        if self._forged("no_password"):
            return self._made_up()
        try:
            if self._context is None:
                credentials = gssapi.Credentials(usage="accept", store={"keytab": self._keytab})
                self._context = gssapi.SecurityContext(usage="accept", creds=credentials)
                self._context.__DEFER_STEP_ERRORS__ = False
            answer: bytes | None = self._context.step(token)
        except GSSError as exc:
            code = exc.min_code - (1 << 32) - _TABLE
            raise Refused(f"Kerberos: {exc}", token=krb_error(code) if code in _TOLD else None) from exc
        if self._context.complete:
            self._finish()
        return answer

    def _finish(self) -> None:
        flag = gssapi.RequirementFlag
        demanded = flag.dce_style | flag.mutual_authentication | flag.confidentiality | flag.out_of_sequence_detection
        if self._context.actual_flags & demanded != demanded:
            raise Refused("Kerberos without DCE style, mutual authentication, seal or sequence")
        if self._context.actual_flags & flag.delegate_to_peer:
            raise Refused("Kerberos with a ticket to act as the user")
        name, _at, realm = str(self._context.initiator_name).rstrip("\0").partition("@")
        self.account, _hash = self._accounts.find(name, realm)
        self.complete = True

    def _made_up(self) -> bytes | None:
        """An AP-REP of somebody who has no key: everything in clear is right (RFC 4120 5.5.2)."""
        encrypted = der(0xA0, _integer(18)) + der(0xA2, der(0x04, os.urandom(80)))
        fields = der(0xA0, _integer(5)) + der(0xA1, _integer(15)) + der(0xA2, der(0x30, encrypted))
        return der(0x6F, der(0x30, fields))

    def signature_size(self, *, seal: bool = True) -> int:
        """Octets of a message's token."""
        sizes = IOV(IOVBufferType.header, b"", std_layout=False)
        wrap_iov_length(self._context, sizes, confidential=seal)
        return len(sizes[0].value or b"")

    def repeat_sequence(self) -> None:
        """Make the next message carry the number of the last one; where there was none, leave a number out."""
        if self._before_last is None:
            self.mic(b"")
        else:
            self._context = gssapi.SecurityContext(token=self._before_last)

    def wrap(self, head: bytes, stub: bytes, trailer: bytes, *, seal: bool = True) -> tuple[bytes, bytes]:
        """Stub (sealed) and signature of a PDU; its headers are signed as well."""
        if self._forged("repeated_sequence"):
            self._remember()
        buffers = IOV(
            (IOVBufferType.sign_only, head),
            (IOVBufferType.data, stub),
            (IOVBufferType.sign_only, trailer),
            IOVBufferType.header,
            std_layout=False,
        )
        wrap_iov(self._context, buffers, confidential=seal)
        return buffers[1].value or b"", buffers[3].value or b""

    def _remember(self) -> None:
        """A copy of the context as it is: exporting takes it away, importing brings it back, as often as wanted."""
        self._before_last = self._context.export()
        self._context = gssapi.SecurityContext(token=self._before_last)

    def unwrap(self, head: bytes, sealed: bytes, trailer: bytes, signature: bytes) -> bytes:
        """The stub of a sealed PDU. Raises ``Refused`` where the signature is not that of the client's next message."""
        buffers = IOV(
            (IOVBufferType.sign_only, head),
            (IOVBufferType.data, sealed),
            (IOVBufferType.sign_only, trailer),
            (IOVBufferType.header, False, signature),
            std_layout=False,
        )
        try:
            encrypted = unwrap_iov(self._context, buffers).encrypted
        except GSSError as exc:
            raise Refused("wrong signature") from exc
        if not encrypted:
            raise Refused("a message in clear")
        return buffers[1].value or b""

    def mic(self, data: bytes) -> bytes:
        """The signature of a list of mechanisms."""
        made: bytes = self._context.get_signature(data)
        return made

    def accepts_mic(self, data: bytes, mic: bytes) -> bool:
        """Whether it is the client's signature of a list of mechanisms."""
        try:
            self._context.verify_signature(data, mic)
        except GSSError:
            return False
        return True


def krb_error(code: int) -> bytes:
    """KRB-ERROR with an error-code, its times at the beginning of 2026 (RFC 4120 5.9.1)."""
    realm = der(0x1B, b"EXAMPLE.COM")
    name = der(0x30, der(0xA0, _integer(2)) + der(0xA1, der(0x30, der(0x1B, b"host"))))
    fields = [
        (0, _integer(5)),
        (1, _integer(30)),
        (4, der(0x18, b"20260101000000Z")),
        (5, _integer(0)),
        (6, _integer(code)),
        (9, realm),
        (10, name),
    ]
    return der(0x7E, der(0x30, b"".join(der(0xA0 | number, content) for number, content in fields)))


def _integer(value: int) -> bytes:
    return der(0x02, bytes((value,)))
