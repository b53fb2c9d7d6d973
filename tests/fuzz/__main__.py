# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A coverage-guided fuzzer of everything that reads octets of a peer.

::

    python -m ansible_collections.msrpc.dhcp.tests.fuzz TARGET [-max_total_time=240] [any other option of libFuzzer]
    python -m ansible_collections.msrpc.dhcp.tests.fuzz --keep TARGET
    python -m ansible_collections.msrpc.dhcp.tests.fuzz --list

The first needs atheris (``pip install atheris``) and runs until something is found that is neither a value nor a
``DhcpError``, takes too much memory or too long, or until it is told to end: ``make fuzz ARGS="gateway -runs=100000"``.
What it finds on the way lies in ``.build/fuzz/TARGET``; ``--keep`` puts into ``kept/TARGET.txt`` what of it reaches
something new. ``test_replay.py`` runs all that is kept. An input that was a defect gets a line of its own there:
its octets in hexadecimal, two blanks, and ``# crash: what was wrong``.
"""

from __future__ import annotations

import sys
import tracemalloc
from functools import partial
from pathlib import Path

from ansible_collections.msrpc.dhcp.tests.fuzz import corpus

FOUND = Path(__file__).parents[2] / ".build" / "fuzz"
INSTRUMENTED = ["ansible_collections.msrpc.dhcp.plugins", "ansible_collections.msrpc.dhcp.tests.simulator"]
# These read what a peer sent before we do, and are worth being steered through as well.
LIBRARIES = ["spnego", "impacket.dcerpc.v5.epm"]
DEFAULTS = ["-max_len=1024", "-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"]


def fuzz(target: str, options: list[str]) -> None:
    """Run libFuzzer, which ends the process."""
    import atheris  # type: ignore[import-untyped]  # noqa: PLC0415  (there is not one for every Python, and only this needs it)

    with atheris.instrument_imports(include=INSTRUMENTED + LIBRARIES):
        from ansible_collections.msrpc.dhcp.tests.fuzz.checking import check, outcome  # noqa: PLC0415
        from ansible_collections.msrpc.dhcp.tests.fuzz.targets import BY_LIBRARIES  # noqa: PLC0415

    folder = FOUND / target
    folder.mkdir(parents=True, exist_ok=True)
    for number, case in enumerate(corpus.load(target)):
        (folder / f"kept-{number}").write_bytes(case.data)
    run = outcome if target in BY_LIBRARIES else check
    if run is check:
        tracemalloc.start()
    prefix = f"-artifact_prefix={folder.parent}/{target}-"
    atheris.Setup([sys.argv[0], *DEFAULTS, prefix, *options, str(folder)], partial(run, target))
    atheris.Fuzz()


def keep(target: str) -> None:
    """Put into the kept inputs what of those found reaches something new."""
    from ansible_collections.msrpc.dhcp.tests.fuzz.coverage import worth_keeping  # noqa: PLC0415

    cases = {case.data: case for case in corpus.load(target)}
    for path in sorted((FOUND / target).glob("*")):
        data = path.read_bytes()
        cases.setdefault(data, corpus.Case(data))
    kept = worth_keeping(target, cases.values())
    corpus.store(target, kept)
    print(f"{target}: {len(kept)} of {len(cases)} inputs, {sum(len(case.data) for case in kept)} octets")


def main(arguments: list[str]) -> None:
    """Do what the command line says."""
    if arguments == ["--list"]:
        from ansible_collections.msrpc.dhcp.tests.fuzz.targets import TARGETS  # noqa: PLC0415

        print("\n".join(TARGETS))
    elif len(arguments) > 1 and arguments[0] == "--keep":
        for target in arguments[1:]:
            keep(target)
    elif arguments and not arguments[0].startswith("-"):
        fuzz(arguments[0], arguments[1:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
