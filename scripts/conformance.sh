#!/bin/sh
# Reads the public test files of other projects with imagehq, compares the pixels with what the sets
# or independent decoders say, and prints a table by set with every miss below. On demand: it
# fetches about 200 MB of Debian sources and of PyPI into conformance/, which git ignores.
#
#   IMAGEHQ=path/to/imagehq scripts/conformance.sh [SET...]
#
# Needs python3, dpkg, pip and ImageMagick (Debian: imagemagick); compares more where there are
# dwebp (webp), avifdec (libavif-bin), heif-convert (libheif-examples), djxl (libjxl-tools),
# rsvg-convert (librsvg2-bin), pdftoppm (poppler-utils), Pillow (python3-pil).
set -eu
cd "$(dirname "$0")/.."
program="${IMAGEHQ:-${CARGO_TARGET_DIR:-target}/debug/imagehq}"
[ -x "$program" ] || { echo "conformance: no $program; please run: cargo build -p cli" >&2; exit 1; }
work="$PWD/conformance"
mkdir -p "$work/files"

# The machine's own Debian archive, asked for sources of one release, with lists of its own.
apt() {
    from="$work/apt/$1"
    shift
    apt-get -qq -o APT::Sandbox::User="$(id -un)" -o Dir::Etc::SourceList="$from/none" \
        -o Dir::Etc::SourceParts="$from/parts" -o Dir::State::Lists="$from/lists" \
        -o Dir::Cache="$from" "$@"
}
updated=""
update() {
    case "$updated" in *" $1 "*) return 0 ;; esac
    updated="$updated $1 "
    mkdir -p "$work/apt/$1/lists/partial" "$work/apt/$1/archives/partial" "$work/apt/$1/parts"
    mirror="$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' | head -n 1)"
    echo "deb-src $mirror $1 main" >"$work/apt/$1/parts/debian.list"
    apt "$1" update >&2 || true
}

# Unpacks one package's source as upstream made it. A mirror may lack that of one release and have
# that of another; where it has none, that costs the package's set only.
debian() {
    [ -d "$work/files/$1" ] && return
    mkdir -p "$work/get/$1"
    for release in bookworm trixie forky; do
        update "$release"
        (cd "$work/get/$1" && apt "$release" source --download-only --only-source "$1") >&2 || true
        set -- "$1" "$work/get/$1"/*.orig.tar.[gbx]z*
        [ -f "$2" ] && break
    done
    unpack "$@"
}
pypi() {
    [ -d "$work/files/$1" ] && return
    mkdir -p "$work/get/$1"
    (cd "$work/get/$1" && python3 -m pip download --quiet --no-deps --no-binary "$1" "$1") >&2 || true
    unpack "$1" "$work/get/$1"/*.tar.gz
}
# A crate that imagehq is built from lies where cargo unpacked it.
crate() {
    [ -d "$work/files/$1" ] && return
    for folder in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$1"-[0-9]*; do
        [ -d "$folder/tests" ] || continue
        cp -r "$folder" "$work/files/$1"
        return
    done
    echo "conformance: cargo has no crate $1 here; its set is left out" >&2
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
    libimage-exiftool-perl vips resvg librsvg; do
    debian "$package"
done
for package in pillow-heif imagecodecs pikepdf; do
    pypi "$package"
done
crate jxl
exec python3 scripts/conformance.py "$program" "$work" "$@"
