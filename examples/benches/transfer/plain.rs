//! A plain copy of a file over UDP, between two processes: numbered datagrams, a window, one answer to
//! many of them, and what is lost is sent again. The measure of what the machine can do.

use super::ran::ran;
use examples::demo::node::stop_with_the_starter;
use examples::demo::trouble::{Trouble, wait_for};
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Bytes in the longest datagram: what `kv` is told unless told otherwise.
pub const DATAGRAM: usize = 8 << 10;
/// A datagram begins with its number.
const NUMBER: usize = 8;
/// Bytes of the file in a datagram.
const PIECE: usize = DATAGRAM - NUMBER;
/// Datagrams on their way.
const WINDOW: u64 = 64;
/// Datagrams to one answer.
const ANSWER: u64 = 16;
/// Bytes that are written, and synced, at once: as [`raft_nostd::Compaction`] has it.
const SYNC: usize = 1 << 20;
/// After so long without an answer all that was not answered is sent again.
const OVERDUE: Duration = Duration::from_millis(20);
/// How long the sender sleeps at most, so that a slow copy is not one of fits and starts.
const NAP: Duration = Duration::from_millis(1);
/// Asked of the kernel for each socket, as nodes do.
const BUFFER: usize = 4 << 20;

const SEND: &str = "send-plain";
const RECEIVE: &str = "receive-plain";

/// Runs one end, where this process was started to be that.
pub fn run_if_asked() -> Option<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        [SEND, path, to, pace] => send(path.as_ref(), to, pace),
        [RECEIVE, path, bytes] => receive(path.as_ref(), bytes),
        _ => return None,
    };
    Some(match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("transfer: a plain copy failed: {error}");
            ExitCode::FAILURE
        }
    })
}

/// A copy that was made.
pub struct Copied {
    /// From the first datagram to the last sync.
    pub took: Duration,
    /// What both ends ran on processors.
    pub ran: Duration,
}

/// How fast a copy may go.
#[derive(Clone, Copy)]
pub enum Pace {
    /// As fast as it does.
    Full,
    /// So many bytes in a second.
    Bytes(u64),
}

/// Copies `from` to `to`.
///
/// # Errors
/// When an end fails, or a signal asks to end.
pub fn copy(from: &Path, to: &Path, pace: Pace) -> Result<Copied, Trouble> {
    let bytes = std::fs::metadata(from)?.len().to_string();
    let mut receiver = End::start(&[RECEIVE.as_ref(), to.as_ref(), bytes.as_ref()])?;
    let address = receiver.line()?;
    let pace = match pace {
        Pace::Full => u64::MAX,
        Pace::Bytes(bytes) => bytes,
    }
    .to_string();
    let mut sender = End::start(&[SEND.as_ref(), from.as_ref(), address.as_ref(), pace.as_ref()])?;
    receiver.ended()?;
    sender.ended()?;
    let took = receiver.micros()?;
    let ran = receiver.micros()? + sender.micros()?;
    Ok(Copied { took, ran })
}

/// A process that is one end; killed when dropped.
struct End {
    process: Child,
    lines: io::Lines<BufReader<std::process::ChildStdout>>,
}

impl End {
    fn start(words: &[&std::ffi::OsStr]) -> Result<Self, Trouble> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut process =
            command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdout = process.stdout.take().ok_or(ErrorKind::BrokenPipe).map_err(io::Error::from)?;
        Ok(Self { process, lines: BufReader::new(stdout).lines() })
    }

    /// The next line it says.
    fn line(&mut self) -> Result<String, Trouble> {
        Ok(self.lines.next().ok_or(ErrorKind::UnexpectedEof).map_err(io::Error::from)??)
    }

    fn micros(&mut self) -> Result<Duration, Trouble> {
        let micros: u64 = self.line()?.parse().map_err(io::Error::other)?;
        Ok(Duration::from_micros(micros))
    }

    fn ended(&mut self) -> Result<(), Trouble> {
        let process = &mut self.process;
        let status = wait_for("the end of a plain copy", || process.try_wait().ok().flatten())?;
        if status.success() {
            return Ok(());
        }
        Err(io::Error::other(format!("a plain copy ended with {status}")).into())
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn socket() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let options = socket2::SockRef::from(&socket);
    options.set_recv_buffer_size(BUFFER)?;
    options.set_send_buffer_size(BUFFER)?;
    Ok(socket)
}

