//! What is shown: one application per path, a month without any, and months with many.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::bill::{Costs, Usage};
use crate::deployment::Deployment;
use crate::facts::{Facts, Unpriced};
use crate::prices::{Basis, Meter, PriceList};

/// Applications a month, of the last table.
const MONTHS: [u32; 3] = [1_000, 100_000, 1_000_000];
/// The path that the months are made of.
const WHOLE_WAY: &str = "approved";
/// Services with a column of their own.
const COLUMNS: usize = 5;

/// An application that was recorded alone.
#[derive(Debug, Clone)]
pub struct Path {
    /// Its application id.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// Its outcome, or `failed`.
    pub outcome: String,
    /// What it left behind.
    pub facts: Facts,
}

/// An application with its price.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Priced {
    id: String,
    title: String,
    outcome: String,
    usd: f64,
    usd_by_service: Costs,
    usage: Usage,
    facts: Facts,
}

/// A month with many applications, all of them as dear as an approved one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Month {
    applications: u32,
    usd: f64,
    usd_by_service: Costs,
    usd_with_customer_keys: f64,
}

/// What never changes with the number of applications.
#[derive(Debug, Serialize)]
struct Fixed {
    usage: Usage,
    usd: f64,
}

/// Everything that is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report<'list> {
    region: &'list str,
    currency: &'list str,
    prices_of: &'list str,
    paths: Vec<Priced>,
    fixed_month: Fixed,
    fixed_month_with_customer_keys: Fixed,
    months: Vec<Month>,
    #[serde(skip)]
    list: &'list PriceList,
}

impl<'list> Report<'list> {
    /// Prices recorded paths on a deployment, and months of them; `with_keys` is the same deployment with keys of the account, and
    /// `metrics` the number of custom metrics that were seen.
    ///
    /// # Errors
    /// When something was recorded that has no price, or nothing was approved.
    pub fn new(
        list: &'list PriceList,
        deployment: &Deployment,
        with_keys: &Deployment,
        metrics: u32,
        paths: Vec<Path>,
    ) -> Result<Self, Unpriced> {
        let assumed = &list.assumed;
        let whole = paths
            .iter()
            .find(|path| path.id == WHOLE_WAY)
            .ok_or_else(|| Unpriced(format!("{WHOLE_WAY}, which was not run")))?;
        let fixed = |deployment: &Deployment| {
            let usage = deployment.fixed_month(f64::from(metrics), assumed);
            Fixed { usd: usage.as_month(list).total(), usage }
        };
        let (fixed_month, fixed_month_with_customer_keys) = (fixed(deployment), fixed(with_keys));
        let one = whole.facts.usage(deployment, assumed)?;
        let one_with_keys = whole.facts.usage(with_keys, assumed)?;
        let months = MONTHS.map(|applications| {
            let of = |one: &Usage, fixed: &Fixed| one.times(f64::from(applications)).and(&fixed.usage).as_month(list);
            let usd_by_service = of(&one, &fixed_month);
            Month {
                applications,
                usd: usd_by_service.total(),
                usd_by_service,
                usd_with_customer_keys: of(&one_with_keys, &fixed_month_with_customer_keys).total(),
            }
        });
        let price = |path: Path| {
            let usage = path.facts.usage(deployment, assumed)?;
            let usd_by_service = usage.at_first_prices(list);
            let Path { id, title, outcome, facts } = path;
            Ok(Priced { id, title, outcome, usd: usd_by_service.total(), usd_by_service, usage, facts })
        };
        Ok(Self {
            region: &list.region,
            currency: &list.currency,
            prices_of: &list.date,
            paths: paths.into_iter().map(price).collect::<Result<_, _>>()?,
            fixed_month,
            fixed_month_with_customer_keys,
            months: months.into(),
            list,
        })
    }

    /// The services, the dearest first, as far as they get a column.
    fn columns(&self) -> Vec<&str> {
        let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
        for path in &self.paths {
            for (service, usd) in path.usd_by_service.dearest_first() {
                *sums.entry(service).or_default() += usd;
            }
        }
        let mut sums: Vec<_> = sums.into_iter().collect();
        sums.sort_by(|one, other| other.1.total_cmp(&one.1));
        sums.into_iter().take(COLUMNS).map(|(service, _)| service).collect()
    }

