#!/usr/bin/env bash
# Fetches, once and pinned, what only tests and linting need, into a cache outside the tree.
# buf (contracts) and axe-core (accessibility) come from npm; Chromium (the pages' tests), 7-Zip (reads disc images back), nginx (peer of a benchmark) and qpdf from Debian, unpacked
# without root.
set -euo pipefail
cache="${SHENBAO_CACHE:?run this through make}"
mkdir -p "$cache/bin"

BUF_VERSION=1.75.0
AXE_VERSION=4.14.1

need() {
  command -v "$1" >/dev/null || { echo "servers: '$1' is missing; $2" >&2; exit 1; }
}

fetch_buf() {
  local home="$cache/buf-$BUF_VERSION"
  if [ ! -x "$home/node_modules/.bin/buf" ]; then
    need npm "install Node.js 18 or later; it brings npm"
    mkdir -p "$home"
    npm install --silent --no-audit --no-fund --prefix "$home" "@bufbuild/buf@$BUF_VERSION"
  fi
  ln -sfn "$home/node_modules/.bin/buf" "$cache/bin/buf"
}

# axe-core judges the pages' accessibility inside the browser.
fetch_axe() {
  local home="$cache/axe-$AXE_VERSION"
  if [ ! -f "$home/node_modules/axe-core/axe.min.js" ]; then
    need npm "install Node.js 18 or later; it brings npm"
    mkdir -p "$home"
    npm install --silent --no-audit --no-fund --prefix "$home" "axe-core@$AXE_VERSION"
  fi
  ln -sfn "$home/node_modules/axe-core/axe.min.js" "$cache/bin/axe.js"
}

# debian NAME BINARY PACKAGE…: BINARY from the system, or from Debian packages unpacked below the cache.
debian() {
  local name="$1" binary="$2"
  shift 2
  [ -x "$cache/bin/$name" ] && return
  if command -v "$binary" >/dev/null; then
    ln -sfn "$(command -v "$binary")" "$cache/bin/$name"
    return
  fi
  need apt-get "install '$name' by your system's package manager and run this again"
  local home="$cache/debian-$name"
  rm -rf "$home.new" && mkdir -p "$home.new/debs"
  if ! apt-cache show "$1" >/dev/null 2>&1; then
    [ "$(id -u)" = 0 ] && apt-get update -qq
  fi
  (cd "$home.new/debs" && apt-get download -qq -o APT::Sandbox::User="$(id -un)" "$@")
  for deb in "$home.new"/debs/*.deb; do dpkg-deb -x "$deb" "$home.new"; done
  rm -rf "$home" && mv "$home.new" "$home"
  local found
  found="$(find "$home/usr" -type f -name "$binary" -perm -u+x | sort | tail -n 1)"
  printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s" "$@"\n' \
    "$(find "$home/usr/lib" -name '*.so*' -printf '%h\n' 2>/dev/null | sort -u | paste -sd:)" "$found" > "$cache/bin/$name"
  chmod +x "$cache/bin/$name"
}

# Chromium brings many libraries: installed where we may, else unpacked with all that this machine lacks of them.
fetch_chromium() {
  [ -x "$cache/bin/chromium" ] && return
  if ! command -v chromium >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
  fi
  local missing=()
  if ! command -v chromium >/dev/null; then
    need apt-get "install Chromium by your system's package manager and run this again"
    mapfile -t missing < <(apt-get install -s --no-install-recommends chromium | awk '/^Inst/ {print $2}')
  fi
  debian chromium chromium "${missing[@]}"
}

fetch_buf
fetch_axe
fetch_chromium
debian 7z 7z p7zip-full p7zip
debian nginx nginx nginx-light
debian qpdf qpdf qpdf libqpdf29 libjpeg62-turbo
echo "servers: ready in $cache" >&2
