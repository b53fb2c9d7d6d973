# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault at every call of a task: the run tells the truth, and the next one reaches what was declared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from queue import SimpleQueue
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.unit.faults.bench import GARBAGE, Bench, Told, sweep
from ansible_collections.msrpc.dhcp.tests.unit.faults.oracle import judge
from ansible_collections.msrpc.dhcp.tests.unit.faults.stories import BULK, CHAIN, SINGLE, SWAP, WHOLE, Story
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import CREATE, RESERVE, SET_OPTIONS

BEYOND = 2  # calls behind the last one: a fault there meets nothing
IMPATIENT = 0.15  # seconds; only for answers that never come
AT_ONCE = 12  # such waits at once, each on a server of its own

FAULTS: dict[str, dict[str, Any]] = {
    "refused": {"status": 5},
    "database": {"status": 20013},
    "refused_after": {"status_after": 5},
    "database_after": {"status_after": 20013},
    "fault": {"fault": 0x6F7},
    "fault_after": {"fault_after": 0x6F7},
    "access_fault": {"fault": 5},
    "drop_before": {"drop": "before"},
    "drop_after": {"drop": "after"},
    "truncated": {"torn": "truncated"},
    "wrong_signature": {"forge": ("wrong_signature",)},
    "garbage": {"stub": GARBAGE},
    "gone_before": {"drop": "before", "times": None},
    "gone_after": {"drop": "after", "times": None},
    "rights_lost": {"status": 5, "times": None},
}
# Codes of one call alone.
CODES = {"client_exists": (CREATE, 20014), "reserved_already": (RESERVE, 20022)}
SLOW: dict[str, dict[str, Any]] = {
    "silent_before": {"silent": "before"},
    "silent_after": {"silent": "after"},
    "late": {"delay": 5.0},
    "silent_for_good": {"silent": "before", "times": None},
}

# The faults that are the same to whoever calls are in the sweep of the whole task alone.
DISTINCT = {
    name: recipe
    for name, recipe in FAULTS.items()
    if name not in ("database_after", "access_fault", "truncated", "wrong_signature")
}
STORIES = {**SINGLE, "swap": SWAP, "chain": CHAIN}
# A write of each kind is refused, and the faults meet what takes and puts back.
WAYS_BACK = {
    f"{name}_back_from_{call}": replace(story, refused=(call, nth))
    for name, story, call, nth in (
        ("replace", SINGLE["replace"], CREATE, 1),
        ("replace", SINGLE["replace"], SET_OPTIONS, 1),
        ("replace_leased", SINGLE["replace_leased"], RESERVE, 1),
        ("evict", SINGLE["evict"], CREATE, 1),
        ("evict", SINGLE["evict"], RESERVE, 1),
        ("evict_under_own", SINGLE["evict_under_own"], RESERVE, 1),
        ("move", SINGLE["move"], CREATE, 1),
        ("move", SINGLE["move"], SET_OPTIONS, 1),
        ("move_lease", SINGLE["move_lease"], CREATE, 1),
        ("create", SINGLE["create"], RESERVE, 1),
        ("swap", SWAP, CREATE, 2),
        ("swap", SWAP, SET_OPTIONS, 1),
        ("chain", CHAIN, RESERVE, 1),
        ("chain", CHAIN, RESERVE, 2),
    )
}
SHORT = {**STORIES, **WAYS_BACK}
CONNECTIONS = 4
EVERY = 7  # of the many calls of a large task


