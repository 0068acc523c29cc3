//! A plan and a header become a program: stages are reordered and fused without changing the
//! result, and the decoder is asked for no more than they need.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::Size;
use crate::format::{DecodeRequest, Format};
use crate::kernels::color_pass::ColorPass;
use crate::kernels::orient;
use crate::kernels::resample::Kernel;
use crate::metadata::Orientation;
use crate::output::Output;
use crate::stage::{AreaFn, Extend, Rect, RectF, Resample, Stage};

/// What is run on one image.
pub struct Program {
    /// What the decoder is asked for.
    pub decode: DecodeRequest,
    /// What is done, in order.
    pub passes: Vec<Pass>,
}

/// One pass over the image, for these steps.
pub struct Pass {
    /// The steps it does, or does part of.
    pub steps: RangeInclusive<usize>,
    /// What it does.
    pub work: Work,
}

/// What a pass does.
pub enum Work {
    /// Mirrors and quarter turns.
    Orient(Orientation),
    /// Cuts out.
    Crop(Rect),
    /// Resamples; planes get this chroma subsampling.
    Resample(Resample, (u32, u32)),
    /// Adds a canvas.
    Extend(Extend),
    /// Functions of color and place, fused.
    Colors(ColorPass),
    /// Anything else.
    Area(Arc<dyn AreaFn>),
}

/// So much is left to the resampler: what the decoder leaves out block by block aliases, and a
/// kernel must be there to smooth it.
const HEADROOM: f64 = 1.2;

/// A JPEG is made smaller by these factors at little cost, in the frequency domain.
const DECODER_SCALES: [f64; 6] = [0.125, 0.25, 0.375, 0.5, 0.625, 0.75];

/// The program for stages on an image of this size; `planes_out` says that its encoder takes
/// `Y'CbCr` planes in 4:2:0.
pub fn lower(size: Size, stages: Vec<(usize, Stage)>, planes_out: bool) -> Program {
    let stages = merge_geometry(stages, size);
    let mut passes: Vec<Pass> = Vec::new();
    let mut rest = stages.into_iter().peekable();
    while let Some((step, stage)) = rest.next() {
        let work = match stage {
            Stage::Orient(orientation) => Work::Orient(orientation),
            Stage::Crop(rect) => Work::Crop(rect),
            Stage::Extend(extend) => Work::Extend(extend),
            Stage::Area(area) => Work::Area(area),
            Stage::Resample(resample) => {
                // Half chroma will do where the encoder takes planes and only exact turns come in
                // between. At the edge of what was cut out it would show what lay behind.
                let is_whole = passes.is_empty() && resample.source == RectF::full(size);
                let is_exact = orient::is_exact_on_planes(resample.size, (2, 2));
                let half = match rest.peek() {
                    None => is_whole || is_exact,
                    Some((_, stage)) => is_exact && matches!(stage, Stage::Orient(_)),
                };
                let half = planes_out && half;
                Work::Resample(resample, if half { (2, 2) } else { (1, 1) })
            }
            Stage::Color(function) => {
                push_color(&mut passes, step, |pass| pass.push_color(function));
                continue;
            }
            Stage::Position(function) => {
                push_color(&mut passes, step, |pass| pass.push_position(function));
                continue;
            }
            // A program ends where the image has to be seen: the caller cuts there.
            Stage::Decide(_) => continue,
        };
        passes.push(Pass { steps: step..=step, work });
    }
    Program { decode: decode_request(&passes, size, planes_out), passes }
}

/// The program that does one stage after the other, from a whole decode. Functions of color that
/// follow each other are one pass here too, as what one pushes over white the next may bring back.
pub fn plain(stages: Vec<(usize, Stage)>) -> Program {
    let mut passes: Vec<Pass> = Vec::new();
    for (step, stage) in stages {
        let work = match stage {
            Stage::Orient(orientation) => Work::Orient(orientation),
            Stage::Crop(rect) => Work::Crop(rect),
            Stage::Extend(extend) => Work::Extend(extend),
            Stage::Area(area) => Work::Area(area),
            Stage::Resample(resample) => Work::Resample(resample, (1, 1)),
            Stage::Color(function) => {
                push_color(&mut passes, step, |pass| pass.push_color(function));
                continue;
            }
            Stage::Position(function) => {
                push_color(&mut passes, step, |pass| pass.push_position(function));
                continue;
            }
            Stage::Decide(_) => continue,
        };
        passes.push(Pass { steps: step..=step, work });
    }
    Program { decode: DecodeRequest::default(), passes }
}

/// Whether an encoder that takes planes is to have them in 4:2:0.
pub fn takes_half_planes(format: &Format, output: &Output) -> bool {
    format.encodes_planes && output.lossless != Some(true) && !output.keeps_full_chroma()
}

