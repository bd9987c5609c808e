"""The routes of snapshots in the API of the supervisor. What takes long is answered as one JSON object for each line."""

from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from session_kernels.snapshots.failure import SnapshotFailure
from session_kernels.snapshots.snapshots import ENGINES, MAX_LABEL, REASONS, Snapshots

KERNEL = r"/kernels/([A-Za-z0-9_-]{1,64})/snapshots"
SNAPSHOT = rf"{KERNEL}/([0-9]{{8}}T[0-9]{{6}}-[0-9a-f]{{8}})"
MAX_KEEP = 1000

Handler = Callable[[Any], Tuple[int, Any]]


def routes_of(snapshots: Snapshots) -> List[Tuple[str, str, Handler]]:
    def describe(request: Any) -> Tuple[int, Any]:
        return 200, snapshots.describe(request.arguments[0])

    def take(request: Any) -> Tuple[int, Any]:
        body = request.only("label", "reason", "engine")
        label, reason = body.get("label", ""), body.get("reason", "user")
        if not isinstance(label, str) or len(label) > MAX_LABEL:
            raise SnapshotFailure(400, f"label: must be a text with at most {MAX_LABEL} characters")
        if reason not in REASONS:
            raise SnapshotFailure(400, f"reason: must be one of {', '.join(REASONS)}")
        engine = body.get("engine")
        if engine is not None and engine not in ENGINES:
            raise SnapshotFailure(400, f"engine: must be one of {', '.join(ENGINES)}")
        return 200, lines(snapshots.take(request.arguments[0], label, reason, engine))

    def texts(request: Any) -> Tuple[int, Any]:
        return 200, snapshots.texts(*request.arguments)

    def sign(request: Any) -> Tuple[int, Any]:
        body = request.only("signature", "keep")
        signature, keep = body.get("signature"), body.get("keep")
        if not isinstance(signature, str):
            raise SnapshotFailure(400, "signature: must be a text")
        return 200, snapshots.finish(*request.arguments, signature, number(keep))

    def restore(request: Any) -> Tuple[int, Any]:
        body = request.only("manifest", "force")
        if not isinstance(body.get("manifest"), str):
            raise SnapshotFailure(400, "manifest: must be a text")
        return 200, lines(snapshots.restore(*request.arguments, body["manifest"], body.get("force") is True))

    def cancel(request: Any) -> Tuple[int, Any]:
        snapshots.cancel(request.arguments[0])
        return 200, {}

    def remove(request: Any) -> Tuple[int, Any]:
        snapshots.remove(*request.arguments)
        return 200, {}

    def remove_all(request: Any) -> Tuple[int, Any]:
        return 200, {"removed": snapshots.remove_all(request.arguments[0])}

    return [
        ("GET", KERNEL, describe),
        ("POST", KERNEL, take),
        ("DELETE", KERNEL, remove_all),
        ("POST", f"{KERNEL}/cancel", cancel),
        ("GET", SNAPSHOT, texts),
        ("DELETE", SNAPSHOT, remove),
        ("PUT", rf"{SNAPSHOT}/signature", sign),
        ("POST", rf"{SNAPSHOT}/restore", restore),
    ]


def number(keep: Any) -> Optional[int]:
    if keep is None:
        return None
    if not isinstance(keep, int) or isinstance(keep, bool) or not 1 <= keep <= MAX_KEEP:
        raise SnapshotFailure(400, f"keep: must be a whole number from 1 to {MAX_KEEP}")
    return keep


def lines(steps: Iterator[Dict[str, Any]]) -> Iterator[Dict[str, Any]]:
    """Passes the steps on. A failure becomes the last line, because the status of the response was sent before."""
    try:
        yield from steps
    except SnapshotFailure as failure:
        yield {"error": {"status": failure.status, "message": str(failure)}}
    except OSError as error:
        yield {"error": {"status": 507 if error.errno in (28, 122) else 500, "message": f"{error.strerror or error}."}}
    except Exception as error:
        # For example a result of a kernel that its user has changed.
        yield {"error": {"status": 500, "message": f"The supervisor failed: {error!r}"[:300]}}
