//! SVG and PDF: what is drawn at its own size, at others, and not at all.

use std::fs;
use std::path::Path;

use imaging::image::Packed;
use imaging::{Error, ErrorKind, Input, Limits, Plan, Report, Size};
use serde_json::{Value, json};

use crate::pictures::decode;

pub(crate) fn run(file: &[u8], operation: &str, request: &Value) -> Result<Report, Error> {
    let limits = Limits::default();
    let (_, plan) = Plan::parse(operation, request, &limits).expect("a good plan");
    imaging::run(&plan, Input::alone("drawing", file), &limits, &())
}

fn input(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs").join(name)).unwrap()
}

/// The outputs as pictures.
pub(crate) fn pictures(file: &[u8], operation: &str, request: &Value) -> Vec<Packed<u8>> {
    let report = run(file, operation, request).expect("a result");
    report.outputs.iter().map(|output| decode(&output.bytes)).collect()
}

fn png(file: &[u8], output: &Value) -> Packed<u8> {
    let request = json!({"output_format": "png", "output": output});
    pictures(file, "convert", &request).remove(0)
}

fn pixel(picture: &Packed<u8>, x: u32, y: u32) -> &[u8] {
    let count = picture.channels().count();
    let at = (y * picture.size().width + x) as usize * count;
    &picture.samples()[at..at + count]
}

pub(crate) fn svg(inside: &str) -> Vec<u8> {
    format!("<svg xmlns='http://www.w3.org/2000/svg' width='40' height='20'>{inside}</svg>").into()
}

#[test]
fn a_drawing_that_is_enlarged_is_drawn_larger() {
    let file = svg("<rect x='20' width='20' height='20' fill='#c00'/>");
    let request = json!({
        "operations": [{"type": "resize", "width": 1000}],
        "output_format": "png",
    });
    let report = run(&file, "transform", &request).unwrap();
    assert_eq!(report.warnings, []);
    let large = decode(&report.outputs[0].bytes);
    assert_eq!(large.size(), Size::new(1000, 500));
    assert_eq!(pixel(&large, 499, 250), [0, 0, 0, 0]);
    assert_eq!(pixel(&large, 500, 250), [204, 0, 0, 255]);
    let at_dpi = png(&file, &json!({"dpi": 960}));
    assert_eq!(at_dpi.size(), Size::new(400, 200));
    assert_eq!(pixel(&at_dpi, 199, 100)[3], 0);
    assert_eq!(pixel(&at_dpi, 200, 100), [204, 0, 0, 255]);
}

#[test]
fn resolution_and_size_can_both_be_asked_for() {
    for width in [7, 100, 999] {
        let request = json!({
            "operations": [{"type": "resize", "width": width}],
            "output_format": "png",
            "output": {"dpi": 333},
        });
        let picture = pictures(&input("shapes.svg"), "transform", &request).remove(0);
        assert_eq!(picture.size(), Size::new(width, width));
    }
}

#[test]
fn a_compressed_drawing_is_the_same_drawing() {
    let (plain, compressed) = (input("shapes.svg"), input("shapes.svgz"));
    assert_eq!(png(&plain, &json!({})), png(&compressed, &json!({})));
}

#[test]
fn text_is_drawn_in_every_script_with_fonts_of_our_own() {
    let picture = png(&input("scripts.svg"), &json!({"dpi": 96}));
    for row in 0..10 {
        let ink = (row * 22 + 4..row * 22 + 26)
            .flat_map(|y| (0..240).map(move |x| (x, y)))
            .filter(|(x, y)| pixel(&picture, *x, *y).last().is_some_and(|alpha| *alpha > 128))
            .count();
        assert!(ink > 60, "row {row}: {ink}");
    }
}

#[test]
fn nothing_outside_of_the_file_is_read() {
    let photo = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs/reference.png");
    let photo = photo.display();
    let file = svg(&format!(
        "<image href='{photo}' width='40' height='20'/>\
         <image href='file://{photo}' width='40' height='20'/>\
         <image href='http://127.0.0.1:9/a.png' width='40' height='20'/>\
         <use href='{photo}#a'/><script>alert(1)</script>"
    ));
    assert!(png(&file, &json!({})).samples().iter().all(|sample| *sample == 0));
}

