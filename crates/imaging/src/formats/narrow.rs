//! Samples of 16 bits for formats that hold 8, and the other way round.

/// The nearest 8-bit samples: `round(v * 255 / 65535)`.
pub(super) fn narrow(samples: &[u16]) -> Vec<u8> {
    // Exact for every value; the test compares all of them.
    samples.iter().map(|sample| ((u32::from(*sample) * 255 + 32_895) >> 16) as u8).collect()
}

/// The same values on the 16-bit scale.
pub(super) fn widen(samples: &[u8]) -> Vec<u16> {
    samples.iter().map(|sample| u16::from(*sample) * 257).collect()
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
