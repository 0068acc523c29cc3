//! Samples of 16 bits for what holds 8, and the other way round.

/// The nearest sample of 8 bits: `round(v * 255 / 65535)`.
pub fn narrowed(sample: u16) -> u8 {
    // Exact for every value; the test compares all of them.
    ((u32::from(sample) * 255 + 32_895) >> 16) as u8
}

/// The same value on the 16-bit scale.
pub fn widened(sample: u8) -> u16 {
    u16::from(sample) * 257
}

/// All of them narrowed.
pub fn narrow(samples: &[u16]) -> Vec<u8> {
    samples.iter().copied().map(narrowed).collect()
}

/// All of them widened.
pub fn widen(samples: &[u8]) -> Vec<u16> {
    samples.iter().copied().map(widened).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrowing_rounds_to_the_nearest() {
        let all: Vec<u16> = (0..=u16::MAX).collect();
        for (wide, narrow) in all.iter().zip(narrow(&all)) {
            let exact = (f64::from(*wide) * 255.0 / 65_535.0).round();
            assert_eq!(f64::from(narrow), exact, "{wide}");
        }
    }

    #[test]
    fn widening_is_undone_by_narrowing() {
        let all: Vec<u8> = (0..=u8::MAX).collect();
        assert_eq!(narrow(&widen(&all)), all);
    }
}
