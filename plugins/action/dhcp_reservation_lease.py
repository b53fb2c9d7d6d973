# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module of the same name in the controller's worker where that comes to the same, else as a module.

A module costs a process for each item of a loop; here an item costs its calls, and the connection serves the next one.
"""

from __future__ import annotations

import sys
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.plugins.action.normal import ActionModule as ModuleAction

# All that a task needs is imported here: the strategies load this file before they fork a worker for each host.
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import deps, worker
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.argspec import RESERVATION_LEASE
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.writing import reservation_lease

_LIBRARIES_ARE_HERE = deps.missing_library() is None


class ActionModule(ModuleAction):
    """The action of ``dhcp_reservation_lease``; check mode, async and all else as with any module."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The task's result."""
        variables = task_vars or {}
        if getattr(self._connection._shell, "_IS_WINDOWS", False):
            return {"changed": False, "failed": True, "msg": self._not_on_windows(variables)}
        result = self._run_here(variables) if self._stays_here() else None
        if result is None:
            result = super().run(tmp, task_vars)  # type: ignore[no-untyped-call]  # as all of ansible-core
        return result

    def _stays_here(self) -> bool:
        """Whether the module would run as this user on this machine, and the worker has all that it needs."""
        is_local = self._connection.transport == "local" and not self._connection.become
        # A task's time limit interrupts the worker anywhere, also between two writes; a module comes to its end.
        is_undisturbed = not self._task.async_val and not self._task.timeout
        return is_local and is_undisturbed and _LIBRARIES_ARE_HERE

    def _run_here(self, task_vars: dict[str, Any]) -> dict[str, Any] | None:
        """The result, or None where only the module can do what the task says, or say what is wrong with it."""
        environment: dict[str, Any] = {}
        if any(self._task.environment or ()):
            self._compute_environment_string(environment)  # type: ignore[no-untyped-call]
        if not worker.can_apply(environment):
            return None
        with worker.in_folder(self._loader.get_basedir()), worker.applied(environment):
            try:
                checked = worker.check(RESERVATION_LEASE, self._task.args)
                if checked is None or (worker.lacks_kerberos_for(checked) and self._names_another_python(task_vars)):
                    return None
            except AnsibleError:
                return None
            self._display.vvv(f"Using action file {__file__}, without a process of its own")
            result = worker.perform(reservation_lease, checked, check_mode=self._task.check_mode)
        if not _returns_invocation(task_vars):
            del result["invocation"]
        return result

    def _names_another_python(self, task_vars: dict[str, Any]) -> bool:
        """Whether modules are to run with another Python than Ansible's own; one that is to be found is none."""
        host = self._task.delegate_to
        variables = task_vars["ansible_delegated_vars"][host] if host else task_vars
        named = self._templar.template(constants.config.get_config_value("INTERPRETER_PYTHON", variables=variables))
        return bool(named) and not str(named).startswith("auto") and named != sys.executable

    def _not_on_windows(self, task_vars: dict[str, Any]) -> str:
        host = self._task.delegate_to or task_vars.get("inventory_hostname")
        return (
            f"{self._task.action} does not run on a Windows host such as {host}: it speaks to the DHCP server over the "
            "network. Add delegate_to: localhost to the task, and name the DHCP server in the option server."
        )


def _returns_invocation(task_vars: dict[str, Any]) -> bool:
    """Whether Ansible has modules return their options: always, until 2.21 made a setting of it."""
    name = "INJECT_INVOCATION"
    if not constants.config.get_configuration_definition(name):
        return True
    return bool(constants.config.get_config_value(name, variables=task_vars))
