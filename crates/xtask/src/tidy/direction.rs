//! Which crate may use which of ours.

use anyhow::Context;

use crate::tree::Source;

/// `cli → server → jobs → imaging → native`, `resampler` beside `native`, and `xtask` outside.
const MAY_USE: &[(&str, &[&str])] = &[
    ("native", &[]),
    ("resampler", &[]),
    ("imaging", &["native", "resampler"]),
    ("jobs", &["imaging"]),
    ("server", &["imaging", "jobs"]),
    ("cli", &["imaging", "jobs", "server"]),
    ("xtask", &["cli", "imaging", "jobs", "server"]),
];

pub(super) fn breaches(sources: &[Source]) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for source in sources {
        let path = &source.path;
        let folder = path.strip_prefix("crates/").and_then(|rest| rest.strip_suffix("/Cargo.toml"));
        let (Some(folder), Some(text)) = (folder, &source.text) else { continue };
        let manifest: toml::Table = toml::from_str(text).with_context(|| path.clone())?;
        let name = manifest.get("package").and_then(|package| package.get("name"));
        if name.and_then(toml::Value::as_str) != Some(folder) {
            found.push(format!("{path}: the crate must be called `{folder}`, as its folder"));
        }
        let Some((_, may_use)) = MAY_USE.iter().find(|(name, _)| *name == folder) else {
            found.push(format!("{path}: a new crate needs a place in the order of crates"));
            continue;
        };
        for used in uses(&manifest) {
            let ours = MAY_USE.iter().any(|(name, _)| *name == used);
            if ours && !may_use.contains(&used.as_str()) {
                found.push(format!("{path}: `{folder}` may not use `{used}`"));
            }
        }
    }
    Ok(found)
}

/// The names of everything that a crate depends on, to build and to test.
fn uses(manifest: &toml::Table) -> Vec<String> {
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .iter()
        .filter_map(|kind| manifest.get(*kind)?.as_table())
        .flat_map(|table| table.keys().cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_may_not_use_what_stands_above_it() {
        let manifest = "[package]\nname = \"jobs\"\n[dev-dependencies]\nserver.workspace = true\n";
        let path = "crates/jobs/Cargo.toml".to_owned();
        let source = Source { path, text: Some(manifest.to_owned()) };
        let expected = ["crates/jobs/Cargo.toml: `jobs` may not use `server`"];
        assert_eq!(breaches(&[source]).unwrap(), expected);
    }
}
