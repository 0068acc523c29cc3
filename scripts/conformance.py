"""Runs imagehq on the files of conformance sets and tells how it did; see conformance.sh."""

import configparser
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pixels

LOSSY = {"jpg", "jpeg", "jpe", "webp", "avif", "heic", "heif", "hif", "jxl"}
READ = LOSSY | set(
    "png apng gif tif tiff bmp dib ico cur pbm pgm ppm pnm pam pfm qoi psd psb pdd hdr exr dds tga"
    " svg svgz pdf nef".split()
)
DRAWN = {"svg", "svgz", "pdf"}
# Right is: as the set says, or as ImageMagick, the tool of the format or Pillow reads it, lossless
# within a level and a half, lossy within these.
LOSSLESS_MAX, LOSSY_MEAN, LOSSY_MAX = 1.5, 1.5, 48
# Drawings are compared at a quarter of the size, where edges that were smoothed otherwise even out
# and a stroke that is missing does not. Renderers differ in small letters: this share of a drawing
# may be further apart than the largest of lossy pictures.
DRAWN_MEAN, DRAWN_FAR = 4, 1 / 200
DAMAGED = r"crash|broken|corrupt|bad|invalid|trunc|timeout|oom|dos|fuzz|overflow|error|no-|negative"


class Set:
    """Files of one package: where they lie, which are damaged, where their pictures are."""

    def __init__(self, name, package, under, damaged=None, reference=None, skip=None, *, width=None,
                 fonts=None, far=DRAWN_FAR, above=None):
        self.name, self.package, self.under = name, package, under
        self.damaged, self.reference, self.skip = damaged, reference, skip
        # Of drawings: what their pictures were made with, which share of them may be far apart, and
        # above which row they are compared.
        self.width, self.fonts, self.far, self.above = width, fonts, far, above

    def files(self, root):
        """The files that this set asks about."""
        start = root / self.package
        for path in sorted(start.rglob("*")):
            name = path.relative_to(start).as_posix()
            if path.suffix[1:].lower() not in READ or not path.is_file():
                continue
            if re.match(self.under, name) and not (self.skip and re.search(self.skip, name)):
                yield path, name


def beside(path):
    """`a.png` for `a.psd`."""
    return image(path.with_suffix(".png"))


def ref_png(path):
    """`a.tga.ref.png` for `a.tga`, or `a.png` in the folder of its kind."""
    found = image(path.with_name(path.name + ".ref.png"))
    return found or (image(path.with_suffix(".png")) if path.suffix != ".png" else None)


def dash_ref(path):
    """`a-ref.png` for `a.svg`, or the drawing `a-ref.svg` that should look the same."""
    drawing = path.with_name(path.stem + "-ref.svg")
    found = image(path.with_name(path.stem + "-ref.png"))
    return found or (by_tool(drawing) if drawing.is_file() else None)


def bmp_html(path):
    """The pictures of bmpsuite lie in a folder beside the files."""
    return image(path.parent.parent / "html" / (path.stem + ".png"))


def gif_conf(path):
    """The suite says the pixels of the first frame in a configuration file."""
    conf = configparser.ConfigParser(strict=False, interpolation=None)
    conf.read(path.with_suffix(".conf"))
    if not conf.has_section("config"):
        return None
    config = conf["config"]
    frames = config.get("frames", "").replace(" ", "").split(",")
    if not frames[0]:
        return None
    raw = path.parent / conf[frames[0]]["pixels"]
    return int(config["width"]), int(config["height"]), raw.with_suffix(".rgba").read_bytes()


def by_tool(path):
    return pixels.decoded(path, "page" if path.suffix == ".pdf" else None)


def image(path):
    return pixels.rgba(path) if path.is_file() else None


