//! The terminal's own line editing and settings, with programs that leave both to the kernel.
//!
//! The shell edits its own line with the terminal in raw mode, and sets it back before it starts a program. So keys for
//! the program are typed only once something it wrote is on the screen.

use anyhow::Result;

use super::console::Console;

pub const CHECKS: super::Table = &[
    ("stty shows the settings", settings),
    ("cat: erase, kill a line, erase a word, literal next, end of file", canonical),
    ("end of file in the middle of a line hands over the line", early_end),
    ("a line can be read without echo", silent),
    ("a single key can be read", single_key),
    ("Ctrl-S and Ctrl-Q are the terminal's, not the program's", flow),
];

fn settings(console: &mut Console) -> Result<()> {
    console.keys("stty -a\r")?;
    for words in ["rows 30;", "columns 100;", "intr = ^C;", "erase = ^?;", "susp = ^Z;", " icanon ", "isig "]
    {
        console.row_where(&format!("`{words}`"), |row| format!(" {row} ").contains(words))?;
    }
    console.at_prompt()
}

fn canonical(console: &mut Console) -> Result<()> {
    console.keys("echo ready; cat > /tmp/typed; echo done\r")?;
    console.row("ready")?;
    console.keys("abx\x7fc\r")?;
    console.row("abc")?;
    console.keys("all of this is wrong\x15right\r")?;
    console.row("right")?;
    console.keys("one twoo\x17two\r")?;
    console.row("one two")?;
    console.keys("\x16\x03\r")?;
    console.row("^C")?;
    console.keys("\x04")?;
    console.row("done")?;
    console.at_prompt()?;
    console.ask(
        "od -c /tmp/typed",
        &[
            "0000000   a   b   c  \\n   r   i   g   h   t  \\n   o   n   e       t   w",
            "0000020   o  \\n 003  \\n",
            "0000024",
        ],
    )
}

fn early_end(console: &mut Console) -> Result<()> {
    console.keys("echo ready; cat; echo done\r")?;
    console.row("ready")?;
    console.keys("half\x04")?;
    console.row("halfhalf")?;
    console.keys("\x04")?;
    console.row("halfhalfdone")?;
    console.at_prompt()
}

fn silent(console: &mut Console) -> Result<()> {
    console.keys("read -s -p 'secret: ' x; echo \"<$x>\"\r")?;
    console.row("secret:")?;
    console.keys("word\r")?;
    console.answer(&["secret: <word>"])
}

fn single_key(console: &mut Console) -> Result<()> {
    console.keys("stty -icanon -echo; echo ready; dd bs=1 count=1 2>/dev/null | od -c; stty sane\r")?;
    console.row("ready")?;
    console.keys("k")?;
    console.answer(&["ready", "0000000   k", "0000001"])
}

fn flow(console: &mut Console) -> Result<()> {
    console.keys("echo ready; cat\r")?;
    console.row("ready")?;
    console.keys("one\r")?;
    console.below(&["ready", "one", "one"])?;
    console.keys("\x13two\r\x11")?;
    console.below(&["ready", "one", "one", "two", "two"])?;
    console.keys("\x04")?;
    console.answer(&["ready", "one", "one", "two", "two"])
}
