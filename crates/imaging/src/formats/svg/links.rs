//! What a drawing has in other files, which are not fetched.

use resvg::usvg::roxmltree::{Document, Node};

/// Elements that draw what they link to, or take colors and effects from there. Others, as `a`,
/// only lead somewhere.
const DRAWING: [&str; 8] = [
    "image",
    "feImage",
    "use",
    "linearGradient",
    "radialGradient",
    "pattern",
    "filter",
    "textPath",
];

const SVG: &str = "http://www.w3.org/2000/svg";
const XLINK: &str = "http://www.w3.org/1999/xlink";

/// The warning about what is not in the file.
pub(super) fn left_out(document: &Document<'_>) -> Option<(&'static str, String)> {
    let (mut pictures, mut others, mut drawings) = (0, 0, 0);
    for node in document.descendants() {
        let count = links(node);
        if node.tag_name().name() == "image" {
            pictures += count
        } else {
            others += count
        }
        drawings += usize::from(is_drawing_in_it(node));
    }
    if drawings > 0 {
        let message = format!(
            "{} pictures of the SVG are left out: those that are SVG themselves or in other files \
             are not drawn",
            drawings + pictures + others
        );
        return Some(("pictures_left_out", message));
    }
    let what = if others == 0 { "picture" } else { "file" };
    let message = match pictures + others {
        0 => return None,
        1 => {
            format!("a {what} that the SVG links to is left out: only what is in it is drawn")
        }
        count => {
            format!(
                "{count} {what}s that the SVG links to are left out: only what is in it is drawn"
            )
        }
    };
    Some(("pictures_left_out", message))
}

/// Whether a node is a picture that is an SVG in a data URL.
fn is_drawing_in_it(node: Node<'_, '_>) -> bool {
    let mut links = node.attributes().filter(|attribute| attribute.name() == "href");
    let is_svg_url = |link: &str| {
        let kind = link.trim_start().split_once(',').map_or("", |(kind, _)| kind);
        kind.to_ascii_lowercase().starts_with("data:image/svg")
    };
    ["image", "feImage"].contains(&node.tag_name().name())
        && is_svg(node.tag_name().namespace())
        && links.any(|link| is_svg_url(link.value()))
}

/// How often a node itself links to another file.
fn links(node: Node<'_, '_>) -> usize {
    if let Some(instruction) = node.pi() {
        let is_style = instruction.target == "xml-stylesheet";
        let link = sheet(instruction.value.unwrap_or_default());
        return usize::from(is_style && link.is_some_and(is_elsewhere));
    }
    if node.is_text() {
        let is_style = |parent: Node<'_, '_>| {
            parent.tag_name().name() == "style" && is_svg(parent.tag_name().namespace())
        };
        let is_style = node.parent().is_some_and(is_style);
        return if is_style { in_style(node.text().unwrap_or_default()) } else { 0 };
    }
    // What programs keep of their own draws nothing.
    if !is_svg(node.tag_name().namespace()) {
        return 0;
    }
    let draws = DRAWING.contains(&node.tag_name().name());
    let attributes = node
        .attributes()
        .filter(|attribute| is_svg(attribute.namespace()) || attribute.namespace() == Some(XLINK));
    let (links, others): (Vec<_>, Vec<_>) =
        attributes.partition(|attribute| attribute.name() == "href");
    // Of two spellings the one without a prefix counts (SVG 2).
    let link = links.iter().find(|link| link.namespace().is_none()).or(links.first());
    let is_linked = draws && link.is_some_and(|link| is_elsewhere(link.value()));
    usize::from(is_linked) + others.iter().map(|other| in_style(other.value())).sum::<usize>()
}

/// Whether a name is of SVG, or of nothing in particular.
fn is_svg(namespace: Option<&str>) -> bool {
    namespace.is_none_or(|name| name == SVG)
}

/// How often a style, or an attribute that may be one, links to another file.
fn in_style(text: &str) -> usize {
    let links = |rule: &str| match rule.split_once("@import") {
        Some((_, what)) => {
            let what = what.trim_start();
            usize::from(is_elsewhere(first(what.strip_prefix("url(").unwrap_or(what))))
        }
        // A name, not a place.
        None if rule.contains("@namespace") => 0,
        None => rule.split("url(").skip(1).filter(|link| is_elsewhere(first(link))).count(),
    };
    without_comments(text).split([';', '{', '}']).map(links).sum()
}

