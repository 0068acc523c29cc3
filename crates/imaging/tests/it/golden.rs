//! Golden images: what every operation does to a small portrait, and what particular cases must
//! look like.
//!
//! `tests/golden/<operation>/example.png` is what the example of an operation gives; beside it
//! `<case>.json` names an input and steps, and `<case>.png` shows the result; file 1 of the request
//! is `tests/inputs/logo.png`. Run with
//! `GOLDEN=accept` (or
//! `make golden`) to write what is missing or has changed, and look at it before it is committed.

use std::fs;
use std::path::{Path, PathBuf};

use imaging::image::{Channels, Packed};
use imaging::{Input, Limits, Plan, Size, catalog};
use serde_json::{Value, json};

use crate::pictures::{beside, decode, png};

struct Case {
    name: String,
    input: String,
    steps: Value,
    tolerance: u8,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn cases() -> Vec<Case> {
    let example = |op: catalog::ImageOpDoc| Case {
        name: format!("{}/example", op.name),
        input: "portrait.png".to_owned(),
        steps: json!([{ "operation": op.operation, "request": { op.list_field: [op.example] } }]),
        tolerance: 1,
    };
    let mut cases: Vec<Case> = catalog::image_ops().into_iter().map(example).collect();
    for folder in fs::read_dir(root().join("golden"))
        .expect("the golden folder")
        .map(|entry| entry.unwrap().path())
    {
        for file in fs::read_dir(&folder).expect("a folder").map(|entry| entry.unwrap().path()) {
            if file.extension().is_some_and(|extension| extension == "json") {
                let case: Value =
                    serde_json::from_slice(&fs::read(&file).unwrap()).expect("a case is JSON");
                let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
                cases.push(Case {
                    name: format!("{}/{}", name(&folder), name(&file)),
                    input: case["input"].as_str().expect("an input").to_owned(),
                    steps: case["steps"].clone(),
                    tolerance: case["tolerance"].as_u64().unwrap_or(1) as u8,
                });
            }
        }
    }
    cases
}

fn run(case: &Case) -> Packed<u8> {
    let bytes = fs::read(root().join("inputs").join(&case.input)).expect("an input file");
    let mut steps = case.steps.clone();
    let as_png = json!({"operation": "convert", "request": {"output_format": "png", "output": {"bit_depth": 8}}});
    steps.as_array_mut().expect("steps").push(as_png);
    let request = json!({ "steps": steps });
    let (_, plan) = Plan::parse("pipeline", &request, &Limits::default()).expect("a good plan");
    let files = beside(&case.steps.to_string());
    let input = Input { filename: &case.input, bytes: &bytes, files: &files };
    decode(&imaging::run(&plan, input, &Limits::default(), &()).expect("a result").outputs[0].bytes)
}

#[test]
fn every_result_looks_as_it_did_when_it_was_looked_at() {
    let accept = std::env::var_os("GOLDEN").is_some_and(|value| value == "accept");
    let mut wrong = Vec::new();
    for case in cases() {
        let path = root().join("golden").join(format!("{}.png", case.name));
        let actual = run(&case);
        let expected = fs::read(&path).ok().map(|file| decode(&file));
        let off = expected.as_ref().map(|expected| difference(expected, &actual));
        if off.is_some_and(|off| off <= case.tolerance) {
            continue;
        }
        if accept {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, png(&actual)).unwrap();
            continue;
        }
        let report = report(&case.name, expected.as_ref(), &actual);
        wrong.push(format!("{}: off by {off:?}, see {}", case.name, report.display()));
    }
    assert!(wrong.is_empty(), "{} of the golden images differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// The largest difference of a sample; everything when the sizes differ.
fn difference(a: &Packed<u8>, b: &Packed<u8>) -> u8 {
    if a.size() != b.size() {
        return 255;
    }
    let rgba = |packed: &Packed<u8>| packed.clone().with_channels(Channels::Rgba).unwrap();
    let (a, b) = (rgba(a), rgba(b));
    a.samples().iter().zip(b.samples()).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
}

/// Writes expected, difference (eight times) and actual side by side.
fn report(name: &str, expected: Option<&Packed<u8>>, actual: &Packed<u8>) -> PathBuf {
    let size = actual.size();
    let rgb = |packed: &Packed<u8>| packed.clone().with_channels(Channels::Rgb).unwrap();
    let black = Packed::new(size, Channels::Rgb, vec![0; size.area() as usize * 3]);
    let actual = rgb(actual);
    let expected = expected.filter(|expected| expected.size() == size).map_or(black.clone(), rgb);
    let mut off = black;
    for (i, sample) in off.samples_mut().iter_mut().enumerate() {
        *sample = expected.samples()[i].abs_diff(actual.samples()[i]).saturating_mul(8);
    }
    let rows = expected.rows().zip(off.rows()).zip(actual.rows());
    let samples = rows.flat_map(|((a, b), c)| [a, b, c].concat()).collect();
    let sheet = Packed::new(Size::new(size.width * 3, size.height), Channels::Rgb, samples);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("golden");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{}.png", name.replace('/', "-")));
    fs::write(&path, png(&sheet)).unwrap();
    path
}
