"""Runs a Tornado server, as Jupyter does: prints each request as a line of JSON and responds with 200."""

import asyncio
import json
import sys

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, ResponseStartLine
from tornado.netutil import bind_sockets


def handle(request):
    seen = {"method": request.method, "target": request.uri, "body": request.body.decode("latin-1")}
    print(json.dumps(seen), flush=True)
    body = f"responds to {request.uri}".encode("latin-1")
    headers = HTTPHeaders({"Content-Length": str(len(body))})
    content = None if request.method == "HEAD" else body
    request.connection.write_headers(ResponseStartLine("HTTP/1.1", 200, "OK"), headers, content)
    request.connection.finish()


async def main():
    sockets = bind_sockets(0, "127.0.0.1")
    HTTPServer(handle).add_sockets(sockets)
    print(json.dumps({"port": sockets[0].getsockname()[1]}), flush=True)
    await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
