# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""What Kerberos refuses, in words with a remedy (RFC 4120 7.5.9; codes of MIT's library beyond those of the protocol).

A code is either a refusal by somebody who was asked, or says that there is nobody to ask (``NoKerberos``). Only the
second kind lets ``auth=negotiate`` go on with NTLM. Nobody signs what a KDC says before there is a ticket.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import NamedTuple

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import LogonFailed, NoKerberos

# The library's codes are those of the protocol (0 to 127), and its own (from 128 on), on this base.
_BASE = -1765328384
_SIGNED = 1 << 31
# Routine errors of GSS-API (RFC 2744 3.9.1).
_NO_CREDENTIALS = 7
_CREDENTIALS_EXPIRED = 11

_EXPIRED = 32
_NO_TICKET = 195


@dataclass(slots=True)
class Case:
    """What a message is about; ``client`` and ``realm`` get known on the way."""

    server: str
    username: str | None
    spn: str
    by_password: bool
    by_keytab: bool = False
    client: str = ""
    realm: str = "this machine's realm"

    @property
    def begin(self) -> str:
        """How each sentence begins."""
        account = f" as '{self.username}'" if self.username else ""
        return f"Cannot log on to {self.server}{account} by Kerberos:"


class Problem(NamedTuple):
    """An error of the library: its code, relative to the protocol's codes, and its text."""

    code: int | None
    text: str


_WRONG_CLOCK = (
    "the clocks of this machine and {who} differ by more than is allowed, usually five minutes. Set both by the same "
    "time servers (NTP)."
)
_WRONG_KEY = "the key of {client} in the keytab is not the one that the KDC has. Make a new keytab."
_BAD_LOGON = "the KDC refuses the password of {client}. Check username, realm and password."
_NO_AES = (
    "the KDC has no ticket for {spn} with an encryption that is taken here: AES, neither RC4 nor DES. Enable AES for "
    "the accounts of user and server."
)
_NO_KDC = "krb5.conf names no KDC of {realm}, nor does DNS. Add the realm to krb5.conf, or check the realm in username."
_NO_CONFIGURATION = "the configuration of Kerberos cannot be read. Check krb5.conf, or what KRB5_CONFIG names."
_NO_LOGON = "the KDC does not let {client} log on: {why}"

# Somebody was asked and refused.
_REFUSED = {
    1: _NO_LOGON.format(client="{client}", why="the account has expired. Have it extended."),
    12: _NO_LOGON.format(client="{client}", why="its policy forbids it. Check logon hours and restrictions."),
    14: _NO_AES,
    18: _NO_LOGON.format(client="{client}", why="the account is locked or disabled. Have it unlocked or enabled."),
    23: _NO_LOGON.format(client="{client}", why="its password has expired. Change it."),
    24: _BAD_LOGON,
    31: _BAD_LOGON,
    _EXPIRED: "the ticket in {source} has expired. Get a new one with kinit.",
    33: "the ticket in {source} is not yet valid. Get a new one with kinit.",
    37: _WRONG_CLOCK.format(who="the KDC"),
    148: _WRONG_CLOCK.format(who="the KDC"),
    150: _NO_AES,
    181: "the keytab {keytab} has no key of {client}. Add one, or set username to an account that it has.",
    188: _NO_AES,
    210: _BAD_LOGON,
    237: _NO_AES,
}
# There is nobody to ask, or nobody of that name.
_CANNOT_BE_HAD = {
    6: "the KDC of {realm} does not know the account {client}. Check username; the realm is written as user@REALM.",
    7: (
        "the KDC does not know the service {spn}. Set server to the server's full DNS name, or spn to its service "
        "principal name, with its realm (host/name@REALM) where that is another one."
    ),
    68: "the KDC of {realm} is not that of the account {client}. Check the realm in username.",
    135: _NO_CONFIGURATION,
    136: _NO_CONFIGURATION,
    154: _NO_KDC,
    156: (
        "no KDC of {realm} can be reached. Check the realm's entries in krb5.conf or DNS, that the KDC is up, and "
        "firewalls between (port 88, UDP and TCP)."
    ),
    217: "no realm is known for {spn}. Set spn with the realm, as host/name@REALM.",
    220: "the name of a KDC of {realm} does not resolve. Check the realm's entries in krb5.conf and DNS.",
    224: "krb5.conf names no default_realm. Add it, or write username as user@REALM.",
}
# Of these the ones where a KDC was asked, or is known and cannot be: what somebody on the way can bring about.
_ASKED = frozenset({6, 7, 68, 156, 220})
_NO_TICKETS = (
    "there is no ticket{of} in {source}{keytab}. Get one with kinit, let KRB5CCNAME name the cache or "
    "KRB5_CLIENT_KTNAME a keytab, or set username and password."
)
# What a server says of an AP-REQ (RFC 4120 3.2.3).
_OF_THE_SERVER = {
    31: "it cannot decrypt the ticket",
    _EXPIRED: "it takes the ticket for expired",
    33: "it takes the ticket for not yet valid",
    34: "it takes the logon for a repetition",
    35: "the ticket is for another server",
    36: "ticket and account do not match",
    37: "its clock and this machine's differ by more than is allowed",
    41: "it cannot decrypt the ticket: the name belongs to another account, or its key was changed",
    44: "it does not have the key of the ticket any more",
    45: "it has no key for the ticket",
}


