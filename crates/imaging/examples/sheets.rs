//! Draws what every filter does, before and after on four photographs, for docs/operations.md:
//! `cargo run -p imaging --example sheets`. With arguments it draws some filters larger and on six,
//! to be judged: `… --example sheets FOLDER WIDTH [NAME]…`.

use std::path::{Path, PathBuf};
use std::{env, fs};

use imaging::format::{DecodeRequest, by_name};
use imaging::image::{Channels, Packed, Pixels};
use imaging::output::Output;
use imaging::{Files, Image, Input, Limits, Plan, Size, catalog};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const PHOTOS: [&str; 4] = ["portrait", "landscape", "food", "brushes"];
const JUDGED: [&str; 6] = ["portrait", "landscape", "night", "food", "animal", "brushes"];
/// A file that some filters use beside the image, at index 1.
const TABLE: &[u8] = include_bytes!("../tests/beside/warm.cube");

/// The most bytes of a strip in the documents.
const BYTES_MAX: usize = 40_000;

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (folder, width, photos, names) = match arguments.as_slice() {
        [] => (root.join("docs/images/filters"), 170, &PHOTOS[..], &[][..]),
        [folder, width, names @ ..] => (PathBuf::from(folder), width.parse()?, &JUDGED[..], names),
        [_] => return Err("expected FOLDER WIDTH [NAME]…, or nothing".into()),
    };
    fs::create_dir_all(&folder)?;
    let photos: Vec<Vec<u8>> = photos
        .iter()
        .map(|name| fs::read(root.join(format!("assets/photos/{name}.jpg"))))
        .collect::<std::io::Result<_>>()?;
    let cell = Size::new(width, width * 3 / 4);
    let before = strip(&photos, cell, None)?;
    for op in catalog::image_ops().into_iter().filter(|op| op.operation == "filter") {
        if !names.is_empty() && !names.iter().any(|name| name == op.name) {
            continue;
        }
        let after = strip(&photos, cell, Some(&op.example))?;
        let samples = [before.samples(), after.samples()].concat();
        let size = Size::new(before.size().width, before.size().height * 2);
        let sheet = Packed::new(size, Channels::Rgb, samples);
        let image = Image::still(Pixels::U8(sheet));
        let bytes = match arguments.is_empty() {
            true => small_jpeg(&image)?,
            false => jpeg(&image, 92)?,
        };
        fs::write(folder.join(format!("{}.jpg", op.name)), bytes)?;
    }
    Ok(())
}

/// A JPEG as good as it can be for a document with many of them.
fn small_jpeg(image: &Image) -> Result<Vec<u8>> {
    for quality in (40..=82).rev().step_by(6) {
        let bytes = jpeg(image, quality)?;
        if bytes.len() <= BYTES_MAX {
            return Ok(bytes);
        }
    }
    jpeg(image, 30)
}

fn jpeg(image: &Image, quality: u8) -> Result<Vec<u8>> {
    let output = Output { quality: Some(quality), ..Output::default() };
    let encode = by_name("jpg").and_then(|jpg| jpg.encode).ok_or("no JPEG")?;
    Ok(encode(image, &output)?)
}

/// The photographs side by side, each brought to the cell and filtered.
fn strip(photos: &[Vec<u8>], cell: Size, filter: Option<&Value>) -> Result<Packed<u8>> {
    let cells: Vec<Packed<u8>> =
        photos.iter().map(|photo| make(photo, cell, filter)).collect::<Result<_>>()?;
    let mut samples = Vec::new();
    for y in 0..cell.height as usize {
        for packed in &cells {
            let stride = packed.stride();
            samples.extend_from_slice(&packed.samples()[y * stride..][..stride]);
        }
    }
    let size = Size::new(cell.width * cells.len() as u32, cell.height);
    Ok(Packed::new(size, Channels::Rgb, samples))
}

fn make(photo: &[u8], cell: Size, filter: Option<&Value>) -> Result<Packed<u8>> {
    let fill = json!({"type": "resize", "width": cell.width, "height": cell.height, "mode": "fill", "gravity": "top"});
    let mut steps = vec![json!({"operation": "transform", "request": {"operations": [fill]}})];
    steps.extend(
        filter.map(|filter| json!({"operation": "filter", "request": {"filters": [filter]}})),
    );
    let request = json!({"steps": steps, "output_format": "png"});
    let limits = Limits::default();
    let (_, plan) = Plan::parse("pipeline", &request, &limits)
        .map_err(|faults| faults.iter().map(|fault| fault.message.clone()).collect::<String>())?;
    let files = Files::of_bytes([(1, TABLE)], &limits)?;
    let input = Input { filename: "photo.jpg", bytes: photo, files: &files };
    let report = imaging::run(&plan, input, &limits, &())?;
    let decode = by_name("png").and_then(|png| png.decode).ok_or("no PNG")?;
    let image = decode(&report.outputs[0].bytes, &DecodeRequest::default(), &limits)?.image;
    match image.frames.into_iter().next().map(|frame| frame.pixels) {
        Some(Pixels::U8(packed)) => Ok(packed.with_channels(Channels::Rgb)?),
        _ => Err("no 8-bit picture came back".into()),
    }
}
