#!/bin/sh
# Writes photographs and a transparent logo in the formats that imagehq writes (`WRITTEN` in cross-check.py), reads the files with
# independent tools, and compares the pixels. Prints a table; ends in exit code 1 on a mismatch.
# Tools that are missing are named with their Debian package, and leave out what only they read.
#
#   IMAGEHQ=path/to/imagehq scripts/cross-check.sh
set -eu
cd "$(dirname "$0")/.."
program="${IMAGEHQ:-${CARGO_TARGET_DIR:-target}/debug/imagehq}"
[ -x "$program" ] || { echo "cross-check: no $program; please run: cargo build -p cli" >&2; exit 1; }
exec python3 scripts/cross-check.py "$program"
