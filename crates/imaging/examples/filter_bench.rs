//! CPU time of filters on a photograph of 12 megapixels, pixels to pixels, in milliseconds: the
//! best of five runs. Prints one line of JSON for each. Linux only.

#![expect(clippy::print_stdout, reason = "a program that prints its results")]

use std::cell::Cell;
use std::fs;

use imaging::format::{DecodeRequest, by_name};
use imaging::image::Pixels;
use imaging::kernels::resample::{Kernel, resample};
use imaging::output::Output;
use imaging::run::Codec;
use imaging::stage::{RectF, Resample};
use imaging::{Events, Image, Input, Limits, Plan, Size};
use serde_json::{Value, json};

const SIZE: Size = Size::new(4000, 3000);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = photograph()?;
    let five = json!([
        {"type": "brightness", "value": 10}, {"type": "contrast", "value": 20},
        {"type": "saturation", "value": 20}, {"type": "hue", "value": 17}, {"type": "sepia"},
    ]);
    let poster = json!([
        {"type": "saturation", "value": 20}, {"type": "posterize"}, {"type": "hue", "value": 17},
    ]);
    measure("brightness, contrast, saturation, hue, sepia", &five, &file)?;
    measure("saturation, posterize, hue", &poster, &file)?;
    measure("blur of sigma 5", &json!([{"type": "blur", "sigma": 5}]), &file)?;
    for name in ["sepia", "cinematic", "noir", "sharpen", "glow", "halftone", "pixelate", "invert"]
    {
        measure(name, &json!([{"type": name, "intensity": 60}]), &file)?;
    }
    for name in ["exposure", "temperature", "saturation", "vibrance", "shadows", "clarity"] {
        measure(name, &json!([{"type": name, "value": 60}]), &file)?;
    }
    Ok(())
}

/// A PNG, so that packed pixels come out of the decoder.
fn photograph() -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let photo = include_bytes!("../../../assets/photos/demo.jpg");
    let decode = by_name("jpg").and_then(|jpg| jpg.decode).ok_or("no JPEG")?;
    let image = decode(photo, &DecodeRequest::default(), &Limits::default())?.image;
    let source = RectF::full(image.size());
    let pixels = image.frames.into_iter().next().ok_or("no frame")?.pixels.into_packed()?;
    let pixels = resample(pixels, &Resample { source, size: SIZE, kernel: Kernel::Bilinear })?;
    let encode = by_name("png").and_then(|png| png.encode).ok_or("no PNG")?;
    match pixels {
        Pixels::U8(_) => Ok(encode(&Image::still(pixels), &Output::default())?),
        _ => Err("8 bits expected".into()),
    }
}

fn measure(name: &str, filters: &Value, file: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    let limits = Limits::default();
    // The turn in front says when the filters begin.
    let request = json!({"output_format": "jpg", "steps": [
        {"operation": "transform", "request": {"operations": [{"type": "rotate", "angle": 180}]}},
        {"operation": "filter", "request": {"filters": filters}},
    ]});
    let (_, plan) =
        Plan::parse("pipeline", &request, &limits).map_err(|faults| format!("{faults:?}"))?;
    let mut best = f64::MAX;
    for _ in 0..5 {
        let watch = Watch::default();
        imaging::run(&plan, Input::alone("in.png", file), &limits, &watch)?;
        best = best.min(watch.end.get() - watch.start.get());
    }
    println!("{}", json!({"filters": name, "ms": (best * 10.0).round() / 10.0}));
    Ok(())
}

/// Notes the CPU time when the second step begins and when the encoder does.
#[derive(Default)]
struct Watch {
    start: Cell<f64>,
    end: Cell<f64>,
}

impl Events for Watch {
    fn step(&self, step_index: usize, fraction: f32) {
        if (step_index, fraction) == (1, 0.0) {
            self.start.set(cpu_ms());
        }
    }

    fn codec(&self, codec: Codec) {
        if codec == Codec::Encode {
            self.end.set(cpu_ms());
        }
    }
}

/// Milliseconds that this thread has run.
fn cpu_ms() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = stat.split(' ').next().and_then(|text| text.parse::<f64>().ok());
    nanoseconds.unwrap_or_default() / 1e6
}
