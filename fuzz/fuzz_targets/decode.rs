//! Bytes that nobody vouches for, through the inspector and the decoders.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| imaging::format::fuzz_decode(bytes));
