# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any site, any tasks in any order, and others who change records in between: what is promised holds all the same.

In `make test` the examples are always the same ones. To look for new ones, for as long as it takes, call pytest itself
(nox takes the variable away)::

    MSRPC_DHCP_EXAMPLES=5000 python -m pytest tests/unit/machines --hypothesis-seed=7
"""

from __future__ import annotations

import copy
import os
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import Reservation, Site, dotted
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import UNRESERVE
from ansible_collections.msrpc.dhcp.tests.unit.machines.ground import (
    CLIENTS,
    HOSTS,
    MOMENTS_OF_A_RUN,
    SITES,
    Deed,
    Ground,
    Interference,
    Run,
    Task,
    deeds,
    tasks,
    told,
)
from ansible_collections.msrpc.dhcp.tests.unit.machines.oracle import Judgement, judge
from ansible_collections.msrpc.dhcp.tests.unit.machines.truth import lies, shortfalls

LONG = os.environ.get("MSRPC_DHCP_EXAMPLES")
PROFILE = settings(
    deadline=None,
    print_blob=True,
    derandomize=LONG is None,
    max_examples=int(LONG or 150),
    # What a failure says tells the whole story: to make it smaller takes minutes, and is for those who look for one.
    phases=[Phase.generate] if LONG is None else [Phase.generate, Phase.shrink],
    stateful_step_count=8,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


class Campus(RuleBasedStateMachine):
    """A server of which everything can be said in advance: who may be touched, and what a run must say."""

    def __init__(self) -> None:
        super().__init__()
        self.simulator: Simulator | None = None

    @initialize(site=SITES)
    def found(self, site: Site) -> None:
        self.simulator = Simulator(site)
        self.simulator.__enter__()
        self.ground = Ground(self.simulator)

    def teardown(self) -> None:
        if self.simulator is not None:
            self.simulator.__exit__(None, None, None)

    # --- what happens -------------------------------------------------------------------------------------------------

    @rule(others=st.lists(deeds(HOSTS, CLIENTS), min_size=1, max_size=3))
    def others_change_records(self, others: list[Deed]) -> None:
        assert self.simulator is not None
        for deed in others:
            deed(self.simulator.store)

    @rule(task=tasks())
    def nobody_interferes(self, task: Task) -> None:
        foreseen = self.ground.run(task, check=True)
        assert foreseen.writes == [], "check mode has written"
        first = self.ground.run(task)
        self._hold(first)
        second = self.ground.run(task)
        if not first.was_refused_a_write:
            _must_be_foreseen(foreseen, first)
            missing = list(shortfalls(first))
            assert missing == [], f"{missing}{told(first)}"
            if not first.failure or not first.changes:
                _must_be_idle(second, after=first)

    @rule(data=st.data(), task=tasks())
    def others_interfere(self, data: st.DataObject, task: Task) -> None:
        places = st.sampled_from([*(task.addresses * 12), *HOSTS])
        deed = places.flatmap(lambda place: deeds([place], CLIENTS))
        interference = data.draw(st.lists(st.tuples(MOMENTS_OF_A_RUN, deed), min_size=1, max_size=3))
        self._hold(self.ground.run(task, interference=interference), interference)

    # --- what holds of every run --------------------------------------------------------------------------------------

    def _hold(self, run: Run, interference: Sequence[Interference] = ()) -> None:
        assert self.simulator is not None
        judgement = judge(run, self.simulator.store.scopes)
        crimes = [(entry.name, change) for entry, change in judgement.unpermitted]
        assert crimes == [], f"{crimes}{told(run, *interference)}"
        assert bool(interference) or not judgement.in_windows
        for entry, _change in judgement.in_windows:
            event(f"hit in the window before {entry.name}")
        told_otherwise = list(lies(run))
        assert told_otherwise == [], f"{told_otherwise}{told(run, *interference)}"
        _must_purge_within_bounds(run, judgement)
        event(f"failure: {bool(run.failure)}, changed: {run.changed}, interference: {bool(interference)}")


def _must_be_foreseen(foreseen: Run, run: Run) -> None:
    """Check mode and the real run after it say the same."""
    ended = {change.address for change in run.changes if change.call == UNRESERVE and change.after is not None}
    assert _said(foreseen, ended) == _said(run, ended), f"{_said(foreseen)}\n{_said(run)}{told(run)}"


def _said(run: Run, ended: Collection[str] = ()) -> dict[str, Any]:
    """What is compared. How long a lease runs on whose reservation has ``ended`` is the server's own decision."""
    diff = {} if run.outcome is None else copy.deepcopy(run.outcome.diff)
    after = diff.get("after", {})
    for client in [after, *after.values()] if after else []:
        if isinstance(client, dict) and client.get("ip_address") in ended:
            client.pop("lease_expires")
    return {"changed": run.changed, "actions": run.actions, "diff": diff, "failure": run.failure}


def _must_be_idle(second: Run, *, after: Run) -> None:
    """A second run sends no write, changes no verdict, and says that it changed nothing."""
    assert second.writes == [], told(after) + told(second)
    assert (second.changed, set(second.actions) - {"none"}) == (False, set()), told(second)
    assert bool(second.failure) == bool(after.failure), told(after) + told(second)


def _must_purge_within_bounds(run: Run, judgement: Judgement) -> None:
    """Only reservations of the named scope that the list does not name, and no more of them than allowed."""
    if run.outcome is None or not run.task.options.get("purge"):
        assert run.outcome is None or run.outcome.purged == []
        return
    gone = [(each["ip_address"], each["scope"]) for each in run.outcome.purged if each["action"] == "removed"]
    assert len(gone) <= run.task.options["purge_limit"]
    assert {scope for _address, scope in gone} <= {run.task.options["scope"]}
    removed = Counter(
        (change.address, change.scope)
        for change in run.changes
        if change.call == UNRESERVE and isinstance(change.before, Reservation) and change.after is None
    )
    assert all(removed[place] for place in gone)
    for each in run.outcome.purged:
        assert not judgement.oracle.is_listed(_number(each["ip_address"]), bytes.fromhex(each["client_id"]))


def _number(text: str) -> int:
    return next(address for address in HOSTS if dotted(address) == text)


TestCampus = Campus.TestCase
TestCampus.settings = PROFILE
