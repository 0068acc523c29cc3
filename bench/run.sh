#!/usr/bin/env bash
# Measures everything and prints the tables: `bench/run.sh`, or parts of it:
# `bench/run.sh engine|service|queue|idle|avif|heic [ARGUMENTS]`. Figures land in bench/results as
# JSON too.
#
# On a quiet machine. Only packages' mirrors are asked for anything; servers listen on 127.0.0.1.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd .. && pwd)

what=${1:-all}
[ $# -gt 0 ] && shift
[ -d data/small ] && [ -d node_modules ] || ./setup.sh

build() { (cd "$root" && cargo build --release "$@"); }

# Workspaces of their own, but the versions and the built dependencies of the product.
build_tools() { build --manifest-path bench/tools/Cargo.toml --target-dir target; }
build_engine() {
    cp "$root/Cargo.lock" engine/Cargo.lock
    build --manifest-path bench/engine/Cargo.toml --target-dir target
}

engine() { build_tools && build_engine && node engine.mjs "$@"; }
service() { build_tools && build -p cli && node service.mjs "$@"; }
queue() { build -p jobs --example queue_bench && node queue.mjs "$@"; }
idle() { build -p cli && node idle.mjs "$@"; }
avif() { build_tools && build_engine && node avif.mjs "$@"; }
heic() {
    for tool in heif-enc heif-convert python3; do
        command -v "$tool" >/dev/null ||
            { echo "$tool is missing: apt-get install libheif-examples python3" >&2; exit 1; }
    done
    build_tools && build -p cli && node heic.mjs "$@"
}

echo "$(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)"
case "$what" in
engine | service | queue | idle | avif | heic) "$what" "$@" ;;
all) engine && service && queue && idle && avif && heic ;;
*)
    echo "unknown part: $what (engine, service, queue, idle, avif, heic, all)" >&2
    exit 2
    ;;
esac
