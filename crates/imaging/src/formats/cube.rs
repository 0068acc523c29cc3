//! Color tables as graders exchange them (Adobe, "Cube LUT Specification", version 1.0, 2013).
//!
//! A `.cube` file is text: keywords, then a line of three numbers an entry. It is no image: it is
//! inspected like one, so that it can be uploaded beside one, and used by the `lut` filter.

use std::sync::Arc;

use crate::format::{Format, Header, Inspect, Sequence};
use crate::image::Size;
use crate::kernels::look::Look;
use crate::metadata::Orientation;
use crate::{Error, Result};

mod lines;

use lines::Lines;

/// The format.
pub static CUBE: Format = Format {
    name: "cube",
    title: "color table (.cube)",
    mime_type: "text/plain",
    sniff,
    inspect: |_| Box::new(Walk::default()),
    ..Format::PLAIN
};

/// The most entries of a table of one dimension: what the specification allows.
const CURVE_MAX: usize = 65_536;
/// The most entries along an axis of a table of three dimensions. The specification allows 256,
/// which would be a gigabyte of text; those in use have up to 65.
const CUBE_MAX: usize = 129;

/// A table.
#[derive(Clone)]
pub enum Table {
    /// One curve for each channel.
    Curves(Arc<[Vec<f32>; 3]>, Domain),
    /// A cube.
    Cube(Arc<Look>, Domain),
}

/// The values of each channel that the first and the last entry stand for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Domain {
    min: [f32; 3],
    max: [f32; 3],
}

impl Domain {
    const UNIT: Self = Self { min: [0.0; 3], max: [1.0; 3] };

    /// Whether the table covers black to white and nothing else.
    pub fn is_unit(self) -> bool {
        self == Self::UNIT
    }

    /// Where a value of a channel lies between the first entry (0) and the last (1).
    pub fn share(self, channel: usize, value: f32) -> f32 {
        (value - self.min[channel]) / (self.max[channel] - self.min[channel])
    }
}

/// How many entries a table has along an axis, and along how many axes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Curves(usize),
    Cube(usize),
}

impl Shape {
    fn rows(self) -> usize {
        match self {
            Self::Curves(len) => len,
            Self::Cube(side) => side.pow(3),
        }
    }
}

fn sniff(start: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start).trim_ascii_start();
    let keyword =
        ["TITLE", "LUT_", "DOMAIN_"].iter().any(|word| start.starts_with(word.as_bytes()));
    // A comment; `#?` starts a Radiance picture, `#!` a script.
    keyword || (start.starts_with(b"#") && !matches!(start.get(1), Some(b'?' | b'!')))
}

/// Reads the whole text in the memory of one line.
#[derive(Default)]
struct Walk {
    lines: Lines,
    text: Text,
}

impl Inspect for Walk {
    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.lines.push(bytes, |line| self.text.line(line).map(|_| ()))
    }

    fn finish(mut self: Box<Self>) -> Result<Header> {
        self.lines.finish(|line| self.text.line(line).map(|_| ()))?;
        let (shape, _) = self.text.end()?;
        let size = match shape {
            // As wide as an image can be said to be; nothing is made of it.
            Shape::Curves(len) => Size::new(len.min(65_535) as u32, 1),
            Shape::Cube(side) => Size::new(side as u32, (side * side) as u32),
        };
        Ok(Header {
            format: &CUBE,
            size,
            orientation: Orientation::Normal,
            frames: 1,
            sequence: Sequence::Still,
            has_alpha: false,
            is_gray: false,
            bit_depth: 32,
            is_lossy: false,
            is_guess: false,
        })
    }
}

/// The table of a whole file.
pub fn parse(bytes: &[u8]) -> Result<Table> {
    let mut text = Text::default();
    let mut rows: Vec<[f32; 3]> = Vec::new();
    let mut lines = Lines::default();
    let mut line = |line: &str| {
        if let Some(row) = text.line(line)? {
            // The size is known by now, and within the limits.
            rows.push(row);
        }
        Ok(())
    };
    lines.push(bytes, &mut line)?;
    lines.finish(&mut line)?;
    let (shape, domain) = text.end()?;
    Ok(match shape {
        Shape::Curves(_) => {
            let curve = |c: usize| rows.iter().map(|row| row[c]).collect();
            Table::Curves(Arc::new(std::array::from_fn(curve)), domain)
        }
        Shape::Cube(side) => {
            // Red runs fastest in the file.
            let at = |i: usize| i / (side * side) + i / side % side * side + i % side * side * side;
            let nodes = (0..side.pow(3)).map(|i| rows[at(i)]).collect();
            Table::Cube(Look::from_nodes(side, nodes), domain)
        }
    })
}