fn send(path: &Path, to: &str, pace: &str) -> io::Result<()> {
    stop_with_the_starter();
    let pace: u64 = pace.parse().map_err(io::Error::other)?;
    let (file, socket) = (File::open(path)?, socket()?);
    socket.connect(to)?;
    socket.set_read_timeout(Some(NAP))?;
    let bytes = file.metadata()?.len();
    let pieces = bytes.div_ceil(PIECE as u64);
    let (mut answered, mut next) = (0, 0);
    let mut datagram = vec![0; DATAGRAM];
    let began = Instant::now();
    let mut heard = began;
    while answered < pieces {
        let due = began.elapsed().as_secs_f64() * pace as f64 / PIECE as f64;
        let may_go = pieces.min(answered + WINDOW).min(due as u64 + 1);
        while next < may_go {
            let at = next * PIECE as u64;
            let end = NUMBER + PIECE.min((bytes - at) as usize);
            datagram[..NUMBER].copy_from_slice(&next.to_le_bytes());
            file.read_exact_at(&mut datagram[NUMBER..end], at)?;
            socket.send(&datagram[..end])?;
            next += 1;
        }
        let mut answer = [0; NUMBER];
        match socket.recv(&mut answer) {
            Ok(_) => {
                answered = u64::from_le_bytes(answer).max(answered);
                heard = Instant::now();
            }
            Err(error) if !is_late(&error) => return Err(error),
            Err(_) if heard.elapsed() < OVERDUE => {}
            Err(_) => {
                next = answered;
                heard = Instant::now();
            }
        }
    }
    say_ran();
    Ok(())
}

fn say_ran() {
    println!("{}", ran(std::process::id()).as_micros());
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Says where it listens, and in the end how many microseconds it took, and ran.
fn receive(path: &Path, bytes: &str) -> io::Result<()> {
    stop_with_the_starter();
    let bytes: u64 = bytes.parse().map_err(io::Error::other)?;
    let (file, socket) = (File::create(path)?, socket()?);
    println!("{}", socket.local_addr()?);
    let mut writing = Writing { file, gathered: Vec::with_capacity(SYNC + PIECE), written: 0 };
    let pieces = bytes.div_ceil(PIECE as u64);
    let (mut next, mut began) = (0, None);
    let mut datagram = vec![0; DATAGRAM];
    while next < pieces {
        let (len, sender) = socket.recv_from(&mut datagram)?;
        let began = *began.get_or_insert_with(Instant::now);
        let (number, piece) = datagram[..len].split_at(NUMBER.min(len));
        let number = u64::from_le_bytes(number.try_into().map_err(io::Error::other)?);
        if number == next {
            writing.take(piece)?;
            next += 1;
        }
        if next == pieces {
            writing.sync()?;
            println!("{}", began.elapsed().as_micros());
        }
        if number + 1 != next || next % ANSWER == 0 || next == pieces {
            answer(&socket, next, sender)?;
        }
    }
    say_ran();
    Ok(())
}

fn answer(socket: &UdpSocket, next: u64, sender: SocketAddr) -> io::Result<()> {
    socket.send_to(&next.to_le_bytes(), sender).map(|_| ())
}

/// A file that is written and synced by the MiB.
struct Writing {
    file: File,
    gathered: Vec<u8>,
    written: u64,
}

impl Writing {
    fn take(&mut self, piece: &[u8]) -> io::Result<()> {
        self.gathered.extend_from_slice(piece);
        if self.gathered.len() >= SYNC { self.sync() } else { Ok(()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.gathered, self.written)?;
        self.written += self.gathered.len() as u64;
        self.gathered.clear();
        self.file.sync_data()
    }
}
