//! Flags and settings that cannot be.

use crate::program::{command, imagehq, said};

#[track_caller]
fn refused(arguments: &[&str], expected: &[&str]) {
    let temp = tempfile::tempdir().unwrap();
    let output = imagehq(temp.path(), arguments);
    let said = said(&output);
    assert!(!output.status.success(), "{said}");
    for expected in expected {
        assert!(said.contains(expected), "{expected:?} is not in: {said}");
    }
    assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 0, "it left something behind");
}

#[test]
fn a_public_address_needs_a_word_from_the_operator() {
    refused(&["serve", "--listen", "0.0.0.0:0"], &["0.0.0.0", "--allow-anonymous", "API key"]);
}

#[test]
fn roles_that_need_postgresql_say_so() {
    let expected = "needs PostgreSQL, which this build does not have yet";
    refused(&["serve", "--role", "api"], &[expected]);
    refused(&["serve", "--role", "worker"], &[expected]);
}

#[test]
fn misspelt_flags_and_commands_are_refused_with_a_hint() {
    refused(&["sevre"], &["serve"]);
    refused(&["serve", "--liste", "127.0.0.1:0"], &["--listen"]);
    refused(&["serve", "--listen", "here"], &["here", "--listen"]);
    refused(&["ops", "cinematc"], &["did you mean `cinematic`?"]);
}

#[test]
fn unknown_settings_are_refused() {
    let temp = tempfile::tempdir().unwrap();
    let output = command(&["serve"])
        .current_dir(temp.path())
        .env("IMAGEHQ_JOBS_WORKER", "2")
        .output()
        .unwrap();
    let said = said(&output);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("did you mean `IMAGEHQ_JOBS_WORKERS`?"), "{said}");
}

#[test]
fn every_command_explains_itself_with_examples() {
    let temp = tempfile::tempdir().unwrap();
    for command in [&["--help"][..], &["serve", "--help"], &["run", "--help"], &["ops", "--help"]] {
        let output = imagehq(temp.path(), command);
        assert!(output.status.success());
        assert!(said(&output).contains("Examples:"), "{}", said(&output));
    }
}

#[test]
fn the_doctor_finds_this_machine_fit() {
    let temp = tempfile::tempdir().unwrap();
    let output = imagehq(temp.path(), &["doctor", "--json"]);
    assert!(output.status.success(), "{}", said(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ok"], true);
}

#[test]
fn the_operations_are_listed_and_explained() {
    let temp = tempfile::tempdir().unwrap();
    let list = said(&imagehq(temp.path(), &["ops"]));
    assert!(list.contains("cinematic") && list.contains("convert_to_webp"), "{list}");
    let one = said(&imagehq(temp.path(), &["ops", "resize"]));
    assert!(one.contains("from 1 to 65535") && one.contains("resize:width=1600"), "{one}");
}