/// What the lines have said so far.
#[derive(Default)]
struct Text {
    shape: Option<Shape>,
    domain: Option<Domain>,
    rows: usize,
}

impl Text {
    /// Takes a line, without its end; gives the entry in it, if it is one.
    fn line(&mut self, line: &str) -> Result<Option<[f32; 3]>> {
        let line = line.trim_start_matches('\u{feff}').trim();
        match line.as_bytes().first() {
            None | Some(b'#') => Ok(None),
            Some(b'0'..=b'9' | b'+' | b'-' | b'.') => self.row(line).map(Some),
            // `nan` and `inf` are no keywords.
            Some(_) if starts_with_number(line) => self.row(line).map(Some),
            Some(_) => self.keyword(line).map(|()| None),
        }
    }

    fn row(&mut self, line: &str) -> Result<[f32; 3]> {
        let Some(shape) = self.shape else {
            return Err(Error::input("the color table has entries before it says its size"));
        };
        self.rows += 1;
        if self.rows > shape.rows() {
            let wanted = shape.rows();
            return Err(Error::input(format!(
                "the color table has more than its {wanted} entries"
            )));
        }
        numbers(line).map(|row| row.map(|value| value.clamp(-16.0, 16.0)))
    }

    fn keyword(&mut self, line: &str) -> Result<()> {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let domain = self.domain.unwrap_or(Domain::UNIT);
        match word {
            "LUT_1D_SIZE" => self.size(rest, CURVE_MAX, Shape::Curves)?,
            "LUT_3D_SIZE" => self.size(rest, CUBE_MAX, Shape::Cube)?,
            "DOMAIN_MIN" => self.domain = Some(Domain { min: numbers(rest)?, ..domain }),
            "DOMAIN_MAX" => self.domain = Some(Domain { max: numbers(rest)?, ..domain }),
            // As DaVinci Resolve writes the domain.
            "LUT_1D_INPUT_RANGE" | "LUT_3D_INPUT_RANGE" => {
                let [min, max] = numbers(rest)?;
                self.domain = Some(Domain { min: [min; 3], max: [max; 3] });
            }
            // A title, or what a program wrote for itself.
            _ => {}
        }
        Ok(())
    }

    fn size(&mut self, text: &str, max: usize, shape: fn(usize) -> Shape) -> Result<()> {
        let text = text.trim();
        if self.shape.is_some() {
            return Err(Error::unsupported(
                "the color table says its size twice: one table of 1D or 3D a file is served",
            ));
        }
        let size: u64 = text
            .parse()
            .map_err(|_| Error::input(format!("the color table says its size is {text:?}")))?;
        match usize::try_from(size) {
            Ok(size) if size > max => Err(Error::limit(format!(
                "the color table says {size} entries an axis, at most {max}"
            ))),
            Ok(size) if size >= 2 => {
                self.shape = Some(shape(size));
                Ok(())
            }
            _ => Err(Error::input(format!("the color table says {size} entries an axis"))),
        }
    }

    /// The file has ended.
    fn end(&self) -> Result<(Shape, Domain)> {
        let Some(shape) = self.shape else {
            return Err(Error::input("the color table ends before it says its size"));
        };
        if self.rows < shape.rows() {
            let (rows, wanted) = (self.rows, shape.rows());
            let message = format!("the color table ends after {rows} of {wanted} entries");
            return Err(Error::input(message));
        }
        let domain = self.domain.unwrap_or(Domain::UNIT);
        if (0..3).any(|c| domain.max[c] - domain.min[c] < 1e-6) {
            return Err(Error::input("the color table has an empty domain"));
        }
        Ok((shape, domain))
    }
}

fn starts_with_number(line: &str) -> bool {
    line.split_ascii_whitespace().next().is_some_and(|word| word.parse::<f32>().is_ok())
}

/// So many finite numbers.
fn numbers<const N: usize>(text: &str) -> Result<[f32; N]> {
    let shown: String = text.chars().take(60).collect();
    let wrong =
        || Error::input(format!("the color table needs {N} finite numbers where it has {shown:?}"));
    let mut words = text.split_ascii_whitespace();
    let mut values = [0.0f32; N];
    for value in &mut values {
        let word = words.next().ok_or_else(wrong)?;
        *value = word.parse().map_err(|_| wrong())?;
        if !value.is_finite() {
            return Err(wrong());
        }
    }
    match words.next() {
        Some(word) if !word.starts_with('#') => Err(wrong()),
        _ => Ok(values),
    }
}

#[cfg(test)]
mod tests;
