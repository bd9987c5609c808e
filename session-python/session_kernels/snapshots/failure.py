class SnapshotFailure(Exception):
    """Why a snapshot could not be taken or restored. The text is for the user."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        # As of HTTP. 499: the caller, or the user of the kernel, stopped the operation.
        self.status = status
