//! What is said where a format does not hold all that is asked of it: in a run, and before it.

use super::Format;
use crate::Size;
use crate::output::Output;

impl Format {
    /// What a still format says of an animation of which it gets one frame.
    pub(crate) fn holds_one_frame(&self, frames: u32) -> String {
        let holds = match self.encode_pages {
            Some(_) => "holds pages, which frames do not become",
            None => "holds one picture",
        };
        let title = self.title;
        format!(
            "{title} {holds}: the first of {frames} frames is taken (frames: \"all\" gives each as \
             a file)"
        )
    }

    /// What is said where a file gets less effort than is asked for.
    pub(crate) fn lowered_effort(
        &self,
        output: &Output,
        size: Size,
        is_animation: bool,
    ) -> Option<String> {
        let effort = (self.effort_lowered)(output, size, is_animation)?;
        let of = if is_animation { "an animation of" } else { "a picture of" };
        Some(format!("{of} {size} is written to {} with effort {effort} at most", self.title))
    }

    /// What is said of an animation that is to have a palette, where the format has none for it.
    pub(crate) fn ignored_palette(&self) -> Option<String> {
        let title = self.title;
        (!self.palettes_of_frames)
            .then(|| format!("an animated {title} has no palette: it keeps all colors"))
    }
}
