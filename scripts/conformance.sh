#!/bin/sh
# Reads the public test files of other projects with imagehq, compares the pixels with what the sets
# or independent decoders say, and prints a table by set with every miss below. On demand: it
# fetches about 100 MB of Debian sources and one of PyPI into conformance/, which git ignores.
#
#   IMAGEHQ=path/to/imagehq scripts/conformance.sh [SET...]
#
# Needs python3, dpkg, pip and ImageMagick (Debian: imagemagick); compares more where there are
# dwebp (webp), avifdec (libavif-bin), heif-convert (libheif-examples), djxl (libjxl-tools).
set -eu
cd "$(dirname "$0")/.."
program="${IMAGEHQ:-${CARGO_TARGET_DIR:-target}/debug/imagehq}"
[ -x "$program" ] || { echo "conformance: no $program; please run: cargo build -p cli" >&2; exit 1; }
work="$PWD/conformance"
mkdir -p "$work/files" "$work/apt/lists/partial" "$work/apt/archives/partial" "$work/apt/parts"

# The machine's own Debian archive, asked for sources, with lists of its own.
for list in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
    [ -f "$list" ] || continue
    case "$list" in
        *.sources) sed 's/^Types:.*/Types: deb-src/' "$list" >"$work/apt/parts/debian.sources" ;;
        *) sed -n 's/^deb /deb-src /p' "$list" >"$work/apt/parts/debian.list" ;;
    esac
done
apt() {
    apt-get -qq -o APT::Sandbox::User="$(id -un)" -o Dir::Etc::SourceList="$work/apt/none" \
        -o Dir::Etc::SourceParts="$work/apt/parts" -o Dir::State::Lists="$work/apt/lists" \
        -o Dir::Cache="$work/apt" "$@"
}

updated=""
# Unpacks one package's source as upstream made it; a mirror may lack one, which costs its set only.
debian() {
    [ -d "$work/files/$1" ] && return
    [ -n "$updated" ] || { apt update; updated=yes; }
    mkdir -p "$work/get/$1"
    (cd "$work/get/$1" && apt source --download-only --only-source "$1") >&2 || true
    unpack "$1" "$work/get/$1"/*.orig.tar.[gbx]z*
}
pypi() {
    [ -d "$work/files/$1" ] && return
    mkdir -p "$work/get/$1"
    (cd "$work/get/$1" && python3 -m pip download --quiet --no-deps --no-binary :all: "$1") >&2 || true
    unpack "$1" "$work/get/$1"/*.tar.gz
}
unpack() {
    name="$1"
    for archive in "$@"; do
        case "$archive" in *.asc) continue ;; esac
        [ -f "$archive" ] || continue
        mkdir -p "$work/part"
        tar xf "$archive" -C "$work/part" --strip-components=1
        mv "$work/part" "$work/files/$name"
        return
    done
    echo "conformance: $name cannot be fetched here; its set is left out" >&2
}

for package in libpng1.6 libspng ruby-chunky-png pillow golang-golang-x-image gdk-pixbuf kimageformats \
    tiff libheif libavif openexr libjpeg-turbo giflib libgd2 graphicsmagick netpbm-free libwebp \
    libimage-exiftool-perl; do
    debian "$package"
done
pypi pillow-heif
exec python3 scripts/conformance.py "$program" "$work" "$@"
