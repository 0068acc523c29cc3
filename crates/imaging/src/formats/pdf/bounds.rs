//! Bounds on what a page costs that its length does not show.

use std::collections::HashMap;
use std::ptr;
use std::rc::Rc;

use hayro::hayro_interpret::util::Float32Ext;
use hayro::hayro_syntax::content::TypedIter;
use hayro::hayro_syntax::object::dict::keys;
use hayro::hayro_syntax::object::{Array, Dict, Name, Object, Rect, Stream};
use hayro::hayro_syntax::page::{Page, Resources};

use crate::{Error, Result};

mod content;

/// The most operators that a page and its forms, patterns and glyphs may come to, each counted as
/// often as it is drawn: what takes about a minute or two, and a hundred times what a heavy map or
/// plan has in all.
const OPERATORS_MAX: u64 = 200_000_000;
/// What a stream costs beside its operators each time: it is unpacked and parsed anew.
const STREAM: u64 = 10;
/// What a group costs beside: a layer.
const GROUP: u64 = 100;
/// What a mask costs beside: a picture that may be as large as the page.
const MASK: u64 = 1_000;
/// What filling an area with tiles costs beside: a picture as large as the area.
const AREA: u64 = 200;
/// As many bytes cost what an operator costs, whatever is in them: comments, inline images.
const OPERATOR_BYTES: u64 = 64;
/// What it takes to keep in mind that a stream draws another, and to add it up at every depth.
const LINK: u64 = 40;
/// The most streams that are told apart: each takes memory while it is counted.
const NODES_MAX: usize = 100_000;
/// The renderer follows forms in each other 50 deep. Glyphs take two steps here.
const DEPTH: usize = 102;

/// Refuses a page whose forms, patterns, glyphs, masks and annotations draw each other so often
/// that it would take minutes.
pub(super) fn check(page: &Page<'_>) -> Result<()> {
    if operators(page) > OPERATORS_MAX {
        return Err(Error::limit(format!(
            "the PDF page and its forms, patterns and glyphs come to more than {OPERATORS_MAX} \
             operators, each counted as often as it is drawn"
        )));
    }
    Ok(())
}

fn operators(page: &Page<'_>) -> u64 {
    let mut graph = Graph::new();
    let scope = Rc::new(Scope { at: ptr::null(), resources: page.resources().clone() });
    // Its streams are compressed, and it may name one many times.
    let length = page.page_stream().unwrap_or_default().len() as u64 / OPERATOR_BYTES;
    let (mut own, mut pens) = (length, Pens::default());
    if draws_more(page.resources()) {
        let operations = page.typed_operations();
        let content = content::read(&mut graph, Kind::Page, &scope, pens, operations);
        (own, pens) = (own.max(content.operators), content.left);
        graph.nodes[PAGE].draws = content.draws;
    }
    graph.nodes[PAGE].own = own;
    graph.spend(own);
    let annotations = page.raw().get::<Array<'_>>(keys::ANNOTS).unwrap_or_default();
    for stream in annotations.iter::<Dict<'_>>().filter_map(|it| appearance(&it)) {
        let node = graph.stream(Kind::Form, stream, &scope, pens);
        graph.nodes[PAGE].draws.push((node, 1));
    }
    // What is read may not be more than what may be drawn.
    while !graph.is_spent() {
        let Some(next) = graph.waiting.pop() else { return graph.total() };
        graph.read(next);
    }
    u64::MAX
}

/// Whether there is anything that has content of its own.
fn draws_more(resources: &Resources<'_>) -> bool {
    let Resources { x_objects, patterns, fonts, ext_g_states, .. } = resources;
    let is_form = |name: Name<'_>| {
        x_objects.get::<Stream<'_>>(name).is_some_and(|it| is(it.dict(), keys::FORM))
    };
    let is_type3 =
        |name: Name<'_>| fonts.get::<Dict<'_>>(name).is_some_and(|font| is(&font, keys::TYPE3));
    let has_mask_or_font = |name: Name<'_>| {
        ext_g_states.get::<Dict<'_>>(name).is_some_and(|state| {
            state.get::<Dict<'_>>(keys::SMASK).is_some() || state.contains_key(keys::FONT)
        })
    };
    x_objects.keys().any(is_form)
        || patterns.keys().any(|name| patterns.get::<Stream<'_>>(name).is_some())
        || fonts.keys().any(is_type3)
        || ext_g_states.keys().any(has_mask_or_font)
}

