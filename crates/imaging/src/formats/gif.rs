//! GIF.

use crate::format::{DecodeRequest, Decoded, Format, Track};
use crate::image::{ColorSpace, Frame};
use crate::output::Output;
use crate::{Error, Image, Limits, Result, icc};

mod inspect;
mod read;
mod rewrite;
mod write;

use write::Writer;

/// GIF.
pub static GIF: Format = Format {
    name: "gif",
    title: "GIF",
    mime_type: "image/gif",
    sniff: |start| start.starts_with(b"GIF87a") || start.starts_with(b"GIF89a"),
    inspect: |limits| Box::new(inspect::Walk::start(limits)),
    decode: Some(decode),
    decode_frames: Some(read::track),
    encode: Some(encode),
    encode_frames: Some(encode_frames),
    palettes_of_frames: true,
    // Hundredths of a second in 16 bits.
    delay_ms_max: 655_350,
    alpha: true,
    soft_alpha: false,
    // A palette holds 256 colors.
    is_lossy: |_| true,
    rewrite: Some(rewrite::rewrite),
    side_max: 65_535,
    decode_bytes: 4,
    encode_ns: |_, _| 125.0,
    encode_memory: |_, size| 14 * size.area(),
    ..Format::PLAIN
};

/// What stands before the XMP packet in its application extension.
const XMP_NAME: &[u8] = b"XMP DataXMP";

fn decode(bytes: &[u8], _: &DecodeRequest, limits: &Limits) -> Result<Decoded> {
    let Track { loop_count, color, metadata, mut frames, .. } = read::track(bytes, limits)?;
    let first = frames.next().ok_or_else(|| Error::input("the GIF has no frame"))??;
    let frames = vec![Frame { delay_ms: 0, ..first }];
    Ok(Decoded::full(Image { frames, loop_count, color, metadata }))
}

fn encode(image: &Image, output: &Output) -> Result<Vec<u8>> {
    let [frame] = &image.frames[..] else {
        return Err(Error::internal("a still GIF holds one frame"));
    };
    let mut writer = Writer::new(image.size(), 1, 1, output)?;
    writer.add(in_srgb(frame.clone(), &image.color)?)?;
    writer.finish(&image.metadata)
}

fn encode_frames(track: Track<'_>, output: &Output) -> Result<Vec<u8>> {
    let mut writer = Writer::new(track.size, track.count, track.loop_count, output)?;
    for frame in track.frames {
        writer.add(in_srgb(frame?, &track.color)?)?;
    }
    writer.finish(&track.metadata)
}

/// Viewers take the colors of a GIF for sRGB, whatever it says.
fn in_srgb(frame: Frame, color: &ColorSpace) -> Result<Frame> {
    match color {
        ColorSpace::Srgb => Ok(frame),
        ColorSpace::Icc(profile) => {
            Ok(Frame { pixels: icc::to_srgb(frame.pixels, profile)?, ..frame })
        }
    }
}
