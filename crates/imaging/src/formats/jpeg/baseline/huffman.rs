//! Huffman codes, looked up together with the bits behind them.

use super::bits::Bits;

/// The most bits of a code.
const CODE_BITS_MAX: u32 = 16;

/// So far does the end of a block advance: further than two runs of zeros from anywhere in it.
pub(super) const END: u8 = 96;

/// What the first bits of some code and of what follows it mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    /// The number that the bits behind the code mean.
    value: i16,
    /// How many coefficients on it is; the end of a block is past its last.
    advance: u8,
    /// How many bits that takes; 0 where the bits do not suffice.
    bits: u8,
}

const UNKNOWN: Entry = Entry { value: 0, advance: 0, bits: 0 };

/// A table whose entries are found by as many bits as number `SIZE` of them.
#[derive(Debug)]
pub(super) struct Table<const SIZE: usize> {
    entries: Box<[Entry; SIZE]>,
    /// The symbols in the order of their codes.
    symbols: Vec<u8>,
    /// Past the last code of each length, moved up to the highest of 16 bits.
    ends: [u32; CODE_BITS_MAX as usize + 1],
    /// What is to be added to a code of each length for its place among the symbols.
    places: [i32; CODE_BITS_MAX as usize + 1],
    is_dc: bool,
}

impl<const SIZE: usize> Table<SIZE> {
    const BITS: u32 = SIZE.ilog2();

    /// From how many codes there are of each length, and what they stand for (C.2). Nothing where
    /// there are more codes than a length has room for, with that of ones alone, which must not be,
    /// or where a symbol of DC has no meaning.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8], is_dc: bool) -> Option<Self> {
        if is_dc && symbols.iter().any(|symbol| *symbol > 15) {
            return None;
        }
        let mut table = Self {
            entries: vec![UNKNOWN; SIZE].into_boxed_slice().try_into().ok()?,
            symbols: symbols.to_vec(),
            ends: [0; CODE_BITS_MAX as usize + 1],
            places: [0; CODE_BITS_MAX as usize + 1],
            is_dc,
        };
        let (mut code, mut place) = (0_u32, 0);
        for (length, count) in (1..=CODE_BITS_MAX).zip(counts) {
            table.places[length as usize] = place - code as i32;
            for _ in 0..*count {
                table.enter(length, code, *symbols.get(place as usize)?);
                (code, place) = (code + 1, place + 1);
            }
            if *count > 0 && code >= 1 << length {
                return None;
            }
            table.ends[length as usize] = code << (CODE_BITS_MAX - length);
            code <<= 1;
        }
        Some(table)
    }

    /// Fills the entries that begin with a code.
    fn enter(&mut self, length: u32, code: u32, symbol: u8) {
        let (size, advance) = self.meaning(symbol);
        let bits = length + size;
        if bits > Self::BITS {
            return;
        }
        for behind in 0..1_u32 << size {
            let entry = Entry { value: extended(behind, size), advance, bits: bits as u8 };
            let start = (code << size | behind) as usize;
            let rest = Self::BITS - bits;
            // Too long a code of a damaged table may lie outside.
            if let Some(entries) = self.entries.get_mut(start << rest..(start + 1) << rest) {
                entries.fill(entry);
            }
        }
    }

    /// How many bits follow a symbol, and how far its coefficient is (F.1.2).
    fn meaning(&self, symbol: u8) -> (u32, u8) {
        let (run, size) = (symbol >> 4, symbol & 15);
        match (self.is_dc, run, size) {
            (true, ..) => (u32::from(size), 0),
            (false, 15, 0) => (0, 16),
            (false, _, 0) => (0, END),
            (false, ..) => (u32::from(size), run + 1),
        }
    }

    /// Reads a code and the number behind it. Nothing where there is no such code.
    #[inline(always)]
    pub(super) fn read(&self, bits: &mut Bits<'_>) -> Option<i16> {
        let next = bits.next();
        let mut entry = self.entries[first(next, Self::BITS) as usize];
        if entry.bits == 0 {
            entry = self.long(next);
            if entry.bits == 0 {
                return None;
            }
        }
        bits.skip(u32::from(entry.bits));
        Some(entry.value)
    }

    /// What a code means that is too long for the entries, by itself or with the bits behind it.
    #[cold]
    #[inline(never)]
    fn long(&self, next: u64) -> Entry {
        let code = first(next, CODE_BITS_MAX);
        let lengths = 1..=CODE_BITS_MAX;
        let Some(length) = lengths.into_iter().find(|length| code < self.ends[*length as usize])
        else {
            return UNKNOWN;
        };
        let place = (code >> (CODE_BITS_MAX - length)) as i32 + self.places[length as usize];
        let symbol = usize::try_from(place).ok().and_then(|place| self.symbols.get(place));
        let Some(symbol) = symbol else { return UNKNOWN };
        let (size, advance) = self.meaning(*symbol);
        let value = if size == 0 { 0 } else { extended(first(next << length, size), size) };
        Entry { value, advance, bits: (length + size) as u8 }
    }
}

