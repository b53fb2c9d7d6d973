# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""The guard for third-party libraries: missing is told from too old, and the remedy names the package."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.compat.version import LooseVersion

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import IMPACKET_IMPORT_ERROR
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.security import SPNEGO_IMPORT_ERROR

# The same bounds as in requirements.txt and in the doc fragment; a test compares them.
MINIMUM = {"impacket": "0.13.0", "pyspnego": "0.12.0"}
_IMPORT_ERRORS = {"impacket": IMPACKET_IMPORT_ERROR, "pyspnego": SPNEGO_IMPORT_ERROR}


def demand_libraries(module: AnsibleModule) -> None:
    """Fail the module unless every library is there and new enough."""
    for name, minimum in MINIMUM.items():
        problem = library_problem(name, minimum, _IMPORT_ERRORS[name])
        if problem is not None:
            module.fail_json(msg=problem, exception=_IMPORT_ERRORS[name])


def missing_library() -> str | None:
    """The sentence about the first library that cannot be used, None if all can: for what is no module."""
    problems = (library_problem(name, minimum, _IMPORT_ERRORS[name]) for name, minimum in MINIMUM.items())
    return next((problem for problem in problems if problem is not None), None)


def library_problem(name: str, minimum: str, import_error: str | None) -> str | None:
    """The sentence about a library that cannot be used, None for one that can."""
    try:
        found = version(name)
    except PackageNotFoundError:
        if import_error is None:
            return None  # importable without metadata: a distribution's packaging
        return str(missing_required_lib(f"{name}>={minimum}"))
    if LooseVersion(found) < LooseVersion(minimum):
        return f"{missing_required_lib(f'{name}>={minimum}')} Version {found} is installed, which is too old."
    if import_error is not None:
        return f"{missing_required_lib(f'{name}>={minimum}')} Version {found} is installed, but cannot be imported."
    return None
