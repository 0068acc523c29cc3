//! A chain of color functions as tables: curves stay tables of their own, what lies between them
//! becomes a cube.
//!
//! A curve in front of a cube only says where a level lies on its axes, a curve behind one only
//! what its results are rounded to: both are exact, however steep they are, and cost a look-up.
//! That keeps steps (posterize) and steep curves (gamma) out of the cubes, which are for what is
//! smooth.

use std::sync::Arc;

use crate::color::{luminance, to_linear};
use crate::kernels::lut3::{BINS, Lut3, Place, Sum, bin_of, bin_value};
use crate::kernels::toned::Toned;
use crate::stage::{ColorFn, Sample, ToneFn};

mod grid;

use grid::{Grid, SIDE_MAX, SIDES, harden, soften};

/// The most cubes one after the other: more are no faster than the functions.
const CUBES_MAX: usize = 4;

/// For each bin where its value lies in the cube behind, channel by channel.
type Joint = Box<[[Place; 3]; BINS]>;

/// A chain of color functions as tables.
pub(super) struct Fused {
    /// Where 8-bit levels lie in the first cube.
    levels: Box<[[Place; 3]; 256]>,
    /// Where values between levels lie in the first cube; only where they are asked for.
    fine: Option<Joint>,
    cubes: Vec<Lut3>,
    /// Between the cubes.
    joints: Vec<Joint>,
    exit: Exit,
    /// The curves behind the last cube, and the tone at the end.
    tail: Vec<ColorFn>,
}

/// What becomes of the results of the last cube.
enum Exit {
    /// They are rounded.
    Plain,
    /// They are rounded to these.
    Levels(Box<[[u8; 3]; BINS]>),
    /// They are toned.
    Toned(Toned),
}

/// A cut of a chain: curves, and the functions between them that become a cube each.
struct Cut<'a> {
    /// The curves in front of each cube.
    curves: Vec<&'a [ColorFn]>,
    cubes: Vec<(&'a [ColorFn], Grid)>,
    tail: &'a [ColorFn],
    /// A tone at the end: of one luminance, it needs no cube.
    tone: Option<(&'a ToneFn, f32)>,
}

/// Tables and what they cost to make.
#[derive(Clone)]
pub(super) struct Baked {
    fused: Arc<Fused>,
    /// In pixels that could have been computed instead.
    cost: u64,
}

/// What a chain is fused for.
#[derive(Clone)]
pub(super) struct Purpose {
    /// How many pixels it is for: tables that cost more than they save are not made.
    pub(super) pixels: u64,
    /// How far from the functions the result may be, in levels of 255.
    pub(super) tolerance: f32,
    /// Whether it will be asked for colors between 8-bit levels.
    pub(super) fine: bool,
    /// What is done to its results later on: steep functions need better tables before them.
    pub(super) then: Vec<ColorFn>,
}

/// What is known of a chain before it is cut.
struct Trial<'a> {
    points: Vec<[u8; 3]>,
    exact: Vec<[f32; 3]>,
    purpose: &'a Purpose,
    /// How many points may be on the wrong side of a step.
    astray_max: usize,
}

/// The functions, one after the other, without clamping in between.
pub(super) fn eval(chain: &[ColorFn], rgb: [f32; 3]) -> [f32; 3] {
    chain.iter().fold(rgb, |rgb, function| function.eval(rgb))
}

/// The tables of a look are kept, and pay for themselves over so many images.
const LOOK_USES: u64 = 16;

/// The chain as tables, or `None` where none that are worth it stay within the tolerance. The
/// answer does not depend on what was asked before.
pub(super) fn fuse(chain: &[ColorFn], purpose: &Purpose) -> Option<Arc<Fused>> {
    let (baked, uses) = match chain {
        [ColorFn::Look(look, strength)] if !purpose.fine && purpose.then.is_empty() => {
            (look.baked(*strength, purpose), LOOK_USES)
        }
        _ => (bake(chain, purpose), 1),
    };
    baked.filter(|baked| baked.cost <= uses * purpose.pixels).map(|baked| baked.fused)
}

