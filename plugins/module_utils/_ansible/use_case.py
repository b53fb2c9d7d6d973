# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""What every module is, from its parameters to its answer.

A use case is a function of the parameters that refuses bad input and gives a job: a function of the server. So nothing
is sent before everything was looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a module returns. ``failure`` is its message where it fails, ``error`` what has a code for that."""

    values: dict[str, Any]
    warnings: list[str] = field(default_factory=list)
    failure: str | None = None
    error: DhcpError | None = None


Job: TypeAlias = Callable[[DhcpServer], Answer]


class UseCase(Protocol):
    """From parameters to a job. Raises ``InvalidInput``."""

    def __call__(self, params: Mapping[str, Any], /, *, check_mode: bool) -> Job: ...