/// Whether something says that it is of this kind.
fn is(dict: &Dict<'_>, subtype: &[u8]) -> bool {
    dict.get::<Name<'_>>(keys::SUBTYPE).is_some_and(|name| *name == *subtype)
}

/// What is drawn for an annotation.
fn appearance<'a>(annotation: &Dict<'a>) -> Option<Stream<'a>> {
    match annotation.get::<Dict<'_>>(keys::AP)?.get::<Object<'_>>(keys::N)? {
        Object::Stream(stream) => Some(stream),
        Object::Dict(states) => annotation
            .get::<Name<'_>>(keys::AS)
            .and_then(|state| states.get::<Stream<'_>>(state))
            .or_else(|| states.get::<Stream<'_>>(b"Off")),
        _ => None,
    }
}

/// How often a tile is drawn to fill an area, at most: once a step within itself, and once more
/// where the area is smaller than a step.
fn copies(tile: &Dict<'_>) -> u64 {
    let along = |side: f64, step: &[u8]| match tile.get::<f32>(step) {
        Some(step) if !step.is_nearly_zero() => {
            ((side / f64::from(step.abs())).floor() as u64).saturating_add(2)
        }
        // The renderer leaves it out.
        _ => 0,
    };
    let Some(area) = tile.get::<Rect>(keys::BBOX) else { return 0 };
    along(area.width(), keys::X_STEP).saturating_mul(along(area.height(), keys::Y_STEP))
}

/// What has content of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Page,
    Form,
    Mask,
    Tile,
    Glyph,
    /// Costs what its most expensive glyph costs.
    Font,
    /// What is beyond `NODES_MAX`.
    Beyond,
}

/// What is drawn with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Pens {
    /// Of Type 3, by where it is.
    font: Option<*const u8>,
    /// The tile that areas are filled with.
    fill: Option<usize>,
    /// The tile that lines are drawn with.
    stroke: Option<usize>,
    /// In a glyph that only gives a shape: the tiles of the text, with which all its areas and
    /// lines are drawn, whatever it sets.
    shape: Option<[Option<usize>; 2]>,
}

/// What tells nodes apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    kind: Kind,
    /// Where it is in the file.
    at: *const u8,
    /// Where its names are looked up, if not in resources of its own.
    scope: Option<*const u8>,
    /// What it begins with.
    pens: Pens,
}

struct Node {
    kind: Kind,
    /// How often it is drawn where it is drawn once.
    times: u64,
    /// What it costs without what it draws.
    own: u64,
    /// What it costs beside, however often it is drawn there.
    once: u64,
    /// Other nodes, and how often.
    draws: Vec<(usize, u64)>,
}

impl Node {
    fn new(kind: Kind) -> Self {
        Self { kind, times: 1, own: 0, once: 0, draws: Vec::new() }
    }

    /// What it costs when the other nodes cost so much.
    fn total(&self, totals: &[u64]) -> u64 {
        let drawn = self.draws.iter().map(|(node, times)| totals[*node].saturating_mul(*times));
        let drawn = match self.kind {
            Kind::Font => drawn.max().unwrap_or(0),
            _ => drawn.fold(0, u64::saturating_add),
        };
        let each = self.own.saturating_add(drawn);
        each.saturating_mul(self.times).saturating_add(self.once)
    }
}

/// Resources.
struct Scope<'a> {
    /// Where they are in the file; null for those of the page.
    at: *const u8,
    resources: Resources<'a>,
}

impl<'a> Scope<'a> {
    fn new(resources: Dict<'a>) -> Rc<Self> {
        Rc::new(Self { at: resources.data().as_ptr(), resources: Resources::new(resources) })
    }
}

