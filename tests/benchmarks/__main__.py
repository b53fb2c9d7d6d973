# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long things take, and how much memory: one table for each subject, beside impacket or Ansible's own modules.

``python -m ansible_collections.msrpc.dhcp.tests.benchmarks [name ...] [--quick] [--profile]``. Figures that are
compared are taken in turns in one run; docs/benchmarks.md says what each of them is.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ansible_collections.msrpc.dhcp.tests.benchmarks import fleet, many, playbooks, protocol, single, use_case
from ansible_collections.msrpc.dhcp.tests.benchmarks.report import Bench, Report, load, machine

BENCHMARKS: dict[str, Callable[[Bench], None]] = {
    "codec": protocol.codec,
    "get": protocol.get,
    "walk": protocol.walk,
    "second_run": use_case.second_run,
    "bulk": use_case.bulk,
    "loop": playbooks.loop,
    "delegation": playbooks.delegation,
    "one_task": playbooks.one_task,
    "memory": many.memory,
    "growth": many.growth,
    "single": single.single,
    "fleet": fleet.fleet,
}


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="name", help=f"what to measure: {', '.join(BENCHMARKS)}; or all")
    parser.add_argument("--quick", action="store_true", help="one sample of less, to see that it runs")
    parser.add_argument("--profile", action="store_true", help="show the slowest functions where a benchmark can")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}")
    return arguments


def main() -> None:
    """The tables, and all verdicts again at the end."""
    arguments = parse()
    report = Report(judges=not arguments.quick)
    began = time.monotonic()
    report.say(f"{machine()}\nLoad before: {load()}")
    with tempfile.TemporaryDirectory(prefix="msrpc-dhcp-benchmarks-") as folder:
        bench = Bench(folder=Path(folder), report=report, quick=arguments.quick, profile=arguments.profile)
        for name in arguments.names or BENCHMARKS:
            BENCHMARKS[name](bench)
    report.say(f"\nLoad after: {load()}. It took {time.monotonic() - began:.0f} s. The simulator is written in Python")
    report.say("and shares the machine: its time is in every figure by the clock.\n")
    for verdict in report.verdicts:
        report.say(verdict)


if __name__ == "__main__":
    main()
