//! Settings as a tree of JSON values that sources are laid over, one after the other.
//!
//! The names of the environment variables come from walking the serialised defaults, so an
//! underscore in a field name is never mistaken for a dot.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What the names of all variables begin with.
pub const PREFIX: &str = "IMAGEHQ_";

/// Names the settings file; a variable that is no setting.
pub const FILE_VARIABLE: &str = "IMAGEHQ_CONFIG";

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A settings file.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Env(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// A tree of settings that grows from defaults.
#[derive(Debug)]
pub struct Settings {
    tree: Value,
    /// Dotted paths of all settings, in order.
    paths: Vec<String>,
    sources: BTreeMap<String, Source>,
}

/// The variable of a setting: `IMAGEHQ_JOBS_WORKERS` of `jobs.workers`.
pub fn variable(path: &str) -> String {
    format!("{PREFIX}{}", path.replace('.', "_").to_ascii_uppercase())
}

/// The dotted paths of all leaves.
pub fn leaves(tree: &Value) -> Vec<String> {
    fn walk(value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let path =
                        if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    walk(value, &path, found);
                }
            }
            _ => found.push(path.to_owned()),
        }
    }
    let mut found = Vec::new();
    walk(tree, "", &mut found);
    found
}

fn pointer(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}

/// The known name that was probably meant, as the end of a sentence.
fn did_you_mean<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> String {
    let best = known
        .map(|name| (strsim::jaro_winkler(unknown, name), name))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((score, name)) if score > 0.8 => format!("; did you mean `{name}`?"),
        _ => String::new(),
    }
}

/// A fault without the names of types: whoever sets a setting need not know Rust.
fn in_plain_words(fault: String) -> String {
    let kinds = ["usize", "u64", "u32", "u16", "u8"];
    match fault.rsplit_once("expected ") {
        Some((before, kind)) if kinds.contains(&kind) => format!("{before}expected a whole number"),
        _ => fault,
    }
}

impl Settings {
    /// A tree that holds the defaults.
    pub fn new(defaults: Value) -> Self {
        let paths = leaves(&defaults);
        Self { tree: defaults, paths, sources: BTreeMap::new() }
    }

    /// Sets a setting that exists.
    pub fn set(&mut self, path: &str, value: Value, source: Source) {
        let slot =
            self.tree.pointer_mut(&pointer(path)).expect("callers name a setting that exists");
        *slot = value;
        self.sources.insert(path.to_owned(), source);
    }

    /// Lays a TOML document over the tree.
    pub fn overlay_file(&mut self, text: &str, file: &Path) -> anyhow::Result<()> {
        let document: toml::Table = toml::from_str(text)
            .with_context(|| format!("{} is not valid TOML", file.display()))?;
        let document = serde_json::to_value(document).context("TOML as JSON")?;
        self.overlay_table(&document, "", file)
    }

    fn overlay_table(&mut self, table: &Value, path: &str, file: &Path) -> anyhow::Result<()> {
        for (name, value) in table.as_object().into_iter().flatten() {
            let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match self.tree.pointer(&pointer(&inner)) {
                None => bail!(self.unknown_key(&inner, file)),
                Some(Value::Object(_)) if value.is_object() => {
                    self.overlay_table(value, &inner, file)?;
                }
                Some(Value::Object(_)) => {
                    bail!("{}: `{inner}` is a table of settings, write [{inner}]", file.display())
                }
                Some(_) => self.set(&inner, value.clone(), Source::File(file.to_owned())),
            }
        }
        Ok(())
    }

    fn unknown_key(&self, path: &str, file: &Path) -> String {
        let hint = did_you_mean(path, self.paths.iter().map(String::as_str));
        format!("{}: there is no setting `{path}`{hint}", file.display())
    }

    /// Lays variables over the tree. All begin with [`PREFIX`].
    pub fn overlay_env(&mut self, env: &[(String, String)]) -> anyhow::Result<()> {
        let paths: BTreeMap<String, String> =
            self.paths.iter().map(|path| (variable(path), path.clone())).collect();
        for (name, text) in env.iter().filter(|(name, _)| name != FILE_VARIABLE) {
            let Some(path) = paths.get(name) else {
                let hint = did_you_mean(name, paths.keys().map(String::as_str));
                bail!("there is no setting for the variable {name}{hint}");
            };
            let value = self.value_of(path, text);
            self.set(path, value, Source::Env(name.clone()));
        }
        Ok(())
    }

    /// Text as a value of the kind that the setting has.
    fn value_of(&self, path: &str, text: &str) -> Value {
        let plain = || Value::String(text.to_owned());
        match self.tree.pointer(&pointer(path)) {
            Some(Value::String(_)) => plain(),
            Some(Value::Array(_)) if !text.trim_start().starts_with('[') => text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| Value::String(item.to_owned()))
                .collect(),
            _ => serde_json::from_str(text).unwrap_or_else(|_| plain()),
        }
    }

    /// The typed settings and the sources of all that are no defaults.
    pub fn finish<T: DeserializeOwned>(self) -> anyhow::Result<(T, BTreeMap<String, Source>)> {
        let config = serde_path_to_error::deserialize(&self.tree).map_err(|error| {
            let path = error.path().to_string();
            let fault = in_plain_words(error.into_inner().to_string());
            match self.sources.get(&path) {
                Some(source @ (Source::Env(_) | Source::Flag(_))) => anyhow!("{source}: {fault}"),
                Some(source @ Source::File(_)) => anyhow!("{source}: `{path}`: {fault}"),
                None => anyhow!("`{path}`: {fault}"),
            }
        })?;
        Ok((config, self.sources))
    }
}
