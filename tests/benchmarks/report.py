# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How benchmarks measure and what they print: samples taken in turns, medians with their spread, bars met or missed."""

from __future__ import annotations

import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

UNITS = {"s": 1.0, "ms": 1e3, "µs": 1e6}
LIBRARIES = ("ansible-core", "impacket", "pyspnego")
WIDTH, CELL = 54, 34


@dataclass(frozen=True)
class Times:
    """Seconds of the same work, done again and again: by the clock, and of the processor in this process and in those
    that it started and saw end. The latter tell more where the machine has other things to do.
    """

    seconds: list[float]
    processor: list[float]

    @property
    def median(self) -> float:
        """The figure that counts."""
        return statistics.median(self.seconds)

    @property
    def spent(self) -> float:
        """Processor time, likewise."""
        return statistics.median(self.processor)

    def text(self, unit: str, *, each: int = 1) -> str:
        """Median and spread by the clock; ``each`` is how often the work was done within a sample."""
        return _text(self.seconds, UNITS[unit] / each, unit)

    def spent_text(self, unit: str, *, each: int = 1) -> str:
        """The same of the processor time."""
        return _text(self.processor, UNITS[unit] / each, unit)


def _text(samples: Sequence[float], factor: float, unit: str) -> str:
    middle = f"{statistics.median(samples) * factor:.2f} {unit}"
    if len(samples) == 1:
        return middle
    return f"{middle} ({min(samples) * factor:.2f} to {max(samples) * factor:.2f})"


def alternate(runs: int, *works: Callable[[], Any]) -> list[Times]:
    """Time several works in turns, A B A B, so that whatever else the machine does falls upon all of them."""
    samples = [Times([], []) for _work in works]
    for _run in range(runs):
        for taken, work in zip(samples, works, strict=True):
            began, spent = time.perf_counter(), _processor_time()
            work()
            taken.seconds.append(time.perf_counter() - began)
            taken.processor.append(_processor_time() - spent)
    return samples


def _processor_time() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


@dataclass
class Report:
    """What is printed, and the verdicts for the end. With samples too small for them there are none."""

    judges: bool = True
    verdicts: list[str] = field(default_factory=list)

    def title(self, text: str) -> None:
        """The name of a table, and how busy the machine is."""
        print(f"\n{text}  [load {load()}]\n{'-' * len(text)}", flush=True)

    def row(self, what: str, *cells: str) -> None:
        """A line of a table."""
        print((f"{what:<{WIDTH}}" + "".join(f"{cell:<{CELL}}" for cell in cells)).rstrip(), flush=True)

    def say(self, text: str) -> None:
        """A line of its own."""
        print(text, flush=True)

    def judge(self, what: str, value: float, limit: float, unit: str = "", *, at_least: bool = False) -> None:
        """Whether a figure is where it has to be, and by how much of the bar it is on this or the other side."""
        met = value >= limit if at_least else value <= limit
        distance = abs(value - limit) / limit * 100
        wish = "at least" if at_least else "at most"
        verdict = f"{'met' if met else 'missed'} by {distance:.0f} %"
        self._verdict(f"bar: {what}: {value:.4g}{unit}, {wish} {limit:.4g}{unit}: {verdict}")

    def fact(self, what: str, value: int, limit: int) -> None:
        """A bar that is a count."""
        verdict = f"met by {limit - value}" if value <= limit else f"missed by {value - limit}"
        self._verdict(f"bar: {what}: {value}, at most {limit}: {verdict}")

    def _verdict(self, line: str) -> None:
        if self.judges:
            self.verdicts.append(line)
            print(line, flush=True)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What a benchmark is given. ``quick`` takes fewer samples of less; ``profile`` shows where the time goes."""

    folder: Path
    report: Report
    quick: bool
    profile: bool

    def place(self, name: str) -> Path:
        """A folder of its own."""
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def runs(self, usual: int) -> int:
        """How many samples to take."""
        return 1 if self.quick else usual


def load() -> str:
    """The machine's load in the last minute."""
    return f"{os.getloadavg()[0]:.2f}"


def machine() -> str:
    """Where the figures come from."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    processor = f"{os.cpu_count()} x {_processor()}"
    return f"{platform.system()} {platform.machine()}, {processor}; Python {platform.python_version()}; {libraries}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "processors"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "processors")


def demand(fact: bool, sentence: str) -> None:
    """End the program unless what was measured is what it should be."""
    if not fact:
        sys.exit(f"Not as it must be: {sentence}")
