# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All that the fuzzer found worth keeping, again, and random changes of it: a value or a ``DhcpError``, cheaply."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import BadReply
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.calls import Packable
from ansible_collections.msrpc.dhcp.tests.fuzz import checking, corpus, targets
from ansible_collections.msrpc.dhcp.tests.fuzz.checking import Defect, check, outcome
from ansible_collections.msrpc.dhcp.tests.fuzz.targets import REPLIES, TARGETS

CORPUS = {name: corpus.load(name) for name in TARGETS}
HUGE = (0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 0x00FFFFFF, 0x10000)

# The least that each kind of element takes on the wire, over and over: NULL pointers, tags, bytes.
DENSE: dict[str, Callable[[int], bytes]] = {
    "EnumSubnetsReply": lambda n: _dwords(0, 4, n, 8, n) + bytes(4 * n) + bytes(12),
    "FreeAddressesReply": lambda n: _dwords(4, n, 8, n) + bytes(4 * n) + bytes(4),
    "EnumClientsReply": lambda n: _dwords(0, 4, n, 8, n) + _dwords(4) * n + bytes(60 * n) + bytes(12),
    "EnumElementsReply": lambda n: _dwords(0, 4, n, 8, n) + _dwords(0x00020002, 4) * n + bytes(12 * n) + bytes(12),
    "AllOptionValuesReply": lambda n: _dwords(4, 0, n, 8, n) + bytes(16 * n) + bytes(4),
    "ScopeRelationshipReply": lambda n: (
        _dwords(4) + bytes(24 + 12) + _dwords(4, 0, 0, n, 8, n) + bytes(4 * n) + bytes(4)
    ),
    "SubnetInfoReply": lambda n: _dwords(4, 0, 0, 4, 0, 0, 0, 0, 0) + _halves(n) + bytes(4),
    "ClientInfoReply": lambda n: _dwords(4, 0, 0, 0, 0, 4) + bytes(40) + _halves(n) + bytes(4),
}
ONE_SIZE = {"StatusReply", "VersionReply"}


def _dwords(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)


def _halves(count: int) -> bytes:
    """A string of halves of surrogate pairs, which take longest to decode, with its padding."""
    return _dwords(count, 0, count) + b"\0\xd8" * count + bytes(-2 * count % 4)


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_has_inputs_that_are_kept(target: str) -> None:
    assert CORPUS[target]


def test_the_files_of_inputs_are_those_of_the_targets() -> None:
    assert {path.stem for path in corpus.FOLDER.iterdir()} == set(TARGETS)


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_kept_is_written_as_it_is_read(target: str) -> None:
    path = corpus.FOLDER / f"{target}.txt"
    before = path.read_text(encoding="utf-8")
    assert "".join(corpus.lines(CORPUS[target])) == before


@pytest.mark.parametrize("target", TARGETS)
def test_all_that_is_kept_is_survived(target: str) -> None:
    for case in CORPUS[target]:
        check(target, case.data)


@pytest.mark.parametrize(
    ("target", "case"),
    [(target, case) for target, cases in CORPUS.items() for case in cases if case.name.startswith(corpus.CRASH)],
    ids=str,
)
def test_what_was_a_defect_is_none_any_more(target: str, case: corpus.Case) -> None:
    check(target, case.data)


@pytest.mark.parametrize("target", REPLIES)
def test_a_named_reply_is_a_value(target: str) -> None:
    named = [case for case in CORPUS[target] if case.stays and not case.name.startswith(corpus.CRASH)]
    assert [case.name for case in named if not isinstance(outcome(target, case.data), Packable)] == []


# --- changes ----------------------------------------------------------------------------------------------------------


@st.composite
def changed(draw: st.DrawFn, target: str) -> bytes:
    """A kept input with a few changes: flipped bits, a cut, a region twice or elsewhere, an extreme count."""
    data = bytearray(draw(st.sampled_from(CORPUS[target])).data)
    for _each in range(draw(st.integers(1, 4))):
        start, size = draw(st.integers(0, len(data))), draw(st.integers(0, 32))
        match draw(st.integers(0, 5)):
            case 0 if start < len(data):
                data[start] ^= 1 << draw(st.integers(0, 7))
            case 1:
                del data[start:]
            case 2:
                data[start:start] = data[start : start + size]
            case 3:
                other = draw(st.sampled_from(CORPUS[target])).data
                data[start : start + size] = other[start : start + size]
            case 4:
                data[start // 4 * 4 : start // 4 * 4 + 4] = _dwords(draw(st.sampled_from(HUGE)))
            case _:
                data[start : start + size] = draw(st.binary(max_size=32))
    return bytes(data)


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=60)
@given(data=st.data())
def test_a_change_of_what_is_kept_is_survived(target: str, data: st.DataObject) -> None:
    check(target, data.draw(changed(target)))


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=30)
@given(octets=st.binary(max_size=300))
def test_any_octets_are_survived(target: str, octets: bytes) -> None:
    check(target, octets)


@pytest.mark.parametrize("target", REPLIES)
def test_an_extreme_count_anywhere_is_survived(target: str) -> None:
    for case in CORPUS[target]:
        if not case.stays or len(case.data) > 400:
            continue
        for where in range(0, len(case.data) - 3, 4):
            for number in HUGE:
                check(target, case.data[:where] + _dwords(number) + case.data[where + 4 :])


# --- time -------------------------------------------------------------------------------------------------------------


def test_every_reply_has_its_densest_form() -> None:
    assert set(DENSE) | ONE_SIZE == set(REPLIES)


@pytest.mark.parametrize("target", DENSE)
def test_the_densest_reply_is_a_value(target: str) -> None:
    assert isinstance(outcome(target, DENSE[target](3)), Packable)


@pytest.mark.parametrize("target", DENSE)
def test_the_densest_reply_costs_a_small_multiple_of_itself(target: str) -> None:
    check(target, DENSE[target](20_000))


@pytest.mark.parametrize("target", DENSE)
def test_a_large_reply_takes_seconds_where_looking_back_would_take_hours(target: str) -> None:
    """A quarter of a million elements: whatever is done for each pair of them is done 3 * 10**10 times."""
    stub = DENSE[target](250_000)
    began = time.process_time()
    outcome(target, stub)
    assert time.process_time() - began < 30


# --- the checks see what they are for ---------------------------------------------------------------------------------


def _with(monkeypatch: pytest.MonkeyPatch, target: Callable[[bytes], object], name: str = "gateway") -> None:
    monkeypatch.setitem(TARGETS, name, target)


def test_another_exception_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    _with(monkeypatch, lambda data: data[1000])
    with pytest.raises(IndexError):
        check("gateway", b"")


def test_a_refusal_is_no_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_data: bytes) -> object:
        raise BadReply("no.")

    _with(monkeypatch, refuse)
    check("gateway", b"")


def test_a_refusal_of_a_server_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_data: bytes) -> object:
        raise BadReply("no.")

    _with(monkeypatch, refuse, "simulator")
    with pytest.raises(Defect, match="a server raised"):
        check("simulator", b"")


def test_too_much_memory_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    _with(monkeypatch, lambda _data: bytes(targets.BESIDE + targets.PER_OCTET + 1000))
    with pytest.raises(Defect, match="octets of memory"):
        check("gateway", b"1")


def test_a_sentence_that_is_too_long_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_data: bytes) -> object:
        raise BadReply("n" * (checking.LONGEST_SENTENCE + 1))

    _with(monkeypatch, refuse)
    with pytest.raises(Defect, match="a sentence of"):
        check("gateway", b"")
