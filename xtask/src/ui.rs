//! What the person at the terminal sees while work goes on.
//!
//! Everything goes to standard error. On a terminal a step is a line with a spinner and the time it has taken, replaced by
//! a plain line when it is done. Elsewhere (CI, a pipe) a step prints one line when it begins and one when it ends.
//! A [`Ui::quiet`] one prints nothing unless standard error is a terminal: `run -c` must leave the streams to the command.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Where steps are shown.
#[derive(Clone, Copy)]
pub struct Ui {
    style: Style,
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    /// Spinner and bars; a finished step leaves a line.
    Terminal,
    /// Spinner and bars; a finished step leaves nothing.
    Fleeting,
    Lines,
    Silent,
}

impl Ui {
    /// For commands whose standard error is their own.
    pub fn new() -> Self {
        Self { style: if io::stderr().is_terminal() { Style::Terminal } else { Style::Lines } }
    }

    /// For `run`, whose standard error belongs to the command in the guest.
    pub fn quiet() -> Self {
        Self { style: if io::stderr().is_terminal() { Style::Fleeting } else { Style::Silent } }
    }

    /// Begins a step of unknown length. The text says what is being done: "Building BusyBox".
    pub fn step(&self, text: impl Into<String>) -> Step {
        Step::begin(self.style, text.into(), None)
    }

    /// Begins a step of `total` parts.
    pub fn steps(&self, text: impl Into<String>, total: u64) -> Step {
        Step::begin(self.style, text.into(), Some(total))
    }

    /// Prints a line that is not part of a step.
    pub fn line(&self, text: &str) {
        if matches!(self.style, Style::Terminal | Style::Lines) {
            eprintln!("{text}");
        }
    }
}

/// A step under way. Dropped without [`Step::done`], it leaves no line: the error that ended it says what happened.
pub struct Step {
    style: Style,
    text: String,
    bar: Option<ProgressBar>,
    begun: Instant,
}

impl Step {
    fn begin(style: Style, text: String, total: Option<u64>) -> Self {
        let bar = matches!(style, Style::Terminal | Style::Fleeting).then(|| {
            let (bar, template) = match total {
                None => {
                    (ProgressBar::new_spinner(), "{spinner:.cyan} {prefix} {elapsed:.dim} {wide_msg:.dim}")
                }
                Some(total) => (
                    ProgressBar::new(total),
                    "{spinner:.cyan} {prefix} [{bar:24.cyan}] {pos}/{len} {elapsed:.dim} {wide_msg:.dim}",
                ),
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_prefix(text.clone());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        if style == Style::Lines {
            eprintln!("  ..  {text}");
        }
        Self { style, text, bar, begun: Instant::now() }
    }

    /// Shows what the step is doing at this moment; seen on a terminal only.
    pub fn detail(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.trim().to_owned());
        }
    }

    /// One more of the step's parts is finished.
    pub fn advance(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// Ends the step, leaving a line with the time it took.
    pub fn done(self) {
        let text = self.text.clone();
        self.done_with(&text);
    }

    /// Ends the step, leaving `text` and the time it took.
    pub fn done_with(mut self, text: &str) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        if matches!(self.style, Style::Terminal | Style::Lines) {
            eprintln!("  ok  {text} ({:.1} s)", self.begun.elapsed().as_secs_f64());
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// Prints an error and its causes.
pub fn print_error(error: &anyhow::Error) {
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        for (index, line) in cause.to_string().lines().enumerate() {
            eprintln!("{}{line}", if index == 0 { "  because: " } else { "           " });
        }
    }
}
