//! What every operation must keep, whoever writes it: one loop over the lists, nothing per
//! operation.

use imaging::image::Channels;
use imaging::{Input, Limits, Plan, Report, Size, catalog};
use serde_json::{Value, json};

use crate::pictures::{beside, decode, noise, png};

fn run(op: &catalog::ImageOpDoc, entry: Value, file: &[u8]) -> imaging::Result<Report> {
    let request = json!({ op.list_field: [entry], "output_format": "png" });
    let parsed = Plan::parse(op.operation, &request, &Limits::default());
    let (_, plan) = parsed.unwrap_or_else(|faults| panic!("{}: {faults:?}", op.name));
    let files = beside(op.name);
    let input = Input { filename: "in.png", bytes: file, files: &files };
    imaging::run(&plan, input, &Limits::default(), &())
}

#[test]
fn every_operation_and_parameter_is_documented() {
    for op in catalog::image_ops() {
        assert!(op.about.len() > 20 && op.about.ends_with('.'), "{}: {:?}", op.name, op.about);
        for (name, property) in op.schema["properties"].as_object().unwrap() {
            let documented = name == "type"
                || property["description"].as_str().is_some_and(|text| text.len() > 8);
            assert!(documented, "{}.{name} has no description", op.name);
        }
    }
}

#[test]
fn every_example_is_accepted_and_runs_on_the_smallest_images() {
    for op in catalog::image_ops() {
        for size in [Size::new(64, 48), Size::new(1, 1), Size::new(1, 9), Size::new(9, 1)] {
            for channels in [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba] {
                let file = png(&noise(size, channels, 7));
                let result = run(&op, op.example.clone(), &file);
                let report = result
                    .unwrap_or_else(|error| panic!("{} on {size} {channels:?}: {error}", op.name));
                let again = run(&op, op.example.clone(), &file).unwrap();
                assert_eq!(
                    report.outputs[0].bytes, again.outputs[0].bytes,
                    "{} is not deterministic",
                    op.name
                );
            }
        }
    }
    for operation in catalog::operations() {
        let parsed = Plan::parse(operation.name, &operation.example, &Limits::default());
        assert!(parsed.is_ok(), "{}: {parsed:?}", operation.name);
    }
}

#[test]
fn colors_do_not_touch_alpha() {
    let image = noise(Size::new(40, 30), Channels::Rgba, 3);
    let alpha = |samples: &[u8]| samples.chunks_exact(4).map(|pixel| pixel[3]).collect::<Vec<u8>>();
    let area = ["blur", "pixelate", "tilt_shift"];
    for op in catalog::image_ops()
        .iter()
        .filter(|op| op.operation == "filter" && !area.contains(&op.name))
    {
        let report = run(op, op.example.clone(), &png(&image)).unwrap();
        let result = decode(&report.outputs[0].bytes).with_channels(Channels::Rgba).unwrap();
        assert_eq!(alpha(result.samples()), alpha(image.samples()), "{}", op.name);
    }
}
