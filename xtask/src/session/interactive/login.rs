//! How the session begins: what the login shell knows, and that it answers.

use anyhow::Result;

use super::console::Console;

pub const CHECKS: super::Table = &[
    ("the window's size is known at the first prompt", size),
    ("the shell calculates", calculates),
    ("the login shell has its variables", variables),
    ("the shell has a controlling terminal of its own", controlling_terminal),
    ("Ctrl-D leaves a shell within the shell", leaves_inner_shell),
    ("Ctrl-D leaves the login shell, and the next one starts", login_again),
];

fn size(console: &mut Console) -> Result<()> {
    console.ask("stty size", &["30 100"])
}

fn calculates(console: &mut Console) -> Result<()> {
    console.ask("echo $((6*7))", &["42"])
}

fn variables(console: &mut Console) -> Result<()> {
    console.ask("echo $0 $USER $LOGNAME $HOME $SHELL $PWD", &["-sh root root /root /bin/sh /root"])?;
    console.ask("umask; id -un; echo ${TERM:+set} ${PATH:+set} $EDITOR", &["0022", "root", "set set vi"])
}

fn controlling_terminal(console: &mut Console) -> Result<()> {
    console.ask("tty; test -t 0 && echo open", &["/dev/ttyS0", "open"])?;
    // Fields 5 to 8 of stat: process group, session, terminal, foreground group (proc(5)).
    console
        .ask(r"set -- $(cat /proc/$$/stat); echo $(($1-$5)) $(($1-$6)) $(($7>>8)):$(($7&255))", &["0 0 4:64"])
}

fn leaves_inner_shell(console: &mut Console) -> Result<()> {
    console.ask("inner=no; inner=yes sh", &[])?;
    console.ask("echo $inner", &["yes"])?;
    console.clear()?;
    console.keys("\x04")?;
    console.terminal().wait("the outer shell's prompt", |screen| screen.cursor_position().0 > 0)?;
    console.ask("echo $inner", &["no"])
}

fn login_again(console: &mut Console) -> Result<()> {
    console.ask("mark=here; echo $mark", &["here"])?;
    console.clear()?;
    console.keys("\x04")?;
    console.terminal().wait("the next login's prompt", |screen| screen.cursor_position().0 > 0)?;
    console.ask("echo ${mark-gone} $0", &["gone -sh"])
}
