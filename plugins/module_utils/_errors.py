# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Everything that the collection expects to go wrong, as one tree.

Each message is a sentence with object, cause and remedy. A bug is none of these and stays a traceback.
"""

from __future__ import annotations


def printable(text: str) -> str:
    """Text for a terminal: what a server or its clients wrote into it moves no cursor and turns no line round.

    Control characters, marks of direction and halves of surrogate pairs become escapes, as in ``repr()``.
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class DhcpError(Exception):
    """Something expected went wrong; ``str()`` is the sentence for the user, fit for a terminal."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class InvalidInput(DhcpError):
    """What the user gave cannot be meant; raised before the first call.

    ``option`` is the option's name as documented, ``value`` what was given, ``reason`` the rest of the sentence.
    """

    def __init__(self, option: str, value: object, reason: str) -> None:
        super().__init__(f"{option}={value!r}: {reason}")
        self.option = option
        self.value = value
        self.reason = reason


class TransportError(DhcpError):
    """The connection cannot be made, or cannot be used any more.

    Where a request had been sent, its outcome is unknown: only a read on a new connection tells.
    """


class NameNotFound(TransportError):
    """The server's name does not resolve."""


class Unreachable(TransportError):
    """The TCP connection was refused, or there is no route."""


class NoEndpoint(TransportError):
    """The endpoint mapper answered, but knows no DHCP server there."""


class TimedOut(TransportError):
    """A deadline passed while connecting or waiting for a reply."""


class ConnectionLost(TransportError):
    """The peer closed or reset the connection."""


class BadReply(TransportError):
    """The peer sent something that is no valid reply to what was asked; nothing of it was believed."""


class DecodeError(BadReply):
    """Bytes that do not decode as the type that they should be (DCE/RPC or NDR 2.0)."""


class SecurityError(BadReply):
    """A reply without valid signature and seal, or a logon weaker than demanded; nothing of it was believed."""


class LogonFailed(TransportError):
    """The server did not accept the account."""


class NoKerberos(LogonFailed):
    """There is nobody who could give a Kerberos ticket: no library, no KDC, no such account or service.

    ``asked`` is true where a KDC was asked, or could not be: then anybody on the way can have brought it about.
    """

    def __init__(self, message: str, *, asked: bool = False) -> None:
        super().__init__(message)
        self.asked = asked


class RpcFault(DhcpError):
    """The server answered a call with an RPC fault (C706 12.6.4.7). ``code`` is its status, ``name`` what it is called.

    ``call`` is the call, or the part of the logon. A fault is not authenticated: it is no proof that the call had no
    effect.
    """

    def __init__(self, message: str, code: int, *, name: str = "", call: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.name = name
        self.call = call


class AccessFault(RpcFault):
    """An RPC fault that says access denied (5, or nca_s_fault_access_denied)."""


class Taken(DhcpError):
    """A write was refused with a code for "exists". Each may also mean something else, so only a read tells who."""


class Unanswered(DhcpError):
    """A write was sent and no verified answer came, or one that does not tell. Only a read tells what happened."""


class Overtaken(DhcpError):
    """The read right before a write shows something else than the plan was made for; the write was not sent."""


class NotSupported(DhcpError):
    """The server is too old for a call."""
