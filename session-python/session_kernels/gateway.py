"""The gateway of this server, where its kernels run."""

from typing import Any, Optional

from jupyter_server.utils import url_path_join
from tornado import web

try:
    from jupyter_server.gateway.gateway_client import gateway_request
except ImportError:
    from jupyter_server.gateway.managers import gateway_request


class Gateway:
    def __init__(self, url: str):
        self.url = url

    @classmethod
    def of(cls, serverapp: Any) -> Optional["Gateway"]:
        """Returns the gateway, or None if the kernels of this server are local."""
        config = getattr(serverapp, "gateway_config", None)
        return cls(config.url) if config is not None and config.gateway_enabled else None

    async def has(self, kernel_id: str):
        """Returns True, False, or None if the gateway does not say, and the reason."""
        try:
            await gateway_request(url_path_join(self.url, "api/kernels", kernel_id), method="GET")
        except web.HTTPError as error:
            if error.status_code == 404:
                return False, "The gateway does not have this kernel any more."
            return None, f"The gateway {self.url} does not answer: {error.log_message or error.reason or error}"
        except Exception as error:
            return None, f"The gateway {self.url} does not answer: {error}"
        return True, ""