#[test]
fn pictures_in_data_urls_are_drawn() {
    // One red pixel.
    let red = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAE\
               lFTkSuQmCC";
    let file = svg(&format!("<image href='data:image/png;base64,{red}' width='40' height='20'/>"));
    assert_eq!(pixel(&png(&file, &json!({})), 20, 10)[..3], [255, 0, 0]);
}

#[track_caller]
pub(crate) fn refused(file: &[u8], kind: ErrorKind, message: &str) {
    let error = run(file, "convert", &json!({"output_format": "png"})).unwrap_err();
    assert_eq!(error.kind, kind, "{}", error.message);
    assert!(error.message.contains(message), "{}", error.message);
}

#[test]
fn drawings_that_grow_are_refused() {
    let layers = "<g opacity='.9'>".repeat(200) + "<rect width='40' height='20'/>";
    let layers = svg(&(layers + &"</g>".repeat(200)));
    let request = json!({
        "operations": [{"type": "resize", "width": 4000}],
        "output_format": "png",
    });
    let error = run(&layers, "transform", &request).unwrap_err();
    assert!(error.message.contains("MB for layers"), "{}", error.message);
    let filtered = |filter: &str| {
        let filter = format!("<filter id='f'>{filter}</filter>");
        svg(&format!("{filter}<rect width='40' height='20' filter='url(#f)'/>"))
    };
    let request = |width: u32| {
        let resize = json!({"type": "resize", "width": width});
        json!({"operations": [resize], "output_format": "png"})
    };
    let wide = filtered("<feMorphology operator='dilate' radius='9'/>");
    assert!(run(&wide, "transform", &request(80)).is_ok());
    let matrix =
        filtered(&format!("<feConvolveMatrix order='40' kernelMatrix='{}'/>", "1 ".repeat(1600)));
    let octaves = filtered("<feTurbulence baseFrequency='.1' numOctaves='900000'/>");
    for (file, width) in [(wide, 3000), (matrix, 3000), (octaves, 40)] {
        let error = run(&file, "transform", &request(width)).unwrap_err();
        assert!(error.message.contains("billion samples"), "{}", error.message);
    }
    // Beside the canvas, and around it.
    let far = |rect: &str, region: &str| {
        let morphology = "<feMorphology operator='dilate' radius='20'/>";
        let filter = format!("<filter id='f' {region}>{morphology}</filter>");
        svg(&format!("{filter}<rect {rect} filter='url(#f)'/>"))
    };
    for file in [
        far("x='-40' width='40' height='20'", ""),
        far("width='40' height='20'", "x='-200%' y='-200%' width='500%' height='500%'"),
    ] {
        let error = run(&file, "transform", &request(1500)).unwrap_err();
        assert!(error.message.contains("billion samples"), "{}", error.message);
    }
    // A drawing without a size is judged at the scale at which it is drawn.
    let outline = "<filter id='f'><feMorphology operator='dilate' radius='2'/></filter>";
    let sizeless = format!(
        "<svg xmlns='http://www.w3.org/2000/svg'>{outline}\
         <rect width='20' height='20' filter='url(#f)'/></svg>"
    );
    assert!(run(sizeless.as_bytes(), "transform", &request(3000)).is_ok());
    let tens =
        |i: u32| format!("<g id='a{}'>{}</g>", i + 1, format!("<use href='#a{i}'/>").repeat(10));
    let bomb: String = (0..9).map(tens).collect();
    let bomb = svg(&format!("<g id='a0'><rect width='1' height='1'/></g>{bomb}<use href='#a9'/>"));
    refused(&bomb, ErrorKind::Limit, "million elements");
    refused(b"<!-- a page --><html><body>", ErrorKind::Unsupported, "first element is <html>");
    refused(&svg("<g>"), ErrorKind::Input, "not well-formed");
}

