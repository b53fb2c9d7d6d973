# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated DHCP server in a thread of its own, for tests.

::

    with Simulator(Site(scopes=(scope("10.0.0.0"),))) as sim:
        connect(sim.host, sim.port)
        assert sim.counters["R_DhcpCreateClientInfoVQ"] == 1
        assert sim.scope("10.0.0.0").records["10.0.0.20"].name == "printer"
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from ansible_collections.msrpc.dhcp.tests.simulator import security
from ansible_collections.msrpc.dhcp.tests.simulator.connection import (
    DhcpConnection,
    EndpointMapperConnection,
    Server,
)
from ansible_collections.msrpc.dhcp.tests.simulator.faults import Faults
from ansible_collections.msrpc.dhcp.tests.simulator.site import Settings, Site, load
from ansible_collections.msrpc.dhcp.tests.simulator.store import Change, Scope, ScopeSnapshot, Store

LONGEST_START = 10.0  # seconds
# Of the loop: what was being accepted becomes a connection first, and a dropped one closes its socket a turn later.
TURNS_TO_CLOSE = 5


class Listeners:
    """The two sockets of a server: its own, and the endpoint mapper's."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.endpoint_mapper_port = 0
        self._listening: list[asyncio.Server] = []

    async def open(self, host: str, port: int, endpoint_mapper_port: int | None) -> None:
        """Listen; port 0 takes a free one. Without ``endpoint_mapper_port`` there is no endpoint mapper."""
        loop = asyncio.get_running_loop()
        dhcp = await loop.create_server(lambda: DhcpConnection(self.server), host, port)
        self._listening.append(dhcp)
        self.server.host = host
        self.server.port = dhcp.sockets[0].getsockname()[1]
        if endpoint_mapper_port is not None:
            mapper = await loop.create_server(lambda: EndpointMapperConnection(self.server), host, endpoint_mapper_port)
            self._listening.append(mapper)
            self.endpoint_mapper_port = mapper.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and drop who is connected."""
        for listening in self._listening:
            listening.close()
        for _turn in range(TURNS_TO_CLOSE):
            for connection in tuple(self.server.connections):
                connection.drop()
            await asyncio.sleep(0)


def new_server(site: Site) -> Server:
    """The state of a server that starts with this site."""
    store = Store(site)
    return Server(store=store, faults=Faults(), accounts=security.Accounts(site.accounts, store.settings))


class Simulator:
    """A DHCP server that runs as long as the ``with`` block."""

    def __init__(self, site: Site | Mapping[str, Any] | str | Path | None = None, *, host: str = "127.0.0.1") -> None:
        self.site = load({} if site is None else site)
        self._host = host
        self._server = new_server(self.site)
        self._listeners = Listeners(self._server)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="dhcp-simulator", daemon=True)
        self._started = threading.Event()
        self._failure: OSError | None = None

    def __enter__(self) -> Simulator:
        self._thread.start()
        if not self._started.wait(LONGEST_START):
            raise TimeoutError("the simulator does not start")
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LONGEST_START)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._listeners.open(self._host, 0, 0))
            self._started.set()
            self._loop.run_forever()
            self._loop.run_until_complete(self._listeners.close())
        except OSError as exc:
            self._failure = exc
        finally:
            self._started.set()
            self._loop.close()

    @property
    def host(self) -> str:
        """The address that the server listens on."""
        return self._host

    @property
    def port(self) -> int:
        """The TCP port of the DHCP server."""
        return self._server.port

    @property
    def endpoint_mapper_port(self) -> int:
        """The TCP port of the endpoint mapper."""
        return self._listeners.endpoint_mapper_port

    @property
    def store(self) -> Store:
        """The database."""
        return self._server.store

    @property
    def settings(self) -> Settings:
        """How the server reads the specification; may be changed at any time."""
        return self._server.store.settings

    @property
    def faults(self) -> Faults:
        """What goes wrong."""
        return self._server.faults

    @property
    def counters(self) -> Counter[str]:
        """Calls received, by their names in the specification."""
        return self._server.store.counters

    @property
    def writes(self) -> int:
        """Calls received that can change something."""
        return self._server.store.writes

    @property
    def calls(self) -> int:
        """All calls received."""
        return sum(self._server.store.counters.values())

    @property
    def audit(self) -> list[Change]:
        """Every change that a call made, in order."""
        return self._server.store.audit

    @property
    def handshakes(self) -> Counter[str]:
        """``bind``, ``alter_context``, ``auth3``, ``authenticate``, ``logon``, ``refused``, ``ept_map``."""
        return self._server.handshakes

    @property
    def refusals(self) -> list[str]:
        """Why logons, messages or connections were turned away."""
        return self._server.refusals

    @property
    def connections(self) -> int:
        """Clients connected at this moment."""
        return len(self._server.connections)

    def scope(self, subnet: int | str) -> Scope:
        """A scope, to look at or to change as another administrator would."""
        return self._server.store.scope(subnet)

    def snapshot(self) -> dict[str, ScopeSnapshot]:
        """The whole database at this moment."""
        return self._server.store.snapshot()

    def reset_counters(self) -> None:
        """Count from zero, with an empty audit; database and faults stay as they are."""
        self._server.reset()
