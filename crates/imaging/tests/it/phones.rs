//! What phones and cameras write: pictures in tiles that are to be turned, and raw files with
//! previews.

use imaging::image::{Channels, ColorSpace};
use imaging::metadata::Orientation;
use imaging::{Input, Limits, Plan, Size, format};
use serde_json::json;

use crate::formats::{decode, file, photo, psnr, rgba, rgba_of};

/// A grid of tiles of 512 × 512 as phones write them, shown as 900 × 700.
#[track_caller]
fn check_grid(bytes: &[u8], bits: u8, has_profile: bool) {
    let header = format::header(bytes, &Limits::default()).unwrap();
    assert_eq!((header.format.name, header.bit_depth), ("heic", bits));
    assert_eq!(header.upright_size(), Size::new(900, 700));
    assert_eq!(matches!(decode(bytes).color, ColorSpace::Icc(_)), has_profile);
    let (_, plan) =
        Plan::parse("convert", &json!({ "output_format": "png" }), &Limits::default()).unwrap();
    let report =
        imaging::run(&plan, Input::alone("in.heic", bytes), &Limits::default(), &()).unwrap();
    let seen = decode(&report.outputs[0].bytes);
    let deep = if bits > 8 { 16 } else { 8 };
    assert_eq!(seen.frames[0].pixels.bit_depth(), deep);
    assert_eq!(seen.size(), Size::new(900, 700));
    let expected = rgba(&photo(Size::new(900, 700), Channels::Rgb));
    let distance = psnr(rgba_of(&seen).as_flattened(), expected.as_flattened());
    assert!(distance > 40.0, "{distance:.1} dB");
    let seen = rgba_of(&seen);
    // No tile is missing or elsewhere, and no edge of a tile is to be seen.
    for (x, y) in [(3, 3), (896, 3), (3, 696), (896, 696), (511, 350), (512, 350), (388, 187)] {
        let at = y * 900 + x;
        let close = seen[at].iter().zip(expected[at]).all(|(a, b)| a.abs_diff(b) < 12);
        assert!(close, "{x}, {y}: {:?} for {:?}", seen[at], expected[at]);
    }
}

#[test]
fn tiles_of_a_phone_become_one_picture_that_lies_upright() {
    for (name, bits, has_profile) in
        [("grid-turned.heic", 8, false), ("grid-ten-bit.heic", 10, true)]
    {
        let mut bytes = file(name);
        check_grid(&bytes, bits, has_profile);
        // The same where nothing but the coded tiles says what the colors are.
        let at = bytes.windows(4).position(|name| name == b"colr").unwrap();
        bytes[at..at + 4].copy_from_slice(b"skip");
        check_grid(&bytes, bits, false);
    }
}

/// What a directory of a raw file holds.
#[derive(Clone, Copy)]
enum Value {
    Short(u16),
    Long(u32),
    /// The place of a part, and how long it is.
    At(usize),
    Len(usize),
    /// The place of the second directory.
    Second,
}

/// Parts of a raw file.
const SMALL: usize = 0;
const SENSOR: usize = 1;
const LARGE: usize = 2;

type Entries<'a> = &'a [(u16, Value)];