#[test]
fn what_the_bounds_allow_fits_the_stack_of_a_runner() {
    let deep = "<g opacity='.99'>".repeat(250) + "<rect width='9' height='9'/>";
    let deep = svg(&(deep + &"</g>".repeat(250)));
    let mask = |i: u32| {
        format!(
            "<mask id='a{}'><rect width='9' height='9' fill='#fff' mask='url(#a{i})'/></mask>",
            i + 1
        )
    };
    let masks: String = (0..120).map(mask).collect();
    let masks = svg(&format!("{masks}<rect width='9' height='9' mask='url(#a120)'/>"));
    let spans =
        svg(&format!("<text y='9'>{}x{}</text>", "<tspan>".repeat(250), "</tspan>".repeat(250)));
    let draw = move || [deep, masks, spans].map(|file| png(&file, &json!({})).size());
    let thread = std::thread::Builder::new().stack_size(8 << 20).spawn(draw).expect("a thread");
    assert_eq!(thread.join().expect("no overflow"), [Size::new(40, 20); 3]);
}

#[test]
fn pages_are_drawn_upright_within_their_crop_box() {
    let report = run(&input("two-pages.pdf"), "convert", &json!({"output_format": "png"})).unwrap();
    let codes: Vec<&str> = report.warnings.iter().map(|warning| &*warning.code).collect();
    assert_eq!(codes, ["rendered"]);
    let names: Vec<&str> = report.outputs.iter().map(|output| &*output.filename).collect();
    assert_eq!(names, ["drawing-1.png", "drawing-2.png"]);
    let [first, second] = [0, 1].map(|page| decode(&report.outputs[page].bytes));
    assert_eq!(first.size(), Size::new(200, 100));
    assert_eq!(pixel(&first, 20, 50), [255, 0, 0]);
    let dark = first.samples().chunks(3).filter(|pixel| *pixel == [0, 0, 0]).count();
    assert!(dark > 100, "the text is there: {dark}");
    // 72 by 36 points, a quarter turn clockwise: the lower left corner becomes the upper left.
    assert_eq!(second.size(), Size::new(75, 150));
    assert_eq!(pixel(&second, 10, 20), [0, 0, 255]);
    assert_eq!(pixel(&second, 60, 130), [0, 255, 0]);
    assert_eq!(pixel(&second, 10, 130), [255, 255, 255]);
}

#[test]
fn a_page_is_drawn_at_the_resolution_that_is_asked_for() {
    let output = json!({"dpi": 300, "pages": "2"});
    let request = json!({"output_format": "png", "output": output});
    let report = run(&input("two-pages.pdf"), "convert", &request).unwrap();
    assert_eq!(report.warnings, []);
    assert_eq!((report.outputs[0].width, report.outputs[0].height), (150, 300));
}

/// The largest difference of two pictures that must be of one size and kind.
fn difference(a: &Packed<u8>, b: &Packed<u8>) -> u8 {
    assert_eq!((a.size(), a.channels()), (b.size(), b.channels()));
    let pairs = a.samples().iter().zip(b.samples());
    pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
}

#[test]
fn what_is_written_as_pdf_is_read_back() {
    let photo = input("reference.png");
    let original = decode(&photo);
    for (output, tolerance) in [(json!({"lossless": true}), 1), (json!({"quality": 95}), 40)] {
        let request = json!({"output_format": "pdf", "output": output});
        let report = run(&photo, "convert", &request).unwrap();
        let back = png(&report.outputs[0].bytes, &json!({}));
        let off = difference(&original, &back);
        assert!(off <= tolerance, "{output}: {off}");
    }
}

#[test]
fn a_pdf_may_stand_behind_what_a_server_said() {
    let said = b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n\r\n";
    let file = [&said[..], &input("two-pages.pdf")].concat();
    let drawn = pictures(&file, "convert", &json!({"output_format": "png"}));
    let plain = pictures(&input("two-pages.pdf"), "convert", &json!({"output_format": "png"}));
    assert_eq!(drawn.len(), 2);
    for (drawn, plain) in drawn.iter().zip(&plain) {
        assert_eq!(difference(drawn, plain), 0);
    }
}

#[test]
fn what_shines_through_shows_the_paper() {
    let request = json!({"output_format": "pdf"});
    let file = svg("<rect width='20' height='20' fill='#f00' opacity='.5'/>");
    let pdf = run(&file, "convert", &request).unwrap().outputs.remove(0).bytes;
    let back = png(&pdf, &json!({}));
    assert_eq!(back.size(), Size::new(40, 20));
    assert!(pixel(&back, 10, 10)[1].abs_diff(128) <= 1 && pixel(&back, 10, 10)[0] == 255);
    assert_eq!(pixel(&back, 30, 10), [255, 255, 255]);
}

