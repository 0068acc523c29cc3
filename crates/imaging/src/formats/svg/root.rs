//! The start of an SVG: everything up to its first tag, and the size that the tag says (SVG 2,
//! 8.2; CSS Images 3, 5.1).

use crate::{Error, Result, Size};

/// What the first tag of a file says of the size of the drawing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Root {
    width: Option<Length>,
    height: Option<Length>,
    /// Width and height of the view box.
    view: Option<(f64, f64)>,
}

/// A length on the root element.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Length {
    /// In pixels.
    Pixels(f64),
    /// Of what it is in, where 1 is all of it.
    Part(f64),
}

/// What is drawn without a size, as browsers do.
pub(super) const DEFAULT: (f64, f64) = (300.0, 150.0);
/// The size of letters that nothing is said of, as in browsers.
pub(super) const FONT_SIZE: f64 = 16.0;

const ENDS_EARLY: &str = "the SVG ends before its first tag does, or that tag comes too late";

impl Root {
    /// Reads it from the first part of a file.
    pub(super) fn read(text: &str) -> Result<Self> {
        let tag = first_tag(text)?;
        let (name, mut rest) = tag.split_at(tag.find(is_end_of_name).unwrap_or(tag.len()));
        if name.rsplit(':').next() != Some("svg") {
            return Err(Error::unsupported(format!(
                "not an image: the file is XML or HTML, but its first element is <{}>, not <svg>",
                name.chars().take(40).collect::<String>()
            )));
        }
        let mut root = Self::default();
        while let Some((name, value)) = next_attribute(&mut rest)? {
            match name {
                "width" => root.width = length(value),
                "height" => root.height = length(value),
                "viewBox" => root.view = view(value),
                _ => {}
            }
        }
        Ok(root)
    }

    /// Whether it has a view box. Without one the canvas of `usvg` is what is drawn.
    pub(super) fn has_view(&self) -> bool {
        self.view.is_some()
    }

    /// The drawing's own size in pixels.
    pub(super) fn size(&self) -> Result<Size> {
        let (width, height) = self.lengths();
        if !(width > 0.0 && height > 0.0) {
            return Err(Error::input("the SVG says that it has no width or no height"));
        }
        let whole = |length: f64| ((length + 0.5).floor() as u32).max(1);
        Ok(Size::new(whole(width), whole(height)))
    }

    fn lengths(&self) -> (f64, f64) {
        let within = self.view.unwrap_or(DEFAULT);
        let of = |length: Option<Length>, whole: f64| match length {
            Some(Length::Pixels(pixels)) => pixels,
            Some(Length::Part(part)) => part * whole,
            None => whole,
        };
        let (width, height) = (of(self.width, within.0), of(self.height, within.1));
        match (self.width, self.height, self.view) {
            (Some(_), None, Some((across, down))) => (width, width * down / across),
            (None, Some(_), Some((across, down))) => (height * across / down, height),
            _ => (width, height),
        }
    }
}

/// The inside of the first tag: its name and attributes.
fn first_tag(text: &str) -> Result<&str> {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        let after = if rest.starts_with("<?") {
            rest.split_once("?>").map(|(_, after)| after)
        } else if let Some(comment) = rest.strip_prefix("<!--") {
            comment.split_once("-->").map(|(_, after)| after)
        } else if rest.starts_with("<!") {
            end_of_tag(rest).map(|end| &rest[end + 1..])
        } else {
            break;
        };
        rest = after.ok_or_else(|| Error::input(ENDS_EARLY))?.trim_start();
    }
    let inside = rest.strip_prefix('<').ok_or_else(|| match rest.is_empty() {
        true => Error::input(ENDS_EARLY),
        false => Error::unsupported("not an image: the file starts like XML, but has no tag"),
    })?;
    let end = end_of_tag(inside).ok_or_else(|| Error::input(ENDS_EARLY))?;
    Ok(inside[..end].trim_end_matches('/'))
}

/// Where a tag ends: at the first `>` that stands neither in quotes nor, as a document type has
/// them, in brackets.
fn end_of_tag(text: &str) -> Option<usize> {
    let mut brackets = 0_u32;
    let mut quote = None;
    text.bytes().position(|byte| {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'[') => brackets += 1,
            (None, b']') => brackets = brackets.saturating_sub(1),
            (None, b'>') => return brackets == 0,
            _ => {}
        }
        false
    })
}

fn is_end_of_name(c: char) -> bool {
    c.is_ascii_whitespace() || matches!(c, '/' | '>' | '=')
}

