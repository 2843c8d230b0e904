//! The order of the kernel's crates: a lower one never knows a higher one.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Report;
use crate::exec;

/// The kernel's crates from the lowest to the highest; those of one row don't know each other.
const ORDER: &[&[&str]] = &[
    &["abi"],
    &["hal"],
    &["chronos"],
    &["aegis"],
    &["cerberus"],
    &["pulse", "chroma"],
    &["devices", "net"],
    &["process"],
    &["hermes"],
    &["kernel"],
    &["image"],
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// Given for the crates of the workspace only.
    path: Option<PathBuf>,
}

/// Compares what the manifests say with [`ORDER`].
pub fn audit(root: &Path, report: &mut Report) -> Result<()> {
    let mut command = exec::command("cargo");
    command.current_dir(root).args(["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let text = exec::output(command).context("cannot ask cargo for the crates")?;
    judge(root, &text, report)
}

fn judge(root: &Path, text: &str, report: &mut Report) -> Result<()> {
    let metadata: Metadata = serde_json::from_str(text).context("cannot read what cargo metadata printed")?;
    let mut crates = 0;
    for package in &metadata.packages {
        let of_kernel = package.manifest_path.starts_with(root.join("kernel")) || package.name == "abi";
        if !of_kernel {
            continue;
        }
        crates += 1;
        let Some(own) = rank(&package.name) else {
            report.finding("a crate of the kernel without a place in the order", &package.name);
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| dependency.path.is_some()) {
            if rank(&dependency.name).is_none_or(|other| other >= own) {
                let edge = format!("{} knows {}", package.name, dependency.name);
                report.finding("the order of the crates", &edge);
            }
        }
    }
    report.figure("crates of the kernel", crates);
    Ok(())
}

fn rank(name: &str) -> Option<usize> {
    ORDER.iter().position(|row| row.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::super::test_support::findings;
    use super::*;

    fn found(name: &str, dependency: &str) -> Vec<String> {
        let text = format!(
            r#"{{"packages":[{{"name":"{name}","manifest_path":"/s/kernel/{name}/Cargo.toml",
            "dependencies":[{{"name":"{dependency}","path":"/s/x"}},{{"name":"spin","path":null}}]}}]}}"#
        );
        findings(|report| judge(Path::new("/s"), &text, report).expect("valid"))
    }

    #[test]
    fn a_higher_crate_may_know_a_lower_one_only() {
        assert!(found("chroma", "aegis").is_empty());
        assert_eq!(found("aegis", "chroma"), ["the order of the crates: aegis knows chroma"]);
        assert_eq!(found("pulse", "chroma").len(), 1);
        assert_eq!(found("kernel", "xtask").len(), 1);
    }

    #[test]
    fn a_new_crate_needs_a_place() {
        assert_eq!(found("sound", "hal").len(), 1);
    }
}
