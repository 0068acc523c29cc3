"""Reads what imagehq writes with tools that are none of ours; see cross-check.sh."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pixels

# Extension, settings, whether it holds alpha, largest mean and largest difference of a sample. At
# an edge halved color, a palette and a page that is drawn may be far off; lossless is lossless. JPEG
# XL spends less on strong colors (cjxl 0.7 at distance 1: mean 3.1, largest 85).
WRITTEN = [
    ("png", "", True, 0, 0),
    ("png", "bit_depth=16", True, 0, 0),
    ("png", "palette=256", True, 4, 96),
    ("tiff", "", True, 0, 0),
    ("tiff", "bit_depth=16", True, 0, 0),
    ("bmp", "", True, 0, 0),
    ("ico", "", True, 0, 0),
    ("pnm", "", True, 0, 0),
    ("qoi", "", True, 0, 0),
    ("webp", "lossless=true", True, 0, 0),
    ("webp", "quality=90", True, 4, 96),
    ("farbfeld", "", True, 0, 0),
    ("avif", "lossless=true", True, 0, 0),
    ("avif", "quality=90", True, 3, 96),
    ("jxl", "lossless=true", True, 0, 0),
    ("jxl", "quality=90", True, 4, 112),
    ("jpg", "quality=92,chroma_subsampling=4:4:4", False, 3, 64),
    ("jpg", "quality=92,progressive=true", False, 3, 96),
    ("gif", "", None, 6, 128),
    ("pdf", "dpi=72,quality=95", False, 3, 64),
]
# What looks at the structure of a file, and its Debian package.
CHECKERS = {
    "png": (["pngcheck", "-q"], "pngcheck"),
    "tiff": (["tiffinfo", "-D"], "libtiff-tools"),
    "pdf": (["pdfinfo"], "poppler-utils"),
    "webp": (["webpinfo", "-quiet"], "webp"),
}
ANY = (["exiftool", "-q", "-q", "-if", "$Error or $Warning", "-p", "$Error $Warning"],
       "libimage-exiftool-perl")
# The other formats are unknown to it, which it warns of.
EXIFTOOL_KNOWS = {"png", "tiff", "bmp", "ico", "webp", "avif", "jpg", "gif", "pdf"}


def sources(folder):
    """The photographs and the logo as PNGs of the size of an icon, by ImageMagick."""
    made = []
    for path in [*sorted(Path("assets/photos").glob("*.jpg")),
                 Path("crates/imaging/tests/inputs/logo.png")]:
        small = Path(folder, path.stem + ".png")
        pixels.run([pixels.MAGICK, path, "-auto-orient", "-resize", "256x256!", "-strip",
                    "-depth", "8", f"PNG32:{small}" if path.suffix == ".png" else f"PNG24:{small}"])
        made.append(small)
    return made


def expected(source, alpha):
    """What a format can hold of the source: on white where it has no alpha, hard edges for GIF."""
    if alpha:
        return pixels.rgba(source)
    if alpha is None:
        return pixels.rgba(source, ("-channel", "A", "-threshold", "50%", "+channel"))
    return pixels.rgba(source, ("-background", "white", "-alpha", "remove", "-alpha", "off"))


def structure(path, extension):
    """What the tools that know the format object to."""
    command, _ = CHECKERS.get(extension, (None, None))
    if command and shutil.which(command[0]):
        pixels.run([*command, path])
    if extension in EXIFTOOL_KNOWS and shutil.which("exiftool"):
        done = subprocess.run([*ANY[0], path], capture_output=True, check=False)
        if done.stdout.strip():
            raise pixels.Unreadable("exiftool: " + done.stdout.decode(errors="replace").strip())


def decoded(path, extension):
    """The picture of a file by an independent decoder. That of farbfeld goes from pipe to pipe."""
    if extension != "farbfeld":
        return pixels.decoded(path, extension)
    if not shutil.which("ff2png"):
        raise pixels.Absent("no ff2png (Debian: farbfeld)")
    made = path.with_suffix(".png")
    pixels.run(["sh", "-c", 'ff2png <"$0" >"$1"', path, made])
    return pixels.rgba(made)


def check(program, source, written, folder):
    """How far the file is from its source: `None` and a reason, or mean, largest and whether right."""
    extension, settings, alpha, mean_max, largest_max = written
    out = Path(folder, f"out.{extension}")
    step = f"convert:output_format={extension}" + ("," + settings if settings else "")
    pixels.run([program, "run", "--quiet", source, "-o", out, step])
    structure(out, extension)
    apart = pixels.distance(decoded(out, extension), expected(source, alpha))
    if apart is None:
        raise pixels.Unreadable("another size than the source")
    mean, largest = apart
    return mean, largest, mean <= mean_max and largest <= largest_max


def main():
    program, wrong, absent = sys.argv[1], [], set()
    print("| written | pictures | mean | largest | allowed | |\n|---|---:|---:|---:|---:|---|")
    with tempfile.TemporaryDirectory() as folder:
        pictures = sources(folder)
        for written in WRITTEN:
            name = " ".join(filter(None, written[:2]))
            means, largests, failures = [], [], []
            for source in pictures:
                try:
                    mean, largest, right = check(program, source, written, folder)
                except pixels.Absent as error:
                    absent.add(str(error))
                    continue
                except pixels.Unreadable as error:
                    failures.append(f"{name}: {source.stem}: {error}")
                    continue
                means.append(mean)
                largests.append(largest)
                if not right:
                    failures.append(f"{name}: {source.stem}: mean {mean:.2f}, largest {largest:.0f}")
            verdict = "**wrong**" if failures else "right" if means else "not read"
            mean, largest = max(means, default=0), max(largests, default=0)
            print(f"| {name} | {len(means)} | {mean:.2f} | {largest:.0f} | {written[3]}, {written[4]} "
                  f"| {verdict} |", flush=True)
            wrong += failures
    tools = [CHECKERS[kind] for kind in CHECKERS] + [ANY]
    absent |= {f"no {c[0]} (Debian: {package})" for c, package in tools if not shutil.which(c[0])}
    for line in [*wrong, *sorted(absent)]:
        print("-", line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
