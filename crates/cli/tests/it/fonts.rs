//! Fonts of the operator: from a folder to the pixels.

use std::path::Path;

use serde_json::json;

use crate::program::{Server, command, ended, photo, post, said};

/// A font file of the project.
fn font(name: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read(root.join("../../assets/fonts").join(name)).unwrap()
}

/// The same font under another name of the same length.
fn renamed(font: &[u8], from: &str, to: &str) -> Vec<u8> {
    let in_utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
    let (from, to) = (in_utf16(from), in_utf16(to));
    let mut renamed = font.to_vec();
    let places: Vec<_> =
        (0..renamed.len() - from.len()).filter(|at| renamed[*at..].starts_with(&from)).collect();
    assert!(!places.is_empty(), "the font has another name");
    places.iter().for_each(|at| renamed[*at..][..to.len()].copy_from_slice(&to));
    renamed
}

/// A folder with a photograph, and one of fonts in it: one under a name of its own, one broken,
/// one of emoji.
fn folder() -> tempfile::TempDir {
    let temp = tempfile::tempdir().unwrap();
    std::fs::copy(photo(), temp.path().join("photo.jpg")).unwrap();
    let fonts = temp.path().join("fonts");
    std::fs::create_dir_all(fonts.join("more")).unwrap();
    let acme = renamed(&font("NotoSerif-Bold.ttf"), "Noto Serif", "Acme Roman");
    std::fs::write(fonts.join("more/acme.ttf"), acme).unwrap();
    std::fs::write(fonts.join("broken.ttf"), b"<html>not here</html>").unwrap();
    let emoji = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fonts");
    std::fs::copy(emoji.join("NotoColorEmoji-subset.ttf"), fonts.join("emoji.ttf")).unwrap();
    temp
}

/// The picture that a text makes of the photograph; or what was said against it.
fn drawn(folder: &Path, fonts: &str, operation: &serde_json::Value) -> Result<Vec<u8>, String> {
    let pipeline = json!({"steps": [
        {"operation": "transform", "request": {"operations": [{"type": "resize", "width": 300}]}},
        {"operation": "compose", "request": {"operations": [operation]}},
        {"operation": "convert", "request": {"output_format": "bmp"}},
    ]});
    std::fs::write(folder.join("pipeline.json"), pipeline.to_string()).unwrap();
    let output = command(&["run", "pipeline.json", "photo.jpg", "-o", "-"])
        .env("IMAGEHQ_FONTS", fonts)
        .current_dir(folder)
        .output()
        .unwrap();
    if output.status.success() { Ok(output.stdout) } else { Err(said(&output)) }
}

#[test]
fn a_family_of_the_folder_is_drawn_with() {
    let temp = folder();
    let text = |family: &str, weight: u16| {
        json!({"type": "text_overlay", "text": "Hamburg", "font_size": "20%",
            "font_family": family, "font_weight": weight})
    };
    let acme = drawn(temp.path(), "fonts", &text("acme roman", 400)).unwrap();
    let serif = drawn(temp.path(), "", &text("Noto Serif", 700)).unwrap();
    let sans = drawn(temp.path(), "", &text("Noto Sans", 700)).unwrap();
    assert!(acme == serif, "the same outlines under another name");
    assert!(acme != sans);
    let said = drawn(temp.path(), "", &text("Acme Roman", 400)).unwrap_err();
    assert!(said.contains("unknown font family") && said.contains("Noto Serif"), "{said}");
    let said = drawn(temp.path(), "fonts", &text("Acme Romann", 400)).unwrap_err();
    assert!(said.contains("did you mean \"Acme Roman\""), "{said}");
    let said = drawn(temp.path(), "nowhere", &text("Acme Roman", 400)).unwrap_err();
    assert!(said.contains("nowhere"), "{said}");
}

