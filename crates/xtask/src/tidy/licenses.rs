//! Whether all that is linked in may be: the list of `deny.toml`, checked without `cargo deny`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;

pub(super) fn breaches(root: &Path) -> anyhow::Result<Vec<String>> {
    let deny = std::fs::read_to_string(root.join("deny.toml")).context("deny.toml")?;
    let deny: toml::Table = toml::from_str(&deny).context("deny.toml")?;
    let allowed = deny.get("licenses").and_then(|table| table.get("allow"));
    let allowed: BTreeSet<String> = allowed
        .and_then(toml::Value::as_array)
        .context("deny.toml has no list licenses.allow")?
        .iter()
        .filter_map(|license| Some(license.as_str()?.to_owned()))
        .collect();
    let metadata = metadata(root)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    Ok(packages.iter().filter_map(|package| breach(package, &allowed)).collect())
}

fn metadata(root: &Path) -> anyhow::Result<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(root)
        .output()
        .context("cannot run cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("what cargo metadata printed")
}

fn breach(package: &Value, allowed: &BTreeSet<String>) -> Option<String> {
    let name = package["name"].as_str().unwrap_or("?");
    match package["license"].as_str() {
        None => Some(format!("{name}: names no licence")),
        Some(license) if permits(license, allowed) => None,
        Some(license) => Some(format!("{name}: `{license}` is not on the list of deny.toml")),
    }
}

/// Whether an SPDX expression can be met with the allowed licences alone.
fn permits(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = tokens.as_slice();
    either(&mut rest, allowed) && rest.is_empty()
}

fn either(rest: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut met = both(rest, allowed);
    while let ["OR", tail @ ..] = rest {
        *rest = tail;
        // Not `||`: the other side must be read past in any case.
        met |= both(rest, allowed);
    }
    met
}

fn both(rest: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut met = single(rest, allowed);
    while let ["AND", tail @ ..] = rest {
        *rest = tail;
        met &= single(rest, allowed);
    }
    met
}

fn single(rest: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    match rest {
        ["(", tail @ ..] => {
            *rest = tail;
            let met = either(rest, allowed);
            if let [")", tail @ ..] = rest {
                *rest = tail;
            }
            met
        }
        [license, "WITH", exception, tail @ ..] => {
            let license = format!("{license} WITH {exception}");
            *rest = tail;
            allowed.contains(&license)
        }
        [license, tail @ ..] => {
            *rest = tail;
            allowed.contains(*license)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expression: &str, expected: bool) {
        let allowed = ["MIT", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"];
        let allowed = allowed.into_iter().map(str::to_owned).collect();
        assert_eq!(permits(expression, &allowed), expected, "{expression}");
    }

    #[test]
    fn expressions_are_read_as_their_authors_mean_them() {
        check("MIT", true);
        check("GPL-3.0-only", false);
        check("GPL-3.0-only OR MIT", true);
        check("MIT/Apache-2.0", true);
        check("MIT AND GPL-3.0-only", false);
        check("(MIT OR Apache-2.0) AND Unicode-3.0", true);
        check("(GPL-2.0 OR Apache-2.0) AND MIT", false);
        check("Apache-2.0 WITH LLVM-exception", true);
        check("MIT MIT", false);
    }
}
