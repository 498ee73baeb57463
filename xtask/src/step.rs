//! Progress on standard error: a spinner per step on a terminal, plain lines elsewhere.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::process::Group;

/// The interval at which a long step prints a line without a terminal.
const HEARTBEAT: Duration = Duration::from_secs(20);
const TAIL_LINES: usize = 40;

/// Shows steps and writes the output of their commands to logs.
#[derive(Clone)]
pub(crate) struct Steps {
    bars: Option<MultiProgress>,
    logs: PathBuf,
}

impl Steps {
    pub(crate) fn new(logs: PathBuf) -> Result<Self> {
        fs::create_dir_all(&logs).with_context(|| format!("{} could not be made", logs.display()))?;
        let bars = std::io::stderr().is_terminal().then(MultiProgress::new);
        Ok(Self { bars, logs })
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    /// Prints a line.
    pub(crate) fn say(&self, line: &str) {
        match &self.bars {
            Some(bars) => drop(bars.println(line)),
            None => eprintln!("{line}"),
        }
    }

    pub(crate) fn start(&self, title: &str) -> Step {
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {elapsed} {wide_msg:.dim}") {
                bar.set_style(style);
            }
            bar.set_prefix(title.to_owned());
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        if bar.is_none() {
            eprintln!("… {title}");
        }
        Step { steps: self.clone(), title: title.to_owned(), started: Instant::now(), bar }
    }

    /// Runs a command as one step; its output goes to a log, whose end is shown if it fails.
    pub(crate) fn run(&self, title: &str, log: &str, command: &mut Command) -> Result<()> {
        let step = self.start(title);
        let log = self.log(log);
        let output = step.follow(command, &log)?;
        if !output.status.success() {
            step.failed();
            bail!("{title}: {}\n\n{}\n(whole log: {})", ended(output.status), tail(&log), log.display());
        }
        step.done("");
        Ok(())
    }
}

/// A running step.
pub(crate) struct Step {
    steps: Steps,
    title: String,
    started: Instant,
    bar: Option<ProgressBar>,
}

/// The result of a command.
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) lines: Vec<String>,
    /// Seconds of processor time.
    pub(crate) cpu: f64,
}

impl Step {
    pub(crate) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    pub(crate) fn done(self, remark: &str) {
        self.close('✓', remark);
    }

    pub(crate) fn failed(self) {
        self.close('✗', "");
    }

    pub(crate) fn end(self, is_ok: bool, remark: &str) {
        if is_ok {
            self.done(remark);
        } else {
            self.failed();
        }
    }

    fn close(self, mark: char, remark: &str) {
        let remark = if remark.is_empty() { String::new() } else { format!(" · {remark}") };
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.steps.say(&format!("{mark} {} ({:.1} s){remark}", self.title, self.seconds()));
    }

    /// Runs a command to its end, both streams into `log`, the latest line beside the spinner.
    pub(crate) fn follow(&self, command: &mut Command, log: &Path) -> Result<Output> {
        let mut group = Group::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
        let file = File::create(log).with_context(|| format!("{} could not be written", log.display()))?;
        let sink = Arc::new(Mutex::new(Sink { file, lines: Vec::new() }));
        let child = group.child();
        let streams: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|stream| Box::new(stream) as _),
            child.stderr.take().map(|stream| Box::new(stream) as _),
        ];
        let readers: Vec<_> = streams
            .into_iter()
            .flatten()
            .map(|stream| {
                let (sink, bar) = (Arc::clone(&sink), self.bar.clone());
                thread::spawn(move || copy_lines(stream, &sink, bar.as_ref()))
            })
            .collect();
        let mut last_sign = Instant::now();
        while !group.has_ended() {
            thread::sleep(Duration::from_millis(40));
            if self.bar.is_none() && last_sign.elapsed() > HEARTBEAT {
                last_sign = Instant::now();
                let latest = lock(&sink).lines.last().cloned().unwrap_or_default();
                eprintln!("… {} ({:.0} s) {latest}", self.title, self.seconds());
            }
        }
        let cpu = group.cpu_seconds();
        let status = group.child().wait()?;
        // Ends processes that the command may have left, so that the streams end.
        drop(group);
        for reader in readers {
            drop(reader.join());
        }
        let lines = std::mem::take(&mut lock(&sink).lines);
        Ok(Output { status, lines, cpu })
    }
}

struct Sink {
    file: File,
    lines: Vec<String>,
}

fn lock(sink: &Mutex<Sink>) -> std::sync::MutexGuard<'_, Sink> {
    sink.lock().unwrap_or_else(PoisonError::into_inner)
}

fn copy_lines(stream: impl Read, sink: &Mutex<Sink>, bar: Option<&ProgressBar>) {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    while stream.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        line.clear();
        if let Some(bar) = bar {
            bar.set_message(text.trim().to_owned());
        }
        let mut sink = lock(sink);
        // A full disk causes other errors; the step itself continues.
        let _written = writeln!(sink.file, "{text}");
        sink.lines.push(text);
    }
}

/// The last lines of a log, indented.
pub(crate) fn tail(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let mut last = VecDeque::with_capacity(TAIL_LINES);
    for line in text.lines() {
        if last.len() == TAIL_LINES {
            last.pop_front();
        }
        last.push_back(format!("    {line}"));
    }
    Vec::from(last).join("\n")
}

/// "ended with exit code 3" or "was ended by signal 9".
pub(crate) fn ended(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}
