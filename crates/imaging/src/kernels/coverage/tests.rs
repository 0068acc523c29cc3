use tiny_skia_path::{PathBuilder, Stroke, Transform};

use super::*;

fn rect(left: f32, top: f32, right: f32, bottom: f32) -> Path {
    PathBuilder::from_rect(Rect::from_ltrb(left, top, right, bottom).unwrap())
}

fn mask(path: &Path, width: u32, height: u32) -> Vec<u8> {
    Mask::of(path, Window::full(Size::new(width, height))).unwrap().samples
}

#[test]
fn rectangles_cover_exactly_their_area() {
    assert_eq!(mask(&rect(1.0, 0.0, 3.0, 1.0), 4, 1), [0, 255, 255, 0]);
    assert_eq!(mask(&rect(0.5, 0.5, 2.25, 1.0), 3, 1), [64, 128, 32]);
    assert_eq!(mask(&rect(-9.0, -9.0, 9.0, 9.0), 2, 2), [255; 4]);
    assert_eq!(mask(&rect(5.0, 5.0, 9.0, 9.0), 2, 2), [0; 4]);
}

/// By many points a pixel.
fn sampled(path: &Path, width: usize, height: usize) -> Vec<u8> {
    const N: usize = 16;
    let lines = flatten(path, Window::full(Size::new(4096, 4096)));
    let inside = |x: f32, y: f32| {
        let mut winding = 0;
        for (from, to) in &lines {
            let crosses = (from.y <= y) != (to.y <= y);
            if crosses && from.x + (y - from.y) / (to.y - from.y) * (to.x - from.x) < x {
                winding += if from.y < to.y { 1 } else { -1 };
            }
        }
        winding != 0
    };
    let pixel = |index: usize| {
        let (left, top) = ((index % width) as f32, (index / width) as f32);
        let point = |i: usize| (i as f32 + 0.5) / N as f32;
        let hits = (0..N * N).filter(|i| inside(left + point(i % N), top + point(i / N))).count();
        (hits * 255 / (N * N)) as u8
    };
    (0..width * height).map(pixel).collect()
}

#[track_caller]
fn check(path: &Path) {
    let (width, height) = (24, 20);
    let exact = mask(path, width, height);
    for (index, expected) in sampled(path, width as usize, height as usize).iter().enumerate() {
        let (x, y) = (index % width as usize, index / width as usize);
        let got = exact[index];
        assert!(got.abs_diff(*expected) <= 12, "{x},{y}: {got}, not {expected}");
    }
}

#[test]
fn any_outline_covers_what_many_samples_say() {
    check(&PathBuilder::from_circle(12.0, 10.0, 7.3).unwrap());
    check(&PathBuilder::from_oval(Rect::from_ltrb(-5.0, 3.3, 30.0, 9.1).unwrap()).unwrap());
    let mut path = PathBuilder::new();
    path.move_to(-4.0, 2.0);
    path.line_to(9.0, 3.5);
    path.quad_to(30.0, 5.0, 12.0, 11.0);
    path.cubic_to(0.0, 14.0, 10.0, 22.0, 26.0, 15.7);
    let path = path.finish().unwrap();
    check(&path.stroke(&Stroke { width: 1.7, ..Stroke::default() }, 1.0).unwrap());
    check(&rect(3.0, 3.0, 20.0, 6.0).transform(Transform::from_rotate(33.0)).unwrap());
}

#[test]
fn what_lies_left_of_the_window_counts_and_bands_do_not_show() {
    let circle = PathBuilder::from_circle(0.0, 0.0, 500.0).unwrap();
    let whole = Mask::of(&circle, Window::between((-510, -510), (510, 510))).unwrap();
    let part = Window::between((100, -200), (140, 480));
    let cut = Mask::of(&circle, part).unwrap();
    for (index, sample) in cut.samples.iter().enumerate() {
        let (x, y) = (index % 40 + 100 + 510, index / 40 + 510 - 200);
        assert!(sample.abs_diff(whole.samples[y * 1020 + x]) <= 1);
    }
}

#[test]
fn windows_meet_and_span() {
    let (a, b) = (Window::between((0, 0), (10, 10)), Window::between((5, -5), (20, 8)));
    assert_eq!(a.within(b), Window::between((5, 0), (10, 8)));
    assert_eq!(a.with(b), Window::between((0, -5), (20, 10)));
    assert!(a.within(b.moved(100, 0)).is_empty());
    let far = Window::between((i32::MIN, i32::MIN), (i32::MAX, i32::MAX));
    assert_eq!(a.within(far), a);
}
