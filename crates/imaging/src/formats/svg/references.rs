//! Bounds on elements that refer to elements that refer to elements: each costs the renderer a part
//! of its stack, and it walks through what is referred to as often as it is.

use std::collections::HashMap;

use resvg::usvg::roxmltree::{Document, Node, NodeId};

use crate::{Error, Result};

/// The longest chain. Drawings have a handful.
const CHAIN_MAX: u32 = 128;
/// The most elements on all ways through the drawing, in millions: some ten seconds.
const ON_WAYS_MAX: f64 = 50.0;

/// An element that can be referred to, or that holds elements which refer to others.
#[derive(Default)]
struct Anchor {
    /// Elements inside of it (0), and elements that it refers to (1).
    edges: Vec<(u32, usize)>,
    /// Elements inside of it that cannot be referred to, and itself.
    own: u32,
    /// What is on the ways from here, once it is known.
    ways: Option<Ways>,
    is_open: bool,
}

/// The ways along references from an element.
#[derive(Clone, Copy, Default)]
struct Ways {
    /// References on the longest.
    longest: u32,
    /// Elements on all of them.
    elements: f64,
}

/// Refuses a document with a longer chain of references, or with too many.
pub(super) fn check(document: &Document<'_>) -> Result<()> {
    let mut anchors = anchors(document);
    let all: Vec<Ways> = (0..anchors.len()).map(|start| ways(&mut anchors, start)).collect();
    if all.iter().any(|ways| ways.longest > CHAIN_MAX) {
        return Err(Error::limit(format!(
            "the SVG has more than {CHAIN_MAX} elements that refer to each other in a chain"
        )));
    }
    let millions = all.iter().map(|ways| ways.elements).fold(0.0, f64::max) / 1e6;
    if millions > ON_WAYS_MAX {
        return Err(Error::limit(format!(
            "the SVG has {millions:.0} million elements, each counted as often as others refer to \
             it, and may have {ON_WAYS_MAX}"
        )));
    }
    Ok(())
}

fn anchors(document: &Document<'_>) -> Vec<Anchor> {
    let root = document.root_element();
    let has_name = |node: &Node<'_, '_>| node.is_element() && node.attribute("id").is_some();
    let named: Vec<Node<'_, '_>> =
        document.descendants().filter(|node| *node == root || has_name(node)).collect();
    let by_node: HashMap<NodeId, usize> =
        named.iter().enumerate().map(|(index, node)| (node.id(), index)).collect();
    let by_name: HashMap<&str, usize> = named
        .iter()
        .enumerate()
        .filter_map(|(index, node)| Some((node.attribute("id")?, index)))
        .collect();
    let styles = styles(document);
    let mut anchors: Vec<Anchor> = named.iter().map(|_| Anchor::default()).collect();
    for node in document.descendants().filter(Node::is_element) {
        let Some(holder) = node.ancestors().find_map(|node| by_node.get(&node.id())) else {
            continue;
        };
        anchors[*holder].own += 1;
        let above = node
            .parent()
            .and_then(|parent| parent.ancestors().find_map(|node| by_node.get(&node.id())));
        if let Some(above) = above.filter(|above| *above != holder) {
            anchors[*above].edges.push((0, *holder));
        }
        let classes = node.attribute("class").unwrap_or_default().split_ascii_whitespace();
        let by_style = classes.chain(["*"]).filter_map(|class| styles.get(class)).flatten();
        let targets = references(node).chain(by_style.copied());
        let targets = targets.filter_map(|name| by_name.get(name));
        anchors[*holder].edges.extend(targets.map(|target| (1, *target)));
    }
    anchors
}

/// The names that the attributes of an element refer to.
fn references<'a>(node: Node<'a, '_>) -> impl Iterator<Item = &'a str> {
    node.attributes().flat_map(|attribute| {
        let value = attribute.value();
        let whole = value.strip_prefix('#').filter(|_| attribute.name() == "href");
        whole.into_iter().chain(urls(value))
    })
}

/// The names in `url(#name)`.
fn urls(text: &str) -> impl Iterator<Item = &str> {
    text.split("url(").skip(1).filter_map(|rest| {
        let rest = rest.trim_start_matches([' ', '"', '\'']).strip_prefix('#')?;
        rest.split([')', '"', '\'', ' ']).next()
    })
}

