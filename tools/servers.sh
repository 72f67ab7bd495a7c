#!/usr/bin/env bash
# Fetches, once and pinned, what only tests and linting need, into a cache outside the tree.
# buf (contracts) and axe-core (accessibility) come from npm; Chromium (the pages' tests), 7-Zip and libcdio (read disc images back),
# nginx (peer of a benchmark) and qpdf (peer, and judge of merged files) from Debian, unpacked without root; Kafka's broker
# from Maven Central; versitygw (an S3 server over a directory) and compose-config (Docker Compose's reader of its files) are
# built from Go modules.
set -euo pipefail
cache="${SHENBAO_CACHE:?run this through make}"
mkdir -p "$cache/bin"

BUF_VERSION=1.75.0
AXE_VERSION=4.14.1
KAFKA_VERSION=4.1.0  # as in tools/kafka/pom.xml
VERSITYGW_VERSION=v1.8.0
PYPDF_VERSION=7.1.1
PYMUPDF_VERSION=2.0

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

# The broker is a folder of jars; `java -cp "$cache/bin/kafka/*" kafka.Kafka` runs it.
fetch_kafka() {
  local home="$cache/kafka-$KAFKA_VERSION"
  if [ ! -f "$home/kafka_2.13-$KAFKA_VERSION.jar" ]; then
    need mvn "install Maven 3.6 or later (Debian: maven); it fetches Kafka's broker"
    rm -rf "$home.new"
    mvn -q -B -f tools/kafka/pom.xml dependency:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$home.new"
    rm -rf "$home" && mv "$home.new" "$home"
  fi
  need java "install a Java runtime, 17 or later (Debian: openjdk-17-jre-headless); Kafka's broker runs on it"
  ln -sfn "$home" "$cache/bin/kafka"
}

# versitygw answers for S3 in tests and in `make stack`. The first build takes some minutes.
build_versitygw() {
  local home="$cache/versitygw-$VERSITYGW_VERSION"
  if [ ! -x "$home/versitygw" ]; then
    need go "install Go 1.24 or later (https://go.dev/dl or your system's package golang)"
    echo "servers: building versitygw $VERSITYGW_VERSION" >&2
    mkdir -p "$home"
    GOBIN="$home" CGO_ENABLED=0 go install "github.com/versity/versitygw/cmd/versitygw@$VERSITYGW_VERSION"
  fi
  ln -sfn "$home/versitygw" "$cache/bin/versitygw"
}

# Reads deploy/compose as Docker Compose does, without Docker (tools/composeconfig).
build_compose_config() {
  local home
  home="$cache/compose-config-$(cat tools/composeconfig/main.go tools/composeconfig/go.* | sha256sum | cut -c1-16)"
  if [ ! -x "$home/compose-config" ]; then
    need go "install Go 1.24 or later (https://go.dev/dl or your system's package golang)"
    mkdir -p "$home"
    (cd tools/composeconfig && CGO_ENABLED=0 go build -mod=readonly -o "$home/compose-config" .)
  fi
  ln -sfn "$home/compose-config" "$cache/bin/compose-config"
}

# debian NAME PACKAGE PROBE [STATUS]: the program NAME of Debian's PACKAGE, from the system if it is there, else unpacked below the
# cache with whatever this machine lacks of what it depends on. NAME PROBE must end with 0, or with STATUS where that is
# how the program says that it has run, or it counts as not there.
debian() {
  local name="$1" package="$2" probe="$3" status="${4:-0}"
  ends_with "$status" "$cache/bin/$name" "$probe" 2>/dev/null && return
  rm -f "$cache/bin/$name"
  if command -v "$name" >/dev/null; then
    ln -sfn "$(command -v "$name")" "$cache/bin/$name"
  else
    unpack "$name" "$package"
  fi
  ends_with "$status" "$cache/bin/$name" "$probe" || { echo "servers: '$name' of Debian's package '$package' does not run" >&2; exit 1; }
}

ends_with() {
  local status=0
  "${@:2}" </dev/null >/dev/null || status=$?
  [ "$status" = "$1" ]
}

