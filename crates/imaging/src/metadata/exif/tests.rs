use super::*;

/// A stream with an orientation, a resolution, a GPS pointer, rights, and a thumbnail directory.
fn sample(little_endian: bool) -> Vec<u8> {
    let short = |v: u16| if little_endian { v.to_le_bytes() } else { v.to_be_bytes() };
    let long = |v: u32| if little_endian { v.to_le_bytes() } else { v.to_be_bytes() };
    let mut bytes = if little_endian { b"II*\0".to_vec() } else { b"MM\0*".to_vec() };
    let entry = |bytes: &mut Vec<u8>, tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        bytes.extend(short(tag));
        bytes.extend(short(kind));
        bytes.extend(long(count));
        bytes.extend(value);
    };
    bytes.extend(long(8));
    bytes.extend(short(6));
    // The first directory takes 8..86, its values start at 86.
    let [a, b] = short(6);
    entry(&mut bytes, ORIENTATION, SHORT, 1, [a, b, 0, 0]);
    entry(&mut bytes, X_RESOLUTION, RATIONAL, 1, long(86));
    entry(&mut bytes, Y_RESOLUTION, RATIONAL, 1, long(86));
    entry(&mut bytes, ARTIST, ASCII, 4, *b"Ann\0");
    entry(&mut bytes, COPYRIGHT, ASCII, 10, long(94));
    entry(&mut bytes, 0x8825, LONG, 1, long(0));
    bytes.extend(long(104));
    bytes.extend(long(3000));
    bytes.extend(long(10));
    bytes.extend(b"(c) 2026 \0");
    bytes.extend(short(2));
    entry(&mut bytes, THUMBNAIL_OFFSET, LONG, 1, long(134));
    entry(&mut bytes, THUMBNAIL_LENGTH, LONG, 1, long(9));
    bytes.extend(long(0));
    bytes.extend(b"thumbnail");
    bytes
}

#[test]
fn fields_are_read_in_both_byte_orders() {
    for little_endian in [false, true] {
        let exif = sample(little_endian);
        assert_eq!(orientation(&exif), Some(6));
        assert_eq!(dpi(&exif), Some((300.0, 300.0)));
    }
}

#[test]
fn rights_survive_alone() {
    let kept = rights(&sample(true)).unwrap();
    let tiff = Tiff::open(&kept).unwrap();
    let first = tiff.first().unwrap();
    assert_eq!(tiff.entries(first).count(), 2);
    assert_eq!(tiff.text(tiff.find(first, ARTIST).unwrap()), Some(&b"Ann"[..]));
    assert_eq!(tiff.text(tiff.find(first, COPYRIGHT).unwrap()), Some(&b"(c) 2026"[..]));
    assert_eq!(rights(&kept), Some(kept));
}

#[test]
fn upright_metadata_have_no_turn_and_no_thumbnail() {
    for little_endian in [false, true] {
        let mut exif = sample(little_endian);
        make_upright(&mut exif);
        assert_eq!(orientation(&exif), Some(1));
        assert_eq!(dpi(&exif), Some((300.0, 300.0)));
        assert!(!exif.windows(5).any(|window| window == b"thumb"));
        let tiff = Tiff::open(&exif).unwrap();
        assert_eq!(tiff.long(tiff.next_at(8).unwrap()), Some(0));
    }
}

#[test]
fn hostile_streams_do_no_harm() {
    let sound = sample(false);
    for len in 0..sound.len() {
        let mut cut = sound[..len].to_vec();
        let _ = (orientation(&cut), dpi(&cut), rights(&cut));
        make_upright(&mut cut);
        let _ = with_dpi(Some(cut), 72.0);
    }
    for at in 0..sound.len() {
        for value in [0, 1, 0x7F, 0xFF] {
            let mut flipped = sound.clone();
            flipped[at] = value;
            let _ = (orientation(&flipped), dpi(&flipped), rights(&flipped));
            make_upright(&mut flipped);
            let _ = with_dpi(Some(flipped), 72.0);
        }
    }
}

#[test]
fn a_resolution_takes_the_place_of_that_of_the_stream() {
    for little_endian in [false, true] {
        let whole = sample(little_endian);
        let said = with_dpi(Some(whole.clone()), 254.5);
        assert_eq!(dpi(&said), Some((254.5, 254.5)));
        assert_eq!((orientation(&said), rights(&said)), (orientation(&whole), rights(&whole)));
        assert_eq!(said.len(), whole.len());
    }
}

#[test]
fn a_resolution_stands_beside_artist_and_copyright_or_alone() {
    let own = rights(&sample(true)).unwrap();
    let said = with_dpi(Some(own.clone()), 72.0);
    assert_eq!(dpi(&said), Some((72.0, 72.0)));
    assert_eq!(rights(&said), Some(own));
    let alone = with_dpi(None, 300.0);
    assert_eq!((dpi(&alone), rights(&alone)), (Some((300.0, 300.0)), None));
    assert_eq!(with_dpi(Some(alone), 96.0), with_dpi(None, 96.0));
}
