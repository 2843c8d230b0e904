//! A recipe: `ports/NAME/port.toml`, read strictly.

use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

/// What a recipe says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The port's name, which is its folder's.
    pub name: String,
    /// The version of the program.
    pub version: String,
    /// What it is, in one line.
    pub summary: String,
    /// Its licence, as an SPDX expression.
    pub licence: String,
    /// Debian packages that the build needs beside the compiler, `make` and the unpackers.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// Where the sources are, in order of preference.
    #[serde(rename = "source")]
    pub sources: Vec<Source>,
    /// Patches beside the recipe, applied in order with `patch -p1`.
    #[serde(default)]
    pub patches: Vec<String>,
    /// What is done to build, in order.
    #[serde(rename = "step")]
    pub steps: Vec<Step>,
    /// What goes into the guest.
    #[serde(rename = "install")]
    pub installs: Vec<Install>,
    /// What is kept beside it for the host (a test suite), but does not go into the guest.
    #[serde(default, rename = "keep")]
    pub keeps: Vec<Keep>,
    /// How the port shows that it works.
    pub test: Test,
}

/// A Debian package that a build needs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// The package's name.
    pub package: String,
    /// A file that is there once it is installed.
    pub proof: String,
}

/// Where an archive with the sources comes from. When it unpacks into one folder, that is the sources' folder, whatever its
/// name.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Source {
    /// A file of a Debian source package.
    Debian {
        /// The source package.
        package: String,
        /// The file of it: the upstream archive.
        file: String,
        /// The file's checksum.
        sha256: String,
        /// The folder inside in which the steps run.
        folder: Option<String>,
    },
    /// A crate that carries the sources.
    Crate {
        /// The crate.
        name: String,
        /// Its exact version.
        version: String,
        /// The checksum of the `.crate` file.
        sha256: String,
        /// The folder inside in which the steps run.
        folder: Option<String>,
    },
    /// An upstream release.
    Url {
        /// The archive's address.
        url: String,
        /// The archive's checksum.
        sha256: String,
        /// The folder inside in which the steps run.
        folder: Option<String>,
    },
}

/// A step of the build.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name, for progress and errors.
    pub name: String,
    /// A shell script, run with `sh -eux` in the sources' folder.
    pub run: String,
}

/// A file or folder for the guest.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Install {
    /// Where it is after the build, in the sources' folder.
    pub from: String,
    /// Its absolute path in the guest.
    pub to: String,
    /// A file's mode; the files of a folder have 755 or 644.
    pub mode: Option<u32>,
    /// Absolute paths that become symbolic links to it.
    #[serde(default)]
    pub links: Vec<String>,
    /// A file made by the build that lists more such paths, one a line.
    #[serde(rename = "links-from")]
    pub links_from: Option<String>,
}

/// A file or folder for the host.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keep {
    /// Where it is after the build, in the sources' folder.
    pub from: String,
    /// Its name in the built port's root.
    #[serde(rename = "as")]
    pub name: String,
}

/// A command for the guest and what it prints.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// The command, for `/bin/sh -c`.
    pub run: String,
    /// Its standard output, exactly.
    pub output: String,
}

impl Recipe {
    /// Reads the recipe in `folder`.
    ///
    /// # Errors
    /// There is none, or it is not as a recipe must be; the message names the file.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("port.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text, folder).with_context(|| format!("the recipe {} is wrong", path.display()))
    }

    fn parse(text: &str, folder: &Path) -> Result<Self> {
        let recipe: Self = toml::from_str(text)?;
        let name = folder.file_name().unwrap_or_default();
        ensure!(*name == *recipe.name, "the port is called `{}`, but its folder {name:?}", recipe.name);
        check_name(&recipe.name)?;
        ensure!(
            !recipe.sources.is_empty() && !recipe.steps.is_empty() && !recipe.installs.is_empty(),
            "a port has at least one source, one step and one thing to install"
        );
        for source in &recipe.sources {
            let sum = source.sha256();
            ensure!(
                sum.len() == 64 && sum.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')),
                "{source}: `{sum}` is no SHA-256 checksum (64 lower-case hexadecimal digits)"
            );
        }
        for patch in &recipe.patches {
            inside(patch)?;
            ensure!(folder.join(patch).is_file(), "there is no patch {}", folder.join(patch).display());
        }
        for install in &recipe.installs {
            inside(&install.from)?;
            for path in install.links.iter().chain([&install.to]) {
                guest(path)?;
            }
            ensure!(
                install.mode.is_none_or(|mode| mode <= 0o7777),
                "{}: write the mode as an octal number, 0o755",
                install.to
            );
        }
        for keep in &recipe.keeps {
            inside(&keep.from)?;
            ensure!(
                !keep.name.is_empty() && !keep.name.contains('/'),
                "what is kept has a plain name, not `{}`",
                keep.name
            );
            let in_guest = |path: &str| path.split('/').nth(1) == Some(&keep.name);
            ensure!(
                !recipe.installs.iter().any(|install| in_guest(&install.to)),
                "`{}` is both kept and installed",
                keep.name
            );
        }
        Ok(recipe)
    }
}

