//! What a client says between `MULTI` and `EXEC`. It becomes one command of the log.

use super::encoding::{Step, decode, encode};
use super::reply::{self, Reply, error};
use super::request::Request;

/// What a transaction takes beyond its steps in the log, at most: version, variant and count.
const HEAD: u64 = 7;

/// The commands so far.
#[derive(Debug, Default)]
pub struct Transaction {
    /// The steps, encoded one by one: each has a version byte that it does not have in the log.
    steps: Vec<Vec<u8>>,
    /// Bytes the steps take in the log.
    length: u64,
    fault: Fault,
}

/// Whether one of the commands was refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fault {
    #[default]
    None,
    Some,
}

/// Whether the transaction is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It goes on.
    No,
    /// It had no effect.
    Yes,
}

impl Transaction {
    /// One that will come to nothing, since its beginning was refused. As Redis does, so that what
    /// a client sends after it in a pipeline has no effect either.
    pub fn refused() -> Self {
        Self { fault: Fault::Some, ..Self::default() }
    }

    /// Takes one more command; together no more than `longest` bytes, and nothing when clients
    /// are to go `elsewhere`. Returns what to answer now.
    pub fn take(
        &mut self,
        request: Result<Request<'_>, Reply>,
        elsewhere: Option<Reply>,
        longest: u64,
    ) -> (Reply, Ended) {
        let queued = match (request, elsewhere) {
            (Ok(Request::Discard), _) => return (reply::ok(), Ended::Yes),
            (Ok(Request::Multi), _) => {
                return (error("ERR MULTI calls can not be nested"), Ended::No);
            }
            (Ok(Request::Write(_) | Request::Read(_)), Some(elsewhere)) => Err(elsewhere),
            (Ok(Request::Write(change)), None) => self.queue(&Step::Change(change), longest),
            (Ok(Request::Read(query)), None) => self.queue(&Step::Query(query), longest),
            (Ok(_), _) => Err(error("ERR Command not allowed inside a transaction")),
            (Err(refusal), _) => Err(refusal),
        };
        let reply = match queued {
            Ok(()) => reply::simple("QUEUED"),
            Err(refusal) => {
                self.fault = Fault::Some;
                refusal
            }
        };
        (reply, Ended::No)
    }

    fn queue(&mut self, step: &Step<'_>, longest: u64) -> Result<(), Reply> {
        let step = encode(step);
        let length = self.length.saturating_add(step.len().saturating_sub(1) as u64);
        if length.saturating_add(HEAD) > longest {
            return Err(reply::too_large(length.saturating_add(HEAD), longest));
        }
        self.length = length;
        self.steps.push(step);
        Ok(())
    }

    /// What it comes to.
    ///
    /// # Errors
    /// What to answer instead, when one of the commands was refused.
    pub fn steps(&self) -> Result<Vec<Step<'_>>, Reply> {
        let steps = self.steps.iter().map(|step| decode(step)).collect::<Option<_>>();
        let steps = steps.filter(|_| self.fault == Fault::None);
        steps.ok_or_else(|| error("EXECABORT Transaction discarded because of previous errors."))
    }
}
