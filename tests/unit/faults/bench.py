# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated server on which one story is told again and again, each time with another fault.

A run is followed by one without faults, which must reach what was declared, and by another one, which must not write.
What these two do depends on the state alone that the first has left, so each such state is continued once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import options
from ansible_collections.msrpc.dhcp.plugins.module_utils._converge import converge
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls, connection, option_calls
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import Endpoint
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV, DHCPSRV2, Interface
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.security import Credentials
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import ADMINISTRATOR, DEFAULT_PASSWORD, NEVER, Record, filetime
from ansible_collections.msrpc.dhcp.tests.unit.faults.oracle import Lost, Run, Snapshot, judge, missing, parts
from ansible_collections.msrpc.dhcp.tests.unit.faults.stories import SOONER, Story
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import (
    CREATE,
    GET,
    LATER,
    NOW,
    UNLEASED,
    UNRESERVE,
    WRITES,
    parameters,
)

# Also the answer to removing a reservation without a record, which is gone then (3.2.4.40): it says neither yes nor no.
DATABASE_ERROR = (20013).to_bytes(4, "little")
GARBAGE = b"\x01\x02"  # what a fault sends, sealed, in place of an answer
LONGEST = 10.0  # seconds that a run may take, and the deadline of its logons
# A run with a fault reads again and puts back, each a bounded number of times.
MOST_CALLS_MORE = 40
KNOWN_EXPIRIES = {UNLEASED, NEVER, filetime(LATER), filetime(SOONER)}
ASKED_BY_ADDRESS = 0


class Witness:
    """A connection that remembers what it was asked to send, and which writes got no verified answer."""

    mechanism = "ntlm"

    def __init__(self, inner: connection.Connection, calls: list[tuple[str, bytes]], lost: list[Lost]) -> None:
        self.inner = inner
        self.account, self.server = inner.account, inner.server
        self._calls = calls
        self._lost = lost

    @property
    def broken(self) -> bool:
        """Whether it is not to be used again."""
        return self.inner.broken

    def call(self, interface: Interface, opnum: int, stub: bytes, *, label: str) -> bytes:
        """Pass it on, and write it down."""
        self._calls.append((label, stub))
        try:
            answer = self.inner.call(interface, opnum, stub, label=label)
        except DhcpError:
            self._note(label, stub)
            raise
        if answer == GARBAGE or (label == UNRESERVE and answer == DATABASE_ERROR):
            self._note(label, stub)
        return answer

    def _note(self, label: str, stub: bytes) -> None:
        if label in WRITES:
            self._lost.append(Lost(call=label, **whom(label, stub)))

    def close(self) -> None:
        """Close it."""
        self.inner.close()


def whom(label: str, stub: bytes) -> dict[str, Any]:
    """The address and the client that a call is about, as far as it names them."""
    kind: Any = getattr(calls, label, None) or getattr(option_calls, label)
    call = kind.unpack(stub)
    info = getattr(call, "ClientInfo", None) or getattr(call, "SearchInfo", None)
    element = getattr(call, "AddElementInfo", None) or getattr(call, "RemoveElementInfo", None)
    if element is not None:
        return {"address": element.Element.ReservedIpAddress, "client": element.Element.ReservedForClient.Data}
    if hasattr(info, "SearchType"):
        by_address = info.SearchType == ASKED_BY_ADDRESS
        return {"address": info.Value if by_address else None, "client": None if by_address else info.Value[5:]}
    if info is not None:
        return {"address": info.ClientIpAddress, "client": info.ClientHardwareAddress}
    place = getattr(call, "ScopeInfo", None)
    return {"address": getattr(getattr(place, "ScopeInfo", None), "ReservedIpAddress", None), "client": None}


@dataclass(frozen=True, kw_only=True)
class Told:
    """A run, and every call of it in order."""

    run: Run
    calls: tuple[tuple[str, bytes], ...]
    seconds: float


