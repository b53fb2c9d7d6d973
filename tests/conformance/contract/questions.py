# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the specification leaves open, asked of a server in its scratch scope. Each answer is a row of a table."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import (
    NEVER,
    UNSET,
    AddressState,
    ClientId,
    Expiry,
    Record,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import Create, DeleteRecord, Reserve
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError, NotSupported, Taken
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls, status, structs
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.status import StatusError
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer
from ansible_collections.msrpc.dhcp.tests.conformance.contract.ground import Ground, Wire

# Networks for documentation: no scope of a real server is one of them, and if so, the next is taken.
NO_SCOPES = ("203.0.113.0", "198.51.100.0", "192.0.2.0")

# A short name of each question, for tests, and the question.
QUESTIONS = {
    "version": "Which version, which logon?",
    "address taken": "What does R_DhcpCreateClientInfoVQ answer where the address is taken?",
    "client taken": "What does R_DhcpCreateClientInfoVQ answer where the client has a record?",
    "missing": "What does R_DhcpGetClientInfoVQ answer where there is no record?",
    "form of get": "In which form does R_DhcpGetClientInfoVQ return identifiers?",
    "form of walk": "In which form does R_DhcpEnumSubnetClientsVQ return identifiers?",
    "form of list": "In which form does R_DhcpEnumSubnetElementsV5 return identifiers?",
    "mask": "What does SubnetMask of a created record hold?",
    "create outside": "What does R_DhcpCreateClientInfoVQ answer for an address of the subnet outside every range?",
    "reserve outside": "What does R_DhcpAddSubnetElementV5 answer there?",
    "set vq": "Does R_DhcpSetClientInfoVQ change name and comment?",
    "beside lease": "Is a record made at the reserved address of a client that has a lease elsewhere in the scope?",
    "held back": "Is an address that was created and then reserved still among the free ones?",
    "reserved record": "What does R_DhcpDeleteClientInfo answer for a reserved client?",
    "unknown scope": "What does R_DhcpEnumSubnetClientsVQ answer for a scope that does not exist?",
    "renewal": "Does a client's own host name replace the stored name when it renews?",
    "unleased": "Is a record with expiry 0 cleaned up before its reservation is added?",
}

NONE_OUTSIDE = "Not asked: the ranges leave no address of the subnet out"


@dataclass(frozen=True, slots=True)
class Answer:
    """One row of the table."""

    topic: str
    question: str
    answer: str


