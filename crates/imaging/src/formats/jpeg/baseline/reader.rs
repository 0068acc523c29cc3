//! The units of a scan, one after the other (A.2.3, F.2.2).

use super::bits::{self, Bits};
use super::huffman::END;
use super::markers::{Component, Scan};
use super::{AC_BITS, PLACES};

/// So many looks need no filling up in between.
const LOOKS: u32 = bits::FILLED / AC_BITS;

/// Where in a scan the next unit begins, and what is known there.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) bits: Bits<'a>,
    /// The DC of the block before, by component.
    pub(super) predictions: [i32; 3],
    /// Units between two restarts; 0 without any.
    interval: u32,
    until_restart: u32,
    restarts: u8,
}

impl<'a> Reader<'a> {
    /// At the start of a scan.
    pub(super) fn new(scan: &Scan<'a>) -> Self {
        Self {
            bits: Bits::new(scan.data),
            predictions: [0; 3],
            interval: scan.restart_interval,
            until_restart: scan.restart_interval,
            restarts: 0,
        }
    }

    /// Somewhere inside, where a unit may or may not begin; with restarts behind the next of them,
    /// where one does. Nothing where none follows.
    pub(super) fn inside(scan: &Scan<'a>, at: usize) -> Option<Self> {
        let mut reader = Self::new(scan);
        if scan.restart_interval == 0 {
            reader.bits = Bits::inside(scan.data, at);
            return Some(reader);
        }
        let is_restart = |pair: &[u8]| matches!(pair, [0xFF, 0xD0..=0xD7]);
        let marker = at + scan.data.get(at..)?.windows(2).position(is_restart)?;
        reader.bits = Bits::inside(scan.data, marker + 2);
        reader.restarts = (scan.data[marker + 1] - 0xD0).wrapping_add(1);
        Some(reader)
    }

    /// Goes past the marker that may stand before a unit. Nothing where it is missing.
    #[inline(always)]
    pub(super) fn start_unit(&mut self) -> Option<()> {
        if self.interval > 0 {
            if self.until_restart == 0 {
                self.bits = self.bits.restarted(self.restarts)?;
                self.restarts = self.restarts.wrapping_add(1);
                self.predictions = [0; 3];
                self.until_restart = self.interval;
            }
            self.until_restart -= 1;
        }
        Some(())
    }

    /// Whether both stand before the same unit.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.bits.place() == other.bits.place() && self.until_restart == other.until_restart
    }

    /// Reads the next block of a component: `put` gets where in [`PLACES`] each coefficient
    /// belongs, and its value. Nothing where no block can begin like this.
    #[inline(always)]
    pub(super) fn block(
        &mut self,
        component: &Component<'_>,
        number: usize,
        places: &[u8; PLACES],
        mut put: impl FnMut(u8, i16),
    ) -> Option<()> {
        let bits = &mut self.bits;
        let prediction = &mut self.predictions[number];
        bits.fill();
        *prediction = prediction.wrapping_add(i32::from(component.dc.read(bits)?));
        put(0, *prediction as i16);
        // The number of the next coefficient: no sum below is over 255.
        let mut at = 1_u8;
        while at < 64 {
            bits.fill();
            for _ in 0..LOOKS {
                let mut pair = component.ac.look(bits.next());
                let is_long = pair.first_bits == 0;
                if is_long {
                    bits.fill();
                    pair = component.ac.look_long(bits.next());
                    (pair.first_bits > 0).then_some(())?;
                }
                at += pair.advances[0];
                put(places[usize::from(at - 1)], pair.values[0]);
                if at >= 64 || is_long {
                    // What follows belongs to the next block, or is not there yet.
                    bits.skip(u32::from(pair.first_bits));
                    break;
                }
                at += pair.advances[1];
                put(places[usize::from(at - 1)], pair.values[1]);
                bits.skip(u32::from(pair.bits));
                if at >= 64 {
                    break;
                }
            }
        }
        // Full, or at an end: not past the last in between.
        (at == 64 || at > END).then_some(())
    }
}
