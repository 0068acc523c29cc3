//! Bounds on how long elements refer to elements that refer to elements: each costs the renderer a
//! part of its stack.

use std::collections::HashMap;

use resvg::usvg::roxmltree::{Document, Node, NodeId};

use crate::{Error, Result};

/// The longest chain. Drawings have a handful.
const CHAIN_MAX: u32 = 128;

/// An element that can be referred to, or that holds elements which refer to others.
#[derive(Default)]
struct Anchor {
    /// Elements inside of it (0), and elements that it refers to (1).
    edges: Vec<(u32, usize)>,
    /// The longest chain from here, once it is known.
    chain: Option<u32>,
    is_open: bool,
}

/// Refuses a document with a longer chain of references.
pub(super) fn check(document: &Document<'_>) -> Result<()> {
    let mut anchors = anchors(document);
    for start in 0..anchors.len() {
        if longest(&mut anchors, start) > CHAIN_MAX {
            return Err(Error::limit(format!(
                "the SVG has more than {CHAIN_MAX} elements that refer to each other in a chain"
            )));
        }
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

/// The longest chain from an anchor. What leads back is left out: the renderer breaks loops.
fn longest(anchors: &mut [Anchor], start: usize) -> u32 {
    let mut stack = vec![(start, 0)];
    while let Some((at, edge)) = stack.pop() {
        if edge == 0 {
            if anchors[at].chain.is_some() {
                continue;
            }
            anchors[at].is_open = true;
        }
        if let Some((_, next)) = anchors[at].edges.get(edge).copied() {
            stack.push((at, edge + 1));
            if anchors[next].chain.is_none() && !anchors[next].is_open {
                stack.push((next, 0));
            }
            continue;
        }
        let chain = |(weight, next): &(u32, usize)| weight + anchors[*next].chain.unwrap_or(0);
        let chain = anchors[at].edges.iter().map(chain).max().unwrap_or(0);
        anchors[at].chain = Some(chain);
        anchors[at].is_open = false;
    }
    anchors[start].chain.unwrap_or(0)
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
    fn loops_end() {
        let text = "<svg><g id='a'><use href='#b'/></g><g id='b'><use href='#a'/></g></svg>";
        assert!(check(&Document::parse(text).unwrap()).is_ok());
    }
}
