//! Looks for the size and number of pages while a PDF goes by. What it finds is provisional: both
//! may be compressed, or said again later. Whoever draws the pages asks for the truth.

use memchr::memmem;

use super::{header, own_size};
use crate::format::{Header, Inspect};
use crate::{Limits, Result};

/// How much of what has gone by is kept, before and after the name of an entry.
const WINDOW: usize = 256;
/// How far away other entries of the same dictionary are looked for.
const NEIGHBORS: usize = 200;
const PAGE: &[u8] = b"/MediaBox";
const COUNT: &[u8] = b"/Count";
/// A4, in points.
const A4: (f32, f32) = (595.0, 842.0);

/// What has been seen so far.
pub(super) struct Scan {
    limits: Limits,
    /// The end of what has gone by. Invariant: at most two windows between pushes.
    held: Vec<u8>,
    /// Where in `held` entries have not been looked for yet.
    next: usize,
    page: Option<(f32, f32)>,
    count: u32,
}

/// As many bytes are looked at at once.
const PIECE: usize = 64 * 1024 - 4 * WINDOW;

impl Scan {
    /// Nothing yet.
    pub(super) fn new(limits: &Limits) -> Self {
        Self { limits: limits.clone(), held: Vec::new(), next: 0, page: None, count: 0 }
    }

    /// Looks for entries that begin before this place.
    fn look(&mut self, end: usize) {
        // Names that begin before the end, and no others.
        let up_to_end =
            |name: &[u8]| &self.held[self.next..(end + name.len() - 1).min(self.held.len())];
        let (mut page, mut count) = (self.page, self.count);
        for at in memmem::find_iter(up_to_end(PAGE), PAGE).map(|at| at + self.next) {
            page = page.or_else(|| media_box(&self.held[at + PAGE.len()..]));
        }
        for at in memmem::find_iter(up_to_end(COUNT), COUNT).map(|at| at + self.next) {
            let around = at.saturating_sub(NEIGHBORS)..(at + NEIGHBORS).min(self.held.len());
            // Outlines have a count too.
            if memmem::find(&self.held[around], b"/Kids").is_some() {
                count = count.max(number(&self.held[at + COUNT.len()..]));
            }
        }
        (self.page, self.count) = (page, count);
        self.next = end;
    }
}

impl Inspect for Scan {
    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        for piece in bytes.chunks(PIECE) {
            self.held.extend_from_slice(piece);
            // An entry is looked at once what follows it is there.
            self.look(self.held.len().saturating_sub(WINDOW));
            let old = self.next.saturating_sub(WINDOW);
            self.held.drain(..old);
            self.next -= old;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Header> {
        self.look(self.held.len());
        let size = own_size(self.page.unwrap_or(A4));
        self.limits.check_size(size)?;
        let count = self.count.clamp(1, self.limits.frames_max.max(1));
        Ok(Header { is_guess: true, ..header(size, count) })
    }
}

/// The first whole number.
fn number(text: &[u8]) -> u32 {
    let digits = text.trim_ascii_start().iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0_u32, |sum, digit| sum.saturating_mul(10).saturating_add(u32::from(digit - b'0')))
}

/// Width and height of a rectangle that is written as it is, not named.
fn media_box(text: &[u8]) -> Option<(f32, f32)> {
    let text = text.trim_ascii_start().strip_prefix(b"[")?;
    let end = text.iter().take(WINDOW).position(|byte| *byte == b']')?;
    let text = str::from_utf8(&text[..end]).ok()?;
    let corners: Vec<f32> = text.split_ascii_whitespace().filter_map(|n| n.parse().ok()).collect();
    let &[left, bottom, right, top] = &corners[..] else { return None };
    let (width, height) = ((right - left).abs(), (top - bottom).abs());
    let sane = 1.0..=14_400.0;
    (sane.contains(&width) && sane.contains(&height)).then_some((width, height))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;

    #[track_caller]
    fn check(text: &str, width: u32, height: u32, pages: u32) {
        for piece in [1, 7, 300, text.len()] {
            let mut scan = Box::new(Scan::new(&Limits::default()));
            for bytes in text.as_bytes().chunks(piece) {
                scan.push(bytes).expect("bytes");
            }
            let header = scan.finish().expect("a header");
            assert_eq!((header.size, header.frames), (Size::new(width, height), pages), "{piece}");
        }
    }

    #[test]
    fn size_and_number_are_found_in_plain_text() {
        let filler = "x".repeat(1_000);
        let outlines = "<< /Type /Outlines /Count 99 >>";
        let pages = "<</Type/Pages/Kids[3 0 R]/Count 12>>";
        let page = "<</Type/Page/MediaBox [0 0 72 144.0]>>";
        check(&format!("%PDF-1.7\n{filler}{outlines}{filler}{pages}{filler}{page}"), 150, 300, 12);
        check(&format!("%PDF-1.7\n{filler}{page}{filler}{pages}{filler}"), 150, 300, 12);
    }

    #[test]
    fn without_them_it_is_a_page_of_a4() {
        check("%PDF-1.7\n", 1240, 1754, 1);
        check("\n %PDF-1.7\n/MediaBox 7 0 R /Count /Kids", 1240, 1754, 1);
        check("%PDF-1.7\n/MediaBox [0 0 1e9 5]", 1240, 1754, 1);
    }

    #[test]
    fn what_is_held_is_bounded() {
        let mut scan = Scan::new(&Limits::default());
        scan.push(b"%PDF-1.4 ").unwrap();
        for _ in 0..100 {
            scan.push(&[b'['; 100_000]).unwrap();
            assert!(scan.held.len() <= 2 * WINDOW, "{}", scan.held.len());
        }
    }
}
