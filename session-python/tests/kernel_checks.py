"""What a kernel can do, as JSON: of kernels that are started as usual (`stock`), or of kernels that were found again (`found`).

python kernel_checks.py stock FOLDER KERNEL ...
python kernel_checks.py leave FOLDER KERNEL ...    starts kernels that outlive their process, and kills this process
python kernel_checks.py found FOLDER KERNEL ...    finds the kernels again
"""

import asyncio
import json
import os
import re
import signal
import sys
from importlib.metadata import EntryPoint
from typing import Any, Awaitable, Callable, Dict, List

import nbclient
import nbformat
from jupyter_client import AsyncMultiKernelManager
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.provisioning import KernelProvisionerFactory

from session_kernels import provisioner
from session_kernels.identity import identity_of
from session_kernels.store import Store

LIMIT_SECONDS = 120

# For each kernel: a variable, a loop that writes a file and does not end before it is interrupted, and the end of a file.
SET = {"bash": "x=41", "default": "x = 41"}
SHOW = {"bash": "echo ${x:-unset}", "default": "print(globals().get('x', 'unset'))"}
WAIT = {
    # One process for both, so that no interrupt comes between them.
    "bash": "sh -c 'touch {file}; exec sleep 600'",
    "default": "import time\ntry:\n    open('{file}', 'w').close()\n    time.sleep(600)\nexcept KeyboardInterrupt:\n    print('interrupted')",
}
AT_EXIT = {
    "bash": "trap 'touch {file}' EXIT",
    "default": "import atexit\n_ = atexit.register(lambda: open('{file}', 'w').close())",
}


def code_of(table: Dict[str, str], kernel: str) -> str:
    return table.get(kernel, table["default"])


