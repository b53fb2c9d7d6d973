# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A connection to a host that happens to be this one, but which Ansible does not take for it."""

from __future__ import annotations

from ansible.plugins.connection.local import Connection as LocalConnection

DOCUMENTATION = """
name: elsewhere
short_description: A jump host for the tests of this collection
description:
  - Runs everything here, as the connection C(local) does.
options:
  become_success_timeout:
    description: See the connection C(local).
    type: int
    default: 10
  become_strip_preamble:
    description: See the connection C(local).
    type: bool
    default: true
extends_documentation_fragment:
  - connection_pipelining
"""


class Connection(LocalConnection):
    """The connection ``local`` under another name."""

    transport = "elsewhere"
