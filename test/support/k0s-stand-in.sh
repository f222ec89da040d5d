#!/bin/sh
# Stands in for k0s in tests: the commands that are used, with their command lines and what follows from them kept in files. It is no
# k0s. VERSION and FLEET are filled in where it is put; FLEET is what all hosts of a cluster share: nodes, tokens, who left.
VERSION='@VERSION@'
FLEET='@FLEET@'
STATE="$HOST_ROOT/var/lib/k0s"
UNITS="$HOST_ROOT/etc/systemd/system"
NAME=$(cat "$HOST_ROOT/etc/hostname")
mkdir -p "$STATE" "$UNITS" "$FLEET/nodes" "$FLEET/tokens" "$FLEET/members"

fail() { echo "$1" >&2; exit 1; }
command_line=k0s
for word in "$@"; do command_line="$command_line $word"; done
case "$1 $2" in version* | 'status '* | 'kubectl get') ;; *) echo "$command_line" >>"$STATE/commands" ;; esac

node="$FLEET/nodes/$NAME"
case "$1 $2" in
'version '*) echo "$VERSION" ;;
'install controller' | 'install worker')
  role=$2
  shift 2
  forced=no
  : >"$STATE/args.new"
  echo "$role" >>"$STATE/args.new"
  for word in "$@"; do
    case "$word" in
    --force) forced=yes ;;
    --token-file=*)
      id=$(base64 -d <"$HOST_ROOT${word#--token-file=}" | gzip -d | sed -n 's/.*token: \([a-z0-9]*\)\..*/\1/p')
      [ -n "$id" ] && [ -f "$FLEET/tokens/$id" ] || fail 'the join token is invalid'
      echo "$word" >>"$STATE/args.new" ;;
    *) echo "$word" >>"$STATE/args.new" ;;
    esac
  done
  [ "$forced" = yes ] || [ ! -f "$UNITS/k0s$role.service" ] || fail 'service is installed already'
  mv "$STATE/args.new" "$STATE/args"
  echo "[Service]" >"$UNITS/k0s$role.service" ;;
'start '*)
  [ -f "$STATE/args" ] || fail 'k0s is not installed'
  cp "$STATE/args" "$STATE/running-args"
  echo "$VERSION" >"$STATE/running"
  role=$(head -1 "$STATE/args")
  [ "$role" = worker ] || echo "$NAME" >"$FLEET/members/$NAME"
  if [ "$role" = worker ] || grep -q '^--enable-worker=true$' "$STATE/args"; then
    mkdir -p "$node"
    if [ -f "$FLEET/broken-$VERSION" ]; then echo False >"$node/ready"; else echo True >"$node/ready"; fi
  fi ;;
'stop '*)
  [ -f "$STATE/running" ] || fail 'k0s is not running'
  rm -f "$STATE/running"
  [ ! -d "$node" ] || echo False >"$node/ready" ;;
'status -o')
  [ -f "$STATE/running" ] || fail 'Error: status: can not get k0s process status'
  args=
  while read -r word; do args="$args,\"$(printf %s "$word" | sed 's/["\\]/\\&/g')\""; done <"$STATE/running-args"
  workloads=false
  if grep -q '^--enable-worker=true$' "$STATE/running-args" || grep -q '^worker$' "$STATE/running-args"; then workloads=true; fi
  printf '{"Version":"%s","Pid":1,"Role":"%s","Workloads":%s,"Args":["/usr/local/bin/k0s"%s]}\n' \
    "$(cat "$STATE/running")" "$(head -1 "$STATE/running-args")" "$workloads" "$args" ;;
'token create')
  [ -f "$STATE/running" ] || fail 'k0s is not running'
  id=$(tr -d - </proc/sys/kernel/random/uuid | cut -c1-6)
  secret=$(tr -d - </proc/sys/kernel/random/uuid | cut -c1-16)
  echo "$command_line" >"$FLEET/tokens/$id"
  echo "$id.$secret" >>"$FLEET/secrets"
  printf 'users:\n- user:\n    token: %s.%s\n' "$id" "$secret" | gzip -nc | base64 -w0
  echo ;;
'token invalidate') rm "$FLEET/tokens/$3" 2>/dev/null || fail "no token $3" ;;
'config validate')
  file=
  for word in "$@"; do case "$word" in --config=*) file=${word#--config=} ;; esac; done
  ! grep -q unheardOf "$HOST_ROOT$file" || fail 'unknown field "unheardOf"' ;;
'etcd leave') rm "$FLEET/members/$NAME" 2>/dev/null || fail 'no such member' ;;
'backup --save-path='*)
  [ -f "$STATE/running" ] || fail 'k0s is not running'
  [ ! -f "$FLEET/full-$NAME" ] || fail 'no space left on device'
  folder=$HOST_ROOT${2#--save-path=}
  [ -d "$folder" ] || fail "the save-path directory (${2#--save-path=}) does not exist"
  cat "$STATE/running" >"$folder/k0s_backup_$(date -u +%Y-%m-%dT%H_%M_%S_%N)Z.tar.gz" ;;
'restore '*)
  [ ! -f "$STATE/running" ] || fail 'k0s is running: stop it first'
  [ -f "$HOST_ROOT$2" ] || fail "no such file: $2"
  [ ! -f "$STATE/restored" ] || fail 'the data directory is not empty'
  [ ! -f "$FLEET/torn-backup" ] || fail 'unexpected EOF'
  cp "$HOST_ROOT$2" "$STATE/restored" ;;
'reset '*)
  [ ! -f "$STATE/running" ] || fail 'k0s is running: stop it first'
  rm -rf "$UNITS"/k0s*.service "$STATE/args" "$STATE/running-args" "$STATE/restored"
  echo "$NAME" >>"$FLEET/reset" ;;
'kubectl get')
  if [ "$3" = --raw=/readyz ]; then
    [ -f "$STATE/running" ] || fail 'connection refused'
    echo ok
    exit
  fi
  node="$FLEET/nodes/$4"
  [ -d "$node" ] || fail "nodes \"$4\" not found"
  cordoned=false
  [ ! -f "$node/cordoned" ] || cordoned=true
  annotations=
  [ ! -f "$node/by" ] || annotations="\"windlass.dev/cordoned-by\":\"$(cat "$node/by")\""
  printf '{"metadata":{"name":"%s","annotations":{%s}},"spec":{"unschedulable":%s},"status":{"conditions":[{"type":"Ready","status":"%s"}]}}\n' \
    "$4" "$annotations" "$cordoned" "$(cat "$node/ready")" ;;
'kubectl cordon') touch "$FLEET/nodes/$3/cordoned" ;;
'kubectl uncordon') rm -f "$FLEET/nodes/$3/cordoned" ;;
'kubectl annotate')
  case "$5" in *=*) echo "${5#*=}" >"$FLEET/nodes/$4/by" ;; *) rm -f "$FLEET/nodes/$4/by" ;; esac ;;
'kubectl drain')
  [ -f "$FLEET/nodes/$3/cordoned" ] || fail 'drained without being cordoned'
  case "$command_line" in
  *--disable-eviction*) rm -f "$FLEET/blocked-$3" ;;
  *) [ ! -f "$FLEET/blocked-$3" ] || fail 'Cannot evict pod: it would violate the disruption budget' ;;
  esac ;;
'kubectl delete') rm -rf "$FLEET/nodes/$4" ;;
*) fail "k0s: no such command: $command_line" ;;
esac
