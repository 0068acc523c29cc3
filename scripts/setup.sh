#!/bin/sh
# Installs what is missing to build and test on Debian, and says nothing when nothing is.
set -eu

say() { printf 'setup: %s\n' "$*" >&2; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else say "not root and no sudo; please run: $*"; exit 1
    fi
}

missing=""
for pair in cc:build-essential c++:build-essential make:build-essential cmake:cmake nasm:nasm \
    perl:perl pkg-config:pkg-config curl:curl; do
    command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
done

if [ -n "$missing" ]; then
    if ! command -v apt-get >/dev/null; then
        say "please install:$missing"
        exit 1
    fi
    say "installing$missing"
    as_root apt-get update -qq
    # shellcheck disable=SC2086 # A list of words.
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        $missing >/dev/null
fi

if ! command -v cargo >/dev/null; then
    say "Rust is missing: see https://www.rust-lang.org/tools/install"
    exit 1
fi

# The demo needs no test runner.
if [ "${1:-}" != build ] && ! command -v cargo-nextest >/dev/null; then
    say "installing cargo-nextest from source; this takes some minutes, once"
    cargo install --locked --quiet cargo-nextest
fi
