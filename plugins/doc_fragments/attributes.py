# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The attributes that every module of the collection documents."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation fragments ``msrpc.dhcp.attributes`` and ``msrpc.dhcp.attributes.action_group``."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the target.
  diff_mode:
    description: Returns details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
      - This assumes that the system controlled or queried by the module has not changed in a relevant way.
  platform:
    description: Where the module runs. The system that it manages is a DHCP server on Windows.
"""

    ACTION_GROUP = r"""
attributes:
  action_group:
    description: Use C(group/msrpc.dhcp.dhcp) in C(module_defaults) to set the server and the account once.
    membership:
      - msrpc.dhcp.dhcp
"""
