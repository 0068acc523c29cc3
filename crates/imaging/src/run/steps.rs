//! Tells of the steps as they begin and end, each once and in order.

use std::ops::RangeInclusive;

use super::Events;

/// How far the steps are.
pub(super) struct Steps<'a> {
    pub(super) events: &'a dyn Events,
    begun: usize,
    ended: usize,
    /// The largest fraction that was told of the step that began last.
    told: f32,
    /// Later pictures of a file run through steps that have already been told of.
    in_parts: bool,
}

impl<'a> Steps<'a> {
    pub(super) fn new(events: &'a dyn Events) -> Self {
        Self { events, begun: 0, ended: 0, told: 0.0, in_parts: false }
    }

    /// The file holds several pictures: steps end together, and progress counts pictures.
    pub(super) fn in_parts(&mut self) {
        self.in_parts = true;
    }

    /// The step that began last.
    pub(super) fn current(&self) -> usize {
        self.begun.saturating_sub(1)
    }

    pub(super) fn begin_through(&mut self, step_index: usize) {
        while self.begun <= step_index {
            self.events.step(self.begun, 0.0);
            self.begun += 1;
            self.told = 0.0;
        }
    }

    /// So much of the steps of a pass is done. What is done again, as after a stage that had to see
    /// the image, does not count backward.
    pub(super) fn within(&mut self, steps: RangeInclusive<usize>, fraction: impl Fn(usize) -> f32) {
        for step_index in steps.filter(|_| !self.in_parts) {
            let fraction = fraction(step_index);
            let is_last = step_index + 1 == self.begun;
            if fraction < 1.0 && fraction > if is_last { self.told } else { 0.0 } {
                self.events.step(step_index, fraction);
                self.told = if is_last { fraction } else { self.told };
            }
        }
    }

    pub(super) fn end_before(&mut self, step_index: usize) {
        while self.ended < step_index && !self.in_parts {
            self.begin_through(self.ended);
            self.events.step(self.ended, 1.0);
            self.ended += 1;
        }
    }

    /// So many of the pictures of the file are done, in every step.
    pub(super) fn part(&mut self, done: u32, count: u32) {
        if done < count {
            for step_index in self.ended..self.begun {
                self.events.step(step_index, done as f32 / count as f32);
            }
        }
    }

    pub(super) fn end_through(&mut self, step_index: usize) {
        self.in_parts = false;
        self.end_before(step_index + 1);
    }
}