/// What style sheets refer to, by class; `*` is for selectors of any other kind.
fn styles<'a>(document: &'a Document<'_>) -> HashMap<&'a str, Vec<&'a str>> {
    let mut styles: HashMap<&str, Vec<&str>> = HashMap::new();
    let sheets = document.descendants().filter(|node| node.has_tag_name_of("style"));
    let texts = sheets.flat_map(|sheet| sheet.children().filter_map(|node| node.text()));
    for (selectors, body) in
        texts.flat_map(|text| text.split('}')).filter_map(|rule| rule.split_once('{'))
    {
        for selector in selectors.split(',') {
            let class = selector.rsplit_once('.').map_or("*", |(_, class)| {
                class
                    .split(|c: char| !(c.is_alphanumeric() || "-_".contains(c)))
                    .next()
                    .unwrap_or("*")
            });
            styles.entry(class).or_default().extend(urls(body));
        }
    }
    styles
}

trait LocalName {
    fn has_tag_name_of(&self, name: &str) -> bool;
}

impl LocalName for Node<'_, '_> {
    fn has_tag_name_of(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}

/// The ways from an anchor. What leads back is left out: the renderer breaks loops.
fn ways(anchors: &mut [Anchor], start: usize) -> Ways {
    let mut stack = vec![(start, 0)];
    while let Some((at, edge)) = stack.pop() {
        if edge == 0 {
            if anchors[at].ways.is_some() {
                continue;
            }
            anchors[at].is_open = true;
        }
        if let Some((_, next)) = anchors[at].edges.get(edge).copied() {
            stack.push((at, edge + 1));
            if anchors[next].ways.is_none() && !anchors[next].is_open {
                stack.push((next, 0));
            }
            continue;
        }
        let mut ways = Ways { longest: 0, elements: f64::from(anchors[at].own) };
        for (weight, next) in &anchors[at].edges {
            let from_there = anchors[*next].ways.unwrap_or_default();
            ways.longest = ways.longest.max(weight + from_there.longest);
            ways.elements += from_there.elements;
        }
        anchors[at].ways = Some(ways);
        anchors[at].is_open = false;
    }
    anchors[start].ways.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_chain(link: impl Fn(usize) -> String) {
        let chain = |links: usize| {
            let links: String = (0..links).map(&link).collect();
            let text = format!("<svg xmlns='http://www.w3.org/2000/svg'>{links}</svg>");
            check(&Document::parse(&text).expect("a document"))
        };
        assert!(chain(100).is_ok());
        let error = chain(10_000).expect_err("a long chain");
        assert!(error.message.contains("128 elements"), "{}", error.message);
    }

    #[test]
    fn chains_are_bounded_whatever_they_are_made_of() {
        check_chain(|i| format!("<mask id='a{i}' mask='url(#a{})'/>", i + 1));
        check_chain(|i| format!("<mask id='a{i}'><g><g mask=\"url( '#a{}')\"/></g></mask>", i + 1));
        check_chain(|i| format!("<g id='a{i}'><use href='#a{}'/></g>", i + 1));
        check_chain(|i| format!("<pattern id='a{i}'><g style='fill:url(#a{})'/></pattern>", i + 1));
        check_chain(|i| {
            let next = i + 1;
            format!(
                "<style>g.x,g.c{i}{{mask:url(#a{next})}}</style>\
                 <mask id='a{i}'><g class='b c{i}'/></mask>"
            )
        });
    }

    #[test]
    fn many_references_to_the_same_are_no_chain() {
        let uses = "<use href='#a'/>".repeat(1_000);
        let text = format!("<svg><g id='a'/>{uses}<g id='b'><g id='c'>{uses}</g></g></svg>");
        assert!(check(&Document::parse(&text).unwrap()).is_ok());
    }

    #[test]
    fn elements_count_as_often_as_they_are_referred_to() {
        let tens = |i: u32, part: &str| format!("<g id='a{i}'>{}</g>", part.repeat(10));
        let nested = |depth: u32| {
            let parts: String =
                (0..depth).map(|i| tens(i, &format!("<use href='#a{}'/>", i + 1))).collect();
            let text = format!("<svg>{parts}<g id='a{depth}'/></svg>");
            check(&Document::parse(&text).unwrap())
        };
        assert!(nested(6).is_ok());
        let error = nested(20).expect_err("ten to the twentieth");
        assert!(error.message.contains("million elements"), "{}", error.message);
    }

    #[test]
    fn loops_end() {
        let text = "<svg><g id='a'><use href='#b'/></g><g id='b'><use href='#a'/></g></svg>";
        assert!(check(&Document::parse(text).unwrap()).is_ok());
    }
}
