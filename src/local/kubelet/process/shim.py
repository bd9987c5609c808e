"""Runs the main process of one container, independently of the program that started this one.

    python -I -S shim.py <folder> <log limit in bytes> <working folder> <command...>

If the platform is killed, sessions continue, and the next platform must know how each process has ended. A shell could wait
and write an exit code, but it could not add the time to every line of output, limit the size of the log, and stay the parent
of processes that leave the process group (`setsid`, a daemon that clears its environment). Python is available, because the
sessions are Jupyter; isolated (-I -S) it starts in 20 ms and uses about 8 MB.

There are two processes, because a process in the container may kill either of them:
    the watcher    runs the command, and is the parent of the processes that the command leaves
    the reaper     is the watcher's parent, and ends the processes that a killed watcher leaves. Without it, a process with an
                   empty environment and a process session of its own could not be found

They write to <folder>:
    process.json   the ids of the processes, before the command runs, so that a running command is always known
    log.<n>        the output, each line with its time (RFC 3339). <n> is the number of the run's lines before this file. Each
                   file has at most the limit, and the newest two are kept
    exit.json      the exit code and the times, after all processes of the command have ended
"""

import ctypes
import json
import os
import select
import signal
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
READ_BYTES = 64 * 1024
# A longer line is split into lines of this length: output without a newline must not be held back.
LINE_BYTES = 64 * 1024
# An orphan in uninterruptible sleep delays the exit record by at most this time.
ORPHANS_SECONDS = 5
EXIT_BYTES = 4096
# Maximum number of processes in the list of those that could not be ended.
SURVIVORS = 20


def now():
    """Returns the time in RFC 3339 with microseconds."""
    seconds, micros = divmod(time.time_ns() // 1000, 1_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{micros:06d}Z"


def stat_fields(pid):
    """Returns the fields of /proc/<pid>/stat after the program's name, which may contain spaces and brackets."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()


def start_ticks(pid):
    return int(stat_fields(pid)[19])


def children():
    own = str(os.getpid()).encode()
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if stat_fields(name)[1] == own:
                    found.append(int(name))
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended in the meantime
    return found


def oom_kills():
    """Returns the number of processes that the kernel has killed since boot because memory was short."""
    try:
        with open("/proc/vmstat", "rb") as file:
            return next((int(line.split()[1]) for line in file if line.startswith(b"oom_kill ")), 0)
    except OSError:
        return 0


class Log:
    def __init__(self, folder, limit):
        self.folder = folder
        self.limit = limit
        self.rest = b""
        self.lost = 0
        self.torn = False
        self.lines = 0
        self.older = None
        self.path, self.file = self.open()
        self.size = 0

    def open(self):
        path = f"{self.folder}/log.{self.lines}"
        return path, os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def rotate(self):
        path, file = self.open()
        if self.older:
            os.unlink(self.older)
        os.close(self.file)
        self.older, self.path, self.file, self.size = self.path, path, file, 0

    def take(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        while len(self.rest) >= LINE_BYTES:
            lines.append(self.rest[:LINE_BYTES])
            self.rest = self.rest[LINE_BYTES:]
        if lines:
            stamp = now().encode() + b" "
            self.write(b"".join(stamp + line + b"\n" for line in lines))

    def finish(self):
        if self.rest:
            self.take(b"\n")

    def write(self, data):
        """Never raises: with a full disk, the output must still be read, so that the command can continue."""
        try:
            # The name of the next file must differ: rotate only if this file has a whole line.
            if self.size + len(data) > self.limit and not self.path.endswith(f".{self.lines}"):
                self.rotate()
            if self.lost:
                note = f"{now()} {self.lost} bytes of output were lost: the log could not be written\n"
                data = (b"\n" if self.torn else b"") + note.encode() + data
            written = os.write(self.file, data)
            self.size += written
            self.lines += data.count(b"\n", 0, written)
            self.torn = written < len(data)
            self.lost = len(data) - written
        except OSError:
            self.lost += len(data)


def write_whole(path, value):
    temporary = f"{path}.tmp"
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(value, file)
    os.replace(temporary, path)


class ExitFile:
    """Reserves its space on the disk at the start, so that it can be written if the disk is full at the end."""

    def __init__(self, path):
        self.path = path
        self.file = os.open(f"{path}.tmp", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(self.file, b" " * EXIT_BYTES)

    def write(self, value):
        os.pwrite(self.file, json.dumps(value).encode().ljust(EXIT_BYTES), 0)
        os.rename(f"{self.path}.tmp", self.path)


def run(command, working_folder, go):
    """Runs in the child: waits until the parent has written process.json, then becomes the command."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    if os.read(go, 1) != b"1":
        os._exit(1)
    try:
        os.chdir(working_folder)
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"cannot run {command[0]} in {working_folder}: {error.strerror}\n".encode())
    os._exit(127)


