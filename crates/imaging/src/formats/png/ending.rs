//! A PNG whose end mark alone is missing: a broken upload may leave one, and viewers show it whole.

use std::io::{self, Read};

use flate2::read::ZlibDecoder;

use super::SIGNATURE;
use super::chunks::named_chunks;
use crate::Size;

/// The end mark: a chunk without data, and its checksum (W3C PNG, third edition, 11.2.4).
pub(super) const END: &[u8] = b"\0\0\0\0IEND\xAE\x42\x60\x82";

/// So much of it says what it is.
const NAMED_LEN: usize = 8;

/// Where the end mark should be, if a part of it or all is missing and all chunks before are whole.
/// Of animations whole frames may be missing too, unless the mark has begun.
pub(super) fn cut_at(png: &[u8]) -> Option<usize> {
    if png.ends_with(END) {
        return None;
    }
    let mut at = SIGNATURE.len();
    let (mut has_data, mut is_animation) = (false, false);
    for chunk in named_chunks(png) {
        if chunk.name == b"IEND" {
            return None;
        }
        is_animation |= chunk.name == b"acTL";
        has_data |= chunk.name == b"IDAT";
        at = chunk.place().end;
    }
    let rest = png.get(at..)?;
    let has_begun = rest.len() >= NAMED_LEN;
    let is_cut = has_data && END.starts_with(rest) && (has_begun || !is_animation);
    is_cut.then_some(at)
}

/// Whether the compressed samples are there to the checksum at their end. The decoder asks for no
/// more than the last pixel, and what follows may lie in a chunk that is missing.
pub(super) fn has_all_data(png: &[u8], size: Size) -> bool {
    let chunks = named_chunks(png).filter(|chunk| chunk.name == b"IDAT");
    let data = chunks.map(|chunk| chunk.data).collect::<Vec<_>>().concat();
    // More than the samples can be, with what stands before each row of each pass.
    let len_max = 16 * size.area() + 64;
    let mut samples = ZlibDecoder::new(&data[..]).take(len_max);
    io::copy(&mut samples, &mut io::sink()).is_ok_and(|len| len < len_max)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chunk with any checksum.
    fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
        [&(data.len() as u32).to_be_bytes()[..], name, data, b"sum!"].concat()
    }

    fn png(chunks: &[Vec<u8>], end: &[u8]) -> Vec<u8> {
        [SIGNATURE, &chunks.concat(), end].concat()
    }

    #[test]
    fn the_end_mark_is_cut_where_all_before_is_whole() {
        let chunks = [chunk(b"IHDR", b"13 bytes"), chunk(b"IDAT", b"data"), chunk(b"tEXt", b"hi")];
        let whole = png(&chunks, END);
        assert_eq!(cut_at(&whole), None);
        assert_eq!(cut_at(&[&whole[..], b"behind"].concat()), None);
        let at = whole.len() - END.len();
        for len in at..whole.len() {
            assert_eq!(cut_at(&whole[..len]), Some(at), "{len}");
        }
        // Behind the pixels; the next chunk begins with as many zeros.
        let behind = at - chunks[2].len();
        for len in 0..at {
            let expected = (behind..behind + 4).contains(&len).then_some(behind);
            assert_eq!(cut_at(&whole[..len]), expected, "{len}");
        }
    }

    #[test]
    fn what_is_no_start_of_the_end_mark_is_not_completed() {
        let data = [chunk(b"IHDR", b"13 bytes"), chunk(b"IDAT", b"data")];
        for end in [&b"\0\0\0\x01"[..], b"\0\0\0\0IDAT", b"IEND", &[0; 12], b"\n"] {
            assert_eq!(cut_at(&png(&data, end)), None, "{end:?}");
        }
        let animated = [chunk(b"IHDR", b"13 bytes"), chunk(b"acTL", b"8 bytes"), data[1].clone()];
        for len in 0..END.len() {
            assert_eq!(cut_at(&png(&animated, &END[..len])).is_some(), len >= NAMED_LEN, "{len}");
        }
        assert_eq!(cut_at(&png(&data[..1], b"")), None, "no pixels");
    }

    #[test]
    fn all_data_are_there_to_their_checksum() {
        let data = miniz_oxide::deflate::compress_to_vec_zlib(&[7; 12], 6);
        let size = Size::new(1, 4);
        for cut in 0..data.len() {
            let (first, second) = data.split_at(cut);
            let both = [chunk(b"IDAT", first), chunk(b"IDAT", second)];
            assert!(has_all_data(&png(&both, b""), size));
            assert!(!has_all_data(&png(&both[..1], b""), size), "{cut}");
        }
        let larger = miniz_oxide::deflate::compress_to_vec_zlib(&[7; 1000], 6);
        assert!(!has_all_data(&png(&[chunk(b"IDAT", &larger)], b""), size));
    }
}
