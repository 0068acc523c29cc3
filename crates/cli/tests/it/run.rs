//! `imagehq run`: pipelines on files, without a server.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::program::{PIPELINE, command, imagehq, photo, said, webp_size};

/// A folder with a photograph called `photo.jpg`.
fn folder() -> tempfile::TempDir {
    let temp = tempfile::tempdir().unwrap();
    std::fs::copy(photo(), temp.path().join("photo.jpg")).unwrap();
    temp
}

#[track_caller]
fn runs(folder: &Path, arguments: &[&str]) -> String {
    let output = imagehq(folder, arguments);
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    said
}

#[track_caller]
fn fails(folder: &Path, arguments: &[&str], expected: &[&str]) -> Output {
    let output = imagehq(folder, arguments);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for expected in expected {
        assert!(said.contains(expected), "{expected:?} is not in: {said}");
    }
    output
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_plan_is_explained_without_running_it() {
    let temp = folder();
    let said = runs(
        temp.path(),
        &[
            "run",
            "--explain",
            "photo.jpg",
            "resize:width=1600",
            "cinematic",
            "convert:output_format=webp",
        ],
    );
    for expected in [
        "photo.jpg: 2400 × 1350 jpg, rgb",
        "step 1  filter",
        "pass  resample",
        "result: 1600 × 900 webp, rgb, 1 lossy encode",
        "of one core and",
    ] {
        assert!(said.contains(expected), "{expected:?} is not in: {said}");
    }
    assert_eq!(names(temp.path()), ["photo.jpg"], "nothing was written");
    fails(temp.path(), &["run", "--explain", "photo.jpg", "crop:x=9000"], &["outside the image"]);
}

#[test]
fn typed_steps_and_the_document_make_the_same_file() {
    let temp = folder();
    std::fs::write(temp.path().join("pipeline.json"), PIPELINE).unwrap();
    runs(temp.path(), &["run", "pipeline.json", "photo.jpg", "-o", "long.webp"]);
    let said = runs(
        temp.path(),
        &["run", "photo.jpg", "-o", "short.webp", "resize:width=1600", "cinematic:intensity=72"],
    );
    assert!(said.contains("photo.jpg") && said.contains("1600×"), "{said}");
    let long = std::fs::read(temp.path().join("long.webp")).unwrap();
    let short = std::fs::read(temp.path().join("short.webp")).unwrap();
    assert_eq!(webp_size(&long).0, 1600);
    assert!(long == short, "{} and {} bytes", long.len(), short.len());
    assert_eq!(names(temp.path()), ["long.webp", "photo.jpg", "pipeline.json", "short.webp"]);
}

#[test]
fn names_of_files_are_bytes_and_never_commands_for_the_terminal() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let temp = folder();
    let odd = OsStr::from_bytes(b"bad\xff\x1b[31m\n.jpg");
    std::fs::copy(photo(), temp.path().join(odd)).unwrap();
    let mut run = command(&["run"]);
    run.current_dir(temp.path()).arg(odd).args(["-o", "out/", "resize:width=20"]);
    let output = run.output().unwrap();
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1, "{said:?}");
    assert!(!said.contains('\u{1b}'), "{said:?}");
    assert_eq!(names(&temp.path().join("out")).len(), 1);
}

#[test]
fn several_inputs_go_into_a_folder_and_clashing_names_are_numbered() {
    let temp = folder();
    for name in ["a", "b"] {
        std::fs::create_dir(temp.path().join(name)).unwrap();
        std::fs::copy(photo(), temp.path().join(name).join("photo.jpg")).unwrap();
    }
    let arguments =
        ["run", "photo.jpg", "a/photo.jpg", "b/photo.jpg", "-o", "out/", "resize:width=64"];
    runs(temp.path(), &[&arguments[..], &["convert_to_webp"]].concat());
    let out = temp.path().join("out");
    assert_eq!(names(&out), ["photo-2.webp", "photo-3.webp", "photo.webp"]);
}