class Kernel:
    """A kernel with a client that is connected to it."""

    def __init__(self, kernels: AsyncMultiKernelManager, name: str, folder: str):
        self.kernels = kernels
        self.name = name
        self.id = f"kernel-{name}"
        self.folder = folder
        self.client: AsyncKernelClient

    async def connect(self) -> None:
        self.client = self.kernels.get_kernel(self.id).client()
        self.client.start_channels()
        await self.client.wait_for_ready(timeout=LIMIT_SECONDS)

    async def run(self, code: str, answer: str = "") -> str:
        """Runs a cell and returns its output, with the type of what is not text. Answers questions of the cell."""
        shown: List[str] = []

        def on_output(message: Dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                shown.append(content["text"])
            elif message["msg_type"] in ("execute_result", "display_data"):
                data = content["data"]
                shown.append(next((kind for kind in data if kind != "text/plain"), data.get("text/plain", "")))

        reply = await self.client.execute_interactive(
            code,
            allow_stdin=bool(answer),
            stdin_hook=lambda message: self.client.input(answer),
            output_hook=on_output,
            timeout=LIMIT_SECONDS,
        )
        content = reply["content"]
        # Errors of a cell of bash have no name.
        return "".join(shown).strip() + ("" if content["status"] == "ok" else f" {content['status']} {content.get('ename', '')}")

    async def until_file(self, name: str) -> str:
        file = os.path.join(self.folder, f"{name}-{self.name}")
        for _ in range(LIMIT_SECONDS * 20):
            if os.path.exists(file):
                return "yes"
            await asyncio.sleep(0.05)
        return "no"

    def file(self, name: str) -> str:
        return os.path.join(self.folder, f"{name}-{self.name}")


async def interrupts(kernel: Kernel) -> str:
    cell = asyncio.ensure_future(kernel.run(code_of(WAIT, kernel.name).format(file=kernel.file("begun"))))
    begun = await kernel.until_file("begun")
    await kernel.kernels.interrupt_kernel(kernel.id)
    await cell
    return f"begun: {begun}, then: {await kernel.run(code_of(SHOW, kernel.name))}"


async def asks(kernel: Kernel) -> str:
    return await kernel.run("print('got', input('name? '))", answer="Ada")


async def prints_of_processes(kernel: Kernel) -> str:
    return await kernel.run("import os; _ = os.system('echo from a process')")


async def plots(kernel: Kernel) -> str:
    await kernel.run("%matplotlib inline")
    return await kernel.run("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")


async def has_widgets(kernel: Kernel) -> str:
    """A widget shows itself, gets a value from the client, and calls its observer."""
    opened = []
    shown = await kernel.run("import ipywidgets\nslider = ipywidgets.IntSlider()\nslider")
    comm = await kernel.run("print(slider.comm.comm_id)")
    opened.append(comm)
    await kernel.run("seen = []\nslider.observe(lambda change: seen.append(change['new']), 'value')")
    client = kernel.client
    content = {"comm_id": comm, "data": {"method": "update", "state": {"value": 7}, "buffer_paths": []}}
    client.shell_channel.send(client.session.msg("comm_msg", content))
    return f"{shown}, value: {await kernel.run('print(slider.value, seen)')}"


async def debugs(kernel: Kernel) -> str:
    """Stops at a breakpoint of a cell, and continues."""
    client = kernel.client
    events: "asyncio.Queue[str]" = asyncio.Queue()
    numbers = iter(range(1, 100))

    async def ask(command: str, **arguments: Any) -> Dict[str, Any]:
        content = {"type": "request", "seq": next(numbers), "command": command, "arguments": arguments}
        message = client.session.msg("debug_request", content)
        client.control_channel.send(message)
        while True:
            reply = await client.get_control_msg(timeout=LIMIT_SECONDS)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                return reply["content"]

    async def follow() -> None:
        while True:
            message = await client.get_iopub_msg(timeout=LIMIT_SECONDS)
            if message["msg_type"] == "debug_event":
                await events.put(message["content"]["event"])

    await ask("initialize", clientID="test", adapterID="", pathFormat="path", linesStartAt1=True, columnsStartAt1=True)
    await ask("attach")
    code = "def f():\n    y = 2\n    return y\nf()"
    dumped = await ask("dumpCell", code=code)
    path = dumped["body"]["sourcePath"]
    await ask("setBreakpoints", source={"path": path}, breakpoints=[{"line": 3}], sourceModified=False)
    await ask("configurationDone")
    following = asyncio.ensure_future(follow())
    request = client.execute(code)
    seen = []
    while "stopped" not in seen:
        seen.append(await asyncio.wait_for(events.get(), LIMIT_SECONDS))
    threads = (await ask("threads"))["body"]["threads"]
    frames = (await ask("stackTrace", threadId=threads[0]["id"]))["body"]["stackFrames"]
    await ask("continue", threadId=threads[0]["id"])
    while (reply := await client.get_shell_msg(timeout=LIMIT_SECONDS))["parent_header"].get("msg_id") != request:
        pass
    following.cancel()
    await ask("disconnect")
    return f"stopped in line {frames[0]['line']}, then {reply['content']['status']}"


async def runs_notebooks(kernel: Kernel) -> str:
    cells = [nbformat.v4.new_code_cell(code) for code in ("y = 1", "y + 1")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    manager = kernel.kernels.get_kernel(kernel.id)
    client = nbclient.NotebookClient(notebook, km=manager, timeout=LIMIT_SECONDS)
    client.kc = kernel.client
    for index, cell in enumerate(cells):
        await client.async_execute_cell(cell, index)
    return str(cells[1].outputs[0]["data"]["text/plain"])


async def restarts(kernel: Kernel) -> str:
    kernel.client.stop_channels()
    await kernel.kernels.restart_kernel(kernel.id)
    await kernel.connect()
    return f"x: {await kernel.run(code_of(SHOW, kernel.name))}"


async def ends(kernel: Kernel) -> str:
    """A kernel has the time to end by itself."""
    await kernel.run(code_of(AT_EXIT, kernel.name).format(file=kernel.file("ended")))
    kernel.client.stop_channels()
    await kernel.kernels.shutdown_kernel(kernel.id)
    return f"by itself: {await kernel.until_file('ended')}"


Check = Callable[[Kernel], Awaitable[str]]
OF_PYTHON: Dict[str, Check] = {
    "input": asks,
    "matplotlib": plots,
    "widgets": has_widgets,
    "notebook": runs_notebooks,
}
CHECKS: Dict[str, Dict[str, Check]] = {
    "python3": {
        "interrupt": interrupts,
        "output of processes": prints_of_processes,
        **OF_PYTHON,
        "debugger": debugs,
        "restart": restarts,
        "end": ends,
    },
    "bash": {"interrupt": interrupts, "restart": restarts, "end": ends},
    # Its process crashes when it ends, also as a stock kernel.
    "xpython": {**OF_PYTHON, "restart": restarts},
}


async def check(kernel: Kernel) -> Dict[str, str]:
    results = {"variable": await kernel.run(code_of(SHOW, kernel.name))}
    for name, run in CHECKS[kernel.name].items():
        try:
            results[name] = await asyncio.wait_for(run(kernel), LIMIT_SECONDS)
        except Exception as error:
            results[name] = re.sub(r"\s+", " ", repr(error))
    return results


async def main(mode: str, folder: str, names: List[str]) -> None:
    if mode != "stock":
        factory = KernelProvisionerFactory.instance()
        target = "session_kernels.provisioner:SessionProvisioner"
        factory.provisioners[provisioner.NAME] = EntryPoint(provisioner.NAME, target, factory.GROUP_NAME)
        factory.default_provisioner_name = provisioner.NAME
        store = Store(os.path.join(folder, "kernels.sqlite"), print)
        provisioner.SessionProvisioner.place = provisioner.Place(store, identity_of(os.getpid()) or "", None)
    manager = AsyncMultiKernelManager(connection_dir=folder)
    kernels = [Kernel(manager, name, folder) for name in names]
    for kernel in kernels:
        await manager.start_kernel(kernel_name=kernel.name, kernel_id=kernel.id)
    await asyncio.gather(*(kernel.connect() for kernel in kernels))
    if mode != "found":
        for kernel in kernels:
            await kernel.run(code_of(SET, kernel.name))
    if mode == "leave":
        os.kill(os.getpid(), signal.SIGKILL)
    results = await asyncio.gather(*map(check, kernels))
    # Not on standard output, which stock kernels share with this process.
    with open(os.path.join(folder, "results.json"), "w") as file:
        json.dump({kernel.name: result for kernel, result in zip(kernels, results)}, file)
    await manager.shutdown_all(now=True)


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
