//! What can be typed.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

const TOP_EXAMPLES: &str = "\
Examples:
  imagehq serve
      Serves the HTTP interface on http://127.0.0.1:8080, data in ./imagehq-data.
  imagehq run photo.jpg -o photo.webp resize:width=1600 cinematic:intensity=72
      Resizes, grades and converts one photograph, without a server.
  imagehq run pipeline.json photos/*.jpg -o small/
      Runs a pipeline document on many files, on all cores.
  imagehq ops resize
      What resize can do.
  imagehq doctor
      What works on this machine, what is missing, and how to install it.";

/// Image pipelines over HTTP and on the command line.
#[derive(Debug, Parser)]
#[command(name = "imagehq", version, after_help = TOP_EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// A TOML file of settings [default: IMAGEHQ_CONFIG, or imagehq.toml in this folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the HTTP interface
    Serve(ServeArgs),
    /// Run a pipeline on files, without a server
    Run(RunArgs),
    /// List the operations, or explain one
    Ops(OpsArgs),
    /// Say what works on this machine, what is missing, and how to install it
    Doctor(DoctorArgs),
    /// Print the settings in force and where each comes from
    Config(ConfigArgs),
    /// A process that works on pixels for a server (started by it, not by people)
    #[command(hide = true)]
    Runner,
}

const SERVE_EXAMPLES: &str = "\
Examples:
  imagehq serve
  imagehq serve --listen 127.0.0.1:0            # any free port; the line on stdout names it
  imagehq serve --listen 0.0.0.0:8080 --allow-anonymous
  IMAGEHQ_JOBS_WORKERS=2 imagehq serve --data /var/lib/imagehq

When it is ready it prints `listening on http://ADDRESS` on stdout; logs go to stderr.
SIGTERM and Ctrl-C stop it gently: no new requests, running jobs go back to the queue and
are finished after the next start. A second signal stops it at once; nothing is lost either way.";

/// Flags of `imagehq serve`. Each overrides a setting.
#[derive(Debug, Default, Args)]
#[command(after_help = SERVE_EXAMPLES)]
pub struct ServeArgs {
    /// Address and port; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Folder of the queue and the files; made if missing [default: ./imagehq-data]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// What this process does [default: all]
    #[arg(long, value_enum)]
    pub role: Option<Role>,
    /// Serve anyone who can reach the address, without API keys
    #[arg(long)]
    pub allow_anonymous: bool,
}

/// What a server process does.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    ValueEnum,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// HTTP, queue and workers in one process tree.
    #[default]
    All,
    /// HTTP only; needs PostgreSQL.
    Api,
    /// Workers only; needs PostgreSQL.
    Worker,
}

const RUN_EXAMPLES: &str = "\
Examples:
  imagehq run photo.png -o out.webp resize:width=1600 cinematic:intensity=72
  imagehq run photo.jpg -o photo.webp                  # converts, nothing else
  imagehq run photo.jpg -o small.jpg resize:width=1600,height=900,mode=fill filter.sharpen
  imagehq run pipeline.json photo.jpg -o out.webp
  imagehq run pipeline.json *.jpg -o out/              # all cores; clashing names get -2
  imagehq run --explain photo.jpg resize:width=1600 cinematic
  cat a.jpg | imagehq run - -o - convert:output_format=webp > a.webp

A step is NAME or NAME:KEY=VALUE,KEY=VALUE (or NAME:KEY=VALUE:KEY=VALUE). Values are JSON where
they can be (numbers, true, false), else text. A name that several steps share is written with
its step: filter.sharpen. The extension of -o sets the format unless a step did.
`imagehq ops` lists the names. A first argument that ends in .json and holds `steps` is the
pipeline, the same document that POST /v1/pipeline takes.";

/// Arguments of `imagehq run`.
#[derive(Debug, Args)]
#[command(after_help = RUN_EXAMPLES, override_usage = "\
imagehq run PIPELINE.json INPUT... -o OUT
       imagehq run INPUT... -o OUT [STEP...]")]
pub struct RunArgs {
    /// A pipeline document or nothing, input files (`-` is stdin), steps
    #[arg(value_name = "ARGUMENT", required = true)]
    pub arguments: Vec<OsString>,
    /// The result: a file, a folder (ends in / or exists), or `-` for stdout
    #[arg(short, long, value_name = "OUT", required_unless_present = "explain")]
    pub output: Option<OsString>,
    /// Say what would come of each file, after each step, and what it would take; run nothing
    #[arg(long)]
    pub explain: bool,
    /// How many files are worked on at the same time [default: the cores]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Say nothing unless something fails
    #[arg(short, long)]
    pub quiet: bool,
}

/// Arguments of `imagehq ops`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imagehq ops
  imagehq ops cinematic
  imagehq ops filter.sharpen
  imagehq ops --json | jq '.operations[].name'")]
pub struct OpsArgs {
    /// Explain this one
    pub name: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `imagehq doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imagehq doctor
  imagehq doctor --data /var/lib/imagehq
  imagehq doctor --json

Exits with 1 when something that `imagehq serve` needs does not work.")]
pub struct DoctorArgs {
    /// Check this data folder [default: the one that serve would use]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `imagehq config`.
#[derive(Debug, Args)]
#[command(after_help = "\
Settings come from four places; the later win:
  1. defaults
  2. the TOML file: --config FILE, or imagehq.toml in this folder
  3. the environment: IMAGEHQ_ and the path of the setting, IMAGEHQ_JOBS_WORKERS for jobs.workers
  4. flags

The output is a valid settings file:
  imagehq config > imagehq.toml")]
pub struct ConfigArgs {}
