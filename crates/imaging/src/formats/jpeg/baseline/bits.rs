//! The bits of a scan.

/// How many bits are there after filling up.
pub(super) const FILLED: u32 = 56;

/// Reads bits from data in which a zero follows each byte of ones, and which a marker ends
/// (B.1.1.5).
///
/// It lives in registers: what is called rarely takes and gives it by value, as nothing that has an
/// address can stay there.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    /// The next bits, from the highest down.
    next: u64,
    /// How many of them are there. What lies below is either zero or the data that follows.
    count: u32,
    /// Bytes that were made up where the data had ended.
    made_up: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0, next: 0, count: 0, made_up: 0 }
    }

    /// From this byte on, or from the next if it belongs to the one before.
    pub(super) fn inside(data: &'a [u8], at: usize) -> Self {
        let is_stuffed = at > 0 && data.get(at - 1) == Some(&0xFF);
        Self { at: at + usize::from(is_stuffed), ..Self::new(data) }
    }

    /// The byte that would be read next.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Where the next bit is, however many are there: the byte behind its own, and how many bits of
    /// that are left. Only where [no bit was made up](Self::is_true).
    pub(super) fn place(&self) -> (usize, u32) {
        let mut at = self.at;
        for _ in 0..(self.count / 8).saturating_sub(self.made_up) {
            let is_stuffed = self.data.get(..at).is_some_and(|before| before.ends_with(b"\xFF\0"));
            at = at.saturating_sub(if is_stuffed { 2 } else { 1 });
        }
        (at, self.count % 8)
    }

    /// Whether the end of the data, or a marker, was met.
    pub(super) fn has_ended(&self) -> bool {
        self.made_up > 0
    }

    /// Sees to it that [`FILLED`] bits are there.
    #[inline(always)]
    pub(super) fn fill(&mut self) {
        if let Some(word) = self.data.get(self.at..).and_then(|rest| rest.first_chunk()) {
            let word = u64::from_be_bytes(*word);
            if !has_byte_of_ones(word) {
                self.next |= word >> self.count;
                let bytes = (63 - self.count) / 8;
                self.at += bytes as usize;
                self.count += 8 * bytes;
                return;
            }
        }
        *self = self.filled_with_care();
    }

    #[cold]
    #[inline(never)]
    fn filled_with_care(mut self) -> Self {
        while self.count < FILLED {
            let byte = match self.data.get(self.at..) {
                Some([0xFF, 0x00, ..]) => {
                    self.at += 2;
                    0xFF
                }
                Some([0xFF, ..] | []) | None => {
                    self.made_up += 1;
                    0
                }
                Some([byte, ..]) => {
                    self.at += 1;
                    *byte
                }
            };
            self.next |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
        self
    }

    /// The next bits, from the highest down.
    #[inline(always)]
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.next <<= count;
        // More than there are would have been filled up.
        self.count = self.count.wrapping_sub(count);
    }

    /// Whether no bit was read that is not in the data.
    pub(super) fn is_true(&self) -> bool {
        self.count >= 8 * self.made_up
    }

    /// Goes past the marker that stands between two intervals (B.2.1); they are counted up to 8.
    #[cold]
    #[inline(never)]
    pub(super) fn restarted(mut self, number: u8) -> Option<Self> {
        let is_true = self.is_true() && self.data.get(self.at) == Some(&0xFF);
        while self.data.get(self.at) == Some(&0xFF) {
            self.at += 1;
        }
        let is_marker = self.data.get(self.at) == Some(&(0xD0 + number % 8));
        let behind = Self { at: self.at + 1, ..Self::new(self.data) };
        (is_true && is_marker).then_some(behind)
    }

    /// Whether the data is used up and nothing follows but the end of the image.
    pub(super) fn ends_with_the_image(self) -> bool {
        // A byte may be left that was not needed any more; the end of a file is none.
        let last = self.filled_with_care();
        let rest = &last.data[last.at.min(last.data.len())..];
        last.is_true() && last.made_up > 0 && rest.starts_with(b"\xFF\xD9")
    }
}

/// From "Bit Twiddling Hacks" (S. Anderson): a byte of zeros in the inverse.
#[inline(always)]
fn has_byte_of_ones(word: u64) -> bool {
    const LOW: u64 = 0x0101_0101_0101_0101;
    (!word).wrapping_sub(LOW) & word & (LOW << 7) != 0
}
