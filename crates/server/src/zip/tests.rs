use super::*;

const MODIFIED: Timestamp = Timestamp::UNIX_EPOCH;

fn entry(filename: &str, size_bytes: u64) -> Entry {
    Entry { filename: filename.into(), size_bytes }
}

/// The archive without the data of its files, and the length it says it has.
fn headers(entries: Vec<Entry>) -> (Vec<u8>, u64) {
    let mut archive = Archive::new(entries.clone(), MODIFIED);
    let said = archive.size_bytes();
    let mut bytes = Vec::new();
    for _ in &entries {
        bytes.extend_from_slice(&archive.begin());
        bytes.extend_from_slice(&archive.end(0));
    }
    bytes.extend_from_slice(&archive.finish());
    (bytes, said)
}

#[track_caller]
fn check_length(entries: Vec<Entry>) {
    let data: u64 = entries.iter().map(|entry| entry.size_bytes).sum();
    let (bytes, said) = headers(entries);
    assert_eq!(bytes.len() as u64 + data, said);
}

#[test]
fn the_length_is_known_before_the_first_byte() {
    check_length(vec![]);
    check_length(vec![entry("a.png", 10), entry("ü.png", 0)]);
    check_length(vec![entry("large.png", 5_000_000_000), entry("behind.png", 1)]);
    check_length(vec![entry("a", 0xFFFF_FFFE), entry("b", 0xFFFF_FFFF), entry("c", 1)]);
    check_length((0..70_000).map(|index| entry(&index.to_string(), 1)).collect());
}

#[test]
fn large_files_and_far_offsets_have_fields_of_eight_bytes() {
    let (bytes, _) = headers(vec![entry("a", 5_000_000_000), entry("b", 1)]);
    let size = 5_000_000_000_u64.to_le_bytes();
    let found = bytes.windows(8).filter(|window| *window == size).count();
    assert_eq!(found, 4, "two in the data descriptor, two in the central directory");
    let end_64 = 0x0606_4B50_u32.to_le_bytes();
    assert!(bytes.windows(4).any(|window| window == end_64));
    let (small, _) = headers(vec![entry("a", 5), entry("b", 1)]);
    assert!(!small.windows(4).any(|window| window == end_64));
}

#[test]
fn names_do_not_clash() {
    let names = ["a.png", "A.png", "a.png", "a-2.png", "b", "b", ".c", ".c"];
    assert_eq!(
        unique_names(names.into_iter()),
        ["a.png", "A-2.png", "a-3.png", "a-2-2.png", "b", "b-2", ".c", "-2.c"]
    );
}

#[test]
fn times_are_those_of_dos() {
    let at: Timestamp = "2026-05-02T13:45:59Z".parse().unwrap();
    let (date, time) = dos_time(at);
    assert_eq!((date >> 9, date >> 5 & 15, date & 31), (46, 5, 2));
    assert_eq!((time >> 11, time >> 5 & 63, time & 31), (13, 45, 29));
    assert_eq!(dos_time("1975-05-02T00:00:00Z".parse().unwrap()).0 >> 9, 0);
}