#[test]
fn pages_stay_in_order_when_they_go_from_pdf_to_pdf() {
    let request = json!({"output_format": "pdf", "output": {"lossless": true}});
    let report = run(&input("two-pages.pdf"), "convert", &request).unwrap();
    assert_eq!(report.outputs.len(), 1);
    let pages = pictures(&report.outputs[0].bytes, "convert", &json!({"output_format": "png"}));
    let drawn = pictures(&input("two-pages.pdf"), "convert", &json!({"output_format": "png"}));
    assert_eq!(pages.len(), 2);
    for (page, drawn) in pages.iter().zip(&drawn) {
        assert!(difference(page, drawn) <= 1);
    }
}

#[test]
fn a_resolution_becomes_the_size_of_the_page() {
    let request = json!({"output_format": "pdf", "output": {"dpi": 300}});
    let pdf = run(&input("reference.png"), "convert", &request).unwrap().outputs.remove(0).bytes;
    // 75 by 59 pixels at 300 to the inch are 18 by 14.16 points.
    assert!(memmem(&pdf, b"/MediaBox [0 0 18 14.16]"), "{}", String::from_utf8_lossy(&pdf[..600]));
}

fn memmem(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn broken_documents_say_so() {
    refused(b"%PDF-1.7 and nothing else to be seen", ErrorKind::Input, "the PDF is damaged");
    let file = input("two-pages.pdf");
    let huge = String::from_utf8(file).unwrap().replace("0 0 96 48", "0 0 900000000 4");
    refused(huge.as_bytes(), ErrorKind::Limit, "over the limit");
}

/// A stream with these entries.
fn stream(entries: &str, content: &str) -> String {
    format!("<<{entries}/Length {}>>stream\n{content}\nendstream", content.len())
}

/// A page of 96 by 48 points, 200 by 100 pixels, with what it draws from object 5 on.
fn page(entries: &str, content: &str, objects: &[String]) -> Vec<u8> {
    let first = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 96 48]/Contents 4 0 R{entries}>>"),
        stream("", content),
    ];
    let mut file = String::from("%PDF-1.4\n");
    let mut places = String::from("0000000000 65535 f \n");
    for (index, object) in first.iter().chain(objects).enumerate() {
        places += &format!("{:010} 00000 n \n", file.len());
        file += &format!("{} 0 obj\n{object}\nendobj\n", index + 1);
    }
    let (start, count) = (file.len(), objects.len() + 5);
    file += &format!("xref\n0 {count}\n{places}trailer\n<</Size {count}/Root 1 0 R>>\n");
    (file + &format!("startxref\n{start}\n%%EOF")).into()
}

const FORM: &str = "/Type/XObject/Subtype/Form/BBox[0 0 96 48]";
const TILE: &str = "/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 8 8]/Resources<<>>";
const FILL: &str = "1 0 0 rg 0 0 48 48 re f ";

/// So many forms, each of which draws the next one ten times.
fn tens(levels: usize) -> Vec<String> {
    let names = |next: usize| format!("{FORM}/Resources<</XObject<</F {next} 0 R>>>>");
    let draws = "/F Do ".repeat(10);
    let mut forms: Vec<String> = (6..5 + levels).map(|next| stream(&names(next), &draws)).collect();
    forms.push(stream(FORM, FILL));
    forms
}

#[track_caller]
fn draws_too_often(entries: &str, content: &str, objects: &[String]) {
    refused(&page(entries, content, objects), ErrorKind::Limit, "operators");
}

