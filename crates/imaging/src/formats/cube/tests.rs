use super::*;
use crate::{ErrorKind, Limits, format};

fn cube(head: &str, side: usize, row: impl Fn([f32; 3]) -> [f32; 3]) -> String {
    let mut text = format!("{head}\nLUT_3D_SIZE {side}\n");
    for i in 0..side.pow(3) {
        let at = [i % side, i / side % side, i / (side * side)];
        let [r, g, b] = row(at.map(|i| i as f32 / (side - 1) as f32));
        text.push_str(&format!("{r} {g} {b}\n"));
    }
    text
}

fn eval(text: &str, rgb: [f32; 3]) -> [f32; 3] {
    match parse(text.as_bytes()).unwrap() {
        Table::Cube(look, domain) => look.eval(std::array::from_fn(|c| domain.share(c, rgb[c]))),
        Table::Curves(curves, domain) => {
            std::array::from_fn(|c| crate::color::interpolate(&curves[c], domain.share(c, rgb[c])))
        }
    }
}

#[track_caller]
fn check(text: &str, rgb: [f32; 3], expected: [f32; 3]) {
    for (ours, expected) in eval(text, rgb).into_iter().zip(expected) {
        assert!((ours - expected).abs() < 1e-5, "{ours} {expected}");
    }
}

#[track_caller]
fn refused(text: &str, kind: ErrorKind, part: &str) {
    let at_the_door = format::header(text.as_bytes(), &Limits::default()).unwrap_err();
    let Err(error) = parse(text.as_bytes()) else { panic!("{text:?} was read") };
    assert_eq!((at_the_door.kind, &at_the_door.message), (kind, &error.message));
    assert!(error.message.contains(part), "{error}");
}

#[test]
fn red_runs_fastest() {
    let text = cube("TITLE \"swap\"\n# a comment", 5, |[r, g, b]| [g, b, r * 0.5]);
    check(&text, [0.1, 0.6, 0.9], [0.6, 0.9, 0.05]);
    let header = format::header(text.as_bytes(), &Limits::default()).unwrap();
    assert_eq!((header.format.name, header.size), ("cube", Size::new(5, 25)));
}

#[test]
fn the_domain_says_what_the_entries_stand_for() {
    let head = "DOMAIN_MIN -0.5 0 0\r\nDOMAIN_MAX 1.5 2 1\r";
    let text = cube(head, 3, |[r, g, b]| [r, g, b]);
    check(&text, [0.5, 1.0, 0.25], [0.5, 0.5, 0.25]);
    check(&text, [1.0, 0.5, 0.25], [0.75, 0.25, 0.25]);
    let resolve = "LUT_1D_SIZE 3\nLUT_1D_INPUT_RANGE 0.0 0.5\n0 0 0\n0.5 0.5 0.4\n1 1 1";
    check(resolve, [0.25, 0.125, 0.25], [0.5, 0.25, 0.4]);
}

#[test]
fn a_table_that_lies_about_itself_is_refused_at_the_door() {
    refused("LUT_3D_SIZE 1000000000\n0 0 0\n", ErrorKind::Limit, "at most 129");
    refused("LUT_3D_SIZE 99999999999999999999\n", ErrorKind::Input, "says its size is");
    refused("LUT_1D_SIZE 65537\n", ErrorKind::Limit, "at most 65536");
    refused("LUT_3D_SIZE 1\n0 0 0\n", ErrorKind::Input, "1 entries an axis");
    refused("LUT_1D_SIZE 2\n0 0 0\n", ErrorKind::Input, "after 1 of 2 entries");
    refused("LUT_1D_SIZE 2\n0 0 0\n1 1 1\n2 2 2\n", ErrorKind::Input, "more than its 2");
    for row in ["0 0 nan", "nan 0 0", "inf 0 0", "-inf 0 0", "NaN NaN NaN", "0 0"] {
        let part = format!("3 finite numbers where it has {row:?}");
        refused(&format!("LUT_1D_SIZE 2\n{row}\n1 1 1\n"), ErrorKind::Input, &part);
    }
    refused("# nothing\n\n\n\n\n\n\n\n\n\n\n\n\n", ErrorKind::Input, "before it says its size");
    refused("LUT_1D_SIZE 2\nLUT_3D_SIZE 2\n", ErrorKind::Unsupported, "twice");
    refused("LUT_1D_SIZE 2\nDOMAIN_MAX 0 1 1\n0 0 0\n1 1 1\n", ErrorKind::Input, "empty domain");
    refused(&format!("# {}\n", "a".repeat(2000)), ErrorKind::Input, "more than 1024 bytes");
}
