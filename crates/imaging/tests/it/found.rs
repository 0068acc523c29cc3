//! Files that fuzzing found (`scripts/fuzz.sh`): those that crashed, by name, and those that reach
//! the most of what `inputs` does not, by number. Each ends in an error or an image.

use std::fs;
use std::path::{Path, PathBuf};

use imaging::{ErrorKind, Limits, format, fuzz};

use crate::hostile::PIXELS_MAX;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/found")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn what_was_found_ends_in_an_error_or_an_image() {
    let formats = files(&folder());
    assert!(formats.len() > 15);
    for path in formats.iter().flat_map(|format| files(format)) {
        fuzz::read(&fs::read(path).unwrap(), PIXELS_MAX);
    }
}

#[test]
fn blocks_larger_than_their_pixels_are_refused_before_there_is_memory_for_them() {
    for name in ["unknown", "ac-deflate", "ac-huffman", "dc", "rle"] {
        let file = fs::read(folder().join(format!("exr/exr-dwa-{name}.exr"))).unwrap();
        let decode = format::by_name("exr").unwrap().decode.unwrap();
        let error = decode(&file, &Default::default(), &Limits::default()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Input, "{name}: {error}");
        assert!(error.message.contains("larger than its pixels"), "{name}: {error}");
    }
}

#[test]
fn damaged_alpha_is_no_lack_of_memory() {
    for name in ["alpha-of-unknown-compression", "alpha-that-ends-early"] {
        let file = fs::read(folder().join(format!("webp/{name}.webp"))).unwrap();
        let decode = format::by_name("webp").unwrap().decode.unwrap();
        let error = decode(&file, &Default::default(), &Limits::default()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Input, "{name}: {error}");
        assert!(error.message.ends_with("the alpha of the WebP is damaged"), "{name}: {error}");
    }
}
