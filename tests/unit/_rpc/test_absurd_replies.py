# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fragments and logon tokens that are well formed and make no sense; what is signed is taken for signed here."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import BadReply, TimedOut
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import connection as module
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.channel import Address, Channel
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import Connection, Endpoint
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.security import Credentials, open_context
from ansible_collections.msrpc.dhcp.tests.fuzz.targets import CHALLENGE, Clear, Wire, channel, deadline
from ansible_collections.msrpc.dhcp.tests.simulator import pdu


class Endless(Wire):
    """A socket on which PDU after PDU comes, in pieces as they are."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__(b"")
        self.pieces = pieces
        self.count = 0

    def recv(self, size: int) -> bytes:
        self.count += 1
        return next(self.pieces, b"")


def fragment(stub: bytes, flags: int, *, pad: int = 0) -> bytes:
    """A fragment of the reply to the first call."""
    body = pdu.response_head(hint=len(stub), context_id=0) + stub + bytes(pad)
    tail = struct.pack("<BBBBI", Clear.auth_type, 6, pad, 0, 1) + bytes(16)
    head = pdu.header(pdu.RESPONSE, flags=flags, length=16 + len(body) + len(tail), auth_length=16, call_id=2)
    return head + body + tail


def ask(pieces: Iterator[bytes], *, seconds: float = 30.0) -> tuple[bytes | Exception, int]:
    """The reply that comes in these fragments, or what is raised instead, and how many of them were read."""
    wire: Any = Endless(pieces)
    opened = Connection(
        Endpoint(server="dhcp1", request_timeout=seconds),
        Channel(wire, "dhcp1 port 49664", Address(2, "192.0.2.1", ())),
        Clear(),
        account="'somebody'",
        contexts={DHCPSRV: 0},
        max_fragment=5840,
    )
    try:
        return opened.call(DHCPSRV, 28, b"request", label="R_DhcpGetVersion"), wire.count
    except (BadReply, TimedOut) as exc:
        return exc, wire.count


FIRST, MIDDLE, LAST = pdu.FIRST, 0, pdu.LAST


def test_thousands_of_tiny_fragments_are_one_reply() -> None:
    pieces = chain([fragment(b"12345678", FIRST)], repeat(fragment(b"12345678", MIDDLE), 9998))
    reply, _count = ask(chain(pieces, [fragment(b"12345678", LAST)]))
    assert reply == b"12345678" * 10_000


def test_a_last_fragment_may_be_empty() -> None:
    assert ask(iter([fragment(b"12345678", FIRST), fragment(b"", LAST)]))[0] == b"12345678"


@pytest.mark.parametrize("pad", [0, 16])
def test_empty_fragments_without_end_are_refused_at_once(pad: int) -> None:
    endless = chain([fragment(b"", FIRST, pad=pad)], repeat(fragment(b"", MIDDLE, pad=pad)))
    reply, count = ask(endless)
    assert "a fragment of the reply is empty" in str(reply)
    assert count == 1


def test_tiny_fragments_without_end_are_refused_for_their_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_REPLY", 8000)
    reply, count = ask(chain([fragment(b"12345678", FIRST)], repeat(fragment(b"12345678", MIDDLE))))
    assert "the reply is larger than 8000 bytes" in str(reply)
    assert count == 1001


def test_a_reply_that_goes_on_ends_with_its_deadline() -> None:
    """However much comes: each piece alone is quick."""
    reply, _count = ask(chain([fragment(b"1", FIRST)], repeat(fragment(b"1", MIDDLE))), seconds=0.05)
    assert isinstance(reply, TimedOut)


def test_a_pdu_of_the_largest_size_is_read() -> None:
    stub = bytes(0xFFFF - 24 - 8 - 16)
    assert ask(iter([fragment(stub, FIRST | LAST)]))[0] == stub


def challenge_with(octets: int) -> bytes:
    """A CHALLENGE whose target information is so large; the answer repeats it."""
    information = struct.pack("<HH", 2, octets) + b"a\0" * (octets // 2) + bytes(4)
    fields = struct.pack("<HHI", len(information), len(information), 58)
    return CHALLENGE[:40] + fields + CHALLENGE[48:58] + information


@pytest.mark.parametrize("octets", [65_400, 65_500])
def test_a_challenge_whose_answer_fits_into_no_pdu_is_told(octets: int) -> None:
    security = open_context(Credentials(auth="ntlm", username="somebody", password="secret"), "dhcp1")
    security.first_leg()
    logon = module._Logon(channel(b""), security, "'somebody'", deadline())
    with pytest.raises(BadReply):
        logon._send(pdu.AUTH3, bytes(4), security.third_leg(challenge_with(octets)))


def test_a_challenge_whose_answer_just_fits_is_answered() -> None:
    security = open_context(Credentials(auth="ntlm", username="somebody", password="secret"), "dhcp1")
    security.first_leg()
    logon = module._Logon(channel(b""), security, "'somebody'", deadline())
    logon._send(pdu.AUTH3, bytes(4), security.third_leg(challenge_with(65_000)))
