//! SVGs that are short and take long.

use imaging::ErrorKind;
use serde_json::json;

use crate::drawings::{pictures, refused, run, svg};

/// Each of ten shapes of a pattern is filled with the next pattern, or clipped by the next clip.
#[test]
fn drawings_that_draw_parts_of_them_again_and_again_are_refused() {
    let shapes = |i: u32, how: &str| -> String {
        let shape = |x: u32| format!("<rect x='{x}' width='5' height='5' {how}='url(#a{i})'/>");
        (0..10).map(shape).collect()
    };
    let pattern = |i: u32| {
        format!(
            "<pattern id='a{i}' width='20' height='20' patternUnits='userSpaceOnUse'>{}</pattern>",
            shapes(i + 1, "fill")
        )
    };
    let clip = |i: u32| format!("<clipPath id='a{i}'>{}</clipPath>", shapes(i + 1, "clip-path"));
    let nested = |depth: u32, part: &dyn Fn(u32) -> String, how: &str| {
        let parts: String = (0..depth).map(part).collect();
        svg(&format!("{parts}<rect width='40' height='20' {how}='url(#a0)'/>"))
    };
    for (part, how) in [(&pattern as &dyn Fn(u32) -> String, "fill"), (&clip, "clip-path")] {
        pictures(&nested(3, part, how), "convert", &json!({"output_format": "png"}));
        refused(&nested(8, part, how), ErrorKind::Limit, "million shapes");
    }
}

#[test]
fn a_chain_of_clips_takes_memory() {
    let clip = |i: u32| {
        let next = i + 1;
        format!(
            "<clipPath id='a{i}' clip-path='url(#a{next})'><rect width='40' height='20'/></clipPath>"
        )
    };
    let clips: String = (0..100).map(clip).collect();
    let file = svg(&format!("{clips}<rect width='40' height='20' clip-path='url(#a0)'/>"));
    let resize = json!({"operations": [{"type": "resize", "width": 4000}], "output_format": "png"});
    let error = run(&file, "transform", &resize).unwrap_err();
    assert!(error.message.contains("MB for layers"), "{}", error.message);
}
