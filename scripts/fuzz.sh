#!/bin/sh
# Fuzzes each target for as many seconds as the first argument says (60 by default).
set -eu
cd "$(dirname "$0")/../fuzz"
if ! cargo +nightly fuzz --version >/dev/null 2>&1; then
    echo "fuzz: please run: rustup toolchain install nightly && cargo install cargo-fuzz" >&2
    exit 1
fi
for target in fuzz_targets/*.rs; do
    name=$(basename "$target" .rs)
    echo "fuzz: $name"
    cargo +nightly fuzz run "$name" -- -max_total_time="${1:-60}"
done
