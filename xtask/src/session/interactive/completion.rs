//! Completing what is typed with Tab.

use anyhow::Result;

use super::console::Console;

pub const CHECKS: super::Table = &[
    ("Tab completes a command", command),
    ("Tab completes a file", file),
    ("Tab completes as far as the choices agree, twice lists them", choices),
    ("Tab completes a folder with a slash, and goes on within", folder),
];

fn command(console: &mut Console) -> Result<()> {
    console.ask("md5s\t/dev/null", &["d41d8cd98f00b204e9800998ecf8427e  /dev/null"])
}

fn file(console: &mut Console) -> Result<()> {
    console.ask("mkdir -p /tmp/tab; echo text > /tmp/tab/lonely", &[])?;
    console.ask("cat /tmp/tab/lo\t", &["text"])
}

fn choices(console: &mut Console) -> Result<()> {
    console.ask("mkdir -p /tmp/two; touch /tmp/two/name-one /tmp/two/name-other", &[])?;
    console.clear()?;
    console.keys("echo /tmp/two/n\t\t")?;
    console.row_where("the choices", |row| row.contains("name-one") && row.contains("name-other"))?;
    console.row(&format!("{} echo /tmp/two/name-o", console.prompt()))?;
    console.keys("n\t\r")?;
    console.row("/tmp/two/name-one")?;
    console.at_prompt()
}

fn folder(console: &mut Console) -> Result<()> {
    console.ask("mkdir -p /tmp/deep/inner; touch /tmp/deep/inner/leaf", &[])?;
    console.ask("echo /tmp/de\tin\tle\t", &["/tmp/deep/inner/leaf"])
}
