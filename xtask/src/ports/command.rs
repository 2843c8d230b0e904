//! `cargo xtask port`.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use super::recipe::{self, Recipe};
use super::{existing, folder, names};
use crate::guest::{Kernel, Machine};
use crate::project::Project;
use crate::tally::Tally;
use crate::ui::Ui;

/// What `port` takes.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Build ports and say where each one's root is
    Build(Names),
    /// Run the ports' own tests, each in a guest
    Test {
        #[command(flatten)]
        wanted: Names,
        /// The kernel to boot
        #[arg(long, value_enum, default_value_t = Kernel::Serix)]
        kernel: Kernel,
    },
    /// List the ports
    List,
    /// Begin a recipe
    New {
        /// The port's name
        name: String,
    },
}

/// Which ports.
#[derive(clap::Args)]
pub struct Names {
    /// The ports' names [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

impl Names {
    fn or_all(self, project: &Project) -> Result<Vec<String>> {
        if self.names.is_empty() { names(project) } else { Ok(self.names) }
    }
}

/// A recipe that says what each line is for.
const TEMPLATE: &str = include_str!("template.toml");

/// Carries out `port`.
pub fn carry_out(project: &Project, ui: &Ui, command: Command) -> Result<ExitCode> {
    match command {
        Command::Build(wanted) => {
            for name in wanted.or_all(project)? {
                println!("{}", super::build(project, ui, &name)?.root.display());
            }
        }
        Command::List => {
            for name in names(project)? {
                let recipe = Recipe::read(&existing(project, &name)?)?;
                println!("{:<12} {:<10} {} ({})", name, recipe.version, recipe.summary, recipe.licence);
            }
        }
        Command::Test { wanted, kernel } => {
            let mut tally = Tally::new(project.root())?;
            for name in wanted.or_all(project)? {
                tally
                    .check(&format!("port {name}"), || super::test(project, ui, Machine::new(kernel), &name));
            }
            if !tally.close() {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::New { name } => begin(project, &name)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a recipe for somebody to fill in.
fn begin(project: &Project, name: &str) -> Result<()> {
    recipe::check_name(name)?;
    let folder = folder(project, name);
    if folder.exists() {
        bail!("the port `{name}` is there already: {}", folder.display());
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let path = folder.join("port.toml");
    fs::write(&path, TEMPLATE.replace("NAME", name))
        .with_context(|| format!("cannot write {}", path.display()))?;
    println!("{}", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Recipe, TEMPLATE};

    #[test]
    fn the_template_is_a_recipe() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("hello");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("port.toml"), TEMPLATE.replace("NAME", "hello")).unwrap();
        Recipe::read(&folder).unwrap();
    }
}