class Questions:
    """All questions, asked over one gateway and one connection for single calls."""

    def __init__(self, ground: Ground, server: DhcpServer, wire: Wire) -> None:
        self.ground = ground
        self.server = server
        self.wire = wire
        self._began = time.monotonic()
        # Put in first and looked at last, so that the server has some time.
        self._create(0, expires=UNSET)

    def ask(self) -> Iterator[Answer]:
        """Ask them all, in an order that some of them rely on. What they put into the scope is the caller's to clean.

        One that goes wrong does not keep the others from being asked.
        """
        ways: dict[str, Callable[[], str]] = {
            "version": self._version,
            "address taken": self._address_taken,
            "client taken": lambda: self._creating(1, at=2),
            "missing": lambda: code(self._look_up(3).Return),
            "form of get": self._form_of_get,
            "form of walk": self._form_of_walk,
            "form of list": self._form_of_list,
            "mask": self._mask,
            "create outside": self._create_outside,
            "reserve outside": self._reserve_outside,
            "set vq": self._set_vq,
            "beside lease": self._beside_lease,
            "held back": self._held_back,
            "reserved record": lambda: self._outcome(self._deletion(8)),
            "unknown scope": self._unknown_scope,
            "renewal": lambda: "Not answered: it takes a real client that renews its lease",
            "unleased": self._unleased,
        }
        for topic, question in QUESTIONS.items():
            try:
                answer = ways[topic]()
            except DhcpError as exc:
                answer = f"Not answered: {exc}"
            yield Answer(topic, question, answer)

    def _version(self) -> str:
        major, minor = self.server.version()
        return f"{major}.{minor}, {self.server.mechanism()}"

    def _address_taken(self) -> str:
        self._create(1)
        return self._creating(2, at=1)

    def _form_of_get(self) -> str:
        info = self._look_up(1).ClientInfo
        return self._form(None if info is None else info.ClientHardwareAddress)

    def _form_of_walk(self) -> str:
        found = self._walk(self.ground.scope.address).ClientInfo or (None,)
        return self._form(None if found[0] is None else found[0].ClientHardwareAddress)

    def _form_of_list(self) -> str:
        self._reserve(1)
        call = calls.R_DhcpEnumSubnetElementsV5(
            SubnetAddress=int(self.ground.scope.address), EnumElementType=structs.ELEMENT_RESERVATIONS
        )
        found = self.wire.send(call).EnumElementInfo
        entry = found[0].Element if found else None
        uid = entry.ReservedForClient if isinstance(entry, structs.DHCP_IP_RESERVATION_V4) else None
        return self._form(None if uid is None else uid.Data)

    def _form(self, octets: bytes | None) -> str:
        ours = [self._id(number) for number in range(2)]
        if octets in [each.unique_id(self.ground.scope.address) for each in ours]:
            return "Unique id (subnet, 0x01, identifier)"
        if octets in [each.octets for each in ours]:
            return "Bare identifier"
        return f"Neither: {'' if octets is None else octets.hex()}"

    def _mask(self) -> str:
        info = self._look_up(1).ClientInfo
        network = self.ground.scope.network
        meanings = {int(network.netmask): "The mask", int(network.network_address): "The subnet address"}
        mask = 0 if info is None else info.SubnetMask
        return meanings.get(mask, str(IPv4Address(mask)))

    def _create_outside(self) -> str:
        where = self.ground.outside
        if where is None:
            return NONE_OUTSIDE
        answer = self._outcome(Create(scope=self.ground.scope, address=where, client_id=self._id(4), expires=NEVER))
        if self.server.record_at(self.ground.scope, where) is not None:
            self.server.apply(DeleteRecord(scope=self.ground.scope, address=where, client_id=self._id(4)))
        return answer

    def _reserve_outside(self) -> str:
        where = self.ground.outside
        if where is None:
            return NONE_OUTSIDE
        return self._outcome(Reserve(scope=self.ground.scope, address=where, client_id=self._id(4)))

    def _set_vq(self) -> str:
        self._create(5, name="before", description="before")
        info = self._look_up(5).ClientInfo
        if info is None:
            return "Not answered: the record could not be read"
        changed = info._replace(
            ClientHardwareAddress=self._id(5).octets,
            ClientName="after",
            ClientComment="after",
            SubnetMask=int(self.ground.scope.network.netmask),
        )
        reply = self.wire.send(calls.R_DhcpSetClientInfoVQ(ClientInfo=changed))
        after = self._record(5)
        name = after is not None and after.name == "after"
        comment = after is not None and after.description == "after"
        return f"Name: {_yes(name)}, comment: {_yes(comment)} (answer: {code(reply.Return)})"

    def _beside_lease(self) -> str:
        self._create(6)
        where = self.ground.pool[7]
        answer = self._outcome(Reserve(scope=self.ground.scope, address=where, client_id=self._id(6)))
        made = self.server.record_at(self.ground.scope, where) is not None
        return f"{_yes(made).capitalize()} (adding the reservation: {answer})"

    def _held_back(self) -> str:
        self._create(8, expires=UNSET)
        self._reserve(8)
        try:
            free = self.ground.pool[8] in list(self.server.free_addresses(self.ground.scope))
        except NotSupported as exc:
            return f"Not asked: {exc}"
        return (
            f"{_yes(free).capitalize()}, by R_DhcpV4GetFreeIPAddress; whether a client gets it, a real one has to show"
        )

    def _unknown_scope(self) -> str:
        known = self.server.scope_addresses()
        subnet = next((each for each in map(IPv4Address, NO_SCOPES) if each not in known), None)
        if subnet is None:
            return "Not asked: every network that was thought of is a scope"
        reply = self._walk(subnet)
        return f"{code(reply.Return)}, {len(reply.ClientInfo or ())} rows"

    def _unleased(self) -> str:
        record = self._record(0)
        gone = record is None or record.state is AddressState.DOOMED
        return f"{_yes(gone).capitalize()}, looked at {time.monotonic() - self._began:.1f} seconds after the create"

    # --- what they share ----------------------------------------------------------------------------------------------

    def _id(self, number: int) -> ClientId:
        return ClientId.parse_mac(self.ground.mac(number))

    def _create(self, number: int, *, name: str = "", description: str = "", expires: Expiry = NEVER) -> None:
        self.server.apply(
            Create(
                scope=self.ground.scope,
                address=self.ground.pool[number],
                client_id=self._id(number),
                name=name,
                description=description,
                expires=expires,
            )
        )

    def _creating(self, number: int, *, at: int) -> str:
        step = Create(scope=self.ground.scope, address=self.ground.pool[at], client_id=self._id(number), expires=NEVER)
        return self._outcome(step)

    def _reserve(self, number: int) -> None:
        self.server.apply(
            Reserve(scope=self.ground.scope, address=self.ground.pool[number], client_id=self._id(number))
        )

    def _outcome(self, step: Create | Reserve | DeleteRecord) -> str:
        """The code that a step was answered with."""
        try:
            self.server.apply(step)
        except (StatusError, Taken) as exc:
            error: BaseException | None = exc
            while error is not None and not isinstance(error, StatusError):
                error = error.__cause__
            return str(exc) if error is None else code(error.code)
        except DhcpError as exc:
            return str(exc)
        return code(status.SUCCESS)

    def _deletion(self, number: int) -> DeleteRecord:
        return DeleteRecord(scope=self.ground.scope, address=self.ground.pool[number], client_id=self._id(number))

    def _walk(self, subnet: IPv4Address) -> calls.EnumClientsReply:
        """The first page."""
        return self.wire.send(
            calls.R_DhcpEnumSubnetClientsVQ(SubnetAddress=int(subnet), ResumeHandle=0, PreferredMaximum=65536)
        )

    def _look_up(self, number: int) -> calls.ClientInfoReply:
        search = structs.DHCP_SEARCH_INFO(SearchType=structs.SEARCH_ADDRESS, Value=int(self.ground.pool[number]))
        return self.wire.send(calls.R_DhcpGetClientInfoVQ(SearchInfo=search))

    def _record(self, number: int) -> Record | None:
        return self.server.record_at(self.ground.scope, self.ground.pool[number])


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"


def code(number: int) -> str:
    """A status with the specification's name for it."""
    return "0" if number == status.SUCCESS else f"{number} ({StatusError(number, '').name})"


def ask(ground: Ground) -> list[Answer]:
    """Ask all, and leave the scope as it was."""
    try:
        with ground.server() as server, ground.wire() as wire:
            return list(Questions(ground, server, wire).ask())
    finally:
        ground.clean()


def table(answers: list[Answer], *, server: str) -> str:
    """The rows as Markdown, for docs/wire-notes.md."""
    day = datetime.now(UTC).date().isoformat()
    rows = [f"| {answer.question} | {answer.answer.replace('|', chr(92) + '|')} |" for answer in answers]
    return "\n".join([f"Asked {server} on {day}:", "", "| question | answer |", "| --- | --- |", *rows, ""])
