//! What stands before the data of the scan (annex B).

use super::super::walk::{Segment, segment_at};
use super::{Ac, Dc, ZIGZAG};
use crate::Size;

/// Where the markers of a file lead, for files with one scan of three components.
#[derive(Default)]
pub(super) struct File<'a> {
    size: Option<Size>,
    frame: Vec<FrameComponent>,
    quants: [Option<[u16; 64]>; 4],
    dcs: [Option<Dc>; 4],
    acs: [Option<Ac>; 4],
    /// The tables of each component, for DC and AC.
    tables: Vec<(usize, usize)>,
    restart_interval: u32,
    huffman_tables: u32,
    data: &'a [u8],
}

/// More tables than a file needs: each costs some work.
const HUFFMAN_TABLES_MAX: u32 = 32;

struct FrameComponent {
    id: u8,
    across: usize,
    down: usize,
    quant: usize,
}

/// The scan, ready to be read.
pub(super) struct Scan<'t> {
    pub(super) size: Size,
    pub(super) components: [Component<'t>; 3],
    /// Units between two restarts; 0 without any.
    pub(super) restart_interval: u32,
    pub(super) data: &'t [u8],
}

/// A component of the image.
pub(super) struct Component<'t> {
    /// Blocks in a unit, across and down.
    pub(super) across: usize,
    pub(super) down: usize,
    /// Quantizers in natural order.
    pub(super) quant: &'t [u16; 64],
    pub(super) dc: &'t Dc,
    pub(super) ac: &'t Ac,
}

impl<'a> File<'a> {
    /// Reads up to the data of the scan; nothing where something is unusual.
    pub(super) fn read(jpeg: &'a [u8]) -> Option<Self> {
        let mut file = Self::default();
        let mut at = jpeg.starts_with(&[0xFF, 0xD8]).then_some(2)?;
        loop {
            let Segment { code, payload, place } = segment_at(jpeg, at)?;
            at = place.end;
            match code {
                0xC0 | 0xC1 => file.frame(payload)?,
                0xC4 => file.huffman(payload)?,
                0xDB => file.quantizers(payload)?,
                0xDD => file.restart_interval = u16::from_be_bytes(*payload.first_chunk()?).into(),
                0xDA => {
                    file.scan_header(payload)?;
                    file.data = &jpeg[at..];
                    return Some(file);
                }
                // Of applications, and comments.
                0xE0..=0xEF | 0xFE => {}
                _ => return None,
            }
        }
    }

    fn frame(&mut self, segment: &[u8]) -> Option<()> {
        let [8, h1, h0, w1, w0, 3, components @ ..] = segment else { return None };
        if !self.frame.is_empty() || components.len() != 9 {
            return None;
        }
        let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
        let size = Size::new(side(*w1, *w0), side(*h1, *h0));
        self.size = Some(size);
        for [id, sampling, quant] in components.as_chunks().0 {
            let (across, down) = (usize::from(sampling >> 4), usize::from(sampling & 15));
            let is_first = self.frame.is_empty();
            if !(matches!((across, down), (1 | 2 | 4, 1 | 2 | 4)) && is_first)
                && (across, down) != (1, 1)
            {
                return None;
            }
            self.frame.push(FrameComponent { id: *id, across, down, quant: (*quant).into() });
        }
        (size.width > 0 && size.height > 0).then_some(())
    }

    fn huffman(&mut self, mut segment: &[u8]) -> Option<()> {
        while let Some((head, rest)) = segment.split_first() {
            self.huffman_tables += 1;
            if self.huffman_tables > HUFFMAN_TABLES_MAX {
                return None;
            }
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let total = counts.iter().map(|count| usize::from(*count)).sum();
            let (symbols, rest) = rest.split_at_checked(total)?;
            let index = usize::from(head & 15);
            match head >> 4 {
                0 => *self.dcs.get_mut(index)? = Some(Dc::new(counts, symbols, true)?),
                1 => *self.acs.get_mut(index)? = Some(Ac::new(counts, symbols)?),
                _ => return None,
            }
            segment = rest;
        }
        Some(())
    }

    fn quantizers(&mut self, mut segment: &[u8]) -> Option<()> {
        while let Some((head, rest)) = segment.split_first() {
            let bytes = if head >> 4 == 0 { 1 } else { 2 };
            let (values, rest) = rest.split_at_checked(64 * bytes)?;
            let quant = self.quants.get_mut(usize::from(head & 15))?.insert([0; 64]);
            for (value, place) in values.chunks_exact(bytes).zip(ZIGZAG) {
                quant[usize::from(place)] =
                    value.iter().fold(0, |value, byte| value << 8 | u16::from(*byte));
            }
            segment = rest;
        }
        Some(())
    }

    fn scan_header(&mut self, segment: &[u8]) -> Option<()> {
        let [3, a, at, b, bt, c, ct, 0, 63, 0] = segment else { return None };
        if self.frame.iter().map(|component| component.id).ne([*a, *b, *c]) {
            return None;
        }
        let tables = [at, bt, ct].map(|both| (usize::from(both >> 4), usize::from(both & 15)));
        self.tables = tables.to_vec();
        Some(())
    }

    /// The scan, if all that it needs was there.
    pub(super) fn scan(&self) -> Option<Scan<'_>> {
        let components = self.frame.iter().zip(&self.tables).map(|(component, (dc, ac))| {
            Some(Component {
                across: component.across,
                down: component.down,
                quant: self.quants.get(component.quant)?.as_ref()?,
                dc: self.dcs.get(*dc)?.as_ref()?,
                ac: self.acs.get(*ac)?.as_ref()?,
            })
        });
        Some(Scan {
            size: self.size?,
            components: components.collect::<Option<Vec<_>>>()?.try_into().ok()?,
            restart_interval: self.restart_interval,
            data: self.data,
        })
    }
}

impl Scan<'_> {
    /// How many units there are, across and down.
    pub(super) fn units(&self) -> (usize, usize) {
        let [first, ..] = &self.components;
        (
            (self.size.width as usize).div_ceil(8 * first.across),
            (self.size.height as usize).div_ceil(8 * first.down),
        )
    }
}