/// A raw file like those of a camera: a start of 16 bytes, two directories, a thumbnail, the data
/// of a sensor, a preview.
fn raw(
    start: &[u8],
    directories: [Entries<'_>; 2],
    is_chain: bool,
    parts: [&[u8]; 3],
    order: [usize; 3],
) -> Vec<u8> {
    let is_big = start[0] == b'M';
    let long = |value: u32| if is_big { value.to_be_bytes() } else { value.to_le_bytes() };
    let short = |value: u16| if is_big { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut raw = start[..4].to_vec();
    raw.extend(long(16));
    raw.extend(start.get(4..).unwrap_or_default());
    raw.resize(16, 0);
    let len = |entries: Entries<'_>| 6 + 12 * entries.len();
    let second = 16 + len(directories[0]);
    let mut place = second + len(directories[1]);
    let mut places = [0; 3];
    for part in order {
        places[part] = place;
        place += parts[part].len();
    }
    for (entries, next) in directories.iter().zip([if is_chain { second as u32 } else { 0 }, 0]) {
        raw.extend(short(entries.len() as u16));
        for (tag, value) in *entries {
            raw.extend(short(*tag));
            let (kind, bytes) = match *value {
                Value::Short(value) => (3, [short(value), [0; 2]].concat()),
                Value::Long(value) => (4, long(value).to_vec()),
                Value::At(part) => (4, long(places[part] as u32).to_vec()),
                Value::Len(part) => (4, long(parts[part].len() as u32).to_vec()),
                Value::Second => (4, long(second as u32).to_vec()),
            };
            raw.extend([&short(kind)[..], &long(1), &bytes].concat());
        }
        raw.extend(long(next));
    }
    raw.extend(order.map(|part| parts[part]).concat());
    raw
}

/// Bytes of a sensor, with what Canon and Nikon put there: a JPEG without loss, that nobody else
/// reads and that is larger than any preview.
fn sensor() -> Vec<u8> {
    let mut sensor = b"\xFF\xD8\xFF\xC4\0\x04ab".to_vec();
    sensor.extend(b"\xFF\xC3\0\x0E\x0E\x10\0\x10\0\x02\x01\x11\0\x02\x11\0");
    sensor.extend(b"\xFF\xDA\0\x0A\x02\x01\0\x02\0\0\0\0");
    sensor.extend((0..5000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8));
    sensor.extend(b"\xFF\xD9");
    sensor
}

#[track_caller]
fn check_raw(name: &str, raw: &[u8], orientation: Orientation) {
    let sniffed =
        format::header(raw, &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(sniffed.format.name, "raw", "{name}");
    assert_eq!((sniffed.size, sniffed.orientation), (Size::new(75, 59), orientation), "{name}");
    let (_, plan) =
        Plan::parse("convert", &json!({ "output_format": "png" }), &Limits::default()).unwrap();
    let report = imaging::run(&plan, Input::alone(name, raw), &Limits::default(), &()).unwrap();
    let seen = decode(&report.outputs[0].bytes);
    let preview = decode(&file("photo-444.jpg"));
    if orientation == Orientation::Normal {
        assert_eq!(rgba_of(&seen), rgba_of(&preview), "{name}");
    } else {
        // A quarter turn clockwise: what was below left is above left.
        assert_eq!(seen.size(), Size::new(59, 75), "{name}");
        assert_eq!(rgba_of(&seen)[0], rgba_of(&preview)[58 * 75], "{name}");
    }
}

#[test]
fn raw_files_of_every_maker_give_their_largest_preview() {
    use Value::{At, Len, Long, Second, Short};
    let (small, large, sensor) = (file("orientation-1.jpg"), file("photo-444.jpg"), sensor());
    let parts = [&small[..], &sensor, &large];
    let (subfile, turn, jpeg, jpeg_len) = (254, (274, Short(6)), 513, 514);
    let (compression, strips, strip_lens, below) = (259, 273, 279, 330);
    let thumbnail = [(jpeg, At(SMALL)), (jpeg_len, Len(SMALL))];
    let preview =
        [(subfile, Long(1)), (compression, Short(6)), (jpeg, At(LARGE)), (jpeg_len, Len(LARGE))];
    let stored = [(strips, At(SENSOR)), (strip_lens, Len(SENSOR))];
    let canon = [(compression, Short(6)), (strips, At(LARGE)), turn, (strip_lens, Len(LARGE))];
    let sony = [
        (subfile, Long(1)),
        (compression, Short(6)),
        turn,
        (below, Second),
        (jpeg, At(LARGE)),
        (jpeg_len, Len(LARGE)),
    ];
    let of_sensor = [(subfile, Long(0)), (262, Short(32_803)), stored[0], stored[1]];
    let nikon = [(subfile, Long(1)), stored[0], turn, stored[1], (below, Second)];
    let adobe = [(subfile, Long(1)), turn, (below, Second), (0xC612, Long(0x0401_0000))];
    let panasonic = [(2, Short(59)), (3, Short(75)), (0x2E, At(LARGE)), turn];
    let olympus = [(256, Long(4000)), (257, Long(3000)), stored[0], turn, stored[1]];
    for (name, start, directories, is_chain) in [
        ("cr2", &b"II*\0CR\x02\0\0\0\0\0"[..], [&canon[..], &thumbnail], true),
        ("arw", b"II*\0", [&sony, &of_sensor], false),
        ("nef", b"MM\0*", [&nikon, &preview], false),
        ("little nef", b"II*\0", [&nikon, &preview], false),
        ("dng", b"II*\0", [&adobe, &preview], false),
        ("orf", b"IIRO", [&olympus, &thumbnail], false),
        ("small orf", b"IIRS", [&olympus, &thumbnail], false),
        ("big orf", b"MMOR", [&olympus, &thumbnail], false),
        ("rw2", b"IIU\0", [&panasonic, &thumbnail], false),
    ] {
        // The thumbnail may come behind the preview too.
        for order in [[SMALL, SENSOR, LARGE], [LARGE, SENSOR, SMALL]] {
            let raw = raw(start, directories, is_chain, parts, order);
            check_raw(name, &raw, Orientation::Rotate90);
        }
    }
    let mut raf = b"FUJIFILMCCD-RAW 0201FF383501X-T30".to_vec();
    raf.resize(84, 0);
    raf.extend([148u32.to_be_bytes(), (large.len() as u32).to_be_bytes()].concat());
    raf.resize(148, 0);
    raf.extend([&large[..], &small, &sensor].concat());
    check_raw("raf", &raf, Orientation::Normal);
}