SETS = [
    Set("PngSuite (libpng)", "libpng1.6", r"contrib/pngsuite/"),
    Set("libpng test PNGs", "libpng1.6", r"contrib/testpngs/", r"crashers/"),
    Set("PngSuite (libspng)", "libspng", r"tests/images/", r"/x[^/]*\.png"),
    Set("PngSuite (chunky_png)", "ruby-chunky-png", r"spec/png_suite/", r"broken/"),
    Set("APNG (Pillow)", "pillow", r"Tests/images/apng/", r"syntax|sequence|chunk"),
    Set("bmpsuite good (Pillow)", "pillow", r"Tests/images/bmp/g/", None, bmp_html),
    Set("bmpsuite questionable", "pillow", r"Tests/images/bmp/q/", None, bmp_html),
    Set("bmpsuite bad (Pillow)", "pillow", r"Tests/images/bmp/b/", r"."),
    Set("TGA (Pillow)", "pillow", r"Tests/images/tga/", None, None, r"\.png$"),
    Set("Pillow, all kinds", "pillow", r"Tests/images/[^/]*$", DAMAGED),
    Set("Go x/image", "golang-golang-x-image", r"testdata/.*\.(webp|tiff|bmp|jpeg)$"),
    Set("GIF suite (gdk-pixbuf)", "gdk-pixbuf", r"tests/test-images/gif-test-suite/.*\.gif$", None,
        gif_conf),
    Set("gdk-pixbuf reference tests", "gdk-pixbuf", r"tests/test-images/reftests/", None, ref_png,
        r"\.ref\.png$|tga/.*\.png$"),
    Set("gdk-pixbuf damaged", "gdk-pixbuf", r"tests/test-images/(fail|randomly-modified)/", r"."),
    Set("kimageformats", "kimageformats", r"autotests/read/(avif|jxl|psd|tga|hdr|exr|heif)/", None,
        beside, r"\.png$"),
    Set("libtiff", "tiff", r"test/images/", r"loop|last-strip-extra"),
    Set("libheif examples", "libheif", r"examples/"),
    Set("libheif fuzzing corpus", "libheif", r"fuzzing/corpus/", r"."),
    Set("HEIF (pillow-heif)", "pillow-heif", r"tests/images/", DAMAGED),
    Set("libavif", "libavif", r"tests/data/",
        DAMAGED + r"|poc_|dimg_repeat|shared_in_dimg|noispe|non_essential"),
    Set("OpenEXR", "openexr", r"src/test/OpenEXRTest/", r"bad|invalid|corrupt"),
    Set("libjpeg-turbo", "libjpeg-turbo", r"testimages/"),
    Set("libwebp", "libwebp", r"(examples|webp_js)/"),
    Set("giflib", "giflib", r"(pic|tests|doc)/"),
    Set("GD", "libgd2", r"tests/(bmp|gif|png|tga|tiff|webp|jpeg)/", r"bug|bad|invalid|crafted"),
    Set("GraphicsMagick", "graphicsmagick", r"PerlMagick/t/", r"reference/"),
    Set("Netpbm", "netpbm-free", r"(test|converter)/"),
    Set("ExifTool", "libimage-exiftool-perl", r"t/images/", DAMAGED),
    Set("libvips", "vips", r"test/test-suite/images/", r"truncated", None, r"_segm\.hdr$"),
    # Its pictures are of the renderer that imagehq uses, so nothing of them may be far apart.
    Set("resvg", "resvg", r"crates/resvg/tests/tests/.*\.svg$", None, beside, width=300,
        fonts="crates/resvg/tests/fonts", far=0),
    # Below the drawing stands a number in large letters, which are of another font.
    Set("W3C SVG 1.1 (librsvg)", "librsvg", r"rsvg/tests/fixtures/reftests/svg1.1/.*\.svg$", None,
        dash_ref, fonts="rsvg/tests/resources", above=304),
    Set("librsvg", "librsvg", r"rsvg/tests/fixtures/(?!reftests/svg1\.1/).*\.svg$",
        r"crash/|errors/", dash_ref, r"-ref\.svg$", fonts="rsvg/tests/resources"),
    Set("JPEG XL (jxl-rs)", "jxl", r"tests/",
        r"trunc|overflow|incomplete|upsampling16|lz77_restore|empty_meta|dim_shift|zero_length"),
    Set("imagecodecs", "imagecodecs", r"tests/data/", DAMAGED),
    Set("PDF (pikepdf)", "pikepdf", r"(tests/resources|fuzzing/corpus)/.*\.pdf$", r"bad|fuzz|broken"),
]
COLUMNS = [
    "right", "right but for gAMA", "unlike", "nothing to compare", "damaged, refused",
    "damaged, read", "refused though valid", "crashed",
]
STORED = ("-set", "colorspace", "sRGB")


