//! What should not be written anywhere: work left open, and paths of one machine.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Report;

/// Marks of work left open, each cut in two so that this file has none.
const OPEN_WORK: [&str; 4] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("HA", "CK")];

/// The home of root: it is also the home of root in the guest, so only what a toolchain keeps there is telling.
const ROOT_HOME: &str = "/root";
const TOOLCHAIN_FOLDERS: [&str; 2] = [concat!("/root", "/.cargo"), concat!("/root", "/.rustup")];

/// Looks through every text file.
pub fn audit(root: &Path, files: &[PathBuf], report: &mut Report) -> Result<()> {
    let paths = machine_paths(root, env::var("HOME").ok().as_deref());
    let (mut open, mut naming) = (0, 0);
    for path in files {
        let bytes = fs::read(root.join(path)).with_context(|| format!("cannot read {}", path.display()))?;
        let Ok(text) = std::str::from_utf8(&bytes) else { continue };
        for (index, line) in text.lines().enumerate() {
            let place = format!("{}:{}", path.display(), index + 1);
            if is_open_work(line) {
                open += 1;
                report.warning(&format!("work left open: {place}"));
            }
            if paths.iter().any(|machine| line.contains(machine)) {
                naming += 1;
                report.finding("a path of this machine", &place);
            }
        }
    }
    report.figure("lines that mark work left open", open);
    report.figure("lines that name a path of this machine", naming);
    Ok(())
}

/// Whether one of the marks stands in the line as a word of its own.
fn is_open_work(line: &str) -> bool {
    let mut words = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    words.any(|word| OPEN_WORK.contains(&word))
}

/// The paths that no file may name: this checkout, and the home of whoever works in it.
fn machine_paths(root: &Path, home: Option<&str>) -> Vec<String> {
    let mut paths = vec![root.display().to_string()];
    paths.extend(TOOLCHAIN_FOLDERS.map(str::to_owned));
    match home {
        Some(home) if home.len() > 1 && home != ROOT_HOME => {
            paths.push(format!("{}/", home.trim_end_matches('/')))
        }
        _ => {}
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_work_is_a_word_of_its_own() {
        let mark = OPEN_WORK[0];
        assert!(is_open_work(&format!("// {mark}: later")));
        assert!(!is_open_work(&format!("let {mark}S = 1; // mktemp {0}{0}", OPEN_WORK[2])));
    }

    #[test]
    fn the_checkout_and_the_home_are_machine_paths() {
        let paths = machine_paths(Path::new("/data/serix"), Some("/home/kim"));
        assert!(paths.contains(&"/data/serix".to_owned()) && paths.contains(&"/home/kim/".to_owned()));
        assert!(!machine_paths(Path::new("/s"), Some("/root")).contains(&"/root/".to_owned()));
    }
}
