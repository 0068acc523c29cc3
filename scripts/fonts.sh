#!/bin/sh
# Makes assets/fonts again from packages of Debian 12 and one of npm. Needs: apt-get download, dpkg,
# npm, and fontTools (Debian: python3-fonttools).
set -eu
out="$(cd "$(dirname "$0")/.." && pwd)/assets/fonts"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download fonts-noto-core fonts-noto-mono fonts-noto-cjk
for package in ./*.deb; do dpkg -x "$package" .; done
npm pack --silent @expo-google-fonts/noto-emoji@0.4.7 >/dev/null
tar xf ./*.tgz
noto=usr/share/fonts/truetype/noto

# subset NAME SOURCE CHARACTERS [OPTION...]: hinting goes (nothing here renders with it), shaping
# stays.
subset() {
    name="$1" source="$2" characters="$3"
    shift 3
    /usr/bin/python3 -m fontTools.subset "$source" --output-file="$out/$name" --no-hinting --drop-tables+=DSIG,meta,FFTM \
        --layout-features='*' --notdef-outline "$characters" "$@"
}

# Latin with Vietnamese, Greek, Cyrillic, punctuation, currencies, number forms, arrows, the common
# mathematical and geometric signs.
european=U+0000-024F,U+0250-02FF,U+0300-036F,U+0370-03FF,U+0400-052F,U+1E00-1EFF,U+2000-206F
signs=U+2070-209F,U+20A0-20BF,U+2100-218F,U+2190-21FF,U+2200-22FF,U+2300-23FF,U+25A0-26FF
signs=$signs,U+2700-27BF,U+2B00-2BFF,U+FB00-FB06,U+FFFC-FFFD
for style in Regular Bold Italic BoldItalic; do
    subset "NotoSans-$style.ttf" "$noto/NotoSans-$style.ttf" "--unicodes=$european,$signs" \
        --layout-features-=smcp,c2sc,subs,sups,dnom,numr,frac,ordn
done
for style in Regular Bold; do
    for family in NotoSerif NotoSansMono; do
        subset "$family-$style.ttf" "$noto/$family-$style.ttf" "--unicodes=$european,$signs" \
            --layout-features-=smcp,c2sc,subs,sups,dnom,numr,frac,ordn
    done
    for script in Arabic Hebrew Devanagari Thai; do
        subset "NotoSans$script-$style.ttf" "$noto/NotoSans$script-$style.ttf" '--unicodes=*'
    done
done
subset NotoSansMath-Regular.ttf "$noto/NotoSansMath-Regular.ttf" "--unicodes=$signs" \
    --drop-tables+=MATH --layout-features=
subset NotoSansSymbols2-Regular.ttf "$noto/NotoSansSymbols2-Regular.ttf" "--unicodes=$signs" \
    --layout-features=

# The characters of GB 2312 (all), JIS X 0208 (level 1), Big5 (level 1) and KS X 1001 (syllables).
/usr/bin/python3 - >cjk.txt <<'PYTHON'
def rows(codec, first, last, trail):
    for lead in range(first, last + 1):
        for byte in trail:
            try:
                yield bytes([lead, byte]).decode(codec)
            except UnicodeDecodeError:
                pass
high = range(0xA1, 0xFF)
chosen = set()
chosen.update(rows("gb2312", 0xA1, 0xF7, high))
chosen.update(rows("euc_jp", 0xA1, 0xCF, high))
chosen.update(rows("big5", 0xA4, 0xC6, [*range(0x40, 0x7F), *high]))
chosen.update(rows("euc_kr", 0xA1, 0xC8, high))
chosen.update(map(chr, [*range(0x3000, 0x3100), *range(0xFF01, 0xFFEF), *range(0x3131, 0x318F)]))
print("".join(sorted(c for c in chosen if ord(c) > 0x2E00)))
PYTHON
subset NotoSansCJKsc-Regular.otf usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc \
    --text-file=cjk.txt --font-number=2 --layout-features=kern,palt
subset NotoEmoji-Regular.ttf package/400Regular/NotoEmoji_400Regular.ttf '--unicodes=*'
ls -l "$out"
