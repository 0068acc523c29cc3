use super::*;
use crate::kernels::coverage::Window;
use crate::{Size, fonts};
use tiny_skia_path::Transform;

fn setting(size: f32, width_max: Option<f32>) -> Setting<'static> {
    Setting {
        typeface: Typeface { family: fonts::SANS, weight: 400, italic: false },
        size,
        line_height: 1.25,
        align: None,
        width_max,
        full_width: false,
        breaks_words: true,
    }
}

fn set(text: &str) -> Block {
    Block::set(text, &setting(32.0, None))
}

#[test]
fn every_script_of_the_bundled_fonts_has_its_glyphs() {
    for text in [
        "Latin ÄÖÜ ß ﬁ",
        "Ελληνικά",
        "Кириллица",
        "العربية",
        "עברית",
        "हिन्दी",
        "ภาษาไทย",
        "中文字体",
        "日本語かな",
        "한국어",
        "😀👍🏽👩‍👩‍👧🇩🇪❤️",
        "→ ∑ ★ ✓",
    ] {
        let block = set(text);
        assert!(block.missing.is_empty(), "{text}: {:?}", block.missing);
        assert!(!block.outlines.is_empty(), "{text}");
    }
}

#[test]
fn what_no_font_has_is_named_once_and_drawn_as_a_box() {
    let block = set("a\u{13E3}\u{13E3}b\u{200D}\u{FE0F}");
    assert_eq!(block.missing, ['\u{13E3}']);
    let message = block.missing_message().unwrap();
    assert!(message.contains("U+13E3"), "{message}");
    assert!(block.width > set("ab").width, "the boxes take room");
    assert_eq!(set("ab").missing_message(), None);
}

#[test]
fn letters_are_joined_reordered_and_stacked() {
    // Alone, the letters of an Arabic word are wider than joined.
    let alone: f32 = ["س", "ل", "ا", "م"].iter().map(|letter| set(letter).width).sum();
    assert!(set("سلام").width < alone * 0.9);
    // The vowel sign i stands before its consonant, and the conjunct is one shape.
    let apart = set("क\u{200C}ष").width;
    assert!(set("क्ष").width < apart * 0.9);
    // Marks of Thai take no room.
    assert!((set("ที่").width - set("ท").width).abs() < 0.5);
}

#[test]
fn lines_run_from_right_to_left_where_the_script_does() {
    let left_of = |text: &str| {
        let block = Block::set(text, &Setting { full_width: true, ..setting(20.0, Some(400.0)) });
        block.outlines.iter().map(|path| path.bounds().left()).fold(f32::MAX, f32::min)
    };
    assert!(left_of("hello") < 10.0);
    assert!(left_of("שלום") > 300.0);
}

#[test]
fn lines_are_broken_between_words_and_within_words_that_are_too_long() {
    let lines = |block: &Block| (block.height / 40.0).round() as u32;
    let wrapped = Block::set("one two three", &setting(32.0, Some(100.0)));
    assert_eq!(lines(&wrapped), 3);
    assert!(wrapped.width <= 100.0);
    let broken = Block::set("incomprehensibilities", &setting(32.0, Some(100.0)));
    assert!(lines(&broken) >= 3 && broken.width <= 100.5, "{} {}", broken.width, broken.height);
    let kept = Setting { breaks_words: false, ..setting(32.0, Some(100.0)) };
    assert_eq!(lines(&Block::set("incomprehensibilities", &kept)), 1);
    assert_eq!(lines(&set("a\n\nb\r\nc")), 4);
}

#[test]
fn alignment_moves_the_shorter_lines() {
    let left_of_second = |align| {
        let block = Block::set("wide wide wide\ni", &Setting { align, ..setting(40.0, None) });
        let second = block.outlines[0].segments();
        let low = block.height / 2.0 + 5.0;
        second
            .filter_map(|segment| match segment {
                tiny_skia_path::PathSegment::MoveTo(p) if p.y > low => Some(p.x),
                _ => None,
            })
            .fold(f32::MAX, f32::min)
    };
    let (left, center, right) = (
        left_of_second(Some(Align::Left)),
        left_of_second(Some(Align::Center)),
        left_of_second(Some(Align::Right)),
    );
    assert!(left + 50.0 < center && center + 50.0 < right, "{left} {center} {right}");
    assert_eq!(left_of_second(None), left);
}

#[test]
fn families_are_known_in_any_case_and_listed_when_unknown() {
    assert_eq!(check_family("noto serif"), Ok("Noto Serif"));
    let message = check_family("Comic Sans").unwrap_err();
    assert!(message.contains("Noto Sans Mono"), "{message}");
}

#[test]
fn the_longest_text_in_lines_of_one_letter_is_drawn_only_where_it_is_seen() {
    let text = "ह\n".repeat(CHARACTERS_MAX as usize / 2);
    let block = Block::set(&text, &setting(32.0, Some(1.0)));
    assert!(block.height > 39_000.0);
    let look = Look::plain(crate::color::Color::WHITE);
    let lettering = Lettering { block, look, transform: Transform::identity() };
    let layer = lettering.draw(Window::full(Size::new(64, 48))).unwrap();
    assert!(layer.window.size.height <= 48 && layer.window.size.width <= 64);
}
