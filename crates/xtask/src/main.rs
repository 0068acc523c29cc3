//! Automation of the project: `cargo xtask docs [--check]`, `cargo xtask tidy`, `cargo xtask wrap`.

use std::process::ExitCode;

mod docs;
mod tidy;
mod tree;
mod wrap;

const USAGE: &str = "\
usage: cargo xtask docs           write the generated documents again
       cargo xtask docs --check   fail when one of them is not fresh
       cargo xtask tidy           check the rules of the house that a machine can check
       cargo xtask wrap           break comments that are too long for a line";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        ["docs"] => docs::write(),
        ["docs", "--check"] => docs::check(),
        ["tidy"] => tidy::check(),
        ["wrap"] => wrap::write(),
        _ => Err(anyhow::anyhow!(USAGE)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
