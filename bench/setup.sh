#!/usr/bin/env bash
# Brings everything the benchmarks need: tools and photographs from Debian's packages, the rival
# from npm. Safe to run again; nothing outside this folder is changed but installed packages.
set -euo pipefail
cd "$(dirname "$0")"

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

missing=()
command -v redis-server >/dev/null || missing+=(redis-server)
command -v node >/dev/null || missing+=(nodejs npm)
command -v cmake >/dev/null || missing+=(cmake)
command -v nasm >/dev/null || missing+=(nasm)
command -v cc >/dev/null || missing+=(build-essential)
if [ ${#missing[@]} -gt 0 ]; then
    as_root apt-get update -q
    as_root apt-get install -y -q "${missing[@]}"
fi
command -v cargo >/dev/null || { echo "cargo is missing: install Rust first" >&2; exit 1; }

npm install --no-audit --no-fund --loglevel=error

# Photographs: unpacked here, not installed. Their licenses are in debian/copyright of each package
# and in README.md beside this file.
mkdir -p data/packages
for package in lomiri-wallpapers-16.04 lomiri-wallpapers-20.04; do
    if [ ! -d "data/packages/$package" ]; then
        (cd data/packages && apt-get download "$package") ||
            { as_root apt-get update -q && (cd data/packages && apt-get download "$package"); }
        dpkg-deb -x data/packages/"$package"_*.deb "data/packages/$package.tmp"
        mv "data/packages/$package.tmp" "data/packages/$package"
        rm data/packages/"$package"_*.deb
    fi
done
node make-data.mjs
