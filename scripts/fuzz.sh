#!/bin/sh
# Fuzzes targets for as many seconds each as the first argument says (60 by default): those that are
# named, or all. Starts from the inputs of the tests and what was found before. What is found is kept
# in fuzz/corpus/TARGET, what crashes in fuzz/artifacts/TARGET. A crash does not stop the others, and
# ends in exit code 1.
#
#   scripts/fuzz.sh [SECONDS] [TARGET...]
set -eu
cd "$(dirname "$0")/../fuzz"
# Nightly is asked for by name; another compiler does with RUSTC_BOOTSTRAP=1.
toolchain="+nightly"
[ "${RUSTC_BOOTSTRAP:-}" != 1 ] || toolchain=""
# shellcheck disable=SC2086 # No word when it is empty.
fuzz() { cargo $toolchain fuzz "$@"; }
if ! fuzz --version >/dev/null 2>&1; then
    echo "fuzz: please run: rustup toolchain install nightly && cargo install cargo-fuzz" >&2
    exit 1
fi
seconds=60
case "${1:-}" in [0-9]*) seconds="$1"; shift ;; esac
[ $# -gt 0 ] || set -- $(fuzz list)
crashed=""
for target in "$@"; do
    echo "fuzz: $target"
    mkdir -p "corpus/$target"
    tests=../crates/imaging/tests
    seeds="$tests/inputs"
    [ ! -d "$tests/found/$target" ] || seeds="$seeds $tests/found/$target"
    # shellcheck disable=SC2086 # Two folders.
    # Half a minute or 3 GB for 64 KiB is a find as well.
    fuzz run "$target" "corpus/$target" $seeds -- \
        -max_total_time="$seconds" -max_len=65536 -timeout=30 -rss_limit_mb=3072 ||
        crashed="$crashed $target"
done
[ -z "$crashed" ] || { echo "fuzz: crashed:$crashed; see fuzz/artifacts" >&2; exit 1; }
