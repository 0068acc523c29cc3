//! Bounds on what a drawing costs that its length does not show.

use std::collections::HashMap;

use resvg::tiny_skia::Transform;
use resvg::usvg::{Group, Node, Tree};

use crate::{Error, Result, Size};

/// The most memory for layers: groups that are drawn apart, masks, results of filters.
const LAYERS_MAX: f64 = 640.0 * 1024.0 * 1024.0;

/// Refuses a drawing whose layers, as they lie in each other, take too much memory at this size.
pub(super) fn check_layers(tree: &Tree, size: Size) -> Result<()> {
    let across = size.width as f32 / tree.size().width();
    let down = size.height as f32 / tree.size().height();
    let mut layers =
        Layers { scale: Transform::from_scale(across, down), size, seen: HashMap::new() };
    let bytes = layers.bytes(tree.root());
    if bytes > LAYERS_MAX {
        return Err(Error::limit(format!(
            "the SVG needs {:.0} MB for layers at {size}, and may have {:.0}",
            bytes / 1024.0 / 1024.0,
            LAYERS_MAX / 1024.0 / 1024.0
        )));
    }
    Ok(())
}

struct Layers {
    scale: Transform,
    size: Size,
    /// Groups are shared: what each needs, by where it is.
    seen: HashMap<*const Group, f64>,
}

impl Layers {
    /// What is needed at once to draw a group.
    fn bytes(&mut self, group: &Group) -> f64 {
        let key = std::ptr::from_ref(group);
        if let Some(bytes) = self.seen.get(&key) {
            return *bytes;
        }
        let mut inner = 0.0_f64;
        for node in group.children() {
            match node {
                Node::Group(group) => inner = inner.max(self.bytes(group)),
                node => node.subroots(|root| inner = inner.max(self.bytes(root))),
            }
        }
        let mut mask = group.mask();
        let mut count = f64::from(u8::from(group.should_isolate()));
        while let Some(next) = mask {
            count += 1.0;
            inner = inner.max(self.bytes(next.root()));
            mask = next.mask();
        }
        for filter in group.filters() {
            count += filter.primitives().len() as f64;
        }
        let bytes = inner + count * self.layer(group);
        self.seen.insert(key, bytes);
        bytes
    }

    /// The bytes of a layer for a group.
    fn layer(&self, group: &Group) -> f64 {
        let bounds = group.abs_layer_bounding_box().to_rect();
        let Some(bounds) = bounds.transform(self.scale) else { return 0.0 };
        let (width, height) = (f64::from(self.size.width), f64::from(self.size.height));
        let across = f64::from(bounds.right()).min(width) - f64::from(bounds.left()).max(0.0);
        let down = f64::from(bounds.bottom()).min(height) - f64::from(bounds.top()).max(0.0);
        4.0 * across.max(0.0) * down.max(0.0)
    }
}
