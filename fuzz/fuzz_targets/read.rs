//! Bytes that nobody vouches for, through the inspector and all readers. With `FORMAT=png` only
//! those that start like a file of that format: the rest is turned away, so that what is kept stays
//! with the format.

#![no_main]

use std::sync::LazyLock;

use imaging::{format, fuzz};
use libfuzzer_sys::Corpus;

/// One program for all formats: it takes minutes to build, and nothing of it differs.
static FORMAT: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("FORMAT").ok());

/// Where there are more, loops over them take the time and reach nothing new.
const PIXELS_MAX: u64 = 128 * 128;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| -> Corpus {
    let is_of = |name: &str| format::sniff(bytes).is_some_and(|format| format.name == name);
    if FORMAT.as_deref().is_some_and(|name| !is_of(name)) {
        return Corpus::Reject;
    }
    fuzz::read(bytes, PIXELS_MAX);
    Corpus::Keep
});
