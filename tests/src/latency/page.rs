//! What was measured, for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use super::figures::{Summary, on_lambda};
use super::{Condition, Report, Request, Sample, Work};

const EXPLANATION: &str = include_str!("explanation.md");

/// The page, without its head.
///
/// # Errors
/// When something was not measured.
pub fn page(report: &Report) -> Result<String> {
    let mut page = String::new();
    let Report { machine, rounds, special_rounds, .. } = report;
    writeln!(page, "Measured on: {machine}.\n\n{EXPLANATION}")?;
    writeln!(page, "## Warm, with a usual picture\n\n{rounds} of each request, one after the other.\n")?;
    page += &requests(report, Condition::Warm)?;
    writeln!(
        page,
        "\n## Warm, with the largest pictures\n\n{special_rounds} of each: 4 MiB in a data URL, 15 MiB by upload.\n"
    )?;
    page += &requests(report, Condition::Largest)?;
    writeln!(
        page,
        "\n## Cold starts and memory\n\n{special_rounds} cold starts for each request that a function answers.\n"
    )?;
    page += &functions(report)?;
    Ok(page)
}

fn requests(report: &Report, condition: Condition) -> Result<String> {
    let mut table = "| request | answer | own p50 | p95 | max | processor p50 | at its memory | whole p50 | p95 | max | calls, one after the other |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|
"
    .to_owned();
    for request in Request::ALL {
        let samples: Vec<_> = report.of(request, condition).collect();
        let Some(first) = samples.first() else { continue };
        let whole = summary(samples.iter().map(|sample| sample.whole))?;
        let whole = format!("{} | {} | {}", ms(whole.p50), ms(whole.p95), ms(whole.max));
        let (name, status) = (request.name(), first.status);
        let Some(function) = request.worker() else {
            writeln!(table, "| {name} | {status} | – | – | – | – | – | {whole} | none: API Gateway answers |")?;
            continue;
        };
        let own = summary(report.work(request, condition).map(|work| work.own))?;
        let processor = summary(report.work(request, condition).map(|work| work.processor))?.p50;
        let there = on_lambda(processor, report.functions[function].megabytes);
        writeln!(
            table,
            "| {name} | {status} | {} | {} | {} | {} | {} | {whole} | {} |",
            ms(own.p50),
            ms(own.p95),
            ms(own.max),
            ms(processor),
            ms(there),
            calls(&samples)
        )?;
    }
    Ok(table)
}

fn functions(report: &Report) -> Result<String> {
    let mut table = "| function | memory, MB | bundle, MB (zipped) | init p50 | p95 | max | first answer, own p50 | warm p50 | peak, MB: usual picture | largest |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
"
    .to_owned();
    for (worker, function) in &report.functions {
        let requests: Vec<_> = Request::ALL.into_iter().filter(|request| request.worker() == Some(worker)).collect();
        let work = |condition| requests.iter().flat_map(move |request| report.work(*request, condition));
        let init = summary(work(Condition::Cold).filter_map(|work| work.init))?;
        // Of what it answers, the request that it exists for.
        let usual = *requests.iter().find(|request| **request != Request::Undecodable).context("a request")?;
        let own = |condition| summary(report.work(usual, condition).map(|work| work.own));
        let peak = |works: &mut dyn Iterator<Item = &Work>| works.map(|work| work.peak_bytes).max();
        let usual_peak = peak(&mut work(Condition::Cold)).context("no cold start was measured")?;
        let largest = peak(&mut work(Condition::Largest)).filter(|_| takes_pictures(worker));
        writeln!(
            table,
            "| {worker} | {} | {} ({}) | {} | {} | {} | {} | {} | {} | {} |",
            function.megabytes,
            mb(function.bundle_bytes),
            mb(function.zipped_bytes),
            ms(init.p50),
            ms(init.p95),
            ms(init.max),
            ms(own(Condition::Cold)?.p50),
            ms(own(Condition::Warm)?.p50),
            mb(usual_peak),
            largest.map_or_else(|| "–".to_owned(), mb),
        )?;
    }
    Ok(table)
}

/// Whether pictures come to it, and not only their names.
fn takes_pictures(worker: &str) -> bool {
    matches!(worker, "register-face" | "verify-face")
}

