"""Pictures of files by independent decoders, and how far two pictures are apart."""

import shutil
import subprocess
import tempfile
from pathlib import Path

# Decoders that write a PNG, by extension, and the Debian package of each.
DECODERS = {
    "webp": (["dwebp", "-quiet", "IN", "-o", "OUT"], "webp"),
    "avif": (["avifdec", "-d", "8", "IN", "OUT"], "libavif-bin"),
    "heic": (["heif-convert", "-q", "100", "IN", "OUT"], "libheif-examples"),
    "jxl": (["djxl", "IN", "OUT", "--bits_per_sample=8"], "libjxl-tools"),
    "qoi": (["ffmpeg", "-loglevel", "error", "-i", "IN", "OUT"], "ffmpeg"),
    "svg": (["rsvg-convert", "IN", "-o", "OUT"], "librsvg2-bin"),
    # Its renderer makes pictures up to a pixel larger: at four times the size that is a quarter.
    "pdf": (["pdftoppm", "-png", "-singlefile", "-r", "288", "IN", "STEM"], "poppler-utils"),
    # The first page of a PDF at the size in which imagehq draws it.
    "page": (
        ["pdftoppm", "-png", "-singlefile", "-cropbox", "-r", "150", "IN", "STEM"], "poppler-utils"
    ),
}
ALIASES = {"heif": "heic", "hif": "heic", "avifs": "avif", "svgz": "svg"}
MAGICK = "/usr/bin/convert" if Path("/usr/bin/convert").exists() else "convert"
IDENTIFY = MAGICK.replace("convert", "identify")


class Unreadable(Exception):
    """The decoder does not read the file."""


class Absent(Unreadable):
    """The decoder is not installed."""


def rgba(path, magick_options=()):
    """Width, height and RGBA bytes of the first picture of a file, by ImageMagick, upright."""
    command = [MAGICK, f"{path}[{largest(path)}]", "-auto-orient", *magick_options, "-colorspace", "sRGB"]
    command += ["-strip", "-alpha", "on", "-type", "TrueColorAlpha", "-depth", "8", "pam:-"]
    return pam(run(command))


def largest(path):
    """Which picture of a file is meant: the largest of an icon, the first of all else."""
    if Path(path).suffix.lower() not in (".ico", ".cur"):
        return 0
    told = run([IDENTIFY, "-format", "%w %h %s\n", str(path)]).decode().split("\n")
    sizes = [tuple(map(int, line.split())) for line in told if line]
    return max(sizes, key=lambda size: (size[0] * size[1], size[2]))[2]


def run(command, seconds=60, given=None):
    """What a command prints, given something to read."""
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=seconds, check=False, input=given
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unreadable(str(error)) from error
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise Unreadable(words[-1] if words else f"{command[0]} failed")
    return done.stdout


def pam(data):
    """Width, height and bytes of a PAM of four channels."""
    header, found, body = data.partition(b"ENDHDR\n")
    fields = dict(line.split(None, 1) for line in header.splitlines() if len(line.split()) == 2)
    if not found or fields.get(b"DEPTH", b"").strip() != b"4":
        raise Unreadable("no picture of four channels")
    width, height = int(fields[b"WIDTH"]), int(fields[b"HEIGHT"])
    return width, height, body[: width * height * 4]


def missing():
    """The Debian packages of the decoders that are not installed."""
    return sorted({package for command, package in DECODERS.values() if not shutil.which(command[0])})


def decoded(path, extension=None):
    """The picture of a file by a decoder that is none of ours."""
    extension = (extension or Path(path).suffix[1:]).lower()
    decoder = DECODERS.get(ALIASES.get(extension, extension))
    if decoder is None:
        return rgba(path)
    command, package = decoder
    if not shutil.which(command[0]):
        raise Absent(f"no {command[0]} (Debian: {package})")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out.png")
        names = {"IN": str(path), "OUT": str(out), "STEM": str(out.with_suffix(""))}
        run([names.get(word, word) for word in command])
        pictures = sorted(Path(folder).iterdir())
        if not pictures:
            raise Unreadable(f"{command[0]} wrote nothing")
        return rgba(pictures[0], ("-scale", "25%") if extension == "pdf" else ())


def by_pillow(path):
    """The first picture of a file by Pillow, upright: a second opinion where it is installed."""
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise Absent("no Pillow (Debian: python3-pil)") from error
    try:
        with Image.open(path) as opened:
            upright = ImageOps.exif_transpose(opened).convert("RGBA")
            return upright.width, upright.height, upright.tobytes()
    except Exception as error:  # It raises whatever its plug-ins raise.
        raise Unreadable(f"Pillow: {error}") from error


def distance(ours, theirs):
    """Mean and largest difference of a sample, of colors times alpha; None where sizes differ."""
    if ours[:2] != theirs[:2] or len(ours[2]) != len(theirs[2]):
        return None
    total, largest = 0, 0
    a, b, step = ours[2], theirs[2], 4096
    for at in range(0, len(a), step):
        left, right = a[at : at + step], b[at : at + step]
        if left == right:
            continue
        for i in range(0, len(left), 4):
            if left[i : i + 4] == right[i : i + 4]:
                continue
            p, q = left[i + 3], right[i + 3]
            parts = [abs(left[i + c] * p - right[i + c] * q) / 255 for c in range(3)]
            parts.append(abs(p - q))
            total += sum(parts)
            largest = max(largest, *parts)
    return total / max(1, len(a)), largest


def distance_drawn(ours, theirs, far, above=None):
    """Mean difference of drawings at a quarter of the size, and the share that is further apart than
    `far`; None where sizes differ. A pixel more or less at the right and below, where the size of a
    drawing was rounded otherwise, counts for nothing, nor do the rows below `above`."""
    if any(abs(ours[side] - theirs[side]) > 1 for side in (0, 1)):
        return None
    width, height = (min(ours[side], theirs[side]) for side in (0, 1))
    pictures = [quarter(picture, width, min(height, above or height)) for picture in (ours, theirs)]
    total, beyond, size = 0, 0, len(pictures[0][2])
    for at in range(0, size, 4):
        parts = [(*picture[:2], picture[2][at : at + 4]) for picture in pictures]
        mean, largest = distance(*parts)
        total += mean
        beyond += largest > far
    return total / max(1, size // 4), beyond / max(1, size // 4)


def quarter(picture, width, height):
    """A picture cut to a size, at a quarter of it."""
    command = [MAGICK, "-size", f"{picture[0]}x{picture[1]}", "-depth", "8", "rgba:-"]
    command += ["-crop", f"{width}x{height}+0+0", "+repage", "-scale", "25%", "-depth", "8"]
    return pam(run([*command, "-type", "TrueColorAlpha", "pam:-"], given=picture[2]))
