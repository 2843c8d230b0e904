//! What the kernel of this checkout says of its table of system calls.

use anyhow::Result;

use crate::exec;
use crate::project::Project;

/// Runs an example of `hermes`, which writes the table in some form; gives what it wrote.
///
/// # Errors
/// It does not build.
pub fn in_form(project: &Project, example: &str) -> Result<String> {
    let mut command = exec::command("cargo");
    command.current_dir(project.root()).args(["run", "--quiet", "--package", "hermes", "--example", example]);
    exec::output(command)
}