def error_of(exc: BaseException) -> Problem:
    """The code and the text of an error of gssapi or krb5."""
    text = re.sub(r"^Major .*?, Minor \(\d+\): | -?\d+$", "", str(exc))
    code: int = getattr(exc, "err_code", 0)
    if not code:
        code = getattr(exc, "min_code", 0)
        routine = getattr(exc, "maj_code", 0) >> 16 & 0xFF
        if routine == _CREDENTIALS_EXPIRED:
            return Problem(_EXPIRED, text)
        if routine == _NO_CREDENTIALS and _relative(code) not in {**_REFUSED, **_CANNOT_BE_HAD}:
            return Problem(_NO_TICKET, text)
    return Problem(_relative(code), text)


def explain(problem: Problem, case: Case) -> LogonFailed:
    """The exception for what went wrong before anything was sent to the server."""
    known = {
        "client": case.client or "the ticket's owner",
        "realm": case.realm,
        "spn": case.spn,
        "source": os.environ.get("KRB5CCNAME") or "this system's default cache",
        "keytab": os.environ.get("KRB5_CLIENT_KTNAME") or "of this system",
    }
    code = problem.code
    if code in _CANNOT_BE_HAD:
        return NoKerberos(_sentence(case, _CANNOT_BE_HAD[code].format(**known), problem), asked=code in _ASKED)
    if case.by_keytab and code is not None and _REFUSED.get(code) is _BAD_LOGON:
        what = _WRONG_KEY.format(**known)
    elif code in _REFUSED:
        what = _REFUSED[code].format(**known)
    elif code in _TICKETLESS:
        keytab = os.environ.get("KRB5_CLIENT_KTNAME")
        known["keytab"] = f", and no key in {keytab}" if keytab else ""
        what = _NO_TICKETS.format(**known, of=f" of {case.client}" if case.client else "")
    else:
        what = "the Kerberos library reports an error. Check krb5.conf and the KDC's log."
    return LogonFailed(_sentence(case, what, problem))


# No cache, an empty one, or none of that account.
_TICKETLESS = frozenset({_NO_TICKET, 141, 142, 143})


def _sentence(case: Case, what: str, problem: Problem) -> str:
    return f"{case.begin} {what} ({problem.text})" if problem.text else f"{case.begin} {what}"


def _relative(code: int) -> int:
    code &= 0xFFFFFFFF
    return (code - (1 << 32) if code & _SIGNED else code) - _BASE


# --- what the server says ---------------------------------------------------------------------------------------------


def refusal(token: bytes) -> str | None:
    """What a KRB-ERROR in the place of an AP-REP says, alone or in GSS-API's frame; None if the token is none.

    Nobody signed it: it is a hint for people, and the logon has failed in any case (RFC 4120 5.9.1).
    """
    start = token.find(b"\x03\x00\x7e", 0, 32) + 2 if token.startswith(b"\x60") else 0
    code = _error_code(token[start:]) if token[start : start + 1] == b"\x7e" else None
    if code is None:
        return None
    return f"Kerberos error {code}: {_OF_THE_SERVER.get(code, 'it refuses the ticket')}"


def _error_code(data: bytes) -> int | None:
    """error-code of a KRB-ERROR, the field 6 of its SEQUENCE."""
    _tag, sequence, _rest = _take(data)
    _tag, fields, _rest = _take(sequence)
    while fields:
        tag, content, fields = _take(fields)
        if tag == 0xA6:
            _tag, number, _rest = _take(content)
            return int.from_bytes(number, "big") if len(number) == 1 else None
    return None


def _take(data: bytes) -> tuple[int, bytes, bytes]:
    """Tag, content and rest of a DER value; nothing of what does not fit."""
    if len(data) < 2:
        return 0, b"", b""
    length, start = data[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[2:start], "big")
    return data[0], data[start : start + length], data[start + length :]
