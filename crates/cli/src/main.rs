//! The program `imagehq`.

fn main() -> std::process::ExitCode {
    cli::main()
}
