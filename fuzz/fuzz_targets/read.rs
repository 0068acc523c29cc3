//! Bytes that nobody vouches for, through the inspector and all readers. With `FORMAT=png` only
//! those that start like a file of that format: the rest is turned away, so that what is kept stays
//! with the format.

#![no_main]

use std::env;
use std::panic;
use std::sync::LazyLock;

use imaging::format::{self, Format};
use imaging::fuzz;
use libfuzzer_sys::Corpus;

/// One program for all formats: it takes minutes to build, and nothing of it differs.
static FORMAT: LazyLock<Option<&Format>> = LazyLock::new(|| {
    let name = env::var("FORMAT").ok()?;
    Some(format::by_name(&name).expect("FORMAT is the name of a format"))
});

/// A renderer may give up by a panic, which the reader makes an error of. The fuzzer's own hook
/// would end the process before that; with this one it ends at any panic that gets out of `read`.
fn tell_panics() {
    panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
}

libfuzzer_sys::fuzz_target!(init: tell_panics(), |bytes: &[u8]| -> Corpus {
    if FORMAT.is_some_and(|wanted| format::sniff(bytes) != Some(wanted)) {
        return Corpus::Reject;
    }
    fuzz::read(bytes, fuzz::PIXELS_MAX);
    Corpus::Keep
});