/// What two codes mean that follow each other, in one look: most are short. Of eight bytes, so that
/// the tables stay in the fastest cache.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    /// The number that the bits behind each code mean.
    pub(super) values: [i16; 2],
    /// How many coefficients on they are. After an end, and where the bits do not suffice for two,
    /// the second is the first once more, without an advance.
    pub(super) advances: [u8; 2],
    /// How many bits the first takes, or 0 where the bits do not suffice for it.
    pub(super) first_bits: u8,
    /// How many both take.
    pub(super) bits: u8,
}

/// A table of pairs, for the coefficients that follow the first.
#[derive(Debug)]
pub(super) struct Pairs<const SIZE: usize> {
    pairs: Box<[Pair; SIZE]>,
    singles: Table<SIZE>,
}

impl<const SIZE: usize> Pairs<SIZE> {
    /// See [`Table::new`].
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let singles = Table::<SIZE>::new(counts, symbols, false)?;
        let pair = |(index, entry): (usize, &Entry)| {
            let behind = singles.entries[(index << entry.bits) % SIZE];
            let bits = entry.bits + behind.bits;
            let fits = behind.bits > 0 && u32::from(bits) <= Table::<SIZE>::BITS;
            let pair = Pair::of(*entry);
            if entry.bits == 0 || entry.advance == END || !fits {
                return pair;
            }
            let (values, advances) = ([entry.value, behind.value], [entry.advance, behind.advance]);
            Pair { values, advances, bits, ..pair }
        };
        let pairs: Vec<_> = singles.entries.iter().enumerate().map(pair).collect();
        Some(Self { pairs: pairs.into_boxed_slice().try_into().ok()?, singles })
    }

    /// The next two codes and the bits behind them, as far as they are short.
    #[inline(always)]
    pub(super) fn look(&self, next: u64) -> Pair {
        self.pairs[first(next, Table::<SIZE>::BITS) as usize]
    }

    /// The next code, whatever its length.
    #[cold]
    #[inline(never)]
    pub(super) fn look_long(&self, next: u64) -> Pair {
        Pair::of(self.singles.long(next))
    }
}

impl Pair {
    fn of(Entry { value, advance, bits }: Entry) -> Self {
        Self { values: [value; 2], advances: [advance, 0], first_bits: bits, bits }
    }
}

/// The first so many bits, at least one.
#[inline(always)]
fn first(next: u64, bits: u32) -> u32 {
    (next >> (64 - bits)) as u32
}

/// The number that so many bits mean: those that begin with 0 are negative (F.2.2.1).
fn extended(bits: u32, size: u32) -> i16 {
    let is_negative = size > 0 && bits >> (size - 1) == 0;
    let value = bits as i32 - if is_negative { (1 << size) - 1 } else { 0 };
    value as i16
}
