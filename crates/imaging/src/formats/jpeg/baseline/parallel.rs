//! One scan, read by several threads.
//!
//! Where a block begins is known only when all before it is read. But Huffman codes find back to
//! their own: who begins to read anywhere soon reads what those read who came from the start, and
//! has only missed what the DC is counted from (Klein and Wiseman, "Parallel Huffman Decoding with
//! Applications to JPEG Files", The Computer Journal 46, 2003). So each thread begins with its own
//! part of the data, the one before it reads on until both stand before the same unit, and when all
//! coefficients are there the blocks are drawn.
//!
//! It goes in rounds, whose coefficients fit in [`BYTES_MAX`].

use rayon::prelude::*;

use super::line::lines;
use super::markers::Scan;
use super::part::{Part, UNITS_TO_MEET};
use super::reader::Reader;
use crate::image::Plane;

/// Parts that each thread has to read, so that no thread waits long for the other.
const PARTS: usize = 4;
/// As many coefficients as a round should have.
const BYTES: usize = 4 << 20;
/// As many as it may have: where there is little to see, a byte gives more of them than elsewhere.
const BYTES_MAX: usize = 32 << 20;
/// As many units as a row of the widest image has.
const UNITS_IN_A_ROW_MAX: usize = 65_535 / 8 + 1;
/// So often may parts not meet before one thread reads alone.
const MISSES_MAX: usize = 2;

/// Fills the planes; nothing where the scan is damaged.
pub(super) fn decode<const N: usize>(
    scan: &Scan<'_>,
    planes: &mut [Plane; 3],
    threads: usize,
) -> Option<()> {
    let (across, down) = scan.units();
    let (total, end) = (across * down, end_of_data(scan.data));
    let (mut done, mut misses) = (0, 0);
    // They keep their memory from round to round.
    let mut parts: Vec<Part<'_, N>> = (0..PARTS * threads).map(|_| Part::new(scan)).collect();
    while done < total {
        if !read(scan, &mut parts, (total - done, end)) {
            return None;
        }
        let joined = join(scan, &mut parts, total - done)?;
        draw(scan, planes, &parts[..joined], done);
        done += parts[..joined].iter().map(Part::used).sum::<usize>();
        let behind = parts[joined - 1].true_reader();
        misses += usize::from(joined < parts.len());
        parts.truncate(if misses > MISSES_MAX { 1 } else { parts.len() });
        parts[0].clear();
        parts[0].reader = behind;
    }
    parts[0].reader.bits.ends_with_the_image().then_some(())
}

/// Bytes that one thread looks through for a marker.
const LOOKED_AT: usize = 1 << 18;

/// Where the marker stands that ends the data.
fn end_of_data(data: &[u8]) -> usize {
    let is_end = |at: &usize| !matches!(data.get(at + 1), Some(0x00 | 0xD0..=0xD7 | 0xFF));
    let end = data.par_chunks(LOOKED_AT).enumerate().find_map_first(|(number, some)| {
        memchr::memchr_iter(0xFF, some).map(|at| number * LOOKED_AT + at).find(is_end)
    });
    end.unwrap_or(data.len())
}

/// Reads the next of so many units that are left, in data that ends there: the first part where its
/// reader stands, the others where it is their turn. Whether the first went well.
fn read<'a, const N: usize>(
    scan: &Scan<'a>,
    parts: &mut [Part<'a, N>],
    (left, end): (usize, usize),
) -> bool {
    let blocks: usize = scan.components.iter().map(|found| found.across * found.down).sum();
    let unit_bytes = blocks * N * N * size_of::<i16>();
    let units = left.min(BYTES / unit_bytes).div_ceil(parts.len());
    let units_max = left.min(BYTES_MAX / unit_bytes / parts.len());
    let start = parts[0].reader.bits.at();
    // So much data has a unit on average.
    let bytes = end.saturating_sub(start) as f64 / left as f64;
    let start_of = |part: usize| start + ((part * units) as f64 * bytes).ceil() as usize;
    let read = |(number, part): (usize, &mut Part<'a, N>)| {
        let is_known = number == 0;
        if !is_known {
            part.clear();
            match Reader::inside(scan, start_of(number)) {
                Some(reader) => part.reader = reader,
                None => return true,
            }
        }
        // At least one unit, or it would not go on.
        let end = start_of(number + 1).max(start + 1);
        part.read(scan, end, units_max.max(1), is_known)
    };
    parts.par_iter_mut().enumerate().map(read).all(|is_well| is_well)
}

/// How many parts, from the first on, follow each other and have no more than the units that are
/// left. Nothing where the data is damaged.
fn join<'a, const N: usize>(
    scan: &Scan<'a>,
    parts: &mut [Part<'a, N>],
    mut left: usize,
) -> Option<usize> {
    for next in 1..=parts.len() {
        // Behind the last unit there may be more that looks like one.
        let Some(more) = left.checked_sub(parts[next - 1].used()) else {
            return Some(next - 1).filter(|joined| *joined > 0);
        };
        let Some([before, part]) = parts.get_mut(next - 1..=next) else { break };
        if more == 0 || !before.read_up_to(scan, part, more.min(units_to_meet(scan)))? {
            return Some(next);
        }
        left = left.checked_sub(before.used())?;
    }
    Some(parts.len())
}

/// Behind a restart readers meet at once, but it may be as far away as there are units in between.
fn units_to_meet(scan: &Scan<'_>) -> usize {
    UNITS_TO_MEET.max(scan.restart_interval as usize).min(UNITS_IN_A_ROW_MAX)
}

/// Draws what was read, of which the first unit has this number.
fn draw<const N: usize>(
    scan: &Scan<'_>,
    planes: &mut [Plane; 3],
    parts: &[Part<'_, N>],
    first: usize,
) {
    let (across, _) = scan.units();
    let end = first + parts.iter().map(Part::used).sum::<usize>();
    let rows = first / across..end.div_ceil(across);
    let widths = planes.each_ref().map(|plane| plane.size.width as usize);
    let [luma, blue, red] = planes;
    let lens: [_; 3] = std::array::from_fn(|i| widths[i] * N * scan.components[i].down);
    (luma.samples.par_chunks_mut(lens[0]))
        .zip(blue.samples.par_chunks_mut(lens[1]))
        .zip(red.samples.par_chunks_mut(lens[2]))
        .enumerate()
        .skip(rows.start)
        .take(rows.len())
        .with_min_len(ROWS_MIN)
        .for_each_init(
            || lines::<N>(scan, across),
            |lines, (row, ((luma, blue), red))| {
                let units = (row * across).max(first)..((row + 1) * across).min(end);
                let mut start = first;
                for part in parts {
                    let end = start + part.used();
                    let of_part = |unit: usize| unit.clamp(start, end) - start;
                    part.draw(scan, of_part(units.start)..of_part(units.end), lines);
                    start = end;
                }
                let left = units.start % across;
                let planes = [luma, blue, red];
                for line in lines {
                    let (width, x) =
                        (widths[line.component], left * scan.components[line.component].across * N);
                    let top = line.y * N * width;
                    let rows = planes[line.component].get_mut(top..).unwrap_or_default();
                    line.end(rows, width, x);
                }
            },
        );
}

/// Rows that one thread draws at a time: with lines of its own, which take some time to make.
const ROWS_MIN: usize = 8;

#[cfg(test)]
mod tests;
