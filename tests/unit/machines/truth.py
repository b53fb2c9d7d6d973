# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run says, compared with what the server has seen of it. Each function yields what is not true."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ansible_collections.msrpc.dhcp.tests.simulator.site import Record
from ansible_collections.msrpc.dhcp.tests.simulator.site import address as number
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import UNRESERVE
from ansible_collections.msrpc.dhcp.tests.unit.machines.ground import Run, View, scope_of
from ansible_collections.msrpc.dhcp.tests.unit.machines.oracle import Wish, wishes


def lies(run: Run) -> Iterator[str]:
    """Whatever was done meanwhile: ``changed`` is what the audit says, and what is present was seen."""
    if run.check or run.outcome is None:
        if run.changes:
            yield "there are changes of a run that had no right to write"
        return
    if "unknown" in run.actions:
        yield "an action is unknown, though no answer was lost"
    # A removal that was answered with 20013 may have been somebody else's: nobody can tell.
    ambiguous = any(entry.name == UNRESERVE and entry.status for entry in run.writes)
    if run.changed and not run.changes and not ambiguous:
        yield "changed is true, but nothing was changed"
    if run.changes and not run.changed and not run.failure:
        yield "changed is false, but something was changed"
    errors = [client.get("error") for client in run.outcome.clients + run.outcome.purged]
    if bool(run.outcome.failure) != any(errors):
        yield "the failure of the task is not that of its clients"
    for wish, client in zip(wishes(run.task), run.outcome.clients, strict=True):
        if "error" not in client and wish.present:
            yield from _not_there(client, _since_the_last_change(run, client["ip_address"]))


def _since_the_last_change(run: Run, where: str) -> list[View]:
    """What could be seen after the run has changed something at an address for the last time."""
    changed = [index for index, entry in enumerate(run.entries) if any(each.address == where for each in entry.changes)]
    return [entry.seen for entry in run.entries[max(changed, default=-1) + 1 :]]


def shortfalls(run: Run) -> Iterator[str]:
    """Where nobody interferes: what was declared and has not failed, but is not what the server holds at the end."""
    if run.check or run.outcome is None:
        return
    declared = wishes(run.task)
    for wish, client in zip(declared, run.outcome.clients, strict=True):
        if "error" in client:
            continue
        if wish.present:
            yield from _not_there(client, [run.after])
            yield from _not_as_wished(wish, client)
        else:
            yield from _not_gone(wish, declared, run.after)


def _not_there(client: dict[str, Any], views: Sequence[View]) -> Iterator[str]:
    where, identifier = number(client["ip_address"]), bytes.fromhex(client["client_id"])

    def record(test: Callable[[Record], bool]) -> bool:
        found = (view.records.get(where) for view in views)
        return any(each is not None and each.client_id == identifier and test(each) for each in found)

    if client["type"] == "reservation" and not any(view.holder(where) == identifier for view in views):
        yield f"{client} is not reserved"
    if client["type"] == "lease" and not record(lambda found: found.state & 3 in (0, 1)):
        yield f"{client} has no lease"
    if client["name"] is not None and not record(lambda found: (found.name or "") == client["name"]):
        yield f"{client} has another name"
    if client["description"] is not None and not record(lambda found: (found.comment or "") == client["description"]):
        yield f"{client} has another description"


def _not_as_wished(wish: Wish, client: dict[str, Any]) -> Iterator[str]:
    if (bytes.fromhex(client["client_id"]), number(client["scope"])) != (wish.client, wish.scope):
        yield f"{client} is another client than declared"
    if (client["type"] == "reservation") != wish.reserved:
        yield f"{client} has another type than declared"
    if wish.address is not None and number(client["ip_address"]) != wish.address:
        yield f"{client} has another address than declared"
    named = wish.name is None or wish.on_create or "name" in client["pending"]
    if not named and not _is_same_name(wish.name or "", client["name"]):
        yield f"{client} has another name than declared"
    described = wish.comment is None or "description" in client["pending"]
    if not described and client["description"] != wish.comment:
        yield f"{client} has another description than declared"


def _is_same_name(declared: str, stored: str) -> bool:
    """Without case; a name without a dot may have got a domain."""
    left, right = declared.casefold(), stored.casefold()
    return left == right or (bool(left) and "." not in left and right.split(".")[0] == left)


def _not_gone(wish: Wish, declared: Sequence[Wish], view: View) -> Iterator[str]:
    entries = view.reservations if wish.reserved else view.records
    for where, entry in entries.items():
        kept = any(
            each.present and each.client == entry.client_id and each.address in (None, where) for each in declared
        )
        if not kept and wish.names(scope_of(where), where, entry.client_id):
            yield f"{entry} is still there"
