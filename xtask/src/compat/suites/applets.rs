//! Every applet of BusyBox is started with `--help`; its status and what it says are the same.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

use super::content_of;
use crate::compat::{Program, Suite, lines};
use crate::ports;
use crate::project::Project;
use crate::ui::Ui;

const SCRIPT: &str = r#"for applet in $(busybox --list); do
	echo "== $applet"
	said=$(busybox "$applet" --help 2>&1 </dev/null)
	echo "status $?, $(echo "$said" | wc -l) lines, $(echo "$said" | md5sum | cut -c 1-12)"
done"#;

const LIMIT: Duration = Duration::from_secs(300);

/// Needs nothing but the first file system.
pub fn prepare(project: &Project, ui: &Ui) -> Result<Suite> {
    let built = ports::build(project, ui, "busybox")?;
    let program = built.root.join("bin/busybox");
    fs::metadata(&program).with_context(|| format!("cannot read {}", program.display()))?;
    let programs = vec![Program {
        name: "help".to_owned(),
        command: SCRIPT.to_owned(),
        limit: LIMIT,
        content: content_of(&[&program], &[SCRIPT])?,
        read: lines::read,
    }];
    Ok(Suite { name: "applets", additions: Vec::new(), programs, flawless: false })
}
