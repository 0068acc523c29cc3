//! SVGs that are short and take long.

use imaging::ErrorKind;
use serde_json::json;

use crate::drawings::{pictures, refused, run, svg};

/// Each of ten shapes of a pattern is filled with the next pattern, or clipped by the next clip.
#[test]
fn drawings_that_draw_parts_of_them_again_and_again_are_refused() {
    let shapes = |next: u32, how: &str| -> String {
        let shape = |x: u32| format!("<rect x='{x}' width='5' height='5' {how}='url(#a{next})'/>");
        (0..10).map(shape).collect()
    };
    let square = "<rect width='5' height='5'/>";
    let pattern = |id: u32, inside: &str| {
        format!(
            "<pattern id='a{id}' width='20' height='20' patternUnits='userSpaceOnUse'>{inside}\
             </pattern>"
        )
    };
    let clip = |id: u32, inside: &str| format!("<clipPath id='a{id}'>{inside}</clipPath>");
    type Part<'a> = &'a dyn Fn(u32, &str) -> String;
    let nested = |depth: u32, part: Part<'_>, how: &str| {
        let parts: String = (0..depth).map(|i| part(i, &shapes(i + 1, how))).collect();
        let last = part(depth, square);
        svg(&format!("{parts}{last}<rect width='40' height='20' {how}='url(#a0)'/>"))
    };
    for (part, how) in [(&pattern as Part<'_>, "fill"), (&clip, "clip-path")] {
        pictures(&nested(3, part, how), "convert", &json!({"output_format": "png"}));
        refused(&nested(6, part, how), ErrorKind::Limit, "million shapes");
        refused(&nested(9, part, how), ErrorKind::Limit, "million elements");
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