#[test]
fn a_file_that_fails_does_not_stop_the_others() {
    let temp = folder();
    std::fs::write(temp.path().join("text.png"), "this is no image").unwrap();
    let arguments = ["run", "text.png", "photo.jpg", "-o", "out/", "resize:width=64"];
    fails(temp.path(), &arguments, &["text.png", "1 of 2 files failed"]);
    assert_eq!(names(&temp.path().join("out")), ["photo.jpg"]);
}

#[test]
fn an_input_is_never_overwritten() {
    let temp = folder();
    let before = std::fs::read(temp.path().join("photo.jpg")).unwrap();
    let steps = ["resize:width=64"];
    for target in ["photo.jpg", "./", "./photo.jpg"] {
        let arguments = [&["run", "photo.jpg", "-o", target][..], &steps].concat();
        fails(temp.path(), &arguments, &["is an input"]);
    }
    assert_eq!(std::fs::read(temp.path().join("photo.jpg")).unwrap(), before);
    assert_eq!(names(temp.path()), ["photo.jpg"]);
    // Nor is what an operation uses beside it.
    std::fs::copy(temp.path().join("photo.jpg"), temp.path().join("logo.jpg")).unwrap();
    let arguments = ["run", "photo.jpg", "logo.jpg", "-o", "logo.jpg", "overlay:file_index=1"];
    fails(temp.path(), &arguments, &["is an input"]);
    assert_eq!(std::fs::read(temp.path().join("logo.jpg")).unwrap(), before);
}

#[test]
fn faults_name_what_was_typed_and_what_was_meant() {
    let temp = folder();
    let run = |step: &'static str| ["run", "photo.jpg", "-o", "out.webp", step];
    fails(temp.path(), &run("resize:widht=1600"), &["resize:widht=1600", "did you mean `width`?"]);
    fails(temp.path(), &run("cinematc"), &["did you mean `cinematic`?"]);
    fails(temp.path(), &run("cinematic:intensity=172"), &["from 0 to 100, got 172"]);
    let outside = "crop:x=60000,y=0,width=9,height=9";
    fails(temp.path(), &run(outside), &["photo.jpg: crop:x=60000", "outside the image"]);
    fails(temp.path(), &run("missing.jpg"), &["missing.jpg", "no such file"]);
    fails(temp.path(), &["run", "photo.jpg", "-o", "out.xyz", "flip"], &["out.xyz", "xyz"]);
    let broken = PIPELINE.replace("width", "widht");
    std::fs::write(temp.path().join("p.json"), broken).unwrap();
    let expected = ["/steps/0/request/operations/0/widht", "did you mean `width`?"];
    fails(temp.path(), &["run", "p.json", "photo.jpg", "-o", "out.webp"], &expected);
    assert_eq!(names(temp.path()), ["p.json", "photo.jpg"]);
}