/// Makes the tables.
pub(super) fn bake(chain: &[ColorFn], purpose: &Purpose) -> Option<Baked> {
    let pixels = purpose.pixels;
    let points = points();
    let mut spent = points.len() as u64;
    if spent > pixels {
        return None;
    }
    let exact = |rgb: &[u8; 3]| eval(&purpose.then, eval(chain, to_unit(*rgb)));
    let exact = points.iter().map(exact).collect();
    // Whatever comes before a step, a color next to it may land on its other side.
    let steps =
        chain.iter().chain(&purpose.then).any(|function| matches!(function, ColorFn::Steps(_)));
    let astray_max = if steps { points.len() / 100 } else { 0 };
    let trial = Trial { points, exact, purpose, astray_max };
    for cut in cuts(chain) {
        // Tables may cost as much as they save, no more.
        let nodes = cut.cubes.iter().map(|(_, grid)| grid.side.pow(3) as u64).sum::<u64>();
        spent += nodes + trial.points.len() as u64 / 4;
        if spent > pixels {
            return None;
        }
        let fused = Fused::new(&cut, &trial.points, purpose.fine);
        if fused.is_within(&trial) {
            return Some(Baked { fused: Arc::new(fused), cost: spent });
        }
    }
    None
}

/// Whether it is a function of each channel by itself.
pub(super) fn is_curve(function: &ColorFn) -> bool {
    matches!(function, ColorFn::Curves(_) | ColorFn::Steps(_))
}

/// The ways to cut a chain: a tone at its end apart, if something is left for a cube; as one.
fn cuts(chain: &[ColorFn]) -> Vec<Cut<'_>> {
    let mut all = Vec::new();
    if let Some((ColorFn::Tone(tone, strength), before)) = chain.split_last() {
        let toned = |cut| Cut { tone: Some((tone, *strength)), ..cut };
        all.extend(plain_cuts(before).into_iter().map(toned));
    }
    all.extend(plain_cuts(chain));
    all
}

/// Cheapest first: curves at the ends apart; all curves apart; every function apart.
fn plain_cuts(chain: &[ColorFn]) -> Vec<Cut<'_>> {
    let lead = chain.iter().take_while(|function| is_curve(function)).count();
    let tail = chain[lead..].iter().rev().take_while(|function| is_curve(function)).count();
    let (lead, rest) = chain.split_at(lead);
    let (body, tail) = rest.split_at(rest.len() - tail);
    if body.is_empty() {
        return Vec::new();
    }
    let is_look = |function: &ColorFn| matches!(function, ColorFn::Look(..));
    let own_grid = |part: &[ColorFn]| match part {
        [ColorFn::Look(look, _)] if look.side() > SIDES[1] => Grid::even(look.side()),
        part if part.iter().any(is_look) => Grid::even(SIDES[1]),
        _ => Grid::DARK,
    };
    let mut cuts = Vec::new();
    let whole = |grid| Cut { curves: vec![lead], cubes: vec![(body, grid)], tail, tone: None };
    match own_grid(body).side {
        side if side > SIDE_MAX => {}
        side if side > SIDES[1] => cuts.push(whole(Grid::even(side))),
        _ if body.iter().any(is_look) => cuts.extend(SIDES.map(Grid::even).map(whole)),
        _ => cuts.extend([Grid::even(SIDES[0]), Grid::DARK, Grid::SOFT].map(whole)),
    }
    for join in [true, false] {
        let mut cut = Cut { curves: vec![lead], cubes: Vec::new(), tail, tone: None };
        let runs = body.chunk_by(|a, b| is_curve(a) == is_curve(b) && (join || is_curve(a)));
        let mut after_cube = false;
        for run in runs {
            if is_curve(&run[0]) {
                cut.curves.push(run);
                after_cube = false;
                continue;
            }
            if after_cube {
                cut.curves.push(&[]);
            }
            cut.cubes.push((run, own_grid(run)));
            after_cube = true;
        }
        let fits = cut.cubes.iter().all(|(_, grid)| grid.side <= SIDE_MAX);
        if fits && (2..=CUBES_MAX).contains(&cut.cubes.len()) {
            let soft = |grid: Grid| if grid.spacing > 1.0 { Grid::SOFT } else { grid };
            let cubes = cut.cubes.iter().map(|(run, grid)| (*run, soft(*grid))).collect();
            let softer = Cut { curves: cut.curves.clone(), cubes, tail, tone: None };
            cuts.extend([cut, softer]);
        }
    }
    cuts
}