/// A Type 3 font.
struct Font<'a> {
    dict: Dict<'a>,
    /// Its own resources, or none at all where its glyphs look up nothing: then it is the same
    /// wherever it is used.
    scope: Option<Rc<Scope<'a>>>,
}

/// A node that has not been read.
struct Waiting<'a> {
    node: usize,
    stream: Stream<'a>,
    scope: Rc<Scope<'a>>,
    pens: Pens,
}

/// Index of the page among the nodes.
const PAGE: usize = 0;
/// Index of the node that stands for all that are too many.
const BEYOND: usize = 1;

/// Which streams draw which.
struct Graph<'a> {
    nodes: Vec<Node>,
    known: HashMap<Key, usize>,
    waiting: Vec<Waiting<'a>>,
    /// By where they are.
    fonts: HashMap<*const u8, Rc<Font<'a>>>,
    /// Whether glyphs look up names in resources that are not their own, by where they are.
    lookups: HashMap<*const u8, bool>,
    /// What it took to read.
    spent: u64,
    /// Whether a stream may leave other pens to what is drawn after it.
    unsure: bool,
}

impl<'a> Graph<'a> {
    fn new() -> Self {
        Self {
            nodes: vec![Node::new(Kind::Page), Node { own: u64::MAX, ..Node::new(Kind::Beyond) }],
            known: HashMap::new(),
            waiting: Vec::new(),
            fonts: HashMap::new(),
            lookups: HashMap::new(),
            spent: 0,
            unsure: false,
        }
    }

    fn spend(&mut self, cost: u64) {
        self.spent = self.spent.saturating_add(cost);
    }

    fn is_spent(&self) -> bool {
        self.spent > OPERATORS_MAX
    }

    /// The node under a key, and whether it is new.
    fn node(&mut self, key: Key) -> (usize, bool) {
        if let Some(node) = self.known.get(&key) {
            return (*node, false);
        }
        let node = self.nodes.len();
        if node >= NODES_MAX {
            return (BEYOND, false);
        }
        self.nodes.push(Node::new(key.kind));
        self.known.insert(key, node);
        (node, true)
    }

    /// The node of a stream that is drawn from content with these resources.
    fn stream(
        &mut self,
        kind: Kind,
        stream: Stream<'a>,
        scope: &Rc<Scope<'a>>,
        pens: Pens,
    ) -> usize {
        let dict = stream.dict();
        let inherits = kind != Kind::Tile && dict.get::<Dict<'_>>(keys::RESOURCES).is_none();
        let at = dict.data().as_ptr();
        let (node, is_new) = self.node(Key { kind, at, scope: inherits.then_some(scope.at), pens });
        if is_new {
            self.waiting.push(Waiting { node, stream, scope: Rc::clone(scope), pens });
        }
        node
    }