def ours(program, suite, root, path):
    """The first picture as imagehq reads it, or its refusal, and whether it broke."""
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "run", "--quiet", path, "-o", f"{folder}/"]
        command += [f"resize:width={suite.width}"] if suite.width else []
        command += ["convert:output_format=png,icc=keep"]
        fonts = {"IMAGEHQ_FONTS": str(root / suite.package / suite.fonts)} if suite.fonts else {}
        try:
            done = subprocess.run(
                command, capture_output=True, timeout=120, check=False, env=os.environ | fonts
            )
        except subprocess.TimeoutExpired:
            return None, "took more than 120 seconds", True
        words = done.stderr.decode(errors="replace").strip().splitlines()
        results = sorted(Path(folder).iterdir())
        if done.returncode == 0 and results:
            try:
                return pixels.rgba(results[0]), "", False
            except pixels.Unreadable as error:
                return (0, 0, b""), str(error), False
        said = " ".join(words) or f"exit code {done.returncode}"
        broke = done.returncode not in (0, 1) or "the process that worked" in said
        return None, said.replace(str(path), path.name), broke


def judge(program, suite, root, path, name):
    """The column a file belongs to, and why."""
    damaged = bool(suite.damaged and re.search(suite.damaged, name, re.IGNORECASE))
    picture, said, broke = ours(program, suite, root, path)
    if broke:
        return "crashed", said
    if damaged:
        return ("damaged, refused" if picture is None else "damaged, read"), said
    others, whys = [], []
    # Others draw at the size that the file says.
    decoders = (suite.reference,) if suite.width else (suite.reference, by_tool, pixels.by_pillow)
    for decode in decoders:
        try:
            others.append(decode and decode(path))
        except (pixels.Unreadable, OSError, KeyError, configparser.Error) as error:
            whys.append(str(error).replace(str(path), path.name))
    others = [other for other in others if other]
    if picture is None:
        return "refused though valid", said + ("" if others else " (nor does another decoder read it)")
    if not others or not picture[2]:
        return "nothing to compare", said or whys[0]
    if path.suffix[1:].lower() in DRAWN:
        verdicts = [compare_drawn(suite, picture, other) for other in others]
    else:
        verdicts = [compare(path, picture, other) for other in others]
    if any(right for right, _ in verdicts):
        return "right", ""
    if path.suffix in (".png", ".apng"):
        # What the file holds, without the gamma that it names.
        stored = pixels.distance(picture, pixels.rgba(path, STORED))
        if stored and stored[1] <= LOSSLESS_MAX:
            return "right but for gAMA", ""
    return "unlike", "; ".join(why for _, why in verdicts)


def compare(path, picture, other):
    """Whether two pictures are as alike as those of its format should be, and how far apart."""
    apart = pixels.distance(picture, other)
    if apart is None:
        return False, f"{picture[0]}×{picture[1]}, not {other[0]}×{other[1]}"
    mean, largest = apart
    lossy = path.suffix[1:].lower() in LOSSY
    right = (mean <= LOSSY_MEAN and largest <= LOSSY_MAX) if lossy else largest <= LOSSLESS_MAX
    return right, f"mean {mean:.2f}, largest {largest:.0f}"


def compare_drawn(suite, picture, other):
    """The same of two drawings."""
    apart = pixels.distance_drawn(picture, other, LOSSY_MAX, suite.above)
    if apart is None:
        return False, f"{picture[0]}×{picture[1]}, not {other[0]}×{other[1]}"
    mean, far = apart
    return mean <= DRAWN_MEAN and far <= suite.far, f"mean {mean:.2f}, {far:.2%} far apart"


def main():
    program, work, wanted = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    notes = []
    print("| set | files | " + " | ".join(COLUMNS) + " |")
    print("|---|" + "---:|" * (len(COLUMNS) + 1))
    totals = Counter()
    for suite in SETS:
        if wanted and not any(word.lower() in suite.name.lower() for word in wanted):
            continue
        files = list(suite.files(work / "files"))
        if not files:
            continue
        with ThreadPoolExecutor(2) as threads:
            verdicts = list(
                threads.map(lambda file: judge(program, suite, work / "files", *file), files)
            )
        counts = Counter(column for column, _ in verdicts)
        totals += counts
        cells = " | ".join(str(counts[column] or "") for column in COLUMNS)
        print(f"| {suite.name} | {len(files)} | {cells} |", flush=True)
        for (_, name), (column, why) in zip(files, verdicts):
            if column in ("unlike", "refused though valid", "crashed", "nothing to compare"):
                notes.append((suite.name, column, name, why))
    cells = " | ".join(str(totals[column] or "") for column in COLUMNS)
    print(f"| **all** | {sum(totals.values())} | {cells} |\n")
    for note in notes:
        print("- {}: {}: `{}`: {}".format(*note))
    if pixels.missing():
        print("\nNot installed, so not compared with: " + ", ".join(pixels.missing()))
    sys.exit(1 if totals["crashed"] else 0)


if __name__ == "__main__":
    main()
