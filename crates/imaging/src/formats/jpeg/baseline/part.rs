//! What one of several threads reads.

use std::ops::Range;

use super::line::{Blocks, Line};
use super::markers::Scan;
use super::places;
use super::reader::Reader;

/// So many units may pass until two readers meet; most do within ten.
pub(super) const UNITS_TO_MEET: usize = 512;

/// So often may no unit begin where one is guessed. More is no picture.
const GUESSES_MAX: u32 = 1024;

/// Units that follow each other.
pub(super) struct Part<'a, const N: usize> {
    /// Their blocks, by line.
    blocks: Vec<Blocks<N>>,
    units: usize,
    /// How many of them the thread before has read, and better.
    skipped: usize,
    /// What the DC of each component lacks.
    missing: [i32; 3],
    /// Before each of the first units.
    starts: Vec<Reader<'a>>,
    /// Behind the last.
    pub(super) reader: Reader<'a>,
}

impl<'a, const N: usize> Part<'a, N> {
    /// From the start of a scan on, with nothing read yet.
    pub(super) fn new(scan: &Scan<'a>) -> Self {
        let lines: usize = scan.components.iter().map(|found| found.down).sum();
        Self {
            blocks: (0..lines).map(|_| Blocks::default()).collect(),
            units: 0,
            skipped: 0,
            missing: [0; 3],
            starts: Vec::with_capacity(UNITS_TO_MEET),
            reader: Reader::new(scan),
        }
    }

    /// Forgets what was read.
    pub(super) fn clear(&mut self) {
        self.blocks.iter_mut().for_each(Blocks::clear);
        self.starts.clear();
        (self.units, self.skipped, self.missing) = (0, 0, [0; 3]);
    }

    /// Reads up to this byte, or so many units. Whether all went well, where it is known that a
    /// unit began there; where it was a guess, others are made, and in the end nothing is read.
    pub(super) fn read(
        &mut self,
        scan: &Scan<'a>,
        end: usize,
        units_max: usize,
        is_known: bool,
    ) -> bool {
        // One without an address, which can stay in registers.
        let mut reader = self.reader;
        let mut guesses = 0;
        while reader.bits.at() < end && self.units < units_max {
            let before = reader;
            if self.unit(scan, &mut reader).is_some() {
                continue;
            }
            if is_known {
                return false;
            }
            if reader.bits.has_ended() {
                reader = before;
                break;
            }
            reader.bits.fill();
            reader.bits.skip(1);
            self.clear();
            guesses += 1;
            if guesses == GUESSES_MAX {
                break;
            }
        }
        self.reader = reader;
        true
    }

    /// Reads on until the next part's reader stood there, at most so many units: whether it did.
    /// Nothing where the data is damaged.
    pub(super) fn read_up_to(
        &mut self,
        scan: &Scan<'a>,
        next: &mut Self,
        units_max: usize,
    ) -> Option<bool> {
        let mut starts = next.starts.iter().enumerate().peekable();
        for _ in 0..units_max {
            let mut here = self.reader;
            here.start_unit()?;
            while starts.next_if(|(_, start)| start.bits.place() < here.bits.place()).is_some() {}
            let Some((unit, start)) = starts.peek() else { return Some(false) };
            if start.meets(&here) {
                let predictions = self.with_missing(here.predictions);
                next.missing =
                    std::array::from_fn(|i| predictions[i].wrapping_sub(start.predictions[i]));
                next.skipped = *unit;
                // Behind a restart nothing is missing.
                return Some(scan.restart_interval == 0 || next.missing == [0; 3]);
            }
            let mut reader = self.reader;
            self.unit(scan, &mut reader)?;
            self.reader = reader;
        }
        Some(false)
    }

    /// Reads a unit. Nothing where none can begin like this, or the data ends within it.
    #[inline(always)]
    fn unit(&mut self, scan: &Scan<'a>, reader: &mut Reader<'a>) -> Option<()> {
        let places = const { places::<N>() };
        reader.start_unit()?;
        if self.starts.len() < UNITS_TO_MEET {
            self.starts.push(*reader);
        }
        let mut lines = self.blocks.iter_mut();
        for (number, component) in scan.components.iter().enumerate() {
            for blocks in lines.by_ref().take(component.down) {
                blocks.reserve(component.across);
                for _ in 0..component.across {
                    let (block, lane) = blocks.next()?;
                    let put = |place, value| block[usize::from(place)][lane] = value;
                    reader.block(component, number, &places, put)?;
                }
            }
        }
        self.units += usize::from(reader.bits.is_true());
        reader.bits.is_true().then_some(())
    }

    /// How many units it has that the one before has not.
    pub(super) fn used(&self) -> usize {
        self.units - self.skipped
    }

    fn with_missing(&self, predictions: [i32; 3]) -> [i32; 3] {
        std::array::from_fn(|i| predictions[i].wrapping_add(self.missing[i]))
    }

    /// Behind the last unit, with nothing missing.
    pub(super) fn true_reader(&self) -> Reader<'a> {
        let mut reader = self.reader;
        reader.predictions = self.with_missing(reader.predictions);
        reader
    }

    /// Draws some of the units that are used.
    pub(super) fn draw(&self, scan: &Scan<'_>, units: Range<usize>, lines: &mut [Line<N>]) {
        for (line, blocks) in lines.iter_mut().zip(&self.blocks) {
            let across = scan.components[line.component].across;
            let at = |unit: usize| (self.skipped + unit) * across;
            let missing = self.missing[line.component] as i16;
            line.draw_some(blocks, at(units.start)..at(units.end), missing);
        }
    }
}
