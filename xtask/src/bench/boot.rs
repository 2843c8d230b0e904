//! `bench --boot`: from power-on to an answer at the console, in seconds. The kernels take turns, so that a busy host slows
//! both; what counts is the ratio.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use crate::guest::{self, Kernel, Machine, answer};
use crate::project::Project;
use crate::ui::Ui;

/// How long one boot may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Times `runs` boots of each kernel to a question's answer, and prints the medians and their ratio.
pub fn run(project: &Project, ui: &Ui, kernels: &[Kernel], runs: u32, as_json: bool) -> Result<ExitCode> {
    let mut timed = Vec::new();
    for kernel in kernels {
        let machine = Machine::new(*kernel);
        timed.push((guest::prepare(project, ui, &machine)?, machine, Vec::new()));
    }
    let step = ui.steps("Booting to an answer at the console", u64::from(runs));
    for _ in 0..runs {
        for (parts, machine, times) in &mut timed {
            let time = answer::time(parts, machine, LIMIT);
            times.push(time.with_context(|| format!("{} cannot be timed", machine.kernel))?);
        }
        step.advance();
    }
    step.done();

    let mut answers = Vec::new();
    for (_, machine, times) in timed {
        let prompt = median(times.iter().map(|(prompt, _)| *prompt));
        let answer = median(times.iter().map(|(_, answer)| *answer));
        if !as_json {
            println!(
                "{:8}{prompt:6.2} s to the prompt {answer:6.2} s to the answer",
                machine.kernel.to_string()
            );
        }
        answers.push((machine.kernel, prompt, answer));
    }
    let ratio = match answers.as_slice() {
        [(_, _, first), (_, _, second)] => Some(first / second),
        _ => None,
    };
    if as_json {
        let rows: Vec<_> = answers
            .iter()
            .map(|(kernel, prompt, answer)| {
                json!({ "kernel": kernel.to_string(), "prompt_s": prompt, "answer_s": answer })
            })
            .collect();
        println!("{}", json!({ "boot": rows, "ratio": ratio }));
    } else if let Some(ratio) = ratio {
        println!("ratio   {ratio:6.2}");
    }
    Ok(ExitCode::SUCCESS)
}

/// In seconds; of an even number the upper one of the two in the middle.
fn median(times: impl Iterator<Item = Duration>) -> f64 {
    let mut times: Vec<Duration> = times.collect();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[test]
    fn the_median_is_no_mean() {
        let times = [9, 1, 2].map(Duration::from_secs);
        assert!((super::median(times.into_iter()) - 2.0).abs() < 1e-9);
    }
}