    /// The page, in Markdown, readable as it is.
    #[must_use]
    pub fn text(&self) -> String {
        let mut page = String::new();
        let columns = self.columns();
        self.write_paths(&mut page, &columns);
        self.write_whole_way(&mut page);
        self.write_fixed(&mut page);
        self.write_months(&mut page, &columns);
        page + &method(self.list)
    }

    fn write_paths(&self, page: &mut String, columns: &[&str]) {
        let Self { region, currency, prices_of, .. } = self;
        let _ = write!(
            page,
            "# What an application costs

Written by `cargo xtask cost --write`: each sample was run alone on the local AWS, what it did was counted, and priced with the list prices of {region} ({currency}, {prices_of}, without free tiers, discounts and taxes).

## One application, by its path

All that follows from one upload, with its storage until the deployment's retentions delete it (a face that stays in the collection counts as long as its row); each unit at the price of a month's first ones. The shares are of the path's own cost.

"
        );
        let mut head = vec!["path", "verdict", "US$", "transitions"];
        head.extend(columns);
        head.push("others");
        let rows = self.paths.iter().map(|path| {
            let mut row = vec![
                format!("{}: {}", path.id, path.title),
                path.outcome.clone(),
                format!("{:.5}", path.usd),
                path.facts.transitions.to_string(),
            ];
            row.extend(shares(&path.usd_by_service, columns));
            row
        });
        table(page, &head, rows);
    }

    fn write_whole_way(&self, page: &mut String) {
        let Some(whole) = self.paths.iter().find(|path| path.id == WHOLE_WAY) else { return };
        let _ = write!(page, "\n## What the whole way is made of\n\nThe path `{WHOLE_WAY}`, meter by meter.\n\n");
        let mut rows: Vec<_> = Meter::ALL
            .into_iter()
            .filter(|meter| whole.usage.of(*meter) > 0.0)
            .map(|meter| (meter, self.list.price(meter).first() * whole.usage.of(meter)))
            .collect();
        rows.sort_by(|one, other| other.1.total_cmp(&one.1));
        let rows = rows.into_iter().map(|(meter, usd)| {
            let price = self.list.price(meter);
            vec![
                price.service.clone(),
                quantity(whole.usage.of(meter)),
                price.unit.clone(),
                quantity(price.first()),
                format!("{usd:.7}"),
                share(usd, whole.usd),
            ]
        });
        table(page, &["service", "units", "unit", "US$ each", "US$", "share"], rows);
    }

    fn write_fixed(&self, page: &mut String) {
        page.push_str("\n## A month without applications\n\n");
        let (plain, keys) = (&self.fixed_month, &self.fixed_month_with_customer_keys);
        let meters = Meter::ALL.into_iter().filter(|meter| keys.usage.of(*meter) > 0.0 || plain.usage.of(*meter) > 0.0);
        let rows = meters.map(|meter| {
            let price = self.list.price(meter);
            let usd = |usage: &Usage| format!("{:.2}", price.of_month(usage.of(meter)));
            vec![
                price.service.clone(),
                price.unit.clone(),
                quantity(plain.usage.of(meter)),
                usd(&plain.usage),
                quantity(keys.usage.of(meter)),
                usd(&keys.usage),
            ]
        });
        let total = vec![
            "all".into(),
            String::new(),
            String::new(),
            format!("{:.2}", plain.usd),
            String::new(),
            format!("{:.2}", keys.usd),
        ];
        let head = ["service", "unit", "units", "US$", "units, encryption=customer", "US$, encryption=customer"];
        table(page, &head, rows.chain([total]));
        page.push_str("\nThe custom metrics are those that the samples above caused. Each further reason adds its own, in the months in which it occurs.\n");
    }

    fn write_months(&self, page: &mut String, columns: &[&str]) {
        let _ = write!(
            page,
            "\n## A month of applications

As if every one took the way of `{WHOLE_WAY}`, which calls everything that costs money; with the volume tiers and what a month costs anyway. Storage is counted with the application that causes it.

"
        );
        let mut head = vec!["applications", "US$ a month", "US$ each", "US$ a month, encryption=customer"];
        head.extend(columns);
        head.push("others");
        let rows = self.months.iter().map(|month| {
            let mut row = vec![
                month.applications.to_string(),
                format!("{:.2}", month.usd),
                format!("{:.5}", month.usd / f64::from(month.applications)),
                format!("{:.2}", month.usd_with_customer_keys),
            ];
            row.extend(shares(&month.usd_by_service, columns));
            row
        });
        table(page, &head, rows);
    }
}

