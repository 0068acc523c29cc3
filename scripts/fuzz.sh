#!/bin/sh
# Fuzzes the readers, one format after the other: those that are named, or all. Each in rounds of so
# many seconds as the first argument says (60 by default), up to ROUNDS of them (1 by default), until
# one gets no further in the code than the one before. Starts from the inputs of the tests and what
# was found before. What is found is kept in fuzz/corpus/FORMAT, what crashes in
# fuzz/artifacts/FORMAT. A crash does not stop the others, and ends in exit code 1.
#
#   scripts/fuzz.sh [SECONDS] [FORMAT...]
#   SANITIZER=none ROUNDS=20 scripts/fuzz.sh 300 png tiff
#
# With SANITIZER=none memory is not watched, and two to ten times as many files are read in the same
# time: the way to get far. What it kept is then read with it in one round, as it lies in the corpus.
#
# The libraries in C are instrumented as well where clang is there to build them.
set -eu
cd "$(dirname "$0")/../fuzz"
# Nightly is asked for by name; with RUSTC_BOOTSTRAP=1 the compiler that is there will do.
toolchain="+nightly"
[ "${RUSTC_BOOTSTRAP:-}" != 1 ] || toolchain=""
# shellcheck disable=SC2086 # No word when it is empty.
fuzz() { cargo $toolchain fuzz "$@"; }
if ! fuzz --version >/dev/null 2>&1; then
    echo "fuzz: please run: rustup toolchain install nightly && cargo install cargo-fuzz" >&2
    exit 1
fi
sanitizer="${SANITIZER:-address}"
case "$sanitizer" in
address) flags="-fsanitize=address,fuzzer-no-link -fno-omit-frame-pointer" ;;
none) flags="-fsanitize=fuzzer-no-link" ;;
*) echo "fuzz: SANITIZER is address or none" >&2; exit 2 ;;
esac
if command -v clang >/dev/null; then
    target=$(rustc -vV | sed -n 's/^host: //p' | tr - _)
    # No flags for C++: that is the fuzzer itself. Instrumented it is 3 to 8 times slower.
    export "CC_$target=clang" "CXX_$target=clang++" "CFLAGS_$target=$flags"
else
    echo "fuzz: only what is in Rust is instrumented; for the rest: apt-get install clang libclang-rt-dev" >&2
fi
seconds=60
case "${1:-}" in [0-9]*) seconds="$1"; shift ;; esac
# shellcheck disable=SC2046 # A word each.
[ $# -gt 0 ] || set -- $(sed -n 's/^    name: "\(.*\)",$/\1/p' ../crates/imaging/src/formats/*.rs)
echo "fuzz: building, which takes some minutes the first time"
build="--sanitizer=$sanitizer --target-dir=target/$sanitizer"
# shellcheck disable=SC2086 # Two words.
fuzz build $build read
tests=../crates/imaging/tests

# One round for a format.
round() {
    mkdir -p "corpus/$1" "artifacts/$1"
    seeds="$tests/inputs"
    [ ! -d "$tests/found/$1" ] || seeds="$seeds $tests/found/$1"
    words=""
    [ ! -f "dictionaries/$1.dict" ] || words="-dict=dictionaries/$1.dict"
    # shellcheck disable=SC2086 # Two folders, and no word without a dictionary.
    # Half a minute or 3 GB for 64 KiB is a find as well.
    FORMAT="$1" fuzz run $build read "corpus/$1" $seeds -- $words "-artifact_prefix=artifacts/$1/" \
        -max_total_time="$seconds" -max_len=65536 -timeout=30 -rss_limit_mb=3072 \
        >"artifacts/$1.log" 2>&1
}

# From the fuzzer's line on the start or the end of a round: files read, or edges of the code reached.
files() { sed -n "s/^#\([0-9]*\)\t$2 .*/\1/p" "artifacts/$1.log"; }
edges() { sed -n "s/^#[0-9]*\t$2 *cov: \([0-9]*\) .*/\1/p" "artifacts/$1.log"; }

failed=""
for format in "$@"; do
    number=0 before=-1 reached=0
    # Until a round ends no further than the one before.
    while [ "$number" -lt "${ROUNDS:-1}" ] && [ "$reached" -gt "$before" ]; do
        number=$((number + 1))
        before=$reached
        if ! round "$format"; then
            echo "fuzz: $format failed, see fuzz/artifacts/$format.log" >&2
            failed="$failed $format"
            break
        fi
        if [ "$(files "$format" INITED)" = "$(files "$format" DONE)" ]; then
            echo "fuzz: $format: $seconds seconds are over when the corpus is read" >&2
            failed="$failed $format"
            break
        fi
        reached=$(edges "$format" DONE)
        echo "fuzz: $format, round $number: $reached edges reached"
    done
done
[ -z "$failed" ] || { echo "fuzz: failed:$failed" >&2; exit 1; }
