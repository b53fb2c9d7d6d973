# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Several connections to one server, for work whose parts do not depend on each other.

What takes long in a large task is waiting for answers, and a connection waits for one at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeAlias

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer

Job: TypeAlias = Callable[[DhcpServer], None]


class Crew:
    """A server, and up to ``size`` connections to it. The further ones are opened when first needed, then kept."""

    def __init__(self, server: DhcpServer, size: int = 1) -> None:
        self.server = server
        self._size = size
        self._helpers: list[DhcpServer] = []

    def run(self, jobs: Iterable[Job]) -> None:
        """Do every job once, each over one of the connections; returns when all have ended.

        The order is that of ``jobs`` only over a single connection. Whatever a job raises is raised here, and then the
        jobs that have not begun are left undone. A further connection that cannot be had does not count: the work is
        done over the others.
        """
        queue = deque(jobs)
        helpers = self._engage(min(self._size, len(queue)) - 1)
        if not helpers:
            _work_off(queue, self.server)
            return
        # Imported late, because most tasks have no use for it.
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

        with ThreadPoolExecutor(max_workers=len(helpers), thread_name_prefix="msrpc.dhcp") as pool:
            futures = [pool.submit(self._help, queue, helper) for helper in helpers]
            _work_off(queue, self.server)
        for future in futures:
            future.result()

    def _engage(self, number: int) -> list[DhcpServer]:
        while len(self._helpers) < number:
            self._helpers.append(self.server.sibling())
        return self._helpers[: max(number, 0)]

    def _help(self, queue: deque[Job], server: DhcpServer) -> None:
        try:
            server.open()
        except DhcpError:
            # The server may take no more connections, and to wait for one again would take as long. Nothing was sent.
            self._helpers.remove(server)
            self._size -= 1
            return
        _work_off(queue, server)


def _work_off(queue: deque[Job], server: DhcpServer) -> None:
    try:
        while True:
            try:
                job = queue.popleft()
            except IndexError:
                return
            job(server)
    finally:
        queue.clear()  # after a job that raised, nobody begins another one
