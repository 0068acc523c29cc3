//! What a content stream draws beside its own operators.

use std::collections::HashMap;
use std::rc::Rc;

use hayro::hayro_syntax::content::TypedIter;
use hayro::hayro_syntax::content::ops::TypedInstruction;
use hayro::hayro_syntax::object::dict::keys;
use hayro::hayro_syntax::object::{Array, Dict, Name, Object, Stream};

use super::{Graph, Kind, Pens, Scope, is};

/// The most states that are followed at once. The renderer keeps no more than 65,536, those of 50
/// forms in each other together, and what is set then stays when states are restored.
const SAVED_MAX: usize = 10_000;
/// The same in a form.
const SAVED_IN_FORM_MAX: usize = 1_000;

/// What a content stream comes to.
pub(super) struct Content {
    /// And letters, as each is drawn.
    pub(super) operators: u64,
    /// Nodes, and how often they are drawn.
    pub(super) draws: Vec<(usize, u64)>,
    /// What the next stream begins with, where more is restored than was saved and this is no form.
    pub(super) left: Pens,
}

/// Follows a content stream that begins with these pens.
pub(super) fn read<'a>(
    graph: &mut Graph<'a>,
    kind: Kind,
    scope: &Rc<Scope<'a>>,
    pens: Pens,
    mut content: TypedIter<'_>,
) -> Content {
    let (start, saved, draws) = (pens, Vec::new(), HashMap::new());
    let is_form = kind == Kind::Form;
    let mut tally =
        Tally { graph, is_form, scope, start, pens, saved, is_below: false, operators: 0, draws };
    while let Some(operation) = content.next() {
        tally.operators += 1;
        tally.follow(&operation);
    }
    let last = tally.saved.first().copied().unwrap_or(tally.pens);
    let left = if tally.is_below { last } else { start };
    Content { operators: tally.operators, draws: tally.draws.into_iter().collect(), left }
}

/// Whether a glyph gives only a shape: it is painted like the text, in no colors of its own.
pub(super) fn is_shape(mut content: TypedIter<'_>) -> bool {
    while let Some(operation) = content.next() {
        match operation {
            TypedInstruction::ShapeGlyph(_) => return true,
            TypedInstruction::ColorGlyph(_) => return false,
            _ => {}
        }
    }
    true
}

/// Whether content looks up a name of something that is followed.
pub(super) fn looks_up(mut content: TypedIter<'_>) -> bool {
    use TypedInstruction as Op;
    while let Some(operation) = content.next() {
        if matches!(
            operation,
            Op::SetGraphicsState(_)
                | Op::TextFont(_)
                | Op::NonStrokeColorNamed(_)
                | Op::StrokeColorNamed(_)
                | Op::XObject(_)
        ) {
            return true;
        }
    }
    false
}

struct Tally<'r, 'a> {
    graph: &'r mut Graph<'a>,
    is_form: bool,
    scope: &'r Rc<Scope<'a>>,
    start: Pens,
    pens: Pens,
    saved: Vec<Pens>,
    /// Whether more was restored than saved.
    is_below: bool,
    operators: u64,
    draws: HashMap<usize, u64>,
}