#[test]
fn forms_that_draw_each_other_without_end_are_refused() {
    let form = "/Resources<</XObject<</F 5 0 R>>>>";
    draws_too_often(form, "/F Do", &tens(12));
    // By names of the page, with which the renderer stops 50 forms deep.
    draws_too_often(form, "/F Do", &[stream(FORM, "/F Do /F Do")]);
    let annotation = "<</Type/Annot/Subtype/Square/Rect[0 0 96 48]/AP<</N 5 0 R>>>>";
    draws_too_often(&format!("/Annots[{annotation}]"), "", &tens(12));
    let mask = "/Resources<</ExtGState<</G<</SMask<</S/Luminosity/G 5 0 R>>>>>>>>";
    let group = format!("{FORM}/Group<</S/Transparency/CS/DeviceGray>>");
    let twice = "/G gs 0 0 9 9 re f 1 0 0 1 1 0 cm /G gs 0 0 9 9 re f";
    draws_too_often(mask, "/G gs 0 0 9 9 re f", &[stream(&group, twice)]);
}

#[test]
fn glyphs_and_tiles_that_are_drawn_too_often_are_refused() {
    let font = "<</Type/Font/Subtype/Type3/FontBBox[0 0 1 1]/FontMatrix[1 0 0 1 0 0]/FirstChar 65\
                /LastChar 65/Widths[1]/Encoding<</Differences[65/A]>>/CharProcs<</A 6 0 R>>>>";
    let fonts = "/Resources<</Font<</T 5 0 R>>>>";
    let shows_itself = stream("", "1 0 d0 BT /T 1 Tf (A) Tj ET");
    draws_too_often(fonts, "BT /T 1 Tf (A) Tj ET", &[font.to_owned(), shows_itself]);
    // Text that is filled and stroked is drawn twice, here in forty fonts in each other.
    let names = |next: usize| {
        font.replace("6 0 R", &format!("{} 0 R", next - 1))
            .replace("/CharProcs", &format!("/Resources<</Font<</T {next} 0 R>>>>/CharProcs"))
    };
    let doubled = stream("", "1 0 d0 BT 2 Tr /T 1 Tf (A) Tj ET");
    let fonts_in_fonts: Vec<String> =
        (0..40).flat_map(|level| [names(7 + 2 * level), doubled.clone()]).collect();
    let last = [font.replace("6 0 R", "86 0 R"), stream("", &format!("1 0 d0 {FILL}"))];
    let all = [&fonts_in_fonts[..], &last].concat();
    draws_too_often(fonts, "BT /T 1 Tf (A) Tj ET", &all);
    let costly = stream("", &format!("1 0 d0 {}", FILL.repeat(10_000)));
    let text = format!("BT /T 1 Tf [({})] TJ ET", "A".repeat(20_000));
    draws_too_often(fonts, &text, &[font.to_owned(), costly]);
    let patterns = "/Resources<</Pattern<</P 5 0 R>>>>";
    let tile = |step: &str| stream(&format!("{TILE}/XStep {step}/YStep {step}"), &FILL.repeat(30));
    draws_too_often(patterns, "/Pattern cs /P scn 0 0 96 48 re f", &[tile(".004")]);
    let fills = format!("/Pattern cs /P scn {}", "0 0 9 9 re f ".repeat(100_000));
    draws_too_often(patterns, &fills, &[tile(".8")]);
}

/// A tile in green, with steps so long.
fn tile(step: &str) -> String {
    let content = format!("0 1 0 rg {}", "0 0 8 8 re f ".repeat(30));
    stream(&format!("{TILE}/XStep {step}/YStep {step}"), &content)
}

#[test]
fn forms_that_restore_what_others_saved_are_counted() {
    let entries = "/Resources<</XObject<</F 5 0 R>>/Pattern<</P 6 0 R>>>>";
    let content = "/Pattern cs /P scn q 1 0 0 rg /F Do Q";
    let fills = "0 0 48 48 re f ".repeat(1_000);
    draws_too_often(entries, content, &[stream(FORM, &format!("Q Q Q {fills}")), tile(".08")]);
    let saves = format!("{}{fills}", "q ".repeat(2_000));
    draws_too_often(entries, content, &[stream(FORM, &saves), tile(".08")]);
    // Back to what the form began with.
    let once = "/Pattern cs /P scn /F Do";
    let back = |fills: &str| stream(FORM, &format!("1 0 0 rg Q {fills}"));
    draws_too_often(entries, once, &[back(&fills), tile(".08")]);
    let drawn = png(&page(entries, once, &[back("0 0 48 48 re f"), tile("8")]), &json!({}));
    assert_eq!(pixel(&drawn, 50, 50), [0, 255, 0]);
    // There is nothing costly to restore.
    let plain = stream(FORM, &format!("Q Q Q {FILL}"));
    let file = page("/Resources<</XObject<</F 5 0 R>>>>", "q 0 1 0 rg /F Do", &[plain]);
    assert_eq!(pixel(&png(&file, &json!({})), 50, 50), [255, 0, 0]);
    // What a page sets below where it began is what its annotations begin with.
    let annotation = "<</Type/Annot/Subtype/Square/Rect[0 0 96 48]/AP<</N 5 0 R>>>>";
    let annotated = format!("{entries}/Annots[{annotation}]");
    let objects = [stream(FORM, &fills), tile(".08")];
    draws_too_often(&annotated, "Q /Pattern cs /P scn", &objects);
}

