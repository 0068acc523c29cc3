//! Results on their way from a runner into blobs.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::progress::Tracker;
use crate::blobs::{BlobWriter, Blobs, Stored};
use crate::job::OutputFile;
use crate::job_store::Claim;
use crate::pool::{OutputHeader, Sink, SinkError};

/// Stores the results of one unit.
pub(super) struct Outputs<'a> {
    pub(super) blobs: &'a Blobs,
    pub(super) claim: &'a Claim,
    pub(super) tracker: Arc<Mutex<Tracker>>,
    pub(super) input_index: usize,
    /// Results of the units before.
    pub(super) before: usize,
    pub(super) current: Option<(OutputHeader, BlobWriter)>,
    pub(super) stored: Vec<OutputFile>,
}

#[async_trait]
impl Sink for Outputs<'_> {
    fn step(&mut self, step_index: usize, fraction: f32) {
        self.tracker.lock().unwrap_or_else(PoisonError::into_inner).step(step_index, fraction);
    }

    async fn begin(&mut self, header: OutputHeader) -> Result<(), SinkError> {
        let writer = self.blobs.write_output(self.claim, self.before + self.stored.len());
        self.current = Some((header, writer));
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        let (_, writer) = self.current.as_mut().ok_or("bytes before a result")?;
        Ok(writer.write(bytes).await?)
    }

    async fn end(&mut self) -> Result<(), SinkError> {
        let (header, writer) = self.current.take().ok_or("the end of no result")?;
        let Stored { blob, size_bytes, sha256 } = writer.finish().await?;
        self.stored.push(OutputFile {
            filename: plain_name(&header.filename),
            format: header.format,
            mime_type: header.mime_type,
            size_bytes,
            sha256,
            blob,
            width: header.width,
            height: header.height,
            encode_generations: header.encode_generations,
            input_index: self.input_index,
        });
        Ok(())
    }
}

/// The longest name of a result, in bytes.
const NAME_MAX: usize = 200;

/// A file name that is no path and not too long, whatever a runner says.
fn plain_name(name: &str) -> String {
    let plain = |c: char| if c == '/' || c == '\\' || c.is_control() { '_' } else { c };
    let name: String = name.chars().map(plain).collect();
    let (stem, extension) = parts(&name);
    let name = joined(stem, "", extension);
    if name.is_empty() || name == "." || name == ".." { "output".into() } else { name }
}

/// The stem and the extension with its dot; a name without one is all stem.
fn parts(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= 20 => name.split_at(dot),
        _ => (name, ""),
    }
}

/// A name of these parts, of which only the stem is cut where it is too long.
fn joined(stem: &str, number: &str, extension: &str) -> String {
    let room = NAME_MAX.saturating_sub(number.len() + extension.len());
    format!("{}{number}{extension}", &stem[..stem.floor_char_boundary(room)])
}

/// Makes the names distinct: the second `a.png` becomes `a-2.png`.
pub(super) fn make_names_distinct(outputs: &mut [OutputFile]) {
    let mut taken = BTreeSet::new();
    for output in outputs {
        let (stem, extension) = parts(&output.filename);
        let candidates = (2_u32..).map(|n| joined(stem, &format!("-{n}"), extension));
        let mut names = std::iter::once(output.filename.clone()).chain(candidates);
        let name = names.find(|name| !taken.contains(name)).expect("the names do not end");
        taken.insert(name.clone());
        output.filename = name;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], expected: &[&str]) {
        let mut outputs: Vec<_> = names.iter().map(|name| output(name)).collect();
        make_names_distinct(&mut outputs);
        let got: Vec<_> = outputs.iter().map(|output| output.filename.as_str()).collect();
        assert_eq!(got, expected);
    }

    fn output(name: &str) -> OutputFile {
        OutputFile {
            filename: name.into(),
            format: "png".into(),
            mime_type: "image/png".into(),
            size_bytes: 0,
            sha256: String::new(),
            blob: String::new(),
            width: 1,
            height: 1,
            encode_generations: 0,
            input_index: 0,
        }
    }

    #[test]
    fn clashing_names_are_counted() {
        check(&["a.png", "a.png", "b.png", "a.png"], &["a.png", "a-2.png", "b.png", "a-3.png"]);
        check(&["a.png", "a-2.png", "a.png"], &["a.png", "a-2.png", "a-3.png"]);
        check(&["a", "a", ".png", ".png"], &["a", "a-2", ".png", ".png-2"]);
    }

    #[test]
    fn names_of_results_are_never_paths() {
        assert_eq!(plain_name("../../etc/passwd"), ".._.._etc_passwd");
        assert_eq!(plain_name("a\r\nb.png"), "a__b.png");
        assert_eq!(plain_name(".."), "output");
        assert_eq!(plain_name(""), "output");
    }

    #[test]
    fn long_names_keep_their_extension_and_stay_distinct() {
        let name = plain_name(&format!("{}.webp", "x".repeat(400)));
        assert_eq!(name, format!("{}.webp", "x".repeat(195)));
        let wide = plain_name(&format!("{}.jpg", "é".repeat(200)));
        assert_eq!(wide, format!("{}.jpg", "é".repeat(98)));
        assert_eq!(plain_name(&"x".repeat(400)).len(), NAME_MAX);
        check(&[&name, &name], &[&name, &format!("{}-2.webp", "x".repeat(193))]);
    }
}