    /// The place of a font under which it is known, if it is of Type 3.
    fn font(&mut self, dict: Dict<'a>) -> Option<*const u8> {
        if !is(&dict, keys::TYPE3) {
            return None;
        }
        let at = dict.data().as_ptr();
        if self.fonts.contains_key(&at) {
            return Some(at);
        }
        let scope = match dict.get::<Dict<'_>>(keys::RESOURCES) {
            Some(own) => Some(Scope::new(own)),
            None if self.looks_up(&dict) => None,
            None => Some(Scope::new(Dict::empty())),
        };
        self.fonts.insert(at, Rc::new(Font { dict, scope }));
        Some(at)
    }

    /// Whether glyphs of a font look up names in resources that are not their own.
    fn looks_up(&mut self, font: &Dict<'a>) -> bool {
        let glyphs = font.get::<Dict<'_>>(keys::CHAR_PROCS).unwrap_or_default();
        let mut streams = glyphs.keys().filter_map(|name| glyphs.get::<Stream<'_>>(name));
        streams.any(|glyph| {
            self.spend(STREAM);
            let dict = glyph.dict();
            if self.is_spent() || dict.get::<Dict<'_>>(keys::RESOURCES).is_some() {
                return false;
            }
            let at = dict.data().as_ptr();
            if let Some(known) = self.lookups.get(&at) {
                return *known;
            }
            let bytes = glyph.decoded_data().unwrap_or_default();
            self.spend(bytes.len() as u64 / OPERATOR_BYTES);
            let looks_up = content::looks_up(TypedIter::new(&bytes));
            self.lookups.insert(at, looks_up);
            looks_up
        })
    }

    /// The node of a letter in a font that is known.
    fn letter(&mut self, at: *const u8, scope: &Rc<Scope<'a>>, pens: Pens) -> Option<usize> {
        let font = Rc::clone(self.fonts.get(&at)?);
        let scope = font.scope.as_ref().unwrap_or(scope);
        let pens = Pens { font: None, shape: None, ..pens };
        let (node, is_new) = self.node(Key { kind: Kind::Font, at, scope: Some(scope.at), pens });
        // When too much is spent, the page is refused, whatever it draws.
        if is_new && !self.is_spent() {
            let glyphs = font.dict.get::<Dict<'_>>(keys::CHAR_PROCS).unwrap_or_default();
            self.spend(STREAM.saturating_mul(glyphs.len() as u64));
            let streams = glyphs.keys().filter_map(|name| glyphs.get::<Stream<'_>>(name));
            let draws = streams.map(|glyph| (self.stream(Kind::Glyph, glyph, scope, pens), 1));
            self.nodes[node].draws = draws.collect();
        }
        Some(node)
    }

    /// Reads the content of a node.
    fn read(&mut self, next: Waiting<'a>) {
        let Waiting { node, stream, scope, mut pens } = next;
        let (dict, kind) = (stream.dict(), self.nodes[node].kind);
        let scope = match dict.get::<Dict<'_>>(keys::RESOURCES) {
            Some(own) => Scope::new(own),
            // A tile does not look up names where it is used.
            None if kind == Kind::Tile => Scope::new(Dict::empty()),
            None => scope,
        };
        let bytes = stream.decoded_data().unwrap_or_default();
        if kind == Kind::Glyph && content::is_shape(TypedIter::new(&bytes)) {
            pens.shape = Some([pens.fill, pens.stroke]);
        }
        let content = content::read(self, kind, &scope, pens, TypedIter::new(&bytes));
        let beside = match kind {
            Kind::Mask => MASK,
            _ if dict.contains_key(keys::GROUP) => GROUP,
            _ => 0,
        };
        let operators = content.operators.max(bytes.len() as u64 / OPERATOR_BYTES);
        let own = operators.saturating_add(STREAM + beside);
        // The picture of a tile is not kept for the next area.
        let (times, once) = if kind == Kind::Tile { (copies(dict), AREA) } else { (1, 0) };
        self.spend(own.saturating_add(LINK * content.draws.len() as u64));
        self.nodes[node] = Node { kind, times, own, once, draws: content.draws };
    }

    /// What the page comes to. Step by step what is drawn deeper is added, until nothing changes or
    /// the renderer stops: it does where forms are too deep. A glyph that draws itself has no end.
    fn total(&self) -> u64 {
        let last = |node: &Node| match node.kind {
            Kind::Page | Kind::Form | Kind::Mask => 0,
            Kind::Tile | Kind::Glyph | Kind::Font | Kind::Beyond => u64::MAX,
        };
        let mut totals: Vec<u64> = self.nodes.iter().map(last).collect();
        for _ in 0..DEPTH {
            let next: Vec<u64> = self.nodes.iter().map(|node| node.total(&totals)).collect();
            if totals == next {
                break;
            }
            totals = next;
        }
        if !self.unsure {
            return totals[PAGE];
        }
        // Any operator may then draw with the dearest pens.
        let dearest = |kind: Kind| {
            let nodes = self.nodes.iter().zip(&totals).filter(|(node, _)| node.kind == kind);
            nodes.map(|(_, total)| *total).max().unwrap_or(0).saturating_add(1)
        };
        let pens = dearest(Kind::Tile).saturating_mul(dearest(Kind::Font));
        totals[PAGE].saturating_mul(pens)
    }
}
