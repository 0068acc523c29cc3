//! The run lengths of BMP, of 8 and of 4 bits.

use super::ends_early;
use crate::{Error, Result};

/// The indices of all pixels in the order of storage; those that are passed over are 0.
pub(super) fn decode(
    data: &[u8],
    is_half: bool,
    (width, height): (usize, usize),
) -> Result<Vec<u8>> {
    let mut indices = crate::image::zeroed::<u8>((width * height) as u64)?;
    let mut pairs = Pairs { rest: data };
    let (mut x, mut y) = (0, 0);
    let mut put = |x: &mut usize, y: usize, index: u8| {
        if *x < width && y < height {
            indices[y * width + *x] = index;
        }
        *x += 1;
    };
    while y < height {
        match pairs.next()? {
            [0, 0] => (x, y) = (0, y + 1),
            [0, 1] => break,
            [0, 2] => {
                let [right, up] = pairs.next()?;
                (x, y) = (x + usize::from(right), y + usize::from(up));
            }
            [0, count] => {
                let count = usize::from(count);
                let len = if is_half { count.div_ceil(2) } else { count };
                let literal = pairs.take(len.next_multiple_of(2))?;
                for at in 0..count {
                    put(&mut x, y, if is_half { half(literal[at / 2], at) } else { literal[at] });
                }
            }
            [count, value] => {
                for at in 0..usize::from(count) {
                    put(&mut x, y, if is_half { half(value, at) } else { value });
                }
            }
        }
        if x > width + 255 {
            return Err(Error::input("the BMP has a row that is longer than the image is wide"));
        }
    }
    Ok(indices)
}

fn half(byte: u8, at: usize) -> u8 {
    if at.is_multiple_of(2) { byte >> 4 } else { byte & 0xF }
}

struct Pairs<'a> {
    rest: &'a [u8],
}

impl<'a> Pairs<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or_else(ends_early)?;
        self.rest = rest;
        Ok(taken)
    }

    fn next(&mut self) -> Result<[u8; 2]> {
        let pair = self.take(2)?;
        Ok([pair[0], pair[1]])
    }
}
