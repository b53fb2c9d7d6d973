# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated server, somebody on the way to it, and the collection before both; what an attack is, and its verdict."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import options
from ansible_collections.msrpc.dhcp.plugins.module_utils._converge import converge
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import ClientId, Record, Scope
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import Create
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import connection
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import Connection, Endpoint
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV, DHCPSRV2
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.security import Credentials
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer
from ansible_collections.msrpc.dhcp.tests.kdc import Realm, changed_environment
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import ADMINISTRATOR, DEFAULT_PASSWORD, Settings
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import (
    HOME,
    NOW,
    OURS,
    WANTED,
    Bed,
    Result,
    ours,
    parameters,
    site,
)
from ansible_collections.msrpc.dhcp.tests.unit.hostile.relay import PATIENCE, Relay, as_it_is

# Opnums, as somebody on the way reads them in the clear header of a request.
OPNUMS = {
    "R_DhcpGetSubnetInfo": 2,
    "R_DhcpGetVersion": 28,
    "R_DhcpCreateClientInfoVQ": 44,
    "R_DhcpGetClientInfoVQ": 46,
    "R_DhcpAddSubnetElementV5": 37,
    "R_DhcpEnumSubnetElementsV5": 38,
}
SHORT = 0.4  # seconds, where a deadline has to pass
SCOPE = Scope(network=IPv4Network("10.0.0.0/24"))
KNOWN = IPv4Address("10.0.0.99")  # of a bystander with record and reservation


@dataclass(frozen=True, kw_only=True)
class Mechanism:
    """A column of the table: how the account is logged on."""

    key: str
    name: str
    auth: Literal["ntlm", "negotiate", "kerberos"]
    auth_type: int
    spnego: bool
    kerberos: bool
    ends_with_auth3: bool


NTLM = Mechanism(key="ntlm", name="NTLM", auth="ntlm", auth_type=10, spnego=False, kerberos=False, ends_with_auth3=True)
NEGOTIATE = Mechanism(
    key="spnego_ntlm",
    name="SPNEGO with NTLM",
    auth="negotiate",
    auth_type=9,
    spnego=True,
    kerberos=False,
    ends_with_auth3=False,
)
KERBEROS = Mechanism(
    key="kerberos",
    name="Kerberos",
    auth="kerberos",
    auth_type=16,
    spnego=False,
    kerberos=True,
    ends_with_auth3=False,
)
NEGOTIATED_KERBEROS = Mechanism(
    key="spnego_kerberos",
    name="SPNEGO with Kerberos",
    auth="negotiate",
    auth_type=9,
    spnego=True,
    kerberos=True,
    ends_with_auth3=False,
)
MECHANISMS = (NTLM, NEGOTIATE, KERBEROS, NEGOTIATED_KERBEROS)
SERVICE, ANOTHER_SERVICE = "host/dhcp1.example.com", "host/dhcp2.example.com"


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Keytabs of two servers of a domain; the ticket of the administrator is where the environment says."""

    realm: Realm
    server: str
    another_server: str


@contextmanager
def keys(directory: Path) -> Iterator[Keys]:
    """A KDC for the length of the block, with its variables in the environment."""
    with Realm(directory) as realm:
        found = []
        for name in (SERVICE, ANOTHER_SERVICE):
            realm.add(name)
            found.append(str(realm.write_keytab(directory / f"{name[-17:-12]}.keytab", name)))
        realm.add(ADMINISTRATOR, password=DEFAULT_PASSWORD)
        ticket = realm.write_ticket(directory / "tickets", ADMINISTRATOR, password=DEFAULT_PASSWORD, life=3000)
        with changed_environment(realm.variables | {"KRB5CCNAME": ticket}):
            yield Keys(realm=realm, server=found[0], another_server=found[1])


class Stage(Bed):
    """The site of the use case's tests, behind a relay that passes everything on until an attack changes it."""

    def __init__(
        self, simulator: Simulator, mechanism: Mechanism, relay: Relay, mapper: Relay, keys_of_servers: Keys | None
    ) -> None:
        super().__init__(simulator)
        self.mechanism = mechanism
        self.relay = relay
        self.mapper = mapper
        self.keys = keys_of_servers

    def honest_relay(self) -> None:
        """No attack any more."""
        self.relay.requests = self.relay.replies = as_it_is
        self.mapper.requests = self.mapper.replies = as_it_is
        self.sim.faults.clear()

    def honest(self) -> None:
        """No attack any more, and our client is at its place no more."""
        self.honest_relay()
        home = self.sim.scope(HOME)
        home.records.pop(WANTED, None)
        home.reservations.pop(WANTED, None)

    def endpoint(self, **changes: Any) -> Endpoint:
        """The server's port as somebody on the way has it; ``port=None`` asks the endpoint mapper, likewise."""
        values: dict[str, Any] = {
            "server": self.sim.host,
            "port": self.relay.port,
            "endpoint_mapper_port": self.mapper.port,
            "connect_timeout": PATIENCE,
            "request_timeout": PATIENCE,
        }
        return Endpoint(**values | changes)

    def credentials(self) -> Credentials:
        """The administrator's, for the mechanism: a ticket for Kerberos, else a password."""
        if self.mechanism.kerberos:
            return Credentials(auth=self.mechanism.auth, spn=SERVICE)
        return Credentials(auth=self.mechanism.auth, username=ADMINISTRATOR, password=DEFAULT_PASSWORD)

    def connect(self, **changes: Any) -> Connection:
        """A connection with both interfaces."""
        return connection.connect(self.endpoint(**changes), self.credentials(), (DHCPSRV, DHCPSRV2))

    def gateway(self, **changes: Any) -> DhcpServer:
        """The gateway over such connections."""
        endpoint, credentials = self.endpoint(**changes), self.credentials()
        return DhcpServer(lambda: connection.connect(endpoint, credentials, (DHCPSRV, DHCPSRV2)))

    def run(self, *clients: Mapping[str, Any], timeout: float = PATIENCE, **task: Any) -> Result:
        """The whole use case of the module; ``must_be_true`` of what comes out."""
        clients = clients or (ours(),)
        given = parameters(clients, single=len(clients) == 1, **task)
        declared = options.declarations(given, now=NOW)
        self.sim.reset_counters()
        before = self.sim.snapshot()
        with self.gateway(request_timeout=timeout, connect_timeout=timeout) as server:
            outcome = converge(
                server,
                declared,
                single=len(clients) == 1,
                check_mode=False,
                purge=options.purge(given, declared),
            )
        result = Result(
            outcome=outcome,
            counters=Counter(self.sim.counters),
            audit=tuple(self.sim.audit),
            before=before,
            after=self.sim.snapshot(),
        )
        must_be_true(result)
        return result


