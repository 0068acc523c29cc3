//! From marker to marker through a JPEG (ITU-T T.81, annex B).

use std::ops::Range;

/// A marker with the segment behind it.
pub(super) struct Segment<'a> {
    /// The byte after 0xFF.
    pub(super) code: u8,
    /// What stands behind the length. Empty at the end of the image, which has neither.
    pub(super) payload: &'a [u8],
    /// Where marker, length and payload lie in the file.
    pub(super) place: Range<usize>,
}

/// The segment whose marker is the next thing at this place, as it has to be up to the data of the
/// first scan. Any number of bytes of ones may stand before a marker.
pub(super) fn segment_at(jpeg: &[u8], mut at: usize) -> Option<Segment<'_>> {
    while jpeg.get(at..)?.starts_with(&[0xFF, 0xFF]) {
        at += 1;
    }
    let &[0xFF, code, high, low] = jpeg.get(at..at + 4)? else { return None };
    let place = at..at + 2 + usize::from(u16::from_be_bytes([high, low]));
    Some(Segment { code, payload: jpeg.get(at + 4..place.end)?, place })
}

/// All segments of a file that may be damaged between them, data of scans passed over, as far as
/// they are there.
pub(super) fn segments(jpeg: &[u8]) -> SegmentWalk<'_> {
    SegmentWalk { jpeg, at: 2 }
}

/// A walk over the segments.
pub(super) struct SegmentWalk<'a> {
    jpeg: &'a [u8],
    at: usize,
}

impl<'a> SegmentWalk<'a> {
    /// What lies behind the last segment, or behind the last marker within data: at the end of the
    /// walk data alone, the start of a marker, or a segment that is cut.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.jpeg.get(self.at..).unwrap_or_default()
    }
}

impl<'a> Iterator for SegmentWalk<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        loop {
            self.at += memchr::memchr(0xFF, self.jpeg.get(self.at..)?)?;
            match self.jpeg.get(self.at + 1)? {
                // Stuffing, restarts and starts have no length.
                0x00 | 0x01 | 0xD0..=0xD8 => self.at += 2,
                0xD9 => {
                    let place = self.at..self.at + 2;
                    self.at = place.end;
                    return Some(Segment { code: 0xD9, payload: &[], place });
                }
                // The marker itself comes behind it.
                0xFF => self.at += 1,
                _ => {
                    let segment = segment_at(self.jpeg, self.at)?;
                    self.at = segment.place.end;
                    return Some(segment);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(jpeg: &[u8]) -> Vec<(u8, usize)> {
        segments(jpeg).map(|segment| (segment.code, segment.payload.len())).collect()
    }

    #[test]
    fn damage_between_segments_is_passed_over_only_where_it_may_be() {
        let jpeg =
            b"\xFF\xD8junk\xFF\xFF\xE1\x00\x04ab\xFF\xDA\x00\x02data\xFF\x00\xFF\xD0\xFF\xD9";
        assert_eq!(codes(jpeg), [(0xE1, 2), (0xDA, 0), (0xD9, 0)]);
        assert!(segment_at(jpeg, 2).is_none());
        assert_eq!(segment_at(jpeg, 6).map(|segment| segment.place), Some(7..13));
    }

    #[test]
    fn no_segment_is_shorter_than_its_length_or_longer_than_the_file() {
        assert_eq!(codes(b"\xFF\xD8\xFF\xE1\x00\x01ab"), []);
        assert_eq!(codes(b"\xFF\xD8\xFF\xE1\x00\x05ab"), []);
        assert_eq!(codes(b"\xFF\xD8\xFF"), []);
        assert_eq!(codes(b"\xFF"), []);
    }

    #[test]
    fn fill_bytes_may_stand_before_a_marker_without_a_length() {
        assert_eq!(codes(b"\xFF\xD8data\xFF\xFF\xD0data\xFF\xFF\xFF\xD9"), [(0xD9, 0)]);
    }

    #[test]
    fn what_the_walk_ends_at_is_left() {
        let ends: [(&[u8], &[u8]); 5] = [
            (b"data", b"data"),
            (b"data\xFF\x00data", b"data"),
            (b"data\xFF\xFF", b"\xFF"),
            (b"data\xFF\xFE\x00\x05hi", b"\xFF\xFE\x00\x05hi"),
            (b"\xFF\xFE\x00\x04hi", b""),
        ];
        for (end, rest) in ends {
            let jpeg = [&b"\xFF\xD8\xFF\xDA\x00\x02"[..], end].concat();
            let mut walk = segments(&jpeg);
            walk.by_ref().for_each(drop);
            assert_eq!(walk.rest(), rest);
        }
    }
}
