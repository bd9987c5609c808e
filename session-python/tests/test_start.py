"""start.sh and alive.sh with the programs that images have, or lack."""

import http.server
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from typing import Dict, List

FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
START = os.path.join(FOLDER, "start.sh")
ALIVE = os.path.join(FOLDER, "alive.sh")
# What the scripts may use of an image.
PROGRAMS = ("mkdir", "rm")


class ImageTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.state = os.path.join(self.folder, "shared", "state")
        self.bin = os.path.join(self.folder, "bin")
        os.mkdir(self.bin)
        for name in PROGRAMS:
            os.symlink(str(shutil.which(name)), os.path.join(self.bin, name))
        self.shell = str(shutil.which("sh"))

    def program(self, name: str, script: str) -> None:
        path = os.path.join(self.bin, name)
        with open(path, "w") as file:
            file.write(f"#!{self.shell}\n{script}\n")
        os.chmod(path, 0o755)

    def python(self, name: str = "python3", options: str = "") -> None:
        self.program(name, f'exec {sys.executable} {options} "$@"')

    def changed_python(self, change: str) -> None:
        """Adds a Python that runs this code before that of `-c`."""
        self.program("python3", f'exec {sys.executable} -c "import sys; {change}; exec(sys.argv[3])" "$@"')

    def environment(self, **variables: str) -> Dict[str, str]:
        return {"PATH": self.bin, "HOME": self.folder, "JUPYTER_RUNTIME_DIR": self.folder, **variables}

    def start(self, *command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self.shell, START, self.state, *command],
            env=self.environment(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
            timeout=120,
        )

    def said(self) -> str:
        with open(os.path.join(self.state, "unavailable")) as file:
            return file.read()

    def alive(self, url: str = "http://127.0.0.1:9/") -> int:
        command = [self.shell, ALIVE, self.state, url]
        return subprocess.run(command, env=self.environment(), stderr=subprocess.DEVNULL, timeout=120).returncode

    def test_an_image_without_python_runs_the_command_and_says_why(self) -> None:
        self.program("jupyter", 'echo "ran: $1 $2"; exit 7')
        ended = self.start("jupyter", "lab", "two words")
        self.assertEqual((ended.returncode, ended.stdout), (7, "ran: lab two words\n"))
        self.assertIn("it has no python3.", self.said())
        # No program of the image can ask Jupyter.
        self.assertEqual(self.alive(), 0)
        for program, expected in (("exit 7", 7), ("exit 0", 0), ("kill -SEGV $$", 0)):
            self.program("curl", program)
            self.assertEqual(self.alive(), expected, program)

    def test_an_image_without_jupyter_ends_with_the_reason(self) -> None:
        self.python()
        ended = self.start("jupyter", "lab")
        self.assertEqual((ended.returncode, ended.stderr), (127, 'exec: "jupyter": executable file not found in $PATH\n'))

    def test_the_log_of_a_server_that_does_not_start_ends_with_its_last_line(self) -> None:
        self.python()
        self.program("jupyter", "echo starting; echo no licence found >&2; exit 3")
        ended = self.start("jupyter")
        self.assertEqual((ended.returncode, ended.stderr.splitlines()[-1]), (3, "no licence found"))

    def test_an_image_with_an_old_python_runs_the_command_and_says_why(self) -> None:
        self.changed_python("sys.version_info = (3, 7, 9)")
        self.program("jupyter", "echo ran")
        self.assertEqual(self.start("jupyter").stdout, "ran\n")
        self.assertIn("it has only Python 3.7.", self.said())

    def test_an_image_whose_python_lacks_a_module_runs_the_command_and_says_why(self) -> None:
        self.changed_python("sys.modules['sqlite3'] = None")
        self.program("jupyter", "echo ran")
        self.assertEqual(self.start("jupyter").stdout, "ran\n")
        self.assertIn("its Python has no module sqlite3.", self.said())

    def test_a_folder_that_cannot_be_written_does_not_prevent_jupyter(self) -> None:
        self.python()
        self.program("jupyter", "echo ran")
        with open(os.path.join(self.folder, "shared"), "w"):
            self.assertEqual(self.start("jupyter").stdout, "ran\n")
        self.assertEqual(self.alive(), 1)

    def test_jupyter_has_a_folder_for_its_runtime_files_if_the_home_folder_cannot_be_written(self) -> None:
        self.python()
        self.program("jupyter", 'echo "in: $JUPYTER_RUNTIME_DIR"; exit 3')
        # A folder that root cannot write to, too.
        ended = self.start("jupyter", HOME="/dev/null", JUPYTER_RUNTIME_DIR="")
        self.assertEqual(ended.stdout, f"in: {self.state}/runtime\n")
        self.assertIn("/dev/null/.local/share/jupyter/runtime cannot be written", ended.stderr)
        os.mkdir(os.path.join(self.folder, "home"))
        ended = self.start("jupyter", HOME=os.path.join(self.folder, "home"), JUPYTER_RUNTIME_DIR="")
        self.assertEqual(ended.stdout, "in: \n")

    def test_a_killed_supervisor_starts_again_and_a_signal_ends_it_with_its_exit_code(self) -> None:
        self.program("jupyter", "exit 1")
        starts = os.path.join(self.folder, "starts")
        supervisor = f"echo $$ >>{starts}; trap 'exit 5' TERM; while :; do sleep 0.05; done"
        self.program("python3", f'case "$*" in *" -c "*) exit 0;; esac; {supervisor}')
        self.program("jupyter", "exit 9")
        os.symlink(str(shutil.which("sleep")), os.path.join(self.bin, "sleep"))
        os.symlink(self.shell, os.path.join(self.bin, "sh"))
        shell = subprocess.Popen([self.shell, START, self.state, "jupyter"], env=self.environment(), stderr=subprocess.PIPE)
        self.addCleanup(shell.kill)

        def pids() -> List[int]:
            if not os.path.exists(starts):
                return []
            with open(starts) as file:
                return [int(line) for line in file if line.endswith("\n")]

        def wait_for(count: int) -> None:
            deadline = time.monotonic() + 60
            while len(pids()) < count:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)

        wait_for(1)
        os.kill(pids()[0], signal.SIGKILL)
        wait_for(2)
        shell.terminate()
        _, errors = shell.communicate(timeout=60)
        self.assertEqual(shell.returncode, 5)
        self.assertIn(b"the supervisor was killed, and starts again", errors)
        self.assertEqual(len(pids()), 2)

    def test_a_server_that_is_killed_at_its_first_start_ends_the_container(self) -> None:
        self.python()
        os.symlink(self.shell, os.path.join(self.bin, "sh"))
        self.program("jupyter", "echo ran; kill -KILL $$")
        ended = self.start("jupyter")
        self.assertEqual((ended.returncode, ended.stdout), (137, "ran\n"))
        self.assertNotIn("starts again", ended.stderr)

    def test_the_third_start_runs_without_the_supervisor(self) -> None:
        # `python` only, which is as good.
        self.python("python")
        self.program("jupyter", "echo ran; exit 3")
        for _ in range(2):
            ended = self.start("jupyter")
            self.assertEqual(ended.returncode, 3)
            self.assertIn("[session supervisor]", ended.stderr)
        for _ in range(2):
            ended = self.start("jupyter")
            self.assertEqual((ended.returncode, ended.stdout), (3, "ran\n"))
            self.assertNotIn("[session supervisor]", ended.stderr)
            self.assertIn("twice in a row (The Jupyter server did not start: exit code 3)", self.said())

    def test_another_jupyter_is_tried_with_the_supervisor_again(self) -> None:
        self.python()
        self.program("jupyter", "echo ran; exit 3")
        for _ in range(3):
            ended = self.start("jupyter")
        self.assertNotIn("[session supervisor]", ended.stderr)
        os.utime(os.path.join(self.bin, "jupyter"), (1, 1))
        for _ in range(2):
            ended = self.start("jupyter")
            self.assertIn("[session supervisor]", ended.stderr)
            self.assertFalse(os.path.exists(os.path.join(self.state, "unavailable")))
        self.assertNotIn("[session supervisor]", self.start("jupyter").stderr)

    def test_a_server_that_answers_counts_as_a_start_and_the_supervisor_is_alive(self) -> None:
        self.python()
        with open(os.path.join(self.folder, "server.py"), "w") as file:
            file.write(SERVER)
        command = [self.shell, START, self.state, sys.executable, os.path.join(self.folder, "server.py")]
        # Packages of the user must not change the supervisor.
        with open(os.path.join(self.folder, "argparse.py"), "w") as file:
            file.write("raise SystemExit('not ours')")
        env = self.environment(PYTHONPATH="/nowhere", RUNTIME=self.folder)
        for _ in range(3):
            process = subprocess.Popen(command, env=env, cwd=self.folder)
            try:
                self.wait_until(lambda: self.files() == ["lock", "server"] and self.alive() == 0, process)
            finally:
                process.terminate()
                process.wait(60)
        self.assertEqual(self.alive(), 1)

    def test_without_the_supervisor_jupyter_is_asked(self) -> None:
        self.python()
        os.makedirs(self.state)
        with open(os.path.join(self.state, "unavailable"), "w"):
            pass
        server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/"
        self.assertEqual(self.alive(url), 0)
        thread.join()
        server.server_close()
        self.assertEqual(self.alive(url), 1)

    def files(self) -> List[str]:
        """Returns the files of the state that say whether the start was counted as one."""
        return sorted(set(os.listdir(self.state)) & {"failed-starts", "lock", "server"}) if os.path.isdir(self.state) else []

    def wait_until(self, is_true, process: "subprocess.Popen[bytes]", seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not is_true():
            assert process.poll() is None and time.monotonic() < deadline, "not in time"
            time.sleep(0.02)


SERVER = """
import http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers(); self.wfile.write(b"{}")
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
file = os.path.join(os.environ["RUNTIME"], "jpserver-%d.json" % os.getpid())
with open(file + ".new", "w") as opened:
    json.dump({"pid": os.getpid(), "port": server.server_port, "token": ""}, opened)
os.rename(file + ".new", file)
server.serve_forever()
"""

if __name__ == "__main__":
    unittest.main()
