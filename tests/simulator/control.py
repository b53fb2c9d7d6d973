# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a test in another process can ask of a running server, one JSON object a line, one answer a line.

::

    ask(port, do="dump")
    ask(port, do="reset")
    ask(port, do="put_record", scope="10.0.0.0", record={"ip_address": "10.0.0.20", "client_id": "aa", "name": "x"})
    ask(port, do="remove_record", scope="10.0.0.0", ip_address="10.0.0.20")
    ask(port, do="put_reservation", scope="10.0.0.0", reservation={"ip_address": "10.0.0.20", "client_id": "aa"})
    ask(port, do="remove_reservation", scope="10.0.0.0", ip_address="10.0.0.20")
    ask(port, do="set", exists_code=20014)
    ask(port, do="fault", call="R_DhcpCreateClientInfoVQ", status=20014, before=[{"do": "put_record", ...}])
    ask(port, do="forge", names=["clear_reply"])
    ask(port, do="clear_faults")
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from ansible_collections.msrpc.dhcp.tests.simulator import options
from ansible_collections.msrpc.dhcp.tests.simulator.connection import Server
from ansible_collections.msrpc.dhcp.tests.simulator.faults import RECIPE_KEYS, Hook
from ansible_collections.msrpc.dhcp.tests.simulator.site import (
    Range,
    Record,
    Reservation,
    Settings,
    dotted,
    record_from,
    reservation_from,
)
from ansible_collections.msrpc.dhcp.tests.simulator.store import Store

LONGEST_ANSWER = 10.0  # seconds


def ask(port: int, *, host: str = "127.0.0.1", **request: Any) -> Any:
    """The answer of a server's control port. Raises ``RuntimeError`` with the server's complaint."""
    with socket.create_connection((host, port), timeout=LONGEST_ANSWER) as connection:
        connection.sendall(json.dumps(request).encode() + b"\n")
        with connection.makefile("rb") as stream:
            answer = json.loads(stream.readline())
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer["result"]


def plain(item: Record | Reservation | Range | None) -> dict[str, Any] | None:
    """A thing of the database as JSON can hold it."""
    if item is None:
        return None
    shown: dict[str, Any] = {}
    for each in fields(item):
        value = getattr(item, each.name)
        if isinstance(value, bytes):
            value = value.hex()
        elif each.name == "options":
            value = [options.plain(option) for option in value]
        elif each.name in ("address", "start", "end", "mask", "owner_address"):
            value = dotted(value)
        shown[each.name] = value
    return shown


def dump(server: Server) -> dict[str, Any]:
    """Everything that a test can want to assert on."""
    store = server.store
    with store.lock:
        return {
            "counters": dict(store.counters),
            "calls": sum(store.counters.values()),
            "writes": store.writes,
            "handshakes": dict(server.handshakes),
            "refusals": list(server.refusals),
            "audit": [
                {
                    "call": each.call,
                    "account": each.account,
                    "scope": each.scope,
                    "address": each.address,
                    "before": plain(each.before),
                    "after": plain(each.after),
                }
                for each in store.audit
            ],
            "scopes": {
                subnet: {
                    "records": {dotted(where): plain(item) for where, item in sorted(each.records.items())},
                    "reservations": {dotted(where): plain(item) for where, item in each.reservations.items()},
                    "ranges": [plain(span) for span in each.ranges],
                    "exclusions": [plain(span) for span in each.exclusions],
                }
                for subnet, each in store.snapshot().items()
            },
        }


def perform(server: Server, request: Mapping[str, Any]) -> Any:
    """Carry out one request. Raises ``ValueError``, ``KeyError`` or ``TypeError`` for one that makes no sense."""
    arguments = {key: value for key, value in request.items() if key != "do"}
    if request["do"] in _CHANGES:
        _CHANGES[request["do"]](server.store, **arguments)
        return None
    return _REQUESTS[request["do"]](server, **arguments)


def _reset(server: Server) -> None:
    server.reset()


def _put_record(store: Store, scope: str, record: Mapping[str, Any]) -> None:
    where = store.scope(scope)
    where.records.put(record_from(record, mask=where.mask))


def _remove_record(store: Store, scope: str, ip_address: str) -> None:
    store.scope(scope).records.pop(ip_address)


def _put_reservation(store: Store, scope: str, reservation: Mapping[str, Any]) -> None:
    item = reservation_from(reservation)
    store.define(*item.options)
    store.scope(scope).reservations.put(item)


def _remove_reservation(store: Store, scope: str, ip_address: str) -> None:
    store.scope(scope).reservations.pop(ip_address)


def _set(store: Store, **settings: Any) -> None:
    known = {each.name for each in fields(Settings)}
    for name, value in settings.items():
        if name not in known:
            raise ValueError(f"no setting {name}")
        setattr(store.settings, name, value)


_CHANGES: dict[str, Callable[..., None]] = {
    "put_record": _put_record,
    "remove_record": _remove_record,
    "put_reservation": _put_reservation,
    "remove_reservation": _remove_reservation,
    "set": _set,
}


def _changes(requests: list[Mapping[str, Any]]) -> Hook:
    """The hook of a recipe that carries out changes, one after the other."""

    def hook(store: Store) -> None:
        for each in requests:
            _CHANGES[each["do"]](store, **{key: value for key, value in each.items() if key != "do"})

    return hook


def _fault(
    server: Server,
    before: list[Mapping[str, Any]] | None = None,
    after: list[Mapping[str, Any]] | None = None,
    **recipe: Any,
) -> None:
    unknown = sorted(set(recipe) - RECIPE_KEYS)
    if unknown:
        raise ValueError(f"a recipe has no {', '.join(unknown)}")
    if "stub" in recipe:
        recipe["stub"] = bytes.fromhex(recipe["stub"])
    recipe["forge"] = tuple(recipe.get("forge", ()))
    server.faults.add(
        before=None if before is None else _changes(before),
        after=None if after is None else _changes(after),
        **recipe,
    )


def _forge(server: Server, names: list[str]) -> None:
    server.faults.forge(*names)


def _clear_faults(server: Server) -> None:
    server.faults.clear()


_REQUESTS: dict[str, Callable[..., Any]] = {
    "dump": dump,
    "reset": _reset,
    "fault": _fault,
    "forge": _forge,
    "clear_faults": _clear_faults,
}


async def converse(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection of the control port until its end."""
    try:
        while line := await reader.readline():
            try:
                answer = {"result": perform(server, json.loads(line))}
            except (ValueError, KeyError, TypeError) as exc:
                answer = {"error": f"{type(exc).__name__}: {exc}"}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
    except ConnectionError:
        return
    finally:
        writer.close()
