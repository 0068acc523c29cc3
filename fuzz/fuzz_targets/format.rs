//! The body of every target that is named after a format: bytes that start like a file of it. The
//! rest is turned away, so that the corpus stays with the format.

#![no_main]

use imaging::format;
use libfuzzer_sys::Corpus;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| -> Corpus {
    if format::sniff(bytes).is_none_or(|format| format.name != env!("CARGO_BIN_NAME")) {
        return Corpus::Reject;
    }
    format::fuzz_decode(bytes);
    Corpus::Keep
});
