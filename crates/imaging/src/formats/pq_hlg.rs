//! High dynamic range (ITU-R BT.2100) to sRGB: what a bright screen would show, on a usual one.

use native::av1::Cicp;

use crate::Result;
use crate::color::srgb_curve;
use crate::image::Pixels;
use crate::kernels::canvas;

const PQ: u8 = 16;
const HLG: u8 = 18;

/// Whether the samples are absolute light (PQ) or scene light of a wide range (HLG).
pub(super) fn is_hdr(cicp: Cicp) -> bool {
    matches!(cicp.transfer, PQ | HLG)
}

/// The light of diffuse white in candela a square meter (ITU-R BT.2408): white on a usual screen.
const WHITE: f32 = 203.0;
/// The brightest light that keeps a difference to its neighbors.
const PEAK: f32 = 1_000.0;

/// The pixels in sRGB. Light up to about half of white stays as it is; what is brighter is rolled
/// off, and the ratios of red, green and blue stay as they are.
pub(super) fn to_sdr(pixels: Pixels, cicp: Cicp) -> Result<Pixels> {
    let mut packed = match pixels.into_packed()? {
        Pixels::U8(packed) => canvas::widen(&packed)?,
        Pixels::U16(packed) => packed,
        Pixels::Ycc(_) => return Err(crate::Error::internal("planes were packed")),
    };
    let light = light_table(cicp.transfer);
    let to_srgb = matrix(cicp.primaries);
    let code = code_table();
    let count = packed.channels().count();
    let colors = if count > 2 { 3 } else { 1 };
    for pixel in packed.samples_mut().chunks_exact_mut(count) {
        let mut linear = [0.0; 3];
        for (index, linear) in linear.iter_mut().enumerate() {
            *linear = light[usize::from(pixel[index.min(colors - 1)]) >> SHIFT];
        }
        if cicp.transfer == HLG {
            linear = shown_by_hlg(linear);
        }
        let brightest = linear[0].max(linear[1]).max(linear[2]);
        let factor = if brightest > 0.0 { rolled_off(brightest) / brightest } else { 0.0 };
        let linear = linear.map(|v| v * factor);
        for (index, sample) in pixel[..colors].iter_mut().enumerate() {
            let row = if colors == 3 { to_srgb[index] } else { [1.0, 0.0, 0.0] };
            let v: f32 = row.iter().zip(linear).map(|(a, b)| a * b).sum();
            *sample = code[(v.clamp(0.0, 1.0) * (code.len() - 1) as f32 + 0.5) as usize];
        }
    }
    Ok(Pixels::U16(packed))
}

/// Samples of 16 bits that are looked up by their upper 12.
const SHIFT: u32 = 4;

/// Light by sample: in units of white for PQ, 0 to 1 of the scene for HLG.
fn light_table(transfer: u8) -> Vec<f32> {
    let len = 1usize << (16 - SHIFT);
    let value = |index: usize| (index as f64 + 0.5) / len as f64;
    let light: fn(f64) -> f64 = if transfer == PQ { pq } else { hlg };
    (0..len).map(|index| if index == 0 { 0.0 } else { light(value(index)) as f32 }).collect()
}

/// SMPTE ST 2084.
fn pq(v: f64) -> f64 {
    let (m1, m2) = (2610.0 / 16384.0, 2523.0 / 4096.0 * 128.0);
    let (c1, c2, c3) = (3424.0 / 4096.0, 2413.0 / 4096.0 * 32.0, 2392.0 / 4096.0 * 32.0);
    let power = v.powf(1.0 / m2);
    10_000.0 * ((power - c1).max(0.0) / (c2 - c3 * power)).powf(1.0 / m1) / f64::from(WHITE)
}

/// The inverse of the camera curve of BT.2100.
fn hlg(v: f64) -> f64 {
    let (a, b, c) = (0.178_832_77, 0.284_668_92, 0.559_910_73);
    if v <= 0.5 { v * v / 3.0 } else { (((v - c) / a).exp() + b) / 12.0 }
}

/// From the scene to a screen of 1000 candela (BT.2100, table 5), in units of white.
fn shown_by_hlg(scene: [f32; 3]) -> [f32; 3] {
    let luma = 0.2627 * scene[0] + 0.678 * scene[1] + 0.0593 * scene[2];
    let gain = PEAK / WHITE * luma.max(1e-6).powf(0.2);
    scene.map(|v| v * gain)
}

/// Where light starts to be rolled off, in units of white.
const KNEE: f32 = 0.5;

/// Light of any strength as light up to white: straight as far as the knee, then a curve that
/// leaves it with the same slope and reaches white at the peak.
fn rolled_off(light: f32) -> f32 {
    if light <= KNEE {
        return light;
    }
    let room = 1.0 - KNEE;
    let over = (light.min(PEAK / WHITE) - KNEE) / room;
    let most = (PEAK / WHITE - KNEE) / room;
    // Reinhard's curve with a white point: its slope at 0 is 1, its value at `most` is 1.
    KNEE + room * over * (1.0 + over / (most * most)) / (1.0 + over)
}

/// From the primaries of the file to those of sRGB, both with the white of daylight.
fn matrix(primaries: u8) -> [[f32; 3]; 3] {
    match primaries {
        9 => [
            [1.660_49, -0.587_64, -0.072_85],
            [-0.124_55, 1.132_9, -0.008_35],
            [-0.018_15, -0.100_58, 1.118_73],
        ],
        12 => [
            [1.224_94, -0.224_94, 0.0],
            [-0.042_06, 1.042_06, 0.0],
            [-0.019_64, -0.078_64, 1.098_27],
        ],
        _ => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    }
}

/// sRGB samples by light.
fn code_table() -> Vec<u16> {
    let len = 1 << 14;
    let code = |index: usize| {
        let v = index as f64 / (len - 1) as f64;
        (srgb_curve(v) * 65_535.0).round() as u16
    };
    (0..len).map(code).collect()
}
