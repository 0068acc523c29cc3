//! One byte range of a file (RFC 9110, section 14).

/// Which bytes a `Range` header asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All: there is no header, or one that may be ignored (several ranges, other units).
    Whole,
    /// From the first to behind the last byte.
    Part {
        /// The first byte.
        start: u64,
        /// Behind the last byte.
        end: u64,
    },
    /// None that exist.
    Nothing,
}

/// Reads a `Range` header for a file of this length.
pub(crate) fn wanted(range: &str, length: u64) -> Wanted {
    let spec = range.split_once('=').filter(|(unit, _)| unit.trim().eq_ignore_ascii_case("bytes"));
    let Some((first, last)) = spec.and_then(|(_, spec)| spec.trim().split_once('-')) else {
        return Wanted::Whole;
    };
    let number = |text: &str| match text {
        "" => Some(None),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits.parse::<u64>().ok().map(Some)
        }
        _ => None,
    };
    let (start, end) = match (number(first), number(last)) {
        (Some(Some(first)), Some(None)) => (first, length),
        (Some(Some(first)), Some(Some(last))) if first <= last => {
            (first, length.min(last.saturating_add(1)))
        }
        (Some(None), Some(Some(suffix))) => (length.saturating_sub(suffix), length),
        _ => return Wanted::Whole,
    };
    if start < end { Wanted::Part { start, end } } else { Wanted::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        let part = |start, end| Wanted::Part { start, end };
        for (range, expected) in [
            ("bytes=0-3", part(0, 4)),
            ("bytes=4-", part(4, 10)),
            ("bytes=-3", part(7, 10)),
            ("bytes=-99", part(0, 10)),
            ("bytes=9-99", part(9, 10)),
            (" Bytes = 0-18446744073709551615", part(0, 10)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=3-1", Wanted::Whole),
            ("bytes=0-1,4-5", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("pages=1-2", Wanted::Whole),
            ("", Wanted::Whole),
        ] {
            assert_eq!(wanted(range, 10), expected, "{range}");
        }
        assert_eq!(wanted("bytes=0-", 0), Wanted::Nothing);
    }
}