/// What most of the samples asked services for.
fn calls(samples: &[&Sample]) -> String {
    let mut kinds: BTreeMap<(&[String], usize), usize> = BTreeMap::new();
    for work in samples.iter().filter_map(|sample| sample.function.as_ref()) {
        *kinds.entry((&work.calls, work.steps)).or_default() += 1;
    }
    let Some(((calls, steps), _)) = kinds.into_iter().max_by_key(|(_, count)| *count) else { return String::new() };
    if calls.is_empty() {
        return "none".to_owned();
    }
    format!("{steps}: {}", calls.join(", "))
}

fn summary(values: impl Iterator<Item = f64>) -> Result<Summary> {
    Summary::of(values).context("a request was not measured")
}

/// Milliseconds, as exactly as they mean something.
fn ms(seconds: f64) -> String {
    let milliseconds = seconds * 1000.0;
    if milliseconds < 9.95 { format!("{milliseconds:.1}") } else { format!("{milliseconds:.0}") }
}

fn mb(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let megabytes = bytes as f64 / 1e6;
    format!("{megabytes:.1}")
}

#[cfg(test)]
mod tests {
    use super::super::Function;
    use super::*;

    fn work(own: f64, init: Option<f64>, peak_bytes: u64) -> Work {
        let calls = vec!["GetItem".to_owned(), "SearchFacesByImage".to_owned()];
        Work { own, processor: own / 2.0, init, peak_bytes, calls, steps: 2 }
    }

    fn report() -> Report {
        let function = Function { megabytes: 512, bundle_bytes: 7_040_000, zipped_bytes: 3_260_000 };
        let workers = Request::ALL.iter().filter_map(|request| request.worker());
        let mut samples = Vec::new();
        for request in Request::ALL {
            for (condition, milliseconds, init) in [
                (Condition::Warm, 4.0, None),
                (Condition::Warm, 12.0, None),
                (Condition::Cold, 20.0, Some(0.0123)),
                (Condition::Largest, 50.0, None),
            ] {
                let own = milliseconds / 1000.0;
                let peak = if condition == Condition::Largest { 60_000_000 } else { 15_000_000 };
                let function = request.worker().map(|_| work(own, init, peak));
                samples.push(Sample { request, condition, status: 200, whole: own * 10.0, function });
            }
        }
        let functions = workers.map(|worker| (worker, function)).collect();
        Report { machine: "a machine".to_owned(), rounds: 2, special_rounds: 1, functions, samples }
    }

    #[test]
    fn a_row_tells_what_a_request_takes() {
        let page = page(&report()).expect("a page");
        assert!(page.starts_with("Measured on: a machine.\n"), "{page}");
        let row = "| `POST /create-index` | 200 | 4.0 | 12 | 12 | 2.0 | 6.9 | 40 | 120 | 120 | 2: GetItem, SearchFacesByImage |";
        assert!(page.contains(row), "{page}");
        let row = "| `GET /openapi.json` | 200 | – | – | – | – | – | 40 | 120 | 120 | none: API Gateway answers |";
        assert!(page.contains(row), "{page}");
    }

    #[test]
    fn a_row_tells_what_a_function_needs() {
        let page = page(&report()).expect("a page");
        let verify = "| verify-face | 512 | 7.0 (3.3) | 12 | 12 | 12 | 20 | 4.0 | 15.0 | 60.0 |";
        assert!(page.contains(verify), "{page}");
        assert!(page.contains("| remove-face | 512 | 7.0 (3.3) | 12 | 12 | 12 | 20 | 4.0 | 15.0 | – |"), "{page}");
    }

    #[test]
    fn what_was_not_measured_is_not_told() {
        let mut report = report();
        report.samples.retain(|sample| sample.condition != Condition::Cold);
        page(&report).expect_err("no cold start");
    }

    #[test]
    fn there_is_something_for_every_request_in_the_plot() {
        let svg = super::super::plot(&report()).expect("a plot");
        for request in Request::ALL {
            let name = request.name().replace('`', "");
            assert_eq!(svg.contains(&name), request.worker().is_some(), "{name}");
        }
    }
}
