//! A CD that boots Serix by Limine, on machines with a BIOS and with UEFI.
//!
//! Limine's files are not fetched: no package of Debian 12 holds them. Where they are installed they are used.

use std::env;
use std::fs::{self, File};
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::exec;
use crate::guest::archive::{self, Task};
use crate::kernel::{self, Profile, loadable};
use crate::packages::{self, Package};
use crate::project::Project;
use crate::ui::Ui;
use crate::userland;

/// What `iso` takes.
#[derive(clap::Args)]
pub struct IsoArguments {
    /// Where to write the image
    #[arg(long, short, value_name = "FILE", default_value = "target/serix.iso")]
    output: PathBuf,

    /// The kernel's command line; the last console it names gets the shell
    #[arg(
        long,
        value_name = "WORDS",
        default_value = "console=ttyS0 console=tty0 rdinit=/init",
        allow_hyphen_values = true
    )]
    words: String,

    /// Build the kernel with overflow checks and debug assertions
    #[arg(long)]
    debug: bool,
}

const XORRISO: Package = Package { name: "xorriso", proof: "/usr/bin/xorriso" };

/// Where distributions put Limine's files, and the variable that says otherwise.
const USUAL_FOLDER: &str = "/usr/share/limine";
const FOLDER_VARIABLE: &str = "LIMINE_DIR";

/// Limine's files, and where each goes on the CD.
const FILES: [(&str, &str); 4] = [
    ("limine-bios.sys", "boot"),
    ("limine-bios-cd.bin", "boot"),
    ("limine-uefi-cd.bin", "boot"),
    ("BOOTX64.EFI", "EFI/BOOT"),
];

/// An installed Limine.
pub struct Limine {
    folder: PathBuf,
}

impl Limine {
    /// Finds Limine.
    ///
    /// # Errors
    /// It is not installed, or not whole; the error says what is missing and how to get it.
    pub fn find() -> Result<Self> {
        let folder = env::var_os(FOLDER_VARIABLE).map_or_else(|| USUAL_FOLDER.into(), PathBuf::from);
        match FILES.iter().find(|(name, _)| !folder.join(name).is_file()) {
            None => Ok(Self { folder }),
            Some((name, _)) => bail!(
                "Limine is not installed: there is no {}. Get its binary release 8 or newer (limine-bootloader on GitHub, \
                 branch v8.x-binary) and let {FOLDER_VARIABLE} name the folder",
                folder.join(name).display()
            ),
        }
    }

    /// Finds Limine, and makes sure that a CD can be written.
    pub fn ready(project: &Project, ui: &Ui) -> Result<Self> {
        let limine = Self::find()?;
        packages::ensure(project, ui, &[XORRISO])?;
        Ok(limine)
    }
}

/// Carries out `cargo xtask iso`.
pub fn command(project: &Project, ui: &Ui, arguments: &IsoArguments) -> Result<()> {
    let limine = Limine::ready(project, ui)?;
    let profile = if arguments.debug { Profile::Dev } else { Profile::Release };
    let kernel = kernel::build(project, ui, profile)?;
    let base = userland::image(project, ui)?;
    let initrd = archive::stack(&base, &archive::pack(Task::Console, &[])?)?;
    let mut image = temporary(&limine, &kernel, initrd, &arguments.words)?;
    let output = &arguments.output;
    File::create(output)
        .and_then(|mut file| io::copy(&mut image, &mut file))
        .with_context(|| format!("cannot write {}", output.display()))?;
    println!("{}", output.display());
    Ok(())
}

/// Writes a CD to a file that has no name any more.
///
/// # Errors
/// A file cannot be read or written, or `words` has a line's end, which Limine's configuration cannot hold.
pub fn temporary(limine: &Limine, kernel: &Path, mut initrd: File, words: &str) -> Result<File> {
    ensure!(!words.contains('\n'), "the kernel's command line has more than one line");
    let folder = tempfile::tempdir().context("cannot make a folder for the CD")?;
    let tree = folder.path().join("tree");
    for (name, place) in FILES {
        let place = tree.join(place);
        fs::create_dir_all(&place)
            .and_then(|()| fs::copy(limine.folder.join(name), place.join(name)))
            .with_context(|| format!("cannot copy Limine's {name}"))?;
    }
    let boot = tree.join("boot");
    let image = loadable(&fs::read(kernel).with_context(|| format!("cannot read {}", kernel.display()))?)?;
    initrd.rewind().context("cannot read the initial file system")?;
    fs::write(boot.join("serix"), image)
        .and_then(|()| fs::write(boot.join("limine.conf"), configuration(words)))
        .and_then(|()| File::create(boot.join("initramfs")))
        .and_then(|mut file| io::copy(&mut initrd, &mut file))
        .context("cannot lay out the CD")?;
    let cd = folder.path().join("cd");
    let mut command = exec::command(XORRISO.proof);
    command.args(["-as", "mkisofs", "-quiet", "-R", "-J", "-b", "boot/limine-bios-cd.bin", "-no-emul-boot"]);
    command.args(["-boot-load-size", "4", "-boot-info-table", "--efi-boot", "boot/limine-uefi-cd.bin"]);
    command.args(["-efi-boot-part", "--efi-boot-image", "--protective-msdos-label"]);
    command.arg(&tree).arg("-o").arg(&cd);
    exec::output(command).context("cannot write the CD")?;
    File::options().read(true).write(true).open(&cd).context("cannot read the CD")
}

/// Limine's configuration. Its older releases know two of the keys by other names.
fn configuration(words: &str) -> String {
    const KERNEL: &str = "boot():/boot/serix";
    format!(
        "timeout: 0\n/Serix\n    protocol: limine\n    path: {KERNEL}\n    kernel_path: {KERNEL}\n    cmdline: {words}\n    \
         kernel_cmdline: {words}\n    module_path: boot():/boot/initramfs\n"
    )
}

#[cfg(test)]
mod tests {
    use super::configuration;

    #[test]
    fn the_command_line_is_told_by_both_names() {
        let text = configuration("console=ttyS0 quiet");
        assert!(
            text.contains("\n    cmdline: console=ttyS0 quiet\n    kernel_cmdline: console=ttyS0 quiet\n"),
            "{text}"
        );
    }
}
