// Small POSIX shell scripts that run on hosts, busybox ones included. Arguments are positional, nothing is pasted into the text.

/** Exit code for "nothing is there", which no tool below uses. */
export const ABSENT = 44;

/** Ends with ABSENT, or with the reason on stderr where the host does not let us look. */
const GONE = `gone() {
  e=$(LC_ALL=C ls -d -- "$1" 2>&1 >/dev/null) || case $e in
    *'No such file'*|*'Not a directory'*) exit ${ABSENT} ;;
    *) echo "$e" >&2; exit 1 ;;
  esac
}
`;

/** path → type, size, octal mode, seconds; of a link itself. */
export const STAT = `${GONE}gone "$1"; LC_ALL=C exec stat -c '%F|%s|%a|%Y' -- "$1"`;

/** path → names, each ended by NUL. */
export const LIST = `${GONE}[ -e "$1" ] || { gone "$1"; exit ${ABSENT}; }
[ -d "$1" ] || { echo "$1: not a folder" >&2; exit 1; }
cd -- "$1" || exit 1
for f in * .[!.]* ..?*; do if [ -e "$f" ] || [ -L "$f" ]; then printf '%s\\0' "$f"; fi; done`;

const FILE = `${GONE}[ -e "$1" ] || { gone "$1"; exit ${ABSENT}; }
[ -d "$1" ] && { echo "$1: is a folder, not a file" >&2; exit 1; }
`;

/** path, most bytes → the size on a line, then the content when it is not larger. */
export const READ = `${FILE}s=$(stat -L -c %s -- "$1") || exit 1
echo "$s"
[ "$s" -gt "$2" ] || exec cat -- "$1"`;

/** path → digest. */
export const DIGEST = `${FILE}exec sha256sum <"$1"`;

/** path, name pattern of its temporary files, minutes after which they are nobody's. Makes the folder ready for a write. */
export const PREPARE = `umask 022
d=\${1%/*}; mkdir -p -- "\${d:-/}" || exit 1
[ -d "$1" ] && [ ! -L "$1" ] && { echo "$1: is a folder" >&2; exit 1; }
b=\${1##*/}
find "\${d:-/}" -maxdepth 1 -type f -mmin "+$3" | while IFS= read -r f; do
  case \${f##*/} in "$b$2"*) rm -f -- "$f" ;; esac
done
:`;

/** temporary file, octal mode, seconds or nothing, whether to sync → digest of what lies there. */
export const FINISH = `if [ -n "$3" ]; then touch -d "@$3" -- "$1" || exit 1; fi
chmod "$2" -- "$1" || exit 1
if [ "$4" = yes ]; then sync -- "$1" 2>/dev/null || sync; fi
exec sha256sum <"$1"`;

/** uploaded file, temporary file beside the target: takes it over, as root. */
export const TAKE = `umask 077; cat -- "$1" >"$2" || exit 1`;

/** temporary file, target. */
export const REPLACE = `mv -fT -- "$1" "$2" || exit 1`;

/** file → its folder on disk. */
export const SYNC_FOLDER = `d=\${1%/*}; sync -- "\${d:-/}" 2>/dev/null || sync`;

/** from, to: within a file system. */
export const RENAME = `exec mv -fT -- "$1" "$2"`;

/** Lines `name=value`. */
export const FACTS = `echo "os=$(uname -s)"
echo "arch=$(uname -m)"
echo "kernel=$(uname -r)"
echo "hostname=$(uname -n)"
echo "machine=$(cat /etc/machine-id 2>/dev/null)"
echo "clock=$(date +%s%3N)"
echo "seconds=$(date +%s)"
echo "uid=$(id -u)"
[ -d /run/systemd/system ] && echo systemd=yes
sed -n 's/^\\(ID\\|VERSION_ID\\)=/release=&/p' /etc/os-release 2>/dev/null
{ ip -o -4 addr show scope global; ip -o -6 addr show scope global; } 2>/dev/null |
  while read -r _ _ _ a _; do echo "address=\${a%%/*}"; done
:`;
