//! QEMU's monitor, by which a guest has its memory go bad: the lines of its report that ask for it
//! are passed on.

use std::{
    fs::File,
    io::{self, ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};

use pmem2_guest::report::{ASK, ASK_IN_PROGRAM};

/// The prompt for a command.
const PROMPT: &[u8] = b"(qemu) ";

/// How often the processor is looked at until it runs a program, a millisecond apart.
const LOOKS: usize = 2000;

/// Where QEMU listens.
pub(crate) fn path(directory: &Path) -> String {
    directory.join("monitor").display().to_string()
}

/// The report of a guest as far as it was read, and the monitor, once something was asked of it.
pub(crate) struct Monitor {
    directory: PathBuf,
    report: Option<File>,
    line: Vec<u8>,
    stream: Option<UnixStream>,
}

impl Monitor {
    pub(crate) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), report: None, line: Vec::new(), stream: None }
    }

    /// Reads on in the report, and passes on what is asked there.
    pub(crate) fn pass_on(&mut self) -> io::Result<()> {
        let mut more = Vec::new();
        match &mut self.report {
            Some(report) => drop(report.read_to_end(&mut more)?),
            // QEMU makes it when it starts.
            none => *none = File::open(self.directory.join("report")).ok(),
        }
        for byte in more {
            if byte != b'\n' {
                self.line.push(byte);
                continue;
            }
            let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
            if let Some(asked) = line.strip_prefix(ASK_IN_PROGRAM) {
                self.in_program(asked)?;
            } else if let Some(asked) = line.strip_prefix(ASK) {
                self.say(asked)?;
            }
        }
        Ok(())
    }

    /// Stops the processor until it is found in a program, and then gives the command before it
    /// goes on.
    fn in_program(&mut self, command: &str) -> io::Result<()> {
        for _ in 0..LOOKS {
            self.say("stop")?;
            let in_program = self.say("info registers")?.contains("CPL=3");
            if in_program {
                self.say(command)?;
            }
            self.say("cont")?;
            if in_program {
                return Ok(());
            }
            sleep(Duration::from_millis(1));
        }
        Err(io::Error::new(ErrorKind::TimedOut, "the processor runs no program"))
    }

    /// Gives a command; what was said to it.
    fn say(&mut self, command: &str) -> io::Result<String> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let mut stream = UnixStream::connect(path(&self.directory))?;
                stream.set_read_timeout(Some(Duration::from_secs(60)))?;
                up_to_prompt(&mut stream)?;
                none.insert(stream)
            }
        };
        stream.write_all(format!("{command}\n").as_bytes())?;
        up_to_prompt(stream)
    }
}

fn up_to_prompt(stream: &mut UnixStream) -> io::Result<String> {
    let (mut said, mut piece) = (Vec::new(), [0; 4096]);
    while !said.ends_with(PROMPT) {
        match stream.read(&mut piece)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            length => said.extend_from_slice(&piece[..length]),
        }
    }
    Ok(String::from_utf8_lossy(&said).into_owned())
}