/// What every page ends with, whatever was counted: how, with which assumptions and at which prices.
#[must_use]
pub fn method(list: &PriceList) -> String {
    let mut page = String::new();
    write_assumptions(&mut page, list);
    write_prices(&mut page, list);
    page
}

fn write_assumptions(page: &mut String, list: &PriceList) {
    page.push_str(
            "
## What is recorded, and what is not

Recorded on the local AWS: state transitions and calls of the machines, from the histories; calls of the workers, from the local AWS's IAM decisions; runs, from their logs; sizes of rows, objects and lines. These are what AWS would see, since the template and the workers are those of AWS, with two limits: the local AWS's histories have fewer kinds of events than AWS's, and the samples' pictures are smaller than photographs of telephones.

Not recorded, because the local AWS is no measure of AWS: durations and the lines that AWS itself logs. These are assumed:

",
        );
    let assumed = &list.assumed;
    let single = [
        ("log bytes of AWS per run", &assumed.log_bytes_per_invocation),
        ("log bytes per event of a history", &assumed.log_bytes_per_history_event),
        ("log bytes per line beside its text", &assumed.log_bytes_per_line),
        ("size of stored logs, of what was ingested", &assumed.log_compression),
        ("polls of a queue a month", &assumed.polls_per_queue_and_month),
        ("KMS requests per encrypted resource a month", &assumed.key_requests_per_resource_and_month),
        ("KMS requests per request to the bucket", &assumed.key_requests_per_object_request),
    ];
    let workers = assumed.lambda_milliseconds.iter().map(|(worker, assumption)| {
        vec![format!("ms of a run of {worker}"), quantity(assumption.value), assumption.why.clone()]
    });
    let rest = single
        .into_iter()
        .map(|(what, assumption)| vec![what.to_owned(), quantity(assumption.value), assumption.why.clone()]);
    table(page, &["what", "assumed", "because"], workers.chain(rest));
    page.push_str(
            "
Not counted: e-mails to subscribers, data transfer to the internet, CloudTrail, the evidence bucket's access logs, and people who look.
",
        );
}

fn write_prices(page: &mut String, list: &PriceList) {
    page.push_str(
            "
## Prices

From [`crates/cost/prices.json`](../crates/cost/prices.json). *Listed*: read on the price page itself; *cited*: read where others cite it; *known*: the long-standing list price, not looked up.

",
        );
    let rows = list.prices().map(|(_, price)| {
        let basis = match price.basis {
            Basis::Listed => "listed",
            Basis::Cited => "cited",
            Basis::Known => "known",
        };
        vec![price.service.clone(), price.unit.clone(), quantity(price.first()), basis.to_owned(), price.source.clone()]
    });
    table(page, &["service", "unit", "US$, first tier", "basis", "source"], rows);
}

fn shares(costs: &Costs, columns: &[&str]) -> Vec<String> {
    let total = costs.total();
    let known: f64 = columns.iter().map(|service| costs.of(service)).sum();
    let mut shares: Vec<_> = columns.iter().map(|service| share(costs.of(service), total)).collect();
    shares.push(share(total - known, total));
    shares
}

fn share(part: f64, total: f64) -> String {
    let percent = if total > 0.0 { 100.0 * part / total } else { 0.0 };
    // Never "-0.0 %" for what rounding leaves.
    format!("{:.1} %", percent.max(0.0))
}