#[test]
fn emoji_are_drawn_in_color_when_the_folder_has_them() {
    let temp = folder();
    // Yellow and red on a gray picture, in every operation that writes text.
    let colors = |fonts: &str, text: &serde_json::Value| {
        let pixels = drawn(temp.path(), fonts, text).unwrap();
        let body = &pixels[pixels.len() - 300 * 100 * 3..];
        let is_yellow = |bgr: &&[u8]| bgr[2] > 200 && bgr[1] > 140 && bgr[0] < 110;
        body.chunks_exact(3).filter(is_yellow).count()
    };
    for text in [
        json!({"type": "text_overlay", "text": "😀😀", "x": 10, "y": 10, "font_size": 80}),
        json!({"type": "text_overlay", "text": "😀😀", "x": 20, "y": 20, "font_size": 60,
            "rotation": 20, "shadow_color": "#000"}),
        json!({"type": "watermark", "text": "😀", "position": "top", "opacity": 100}),
        json!({"type": "meme_text", "top_text": "😀😀"}),
        json!({"type": "annotate", "shape": "text", "x": 10, "y": 10, "text": "😀😀",
            "font_size": 80}),
    ] {
        let (with, without) = (colors("fonts", &text), colors("", &text));
        assert!(with > without + 500, "{text}: {with} and {without}");
    }
}

#[test]
fn emoji_in_drawings_have_colors_too() {
    let temp = folder();
    let svg = r#"<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90">
        <text x="10" y="70" font-size="60">😀</text></svg>"#;
    std::fs::write(temp.path().join("face.svg"), svg).unwrap();
    let yellow = |fonts: &str| {
        let arguments = ["run", "face.svg", "-o", "-", "convert:output_format=bmp"];
        let mut command = command(&arguments);
        let output = command.env("IMAGEHQ_FONTS", fonts).current_dir(temp.path()).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        let header = u32::from_le_bytes(output.stdout[10..14].try_into().unwrap()) as usize;
        let bytes = usize::from(output.stdout[28]) / 8;
        let pixels = output.stdout[header..].chunks_exact(bytes);
        pixels.filter(|bgr| bgr[2] > 200 && bgr[1] > 140 && bgr[0] < 110).count()
    };
    assert_eq!(yellow(""), 0);
    assert!(yellow("fonts") > 500, "{}", yellow("fonts"));
}

#[tokio::test]
async fn a_server_knows_the_families_and_says_what_is_wrong_with_others() {
    let temp = folder();
    let fonts = temp.path().join("fonts");
    let fonts = [("IMAGEHQ_FONTS", fonts.to_str().unwrap())];
    let server = Server::start(&temp.path().join("data"), &fonts);
    let pipeline = |family: &str| {
        json!({"steps": [{"operation": "compose", "request": {"operations": [
            {"type": "text_overlay", "text": "Hamburg", "font_family": family}]}}]})
        .to_string()
    };
    let file = std::fs::read(photo()).unwrap();
    let accepted = post(&server, file.clone(), &pipeline("Acme Roman")).await;
    let job = ended(&server, &accepted).await;
    assert_eq!(job["status"], "succeeded", "{job}");
    let file = reqwest::multipart::Part::bytes(file).file_name("photo.jpg");
    let form = reqwest::multipart::Form::new().part("files[]", file);
    let form = form.text("request", pipeline("Acme Romen"));
    let url = format!("{}/v1/pipeline", server.url);
    let refused = reqwest::Client::new().post(url).multipart(form).send().await.unwrap();
    assert_eq!(refused.status(), 422);
    let text = refused.text().await.unwrap();
    assert!(text.contains("did you mean") && text.contains("Acme Roman"), "{text}");
    assert!(text.contains("/steps/0/request/operations/0/font_family"), "{text}");
}

#[test]
fn doctor_lists_the_fonts_and_how_to_get_emoji() {
    let temp = folder();
    let doctor = |fonts: &str| {
        let output = command(&["doctor"])
            .env("IMAGEHQ_FONTS", fonts)
            .current_dir(temp.path())
            .output()
            .unwrap();
        said(&output)
    };
    let with = doctor("fonts");
    for expected in ["2 files in fonts", "Acme Roman", "Noto Color Emoji", "broken.ttf"] {
        assert!(with.contains(expected), "{expected} is not in: {with}");
    }
    let without = doctor("");
    assert!(without.contains("apt-get install -y fonts-noto-color-emoji"), "{without}");
}