@contextmanager
def benches(story: Story, number: int = 1, *, connections: int = 1) -> Iterator[list[Bench]]:
    """So many servers with the story's site."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                closing(Bench(stack.enter_context(Simulator(story.site)), story, connections=connections))
            )
            for _each in range(number)
        ]


@pytest.fixture(scope="module")
def whole() -> Iterator[Bench]:
    with benches(WHOLE) as (bench,):
        yield bench


@pytest.fixture(scope="module")
def bulk() -> Iterator[Bench]:
    with benches(BULK, connections=CONNECTIONS) as (bench,):
        yield bench


def every_call(told: Told) -> list[int]:
    """From the story's refusal on, where it has one: before that the same faults are another story's."""
    return list(range(_refusal(told), len(told.calls) + BEYOND + 1))


def _refusal(told: Told) -> int:
    if told.run.story.refused is None:
        return 1
    name, nth = told.run.story.refused
    return only(name)(told)[nth - 1]


def every_seventh(told: Told) -> list[int]:
    return list(range(1, len(told.calls) + 1, EVERY))


def only(call: str) -> Callable[[Told], list[int]]:
    return lambda told: [k for k, (name, _stub) in enumerate(told.calls, 1) if name == call]


def sweep_at_once(servers: list[Bench], recipe: dict[str, Any]) -> list[str]:
    """The same as a sweep, with the waits of several cases at once."""
    told = servers[0].plain()
    free: SimpleQueue[Bench] = SimpleQueue()
    for bench in servers:
        free.put(bench)

    def case(k: int) -> list[str]:
        bench = free.get()
        try:
            return sweep(bench, recipe, lambda _told: [k], plain=told, patience=IMPATIENT)
        finally:
            free.put(bench)

    with ThreadPoolExecutor(len(servers)) as pool:
        return [complaint for complaints in pool.map(case, every_call(told)) for complaint in complaints]


def report(what: str, complaints: list[str]) -> str:
    return "\n".join(f"{what}, {complaint}" for complaint in complaints[:20]) + f"\n({len(complaints)} in all)"


# --- all kinds at once ------------------------------------------------------------------------------------------------


def test_without_faults_the_whole_task_does_what_it_says(whole: Bench) -> None:
    told = whole.plain()
    assert judge(told.run) == []
    assert told.run.outcome.failure is None


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_any_call_of_the_whole_task(whole: Bench, fault: str) -> None:
    complaints = sweep(whole, FAULTS[fault], every_call)
    assert not complaints, report(fault, complaints)


@pytest.mark.parametrize("code", CODES)
def test_a_code_that_says_exists_at_any_call_that_can_give_it(whole: Bench, code: str) -> None:
    call, status = CODES[code]
    complaints = sweep(whole, {"status": status}, only(call))
    assert not complaints, report(code, complaints)


@pytest.mark.parametrize("fault", SLOW)
def test_an_answer_that_never_comes_at_any_call_of_the_whole_task(fault: str) -> None:
    with benches(WHOLE, AT_ONCE) as servers:
        complaints = sweep_at_once(servers, SLOW[fault])
    assert not complaints, report(fault, complaints)


@pytest.mark.parametrize("fault", DISTINCT)
def test_a_purge_beyond_its_limit_removes_nothing_whatever_else_happens(fault: str) -> None:
    story = replace(WHOLE, task={**WHOLE.task, "purge_limit": 1})
    with benches(story) as (bench,):
        for k in every_call(bench.plain()):
            run = bench.met(k, DISTINCT[fault]).run
            assert judge(run) == [], f"call {k}"
            assert not [change for change in run.audit if change.address in story.purges], f"call {k}"
            # Where an item cannot be planned there is no purge, and the others are tried.
            assert run.outcome is None or run.outcome.failure is not None, f"call {k}"


# --- one kind alone ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHORT)
def test_every_fault_at_any_call_of_one_kind(name: str) -> None:
    complaints = []
    with benches(SHORT[name]) as (bench,):
        for fault, recipe in DISTINCT.items():
            complaints += [f"{fault}, {complaint}" for complaint in sweep(bench, recipe, every_call)]
        for code, (call, status) in CODES.items():
            complaints += [f"{code}, {complaint}" for complaint in sweep(bench, {"status": status}, only(call))]
    assert not complaints, report(name, complaints)


@pytest.mark.parametrize("name", SHORT)
def test_an_answer_that_never_comes_at_any_call_of_one_kind(name: str) -> None:
    complaints = []
    with benches(SHORT[name], AT_ONCE) as servers:
        for fault, recipe in SLOW.items():
            complaints += [f"{fault}, {complaint}" for complaint in sweep_at_once(servers, recipe)]
    assert not complaints, report(name, complaints)


# --- many writes over several connections -----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", DISTINCT)
def test_a_fault_among_many_writes_over_several_connections(bulk: Bench, fault: str) -> None:
    complaints = sweep(bulk, DISTINCT[fault], every_seventh)
    assert not complaints, report(fault, complaints)