impl Fused {
    fn new(cut: &Cut<'_>, points: &[[u8; 3]], fine: bool) -> Self {
        let mut colors: Vec<[f32; 3]> = points.iter().map(|rgb| to_unit(*rgb)).collect();
        let mut cubes: Vec<Lut3> = Vec::new();
        let mut joints: Vec<Joint> = Vec::new();
        // What brings the results of the cube before back to sRGB.
        let mut back: Option<ColorFn> = None;
        for (curves, (body, grid)) in cut.curves.iter().zip(&cut.cubes) {
            colors.iter_mut().for_each(|rgb| *rgb = eval(curves, *rgb));
            let map = |rgb| match grid.soft {
                true => eval(body, rgb).map(soften),
                false => eval(body, rgb),
            };
            let cube = Lut3::new(map, grid.side, range(&colors), grid.spacing);
            if !cubes.is_empty() {
                joints.push(joint(&cube, &after(back.take(), curves)));
            }
            cubes.push(cube);
            back = grid.soft.then(|| ColorFn::curve(harden));
            colors.iter_mut().for_each(|rgb| *rgb = eval(body, *rgb));
        }
        let (first, lead) = (&cubes[0], cut.curves[0]);
        let levels = filled(|level| places(first, lead, [level as f32 / 255.0; 3]));
        let fine = fine.then(|| joint(first, lead));
        let mut tail = after(back, cut.tail);
        let value = |bin| eval(&tail, [bin_value(bin); 3]);
        let rounded = |bin| value(bin).map(|v| u8::from_f32(v.clamp(0.0, 1.0) * 255.0));
        let exit = match cut.tone {
            Some((tone, strength)) => {
                let lights =
                    colors.iter().map(|rgb| luminance(eval(cut.tail, *rgb).map(to_linear)));
                let range = lights.fold([0.0, 1.0], |[low, high]: [f32; 2], light| {
                    [low.min(light), high.max(light)]
                });
                Exit::Toned(Toned::new(value, range, &**tone, strength))
            }
            None if tail.is_empty() => Exit::Plain,
            None => Exit::Levels(filled(rounded)),
        };
        tail.extend(cut.tone.map(|(tone, strength)| ColorFn::Tone(Arc::clone(tone), strength)));
        Self { levels, fine, cubes, joints, exit, tail }
    }

    /// Whether it differs from the exact functions by no more than the tolerance.
    fn is_within(&self, trial: &Trial) -> bool {
        let level = |value: f32| value.clamp(0.0, 1.0) * 255.0;
        let is_off = |(rgb, exact): (&[u8; 3], &[f32; 3])| {
            let ours = eval(&trial.purpose.then, self.of_levels(*rgb));
            (0..3).any(|c| (level(ours[c]) - level(exact[c])).abs() > trial.purpose.tolerance)
        };
        let mut astray = trial.points.iter().zip(&trial.exact).filter(|pair| is_off(*pair));
        astray.nth(trial.astray_max).is_none()
    }

    /// Through all cubes.
    #[inline(always)]
    fn sum(&self, places: [Place; 3]) -> Sum {
        let mut sum = self.cubes[0].sum(places);
        for (joint, cube) in self.joints.iter().zip(&self.cubes[1..]) {
            let [r, g, b] = sum.bins();
            sum = cube.sum([joint[r][0], joint[g][1], joint[b][2]]);
        }
        sum
    }

    #[inline(always)]
    fn places(&self, [r, g, b]: [u8; 3]) -> [Place; 3] {
        [self.levels[r as usize][0], self.levels[g as usize][1], self.levels[b as usize][2]]
    }

    /// The color from 0 to 1 that 8-bit levels become, not clamped.
    pub(super) fn of_levels(&self, rgb: [u8; 3]) -> [f32; 3] {
        eval(&self.tail, self.sum(self.places(rgb)).color())
    }

