//! All settings: one struct a crate, nested here, read from four places.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::args::{Role, ServeArgs};
use crate::config::settings::{Settings, Source};

pub mod settings;

/// Every setting of the program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address and port that the server listens on. Port 0 picks a free one.
    pub listen: SocketAddr,
    /// Folder of the job database and the files. It must be on a local disk.
    pub data: PathBuf,
    /// Folder of more fonts for text (`.ttf`, `.otf`, `.ttc`, also in folders within). They are
    /// read once, at the start; operations name them by family. Empty means: only those built in.
    pub fonts: PathBuf,
    /// What this process does: `all`. The others need PostgreSQL, which this build does not have.
    pub role: Role,
    /// Whether to listen on an address that other machines can reach although nobody is asked for
    /// an API key.
    pub allow_anonymous: bool,
    /// What is logged, and how.
    pub log: Log,
    /// The HTTP interface.
    pub server: server::Config,
    /// The queue and the runner processes.
    pub jobs: jobs::Config,
    /// Bounds on images and pipelines.
    pub limits: imaging::Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data: PathBuf::from("./imagehq-data"),
            fonts: PathBuf::new(),
            role: Role::All,
            allow_anonymous: false,
            log: Log::default(),
            server: server::Config::default(),
            jobs: jobs::Config::default(),
            limits: imaging::Limits::default(),
        }
    }
}

/// What is logged, and how. Logs go to stderr.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// The least level that is logged: `error`, `warn`, `info`, `debug` or `trace`; or a list such
    /// as `info,jobs=debug`.
    pub filter: String,
    /// The shape of a line.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Text }
    }
}

/// The shape of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// The settings in force and where each comes from.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Source by dotted path, of all that is no default.
    pub sources: BTreeMap<String, Source>,
}

/// The file that is read when no other is named.
const FILE: &str = "imagehq.toml";

/// Reads the settings: defaults, file, environment, flags.
pub fn load(file: Option<&Path>, flags: Option<&ServeArgs>) -> anyhow::Result<Loaded> {
    let env: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with(settings::PREFIX))
        .collect();
    let named = file.map(Path::to_path_buf).or_else(|| {
        env.iter().find(|(name, _)| name == settings::FILE_VARIABLE).map(|(_, path)| path.into())
    });
    let file = match named {
        Some(path) => Some((read(&path)?, path)),
        None if Path::new(FILE).is_file() => Some((read(Path::new(FILE))?, FILE.into())),
        None => None,
    };
    resolve(file.as_ref().map(|(text, path)| (text.as_str(), path.as_path())), &env, flags)
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the settings file {}", path.display()))
}

/// The settings that these sources make.
pub fn resolve(
    file: Option<(&str, &Path)>,
    env: &[(String, String)],
    flags: Option<&ServeArgs>,
) -> anyhow::Result<Loaded> {
    let defaults = serde_json::to_value(Config::default()).context("the default settings")?;
    let mut settings = Settings::new(defaults);
    if let Some((text, path)) = file {
        settings.overlay_file(text, path)?;
    }
    settings.overlay_env(env)?;
    if let Some(flags) = flags {
        overlay_flags(&mut settings, flags);
    }
    let (config, sources) = settings.finish()?;
    Ok(Loaded { config, sources })
}

fn overlay_flags(settings: &mut Settings, flags: &ServeArgs) {
    if let Some(listen) = flags.listen {
        settings.set("listen", Value::String(listen.to_string()), Source::Flag("--listen"));
    }
    if let Some(data) = &flags.data {
        let data = Value::String(data.to_string_lossy().into_owned());
        settings.set("data", data, Source::Flag("--data"));
    }
    if let Some(role) = flags.role {
        let role = serde_json::to_value(role).expect("a role is a string");
        settings.set("role", role, Source::Flag("--role"));
    }
    if flags.allow_anonymous {
        settings.set("allow_anonymous", Value::Bool(true), Source::Flag("--allow-anonymous"));
    }
}

/// The settings in force as a settings file, with the source of each that is no default.
pub fn render(loaded: &Loaded) -> anyhow::Result<String> {
    let text = toml::to_string(&loaded.config).context("the settings as TOML")?;
    let mut out = String::new();
    let mut table = String::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut table);
        }
        out.push_str(line);
        let key = line.split_once(" = ").map(|(key, _)| key);
        let path = key.map(|key| match table.as_str() {
            "" => key.to_owned(),
            table => format!("{table}.{key}"),
        });
        if let Some(source) = path.and_then(|path| loaded.sources.get(&path)) {
            out.push_str("  # ");
            out.push_str(&source.to_string());
        }
        out.push('\n');
    }
    Ok(out)
}

#[cfg(test)]
mod tests;
