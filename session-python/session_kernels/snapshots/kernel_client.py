"""`python kernel_client.py`: makes a kernel evaluate an expression, and ends when the kernel has done it.

Runs with the Python of the Jupyter server, which has jupyter_client. Reads the connection of the kernel and the expression from
the standard input: the list of processes must not have the key. Prints a JSON object with `error`.
"""

import json
import os
import sys
from queue import Empty
from typing import Any, Dict

WAIT_SECONDS = 1


def run(connection: Dict[str, Any], expression: str) -> Dict[str, Any]:
    supervisor = os.getppid()
    from jupyter_client.blocking import BlockingKernelClient

    client = BlockingKernelClient()
    client.load_connection_info(connection)
    client.start_channels(shell=True, iopub=False, stdin=False, hb=False, control=False)
    try:
        # An empty cell with an expression: no hook, no history, no output, and the cells that wait continue after an error.
        sent = client.execute(
            "",
            silent=True,
            store_history=False,
            user_expressions={"result": expression},
            allow_stdin=False,
            stop_on_error=False,
        )
        while True:
            try:
                reply = client.get_shell_msg(timeout=WAIT_SECONDS)
            except Empty:
                # A kernel that runs a cell replies later, and one that has ended never.
                if os.getppid() != supervisor:
                    return {"error": "The supervisor has ended."}
                continue
            if reply["parent_header"].get("msg_id") == sent:
                return {"error": error_of(reply["content"])}
    finally:
        client.stop_channels()


def error_of(content: Dict[str, Any]) -> Any:
    outcome = (content.get("user_expressions") or {}).get("result") if content.get("status") == "ok" else content
    if outcome is None:
        return "The kernel did not evaluate the expression, as IPython does."
    if outcome.get("status") == "ok":
        return None
    return f"{outcome.get('ename') or outcome.get('status')}: {outcome.get('evalue', '')}"


if __name__ == "__main__":
    request = json.load(sys.stdin)
    print(json.dumps(run(request["connection"], request["expression"])))
