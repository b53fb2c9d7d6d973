# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Becomes the user that one is, so that no test needs another one, or a right to become it."""

from __future__ import annotations

from typing import Any

from ansible.plugins.become import BecomeBase

DOCUMENTATION = """
name: oneself
short_description: Becomes the same user
description:
  - For the tests of this collection.
options:
  become_user:
    description: Not looked at; Ansible would hand its files over to anybody else than root.
    default: root
  become_pass:
    description: Not needed.
"""


class BecomeModule(BecomeBase):
    """Leaves every command as it is."""

    name = "oneself"

    def build_become_command(self, cmd: str, shell: Any) -> str:
        """The command, which announces its success as Ansible expects it."""
        super().build_become_command(cmd, shell)
        return str(self._build_success_command(cmd, shell))
