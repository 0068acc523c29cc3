//! What a file says beside its pixels, and how the pixels are to be turned.

use serde::{Deserialize, Serialize};

pub(crate) mod exif;

/// What a file says beside its pixels. Orientation is not here: it is applied, never kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    /// Exif as a TIFF stream (without the `Exif\0\0` prefix).
    pub exif: Option<Vec<u8>>,
    /// XMP packet (ISO 16684-1).
    pub xmp: Option<Vec<u8>>,
    /// Pixels an inch, across and down.
    pub dpi: Option<(f64, f64)>,
    /// The file does not say its colors as the pixels have them: inks, Lab and light of high
    /// dynamic range become sRGB as they are read. Told by formats that are written as well.
    pub colors_changed: bool,
}

impl Metadata {
    /// Drops all but artist and copyright (from Exif) and the resolution. Positions, serial
    /// numbers, thumbnails and edit histories go.
    pub fn keep_rights_only(&mut self) {
        self.exif = self.exif.take().and_then(|exif| exif::rights(&exif));
        self.xmp = None;
    }

    /// Drops every picture of the picture: thumbnails, previews, notes of the camera's maker (which
    /// hold previews), pictures in XMP. Where pictures could hide in what is left, all goes but
    /// artist and copyright.
    pub fn drop_previews(&mut self) {
        self.exif = self.exif.take().and_then(exif::without_previews);
        self.xmp = self.xmp.take().and_then(xmp_without_previews);
    }

    /// Says how pixels lie that are passed through as they are.
    #[must_use]
    pub fn oriented(mut self, orientation: Orientation) -> Self {
        if orientation != Orientation::Normal {
            self.exif = Some(exif::oriented(self.exif, orientation as u16));
        }
        self
    }

    /// Keeps all but what is no longer true once the pixels lie upright: the orientation becomes
    /// normal, and embedded thumbnails go, which would show the picture as it was.
    pub fn make_upright(&mut self) {
        if let Some(exif) = &mut self.exif {
            exif::make_upright(exif);
        }
        if let Some(xmp) = &mut self.xmp {
            make_xmp_upright(xmp);
            drop_xmp_thumbnails(xmp);
        }
    }
}

/// Rewrites `tiff:Orientation` in place, as an attribute or an element.
fn make_xmp_upright(xmp: &mut [u8]) {
    for prefix in [&b"tiff:Orientation=\""[..], b"tiff:Orientation='", b"<tiff:Orientation>"] {
        let mut from = 0;
        while let Some(at) = memchr::memmem::find(&xmp[from..], prefix) {
            from += at + prefix.len();
            if let Some(digit @ b'2'..=b'8') = xmp.get_mut(from) {
                *digit = b'1';
            }
        }
    }
}

/// Cuts out thumbnails, and says whether each had an end.
fn drop_xmp_thumbnails(xmp: &mut Vec<u8>) -> bool {
    use memchr::memmem::find;
    let close = b"</xmp:Thumbnails>";
    while let Some(start) = find(xmp, b"<xmp:Thumbnails") {
        let Some(len) = find(&xmp[start..], close) else { return false };
        xmp.drain(start..start + len + close.len());
    }
    true
}

/// The packet without its thumbnails; `None` when pictures could still be in it.
fn xmp_without_previews(mut xmp: Vec<u8>) -> Option<Vec<u8>> {
    if !drop_xmp_thumbnails(&mut xmp) {
        return None;
    }
    // Pictures stand in XMP as base64, which no text looks like: a long run of its letters. Lines
    // of it may be broken.
    const RUN_MAX: usize = 400;
    let mut run = 0;
    let mut line = 0;
    for byte in &xmp {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'=' => line += 1,
            b'\n' | b'\r' if line >= 60 || line == 0 => {
                run += std::mem::take(&mut line);
            }
            // A line break as XML writes it in attributes.
            b'&' | b'#' | b';' => {}
            _ => (run, line) = (0, 0),
        }
        if run + line > RUN_MAX {
            return None;
        }
    }
    Some(xmp)
}

/// The eight ways to lay an image down, with the numbers of Exif 2.32 (tag 0x0112): what must be
/// done to the stored pixels to see them upright.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Orientation {
    /// 1: as stored.
    #[default]
    Normal = 1,
    /// 2: mirrored left to right.
    MirrorX = 2,
    /// 3: half a turn.
    Rotate180 = 3,
    /// 4: mirrored top to bottom.
    MirrorY = 4,
    /// 5: mirrored along the main diagonal.
    Transpose = 5,
    /// 6: a quarter turn clockwise.
    Rotate90 = 6,
    /// 7: mirrored along the other diagonal.
    Transverse = 7,
    /// 8: a quarter turn counter-clockwise.
    Rotate270 = 8,
}

impl Orientation {
    /// From the Exif number; anything else is `Normal`, as viewers do.
    pub fn from_exif(value: u32) -> Self {
        match value {
            2 => Self::MirrorX,
            3 => Self::Rotate180,
            4 => Self::MirrorY,
            5 => Self::Transpose,
            6 => Self::Rotate90,
            7 => Self::Transverse,
            8 => Self::Rotate270,
            _ => Self::Normal,
        }
    }

    /// As (transpose first, then mirror left-right, then mirror top-bottom).
    pub fn parts(self) -> (bool, bool, bool) {
        match self {
            Self::Normal => (false, false, false),
            Self::MirrorX => (false, true, false),
            Self::Rotate180 => (false, true, true),
            Self::MirrorY => (false, false, true),
            Self::Transpose => (true, false, false),
            Self::Rotate90 => (true, true, false),
            Self::Transverse => (true, true, true),
            Self::Rotate270 => (true, false, true),
        }
    }

    /// The inverse of [`parts`](Self::parts).
    pub fn from_parts(transpose: bool, mirror_x: bool, mirror_y: bool) -> Self {
        match (transpose, mirror_x, mirror_y) {
            (false, false, false) => Self::Normal,
            (false, true, false) => Self::MirrorX,
            (false, true, true) => Self::Rotate180,
            (false, false, true) => Self::MirrorY,
            (true, false, false) => Self::Transpose,
            (true, true, false) => Self::Rotate90,
            (true, true, true) => Self::Transverse,
            (true, false, true) => Self::Rotate270,
        }
    }

    /// This orientation, then another.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        let (transpose_1, x_1, y_1) = self.parts();
        let (transpose_2, x_2, y_2) = next.parts();
        // A transpose exchanges the mirrors that were applied before it.
        let (x_1, y_1) = if transpose_2 { (y_1, x_1) } else { (x_1, y_1) };
        Self::from_parts(transpose_1 ^ transpose_2, x_1 ^ x_2, y_1 ^ y_2)
    }

    /// Whether width and height change places.
    pub fn transposes(self) -> bool {
        self.parts().0
    }
}
