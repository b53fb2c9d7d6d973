# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Connections that wait for the next item of a loop, so that only the first one logs on.

Nothing but the connection is kept: what was read over it is read again for every item.
"""

from __future__ import annotations

import hmac
import os
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, fields

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import Connection, Endpoint
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.security import Credentials
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import RpcChannel

# Between two items pass milliseconds, with a pause or a retry some seconds. Firewalls and servers forget a silent
# connection after half a minute at the earliest, and what is sent over a forgotten one is lost without a word.
LONGEST_PAUSE = 10.0  # seconds
# Loops over a few servers or accounts; more would only cost the servers.
MOST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """A connection and the moment since which it has nothing to do."""

    connection: Connection
    since: float

    def is_sound(self) -> bool:
        return time.monotonic() - self.since <= LONGEST_PAUSE and self.connection.is_quiet()


class _Shelf:
    """What one thread of one process keeps, by digests that mean nothing outside of it."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.secret = secrets.token_bytes(32)
        self.waiting: dict[bytes, _Waiting] = {}

    def clear(self) -> None:
        """Close all. What came through a fork stays open for the process that opened it: no octet is sent."""
        for each in self.waiting.values():
            each.connection.close()
        self.waiting.clear()

    def sound(self) -> dict[bytes, _Waiting]:
        """Those that can be used, the longest waiting first; the others are closed."""
        for key in [key for key, each in self.waiting.items() if not each.is_sound()]:
            self.waiting.pop(key).connection.close()
        return self.waiting


class KeptConnections:
    """Takes a connection in after an item and gives it out for the next one, within one thread of one process."""

    def __init__(self) -> None:
        self._local = threading.local()

    def line(self, endpoint: Endpoint, credentials: Credentials) -> Line:
        """The place of the connections for which all options are the same, and the environment.

        The environment names ticket caches, Kerberos settings and the resolver's. Nobody can read a password from the
        place's key: it is a digest under a secret of this process.
        """
        shelf = self._shelf()
        options = [[(each.name, getattr(of, each.name)) for each in fields(of)] for of in (endpoint, credentials)]
        text = ascii((options, sorted(os.environ.items())))
        return Line(self._shelf, hmac.digest(shelf.secret, text.encode("ascii"), "sha256"))

    def close(self) -> None:
        """Close all that this thread keeps."""
        self._shelf().clear()

    def _shelf(self) -> _Shelf:
        shelf: _Shelf | None = getattr(self._local, "shelf", None)
        if shelf is None or shelf.process != os.getpid():
            if shelf is not None:
                shelf.clear()
            shelf = self._local.shelf = _Shelf()
        return shelf


class Line:
    """Where a connection to one server, for one account, waits between two items.

    Whoever takes a connection owns it: it is not here any more, so a failure cannot leave a broken one behind.
    """

    def __init__(self, shelf: Callable[[], _Shelf], key: bytes) -> None:
        self._shelf = shelf
        self._key = key

    def take(self) -> Connection | None:
        """A connection that is as good as a new one, for the caller to close; None if there is none."""
        waiting = self._shelf().sound()
        found = waiting.pop(self._key, None)
        return None if found is None else found.connection

    def put(self, channel: RpcChannel | None) -> None:
        """Keep a connection, or close it if it cannot serve again; the one that waits longest makes room."""
        if not isinstance(channel, Connection) or not channel.is_quiet():
            if channel is not None:
                channel.close()
            return
        waiting = self._shelf().sound()
        replaced = waiting.pop(self._key, None)
        if replaced is None and len(waiting) >= MOST:
            replaced = waiting.pop(next(iter(waiting)))
        if replaced is not None:
            replaced.connection.close()
        waiting[self._key] = _Waiting(connection=channel, since=time.monotonic())