fn push_color(passes: &mut Vec<Pass>, step: usize, push: impl FnOnce(&mut ColorPass)) {
    if !matches!(passes.last(), Some(Pass { work: Work::Colors(_), .. })) {
        passes.push(Pass { steps: step..=step, work: Work::Colors(ColorPass::default()) });
    }
    if let Some(Pass { steps, work: Work::Colors(pass) }) = passes.last_mut() {
        *steps = *steps.start()..=step;
        push(pass);
    }
}

/// Brings the geometry at the start into the form `crop, resample, turn` where that gives the same
/// image: a turn is cheapest on the result, and a crop in front of a resample is part of it.
fn merge_geometry(stages: Vec<(usize, Stage)>, mut size: Size) -> Vec<(usize, Stage)> {
    let mut merged: Vec<(usize, Stage)> = Vec::new();
    let mut turn = Orientation::Normal;
    let mut turn_step = 0;
    let mut stages = stages.into_iter().peekable();
    while let Some((step, stage)) = stages.next_if(|(_, stage)| {
        matches!(stage, Stage::Orient(_) | Stage::Crop(_) | Stage::Resample(_))
    }) {
        let stage = match stage {
            Stage::Orient(orientation) => {
                turn = turn.then(orientation);
                turn_step = step;
                continue;
            }
            Stage::Crop(rect) => Stage::Crop(before_turn_rect(rect, size, turn)),
            Stage::Resample(resample) => Stage::Resample(Resample {
                source: before_turn(resample.source, size, turn),
                size: if turn.transposes() { resample.size.transposed() } else { resample.size },
                ..resample
            }),
            other => other,
        };
        size = stage.output_size(size);
        push_merged(&mut merged, step, stage);
    }
    if turn != Orientation::Normal {
        merged.push((turn_step, Stage::Orient(turn)));
    }
    merged.extend(stages);
    merged
}

fn push_merged(merged: &mut Vec<(usize, Stage)>, step: usize, stage: Stage) {
    match (merged.last_mut(), stage) {
        (Some((_, Stage::Crop(first))), Stage::Crop(second)) => {
            *first = Rect { x: first.x + second.x, y: first.y + second.y, size: second.size };
        }
        (Some((_, last @ Stage::Crop(_))), Stage::Resample(resample)) => {
            let Stage::Crop(rect) = *last else { return };
            let source = RectF {
                x: resample.source.x + f64::from(rect.x),
                y: resample.source.y + f64::from(rect.y),
                ..resample.source
            };
            // The kernel may not see what the crop took away, which the resampler grants for whole
            // pixels only.
            if resample.source == RectF::full(rect.size) {
                *last = Stage::Resample(Resample { source, ..resample });
            } else {
                merged.push((step, Stage::Resample(resample)));
            }
        }
        (_, stage) => merged.push((step, stage)),
    }
}

/// Where a rectangle of the turned image lies in the image of this size before the turn.
fn before_turn(rect: RectF, size: Size, turn: Orientation) -> RectF {
    let (transpose, mirror_x, mirror_y) = turn.parts();
    let turned = if transpose { size.transposed() } else { size };
    let mut rect = rect;
    if mirror_x {
        rect.x = f64::from(turned.width) - rect.x - rect.width;
    }
    if mirror_y {
        rect.y = f64::from(turned.height) - rect.y - rect.height;
    }
    match transpose {
        true => RectF { x: rect.y, y: rect.x, width: rect.height, height: rect.width },
        false => rect,
    }
}

fn before_turn_rect(rect: Rect, size: Size, turn: Orientation) -> Rect {
    let RectF { x, y, .. } = before_turn(rect.into(), size, turn);
    let size = if turn.transposes() { rect.size.transposed() } else { rect.size };
    Rect { x: x as u32, y: y as u32, size }
}

/// Planes are welcome where a resample or the encoder takes them; a smaller decode where the first
/// resample makes the image smaller still. A drawing is wanted at the size of that resample.
fn decode_request(passes: &[Pass], size: Size, planes_out: bool) -> DecodeRequest {
    match passes.first().map(|pass| &pass.work) {
        Some(Work::Resample(resample, _)) if resample.kernel != Kernel::Nearest => {
            let across = f64::from(resample.size.width) / resample.source.width;
            let down = f64::from(resample.size.height) / resample.source.height;
            let needed = across.max(down);
            let enough = |scale: &f64| *scale >= needed * HEADROOM;
            let scale = DECODER_SCALES.into_iter().find(enough);
            // Drawn larger only where all of it is shown: the rest would be thrown away.
            let whole = resample.source == RectF::full(size);
            DecodeRequest {
                scale_min: scale.unwrap_or(0.0),
                planes: true,
                drawing_scale: if whole { needed } else { needed.min(1.0) },
                page: 0,
            }
        }
        Some(_) => DecodeRequest::default(),
        None => DecodeRequest { planes: planes_out, ..DecodeRequest::default() },
    }
}