def become_subreaper():
    """Lets orphaned descendants of this process become its children."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_children(meanwhile):
    """Kills all descendants of this process. Returns those that run as another user or hang in the kernel."""
    until = time.monotonic() + ORPHANS_SECONDS
    while (orphans := children()) and time.monotonic() < until:
        for orphan in orphans:
            try:
                os.kill(orphan, signal.SIGKILL)
            except PermissionError:
                continue  # runs as another user (sudo)
        meanwhile()
        select.select([], [], [], 0.005)
    return [{"pid": orphan, "name": name_of(orphan)} for orphan in orphans[:SURVIVORS]]


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return "?"


def reap():
    """Returns the processes that have ended, as pid to status."""
    ended = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = status


def watch(folder, limit, working_folder, command, exit_file):
    """Runs the command as the watcher, and writes how it ended."""
    become_subreaper()
    log = Log(folder, limit)
    killed_before = oom_kills()

    wake, wakeup = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(wakeup, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)

    output, output_end = os.pipe()
    go, go_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        os.close(go_end)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(output_end, 1)
        os.dup2(output_end, 2)
        run(command, working_folder, go)
    os.close(output_end)
    os.close(go)
    os.set_blocking(output, False)

    started = now()
    write_whole(
        f"{folder}/process.json",
        {
            "pid": pid,
            "startTicks": start_ticks(pid),
            "shim": os.getpid(),
            "shimStartTicks": start_ticks(os.getpid()),
            "reaper": os.getppid(),
            "reaperStartTicks": start_ticks(os.getppid()),
            "startedAt": started,
        },
    )
    os.write(go_end, b"1")
    os.close(go_end)

    def drain():
        while True:
            try:
                data = os.read(output, READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                return
            log.take(data)

    status = None
    opened = True
    while status is None:
        ready, _, _ = select.select([wake, output] if opened else [wake], [], [])
        if output in ready:
            data = os.read(output, READ_BYTES)
            if data:
                log.take(data)
            else:
                opened = False
        if wake in ready:
            os.read(wake, 4096)
            status = reap().get(pid)
    finished = now()

    # As in a container, the end of the main process ends all other processes.
    def meanwhile():
        drain()
        reap()

    survivors = end_children(meanwhile)
    drain()
    log.finish()

    code = os.waitstatus_to_exitcode(status)
    exit_file.write(
        {
            "exitCode": code if code >= 0 else 128 - code,
            "signal": -code if code < 0 else 0,
            "startedAt": started,
            "finishedAt": finished,
            "outOfMemory": code == -signal.SIGKILL and oom_kills() > killed_before,
            "survivors": survivors,
        }
    )


def stand_by(watcher, folder, exit_file):
    """Waits for the watcher as the reaper. If the watcher was killed, ends the processes and writes exit.json."""
    while os.waitpid(-1, 0)[0] != watcher:
        pass
    survivors = end_children(reap)
    if os.path.exists(exit_file.path) or not os.path.exists(f"{folder}/process.json"):
        return
    with open(f"{folder}/process.json", encoding="utf-8") as file:
        started = json.load(file)["startedAt"]
    exit_file.write(
        {
            "exitCode": 137,
            "signal": int(signal.SIGKILL),
            "startedAt": started,
            "finishedAt": now(),
            "outOfMemory": False,
            "survivors": survivors,
            "message": "The process that watched this container was killed, so the container was ended.",
        }
    )


def main():
    folder, limit, working_folder, *command = sys.argv[1:]
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    become_subreaper()
    exit_file = ExitFile(f"{folder}/exit.json")
    watcher = os.fork()
    if watcher == 0:
        watch(folder, int(limit), working_folder, command, exit_file)
    else:
        stand_by(watcher, folder, exit_file)


main()
# At once: exit.json is written, and this process must not be seen any more.
os._exit(0)
