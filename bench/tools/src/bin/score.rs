//! `score REFERENCE DISTORTED`: SSIMULACRA2 of two pictures in binary PPM (P6), as JSON a line.
//!
//! With `--stdin` it reads tab-separated pairs of paths, a line each, and answers each with a line.

use std::fs;
use std::io::{BufRead, Write};

use anyhow::{Context, Result, bail, ensure};
use fast_ssim2::{PixelDescriptor, PixelSlice, compute_ssimulacra2};

struct Picture {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

fn main() -> Result<()> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [flag] if flag == "--stdin" => serve(),
        [reference, distorted] => {
            writeln!(std::io::stdout(), "{}", compare(reference, distorted)?)?;
            Ok(())
        }
        _ => bail!("usage: score REFERENCE.ppm DISTORTED.ppm | score --stdin"),
    }
}

fn serve() -> Result<()> {
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (reference, distorted) = line.split_once('\t').context("a line is two paths")?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", compare(reference, distorted)?)?;
        out.flush()?;
    }
    Ok(())
}

/// `{"ssimulacra2": score, "psnr": dB}`; the score of equal pictures is 100.
fn compare(reference: &str, distorted: &str) -> Result<serde_json::Value> {
    let (a, b) = (read(reference)?, read(distorted)?);
    ensure!(
        (a.width, a.height) == (b.width, b.height),
        "{reference} is {}x{} but {distorted} is {}x{}",
        a.width,
        a.height,
        b.width,
        b.height
    );
    let score = compute_ssimulacra2(&a.slice()?, &b.slice()?)?;
    Ok(serde_json::json!({ "ssimulacra2": score, "psnr": psnr(&a.rgb, &b.rgb) }))
}

fn psnr(a: &[u8], b: &[u8]) -> f64 {
    let squares: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / squares.max(1e-9)).log10()
}

impl Picture {
    fn slice(&self) -> Result<PixelSlice<'_>> {
        let stride = self.width as usize * 3;
        PixelSlice::new(&self.rgb, self.width, self.height, stride, PixelDescriptor::RGB8_SRGB)
            .map_err(|error| anyhow::anyhow!("{error:?}"))
            .map(PixelSlice::erase)
    }
}

fn read(path: &str) -> Result<Picture> {
    let bytes = fs::read(path).with_context(|| path.to_owned())?;
    let mut fields = Vec::new();
    let mut at = 0;
    while fields.len() < 4 {
        let end = bytes[at..]
            .iter()
            .position(u8::is_ascii_whitespace)
            .with_context(|| format!("{path}: no PPM header"))?;
        fields.push(std::str::from_utf8(&bytes[at..at + end])?);
        at += end + 1;
    }
    ensure!(fields[0] == "P6" && fields[3] == "255", "{path}: not an 8-bit binary PPM");
    let (width, height) = (fields[1].parse()?, fields[2].parse()?);
    let rgb = bytes[at..].to_vec();
    ensure!(rgb.len() == width as usize * height as usize * 3, "{path}: cut short");
    Ok(Picture { width, height, rgb })
}
