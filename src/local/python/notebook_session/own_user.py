"""Lets the session's Jupyter server answer to programs of its own user alone, and of root.

It listens on a port of 127.0.0.1, to which every user of the machine can connect, and the token of an anonymous session
stands in addresses, so in browser histories and process lists. The platform, which lets callers in, is of the same user.
"""

import os
import socket
import struct

TABLES = (("/proc/net/tcp", ""), ("/proc/net/tcp6", "0000000000000000FFFF0000"))
# A table is read in pieces, and a row can be missed when others go meanwhile.
LOOKS = 2


def _end(address):
    host, port = address
    # As the kernel writes it: a word of 32 bits in the machine's byte order.
    return f"{struct.unpack('=I', socket.inet_aton(host))[0]:08X}:{port:04X}"


def peer_uid(connection):
    """The user at the other end of an IPv4 connection on this machine; None where it has none (any more)."""
    peer, here = _end(connection.getpeername()), _end(connection.getsockname())
    # A program may have connected with an IPv6 socket: its row is in the other table.
    for table, prefix in TABLES * LOOKS:
        wanted = f" {prefix}{peer} {prefix}{here} "
        try:
            with open(table, encoding="ascii") as rows:
                row = next((row for row in rows if wanted in row), None)
        except FileNotFoundError:
            continue  # a kernel without IPv6
        if row is not None:
            fields = row.split()
            uid, inode = int(fields[7]), fields[9]
            # A closed socket is listed as root's, whichever user opened it.
            return None if inode == "0" else uid
    return None


def use_in_server():
    """Before the server listens. Where the kernel tells of no connection (not Linux), the token alone guards it."""
    if not os.path.exists("/proc/net/tcp"):
        return
    from tornado.httpserver import HTTPServer

    handle_stream = HTTPServer.handle_stream

    def handle_own_stream(self, stream, address):
        try:
            uid = peer_uid(stream.socket)
        except OSError:
            uid = None  # gone meanwhile
        if uid in (os.getuid(), 0):
            handle_stream(self, stream, address)
        else:
            stream.close()

    HTTPServer.handle_stream = handle_own_stream
