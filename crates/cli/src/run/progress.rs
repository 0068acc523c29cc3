//! How far it is, on a terminal; and a line for every file.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jobs::pool::OutputHeader;

use crate::terminal;

/// The bar moves in so many parts a file.
const PARTS: u64 = 1000;

/// Shows progress and says what was done.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    files: usize,
    steps: usize,
    /// How far each file is, in parts.
    parts: Mutex<Vec<u64>>,
    begun: Instant,
    /// Results go to stdout, so that lines must not.
    to_stderr: bool,
    quiet: bool,
}

impl Progress {
    /// A bar on stderr where that is a terminal.
    pub(super) fn new(files: usize, steps: usize, quiet: bool, to_stderr: bool) -> Self {
        let shows = std::io::stderr().is_terminal() && !quiet;
        let target =
            if shows { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(files as u64 * PARTS), target);
        let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}")
            .expect("the template is valid")
            .progress_chars("━╸─");
        bar.set_style(style);
        if shows {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        let parts = Mutex::new(vec![0; files]);
        Self { bar, files, steps, parts, begun: Instant::now(), to_stderr, quiet }
    }

    /// A file is in this step, so far.
    pub(super) fn step(&self, file: usize, name: &str, step_index: usize, fraction: f32) {
        // The last step holds the encoding: its end is not the end of the file.
        let done = (step_index as f32 + fraction) / (self.steps as f32 + 1.0);
        self.set(file, (done * PARTS as f32) as u64);
        self.bar.set_message(match self.files {
            1 => name.to_owned(),
            files => format!("{name} ({} of {files})", file + 1),
        });
    }

    fn set(&self, file: usize, to: u64) {
        let mut parts = self.parts.lock().expect("nobody panics while it is held");
        // Fused steps begin together; a bar that steps back is confusing.
        parts[file] = parts[file].max(to);
        self.bar.set_position(parts.iter().sum());
    }

    /// A file is done: whatever there is to say of it.
    pub(super) fn done(&self, file: usize, lines: &[String]) {
        self.set(file, PARTS);
        if !self.quiet {
            self.say(lines);
        }
    }

    /// A file failed.
    pub(super) fn failed(&self, file: usize, line: &str) {
        self.set(file, PARTS);
        self.bar.suspend(|| terminal::complain(line));
    }

    /// The end: the sum, where there is one.
    pub(super) fn finish(&self, bytes_in: u64, bytes_out: u64, failed: usize) {
        self.bar.finish_and_clear();
        let files = self.files;
        if files > 1 && failed < files && !self.quiet {
            let sizes = sizes(bytes_in, bytes_out);
            let took = self.begun.elapsed().as_secs_f64();
            self.say(&[format!("{} files: {sizes} in {took:.2} s", files - failed)]);
        }
        if failed > 0 && files > 1 {
            terminal::complain(&format!("imagehq: {failed} of {files} files failed"));
        }
    }

    fn say(&self, lines: &[String]) {
        self.bar.suspend(|| {
            for line in lines {
                if self.to_stderr {
                    terminal::complain(line);
                } else {
                    // Lost lines do not make the results any worse.
                    let _ = terminal::print(&format!("{line}\n"));
                }
            }
        });
    }
}

/// `6.6 MB → 210 kB (-97 %)`
fn sizes(before: u64, after: u64) -> String {
    let change = terminal::change(before, after);
    format!("{} → {} ({change})", terminal::bytes(before), terminal::bytes(after))
}

/// What was done to a file, in a line.
pub(super) fn summary(
    (input, bytes_in): (&str, u64),
    (output, header): (&str, &OutputHeader),
    took: Duration,
) -> String {
    let OutputHeader { width, height, size_bytes, .. } = *header;
    let (before, after) = (terminal::bytes(bytes_in), terminal::bytes(size_bytes));
    let change = terminal::change(bytes_in, size_bytes);
    let took = took.as_secs_f64();
    format!("{input} {before} → {output} {after} ({change}) {width}×{height} in {took:.2} s")
}
