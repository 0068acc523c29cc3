//! From chunk to chunk through a PNG (W3C PNG, third edition, 5.3).

use std::ops::Range;

use super::SIGNATURE;

/// A chunk that is whole. Its checksum may be wrong.
pub(super) struct Chunk<'a> {
    /// Where it begins in the file.
    pub(super) at: usize,
    pub(super) name: &'a [u8; 4],
    pub(super) data: &'a [u8],
}

impl Chunk<'_> {
    /// Where length, name, data and checksum lie in the file.
    pub(super) fn place(&self) -> Range<usize> {
        self.at..self.at + self.data.len() + 12
    }
}

/// All chunks up to the first that is not whole, whatever their names are.
pub(super) fn chunks(png: &[u8]) -> Chunks<'_> {
    Chunks { png, at: SIGNATURE.len() }
}

/// All chunks up to the first that is not whole, or whose name is none.
pub(super) fn named_chunks(png: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    chunks(png).take_while(|chunk| chunk.name.iter().all(u8::is_ascii_alphabetic))
}

/// A walk over the chunks.
pub(super) struct Chunks<'a> {
    png: &'a [u8],
    at: usize,
}

impl<'a> Chunks<'a> {
    /// What lies behind the last chunk: at the end of the walk, what is no whole chunk.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.png.get(self.at..).unwrap_or_default()
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        let (len, after) = self.rest().split_first_chunk::<4>()?;
        let (name, after) = after.split_first_chunk::<4>()?;
        let (data, after) = after.split_at_checked(u32::from_be_bytes(*len) as usize)?;
        let _checksum = after.first_chunk::<4>()?;
        let chunk = Chunk { at: self.at, name, data };
        self.at = chunk.place().end;
        Some(chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_ends_at_what_is_no_whole_chunk() {
        let whole = [SIGNATURE, b"\0\0\0\x02abcdhisum!", b"\0\0\0\0ab\0dsum!"].concat();
        for rest in [&b""[..], b"\0\0\0", b"\0\0\0\x01nameasum", b"\xFF\xFF\xFF\xFFnameasum!"] {
            let png = [&whole[..], rest].concat();
            let mut walk = chunks(&png);
            let seen: Vec<_> = walk.by_ref().map(|chunk| (chunk.place(), chunk.data)).collect();
            assert_eq!(seen, [(8..22, &b"hi"[..]), (22..34, &b""[..])]);
            assert_eq!(walk.rest(), rest);
            assert_eq!(named_chunks(&png).count(), 1);
        }
        assert!(chunks(b"short").next().is_none());
    }
}
