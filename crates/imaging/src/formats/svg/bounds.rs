//! Bounds on what a drawing costs that its length does not show.

use std::collections::HashMap;
use std::iter;
use std::ops::AddAssign;

use resvg::tiny_skia::Transform;
use resvg::usvg::{ClipPath, Group, ImageKind, Mask, Node, Paint, Path, Tree, filter};

use crate::{Error, Result, Size};

/// The most memory for layers: groups that are drawn apart, masks, results of filters.
const LAYERS_MAX: f64 = 640.0 * 1024.0 * 1024.0;
/// The most samples that filters may look at, in billions: some ten seconds.
const SAMPLES_MAX: f64 = 4.0;
/// The most shapes that may be drawn, in millions: some half a minute. What a drawing holds itself
/// is less; patterns, masks and clips draw it again.
const DRAWN_MAX: f64 = 2.0;
/// Pixels of the tile of a pattern that take as long as a shape.
const TILE_PIXELS: f64 = 50_000.0;
/// Bytes of a picture inside of the drawing that take as long, to decode them.
const PICTURE_BYTES: f64 = 200.0;

/// Refuses a drawing whose layers, as they lie in each other, take too much memory when it is drawn
/// at this scale and size, or whose filters or patterns take too long.
pub(super) fn check(tree: &Tree, scale: Transform, size: Size) -> Result<()> {
    let mut layers = Layers { scale, size, seen: HashMap::new() };
    let Cost { bytes, samples, drawn } = layers.cost(tree.root());
    if bytes > LAYERS_MAX {
        return Err(Error::limit(format!(
            "the SVG needs {:.0} MB for layers at {size}, and may have {:.0}",
            bytes / 1024.0 / 1024.0,
            LAYERS_MAX / 1024.0 / 1024.0
        )));
    }
    let billions = samples / 1e9;
    if billions > SAMPLES_MAX {
        return Err(Error::limit(format!(
            "the filters of the SVG look at {billions:.1} billion samples at {size}, and may at \
             {SAMPLES_MAX}; a smaller size or smaller radii help"
        )));
    }
    let millions = drawn / 1e6;
    if millions > DRAWN_MAX {
        return Err(Error::limit(format!(
            "the SVG draws {millions:.1} million shapes, those in patterns, masks and clips as \
             often as they are used, and may draw {DRAWN_MAX}"
        )));
    }
    Ok(())
}

/// What it takes to draw a group.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    /// Of layers, at once.
    bytes: f64,
    /// That filters look at, in all.
    samples: f64,
    /// Shapes, and what takes as long.
    drawn: f64,
}

/// One after the other.
impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.bytes = self.bytes.max(other.bytes);
        self.samples += other.samples;
        self.drawn += other.drawn;
    }
}

struct Layers {
    scale: Transform,
    size: Size,
    /// Groups are shared: what each needs, by where it is.
    seen: HashMap<*const Group, Cost>,
}

impl Layers {
    fn cost(&mut self, group: &Group) -> Cost {
        let key = std::ptr::from_ref(group);
        if let Some(cost) = self.seen.get(&key) {
            return *cost;
        }
        let mut cost = Cost::default();
        for node in group.children() {
            match node {
                Node::Group(group) => cost += self.cost(group),
                node => node.subroots(|root| cost += self.cost(root)),
            }
            cost.drawn += match node {
                Node::Group(_) | Node::Text(_) => 0.0,
                Node::Path(path) => 1.0 + self.tiles(path) / TILE_PIXELS,
                Node::Image(image) => match image.kind() {
                    ImageKind::SVG(_) => 0.0,
                    ImageKind::JPEG(data)
                    | ImageKind::PNG(data)
                    | ImageKind::GIF(data)
                    | ImageKind::WEBP(data) => 1.0 + data.len() as f64 / PICTURE_BYTES,
                },
            };
        }
        let masks = iter::successors(group.mask(), |mask| mask.mask()).map(Mask::root);
        let clips = iter::successors(group.clip_path(), |clip| clip.clip_path());
        let mut count = f64::from(u8::from(group.should_isolate()));
        for root in masks.chain(clips.map(ClipPath::root)) {
            count += 1.0;
            cost += self.cost(root);
        }
        let (width, height) = self.layer(group);
        let (across, down) = group.abs_transform().post_concat(self.scale).get_scale();
        for primitive in group.filters().iter().flat_map(|filter| filter.primitives()) {
            count += 1.0;
            let window = |radius: f32, scale: f32, most: f64| {
                (2.0 * f64::from(radius * scale) + 1.0).min(most)
            };
            cost.samples += width
                * height
                * match primitive.kind() {
                    filter::Kind::Morphology(it) => {
                        window(it.radius_x().get(), across, width)
                            * window(it.radius_y().get(), down, height)
                    }
                    filter::Kind::ConvolveMatrix(it) => {
                        f64::from(it.matrix().columns()) * f64::from(it.matrix().rows())
                    }
                    filter::Kind::Image(it) => {
                        cost += self.cost(it.root());
                        1.0
                    }
                    // A corner of a cell for each channel.
                    filter::Kind::Turbulence(it) => 16.0 * f64::from(it.num_octaves()),
                    _ => 1.0,
                };
        }
        cost.bytes += count * 4.0 * width * height;
        self.seen.insert(key, cost);
        cost
    }

    /// The pixels of the tiles of the patterns that a shape is drawn with.
    fn tiles(&self, path: &Path) -> f64 {
        let fill = path.fill().map(|fill| fill.paint());
        let stroke = path.stroke().map(|stroke| stroke.paint());
        let patterns = fill.into_iter().chain(stroke).filter_map(|paint| match paint {
            Paint::Pattern(pattern) => Some(pattern),
            _ => None,
        });
        let pixels = patterns.map(|pattern| {
            let turned = path.abs_transform().pre_concat(pattern.transform());
            let (across, down) = turned.post_concat(self.scale).get_scale();
            let (width, height) = (pattern.rect().width(), pattern.rect().height());
            f64::from(width * across) * f64::from(height * down)
        });
        pixels.sum()
    }

    /// The width and height of a layer for a group. It ends where the renderer ends it: at twice
    /// the canvas beyond each side.
    fn layer(&self, group: &Group) -> (f64, f64) {
        let bounds = group.abs_layer_bounding_box().to_rect();
        let Some(bounds) = bounds.transform(self.scale) else { return (0.0, 0.0) };
        let (width, height) = (f64::from(self.size.width), f64::from(self.size.height));
        let within = |from: f32, to: f32, side: f64| {
            (f64::from(to).min(3.0 * side) - f64::from(from).max(-2.0 * side)).max(0.0)
        };
        let across = within(bounds.left(), bounds.right(), width);
        (across, within(bounds.top(), bounds.bottom(), height))
    }
}