/// Takes the next attribute off the text of a tag.
fn next_attribute<'a>(rest: &mut &'a str) -> Result<Option<(&'a str, &'a str)>> {
    let broken = || Error::input("the first tag of the SVG is broken");
    let text = rest.trim_start();
    if text.is_empty() {
        return Ok(None);
    }
    let (name, after) = text.split_once('=').ok_or_else(broken)?;
    let after = after.trim_start();
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or_else(broken)?;
    let (value, after) = after[1..].split_once(quote).ok_or_else(broken)?;
    *rest = after;
    Ok(Some((name.trim(), value)))
}

/// A length in pixels, at 96 to the inch.
fn length(value: &str) -> Option<Length> {
    let value = value.trim();
    // An exponent may look like the start of `em` and `ex`.
    let units = [
        ("px", 1.0),
        ("pt", 96.0 / 72.0),
        ("pc", 16.0),
        ("mm", 96.0 / 25.4),
        ("cm", 96.0 / 2.54),
        ("in", 96.0),
        ("em", FONT_SIZE),
        ("ex", FONT_SIZE / 2.0),
    ];
    let number =
        |text: &str| text.trim_end().parse().ok().filter(|number: &f64| number.is_finite());
    if let Some(part) = value.strip_suffix('%') {
        return number(part).map(|percent| Length::Part(percent / 100.0));
    }
    for (unit, pixels) in units {
        if let Some(text) = value.strip_suffix(unit) {
            return number(text).map(|number| Length::Pixels(number * pixels));
        }
    }
    number(value).map(Length::Pixels)
}

fn view(value: &str) -> Option<(f64, f64)> {
    let separators = |c: char| c.is_ascii_whitespace() || c == ',';
    let numbers = value.split(separators).filter(|part| !part.is_empty());
    let numbers: Vec<f64> = numbers.map(str::parse).collect::<Result<_, _>>().ok()?;
    match numbers[..] {
        [_, _, width, height] if width > 0.0 && height > 0.0 => Some((width, height)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, width: u32, height: u32) {
        let size = Root::read(text).and_then(|root| root.size()).expect("a size");
        assert_eq!(size, Size::new(width, height), "{text}");
    }

    #[test]
    fn sizes_are_understood_in_all_units() {
        check("<svg width='20' height='10'>", 20, 10);
        check("<svg width='1in' height='25.4mm'/>", 96, 96);
        check("<svg width='2.54cm' height='72pt'/>", 96, 96);
        check("<svg width='6pc' height='2em'/>", 96, 32);
        check("<svg width=' 1e2px ' height='1E2'/>", 100, 100);
        check("<svg width='0.2' height='10.5'/>", 1, 11);
    }

    #[test]
    fn the_view_box_stands_in_for_what_is_missing() {
        check("<svg viewBox='0 0 40,30'>", 40, 30);
        check("<svg viewBox='-5 -5 40 30' width='100%' height='50%'>", 40, 15);
        check("<svg viewBox='0 0 40 30' width='80'>", 80, 60);
        check("<svg viewBox='0 0 40 30' height='15'>", 20, 15);
        check("<svg viewBox='0 0 0 30' height='15'>", 300, 15);
        check("<svg>", 300, 150);
        check("<svg width='50%'>", 150, 150);
    }

    #[test]
    fn the_first_tag_is_found_behind_whatever_may_precede_it() {
        check(
            "\u{feff}<?xml version='1.0'?>\n<!-- <svg width='1'> --><svg width='7' height='8'>",
            7,
            8,
        );
        check(
            "<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"a>b\" [<!ENTITY x \"]>\">]>\n\
             <svg:svg xmlns:svg='a>b'\n width = \"7\" height='8'>",
            7,
            8,
        );
    }

    #[track_caller]
    fn refused(text: &str, message: &str) {
        let error = Root::read(text).and_then(|root| root.size()).unwrap_err();
        assert!(error.message.contains(message), "{text}: {}", error.message);
    }

    #[test]
    fn what_is_no_svg_is_refused() {
        refused("<!-- page --><html><body><svg width='1' height='1'>", "first element is <html>");
        refused("<?xml version='1.0'?><rss>", "first element is <rss>");
        refused("<?xml version='1.0'?>hello", "has no tag");
        refused("<svg width='1", "ends before");
        refused("<!-- <svg>", "ends before");
        refused("<svg width=1>", "broken");
        refused("<svg width>", "broken");
        refused("<svg width='0' height='5'>", "no width");
        refused("<svg width='-1' height='5'>", "no width");
    }
}
