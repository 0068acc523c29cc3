//! A JPEG whose end mark alone is missing (ITU-T T.81, annex B): some cameras and many a broken
//! upload leave one, and viewers show it whole.

use super::walk::{self, Segment};

/// The end of the image.
const END: &[u8] = &[0xFF, 0xD9];
/// All coefficients of a block, a bit each.
const ALL: u64 = u64::MAX;

/// What is missing of the end mark, where that may be all that is missing: no segment is cut, and a
/// scan was begun for all bits of all coefficients. Whether the last one has its data is for the
/// decoder to say, who then must have nothing to complain of.
pub(super) fn missing(jpeg: &[u8]) -> Option<&'static [u8]> {
    // Zeros are what disks hold in place of data that never came.
    if jpeg.ends_with(END) || jpeg.ends_with(&[0, 0]) {
        return None;
    }
    let mut walk = walk::segments(jpeg);
    let mut scans = Scans::default();
    for segment in walk.by_ref() {
        scans.take(&segment)?;
    }
    let missing = match walk.rest() {
        [0xFF] => &END[1..],
        rest if rest.contains(&0xFF) => return None,
        _ => END,
    };
    scans.are_all().then_some(missing)
}

/// The scans of a file.
#[derive(Default)]
struct Scans {
    is_progressive: bool,
    /// The name of each component, and which of its coefficients have a scan for their last bit.
    components: Vec<(u8, u64)>,
}

impl Scans {
    /// Nothing where the file has its end, or could not be told from one that is cut.
    fn take(&mut self, segment: &Segment<'_>) -> Option<()> {
        match segment.code {
            0xC0..=0xC2 => {
                self.is_progressive = segment.code == 0xC2;
                self.frame(segment.payload)
            }
            0xDA => self.scan(segment.payload),
            // In arithmetic coding zeros at the end of the data may be left out (D.1.8): no decoder
            // knows whether more is missing. The others are not read at all.
            0xC3 | 0xC5..=0xCF | 0xD9 => None,
            _ => Some(()),
        }
    }

    fn frame(&mut self, payload: &[u8]) -> Option<()> {
        let [_, _, _, _, _, count @ 1..=4, components @ ..] = payload else { return None };
        if !self.components.is_empty() || components.len() != 3 * usize::from(*count) {
            return None;
        }
        let components = components.as_chunks::<3>().0;
        self.components = components.iter().map(|[name, _, _]| (*name, 0)).collect();
        Some(())
    }

    fn scan(&mut self, payload: &[u8]) -> Option<()> {
        let (head, &[first, last, approximation]) = payload.split_last_chunk::<3>()?;
        let (count, components) = head.split_first()?;
        if components.len() != 2 * usize::from(*count) {
            return None;
        }
        let whole = match (self.is_progressive, approximation & 15) {
            (false, _) => ALL,
            (true, 0) => (first..=last.min(63)).fold(0_u64, |bits, at| bits | 1_u64 << at),
            (true, _) => 0,
        };
        for [name, _] in components.as_chunks::<2>().0 {
            let (_, seen) = self.components.iter_mut().find(|(component, _)| component == name)?;
            *seen |= whole;
        }
        Some(())
    }

    fn are_all(&self) -> bool {
        !self.components.is_empty() && self.components.iter().all(|(_, seen)| *seen == ALL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of three components with such a frame and these scans, which has no end mark.
    fn jpeg(frame: u8, scans: &[&[u8]]) -> Vec<u8> {
        let head = [0xFF, 0xD8, 0xFF, frame, 0, 17, 8, 0, 9, 0, 9];
        let components = [3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0];
        let mut jpeg = [&head[..], &components].concat();
        for scan in scans {
            jpeg.extend([0xFF, 0xDA, 0, scan.len() as u8 + 2]);
            jpeg.extend_from_slice(scan);
            jpeg.extend(b"data");
        }
        jpeg
    }

    const TOGETHER: &[u8] = &[3, 1, 0, 2, 0, 3, 0, 0, 63, 0];
    const APART: [&[u8]; 3] = [&[1, 1, 0, 0, 63, 0], &[1, 2, 0, 0, 63, 0], &[1, 3, 0, 0, 63, 0]];

    #[test]
    fn every_component_has_a_scan() {
        for frame in [0xC0, 0xC1] {
            assert_eq!(missing(&jpeg(frame, &[TOGETHER])), Some(END));
            assert_eq!(missing(&jpeg(frame, &APART)), Some(END));
            for count in 0..3 {
                assert_eq!(missing(&jpeg(frame, &APART[..count])), None);
            }
        }
        assert_eq!(missing(&jpeg(0xC9, &[TOGETHER])), None, "arithmetic coding");
    }

    #[test]
    fn every_coefficient_has_a_scan_for_its_last_bit() {
        // As libjpeg writes them.
        let scans: [&[u8]; 8] = [
            &[3, 1, 0, 2, 0, 3, 0, 0, 0, 0x01],
            &[1, 1, 0, 1, 5, 0x02],
            &[1, 3, 0, 1, 63, 0x00],
            &[1, 2, 0, 1, 63, 0x00],
            &[1, 1, 0, 6, 63, 0x02],
            &[1, 1, 0, 1, 63, 0x21],
            &[3, 1, 0, 2, 0, 3, 0, 0, 0, 0x10],
            &[1, 1, 0, 1, 63, 0x10],
        ];
        for count in 0..scans.len() {
            assert_eq!(missing(&jpeg(0xC2, &scans[..count])), None, "{count} scans");
        }
        assert_eq!(missing(&jpeg(0xC2, &scans)), Some(END));
    }

    #[test]
    fn nothing_but_the_end_mark_is_missing() {
        let ends: [(&[u8], Option<&[u8]>); 11] = [
            (b"", Some(END)),
            (b"\xFF", Some(&END[1..])),
            (b"\xFF\xFF", Some(&END[1..])),
            (b"\xFF\x00", Some(END)),
            (b"\xFF\xFE\x00\x04hi", Some(END)),
            (b"\xFF\xFE\x00\x04h\xFF", Some(END)),
            (b"\xFF\xFE\x00\x05hi", None),
            (b"\xFF\xFE", None),
            (b"\x00\x00", None),
            (b"\xFF\xD9", None),
            (b"\xFF\xD9behind", None),
        ];
        for (end, expected) in ends {
            let jpeg = [&jpeg(0xC0, &[TOGETHER])[..], end].concat();
            assert_eq!(missing(&jpeg), expected, "{end:x?}");
        }
    }
}