impl Source {
    /// The archive's checksum.
    pub fn sha256(&self) -> &str {
        match self {
            Self::Debian { sha256, .. } | Self::Crate { sha256, .. } | Self::Url { sha256, .. } => sha256,
        }
    }

    /// The folder inside the archive's one in which the steps run.
    pub fn folder(&self) -> &str {
        match self {
            Self::Debian { folder, .. } | Self::Crate { folder, .. } | Self::Url { folder, .. } => {
                folder.as_deref().unwrap_or("")
            }
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Debian { package, file, .. } => write!(f, "{file} of the Debian source package {package}"),
            Self::Crate { name, version, .. } => write!(f, "the crate {name} {version}"),
            Self::Url { url, .. } => write!(f, "{url}"),
        }
    }
}

/// Checks that a port's name can be a folder's and a program's.
pub fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    ensure!(
        !name.is_empty() && name.chars().all(plain),
        "`{name}` is no name for a port: lower-case letters, digits and `-` only"
    );
    Ok(())
}

/// Checks that a path stays in the folder that it is relative to.
fn inside(path: &str) -> Result<()> {
    let fine =
        !path.is_empty() && PathBuf::from(path).components().all(|c| matches!(c, Component::Normal(_)));
    if !fine {
        bail!("`{path}` is no path inside the sources' folder");
    }
    Ok(())
}

/// Checks that a path is absolute and plain.
pub fn guest(path: &str) -> Result<()> {
    inside(path.strip_prefix('/').unwrap_or_default())
        .ok()
        .with_context(|| format!("`{path}` is no absolute path"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Recipe;

    const GOOD: &str = r#"
        name = "hello"
        version = "1.0"
        summary = "Says hello"
        licence = "MIT"
        [[source]]
        kind = "debian"
        package = "hello"
        file = "hello_1.0.orig.tar.gz"
        sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
        [[step]]
        name = "compile"
        run = "make"
        [[install]]
        from = "hello"
        to = "/bin/hello"
        mode = 0o755
        links = ["/bin/hi"]
        [[keep]]
        from = "tests"
        as = "testsuite"
        [test]
        run = "hello"
        output = "hello\n"
    "#;

    fn error(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        let text = GOOD.replacen(from, to, 1);
        format!("{:#}", Recipe::parse(&text, Path::new("ports/hello")).unwrap_err())
    }

    #[test]
    fn a_whole_recipe_is_read() {
        let recipe = Recipe::parse(GOOD, Path::new("ports/hello")).unwrap();
        assert_eq!(recipe.installs[0].mode, Some(0o755));
        assert_eq!(recipe.sources[0].to_string(), "hello_1.0.orig.tar.gz of the Debian source package hello");
        assert_eq!(recipe.keeps[0].name, "testsuite");
    }

    #[test]
    fn an_unknown_key_is_named_at_every_level() {
        assert!(error("summary", "sumary").contains("unknown field `sumary`"));
        assert!(error("package =", "packet =").contains("unknown field `packet`"));
        assert!(error("mode =", "perms =").contains("unknown field `perms`"));
        assert!(error("run = \"make\"", "run = \"make\"\nalso = 1").contains("unknown field `also`"));
    }

    #[test]
    fn a_missing_key_is_named() {
        assert!(error("licence = \"MIT\"", "").contains("missing field `licence`"));
        assert!(error("output = \"hello\\n\"", "").contains("missing field `output`"));
        assert!(error("sha256 = \"0", "#").contains("missing field `sha256`"));
    }

    #[test]
    fn a_wrong_value_is_explained() {
        assert!(error("name = \"hello\"", "name = \"helo\"").contains("its folder \"hello\""));
        assert!(error("\"0000", "\"000").contains("no SHA-256 checksum"));
        assert!(error("kind = \"debian\"", "kind = \"rpm\"").contains("unknown variant `rpm`"));
        assert!(error("\"/bin/hello\"", "\"bin/hello\"").contains("no absolute path"));
        assert!(error("\"/bin/hi\"", "\"/bin/../hi\"").contains("no absolute path"));
        assert!(error("from = \"hello\"", "from = \"../hello\"").contains("no path inside"));
        assert!(error("0o755", "75555").contains("octal"));
        assert!(error("as = \"testsuite\"", "as = \"bin\"").contains("both kept and installed"));
        assert!(error("[[step]]", "patches = [\"a.patch\"]\n[[step]]").contains("unknown field `patches`"));
    }

    #[test]
    fn a_missing_patch_is_named() {
        assert!(error("licence", "patches = [\"no.patch\"]\nlicence").contains("ports/hello/no.patch"));
    }
}
