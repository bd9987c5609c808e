"""What a running Jupyter server says of itself: the file that it writes, and its responses."""

import http.client
import json
import os
import re
from typing import Any, Dict, NamedTuple, Optional

PROBE_SECONDS = 4
MAX_BYTES = 4 * 1024 * 1024
# A server without a token, behind a proxy that signs users in, accepts changes only with the same value in a cookie and in a header:
# another site can send neither.
SAME_SITE = {"Cookie": "_xsrf=5e551010", "X-XSRFToken": "5e551010"}


class ServerInfo(NamedTuple):
    url: str
    host: str
    port: int
    base_url: str
    # The file that has the token. The token itself is in no response.
    token_file: str
    token: str
    pid: int
    root_dir: str
    version: str
    # Why the supervisor cannot connect to the server, if so.
    unsupported: Optional[str] = None


def find_info(runtime_dir: str, pid: int) -> Optional[ServerInfo]:
    """Returns what the server wrote that is this process, or one that this process started; None before it has."""
    own = read_info(runtime_dir, pid)
    if own is not None:
        return own
    try:
        files = os.listdir(runtime_dir)
    except OSError:
        return None
    pids = [int(match.group(1)) for match in map(re.compile(r"(?:jp|nb)server-(\d+)\.json").fullmatch, files) if match]
    return next((info for each in pids if is_below(each, pid) for info in [read_info(runtime_dir, each)] if info), None)


def is_below(pid: int, ancestor: int) -> bool:
    """Returns whether a process was started by the other one, or by one of its descendants."""
    for _ in range(20):
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                pid = int(file.read().rsplit(b")", 1)[1].split()[1])
        except (OSError, IndexError):
            return False
        if pid == ancestor:
            return True
    return False


def read_info(runtime_dir: str, pid: int) -> Optional[ServerInfo]:
    """Returns what the server with this pid wrote, or None if it has not written it yet."""
    # Notebook 6 writes the second one.
    for name in (f"jpserver-{pid}.json", f"nbserver-{pid}.json"):
        file = os.path.join(runtime_dir, name)
        try:
            with open(file, encoding="utf-8") as opened:
                found = json.load(opened)
            break
        except (OSError, ValueError):
            continue
    else:
        return None
    if not isinstance(found, dict) or found.get("pid") != pid or not isinstance(found.get("port"), int):
        return None
    if not all(isinstance(found.get(name, ""), str) for name in ("hostname", "url", "base_url", "token", "version")):
        return None
    hostname = found.get("hostname") or "127.0.0.1"
    return ServerInfo(
        url=found.get("url", ""),
        host="127.0.0.1" if hostname in ("0.0.0.0", "::", "", "localhost") else hostname,
        port=found["port"],
        base_url=found.get("base_url", "/"),
        token_file=file,
        token=found.get("token", ""),
        pid=pid,
        root_dir=found.get("root_dir") or found.get("notebook_dir", ""),
        version=found.get("version", ""),
        unsupported=why_unsupported(name, found),
    )


def why_unsupported(name: str, found: Dict[str, Any]) -> Optional[str]:
    if name.startswith("nbserver-"):
        return "it is Notebook 6 or older, whose kernels cannot outlive the server. Notebook 7 and JupyterLab can do it."
    if found.get("sock"):
        return "its configuration lets it listen on a Unix socket (ServerApp.sock), and the supervisor connects to a TCP port."
    if found.get("secure"):
        return "its configuration lets it use TLS (ServerApp.certfile), and the supervisor connects with HTTP."
    return None


class Unreachable(Exception):
    """Jupyter did not answer. The text says why."""


def ask(info: ServerInfo, method: str, path: str, body: Any = None, seconds: float = PROBE_SECONDS) -> Any:
    """Returns the JSON of a response of Jupyter's API. Errors: Unreachable, Refused."""
    headers = {"Authorization": f"token {info.token}", "Content-Type": "application/json", **SAME_SITE}
    connection = http.client.HTTPConnection(info.host, info.port, timeout=seconds)
    try:
        connection.request(method, info.base_url + path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        text = response.read(MAX_BYTES)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(f"Jupyter does not answer: {error or type(error).__name__}") from error
    finally:
        connection.close()
    parsed = parse(text)
    if response.status >= 400:
        message = parsed.get("message") if isinstance(parsed, dict) else None
        raise Refused(response.status, f"Jupyter answers {response.status}: {message or response.reason}")
    return parsed


class Refused(Exception):
    """Jupyter answered with an error."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


def parse(text: bytes) -> Dict[str, Any]:
    try:
        return json.loads(text) if text else {}
    except ValueError:
        return {}
