# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes what every task returned into a file, and what the simulator knows at that moment.

The file is named by RECORDER_FILE, one JSON object a line. RECORDER_CONTROL_PORT is the simulator's control port.
"""

from __future__ import annotations

import json
import os
import socket
from typing import Any

from ansible.executor.task_result import CallbackTaskResult
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: recorder
type: notification
short_description: Writes what every task returned into a file
description:
  - For the tests of this collection.
"""

PATIENCE = 10  # seconds


class CallbackModule(CallbackBase):
    """Needs no option and says nothing."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "recorder"

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        """A task succeeded."""
        self._write("ok", result)

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        """A task failed."""
        del ignore_errors
        self._write("failed", result)

    def _write(self, status: str, result: CallbackTaskResult) -> None:
        line = {"task": result.task.get_name(), "status": status, "values": result.result, "server": self._server()}
        with open(os.environ["RECORDER_FILE"], "a", encoding="utf-8") as stream:
            stream.write(json.dumps(line, default=repr) + "\n")

    def _server(self) -> Any:
        port = os.environ.get("RECORDER_CONTROL_PORT")
        if port is None:
            return None
        with socket.create_connection(("127.0.0.1", int(port)), timeout=PATIENCE) as connection:
            connection.sendall(b'{"do": "dump"}\n')
            with connection.makefile("rb") as stream:
                return json.loads(stream.readline())["result"]
