// A stand-in for systemctl on hosts of tests that have no systemd: it keeps the command line and the states, in files.

/** Shell text that puts it into a host's /usr/local/bin. */
export const fakeSystemctl = `
mkdir -p /usr/local/bin
cat >/usr/local/bin/systemctl <<'SCRIPT'
#!/bin/sh
state=/var/lib/fake-systemctl; units=/etc/systemd/system; mkdir -p $state
[ "$1" = --no-ask-password ] && shift
verb=$1; shift
for unit in "$@"; do :; done
loaded() { [ -f "$units/$unit" ]; }
case $verb in
daemon-reload) ;;
show)
  if loaded; then echo LoadState=loaded; else echo LoadState=not-found; fi
  case $(cat "$state/$unit" 2>/dev/null) in
  running) echo ActiveState=active; echo SubState=running ;;
  failed) echo ActiveState=failed; echo SubState=failed ;;
  *) echo ActiveState=inactive; echo SubState=dead ;;
  esac ;;
enable|disable) loaded || { echo "Failed to $verb unit: Unit file $unit does not exist." >&2; exit 1; } ;;
start)
  loaded || { echo "Failed to start $unit: Unit $unit not found." >&2; exit 5; }
  if grep -q 'ExecStart=/bin/false' "$units/$unit"; then
    echo failed >"$state/$unit"; echo "Job for $unit failed." >&2; exit 1
  fi
  echo running >"$state/$unit" ;;
stop) rm -f "$state/$unit" ;;
reset-failed) rm -f "$state/$unit" ;;
*) echo "Unknown command verb $verb." >&2; exit 1 ;;
esac
SCRIPT
chmod 755 /usr/local/bin/systemctl
`;
