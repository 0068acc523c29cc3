use std::net::SocketAddr;

use super::*;

fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[track_caller]
fn fails(file: &str, variables: &[(&str, &str)], expected: &str) {
    let file = (!file.is_empty()).then_some((file, Path::new("imagehq.toml")));
    let error = resolve(file, &env(variables), None).unwrap_err();
    assert_eq!(format!("{error:#}"), expected);
}

#[test]
fn later_sources_win() {
    let file = "data = \"/from/file\"\nlisten = \"127.0.0.1:1\"\n[limits]\nsteps_max = 3\n";
    let file = Some((file, Path::new("imagehq.toml")));
    let env = env(&[("IMAGEHQ_DATA", "/from/env"), ("IMAGEHQ_LISTEN", "127.0.0.1:2")]);
    let listen = Some(SocketAddr::from(([127, 0, 0, 1], 3)));
    let flags = ServeArgs { listen, ..ServeArgs::default() };
    let loaded = resolve(file, &env, Some(&flags)).unwrap();
    assert_eq!(loaded.config.listen.port(), 3);
    assert_eq!(loaded.config.data, Path::new("/from/env"));
    assert_eq!(loaded.config.limits.steps_max, 3);
    assert_eq!(loaded.sources["listen"], Source::Flag("--listen"));
    assert_eq!(loaded.sources["data"], Source::Env("IMAGEHQ_DATA".to_owned()));
    assert_eq!(loaded.sources["limits.steps_max"], Source::File("imagehq.toml".into()));
}

#[test]
fn underscores_in_names_are_no_dots() {
    let loaded = resolve(None, &env(&[("IMAGEHQ_LIMITS_JPEG_SCANS_MAX", "7")]), None).unwrap();
    assert_eq!(loaded.config.limits.jpeg_scans_max, 7);
}

#[test]
fn variables_are_unambiguous() {
    let defaults = serde_json::to_value(Config::default()).unwrap();
    let mut names: Vec<_> =
        settings::leaves(&defaults).iter().map(|p| settings::variable(p)).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
    assert!(!names.contains(&settings::FILE_VARIABLE.to_owned()));
}

#[test]
fn unknown_names_are_refused_with_a_suggestion() {
    fails("dat = \"x\"", &[], "imagehq.toml: there is no setting `dat`; did you mean `data`?");
    fails(
        "[limits]\nstep_max = 1",
        &[],
        "imagehq.toml: there is no setting `limits.step_max`; did you mean `limits.steps_max`?",
    );
    fails(
        "",
        &[("IMAGEHQ_LIMITS_STEP_MAX", "1")],
        "there is no setting for the variable IMAGEHQ_LIMITS_STEP_MAX; \
         did you mean `IMAGEHQ_LIMITS_STEPS_MAX`?",
    );
}

#[test]
fn a_wrong_value_names_its_source() {
    fails(
        "[limits]\nsteps_max = \"many\"",
        &[],
        "imagehq.toml: `limits.steps_max`: invalid type: string \"many\", expected a whole number",
    );
    fails("limits = 3", &[], "imagehq.toml: `limits` is a table of settings, write [limits]");
    fails(
        "",
        &[("IMAGEHQ_ALLOW_ANONYMOUS", "perhaps")],
        "IMAGEHQ_ALLOW_ANONYMOUS: invalid type: string \"perhaps\", expected a boolean",
    );
}

#[test]
fn what_is_printed_can_be_read_again() {
    let loaded = resolve(None, &env(&[("IMAGEHQ_LIMITS_STEPS_MAX", "9")]), None).unwrap();
    let text = render(&loaded).unwrap();
    assert!(text.contains("steps_max = 9  # IMAGEHQ_LIMITS_STEPS_MAX\n"), "{text}");
    let again = resolve(Some((&text, Path::new("x.toml"))), &[], None).unwrap();
    assert_eq!(again.config, loaded.config);
}
