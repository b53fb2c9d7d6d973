# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""What Ansible does around a module, for a use case that runs in the controller's worker instead.

The way of a module's arguments through JSON, the check of its options, its environment and its folder, the removal of
secrets from what it returns. Nothing of it outlasts the task.
"""

from __future__ import annotations

import gc
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator
from ansible.module_utils.common.json import Direction, get_module_decoder, get_module_encoder
from ansible.module_utils.common.parameters import remove_values

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import runner
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.argspec import ModuleSpec
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.kept import KeptConnections
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.use_case import Answer, UseCase
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import import_all
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.kerberos import KERBEROS_IMPORT_ERROR

# How Ansible writes the arguments of a module that asks for nothing else, and how the module reads them.
_ENCODER = get_module_encoder("legacy", Direction.CONTROLLER_TO_MODULE)
_DECODER = get_module_decoder("legacy", Direction.CONTROLLER_TO_MODULE)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Read by a program when it starts, or by a library when it is loaded: too late for a worker that runs already.
_READ_AT_START = ("PYTHON", "LD_", "DYLD_", "GSS_", "OPENSSL_")

# What every worker needs, in the process that forks them.
import_all()
# Of this process. The strategies load the plugin before they fork, when nothing is kept yet.
_KEPT = KeptConnections()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Parameters as a module has them, and what of them must not be shown."""

    params: dict[str, Any]
    secrets: set[str] = field(repr=False)


def check(spec: ModuleSpec, arguments: Mapping[str, Any]) -> Checked | None:
    """The parameters with defaults, types and fallbacks, as ``AnsibleModule`` has them; None if they are refused.

    Warnings about aliases go where those of a task go. Raises ``AnsibleError`` for text that no module may return.
    """
    try:
        given = _through_json(arguments)
    except (TypeError, ValueError):  # what no module can be given
        return None
    validator = ModuleArgumentSpecValidator(
        spec.options, mutually_exclusive=spec.mutually_exclusive, required_one_of=spec.required_one_of
    )
    checked = validator.validate(given)
    if checked.error_messages:
        return None
    return Checked(params=checked.validated_parameters, secrets=checked._no_log_values)


def lacks_kerberos_for(checked: Checked) -> bool:
    """Whether the logon may need the packages for Kerberos and this Python has none."""
    return KERBEROS_IMPORT_ERROR is not None and checked.params["auth"] != "ntlm"


def perform(use_case: UseCase, checked: Checked, *, check_mode: bool) -> dict[str, Any]:
    """The result of a task as its module would return it."""
    with _memory_of_the_parent_untouched():
        answer = runner.perform(use_case, checked.params, check_mode=check_mode, kept=_KEPT)
        return result(answer, checked)


def _through_json(arguments: Mapping[str, Any]) -> Any:
    """Plain values: no tags, nothing that is trusted as a template or still encrypted."""
    return json.loads(json.dumps(dict(arguments), cls=_ENCODER), cls=_DECODER)


def result(answer: Answer, checked: Checked) -> dict[str, Any]:
    """What ``exit_json`` and ``fail_json`` would return, without any secret."""
    values = {**answer.values, "invocation": {"module_args": checked.params}}
    if answer.failure is not None:
        values |= {"failed": True, "msg": answer.failure}
    if answer.warnings:
        values["warnings"] = answer.warnings
    # As there: a truth value or a null is no secret, whatever the password is.
    plain = {name: value for name, value in values.items() if value is None or isinstance(value, bool)}
    return {**remove_values(values, checked.secrets), **plain}


@contextmanager
def _memory_of_the_parent_untouched() -> Iterator[None]:
    """Let the garbage collector look at what the task makes, and not at what was there before.

    A worker shares the memory of its parent until it writes to it, and a full collection writes to every object: that
    would cost more than the task.
    """
    free = not gc.get_freeze_count()
    if free:
        gc.freeze()
    try:
        yield
    finally:
        if free:
            gc.unfreeze()


def can_apply(environment: Mapping[str, Any]) -> bool:
    """Whether a running process can take these variables on, with the effect that they have on a new one."""
    return all(
        isinstance(name, str)
        and _VARIABLE.fullmatch(name)
        and not name.startswith(_READ_AT_START)
        and "\0" not in str(value)
        for name, value in environment.items()
    )


@contextmanager
def applied(environment: Mapping[str, Any]) -> Iterator[None]:
    """Variables of the task, on top of the process's own, as long as the ``with`` block."""
    before = {name: os.environ.get(name) for name in environment}
    try:
        os.environ.update({str(name): str(value) for name, value in environment.items()})
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def in_folder(folder: str) -> Iterator[None]:
    """The folder that relative paths in the variables start from, as long as the ``with`` block."""
    try:
        before = os.getcwd()
    except OSError:  # it was removed
        before = folder
    os.chdir(folder)
    try:
        yield
    finally:
        with suppress(OSError):  # removed meanwhile, or another user's: no reason to lose what the task did
            os.chdir(before)
