# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Runs a use case for a module: the one place that knows ``exit_json`` and ``fail_json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import remove_values

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import deps, options
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.argspec import ModuleSpec
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.kept import KeptConnections
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.use_case import Answer, UseCase
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError, RpcFault, printable
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import Connection, connect
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV, DHCPSRV2
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.status import StatusError
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer


def run(spec: ModuleSpec, use_case: UseCase) -> None:
    """The whole of a module."""
    module = _module(
        argument_spec=spec.options,
        mutually_exclusive=spec.mutually_exclusive,
        required_one_of=spec.required_one_of,
        supports_check_mode=True,
    )
    deps.demand_libraries(module)
    answer = perform(use_case, module.params, check_mode=module.check_mode)
    for warning in answer.warnings:
        module.warn(remove_values(warning, module.no_log_values))  # Ansible does this for all but warnings
    if answer.failure is not None:
        module.fail_json(msg=answer.failure, **answer.values)
    module.exit_json(**answer.values)


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


def perform(
    use_case: UseCase, params: Mapping[str, Any], *, check_mode: bool, kept: KeptConnections | None = None
) -> Answer:
    """A use case's answer, counts and codes included; an expected error is an answer.

    The connection is one of its own, unless one is ``kept`` from a use case before that succeeded.
    """
    server: DhcpServer | None = None
    fallbacks: list[str] = []
    try:
        job = use_case(params, check_mode=check_mode)
        endpoint, credentials = options.endpoint(params), options.credentials(params)
        line = None if kept is None else kept.line(endpoint, credentials)

        known = [credentials]

        def open_connection() -> Connection:
            opened = None if line is None else line.take()
            if opened is None:
                opened = connect(endpoint, known[-1], (DHCPSRV, DHCPSRV2), on_fallback=fallbacks.append)
            if opened.without_kerberos is not None:
                why, asked = opened.without_kerberos, opened.kdc_asked
                known.append(replace(credentials, without_kerberos=why, kdc_asked=asked))
                fallbacks.extend([why] if asked else [])
            return opened

        with DhcpServer(open_connection) as server:
            answer = job(server)
            if line is not None and answer.failure is None:
                line.put(server.detach())
    except DhcpError as exc:
        answer = Answer(values={"changed": False}, failure=str(exc), error=exc)
    return Answer(
        values={**answer.values, **codes(answer.error), "rpc": rpc_counts(server)},
        warnings=[printable(warning) for warning in [*map(_fallback, fallbacks[:1]), *answer.warnings]],
        failure=answer.failure,
    )


def _fallback(why: str) -> str:
    """The warning that NTLM was used although there is a KDC; ``why`` is the sentence of the logon by Kerberos."""
    return (
        f"NTLM was used instead of Kerberos. {why.removesuffix('.')}. Somebody on the way can bring this about, since "
        "such an answer of a KDC, or its silence, is not authenticated. Set auth=kerberos so that NTLM is never used, "
        "or auth=ntlm where it is expected."
    )


def rpc_counts(server: DhcpServer | None) -> dict[str, int]:
    """How many calls were sent to the server, and how many of them were writes."""
    return {"calls": 0, "writes": 0} if server is None else {"calls": server.calls, "writes": server.writes}


def codes(error: BaseException | None) -> dict[str, Any]:
    """The server's code for an error, where it gave one: of the error itself or of what caused it."""
    while error is not None:
        if isinstance(error, (StatusError, RpcFault)):
            return {"error_code": error.code, "error_name": error.name, "rpc_call": error.call}
        error = error.__cause__
    return {}
