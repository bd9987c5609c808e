"""Restricts the session's Jupyter server to programs of its own user, and of root.

The server listens on a loopback address, to which every user of the machine can connect. The token of an anonymous session is
part of URLs, which are visible in browser histories and process lists. The platform runs as the user of the server.
"""

import os
import socket
import struct

TABLES = (("/proc/net/tcp", ""), ("/proc/net/tcp6", "0000000000000000FFFF0000"))
# A table is read in parts, and a row can be missed if other rows are removed in the meantime.
ATTEMPTS = 2


def _end(address):
    host, port = address
    # The kernel writes an address as a word of 32 bits in the machine's byte order.
    return f"{struct.unpack('=I', socket.inet_aton(host))[0]:08X}:{port:04X}"


def peer_uid(connection):
    """Returns the user at the other end of an IPv4 connection on this machine; None if that end is closed."""
    peer, here = _end(connection.getpeername()), _end(connection.getsockname())
    # A program may have connected with an IPv6 socket, which is in the other table.
    for table, prefix in TABLES * ATTEMPTS:
        wanted = f" {prefix}{peer} {prefix}{here} "
        try:
            with open(table, encoding="ascii") as rows:
                row = next((row for row in rows if wanted in row), None)
        except FileNotFoundError:
            continue  # a kernel without IPv6
        if row is not None:
            fields = row.split()
            uid, inode = int(fields[7]), fields[9]
            # The kernel lists a closed socket as a socket of root.
            return None if inode == "0" else uid
    return None


def use_in_server():
    """Must be called before the server listens. Without /proc (not Linux), only the token protects the server."""
    if not os.path.exists("/proc/net/tcp"):
        return
    from tornado.httpserver import HTTPServer

    handle_stream = HTTPServer.handle_stream

    def handle_own_stream(self, stream, address):
        try:
            uid = peer_uid(stream.socket)
        except OSError:
            uid = None  # the connection was closed
        if uid in (os.getuid(), 0):
            handle_stream(self, stream, address)
        else:
            stream.close()

    HTTPServer.handle_stream = handle_own_stream
