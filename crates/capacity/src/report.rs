//! docs/CAPACITY.md and its plots.

use std::error::Error;
use std::fmt::Write as _;

use fastrand::Rng;

use crate::day::{Outcome, Settings, arrivals, count, peak, simulate};
use crate::plot::{Line, draw};
use crate::quotas::{Quota, Region, TRANSITIONS, quotas};

/// Everything is drawn from this.
const SEED: u64 = 20_261_121;
const VOLUMES: [u32; 2] = [100_000, 1_000_000];
const REGIONS: [Region; 2] = [Region::UsEast1, Region::Other];

/// A file of the report, by its path below `docs`.
pub type File = (String, String);

/// A day under one set of quotas.
struct Step {
    name: String,
    outcome: Outcome,
}

/// The page and its plots.
///
/// # Errors
/// When a plot cannot be drawn.
pub fn report() -> Result<Vec<File>, Box<dyn Error + Send + Sync>> {
    let mut page = include_str!("capacity.md").replace("{TRANSITIONS}", &TRANSITIONS.to_string());
    let mut plots = Vec::new();
    let peaks = VOLUMES.map(|volume| peak(&arrivals(volume, &mut Rng::with_seed(SEED))));
    saturation(&mut page, peaks)?;
    writeln!(page, "\n## How long the backlog lasts, and which increase moves it\n")?;
    writeln!(
        page,
        "One day, and then nothing until the last verdict. Each line raises one more quota to what the busiest ten minutes ask for, in the order in which \
         they bind. `startRate` follows the scarcest.\n"
    )?;
    writeln!(
        page,
        "| region | applications | quotas | through a second | most that wait | wait: half, 95 %, all | last verdict after | lost |\n\
         |---|---:|---|---:|---:|---|---:|---:|"
    )?;
    for region in REGIONS {
        for (volume, peak) in VOLUMES.into_iter().zip(peaks) {
            let steps = steps(region, volume, peak);
            for Step { name, outcome } in &steps {
                row(&mut page, region, volume, name, outcome)?;
            }
            let file = format!(
                "capacity/backlog-{}-{volume}.svg",
                if region == Region::UsEast1 { "us-east-1" } else { "other" }
            );
            let title = format!("{volume} applications a day, {}", region.name());
            // Without the start rate, most are not late but lost; that is another picture.
            let lines: Vec<_> = steps.iter().filter(|step| step.name != UNPACED).map(line).collect();
            plots.push((file, draw(&title, "applications without a verdict", &lines)?));
        }
    }
    writeln!(page)?;
    for (file, _) in &plots {
        writeln!(page, "![{file}]({file})")?;
    }
    writeln!(page, "\n{}", include_str!("conclusions.md").trim_end())?;
    let mut files = vec![("CAPACITY.md".to_owned(), page)];
    files.append(&mut plots);
    Ok(files)
}

const UNPACED: &str = "defaults, uploads not held back";

fn steps(region: Region, volume: u32, peak: f64) -> Vec<Step> {
    let run = |name: &str, quotas: &[Quota], settings: Settings| {
        let mut random = Rng::with_seed(SEED);
        let day = arrivals(volume, &mut random);
        Step { name: name.to_owned(), outcome: simulate(day, settings, quotas, &mut random) }
    };
    let mut current = quotas(region);
    let defaults = Settings::within(&current);
    let mut steps =
        vec![run(UNPACED, &current, Settings { start_rate: None, ..defaults }), run("defaults", &current, defaults)];
    loop {
        let Some(scarcest) =
            current.iter_mut().min_by(|one, other| one.applications().total_cmp(&other.applications()))
        else {
            return steps;
        };
        if scarcest.applications() >= peak {
            return steps;
        }
        let factor = (peak * scarcest.calls).ceil() / scarcest.per_second;
        scarcest.per_second *= factor;
        scarcest.burst *= factor;
        let name = format!("+ {} {:.0}/s", scarcest.name, scarcest.per_second);
        steps.push(run(&name, &current, Settings::within(&current)));
    }
}

fn row(page: &mut String, region: Region, volume: u32, name: &str, outcome: &Outcome) -> std::fmt::Result {
    let most = ticks(outcome).map(|at| outcome.backlog(at)).max().unwrap_or_default();
    let through = count(outcome.decided.len()) / outcome.drained().max(1.0);
    let waits = [0.5, 0.95, 1.0].map(|share| duration(outcome.wait(share))).join(", ");
    let lost = outcome.throttled + outcome.gave_up;
    let most = if lost == 0 { most.to_string() } else { "–".to_owned() };
    writeln!(
        page,
        "| {} | {volume} | {name} | {through:.1} | {most} | {waits} | {} | {lost} |",
        region.name(),
        duration(outcome.drained()),
    )
}

fn ticks(outcome: &Outcome) -> impl Iterator<Item = f64> {
    let end = outcome.decided.last().copied().unwrap_or_default().max(86_400.0);
    (0..=150).map(move |tick| end * f64::from(tick) / 150.0)
}

fn line(step: &Step) -> Line {
    let points = ticks(&step.outcome).map(|at| (at / 3600.0, count(step.outcome.backlog(at))));
    (step.name.clone(), points.collect())
}

fn duration(seconds: f64) -> String {
    match seconds {
        less if less < 120.0 => format!("{less:.0} s"),
        less if less < 7200.0 => format!("{:.0} min", less / 60.0),
        less if less < 172_800.0 => format!("{:.1} h", less / 3600.0),
        more => format!("{:.1} days", more / 86_400.0),
    }
}

fn saturation(page: &mut String, peaks: [f64; 2]) -> std::fmt::Result {
    let means = VOLUMES.map(|volume| f64::from(volume) / 86_400.0);
    for region in REGIONS {
        let mut quotas = quotas(region);
        quotas.sort_by(|one, other| one.applications().total_cmp(&other.applications()));
        writeln!(page, "\n### {}\n", region.name())?;
        writeln!(
            page,
            "| quota | a second | calls per application | applications a second | a day | load at 100,000: mean, peak | at 1,000,000: mean, peak | needed for the peak of 1,000,000 |\n\
             |---|---:|---:|---:|---:|---|---|---:|"
        )?;
        for quota in quotas {
            let bears = quota.applications();
            let load = |rate: f64| format!("{:.0} %", 100.0 * rate / bears);
            writeln!(
                page,
                "| {} | {:.0} | {:.0} | {bears:.1} | {:.0} | {}, {} | {}, {} | {} |",
                quota.name,
                quota.per_second,
                quota.calls,
                bears * 86_400.0,
                load(means[0]),
                load(peaks[0]),
                load(means[1]),
                load(peaks[1]),
                if bears >= peaks[1] { "–".to_owned() } else { format!("{:.0}", (peaks[1] * quota.calls).ceil()) },
            )?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn is_what_the_repository_shows() {
        for (file, text) in report().expect("a report") {
            let path = format!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/{}"), file);
            let shown = fs::read_to_string(&path).unwrap_or_default();
            assert!(shown == text, "docs/{file} is out of date: cargo xtask simulate");
        }
    }

    #[test]
    fn only_holding_uploads_back_loses_nothing() {
        let steps = steps(Region::Other, 100_000, 5.0);
        let lost = |step: &Step| step.outcome.throttled + step.outcome.gave_up;
        assert!(lost(&steps[0]) > 0);
        assert!(steps[1..].iter().all(|step| lost(step) == 0 && step.outcome.decided.len() == 100_000));
    }
}