    /// The color that a color becomes, both from 0 to 1: of its nearest levels where `fine` was not
    /// asked for.
    pub(super) fn of_color(&self, rgb: [f32; 3]) -> [f32; 3] {
        let Some(fine) = &self.fine else {
            return self.of_levels(rgb.map(|value| u8::from_f32(value.clamp(0.0, 1.0) * 255.0)));
        };
        let [r, g, b] = rgb.map(bin_of);
        eval(&self.tail, self.sum([fine[r][0], fine[g][1], fine[b][2]]).color())
    }

    /// Changes the colors of a row of pixels of `N` samples (3, or 4 with alpha last).
    pub(super) fn apply_row<const N: usize>(&self, row: &mut [u8]) {
        let (pixels, _) = row.as_chunks_mut::<N>();
        match &self.exit {
            Exit::Plain if self.joints.is_empty() => {
                let cube = &self.cubes[0];
                for pixel in pixels {
                    let places = self.places([pixel[0], pixel[1], pixel[2]]);
                    pixel[..3].copy_from_slice(&cube.sum(places).levels());
                }
            }
            Exit::Plain => {
                for pixel in pixels {
                    let places = self.places([pixel[0], pixel[1], pixel[2]]);
                    pixel[..3].copy_from_slice(&self.sum(places).levels());
                }
            }
            Exit::Toned(toned) => {
                for pixel in pixels {
                    let places = self.places([pixel[0], pixel[1], pixel[2]]);
                    pixel[..3].copy_from_slice(&toned.color(self.sum(places).bins()));
                }
            }
            Exit::Levels(exit) => {
                for pixel in pixels {
                    let places = self.places([pixel[0], pixel[1], pixel[2]]);
                    let [r, g, b] = self.sum(places).bins();
                    pixel[..3].copy_from_slice(&[exit[r][0], exit[g][1], exit[b][2]]);
                }
            }
        }
    }
}

/// A curve and those behind it.
fn after(first: Option<ColorFn>, curves: &[ColorFn]) -> Vec<ColorFn> {
    first.into_iter().chain(curves.iter().cloned()).collect()
}

fn to_unit(rgb: [u8; 3]) -> [f32; 3] {
    rgb.map(|level| f32::from(level) / 255.0)
}

fn places(cube: &Lut3, curves: &[ColorFn], rgb: [f32; 3]) -> [Place; 3] {
    let values = eval(curves, rgb);
    std::array::from_fn(|c| cube.place(c, values[c]))
}

fn joint(cube: &Lut3, curves: &[ColorFn]) -> Joint {
    filled(|bin| places(cube, curves, [bin_value(bin); 3]))
}

/// An array on the heap.
pub(super) fn filled<T: Copy + Default, const N: usize>(
    value: impl Fn(usize) -> [T; 3],
) -> Box<[[T; 3]; N]> {
    let mut array = Box::new([[T::default(); 3]; N]);
    array.iter_mut().enumerate().for_each(|(index, entry)| *entry = value(index));
    array
}

/// The values that a cube has to cover: the colors there are, if they leave the usual range.
fn range(colors: &[[f32; 3]]) -> [[f32; 2]; 3] {
    std::array::from_fn(|c| {
        let values = colors.iter().map(|rgb| rgb[c].clamp(-1.0, 2.0));
        let (low, high) =
            values.fold((0.0f32, 1.0f32), |(low, high), value| (low.min(value), high.max(value)));
        [if low < -0.001 { low - 0.01 } else { 0.0 }, if high > 1.001 { high + 0.01 } else { 1.0 }]
    })
}

