#!/bin/sh
# sh start.sh STATE COMMAND [ARGUMENT ...]: runs the command, which starts a Jupyter server, under the supervisor. Where that is not
# possible, runs the command as it is, and writes the reason to the file STATE/unavailable. The shell is that of the image: only POSIX.
state=$1
shift
folder=${0%/*}
reason=
# The Python of the supervisor, if it is known.
own_python=$SESSION_KERNELS_PYTHON
unset SESSION_KERNELS_PYTHON

# The words of the container runtime, which would otherwise find this first.
if ! command -v "$1" >/dev/null 2>&1; then
  echo "exec: \"$1\": executable file not found in \$PATH" >&2
  exit 127
fi

# Runs the supervisor as a child: if it is killed, the kernels continue, and another supervisor uses them. Else ends with its exit code.
run_supervisor() {
  supervisor=
  is_ending=
  # Before the start: a signal in between would end this shell, and not the supervisor.
  trap 'is_ending=1; [ -z "$supervisor" ] || kill -TERM "$supervisor" 2>/dev/null' TERM INT
  "$python" -I "$folder" --state "$state" -- "$@" &
  supervisor=$!
  [ -z "$is_ending" ] || kill -TERM "$supervisor" 2>/dev/null
  wait "$supervisor"
  code=$?
  # A signal to this shell ends `wait`, and not the supervisor.
  while kill -0 "$supervisor" 2>/dev/null; do
    wait "$supervisor"
    code=$?
  done
  # With a failure, 137 is the exit code of a killed Jupyter server, which the supervisor passes on.
  [ "$code" -eq 137 ] && [ -z "$is_ending" ] && [ ! -e "$state/failure" ] || exit "$code"
  echo "start.sh: the supervisor was killed, and starts again." >&2
  trap - TERM INT
  [ -z "$own_python" ] || export SESSION_KERNELS_PYTHON="$own_python"
  exec sh "$0" "$state" "$@"
}

# The programs of the supervisor need these modules, which some small images lack. Prints one line that is another one in another image
# and with another version of the supervisor.
check='
import os, sys
if sys.version_info < (3, 8): sys.exit("it has only Python %d.%d" % sys.version_info[:2])
try: import argparse, ctypes, fcntl, http.server, json, select, shutil, socketserver, sqlite3, subprocess
except ImportError as error: sys.exit("its Python has no module %s" % getattr(error, "name", error))
def changed(path): return os.stat(path).st_mtime_ns
command = shutil.which(sys.argv[2])
own = [os.path.join(folder, name) for folder, _, names in os.walk(sys.argv[1]) for name in names if not name.endswith(".pyc")]
print(repr([sys.version, sys.prefix, command, command and changed(command), max(map(changed, own))]))
'

# (umask 077) also for the files below.
if ! (umask 077 && mkdir -p "$state") || ! rm -f "$state/unavailable"; then
  reason="its container cannot write to the folder $state"
fi

# Sets `failed` to the number of starts in a row in which Jupyter did not become ready, with this image and this supervisor.
read_failed_starts() {
  failed=0
  known=
  [ ! -r "$state/programs" ] || read -r known <"$state/programs" || :
  [ "$known" = "$programs" ] || return 0
  [ ! -r "$state/failed-starts" ] || read -r failed <"$state/failed-starts" || :
  case $failed in '' | *[!0-9]* | ??*) failed=0 ;; esac
}

if [ -z "$reason" ]; then
  problem="it has no python3"
  for python in ${own_python:+"$own_python"} python3 python; do
    command -v "$python" >/dev/null 2>&1 || continue
    # -I: variables, packages and files of the user change the Jupyter server, and not the supervisor.
    if problem=$("$python" -I -c "$check" "$folder" "$1" 2>&1); then
      is_suitable=1
    else
      is_suitable=
    fi
    # The last line: before it, the interpreter may have printed warnings.
    problem=${problem##*
}
    [ -n "$is_suitable" ] || continue
    programs=$problem
    read_failed_starts
    if [ "$failed" -ge 2 ]; then
      why=
      [ ! -r "$state/failure" ] || read -r why <"$state/failure" || :
      reason="Jupyter did not start under the supervisor twice in a row${why:+ (${why%.})}"
      break
    fi
    # The reason is that of an earlier start.
    rm -f "$state/failure"
    (umask 077 && echo $((failed + 1)) >"$state/failed-starts" && printf '%s\n' "$programs" >"$state/programs")
    run_supervisor "$@"
  done
  [ -n "$reason" ] || reason="the supervisor needs Python 3.8 or later, and the image has none: $problem"
fi

reason="Kernels end with their Jupyter server, because $reason."
echo "start.sh: $reason" >&2
(umask 077 && printf '%s\n' "$reason" >"$state/unavailable") 2>/dev/null
unset SESSION_KERNELS_SNAPSHOTS SESSION_KERNELS_IMAGE SESSION_KERNELS_CRIU
exec "$@"
