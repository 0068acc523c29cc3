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

    /// What is said where half transparent pixels cannot stay so.
    pub(crate) fn hardened_alpha(&self) -> String {
        let title = self.title;
        format!("{title} holds no half transparent pixels: each is made opaque or left out")
    }

    /// What is said of a resolution that is asked for and not written.
    pub(crate) fn ignored_dpi(&self) -> String {
        format!("{} holds no resolution: dpi is not written", self.title)
    }

    /// What is said of frames that are to be shown for longer than they can be.
    pub(crate) fn cut_delay(&self) -> String {
        let (title, seconds) = (self.title, f64::from(self.delay_ms_max) / 1000.0);
        format!("{title} shows a frame for {seconds} seconds at most: longer ones are cut")
    }
}
