//! What a content stream draws beside its own operators.

use std::collections::HashMap;
use std::rc::Rc;

use hayro::hayro_syntax::content::TypedIter;
use hayro::hayro_syntax::content::ops::TypedInstruction;
use hayro::hayro_syntax::object::dict::keys;
use hayro::hayro_syntax::object::{Array, Dict, Name, Object, Stream};

use super::{Graph, Kind, Pens, Scope, is};

/// The renderer saves its state so often and no deeper.
const SAVED_MAX: usize = 65_536;

/// What a content stream comes to.
pub(super) struct Content {
    /// And letters, as each is drawn.
    pub(super) operators: u64,
    /// Nodes, and how often they are drawn.
    pub(super) draws: Vec<(usize, u64)>,
}

/// Follows a content stream that begins with these pens.
pub(super) fn read<'a>(
    graph: &mut Graph<'a>,
    scope: &Rc<Scope<'a>>,
    pens: Pens,
    mut content: TypedIter<'_>,
) -> Content {
    let (saved, draws) = (Vec::new(), HashMap::new());
    let mut tally = Tally { graph, scope, pens, saved, unsaved: 0, operators: 0, draws };
    while let Some(operation) = content.next() {
        tally.operators += 1;
        tally.follow(&operation);
    }
    Content { operators: tally.operators, draws: tally.draws.into_iter().collect() }
}

struct Tally<'r, 'a> {
    graph: &'r mut Graph<'a>,
    scope: &'r Rc<Scope<'a>>,
    pens: Pens,
    saved: Vec<Pens>,
    /// How often the state was to be saved beyond the depth.
    unsaved: usize,
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
        if self.saved.len() < SAVED_MAX {
            self.saved.push(self.pens);
        } else {
            self.unsaved += 1;
        }
    }

    fn restore(&mut self) {
        if self.unsaved > 0 {
            self.unsaved -= 1;
        } else if let Some(pens) = self.saved.pop() {
            self.pens = pens;
        }
    }

    fn draw(&mut self, node: usize, times: u64) {
        let sum = self.draws.entry(node).or_default();
        *sum = sum.saturating_add(times);
    }

    /// A tile is drawn anew for each area.
    fn fill(&mut self) {
        if let Some(tile) = self.pens.fill {
            self.draw(tile, 1);
        }
    }

    fn stroke(&mut self) {
        if let Some(tile) = self.pens.stroke {
            self.draw(tile, 1);
        }
    }

    /// Whether text is filled or stroked is not followed.
    fn text(&mut self, letters: usize) {
        let letters = letters as u64;
        self.operators = self.operators.saturating_add(letters);
        self.fill();
        self.stroke();
        let font = self.pens.font;
        let letter = font.and_then(|font| self.graph.letter(font, self.scope, self.pens));
        if let Some(letter) = letter {
            self.draw(letter, letters);
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
        if let Some(font) = font.and_then(|font| font.iter::<Dict<'_>>().next()) {
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
