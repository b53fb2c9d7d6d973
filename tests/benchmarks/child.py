# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process of its own for one measurement, so that nothing but the measured work is in its memory.

``python -m ...child measurement.json``: the file says what to do, and gets beside it an answer of the same name with
``.answer``. The idle process has imported all that the work needs, and has not seen a parameter yet.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.msrpc.dhcp.tests.playbooks.running import TREE

LONGEST = 600  # seconds
KIB_OF_MIB = 1024


def measure(folder: Path, name: str, what: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Run one measurement in a process of its own: its seconds, its memory in MiB, and a summary of its answer.

    ``what`` is ``write`` or ``list`` for a use case, ``module`` for the module's process from parameters to result.
    """
    request = folder / f"{name}.json"
    request.write_text(json.dumps({"what": what, "options": options}), encoding="utf-8")
    command = [sys.executable, "-m", "ansible_collections.msrpc.dhcp.tests.benchmarks.child", str(request)]
    with (folder / f"{name}.output").open("wb") as output:
        subprocess.run(command, env={**os.environ, "PYTHONPATH": str(TREE)}, stdout=output, timeout=LONGEST, check=True)
    answer: dict[str, Any] = json.loads(request.with_suffix(".answer").read_text(encoding="utf-8"))
    return answer


def peak() -> float:
    """The most memory that this process has had at once, in MiB. ``ru_maxrss`` would count the parent's before exec."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_OF_MIB
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / KIB_OF_MIB


def main(path: Path) -> None:
    """Import, look at the memory, work, look again."""
    # Before the first look: the imports are the idle process.
    from ansible.module_utils.testing import patch_module_args  # noqa: PLC0415

    from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.argspec import (  # noqa: PLC0415
        LEASE_INFO,
        RESERVATION_LEASE,
    )
    from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.reading import lease_info  # noqa: PLC0415
    from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.runner import perform  # noqa: PLC0415
    from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.writing import reservation_lease  # noqa: PLC0415
    from ansible_collections.msrpc.dhcp.plugins.modules import dhcp_reservation_lease  # noqa: PLC0415
    from ansible_collections.msrpc.dhcp.tests.benchmarks.ground import checked  # noqa: PLC0415

    idle = peak()
    request = json.loads(path.read_text(encoding="utf-8"))
    summary: dict[str, Any] = {}
    if request["what"] == "module":
        began, spent = time.perf_counter(), time.process_time()
        with patch_module_args(request["options"]):
            try:
                dhcp_reservation_lease.main()
            except SystemExit as exc:
                summary["failed"] = bool(exc.code)
    else:
        listing = request["what"] == "list"
        spec, use_case = (LEASE_INFO, lease_info) if listing else (RESERVATION_LEASE, reservation_lease)
        parameters = checked(request["options"], spec)
        began, spent = time.perf_counter(), time.process_time()
        answer = perform(use_case, parameters, check_mode=False)
        actions = {each.get("action") for each in answer.values.get("clients", ())}
        summary = {
            "failed": answer.failure is not None,
            "count": len(answer.values.get("clients", ())),
            "actions": sorted(filter(None, actions)),
            **answer.values["rpc"],
        }
    seconds, processor = time.perf_counter() - began, time.process_time() - spent
    result = {"seconds": seconds, "processor": processor, "idle": idle, "peak": peak(), **summary}
    path.with_suffix(".answer").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