/// Without an exponent, and with as many digits as are needed to tell it from zero.
fn quantity(number: f64) -> String {
    if number == 0.0 || number >= 1000.0 {
        return format!("{number:.0}");
    }
    // Three significant digits.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small whole number, not below zero")]
    let decimals = (2.0 - number.log10().floor()).max(0.0) as usize;
    let text = format!("{number:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A table of Markdown with columns of equal width; everything that looks like a number is on the right.
fn table(page: &mut String, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let rows: Vec<_> = rows.collect();
    let is_number = |text: &str| text.is_empty() || text.starts_with(|first: char| first.is_ascii_digit());
    let columns: Vec<_> = head
        .iter()
        .enumerate()
        .map(|(column, title)| {
            let cells = || rows.iter().map(move |row| row[column].as_str());
            let width = cells().map(|cell| cell.chars().count()).chain([title.chars().count(), 3]).max();
            (width.unwrap_or_default(), cells().all(is_number))
        })
        .collect();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        for (cell, (width, is_right)) in cells.zip(&columns) {
            let _ = if *is_right { write!(page, "| {cell:>width$} ") } else { write!(page, "| {cell:<width$} ") };
        }
        page.push_str("|\n");
    };
    line(&mut head.iter().copied());
    let rules: Vec<_> = columns
        .iter()
        .map(|(width, is_right)| if *is_right { format!("{}:", "-".repeat(width - 1)) } else { "-".repeat(*width) })
        .collect();
    line(&mut rules.iter().map(String::as_str));
    for row in &rows {
        line(&mut row.iter().map(String::as_str));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(id: &str, pages: u64) -> Path {
        let facts = Facts { transitions: 40, pages, ..Facts::default() };
        Path { id: id.to_owned(), title: "Everything fits".to_owned(), outcome: "approved".to_owned(), facts }
    }

    #[test]
    fn shows_cost_and_shares_of_a_path() {
        let list = PriceList::included().expect("the included list");
        let deployment = Deployment { record_days: 1.0, log_days: 1.0, alarm_metrics: 12.0, ..Deployment::default() };
        let with_keys = Deployment { keys: 2.0, ..deployment.clone() };
        let report = Report::new(&list, &deployment, &with_keys, 10, vec![path(WHOLE_WAY, 1)]).expect("a report");
        let text = report.text();
        // 0.025 + 40 × 0.000025 = 0.026; 0.025 is 96.2 % of it.
        let row = text.lines().find(|line| line.contains("approved: Everything fits")).expect("the path's row");
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        assert_eq!(cells[3..7], ["0.02600", "40", "96.2 %", "3.8 %"], "{row}");
        // A million pages: 2,500 + 9,000; 40 M transitions: 1,000; 12 alarms and 10 metrics: 1.20 + 3.00; 2 keys: 2.00.
        let row = text.lines().find(|line| line.starts_with("|      1000000 |")).expect("the million's row");
        assert!(row.contains("12504.20") && row.contains("12506.20"), "{row}");
    }

    #[test]
    fn is_json_as_well() {
        let list = PriceList::included().expect("the included list");
        let deployment = Deployment { record_days: 1.0, log_days: 1.0, ..Deployment::default() };
        let report = Report::new(&list, &deployment, &deployment, 0, vec![path(WHOLE_WAY, 1)]).expect("a report");
        let json = serde_json::to_value(&report).expect("JSON");
        assert_eq!(json["paths"][0]["usage"]["analyzeIdPage"], 1.0);
        assert_eq!(json["paths"][0]["usdByService"]["Textract"], 0.025);
        assert_eq!(json["months"][2]["applications"], 1_000_000);
    }

    #[test]
    fn the_page_has_the_prices_of_the_list() {
        let page = include_str!("../../../docs/COST.md");
        let method = method(&PriceList::included().expect("the included list"));
        assert!(page.ends_with(&method), "prices or assumptions have changed: cargo xtask cost --write");
    }

    #[test]
    fn needs_an_approved_application() {
        let list = PriceList::included().expect("the included list");
        let deployment = Deployment::default();
        assert!(Report::new(&list, &deployment, &deployment, 0, vec![path("face-mismatch", 0)]).is_err());
    }

    #[test]
    fn shows_numbers_without_exponents() {
        for (number, shown) in [
            (0.0, "0"),
            (0.000_025, "0.000025"),
            (0.000_016_666_7, "0.0000167"),
            (3.0, "3"),
            (0.15, "0.15"),
            (648_000.0, "648000"),
            (12.34, "12.3"),
            (100.0, "100"),
        ] {
            assert_eq!(quantity(number), shown);
        }
    }
}