def must_be_true(result: Result) -> None:
    """Nothing is claimed that did not happen, nothing happened that is neither claimed nor called unknown.

    And nobody else was touched, and nothing was done twice.
    """
    outcome = result.outcome
    assert len(set(result.changes)) == len(result.changes)
    assert all(each.address == WANTED for each in result.audit)
    if outcome.failure is None or "unknown" not in result.actions:
        assert outcome.changed == bool(result.audit)
    assert (outcome.failure is not None) == any("error" in client for client in outcome.clients)


@contextmanager
def stage(mechanism: Mechanism, keys_of_servers: Keys | None = None) -> Iterator[Stage]:
    """Server, relays and client of one attack."""
    with (
        Simulator(site(Settings(keytab=None if keys_of_servers is None else keys_of_servers.server))) as sim,
        Relay(sim.port) as relay,
        Relay(sim.endpoint_mapper_port) as mapper,
    ):
        yield Stage(sim, mechanism, relay, mapper, keys_of_servers)


T = TypeVar("T")
Play: TypeAlias = Callable[[Stage], str]


@dataclass(frozen=True, kw_only=True)
class Attack:
    """A row of the table. ``play`` holds what has to be true of every cell and returns the verdict that it saw.

    ``verdict`` is the one of the docs: for every mechanism, or with exceptions by the mechanism's key.
    """

    name: str
    play: Play
    verdict: str
    but: Mapping[str, str] = field(default_factory=dict)

    def expected(self, mechanism: Mechanism) -> str:
        """The cell."""
        return self.but.get(mechanism.key, self.verdict)


# --- verdicts ---------------------------------------------------------------------------------------------------------

REFUSED = "refused"
NO_PROOF = "no proof sent"
NO_LOGON = "no logon"
SERVER_REFUSES = "server refuses"
MARKED = "marked"
IN_TIME = "in time"
TRUE = "no effect"
UNNOTICED = "**not noticed**"
ABSENT = "does not occur"
SAID = "NTLM, with a warning"
VERDICTS = (REFUSED, NO_PROOF, NO_LOGON, SERVER_REFUSES, MARKED, IN_TIME, TRUE, UNNOTICED, ABSENT, SAID)


# --- what is asked and written ----------------------------------------------------------------------------------------


def refusal(act: Callable[[], object], *kinds: type[DhcpError]) -> DhcpError:
    """The error that an act ends with: one of these very classes, with object, cause and remedy in its sentence."""
    value, error = attempt(act)
    assert error is not None, f"believed: {value!r}"
    assert type(error) in kinds, f"{type(error).__name__}: {error}"
    sentence(error)
    return error


def attempt(act: Callable[[], T]) -> tuple[T | None, DhcpError | None]:
    """What an act returns, or the error that it ends with."""
    try:
        return act(), None
    except DhcpError as exc:
        return None, exc


def sentence(exc: DhcpError) -> None:
    """An error names the server, and is a sentence."""
    text = str(exc)
    assert "127.0.0.1" in text, text
    assert text.endswith((".", "?")), text


def wait_for(condition: Callable[[], bool]) -> None:
    """Until something that goes on in another thread has happened."""
    deadline = time.monotonic() + PATIENCE
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline
        pause.wait(0.005)


def read(server: DhcpServer) -> Record | None:
    """A read whose answer is known."""
    return server.record_at(SCOPE, KNOWN)


def is_known(record: Record | None) -> bool:
    """Whether that answer is the right one."""
    return record is not None and record.name == "bystander"


def write(server: DhcpServer) -> None:
    """A write: the record of a client that has none."""
    server.apply(Create(scope=SCOPE, address=IPv4Address(WANTED), client_id=ClientId.parse_mac(OURS)))
