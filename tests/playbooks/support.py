# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulator in a process of its own, and playbooks written in a few lines of a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ansible_collections.msrpc.dhcp.tests.playbooks.running import TREE, Run, run_playbook
from ansible_collections.msrpc.dhcp.tests.simulator.control import ask
from ansible_collections.msrpc.dhcp.tests.simulator.site import ADMINISTRATOR, DEFAULT_DOMAIN, DEFAULT_PASSWORD

MODULE = "msrpc.dhcp.dhcp_reservation_lease"
LONGEST_END = 10  # seconds


def _scope(subnet: str) -> dict[str, Any]:
    net = subnet.rpartition(".")[0]
    return {"scope": subnet, "prefix_length": 24, "ranges": [{"start": f"{net}.10", "end": f"{net}.250"}]}


SITE: dict[str, Any] = {"scopes": [_scope("10.0.0.0"), _scope("10.0.1.0"), _scope("192.0.2.0")]}


class Program:
    """The simulator as a program, as long as the ``with`` block."""

    def __init__(self, folder: Path, site: Mapping[str, Any] | None = None) -> None:
        self._folder = folder
        self._site = SITE if site is None else site

    def __enter__(self) -> Self:
        site, state = self._folder / "site.json", self._folder / "state.json"
        site.write_text(json.dumps(self._site), encoding="utf-8")
        command = [sys.executable, "-m", "ansible_collections.msrpc.dhcp.tests.simulator", "--site", str(site)]
        command += ["--control-port", "0", "--state-file", str(state)]
        environment = {**os.environ, "PYTHONPATH": str(TREE)}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
        assert self._process.stdout is not None
        if not self._process.stdout.readline():  # its greeting comes when it listens
            raise RuntimeError(f"the simulator ended with {self._process.wait(LONGEST_END)}")
        self.ports: dict[str, Any] = json.loads(state.read_text(encoding="utf-8"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.wait(LONGEST_END)

    def ask(self, **request: Any) -> Any:
        """The answer of its control port."""
        return ask(self.ports["control_port"], **request)


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """A simulator and a home directory; what a playbook leaves behind is in the home."""

    program: Program
    home: Path

    @property
    def connection(self) -> dict[str, Any]:
        """The connection options of the simulator."""
        return {
            "server": "127.0.0.1",
            "port": self.program.ports["port"],
            "username": f"{DEFAULT_DOMAIN}\\{ADMINISTRATOR}",
            "password": DEFAULT_PASSWORD,
        }

    def play(
        self,
        tasks: Sequence[Mapping[str, Any]],
        *arguments: str,
        connection: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Run:
        """Run tasks as one play, with the server and the account in module_defaults, set for the action group."""
        self.home.mkdir(exist_ok=True)
        self.program.ask(do="reset")
        playbook = self.home / "playbook.yml"
        play = {
            "name": "Test",
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {"group/msrpc.dhcp.dhcp": self.connection if connection is None else connection},
            "tasks": tasks,
        }
        playbook.write_text(json.dumps([play]), encoding="utf-8")
        port = self.program.ports["control_port"]
        return run_playbook(playbook, *arguments, home=self.home, control_port=port, **more)


def task(name: str, options: Mapping[str, Any], **keywords: Any) -> dict[str, Any]:
    """A task of the module; keywords are Ansible's own, such as ``check_mode`` or ``loop``."""
    return {"name": name, MODULE: options, **keywords}
