//! What an operation meets when it is lowered, and what it has to say besides its stages.

use crate::files::{File, Files};
use crate::image_op::Misfit;
use crate::output::Output;
use crate::{Limits, Size};

/// The image that an operation is lowered for, and the files beside it.
pub struct Scene<'a> {
    size: Size,
    size_is_certain: bool,
    files: &'a Files<'a>,
    limits: &'a Limits,
    /// Code and message of each warning.
    pub(crate) warnings: Vec<(&'static str, String)>,
    /// What the operation wants of the output.
    pub(crate) output: Output,
    /// Whether previews in the metadata must go.
    pub(crate) drops_previews: bool,
    /// What does not fit: the pointer below the operation, and what is wrong.
    pub(crate) misfits: Vec<(String, String)>,
    /// The size that the result would have if what does not fit were mended.
    pub(crate) assumed: Option<Size>,
}

impl<'a> Scene<'a> {
    /// An image of this size, with these files beside it.
    pub(crate) fn new(size: Size, files: &'a Files<'a>, limits: &'a Limits) -> Self {
        Self {
            size,
            size_is_certain: true,
            files,
            limits,
            warnings: Vec::new(),
            output: Output::default(),
            drops_previews: false,
            misfits: Vec::new(),
            assumed: None,
        }
    }

    /// The size of the image before the operation.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Whether the size is known for good: it is not before a stage has run that has to see the
    /// image.
    pub fn is_size_certain(&self) -> bool {
        self.size_is_certain
    }

    /// The size is a guess.
    pub(crate) fn guess_size(&mut self) {
        self.size_is_certain = false;
    }

    /// Bounds on the work.
    pub fn limits(&self) -> &Limits {
        self.limits
    }

    /// The file at this place of the request, which `field` names.
    pub fn file(&self, field: &'static str, index: usize) -> Result<&'a File<'a>, Misfit> {
        self.files
            .get(index)
            .ok_or_else(|| Misfit { field, message: format!("there is no file {index}") })
    }

    /// A parameter does not fit the image, and others may not either: the pointer below the
    /// operation, and what is wrong.
    pub fn refuse(&mut self, below: impl Into<String>, message: impl Into<String>) {
        self.misfits.push((below.into(), message.into()));
    }

    /// What follows is checked for an image of this size, even if the operation does not fit.
    pub fn assume(&mut self, size: Size) {
        self.assumed = Some(size);
    }

    /// Tells the caller something that is no fault.
    pub fn warn(&mut self, code: &'static str, message: impl Into<String>) {
        self.warnings.push((code, message.into()));
    }

    /// Has thumbnails and previews of the image dropped from its metadata, even where these are
    /// kept: they show what the operation hides.
    pub fn drop_previews(&mut self) {
        self.drops_previews = true;
    }

    /// Wants this resolution written into the file, in pixels an inch.
    pub fn set_dpi(&mut self, dpi: f64) {
        self.output.dpi = Some(dpi);
    }
}

/// Lowers an operation for an image of this size that stands alone: for tests of operations.
#[cfg(test)]
pub(crate) fn lower_alone(
    op: &impl crate::image_op::ImageOp,
    size: Size,
) -> Result<Vec<crate::stage::Stage>, Misfit> {
    let (files, limits) = (Files::default(), Limits::default());
    op.lower(&mut Scene::new(size, &files, &limits))
}
