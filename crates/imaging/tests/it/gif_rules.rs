//! GIFs from another encoder, with every way to show a frame, against a canvas kept by hand.

use gif::{DisposalMethod, Encoder, Repeat};
use imaging::{Limits, format};

use crate::formats::rgba;

const WIDTH: usize = 11;
const HEIGHT: usize = 9;
const GLOBAL: [u8; 12] = [0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255];
const LOCAL: [u8; 9] = [250, 250, 10, 10, 250, 250, 250, 10, 250];

/// A frame that shows indices 0, 1 and 2 in a pattern of its own.
#[derive(Clone, Copy)]
struct Part {
    at: (usize, usize),
    size: (usize, usize),
    dispose: DisposalMethod,
    interlaced: bool,
    local: bool,
    transparent: Option<u8>,
    delay: u16,
}

impl Part {
    fn index(&self, x: usize, y: usize) -> u8 {
        ((x * 5 + y * 3 + x * y + self.at.0) % 3) as u8
    }

    fn color(&self, x: usize, y: usize) -> Option<[u8; 4]> {
        let index = self.index(x, y);
        let table: &[u8] = if self.local { &LOCAL } else { &GLOBAL };
        let color = &table[usize::from(index) * 3..][..3];
        (self.transparent != Some(index)).then(|| [color[0], color[1], color[2], 255])
    }

    fn frame(&self) -> gif::Frame<'static> {
        let (width, height) = self.size;
        // The rows of an interlaced frame are stored in four passes (GIF89a, appendix E).
        let mut rows: Vec<usize> = (0..height).collect();
        if self.interlaced {
            let pass = |y: &usize| match y % 8 {
                0 => 0,
                4 => 1,
                2 | 6 => 2,
                _ => 3,
            };
            rows.sort_by_key(pass);
        }
        let indices = rows.into_iter().flat_map(|y| (0..width).map(move |x| self.index(x, y)));
        gif::Frame {
            delay: self.delay,
            dispose: self.dispose,
            transparent: self.transparent,
            left: self.at.0 as u16,
            top: self.at.1 as u16,
            width: width as u16,
            height: height as u16,
            interlaced: self.interlaced,
            palette: self.local.then(|| LOCAL.to_vec()),
            buffer: indices.collect(),
            ..gif::Frame::default()
        }
    }
}

type Picture = [[[u8; 4]; WIDTH]; HEIGHT];

/// What is shown at each frame.
fn shown(parts: &[Part]) -> Vec<Picture> {
    let mut canvas: Picture = [[[0; 4]; WIDTH]; HEIGHT];
    let mut shown = Vec::new();
    for part in parts {
        let before = canvas;
        let inside = |x: usize, y: usize| x < WIDTH && y < HEIGHT;
        let places = || {
            (0..part.size.1)
                .flat_map(|y| (0..part.size.0).map(move |x| (x, y)))
                .map(|(x, y)| ((x, y), (x + part.at.0, y + part.at.1)))
                .filter(|(_, (x, y))| inside(*x, *y))
        };
        for ((x, y), (across, down)) in places() {
            if let Some(color) = part.color(x, y) {
                canvas[down][across] = color;
            }
        }
        shown.push(canvas);
        match part.dispose {
            DisposalMethod::Any | DisposalMethod::Keep => {}
            DisposalMethod::Background => {
                for (_, (across, down)) in places() {
                    canvas[down][across] = [0; 4];
                }
            }
            DisposalMethod::Previous => canvas = before,
        }
    }
    shown
}

fn file(parts: &[Part]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new(), WIDTH as u16, HEIGHT as u16, &GLOBAL).unwrap();
    encoder.set_repeat(Repeat::Finite(2)).unwrap();
    for part in parts {
        encoder.write_frame(&part.frame()).unwrap();
    }
    encoder.into_inner().unwrap()
}

#[track_caller]
fn check(parts: &[Part]) {
    let file = file(parts);
    let limits = Limits::default();
    let header = format::header(&file, &limits).unwrap();
    assert_eq!(header.frames as usize, parts.len());
    let gif = format::by_name("gif").unwrap();
    let track = gif.decode_frames.unwrap()(&file, &limits).unwrap();
    assert_eq!((track.count as usize, track.loop_count), (parts.len(), 3));
    for ((frame, part), expected) in track.frames.zip(parts).zip(shown(parts)) {
        let frame = frame.unwrap();
        assert_eq!(frame.delay_ms, u32::from(part.delay) * 10);
        let imaging::image::Pixels::U8(packed) = frame.pixels else { panic!("8 bits") };
        assert_eq!(rgba(&packed), expected.as_flattened());
        assert!(header.has_alpha || packed.is_opaque());
    }
}

const DISPOSALS: [DisposalMethod; 4] = [
    DisposalMethod::Any,
    DisposalMethod::Keep,
    DisposalMethod::Background,
    DisposalMethod::Previous,
];

const WHOLE: Part = Part {
    at: (0, 0),
    size: (WIDTH, HEIGHT),
    dispose: DisposalMethod::Keep,
    interlaced: false,
    local: false,
    transparent: None,
    delay: 7,
};

#[test]
fn every_disposal_after_every_other() {
    for first in DISPOSALS {
        for second in DISPOSALS {
            for third in DISPOSALS {
                let base = Part { dispose: first, ..WHOLE };
                let one = Part { at: (2, 1), size: (6, 5), dispose: second, ..WHOLE };
                let two = Part { at: (4, 3), size: (5, 6), dispose: third, delay: 1, ..WHOLE };
                let two = Part { transparent: Some(1), local: true, ..two };
                let last = Part { at: (0, 8), size: (11, 1), delay: 0, ..WHOLE };
                check(&[base, one, two, last]);
                check(&[Part { transparent: Some(0), ..base }, two, one, last]);
                check(&[one, base, two]);
            }
        }
    }
}

#[test]
fn interlaced_frames_of_every_height_are_put_in_order() {
    for height in 1..=HEIGHT {
        let part = Part { size: (7, height), interlaced: true, ..WHOLE };
        check(&[WHOLE, Part { at: (1, 0), ..part }, Part { local: true, ..part }]);
    }
}

#[test]
fn frames_may_lie_outside_of_the_canvas_or_be_empty() {
    for dispose in DISPOSALS {
        for (at, size) in
            [((8, 7), (9, 9)), ((40, 2), (3, 3)), ((0, 0), (30, 30)), ((3, 99), (1, 1))]
        {
            for interlaced in [false, true] {
                let part = Part { at, size, dispose, interlaced, ..WHOLE };
                check(&[WHOLE, part, Part { at: (1, 1), size: (2, 2), local: true, ..WHOLE }]);
                check(&[part, WHOLE]);
            }
        }
        check(&[WHOLE, Part { size: (0, 0), dispose, ..WHOLE }, Part { local: true, ..WHOLE }]);
    }
}

#[test]
fn a_file_without_a_loop_plays_once() {
    let mut encoder = Encoder::new(Vec::new(), WIDTH as u16, HEIGHT as u16, &GLOBAL).unwrap();
    encoder.write_frame(&WHOLE.frame()).unwrap();
    encoder.write_frame(&WHOLE.frame()).unwrap();
    let file = encoder.into_inner().unwrap();
    let gif = format::by_name("gif").unwrap();
    assert_eq!(gif.decode_frames.unwrap()(&file, &Limits::default()).unwrap().loop_count, 1);
}
