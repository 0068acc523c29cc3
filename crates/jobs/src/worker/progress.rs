//! How far a job is, over its steps and its files.

use crate::clock::Clock;
use crate::job::{StepState, StepStatus};
use crate::job_store::Progress;

/// Gathers the progress of the steps of one file after another.
#[derive(Debug)]
pub(super) struct Tracker {
    steps: Vec<StepState>,
    /// How far each step is on the file under way, 0 to 1.
    fractions: Vec<f32>,
    inputs: usize,
    inputs_done: usize,
    changed: bool,
    clock: Clock,
}

impl Tracker {
    pub(super) fn new(steps: &[StepState], inputs: usize, clock: Clock) -> Self {
        let steps: Vec<_> =
            steps.iter().map(|step| StepState::pending(step.operation.clone())).collect();
        let fractions = vec![0.0; steps.len()];
        Self { steps, fractions, inputs: inputs.max(1), inputs_done: 0, changed: false, clock }
    }

    pub(super) fn step(&mut self, step_index: usize, fraction: f32) {
        let Some(step) = self.steps.get_mut(step_index) else { return };
        let now = self.clock.now();
        let known = &mut self.fractions[step_index];
        *known = known.max(fraction);
        if step.status == StepStatus::Pending {
            step.status = StepStatus::Processing;
            step.started_at = Some(now);
        }
        let all = (self.inputs_done as f32 + *known) / self.inputs as f32;
        step.progress = percent(all).max(step.progress);
        if all >= 1.0 && step.status == StepStatus::Processing {
            step.status = StepStatus::Succeeded;
            step.finished_at = Some(now);
        }
        self.changed = true;
    }

    /// The file under way is done, however it ended.
    pub(super) fn input_done(&mut self) {
        self.inputs_done += 1;
        self.fractions.fill(0.0);
        self.changed = true;
    }

    /// What to record, or `None` when nothing changed since it was last asked.
    pub(super) fn take(&mut self) -> Option<Progress> {
        let changed = std::mem::replace(&mut self.changed, false);
        changed.then(|| Progress { percent: self.percent(), steps: Some(self.steps.clone()) })
    }

    pub(super) fn steps(&self) -> Vec<StepState> {
        self.steps.clone()
    }

    fn percent(&self) -> u8 {
        let steps = self.fractions.len().max(1) as f32;
        let input = self.fractions.iter().sum::<f32>() / steps;
        percent((self.inputs_done as f32 + input) / self.inputs as f32)
    }
}

fn percent(fraction: f32) -> u8 {
    // Truncates: a step is at 100 when it is done, not before.
    (fraction.clamp(0.0, 1.0) * 100.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracker(steps: usize, inputs: usize) -> Tracker {
        let steps = vec![StepState::pending("filter".into()); steps];
        Tracker::new(&steps, inputs, Clock::system())
    }

    #[test]
    fn fused_steps_that_begin_together_share_the_progress() {
        let mut tracker = tracker(2, 1);
        tracker.step(0, 0.0);
        tracker.step(1, 0.0);
        tracker.step(0, 1.0);
        let progress = tracker.take().unwrap();
        assert_eq!(progress.percent, 50);
        let statuses: Vec<_> = progress.steps.unwrap().iter().map(|step| step.status).collect();
        assert_eq!(statuses, [StepStatus::Succeeded, StepStatus::Processing]);
    }

    #[test]
    fn a_step_ends_on_the_last_file() {
        let mut tracker = tracker(1, 2);
        tracker.step(0, 1.0);
        tracker.input_done();
        let steps = tracker.take().unwrap().steps.unwrap();
        assert_eq!((steps[0].status, steps[0].progress), (StepStatus::Processing, 50));
        tracker.step(0, 1.0);
        let steps = tracker.take().unwrap().steps.unwrap();
        assert_eq!((steps[0].status, steps[0].progress), (StepStatus::Succeeded, 100));
    }

    #[test]
    fn progress_is_told_once_and_never_falls() {
        let mut tracker = tracker(1, 1);
        assert!(tracker.take().is_none());
        tracker.step(0, 0.7);
        tracker.step(0, 0.2);
        assert_eq!(tracker.take().unwrap().percent, 70);
        assert!(tracker.take().is_none());
        tracker.step(9, 1.0);
        assert!(tracker.take().is_none(), "a step that does not exist");
    }
}
