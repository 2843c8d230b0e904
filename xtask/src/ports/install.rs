//! Moving what a build has made to the port's root.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use object::elf::PT_INTERP;
use object::read::elf::{ElfFile64, ProgramHeader};
use walkdir::WalkDir;

use super::recipe::{self, Recipe};

/// Copies what the recipe names from the sources' folder to the root.
pub fn install(recipe: &Recipe, sources: &Path, root: &Path) -> Result<()> {
    for install in &recipe.installs {
        let from = sources.join(&install.from);
        copy(&from, &below(root, &install.to), install.mode)?;
        let mut links = install.links.clone();
        if let Some(list) = &install.links_from {
            let list = sources.join(list);
            let text =
                fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
            links.extend(text.lines().map(str::to_owned));
        }
        for link in links {
            recipe::guest(&link)?;
            let path = below(root, &link);
            folders(&path)?;
            symlink(&install.to, &path).with_context(|| format!("cannot make the link {link}"))?;
        }
    }
    for keep in &recipe.keeps {
        copy(&sources.join(&keep.from), &root.join(&keep.name), None)?;
    }
    Ok(())
}

fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

/// Copies a file, or a folder with all it holds. The modes are the same whatever the umask.
fn copy(from: &Path, to: &Path, mode: Option<u32>) -> Result<()> {
    for found in WalkDir::new(from).follow_root_links(false).sort_by_file_name() {
        let found = found.context("the build did not make what the recipe installs")?;
        let inside = found.path().strip_prefix(from)?;
        let to = if inside.as_os_str().is_empty() { to.to_owned() } else { to.join(inside) };
        folders(&to)?;
        let place = || format!("cannot copy {} to {}", found.path().display(), to.display());
        let kind = found.file_type();
        if kind.is_dir() {
            folders(&to.join("x"))?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(found.path())?, &to).with_context(place)?;
        } else if kind.is_file() {
            static_only(found.path())?;
            fs::copy(found.path(), &to).with_context(place)?;
            let executable = found.metadata()?.permissions().mode() & 0o100 != 0;
            let mode = mode.unwrap_or(if executable { 0o755 } else { 0o644 });
            fs::set_permissions(&to, fs::Permissions::from_mode(mode)).with_context(place)?;
        } else {
            bail!("{} is neither a file, a folder nor a link", found.path().display());
        }
    }
    Ok(())
}

/// Makes the folders above `path`, mode 755.
fn folders(path: &Path) -> Result<()> {
    let Some(parent) = path.parent() else { return Ok(()) };
    if parent.is_dir() {
        return Ok(());
    }
    folders(parent)?;
    fs::create_dir(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    fs::set_permissions(parent, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot set the mode of {}", parent.display()))
}

/// Fails for a program that wants a loader at run time: the guest has none, and would only say "not found".
fn static_only(path: &Path) -> Result<()> {
    let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let Ok(program) = ElfFile64::<object::Endianness>::parse(&*content) else { return Ok(()) };
    let wants_loader = program.elf_program_headers().iter().any(|h| h.p_type(program.endian()) == PT_INTERP);
    ensure!(!wants_loader, "{} is not linked statically", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::install;
    use crate::ports::recipe::{Install, Keep, Recipe, Test};

    fn recipe(installs: Vec<Install>, keeps: Vec<Keep>) -> Recipe {
        let text = String::new;
        Recipe {
            name: text(),
            version: text(),
            summary: text(),
            licence: text(),
            needs: Vec::new(),
            sources: Vec::new(),
            patches: Vec::new(),
            steps: Vec::new(),
            installs,
            keeps,
            test: Test { run: text(), output: text() },
        }
    }

    fn program() -> Install {
        Install {
            from: "prog".to_owned(),
            to: "/bin/prog".to_owned(),
            mode: Some(0o4755),
            links: vec!["/bin/p".to_owned()],
            links_from: Some("list".to_owned()),
        }
    }

    #[test]
    fn files_links_and_kept_folders_arrive() {
        let (sources, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(sources.path().join("prog"), "#!/bin/sh\n").unwrap();
        fs::write(sources.path().join("list"), "/q\n/usr/bin/r\n").unwrap();
        fs::create_dir(sources.path().join("tests")).unwrap();
        fs::write(sources.path().join("tests/one"), "").unwrap();
        let keep = Keep { from: "tests".to_owned(), name: "suite".to_owned() };
        install(&recipe(vec![program()], vec![keep]), sources.path(), root.path()).unwrap();

        let mode = |path: &str| fs::metadata(root.path().join(path)).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode("bin/prog"), 0o4755);
        assert_eq!(mode("bin"), 0o755);
        assert_eq!(mode("suite/one"), 0o644);
        for link in ["bin/p", "q", "usr/bin/r"] {
            assert_eq!(fs::read_link(root.path().join(link)).unwrap(), Path::new("/bin/prog"), "{link}");
        }
    }

    #[test]
    fn what_the_build_did_not_make_is_named() {
        let (sources, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let error = install(&recipe(vec![program()], vec![]), sources.path(), root.path()).unwrap_err();
        assert!(format!("{error:#}").contains("/prog"), "{error:#}");
    }

    #[test]
    fn a_program_that_wants_a_loader_is_refused() {
        let (sources, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        // Cargo's tests of a host with glibc are such programs.
        fs::copy(std::env::current_exe().unwrap(), sources.path().join("prog")).unwrap();
        fs::write(sources.path().join("list"), "").unwrap();
        let error = install(&recipe(vec![program()], vec![]), sources.path(), root.path()).unwrap_err();
        assert!(error.to_string().contains("not linked statically"), "{error:#}");
    }
}