/// A style as it is read: a comment parts words.
fn without_comments(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("/*") {
        kept.push_str(before);
        kept.push(' ');
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept
}

/// The link of a processing instruction for a style sheet.
fn sheet(instruction: &str) -> Option<&str> {
    let (_, behind) = instruction.split_once("href")?;
    Some(first(behind.trim_start().strip_prefix('=')?))
}

/// The link that a text begins with: in quotes, or up to a bracket.
fn first(text: &str) -> &str {
    let mut chars = text.trim_start().chars();
    let link = match chars.next() {
        Some(quote @ ('"' | '\'')) => chars.as_str().split(quote).next(),
        _ => text.split(')').next(),
    };
    link.unwrap_or_default()
}

/// Whether a link does not lead to the file itself.
fn is_elsewhere(link: &str) -> bool {
    let link = link.trim_start();
    !(link.is_empty() || link.starts_with('#') || link.starts_with("data:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(inside: &str, told: Option<&str>) {
        let svg = format!("<svg xmlns:xlink='http://www.w3.org/1999/xlink'>{inside}</svg>");
        let message = left_out(&Document::parse(&svg).unwrap()).map(|(_, message)| message);
        match told {
            Some(start) => assert!(message.as_ref().is_some_and(|m| m.starts_with(start)), "{svg}"),
            None => assert_eq!(message, None, "{svg}"),
        }
    }

    #[test]
    fn what_is_in_other_files_is_told() {
        check("<image href='a.png'/>", Some("a picture that"));
        check("<image href='a.png' xlink:href='a.png'/>", Some("a picture that"));
        check("<image href='a.png'/><image xlink:href='b.png'/>", Some("2 pictures that"));
        check("<use href='http://example.org/a.svg#b'/>", Some("a file that"));
        check("<use xlink:href='other.svg#a'/><image href='a.png'/>", Some("2 files that"));
        check("<linearGradient href='b.svg#c'/>", Some("a file that"));
        check("<style>@import url(http://example.org/a.css);</style>", Some("a file that"));
        check("<style>@import 'a.css'; g { fill: url( \"b.svg#c\" ) }</style>", Some("2 files"));
        check("<rect style='fill:red;mask:url(b.svg#c)'/>", Some("a file that"));
        check("<rect fill='url(b.svg#c)'/>", Some("a file that"));
        check("<rect style='/* a */mask:url(b.svg#c)/*'/>", Some("a file that"));
        check("<style>/**/*{fill:url(&quot;b.svg#c&quot;)}</style>", Some("a file that"));
        check("<image href='a.png' xlink:href='#a'/>", Some("a picture that"));
        check("<image xlink:href='#a' href='a.png'/>", Some("a picture that"));
        check("<?xml-stylesheet href='a.css'?>", Some("a file that"));
        check("<?xml-stylesheet type=\"text/css\" href = \"a.css\"?>", Some("a file that"));
    }

    #[test]
    fn what_is_in_the_file_and_what_is_not_drawn_is_not() {
        check("<image href='data:image/png;base64,AA'/><use href='#a'/>", None);
        check("<a href='http://example.org/'/><script href='a.js'/><use href=''/>", None);
        check("<style>@namespace svg url(http://www.w3.org/2000/svg);</style>", None);
        check("<style>g{fill:url('#a')} b{src:url(data:a;base64,b)}</style>", None);
        check("<desc>@import url(a.css)</desc>", None);
        check(
            "<rect xmlns:foo='x' foo:note='url(b.png)'/><style xmlns='x'>@import 'a';</style>",
            None,
        );
        check("<metadata><image xmlns='x' href='a.png' note='url(b.png)'/></metadata>", None);
        check("<rect fill='url()' stroke=\"url('') red\" mask='url( \"#a\" )'/>", None);
        check("<style>@import ''; @import url(data:text/css,a);</style>", None);
        check("<style>/* @import 'a.css'; */ g{fill:red/* url(b.svg#c) */} /* url(d</style>", None);
        check("<use href='#a' xlink:href='http://example.org/b.svg#c'/>", None);
        check("<use xlink:href='b.svg#c' href='#a'/>", None);
        check("<?xml-stylesheet type='text/css' href='#own'?><?xml-stylesheet?>", None);
        check("<?xml-stylesheet href=\"\" type=\"text/css\"?>", None);
    }
}
