#!/usr/bin/env bash
# Routes the requests of a deployed service to this machine, and runs the service here. See usage.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
  cat <<'TXT'
usage: ./run-telepresence.sh [--namespace NAME] [--release NAME] [--port PORT] [--yes]

Intercepts the service of a Helm release with telepresence: all requests to the deployed service arrive at the service that
this script runs on this machine, with the configuration and the environment variables of the deployment. The service
restarts when a source file changes. Ctrl-C ends it, and the deployed service gets its requests again.

  --namespace NAME  the namespace of the release (default: that of the current kube context)
  --release NAME    the Helm release (default: the first one in the namespace that has deployed the service)
  --port PORT       the port on this machine (default: 8000)
  --yes             uses the defaults and does not ask

Needs kubectl, helm and telepresence 2.15 or newer, with telepresence's traffic manager in the cluster
(telepresence helm install).
TXT
}

die() {
  echo "run-telepresence.sh: $*" >&2
  exit 1
}

namespace='' release='' port='' yes=''
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage && exit ;;
    --yes) yes=1 ;;
    --namespace | --release | --port)
      [ -n "${2:-}" ] || die "$1 needs a value"
      printf -v "${1#--}" %s "$2"
      shift
      ;;
    *) die "unknown argument $1 (see --help)" ;;
  esac
  shift
done

missing=()
for program in kubectl helm telepresence node; do
  command -v "$program" >/dev/null || missing+=("$program")
done
[ ${#missing[@]} = 0 ] || die "missing: ${missing[*]}. Install them, for telepresence see https://telepresence.io/docs/install/client"

# Prints the value: the given one, or the answer to a question with a default, or with --yes the default.
choose() { # GIVEN QUESTION DEFAULT
  local answer=$1
  if [ -z "$answer" ] && [ -z "$yes" ]; then
    read -r -p "$2 [$3]: " answer || die "there is no answer to the question \"$2\"; use the options (see --help)"
  fi
  printf '%s\n' "${answer:-$3}"
}

context=$(kubectl config current-context) || die "kubectl has no current context: kubectl config use-context NAME"
default=$(kubectl config view --minify --output 'jsonpath={..namespace}')
namespace=$(choose "$namespace" "Namespace of the release" "${default:-default}")

# The Deployments of services: their release and name, separated by a blank, one on each line.
columns='{range .items[*]}{.metadata.labels.app\.kubernetes\.io/instance} {.metadata.name}{"\n"}{end}'
deployments=$(kubectl get deployments --namespace "$namespace" --output "jsonpath=$columns" \
  --selector app.kubernetes.io/component=service) || die "kubectl cannot read the Deployments in namespace $namespace (see above)"
releases=$(helm list --namespace "$namespace" --all --short) || die "helm cannot list the releases in namespace $namespace (see above)"
default=''
for each in $releases; do
  if [ -z "$default" ] && grep -q "^$each " <<<"$deployments"; then default=$each; fi
done
[ -n "$release$default" ] || die "no Helm release in namespace $namespace has deployed the service"
release=$(choose "$release" "Helm release" "$default")
deployment=$(awk -v release="$release" '$1 == release { print $2; exit }' <<<"$deployments")
[ -n "$deployment" ] || die "the release $release in namespace $namespace has no Deployment of the service"
port=$(choose "$port" "Port on this machine" 8000)
if ! [[ $port =~ ^[0-9]{1,5}$ ]] || [ "$port" -lt 1 ] || [ "$port" -gt 65535 ]; then
  die "the port must be a number from 1 to 65535, not $port"
fi
! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || die "port $port of this machine is in use; choose another one with --port"

connected=''
! telepresence status 2>/dev/null | grep -q 'Status *: Connected' || connected=1

cat <<TXT
context:     $context
namespace:   $namespace
release:     $release
Deployment:  $deployment
This script will now
TXT
[ -n "$connected" ] || echo "  - connect this machine to the cluster (telepresence connect)"
cat <<TXT
  - route all requests of Deployment $deployment to port $port of this machine (telepresence intercept)
  - run the service on port $port, until you press Ctrl-C
  - then route the requests to the Deployment again$([ -n "$connected" ] || echo ", and disconnect this machine")
TXT
if [ -z "$yes" ]; then
  read -r -p "Continue? [Y/n] " answer || die "there is no answer to the question; use --yes"
  [[ $answer =~ ^([Yy].*)?$ ]] || die "nothing was changed"
fi

folder=$(mktemp --directory)
intercepting='' connecting='' child=''
# shellcheck disable=SC2317,SC2329 # the trap below calls it
restore() {
  trap '' INT TERM HUP # a second Ctrl-C must not stop the restoration
  # telepresence itself ends the intercept together with the service. This is for the cases in which it could not.
  [ -z "$intercepting" ] || telepresence leave "$deployment" >/dev/null 2>&1 || true
  [ -z "$connecting" ] || telepresence quit || echo "run-telepresence.sh: run \"telepresence quit\" yourself" >&2
  rm -rf "$folder"
}
trap restore EXIT

# The file is in the pod; its content comes from the ConfigMap.
kubectl get configmap "$deployment" --namespace "$namespace" --output 'jsonpath={.data.config\.hocon}' >"$folder/config.hocon" ||
  die "kubectl cannot read the ConfigMap $deployment (see above)"
[ -s "$folder/config.hocon" ] || die "the ConfigMap $deployment has no configuration of the service (config.hocon)"

if [ -z "$connected" ]; then
  connecting=1
  telepresence connect --namespace "$namespace" || die "telepresence cannot connect to the cluster (see above)"
fi

# A process group of its own: signals of the terminal reach this script only, which passes them on.
set -m
intercepting=1
telepresence intercept "$deployment" --port "$port:http" -- \
  env CONFIG_FILE="$folder/config.hocon" HOST=127.0.0.1 PORT="$port" XDG_CACHE_HOME="$folder" \
  node "$root/scripts/run.cjs" dev --context "$context" --namespace "$namespace" &
child=$!
set +m
trap 'kill -TERM -- "-$child" 2>/dev/null || true' INT TERM HUP
code=0
wait "$child" || code=$?
# `wait` also returns when a signal arrives; the process still runs then.
while kill -0 "$child" 2>/dev/null; do
  code=0
  wait "$child" || code=$?
done
exit "$code"
