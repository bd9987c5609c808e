#!/bin/sh
# sh alive.sh STATE URL: exit code 0 if the supervisor responds. Without a supervisor: if Jupyter responds at the URL, or if the image
# has no program that can ask.
state=$1
url=$2
ask_supervisor='
import socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.settimeout(10)
try:
    connection.connect(sys.argv[1])
    connection.sendall(b"GET /health HTTP/1.0\r\n\r\n")
    response = connection.recv(64)
except OSError as error:
    sys.exit("The supervisor does not answer: %s" % error)
sys.exit(0 if b" 200 " in response else "The supervisor answers %r." % response)'
ask_jupyter='
import sys
from urllib.request import ProxyHandler, build_opener
try:
    build_opener(ProxyHandler({})).open(sys.argv[1], timeout=10)
except OSError as error:
    sys.exit("Jupyter does not answer: %s" % error)'

if [ ! -e "$state/unavailable" ] && [ -e "$state" ]; then
  for python in python3 python; do
    command -v "$python" >/dev/null 2>&1 || continue
    "$python" -I -S -c "$ask_supervisor" "$state/supervisor.sock" && exit 0
  done
  exit 1
fi
can_ask=
for python in python3 python; do
  "$python" -I -c 'import urllib.request' >/dev/null 2>&1 || continue
  "$python" -I -c "$ask_jupyter" "$url" && exit 0
  can_ask=1
done
[ -z "$can_ask" ] || exit 1
export http_proxy='' HTTP_PROXY=''
if command -v curl >/dev/null 2>&1; then
  curl -fsS -m 10 -o /dev/null "$url"
elif command -v wget >/dev/null 2>&1; then
  wget -q -T 10 -O /dev/null "$url"
fi
code=$?
# A program that cannot run has not asked.
[ "$code" -ge 126 ] || exit "$code"