unpack() {
  local name="$1" package="$2" home="$cache/debian-$1" found missing
  need apt-get "install '$name' by your system's package manager and run this again"
  if ! apt-cache show "$package" >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then apt-get update -qq; fi
  mapfile -t missing < <(apt-get install -s --no-install-recommends "$package" | awk '/^Inst/ {print $2}')
  [ "${#missing[@]}" -gt 0 ] || { echo "servers: apt knows no package '$package'; run 'apt-get update' as root first" >&2; exit 1; }
  rm -rf "$home.new" && mkdir -p "$home.new/debs"
  (cd "$home.new/debs" && apt-get download -qq -o APT::Sandbox::User="$(id -un)" "${missing[@]}")
  for deb in "$home.new"/debs/*.deb; do dpkg-deb -x "$deb" "$home.new"; done
  rm -rf "$home" && mv "$home.new" "$home"
  found="$(find "$home/usr" -type f -name "$name" -perm -u+x | sort | tail -n 1)"
  # GS_LIB: Ghostscript looks for what it begins with below /usr.
  printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" PYTHONPATH="%s" GS_LIB="%s" exec "%s" "$@"\n' \
    "$(find "$home/usr/lib" -name '*.so*' -printf '%h\n' 2>/dev/null | sort -u | paste -sd:)" \
    "$(find "$home/usr/lib" -type d -name dist-packages 2>/dev/null)" \
    "$(find "$home"/usr/share/ghostscript/*/Resource/Init "$home"/usr/share/ghostscript/*/lib -maxdepth 0 2>/dev/null | paste -sd:)" \
    "$found" > "$cache/bin/$name"
  chmod +x "$cache/bin/$name"
}

# files NAME PACKAGE…: what Debian's packages hold, unpacked below the cache without what they depend on.
files() {
  local name="$1" home="$cache/debian-$1"
  shift
  if [ ! -d "$home" ]; then
    need apt-get "this needs Debian's packages $*"
    rm -rf "$home.new" && mkdir -p "$home.new/debs"
    (cd "$home.new/debs" && apt-get download -qq -o APT::Sandbox::User="$(id -un)" "$@")
    for deb in "$home.new"/debs/*.deb; do dpkg-deb -x "$deb" "$home.new"; done
    rm -rf "$home.new/debs" && mv "$home.new" "$home"
  fi
  ln -sfn "$home" "$cache/bin/$name"
}

# Python libraries that benchmarks compare with, in an environment of their own: nothing of ours imports them.
fetch_peers() {
  local home="$cache/peers-$PYPDF_VERSION-$PYMUPDF_VERSION"
  if [ ! -x "$home/bin/python" ] || ! "$home/bin/python" -c "import pypdf, pymupdf" 2>/dev/null; then
    rm -rf "$home"
    .venv/bin/python -m venv "$home"
    "$home/bin/pip" install -q --disable-pip-version-check "pypdf==$PYPDF_VERSION" "PyMuPDF==$PYMUPDF_VERSION"
  fi
  printf '#!/bin/sh\nexec "%s" "$@"\n' "$home/bin/python" > "$cache/bin/peers-python"
  chmod +x "$cache/bin/peers-python"
}

# Chromium brings many libraries: installed where we may, else unpacked with all that this machine lacks of them.
fetch_chromium() {
  if ! command -v chromium >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
  fi
  debian chromium chromium --version
}

# optional WHAT STEP: a server whose tests are skipped, loudly, where it cannot be had. Where CI is set, that is a failure.
optional() {
  local status
  set +e
  (set -e; "$2")
  status=$?
  set -e
  [ "$status" = 0 ] && return
  echo "servers: without $1: the tests that need it are skipped" >&2
  [ -z "${CI:-}" ] || exit 1
}

# `tools/servers.sh bench`: the tools that benchmarks compare with, and nothing else needs.
if [ "${1:-}" = bench ]; then
  debian ffprobe ffmpeg -version
  debian mediainfo mediainfo --Version
  debian genisoimage genisoimage --version
  debian tesseract tesseract-ocr --version
  debian mutool mupdf-tools -v
  debian gs ghostscript -dNODISPLAY
  debian jpegtran libjpeg-turbo-progs -help 1
  fetch_peers
  files tesseract-data tesseract-ocr-chi-sim
  files fonts fonts-wqy-microhei fonts-wqy-zenhei fonts-arphic-ukai fonts-arphic-uming fonts-lxgw-wenkai
  echo "servers: tools to compare with ready in $cache" >&2
  exit
fi

fetch_buf
fetch_axe
optional Kafka fetch_kafka
optional versitygw build_versitygw
optional "a reader of compose files" build_compose_config
fetch_chromium
debian 7z p7zip-full i
debian iso-info libcdio-utils --version 100
debian iso-read libcdio-utils --version 100
debian nginx nginx -v
debian qpdf qpdf --version
debian docker-compose docker-compose --version
echo "servers: ready in $cache" >&2
