#!/bin/bash
# What `windlass`, `npx windlass` and `npm start` are where guides are run (test/support/guide-runner.ts): the launcher of this checkout.
# A server of a page is one that goes on behind it, in place of the one before; what it prints until it is ready is printed here.
set -euo pipefail
ready='^ready '
case $(basename "$0") in
  npx) shift ;;
  npm)
    [ "$1" = start ] || { echo "npm $1 is nothing that a guide runs" >&2; exit 1; }
    shift
    [ "${1-}" != -- ] || shift
    set -- up --manifests deploy/examples/hello "$@"
    ready='^Ctrl-C stops '
    ;;
esac
[ "${1-}" = up ] || exec node "$GUIDE_LAUNCHER" "$@"

if [ -e .guide/server.pid ]; then
  before=$(cat .guide/server.pid)
  kill "$before" 2>/dev/null || true
  for _ in $(seq 600); do kill -0 "$before" 2>/dev/null || break; sleep 0.1; done
fi
# Any port that is free: many guides are run at a time.
WINDLASS_PORT=0 setsid node "$GUIDE_LAUNCHER" "$@" >.guide/server.log 2>&1 </dev/null &
server=$!
echo $server >.guide/server.pid
for _ in $(seq 1200); do
  if grep -q "$ready" .guide/server.log; then
    cat .guide/server.log
    sed -n 's/^ready //p' .guide/server.log >.guide/url
    exit 0
  fi
  kill -0 $server 2>/dev/null || break
  sleep 0.1
done
cat .guide/server.log
echo "windlass $* ended, or was not ready within two minutes" >&2
exit 1
