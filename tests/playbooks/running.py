# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs ansible-playbook and its like as a user does, and reads back what every task returned.

Whatever the programs write goes below a folder that the caller names; settings of the caller's Ansible do not count.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
# Not resolved: the directory that holds `ansible_collections` may be one of links.
TREE = Path(__file__).parents[5]
LONGEST = 300  # seconds that a program may take
CALLERS = ("ANSIBLE_", "MSRPC_DHCP_")
NOTHING_YET: dict[str, Any] = {"calls": 0, "writes": 0, "audit": []}


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a task returned. If the run was told the simulator's control port: what the simulator saw of the task,
    and its whole dump afterwards.
    """

    name: str
    failed: bool
    values: dict[str, Any]
    calls: int
    writes: int
    audit: list[dict[str, Any]]
    server: dict[str, Any]

    @property
    def changed(self) -> bool:
        """What the task reported."""
        return bool(self.values["changed"])


@dataclass(frozen=True, kw_only=True)
class Run:
    """A playbook's end: its exit status, its output on both channels, and its tasks by name."""

    status: int
    output: str
    tasks: dict[str, Task]

    def __getitem__(self, name: str) -> Task:
        return self.tasks[name]


def environment(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of a program whose home is ``home``."""
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    (home / "ansible.cfg").touch()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(CALLERS)}
    # How a caller makes Ansible wait for its workers, so that they write down what they have covered.
    kept |= {name: value for name, value in os.environ.items() if name.startswith("ANSIBLE_WORKER_SHUTDOWN_")}
    return kept | {
        "ANSIBLE_ASYNC_DIR": str(home / ".ansible_async"),
        "ANSIBLE_COLLECTIONS_PATH": str(TREE),
        "ANSIBLE_CONFIG": str(home / "ansible.cfg"),
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_INJECT_INVOCATION": "True",  # what older versions do anyway: return the options
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_NOCOLOR": "1",
        # Ansible looks up the user's home elsewhere, so HOME alone does not move this one.
        "ANSIBLE_REMOTE_TEMP": str(home / ".ansible" / "tmp"),
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "TMPDIR": str(home / "tmp"),
        **(more or {}),
    }


def program(
    name: str, *arguments: str | Path, home: Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program of Ansible's that stands beside this interpreter; both channels are in ``stdout``."""
    return subprocess.run(
        [Path(sys.executable).with_name(name), *arguments],
        cwd=cwd or home,
        env=environment(home, env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=LONGEST,
        check=False,
    )


def vaulted(text: str, *, key: Path, home: Path) -> str:
    """A text as ansible-vault encrypts it.

    By the program: the library in this process would make modules that are run here behave as inside of Ansible.
    """
    clear = home / "clear.txt"
    clear.write_text(text, encoding="utf-8")
    program("ansible-vault", "encrypt", "--vault-password-file", key, clear, home=home).check_returncode()
    sealed = clear.read_text(encoding="utf-8")
    clear.unlink()
    return sealed


def run_playbook(
    playbook: Path,
    *arguments: str,
    home: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    variables: Mapping[str, Any] | None = None,
    control_port: int | None = None,
) -> Run:
    """Run a playbook against localhost, which Ansible knows without an inventory."""
    record = home / "record.jsonl"
    record.unlink(missing_ok=True)
    settings = {
        "ANSIBLE_CALLBACKS_ENABLED": "recorder",
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"),
        "RECORDER_FILE": str(record),
    }
    if control_port is not None:
        settings["RECORDER_CONTROL_PORT"] = str(control_port)
    extra = ["--extra-vars", json.dumps(variables)] if variables else []
    ended = program(
        "ansible-playbook", *extra, *arguments, playbook, home=home, cwd=cwd, env={**settings, **(env or {})}
    )
    lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
    return Run(status=ended.returncode, output=ended.stdout, tasks=_tasks(lines))


def _tasks(lines: list[str]) -> dict[str, Task]:
    """The tasks; the simulator counts from the start of the run, each of them gets its share."""
    tasks = {}
    before: dict[str, Any] = NOTHING_YET
    for line in lines:
        data = json.loads(line)
        after = data["server"] or NOTHING_YET
        tasks[data["task"]] = Task(
            name=data["task"],
            failed=data["status"] == "failed",
            values=data["values"],
            calls=after["calls"] - before["calls"],
            writes=after["writes"] - before["writes"],
            audit=after["audit"][len(before["audit"]) :],
            server=after,
        )
        before = after
    return tasks