/// Colors spread over the cube so that they meet cells in their middles, on their faces and on the
/// gray axis; more of them where a channel is dark, as curves are steep there.
fn points() -> Vec<[u8; 3]> {
    let even: Vec<u8> = (0..18u32).map(|i| (i * 15 + 4).min(255) as u8).collect();
    let dark = [0, 1, 2, 3, 5, 7, 9, 11, 14, 18, 24, 32];
    let mixed = [0, 3, 11, 60, 130, 200, 255];
    let cube = |grid: &[u8]| {
        let pairs = grid.iter().flat_map(|r| grid.iter().map(move |g| [*r, *g]));
        pairs.flat_map(|[r, g]| grid.iter().map(move |b| [r, g, *b])).collect::<Vec<_>>()
    };
    let grays = (0..=255).map(|level| [level; 3]);
    grays.chain(cube(&dark)).chain(cube(&mixed)).chain(cube(&even)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smooth() -> ColorFn {
        ColorFn::Map(Arc::new(|[r, g, b]| {
            [0.8 * r + 0.2 * g * g, 0.9 * g + 0.1 * b, b - 0.1 * r * b]
        }))
    }

    fn purpose(pixels: u64) -> Purpose {
        Purpose { pixels, tolerance: 0.4, fine: true, then: Vec::new() }
    }

    fn steps() -> ColorFn {
        ColorFn::Steps(Arc::new(|_, value| (value.clamp(0.0, 1.0) * 3.0).round() / 3.0))
    }

    #[test]
    fn a_step_between_smooth_functions_stays_a_step() {
        let chain = [smooth(), steps(), smooth()];
        let all = cuts(&chain);
        let apart = all.iter().find(|cut| cut.cubes.len() == 2).unwrap();
        let fused = Fused::new(apart, &points(), false);
        let off = |rgb: [u8; 3]| {
            let (ours, exact) = (fused.of_levels(rgb), eval(&chain, to_unit(rgb)));
            (0..3).map(|c| (ours[c] - exact[c]).abs()).fold(0.0, f32::max)
        };
        let all = points();
        let far = all.iter().filter(|rgb| off(**rgb) > 0.5 / 255.0).count();
        assert!(far * 100 < all.len(), "{far} of {} are on the wrong side of a step", all.len());
    }

    #[test]
    fn steep_curves_at_the_ends_are_exact() {
        let steep = || ColorFn::curve(|value: f32| value.abs().powf(0.25).copysign(value));
        let chain = [steep(), smooth()];
        let fused = fuse(&chain, &purpose(1 << 20)).expect("tables that serve");
        for level in 0..=255u8 {
            let (ours, exact) = (fused.of_levels([level; 3]), eval(&chain, to_unit([level; 3])));
            let fine = fused.of_color(to_unit([level; 3]));
            for c in 0..3 {
                assert!((ours[c] - exact[c]).abs() < 0.4 / 255.0, "{level}: {ours:?} {exact:?}");
                assert!((fine[c] - exact[c]).abs() < 0.4 / 255.0, "{level}: {fine:?} {exact:?}");
            }
        }
    }

    #[test]
    fn perceptual_functions_become_tables() {
        use crate::color::{from_oklab, to_oklab};
        let saturated = ColorFn::Map(Arc::new(|rgb| {
            let [lightness, a, b] = to_oklab(rgb);
            from_oklab([lightness, a * 1.4, b * 1.4])
        }));
        assert!(fuse(&[saturated], &purpose(12_000_000)).is_some());
    }

    #[test]
    fn what_a_look_becomes_does_not_depend_on_what_it_was_before() {
        let look = || crate::kernels::look::Look::of(|[r, g, b]| [r * r, 0.5 * g + 0.5 * r, b]);
        let kept = look();
        let strengths = [0.3, 0.3, 1.0, 0.7, 0.5, 0.2, 0.3];
        let sizes = [1000, 1 << 20, 20_000, 1000, 1 << 24];
        for (strength, pixels) in strengths.iter().flat_map(|s| sizes.map(|pixels| (*s, pixels))) {
            let plain = Purpose { fine: false, ..purpose(pixels) };
            let levels = |look| {
                let fused = fuse(&[ColorFn::Look(look, strength)], &plain)?;
                Some(points().into_iter().map(|rgb| fused.of_levels(rgb)).collect::<Vec<_>>())
            };
            assert!(levels(Arc::clone(&kept)) == levels(look()), "{strength} {pixels}");
        }
    }

    #[test]
    fn tables_that_cost_more_than_they_save_are_not_made() {
        assert!(fuse(&[smooth()], &purpose(1000)).is_none());
    }
}
