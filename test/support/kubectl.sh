#!/bin/bash
# Fetches the kubectl of Debian 13 and unpacks it without installing it, so that it cannot clash with one that is there.
# Usage: kubectl.sh FOLDER; prints the folder of the binary. Needs apt and root; uses the mirror this machine is set up with.
set -euo pipefail
folder=${1:?folder}
binary=$folder/unpacked/usr/bin/kubectl
if [ ! -x "$binary" ]; then
  mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
  cd "$folder"
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -v security | head -1)
  keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  echo "deb [signed-by=$keyring] $mirror trixie main" >sources.list
  apt=(apt-get -qq
    -o "Dir::Etc::sourcelist=$folder/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$folder/lists" -o "Dir::Cache=$folder/cache" -o Dir::State::status=/dev/null
    -o APT::Sandbox::User=root)
  "${apt[@]}" update >&2
  "${apt[@]}" download kubectl >&2
  dpkg-deb -x kubectl_*.deb unpacked
  rm -rf lists cache
fi
dirname "$binary"