class Bench:
    """A server with the story's site, set back before each run."""

    def __init__(self, simulator: Simulator, story: Story, *, connections: int = 1) -> None:
        self.sim = simulator
        self.story = story
        self._connections = connections
        self._kept: connection.Connection | None = None
        self._continued: dict[object, list[str]] = {}
        self._lists = [(self.sim.scope(each.subnet), each) for each in story.site.scopes]
        for each in story.site.scopes:
            for held in each.reservations:
                self.sim.store.define(*held.options)

    def set_back(self) -> None:
        """The site as the story begins, an honest server, empty books."""
        self.sim.faults.clear()
        with self.sim.store.lock:
            for scope, site in self._lists:
                scope.records.clear()
                scope.reservations.clear()
                for record in site.records:
                    scope.records.put(record)
                for held in site.reservations:
                    scope.reservations.put(held)
        self.sim.reset_counters()

    # --- one run ------------------------------------------------------------------------------------------------------

    def tell(self, *, patience: float = LONGEST, fresh: bool = True) -> Told:
        """Run the story's task once."""
        sent: list[tuple[str, bytes]] = []
        lost: list[Lost] = []
        declared = [wish.declared for wish in self.story.wishes]
        single = len(declared) == 1 and not self.story.purging
        given = parameters(declared, single=single, **self.story.task)
        declarations = options.declarations(given, now=NOW)
        self.sim.reset_counters()
        before, begin = self.sim.snapshot(), time.monotonic()
        outcome: Any = None
        raised: BaseException | None = None
        with (
            DhcpServer(lambda: Witness(self._connect(patience), sent, lost)) as server,
            self._keeping(server, patience),
        ):
            try:
                outcome = converge(
                    server,
                    declarations,
                    single=single,
                    check_mode=False,
                    purge=options.purge(given, declarations),
                    connections=self._connections,
                )
            except Exception as exc:  # noqa: BLE001 # which ones may come out is judged
                raised = exc
        seconds = time.monotonic() - begin
        run = Run(
            story=self.story,
            before=before,
            after=self.sim.snapshot(),
            audit=tuple(self.sim.audit),
            writes=self.sim.writes,
            lost=tuple(lost),
            outcome=outcome,
            raised=raised,
            fresh=fresh,
        )
        return Told(run=run, calls=tuple(sent), seconds=seconds)

    @contextmanager
    def _keeping(self, server: DhcpServer, patience: float) -> Iterator[None]:
        """A logon takes as long as many calls: what is still in order after a run serves the next one."""
        yield
        channel = server.detach()
        if isinstance(channel, Witness) and patience == LONGEST and not channel.broken:
            self._kept = channel.inner
        elif channel is not None:
            channel.close()

    def close(self) -> None:
        """Close what is kept."""
        if self._kept is not None:
            self._kept.close()

    def _connect(self, patience: float) -> connection.Connection:
        kept, self._kept = self._kept, None
        if kept is not None and patience == LONGEST:
            return kept
        if kept is not None:
            kept.close()  # it would wait too long
        endpoint = Endpoint(server=self.sim.host, port=self.sim.port, connect_timeout=LONGEST, request_timeout=patience)
        credentials = Credentials(auth="ntlm", username=ADMINISTRATOR, password=DEFAULT_PASSWORD)
        return connection.connect(endpoint, credentials, (DHCPSRV, DHCPSRV2))

    # --- a case of the matrix -----------------------------------------------------------------------------------------

    def plain(self) -> Told:
        """The story without any fault but its own first refusal."""
        self.set_back()
        self._refuse()
        return self.tell()

    def _refuse(self) -> None:
        if self.story.refused is not None:
            name, nth = self.story.refused
            self.sim.faults.add(name, nth=nth, status=5)

    def met(self, k: int, recipe: dict[str, Any], *, patience: float = LONGEST) -> Told:
        """The run whose ``k``-th call meets this fault."""
        self.set_back()
        self._refuse()
        self.sim.faults.add(nth=k, **recipe)
        told = self.tell(patience=patience)
        self.sim.faults.clear()
        return replace(told, run=replace(told.run, deceived=self._deceived(told, k, recipe)))

    def disturbed(self, k: int, recipe: dict[str, Any], *, patience: float, most_calls: int) -> Iterator[str]:
        """Complaints about the run whose ``k``-th call meets this fault, and about the two after it."""
        told = self.met(k, recipe, patience=patience)
        yield from judge(told.run)
        if told.seconds > LONGEST or len(told.calls) > most_calls:
            yield f"took {told.seconds:.1f} s and {len(told.calls)} calls"
        state = _essence(told.run.after)
        if state not in self._continued:
            self._continued[state] = [*self._continue()]
        yield from self._continued[state]

    def _continue(self) -> Iterator[str]:
        second = self.tell(fresh=False)
        yield from (f"second run: {each}" for each in judge(second.run))
        if second.run.outcome is None or second.run.outcome.failure is not None:
            yield f"second run: {second.run.raised or second.run.outcome.failure}"
        for wish in self.story.wishes:
            yield from (f"second run: {wish.declared} {each}" for each in missing(wish, second.run.after))
        third = self.tell(fresh=False)
        if third.run.writes or third.run.outcome is None or third.run.outcome.changed:
            yield f"third run: {third.run.writes} writes, {third.run.raised}"

    def _deceived(self, told: Told, k: int, recipe: dict[str, Any]) -> frozenset[bytes]:
        """About whom a sealed answer lied, so that nobody could know better.

        20013 to a look-up says "no such record" (3.1.4.47): what was not known to be there before the first write can
        neither be reported nor put back. The same as answer to a create says "exists" (3.1.4.45): then the record that
        is there afterwards is another one's work. For everything else the rules hold.
        """
        if k > len(told.calls) or 20013 not in (recipe.get("status"), recipe.get("status_after")):
            return frozenset()
        label, stub = told.calls[k - 1]
        planning = label == GET and not any(name in WRITES for name, _stub in told.calls[: k - 1])
        about = whom(label, stub) if planning or (label == CREATE and "status_after" in recipe) else {"client": None}
        return frozenset(
            wish.client
            for wish in self.story.wishes
            if about["client"] == wish.client or ("address" in about and about["address"] in (wish.place, wish.old))
        )


def _essence(snapshot: Snapshot) -> object:
    """A state, without the moment at which a lease without its reservation ends."""

    def timeless(item: Any) -> object:
        if isinstance(item, Record) and item.expires not in KNOWN_EXPIRIES:
            return replace(item, expires=-1)
        return item

    return frozenset((part[0], timeless(item)) for part, item in parts(snapshot).items())


def sweep(
    bench: Bench,
    recipe: dict[str, Any],
    indices: Callable[[Told], list[int]],
    *,
    plain: Told | None = None,
    patience: float = LONGEST,
) -> list[str]:
    """Every complaint about the story with this fault at each of these calls; each names the call."""
    plain = plain or bench.plain()
    most = len(plain.calls) * 3 + MOST_CALLS_MORE
    found = []
    for k in indices(plain):
        name = plain.calls[k - 1][0] if k <= len(plain.calls) else "beyond the end"
        found += [
            f"call {k} ({name}): {complaint}"
            for complaint in bench.disturbed(k, recipe, patience=patience, most_calls=most)
        ]
    return found
