//! The program: the only place where concrete types meet.
//!
//! Reading order: [`args`] says what can be typed, [`config`] what can be set; `serve` wires the
//! server, `run` runs a pipeline without one; [`catalog`] and [`ops`] explain the operations.

pub mod args;
pub mod catalog;
pub mod config;
mod doctor;
mod fonts;
mod log;
pub mod ops;
mod run;
mod runners;
mod serve;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};

/// What `main` does.
pub fn main() -> ExitCode {
    // A runner confines itself before it does anything else.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == runners::COMMAND) {
        return jobs::pool::runner::main();
    }
    let cli = Cli::parse();
    match execute(&cli) {
        Ok(code) => code,
        Err(error) => {
            terminal::complain(&format!("imagehq: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn execute(cli: &Cli) -> anyhow::Result<ExitCode> {
    let file = cli.config.as_deref();
    match &cli.command {
        Command::Serve(flags) => serve::serve(file, flags),
        Command::Run(args) => run::run(file, args),
        Command::Ops(args) => ops::ops(args),
        Command::Doctor(args) => doctor::doctor(file, args),
        Command::Config(_) => {
            let loaded = config::load(file, None)?;
            terminal::print(&config::render(&loaded)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Runner => Ok(jobs::pool::runner::main()),
    }
}
