"""Runs Amalthea as its own main module does, without the health port, which listens on all interfaces."""

import asyncio

import kopf
from controller import config
from controller.main import register_jupyter_server_handlers
from kopf._core.actions import loggers

loggers.configure(debug=False, verbose=False, log_format=loggers.LogFormat.JSON)
registry = register_jupyter_server_handlers(kopf.OperatorRegistry())
asyncio.run(kopf.operator(registry=registry, clusterwide=False, namespaces=config.NAMESPACES))
