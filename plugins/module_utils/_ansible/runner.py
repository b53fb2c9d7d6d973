# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Runs a use case for a module: the one place that knows ``exit_json`` and ``fail_json``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import argspec, deps, options
from ansible_collections.msrpc.dhcp.plugins.module_utils._converge import Outcome, converge
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError, RpcFault
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import connect
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV, DHCPSRV2
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.status import StatusError
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer


def run_reservation_lease() -> None:
    """The whole of the module ``dhcp_reservation_lease``."""
    module = _module(
        argument_spec=argspec.reservation_lease_spec(),
        mutually_exclusive=argspec.MUTUALLY_EXCLUSIVE,
        required_one_of=argspec.REQUIRED_ONE_OF,
        supports_check_mode=True,
    )
    deps.demand_libraries(module)
    server: DhcpServer | None = None
    try:
        declared = options.declarations(module.params, now=datetime.now(UTC))
        endpoint, credentials = options.endpoint(module.params), options.credentials(module.params)
        with DhcpServer(lambda: connect(endpoint, credentials, (DHCPSRV, DHCPSRV2))) as server:
            single = module.params["clients"] is None
            outcome = converge(server, declared, single=single, check_mode=module.check_mode)
    except DhcpError as exc:
        module.fail_json(msg=str(exc), changed=False, rpc=rpc_counts(server), **codes(exc))
    values = result(outcome, single=single)
    for warning in outcome.warnings:
        module.warn(warning)
    if outcome.failure is not None:
        module.fail_json(msg=outcome.failure, rpc=rpc_counts(server), **values)
    module.exit_json(rpc=rpc_counts(server), **values)


class _Module(AnsibleModule):
    """A module whose invocation can be logged with a NUL in it, so that it comes to be refused with a sentence."""

    def __init__(self, **declared: Any) -> None:
        super().__init__(**declared)  # type: ignore[no-untyped-call]  # as all of ansible-core

    def log(self, msg: str, log_args: dict[str, Any] | None = None) -> None:
        """Log with NUL characters escaped: syslog takes none."""
        escaped = {name: str(value).replace("\0", "\\x00") for name, value in (log_args or {}).items()}
        super().log(msg.replace("\0", "\\x00"), log_args=escaped)  # type: ignore[no-untyped-call]


def _module(**declared: Any) -> AnsibleModule:
    try:
        return _Module(**declared)
    except UnicodeEncodeError:
        # Ansible cannot log an invocation with half of a surrogate pair in it; unlogged, it comes to be refused.
        return _Module(**declared, no_log=True)


def result(outcome: Outcome, *, single: bool) -> dict[str, Any]:
    """What the module returns beside the message and the counts."""
    values: dict[str, Any] = {"changed": outcome.changed, "clients": outcome.clients, "diff": outcome.diff}
    if single:
        values["client"] = outcome.clients[0]
    if outcome.error is not None:
        values.update(codes(outcome.error))
    return values


def rpc_counts(server: DhcpServer | None) -> dict[str, int]:
    """How many calls were sent to the server, and how many of them were writes."""
    return {"calls": 0, "writes": 0} if server is None else {"calls": server.calls, "writes": server.writes}


def codes(error: BaseException | None) -> dict[str, Any]:
    """The server's code for an error, where it gave one: of the error itself or of what caused it."""
    while error is not None:
        if isinstance(error, StatusError):
            return {"error_code": error.code, "error_name": error.name, "rpc_call": error.call}
        if isinstance(error, RpcFault):
            return {"error_code": error.code}
        error = error.__cause__
    return {}
