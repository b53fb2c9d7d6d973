# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `make demo` shows: a campus of 2,000 clients, declared on a simulated DHCP server by a real ansible-playbook.

The exit status is 0 only if everything came out as it has to. What is written goes into a temporary directory.
"""

from __future__ import annotations

import json
import sys
import tempfile
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.msrpc.dhcp.tests.playbooks.running import run_playbook
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import ADMINISTRATOR, DEFAULT_DOMAIN, DEFAULT_PASSWORD

HERE = Path(__file__).parent
PLAYBOOK = HERE / "demo_playbook.yml"
CAMPUS = HERE / "data" / "campus.yml"
TASK = "Reserve an address for every client"


class NotAsItMustBe(Exception):
    """The demonstration cannot go on, or has shown something else than it promises."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One run of the playbook: what its task returned, what the server saw, what was printed, and how long it took."""

    values: dict[str, Any]
    calls: int
    writes: int
    output: str
    seconds: float

    @property
    def actions(self) -> list[str]:
        """What was done for each client, or in check mode would be."""
        return [client["action"] for client in self.values["clients"]]

    @property
    def price(self) -> str:
        """What the run took, in words."""
        return f"   {self.calls:,} RPC calls, {self.writes:,} writes, {self.seconds:.1f} s."

    @property
    def diff(self) -> str:
        """The part of the output that shows the differences."""
        lines = self.output.splitlines()
        start = next((number for number, line in enumerate(lines) if line.startswith("--- before")), len(lines))
        shown = lines[start:]
        return "\n".join(shown[: shown.index("")] if "" in shown else shown)


def demand(fact: bool, sentence: str) -> None:
    """Raise ``NotAsItMustBe`` unless it is so."""
    if not fact:
        raise NotAsItMustBe(sentence)


def run(simulator: Simulator, campus: Path, home: Path, *arguments: str) -> Outcome:
    """Run the playbook once. Raises ``NotAsItMustBe`` with all that it printed if it fails."""
    simulator.reset_counters()
    variables = {
        "campus": str(campus),
        "dhcp_server": simulator.host,
        "dhcp_port": simulator.port,
        "dhcp_username": f"{DEFAULT_DOMAIN}\\{ADMINISTRATOR}",
        "dhcp_password": DEFAULT_PASSWORD,
    }
    began = time.monotonic()
    ended = run_playbook(PLAYBOOK, *arguments, home=home, variables=variables)
    seconds = time.monotonic() - began
    demand(ended.status == 0 and TASK in ended.tasks, f"ansible-playbook failed:\n{ended.output}")
    return Outcome(
        values=ended[TASK].values,
        calls=simulator.calls,
        writes=simulator.writes,
        output=ended.output,
        seconds=seconds,
    )


def first_run(simulator: Simulator, home: Path, total: int) -> None:
    """Everything is made."""
    outcome = run(simulator, CAMPUS, home)
    print(f"1. The list is declared: {outcome.actions.count('created'):,} clients created.")
    print(f"{outcome.price} Each client got a record and a reservation.\n", flush=True)
    demand(outcome.actions == ["created"] * total, "Not every client was created.")
    scopes = simulator.snapshot().values()
    demand(sum(len(each.reservations) for each in scopes) == total, "The server has not as many reservations.")
    demand(sum(len(each.records) for each in scopes) == total, "The server has not as many client records.")


def second_run(simulator: Simulator, home: Path) -> None:
    """Nothing is left to do."""
    outcome = run(simulator, CAMPUS, home)
    changed = len(outcome.actions) - outcome.actions.count("none")
    print(f"2. The same again: {changed} clients changed.")
    print(f"{outcome.price}\n", flush=True)
    demand(not outcome.values["changed"] and changed == 0, "The second run reported a change.")
    demand(outcome.writes == 0, "The second run sent a write.")


def third_run(simulator: Simulator, home: Path, site: dict[str, Any]) -> None:
    """A change is foreseen, and not made."""
    client = site["clients"][0]
    client["description"] = "Phone, moved to the library"
    campus = home / "campus.json"
    campus.write_text(json.dumps(site), encoding="utf-8")
    before = simulator.snapshot()
    outcome = run(simulator, campus, home, "--check", "--diff")
    changed = len(outcome.actions) - outcome.actions.count("none")
    print(f"3. With one description in the list changed, in check mode: {changed} client would change.")
    print(f"{outcome.price} The server's database is as it was. What --diff shows:\n")
    print(textwrap.indent(outcome.diff, "   ") + "\n", flush=True)
    demand(outcome.values["changed"] and outcome.actions[0] == "updated", "The change was not foreseen.")
    demand(changed == 1, "Another client would be changed as well.")
    demand(client["description"] in outcome.diff, "The diff does not show the new description.")
    demand(outcome.writes == 0, "Check mode sent a write.")
    demand(simulator.snapshot() == before, "Check mode changed the server's database.")


def main() -> None:
    """The three runs."""
    site = yaml.safe_load(CAMPUS.read_text(encoding="utf-8"))
    total = len(site["clients"])
    with Simulator(site) as simulator, tempfile.TemporaryDirectory(prefix="msrpc-dhcp-demo-") as folder:
        home = Path(folder)
        print(f"\nA simulated DHCP server listens on {simulator.host}, port {simulator.port}.")
        print(f"It has {len(site['scopes'])} scopes and no clients. The playbook tests/demo_playbook.yml")
        print(f"declares the {total:,} clients of tests/data/campus.yml in one task. Each run below is")
        print("a real ansible-playbook, over signed and encrypted RPC.\n", flush=True)
        first_run(simulator, home, total)
        second_run(simulator, home)
        third_run(simulator, home, site)
    print("All as it must be. The server was the simulator of tests/simulator, not Windows.")


if __name__ == "__main__":
    try:
        main()
    except NotAsItMustBe as exc:
        sys.exit(f"\nNot as it must be: {exc}")
