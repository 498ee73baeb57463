//! Child processes, each in its own process group, so that everything that a command started can be ended with it.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::errno::Errno;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, killpg};
use nix::sys::time::TimeVal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, SysconfVar, sysconf};

/// How long a group may take to end after TERM before it is killed. The local AWS promises five seconds.
const GRACE: Duration = Duration::from_secs(7);

struct Running {
    groups: Vec<Pid>,
    interrupted: bool,
}

static RUNNING: Mutex<Running> = Mutex::new(Running { groups: Vec::new(), interrupted: false });

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running child and everything that it started. Dropping it ends them all.
pub(crate) struct Group {
    child: Child,
    id: Pid,
}

impl Group {
    /// Starts the command as the leader of a new process group, without standard input.
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        leave_to_the_interrupt();
        // Held across the spawn: an interrupt must not slip in between the start and the entry in the list.
        let mut running = running();
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("`{name}` could not be started"))?;
        let id = Pid::from_raw(i32::try_from(child.id()).context("a process id out of range")?);
        running.groups.push(id);
        Ok(Self { child, id })
    }

    /// The process id of the child.
    pub(crate) const fn id(&self) -> i32 {
        self.id.as_raw()
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    pub(crate) fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Whether the child has ended; its figures in `/proc` stay until [`Self::try_wait`] collects it.
    pub(crate) fn has_ended(&self) -> bool {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        !matches!(waitid(Id::Pid(self.id), flags), Ok(WaitStatus::StillAlive))
    }

    /// Seconds of processor time that the child has used, with the children that it has waited for. Zero where the system has no
    /// `/proc`.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id)).unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "seconds, shown with one decimal")]
        let (ticks, a_second) =
            (ticks(&stat).unwrap_or(0) as f64, sysconf(SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100) as f64);
        ticks / a_second
    }

    /// Lets the group run on after this process: `cargo xtask down` ends it.
    pub(crate) fn leave_running(self) {
        forget(self.id);
        std::mem::forget(self);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Also after the child itself has ended, because its children may still run.
        end(self.id, || !matches!(self.child.try_wait(), Ok(None)));
        // The child is reaped last, so that the group's id is not reused before the last signal.
        drop(self.child.wait());
        forget(self.id);
    }
}

/// Seconds of processor time of all children that have ended, and of theirs.
pub(crate) fn cpu_seconds_of_children() -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "seconds, shown with one decimal")]
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    getrusage(UsageWho::RUSAGE_CHILDREN).map_or(0.0, |usage| seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// User and system time of a process in clock ticks, its own and that of the children it has waited for, out of `/proc/<id>/stat`
/// (`man 5 proc_pid_stat`).
fn ticks(stat: &str) -> Option<u64> {
    // The second field is a name in brackets, which may contain any characters.
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<_> = fields.split_whitespace().collect();
    fields.get(11..15)?.iter().map(|field| field.parse::<u64>().ok()).sum()
}

fn forget(id: Pid) {
    running().groups.retain(|group| *group != id);
}

/// TERM to the whole group; as soon as its leader has ended, or after the grace period, KILL to what is left of it.
pub(crate) fn end(group: Pid, mut has_leader_ended: impl FnMut() -> bool) {
    let deadline = Instant::now() + GRACE;
    if killpg(group, Signal::SIGTERM) == Err(Errno::ESRCH) {
        return;
    }
    while !has_leader_ended() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(25));
    }
    // ESRCH, no process left, is the usual answer.
    let _nobody_left = killpg(group, Signal::SIGKILL);
}

/// On Ctrl-C, TERM and HUP: ends every group that is running, then this process.
pub(crate) fn end_all_when_interrupted() -> Result<()> {
    ctrlc::set_handler(|| {
        let groups = {
            let mut running = running();
            running.interrupted = true;
            std::mem::take(&mut running.groups)
        };
        eprintln!("\ninterrupted: stopping what was started …");
        let enders: Vec<_> = groups
            .into_iter()
            .map(|group| {
                // The main thread may wait for another child, so the status is taken here.
                let ended = move || !matches!(waitpid(group, Some(WaitPidFlag::WNOHANG)), Ok(WaitStatus::StillAlive));
                thread::spawn(move || end(group, ended))
            })
            .collect();
        for ender in enders {
            drop(ender.join());
        }
        // 128 + SIGINT, as shells report it.
        std::process::exit(130);
    })
    .context("the signal handler could not be installed")
}

/// Does not return after an interrupt: the handler ends this process, and a report about children that it stopped would be noise.
pub(crate) fn leave_to_the_interrupt() {
    if running().interrupted {
        loop {
            thread::park();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_the_processor_time_of_a_process_and_its_children() {
        let stat = "71 (a) b) S 1 70 70 0 -1 4194560 9 8 7 6 100 20 3 4 20 0 1 0 5 6 7";
        assert_eq!(ticks(stat), Some(127));
        assert_eq!(ticks(""), None);
    }
}
