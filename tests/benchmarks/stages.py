# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One task in a process of its own, stage by stage: ``python -m ...stages request.json``.

The request says whether the task runs as a module or inside a worker of the controller, and with which options. The
answer, beside it, has the seconds of each stage, and the files of which a function ran after the imports. Everything is
imported where its time is taken, which is why no import but the standard library's stands at the top.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import FrameType
from typing import Any


class Clock:
    """Seconds by stage, in the order of the stages: by the clock, and of the processor."""

    def __init__(self) -> None:
        self.stages: dict[str, tuple[float, float]] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what is in the ``with`` block."""
        began, spent = time.perf_counter(), time.process_time()
        yield
        self.stages[name] = (time.perf_counter() - began, time.process_time() - spent)


def as_module(clock: Clock, options: dict[str, Any], traced: Callable[[], Any]) -> None:
    """What ``runner.run`` does for a module, with the connection taken apart."""
    with clock.stage("imports"):
        from ansible_collections.msrpc.dhcp.plugins.modules import dhcp_reservation_lease  # noqa: F401, PLC0415
    with clock.stage("apart"):  # what only the measurement needs
        from ansible.module_utils.basic import AnsibleModule  # noqa: PLC0415
        from ansible.module_utils.testing import patch_module_args  # noqa: PLC0415

        from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import deps  # noqa: PLC0415
        from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import options as typed  # noqa: PLC0415
        from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.argspec import (  # noqa: PLC0415
            RESERVATION_LEASE as SPEC,
        )
        from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.writing import (  # noqa: PLC0415
            reservation_lease,
        )
        from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.channel import Deadline, resolve  # noqa: PLC0415
        from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import connect  # noqa: PLC0415
        from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import (  # noqa: PLC0415
            DHCPSRV,
            DHCPSRV2,
        )
        from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer  # noqa: PLC0415
    traced()
    with patch_module_args(options), clock.stage("check of the options"):
        module = AnsibleModule(
            argument_spec=SPEC.options,
            mutually_exclusive=SPEC.mutually_exclusive,
            required_one_of=SPEC.required_one_of,
            supports_check_mode=True,
        )
    with clock.stage("libraries there and new enough"):
        deps.demand_libraries(module)
    with clock.stage("parameters to typed values"):
        job = reservation_lease(module.params, check_mode=False)
        endpoint, credentials = typed.endpoint(module.params), typed.credentials(module.params)
    with clock.stage("look-up of the name"):
        resolve(endpoint.server, Deadline(10.0, option="connect_timeout", doing="Looking up"))
    with clock.stage("connect, bind, logon"):
        connection = connect(endpoint, credentials, (DHCPSRV, DHCPSRV2))
    with DhcpServer(lambda: connection) as server:
        with clock.stage("reads and decision"):
            answer = job(server)
        with clock.stage("result as JSON"):
            json.dumps(answer.values)


def in_worker(clock: Clock, options: dict[str, Any], traced: Callable[[], Any]) -> None:
    """Two items of a loop in the controller's worker; the second one finds the connection open."""
    with clock.stage("apart"):  # what the controller has imported before any plugin of ours
        import ansible.cli.playbook  # noqa: PLC0415
        import ansible.plugins.action.normal  # noqa: PLC0415
        import ansible.plugins.strategy.linear  # noqa: F401, PLC0415
    with clock.stage("imports, once in the controller"):
        from ansible_collections.msrpc.dhcp.plugins.action import dhcp_reservation_lease  # noqa: F401, PLC0415
    from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import worker  # noqa: PLC0415
    from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.argspec import RESERVATION_LEASE  # noqa: PLC0415
    from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.writing import reservation_lease  # noqa: PLC0415

    traced()
    for item in ("first item, with its logon", "second item, on the open connection"):
        with clock.stage(f"check of the options, {item.partition(',')[0]}"):
            checked = worker.check(RESERVATION_LEASE, options)
        if checked is None:
            sys.exit("the options are refused")
        with clock.stage(item):
            result = worker.perform(reservation_lease, checked, check_mode=False)
        if result.get("failed"):
            sys.exit(f"the task failed: {result}")


class Trace:
    """The files of which a function, not only the module's or a class's body, ran."""

    def __init__(self) -> None:
        self.files: set[str] = set()

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        """As ``sys.setprofile`` wants it."""
        if event == "call" and frame.f_code.co_flags & CO_OPTIMIZED:
            self.files.add(frame.f_code.co_filename)

    def begin(self) -> None:
        """From here on."""
        sys.setprofile(self)


def modules() -> dict[str, str]:
    """Modules with a source file, by name."""
    files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    return {name: file for name, file in files.items() if file and file.endswith(".py")}


def main(path: Path) -> None:
    """One task."""
    request = json.loads(path.read_text(encoding="utf-8"))
    clock, trace = Clock(), Trace()
    run = in_worker if request["worker"] else as_module
    run(clock, request["options"], trace.begin if request["trace"] else lambda: None)
    sys.setprofile(None)
    ran = sorted(name for name, file in modules().items() if file in trace.files)
    clock.stages.pop("apart", None)
    path.with_suffix(".answer").write_text(json.dumps({"stages": clock.stages, "ran": ran}), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
