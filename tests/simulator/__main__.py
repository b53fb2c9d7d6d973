# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a simulated DHCP server in the foreground, until SIGTERM or SIGINT.

The state file is JSON with ``host``, ``port``, ``endpoint_mapper_port``, ``control_port`` and ``pid``; it appears,
whole, when the server listens, and goes when it ends. SIGUSR1 writes the dump file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import tempfile
from pathlib import Path
from typing import Any

from ansible_collections.msrpc.dhcp.tests.simulator import control
from ansible_collections.msrpc.dhcp.tests.simulator.server import Listeners, new_server
from ansible_collections.msrpc.dhcp.tests.simulator.site import load


def write_whole(path: Path, data: dict[str, Any]) -> None:
    """Write JSON so that a reader sees all of it or nothing."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(data, stream, indent=1)
    os.replace(name, path)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="simulator", description="An MS-DHCPM server for tests and demonstrations.")
    parser.add_argument("--site", type=Path, required=True, help="YAML file with scopes, accounts and settings")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="TCP port of the DHCP server; 0 takes a free one")
    parser.add_argument("--endpoint-mapper-port", type=int, default=0, help="TCP port of the endpoint mapper")
    parser.add_argument("--control-port", type=int, help="TCP port, on the same address, that tests can ask")
    parser.add_argument("--state-file", type=Path, help="where to write the ports and the process id")
    parser.add_argument("--dump", type=Path, help="where to write the database, the counters and the audit at the end")
    return parser.parse_args(arguments)


async def serve(options: argparse.Namespace) -> None:
    """Listen until a signal ends it."""
    server = new_server(load(options.site))
    listeners = Listeners(server)
    await listeners.open(options.host, options.port, options.endpoint_mapper_port)
    state = {
        "host": options.host,
        "port": server.port,
        "endpoint_mapper_port": listeners.endpoint_mapper_port,
        "pid": os.getpid(),
    }
    if options.control_port is not None:
        controller = await asyncio.start_server(
            lambda reader, writer: control.converse(server, reader, writer), options.host, options.control_port
        )
        state["control_port"] = controller.sockets[0].getsockname()[1]

    def write_dump() -> None:
        if options.dump is not None:
            write_whole(options.dump, control.dump(server))

    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    loop.add_signal_handler(signal.SIGUSR1, write_dump)
    if options.state_file is not None:
        write_whole(options.state_file, state)
    print(
        f"Simulated DHCP server on {options.host} port {server.port}, "
        f"its endpoint mapper on port {listeners.endpoint_mapper_port}.",
        flush=True,
    )
    await ended.wait()
    await listeners.close()
    write_dump()
    if options.state_file is not None:
        options.state_file.unlink(missing_ok=True)


if __name__ == "__main__":
    asyncio.run(serve(parse()))