#[test]
fn glyphs_that_give_a_shape_are_painted_like_their_text() {
    let font = "<</Type/Font/Subtype/Type3/FontBBox[0 0 48 48]/FontMatrix[1 0 0 1 0 0]\
                /FirstChar 65/LastChar 65/Widths[1]/Encoding<</Differences[65/A]>>\
                /CharProcs<</A 6 0 R>>>>";
    let entries = "/Resources<</Font<</T 5 0 R>>/Pattern<</P 7 0 R>>>>";
    let content = "BT /Pattern cs /P scn /T 1 Tf (A) Tj ET";
    let colors = format!("1 0 0 rg {}", "0 0 48 48 re f ".repeat(1_000));
    let glyph = |start: &str| stream("", &format!("{start} {colors}"));
    let objects = |start: &str| [font.to_owned(), glyph(start), tile(".08")];
    draws_too_often(entries, content, &objects("1 0 0 0 48 48 d1"));
    draws_too_often(entries, content, &objects(""));
    let drawn = png(&page(entries, content, &objects("1 0 d0")), &json!({}));
    assert_eq!(pixel(&drawn, 50, 50), [255, 0, 0]);
}

#[test]
fn many_forms_may_use_one_font_of_many_glyphs() {
    let names = |count: usize, first: usize, prefix: &str| {
        (0..count).map(|it| format!("/{prefix}{it} {} 0 R", first + it)).collect::<String>()
    };
    let font = format!(
        "<</Type/Font/Subtype/Type3/FontBBox[0 0 48 48]/FontMatrix[1 0 0 1 0 0]/FirstChar 65\
         /LastChar 65/Widths[1]/Encoding<</Differences[65/G0]>>/CharProcs<<{}>>>>",
        names(200, 6, "G")
    );
    let glyphs = (0..200).map(|_| stream("", "1 0 d0 1 0 0 rg 0 0 48 48 re f"));
    let form = stream(&format!("{FORM}/Resources<</Font<</T 5 0 R>>>>"), "BT /T 1 Tf (A) Tj ET");
    let forms = (0..500).map(|_| form.clone());
    let objects: Vec<String> = [font].into_iter().chain(glyphs).chain(forms).collect();
    let entries = format!("/Resources<</XObject<<{}>>>>", names(500, 206, "F"));
    let content: String = (0..500).map(|it| format!("/F{it} Do ")).collect();
    let drawn = png(&page(&entries, &content, &objects), &json!({}));
    assert_eq!(pixel(&drawn, 50, 50), [255, 0, 0]);
}

#[test]
fn forms_in_forms_and_patterns_are_drawn() {
    let mut objects = tens(3);
    objects.push(stream(&format!("{TILE}/XStep 8/YStep 8"), "0 1 0 rg 0 0 8 8 re f"));
    let entries = "/Resources<</XObject<</F 5 0 R>>/Pattern<</P 8 0 R>>>>";
    let file = page(entries, "/F Do /Pattern cs /P scn 48 0 48 24 re f", &objects);
    let drawn = png(&file, &json!({}));
    assert_eq!(drawn.size(), Size::new(200, 100));
    assert_eq!(pixel(&drawn, 50, 50), [255, 0, 0]);
    assert_eq!(pixel(&drawn, 158, 58), [0, 255, 0]);
    assert_eq!(pixel(&drawn, 158, 20), [255, 255, 255]);
}