#[test]
fn files_that_operations_use_are_checked_before_any_work() {
    let temp = folder();
    let photo = temp.path().join("photo.jpg");
    std::fs::copy(&photo, temp.path().join("photo.cube")).unwrap();
    let table = "LUT_3D_SIZE 2\n0 0 0\n1 0 0\n0 1 0\n1 1 0\n0 0 1\n1 0 1\n0 1 1\n1 1 1\n";
    std::fs::write(temp.path().join("table.jpg"), table).unwrap();
    std::fs::write(temp.path().join("empty.cube"), "").unwrap();
    let no_work = r#"{"steps":[{"operation":"filter","request":{"filters":[
        {"type":"lut","file_index":0}]}}]}"#;
    std::fs::write(temp.path().join("p.json"), no_work).unwrap();
    let before = names(temp.path());
    let refused: [(&[&str], &str); 7] = [
        (&["photo.jpg", "overlay:file_index=0"], "imagehq: every file is used by an operation"),
        (&["p.json", "photo.jpg"], "imagehq: every file is used by an operation"),
        (
            &["photo.jpg", "photo.cube", "lut:file_index=1"],
            "imagehq: lut:file_index=1: file 1 is JPEG, not a table of colors (.cube)",
        ),
        (
            &["photo.jpg", "table.jpg", "overlay:file_index=1"],
            "imagehq: overlay:file_index=1: file 1 is color table (.cube), not a picture",
        ),
        (&["photo.jpg", "empty.cube", "lut:file_index=1"], "empty.cube: the file is empty"),
        (&["photo.jpg", "photo.cube", "overlay:file_index=-1"], "overlay:file_index=-1: expected"),
        (
            &["photo.jpg", "photo.cube", "lut:file_index=7"],
            "there is no file 7: 2 files came, counted from 0",
        ),
    ];
    for (arguments, expected) in refused {
        for output in ["out.png", "out/", "-"] {
            let arguments = [&["run", "-o", output][..], arguments].concat();
            fails(temp.path(), &arguments, &[expected]);
        }
        fails(temp.path(), &[&["run", "--explain"][..], arguments].concat(), &[expected]);
    }
    let unused = "imagehq: table.jpg: color table (.cube) is no picture, and no operation names it";
    fails(temp.path(), &["run", "--explain", "photo.jpg", "table.jpg", "sepia"], &[unused]);
    assert_eq!(names(temp.path()), before, "nothing was written");
    // What is as it must be goes through; the name of a file decides nothing.
    let fits = ["photo.jpg", "table.jpg", "-o", "out.png", "lut:file_index=1"];
    runs(temp.path(), &[&["run", "--explain"][..], &fits].concat());
    runs(temp.path(), &[&["run"][..], &fits].concat());
}

#[test]
fn a_fault_of_a_step_is_told_before_one_of_the_result() {
    let temp = folder();
    std::fs::copy(photo(), temp.path().join("logo.jpg")).unwrap();
    let run = |step: &'static str| ["run", "photo.jpg", "logo.jpg", "-o", "out.png", step];
    for step in ["overlay:file_index=-1", "overlay:file_index=7", "resize:widht=9"] {
        let said = said(&fails(temp.path(), &run(step), &[step]));
        assert!(!said.contains("need a folder"), "{said}");
    }
    fails(temp.path(), &run("sepia"), &["2 inputs need a folder: -o out.png/"]);
    assert_eq!(names(temp.path()), ["logo.jpg", "photo.jpg"]);
}

#[test]
fn a_pipe_is_written_into_and_stays_a_pipe() {
    use std::os::unix::fs::FileTypeExt;
    let folder = folder();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let read = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read(pipe).unwrap()
    });
    runs(
        folder.path(),
        &["run", "photo.jpg", "-o", "pipe", "resize:width=64", "convert:output_format=png"],
    );
    assert!(std::fs::metadata(&pipe).unwrap().file_type().is_fifo());
    assert!(read.join().unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn stdin_and_stdout_are_files_too() {
    let temp = folder();
    let input = std::fs::File::open(temp.path().join("photo.jpg")).unwrap();
    let output = command(&["run", "-", "-o", "-", "resize:width=64", "convert_to_webp"])
        .current_dir(temp.path())
        .stdin(Stdio::from(input))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(webp_size(&output.stdout).0, 64);
}

#[test]
fn a_plain_conversion_needs_no_step() {
    let temp = folder();
    runs(temp.path(), &["run", "photo.jpg", "-o", "b.webp"]);
    assert_eq!(webp_size(&std::fs::read(temp.path().join("b.webp")).unwrap()).0, 2400);
}

#[test]
fn the_extension_sets_the_format_unless_a_step_did() {
    let temp = folder();
    runs(temp.path(), &["run", "photo.jpg", "-o", "a.png", "resize:width=64"]);
    let png = std::fs::read(temp.path().join("a.png")).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    let step = "convert:output_format=webp";
    let said = runs(temp.path(), &["run", "photo.jpg", "-o", "b.jpg", "resize:width=64", step]);
    assert_eq!(webp_size(&std::fs::read(temp.path().join("b.jpg")).unwrap()).0, 64);
    assert!(said.contains("b.jpg holds webp"), "{said}");
}