impl Tally<'_, '_> {
    fn follow(&mut self, operation: &TypedInstruction<'_, '_>) {
        use TypedInstruction as Op;
        match operation {
            Op::SaveState(_) => self.save(),
            Op::RestoreState(_) => self.restore(),
            Op::SetGraphicsState(it) => self.graphics_state(it.0),
            Op::TextFont(it) => {
                let font = self.scope.resources.get_font(it.0);
                self.pens.font = font.and_then(|font| self.graph.font(font));
            }
            Op::NonStrokeColorNamed(it) => {
                self.pens.fill = it.1.and_then(|name| self.tile(name));
            }
            Op::StrokeColorNamed(it) => {
                self.pens.stroke = it.1.and_then(|name| self.tile(name));
            }
            Op::NonStrokeColor(_)
            | Op::NonStrokeColorDeviceGray(_)
            | Op::NonStrokeColorDeviceRgb(_)
            | Op::NonStrokeColorCmyk(_) => self.pens.fill = None,
            Op::StrokeColor(_)
            | Op::StrokeColorDeviceGray(_)
            | Op::StrokeColorDeviceRgb(_)
            | Op::StrokeColorCmyk(_) => self.pens.stroke = None,
            Op::FillPathNonZero(_)
            | Op::FillPathNonZeroCompatibility(_)
            | Op::FillPathEvenOdd(_)
            | Op::InlineImage(_) => self.fill(),
            // It has a paint of its own, but not in a shape.
            Op::Shading(_) if self.pens.shape.is_some() => self.fill(),
            Op::StrokePath(_) | Op::CloseAndStrokePath(_) => self.stroke(),
            Op::FillAndStrokeNonZero(_)
            | Op::FillAndStrokeEvenOdd(_)
            | Op::CloseFillAndStrokeNonZero(_)
            | Op::CloseFillAndStrokeEvenOdd(_) => {
                self.fill();
                self.stroke();
            }
            Op::ShowText(it) => self.text(it.0.len()),
            Op::NextLineAndShowText(it) => self.text(it.0.len()),
            Op::ShowTextWithParameters(it) => self.text(it.2.len()),
            Op::ShowTexts(it) => self.text(it.0.iter::<Object<'_>>().map(letters).sum()),
            Op::XObject(it) => self.x_object(it.0),
            _ => {}
        }
    }

    fn save(&mut self) {
        let max = if self.is_form { SAVED_IN_FORM_MAX } else { SAVED_MAX };
        if self.saved.len() < max {
            self.saved.push(self.pens);
        } else {
            self.graph.unsure = true;
        }
    }

    /// The renderer saves the state before each stream, and once more before a form. So the first
    /// that was not saved here is what this stream began with, and in a form those after it belong
    /// to what draws it. There is none before other streams.
    fn restore(&mut self) {
        if let Some(pens) = self.saved.pop() {
            self.pens = pens;
        } else if !self.is_below {
            self.is_below = true;
            self.pens = self.start;
        } else if self.is_form {
            self.graph.unsure = true;
        }
    }

    fn draw(&mut self, node: usize, times: u64) {
        let sum = self.draws.entry(node).or_default();
        *sum = sum.saturating_add(times);
    }

    /// A tile is drawn anew for each area.
    fn paint(&mut self, tiles: [Option<usize>; 2]) {
        for tile in tiles.into_iter().flatten() {
            self.draw(tile, 1);
        }
    }

    fn fill(&mut self) {
        self.paint(self.pens.shape.unwrap_or([self.pens.fill, None]));
    }

    fn stroke(&mut self) {
        self.paint(self.pens.shape.unwrap_or([None, self.pens.stroke]));
    }

    /// Whether text is filled, stroked or both, which draws it twice, is not followed. In a shape
    /// it has its own paint.
    fn text(&mut self, letters: usize) {
        let letters = letters as u64;
        self.operators = self.operators.saturating_add(letters);
        self.paint([self.pens.fill, self.pens.stroke]);
        let font = self.pens.font;
        let letter = font.and_then(|font| self.graph.letter(font, self.scope, self.pens));
        if let Some(letter) = letter {
            self.draw(letter, letters.saturating_mul(2));
        }
    }

    fn tile(&mut self, name: &Name<'_>) -> Option<usize> {
        let Some(Object::Stream(tile)) = self.scope.resources.get_pattern(name) else {
            return None;
        };
        Some(self.graph.stream(Kind::Tile, tile, self.scope, Pens::default()))
    }

    fn graphics_state(&mut self, name: &Name<'_>) {
        let Some(state) = self.scope.resources.get_ext_g_state(name) else { return };
        let mask = state.get::<Dict<'_>>(keys::SMASK);
        if let Some(mask) = mask.and_then(|mask| mask.get::<Stream<'_>>(keys::G)) {
            let mask = self.graph.stream(Kind::Mask, mask, self.scope, Pens::default());
            self.draw(mask, 1);
        }
        let font = state.get::<Array<'_>>(keys::FONT);
        let mut parts = font.iter().flat_map(Array::iter::<Object<'_>>);
        // Without a size the renderer keeps the font that it has.
        if let (Some(Object::Dict(font)), Some(Object::Number(_))) = (parts.next(), parts.next()) {
            self.pens.font = self.graph.font(font);
        }
    }

    fn x_object(&mut self, name: &Name<'_>) {
        let Some(stream) = self.scope.resources.get_x_object(name) else { return };
        if is(stream.dict(), keys::FORM) {
            let form = self.graph.stream(Kind::Form, stream, self.scope, self.pens);
            self.draw(form, 1);
        } else {
            // One that is a stencil.
            self.fill();
        }
    }
}

/// How many letters an item of a line of text has.
fn letters(item: Object<'_>) -> usize {
    match item {
        Object::String(text) => text.len(),
        _ => 0,
    }
}
