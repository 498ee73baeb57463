//! docs/COST.md.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use super::prices::{Bill, Costs, Price, Prices};
use super::record::Recording;
use super::templates::Templates;
use super::{APPROVED, CONVERSATION, Case, KeptFace, REGISTRATION, VERIFICATION};

/// Applications a month, in the table of months.
const MONTHS: [u32; 3] = [1_000, 100_000, 1_000_000];
/// Verifications a month; there is one registration for each ten of them.
const VERIFICATIONS: [u32; 3] = [10_000, 100_000, 1_000_000];
/// Stored faces.
const KEPT_FACES: u32 = 1_000_000;
/// Services with a column of their own.
const COLUMNS: usize = 5;

/// The case with this id.
pub(super) fn case<'case>(cases: &'case [Case], id: &str) -> Result<&'case Case> {
    cases.iter().find(|case| case.id == id).with_context(|| format!("{id} was not counted"))
}

/// The whole page; `with_keys` is the same deployment with keys of the account.
pub(super) fn cost(recording: &Recording, on: &Templates, with_keys: &Templates, prices: &Prices) -> Result<String> {
    let mut page = Page { text: String::new(), on, prices };
    page.paths(&recording.paths)?;
    page.conversations(&recording.conversations)?;
    page.requests(&recording.requests)?;
    page.kept_faces(recording.kept_face)?;
    let fixed = on.fixed_month(recording.metrics.len(), prices)?;
    let fixed_with_keys = with_keys.fixed_month(recording.metrics.len(), prices)?;
    page.fixed_month(&fixed, &fixed_with_keys)?;
    page.months(case(&recording.paths, APPROVED)?, &fixed, &fixed_with_keys)?;
    page.face_months(&recording.requests)?;
    Ok(page.text + &method(prices))
}

struct Page<'page> {
    text: String,
    on: &'page Templates,
    prices: &'page Prices,
}

impl Page<'_> {
    fn bill(&self, case: &Case) -> Result<Bill> {
        case.usage.bill(self.on, self.prices).with_context(|| case.id.clone())
    }

    fn paths(&mut self, paths: &[Case]) -> Result<()> {
        let Prices { region, currency, date, .. } = self.prices;
        let _ = write!(
            self.text,
            "# What an application costs

Written by `cargo xtask cost --write`: each sample, conversation and request was run alone on the local AWS, its calls were counted, and they were priced with the list prices of {region} ({currency}, {date}, without free tiers, discounts and taxes).

## One application, by its path

All that follows from one upload, with its storage until the deployment's retentions delete it (a face that stays in the collection counts as long as its row); each unit at the price of a month's first ones. The shares are of the path's own cost.

"
        );
        self.cases(paths, &["path", "outcome", "US$", "transitions"], 5)?;
        self.meters("What the whole path is made of", "path", case(paths, APPROVED)?)
    }

    fn conversations(&mut self, conversations: &[Case]) -> Result<()> {
        self.text.push_str(
            "
## One conversation, by its path

All that follows from one conversation until it ends, with its storage; as above, each unit at the price of a month's first ones. AgentOnboarding is an Express machine: its executions are billed by number, time and memory, and its states are no transitions.

",
        );
        self.cases(conversations, &["conversation", "result", "US$", "executions", "model turns"], 5)?;
        self.text.push_str(
            "
AgentCore's prices for requests to the gateways and for sessions of the harness, and the model, are not in these sums: how many tokens the model reads and writes depends on the model, the instruction and what people say, and the local AWS has no model. It is asked once for each thing that the person says and once more for each function's answer (the model turns above), and reads the instruction, the schema of the functions and everything said so far each time. So an estimate is model turns × (tokens read × price of input + tokens written × price of output) at the prices of the stage's `conversationModel`, with the tokens of some real sessions: `InputTokenCount` and `OutputTokenCount` divided by `Invocations`, of the namespace `AWS/Bedrock` in CloudWatch. For example, with 2,000 tokens read each time and US$ 1 for a million of them, nine turns cost US$ 0.018, ten times all the rest. The fees of the national register are not included either.
",
        );
        let registered = case(conversations, CONVERSATION)?;
        self.meters("What a registration in a conversation is made of", "conversation", registered)
    }

    fn requests(&mut self, requests: &[Case]) -> Result<()> {
        self.text.push_str(
            "
## One request to the face API

All that follows from one request over HTTP, on one collection: each further one (`faceApiShards`) adds a search wherever one is made. What is kept of a registered face is a cost of each month, below.

",
        );
        self.cases(requests, &["request", "answer", "US$", "route"], 6)?;
        self.meters("What a registration by the face API is made of", "request", case(requests, REGISTRATION)?)
    }

    fn cases(&mut self, cases: &[Case], head: &[&str], digits: usize) -> Result<()> {
        let row = |case: &Case| {
            let costs = self.bill(case)?.costs(self.prices)?;
            let mut cells = vec![format!("{}: {}", case.id, case.title), case.outcome.clone()];
            cells.push(format!("{:.digits$}", total(&costs)));
            cells.extend(case.cells.iter().cloned());
            Ok((cells, costs))
        };
        let rows = cases.iter().map(row).collect::<Result<_>>()?;
        shares(&mut self.text, head, rows);
        Ok(())
    }

    /// The prices that one of the bills uses, in the order of the list.
    fn metered(&self, bills: &[&Bill]) -> Vec<&Price> {
        self.prices.list.iter().filter(|price| bills.iter().any(|bill| bill.of(&price.meter) > 0.0)).collect()
    }

    fn meters(&mut self, title: &str, of: &str, case: &Case) -> Result<()> {
        let bill = self.bill(case)?;
        let all = total(&bill.costs(self.prices)?);
        let usd = |price: &Price| price.first() * bill.of(&price.meter);
        let mut metered = self.metered(&[&bill]);
        metered.sort_by(|one, other| usd(other).total_cmp(&usd(one)));
        let row = |price: &Price| {
            let Price { meter, service, unit, .. } = price;
            let (units, each) = (quantity(bill.of(meter)), quantity(price.first()));
            vec![service.clone(), units, unit.clone(), each, format!("{:.7}", usd(price)), share(usd(price), all)]
        };
        let rows: Vec<_> = metered.into_iter().map(row).collect();
        let _ = write!(self.text, "\n## {title}\n\nThe {of} `{}`, item by item.\n\n", case.id);
        table(&mut self.text, &["service", "units", "unit", "US$ each", "US$", "share"], &rows);
        Ok(())
    }

    fn kept_faces(&mut self, face: KeptFace) -> Result<()> {
        let KeptFace { picture, record, index } = face;
        let many = face.month().times(f64::from(KEPT_FACES), &Bill::default());
        let row = |price: &Price| {
            let Price { meter, service, unit, .. } = price;
            let usd = format!("{:.2}", price.of_month(many.of(meter)));
            vec![service.clone(), unit.clone(), quantity(many.of(meter)), quantity(price.first()), usd]
        };
        let mut rows: Vec<_> = self.metered(&[&many]).into_iter().map(row).collect();
        let all = format!("{:.2}", total(&many.month(self.prices)?));
        rows.push(vec!["all".to_owned(), String::new(), String::new(), String::new(), all]);
        let _ = write!(
            self.text,
            "
## Faces that are kept, for a month

A registered face stays until `DELETE /faces/{{faceId}}`: its vector, its picture ({picture} bytes, of the request `{REGISTRATION}`; a telephone's photograph is ten times as large, and costs ten times as much), its record ({record} bytes) and the record's entry in an index ({index} bytes).

"
        );
        let units = format!("units, {KEPT_FACES} faces");
        table(&mut self.text, &["service", "unit", &units, "US$ each", "US$ a month"], &rows);
        Ok(())
    }

    fn fixed_month(&mut self, plain: &Bill, with_keys: &Bill) -> Result<()> {
        let row = |price: &Price| {
            let Price { meter, service, unit, .. } = price;
            let cells = |bill: &Bill| [quantity(bill.of(meter)), format!("{:.2}", price.of_month(bill.of(meter)))];
            [[service.clone(), unit.clone()], cells(plain), cells(with_keys)].concat()
        };
        let mut rows: Vec<_> = self.metered(&[plain, with_keys]).into_iter().map(row).collect();
        let all = |bill: &Bill| Ok::<_, anyhow::Error>(format!("{:.2}", total(&bill.month(self.prices)?)));
        let nothing = String::new;
        rows.push(vec!["all".to_owned(), nothing(), nothing(), all(plain)?, nothing(), all(with_keys)?]);
        self.text.push_str("\n## A month without applications\n\n");
        let head = ["service", "unit", "units", "US$", "units, encryption=customer", "US$, encryption=customer"];
        table(&mut self.text, &head, &rows);
        self.text.push_str("\nThe custom metrics are those that the samples, conversations and requests above caused, and the detailed metrics of each route of the face API. Each further reason adds its own, in the months in which it occurs.\n");
        Ok(())
    }

    fn months(&mut self, approved: &Case, fixed: &Bill, fixed_with_keys: &Bill) -> Result<()> {
        let one = self.bill(approved)?;
        let mut one_with_keys = one.clone();
        let to_the_bucket = one.of("s3Get") + one.of("s3Put");
        one_with_keys.add("keyRequest", to_the_bucket * self.prices.assumed("keyRequestsPerObjectRequest")?);
        let month = |applications: u32| {
            let costs = one.times(f64::from(applications), fixed).month(self.prices)?;
            let with_keys = one_with_keys.times(f64::from(applications), fixed_with_keys).month(self.prices)?;
            let (all, with_keys) = (total(&costs), format!("{:.2}", total(&with_keys)));
            let each = format!("{:.5}", all / f64::from(applications));
            Ok((vec![applications.to_string(), format!("{all:.2}"), each, with_keys], costs))
        };
        let rows = MONTHS.map(month).into_iter().collect::<Result<_>>()?;
        let _ = write!(
            self.text,
            "
## A month of applications

As if every one took the path of `{APPROVED}`, which calls everything that costs money; with the volume tiers and what a month costs anyway. Storage is counted with the application that causes it.

"
        );
        let head = ["applications", "US$ a month", "US$ each", "US$ a month, encryption=customer"];
        shares(&mut self.text, &head, rows);
        Ok(())
    }

    fn face_months(&mut self, requests: &[Case]) -> Result<()> {
        let registration = self.bill(case(requests, REGISTRATION)?)?;
        let verification = self.bill(case(requests, VERIFICATION)?)?;
        let month = |verifications: u32| {
            let registrations = verifications / 10;
            let registered = registration.times(f64::from(registrations), &Bill::default());
            let costs = verification.times(f64::from(verifications), &registered).month(self.prices)?;
            let all = format!("{:.2}", total(&costs));
            Ok((vec![verifications.to_string(), registrations.to_string(), all], costs))
        };
        let rows = VERIFICATIONS.map(month).into_iter().collect::<Result<_>>()?;
        let _ = write!(
            self.text,
            "
## A month of the face API

As if every verification were `{VERIFICATION}`, with one registration (`{REGISTRATION}`) for ten of them; with the volume tiers, but without faces that are kept and what a month costs anyway.

"
        );
        shares(&mut self.text, &["verifications", "registrations", "US$ a month"], rows);
        Ok(())
    }
}

/// The constant end of the page: method, assumptions and prices.
fn method(prices: &Prices) -> String {
    let mut page = "
## What is recorded, and what is not

Recorded on the local AWS: state transitions and calls of the machines, from the histories; calls of the workers, from the local AWS's IAM decisions; runs, from their logs; sizes of rows, objects and lines. These are what AWS would see, since the template and the workers are those of AWS, with two limits: the local AWS's histories have fewer kinds of events than AWS's (of an Express machine, AWS logs the events and keeps no history), and the samples' pictures are smaller than photographs of telephones.

Not recorded, because the local AWS is no measure of AWS: durations and the lines that AWS itself logs. These are assumed:

"
    .to_owned();
    let assumptions = prices.assumptions().map(|(what, value, why)| vec![what, quantity(value), why.to_owned()]);
    table(&mut page, &["what", "assumed", "because"], &assumptions.collect::<Vec<_>>());
    page.push_str(
        "
Not counted: e-mails to subscribers, data transfer to the internet, CloudTrail, the evidence bucket's access logs, and the time of staff.

## Prices

From [`tools/src/cost/prices.json`](../tools/src/cost/prices.json). *Listed*: read on the price page itself; *cited*: read where others cite it; *known*: the long-standing list price, not looked up.

",
    );
    let row = |price: &Price| {
        let Price { service, unit, basis, source, .. } = price.clone();
        vec![service, unit, quantity(price.first()), basis, source]
    };
    let rows: Vec<_> = prices.list.iter().map(row).collect();
    table(&mut page, &["service", "unit", "US$, first tier", "basis", "source"], &rows);
    page
}

fn total(costs: &Costs) -> f64 {
    costs.values().sum()
}

/// A table whose rows end with the shares of the dearest services of all of them.
fn shares(page: &mut String, head: &[&str], rows: Vec<(Vec<String>, Costs)>) {
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for (service, usd) in rows.iter().flat_map(|(_, costs)| costs) {
        *sums.entry(service).or_default() += usd;
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by(|one, other| other.1.total_cmp(&one.1));
    let columns: Vec<_> = sums.into_iter().take(COLUMNS).map(|(service, _)| service.to_owned()).collect();
    let mut heads = head.to_vec();
    heads.extend(columns.iter().map(String::as_str));
    heads.push("others");
    let row = |(mut cells, costs): (Vec<String>, Costs)| {
        let (all, mut others) = (total(&costs), total(&costs));
        for service in &columns {
            let usd = costs.get(service).copied().unwrap_or_default();
            others -= usd;
            cells.push(share(usd, all));
        }
        cells.push(share(others, all));
        cells
    };
    table(page, &heads, &rows.into_iter().map(row).collect::<Vec<_>>());
}

fn share(part: f64, all: f64) -> String {
    let percent = if all > 0.0 { 100.0 * part / all } else { 0.0 };
    // Avoids "-0.0 %" after rounding.
    format!("{:.1} %", percent.max(0.0))
}

/// A number without an exponent, with three significant digits.
fn quantity(number: f64) -> String {
    if number == 0.0 || number >= 1000.0 {
        return format!("{number:.0}");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small whole number, not below zero")]
    let decimals = (2.0 - number.log10().floor()).max(0.0) as usize;
    let text = format!("{number:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A table of Markdown with aligned columns, readable as plain text.
pub(super) fn table(page: &mut String, head: &[&str], rows: &[Vec<String>]) {
    let is_number = |text: &str| text.is_empty() || text.starts_with(|first: char| first.is_ascii_digit());
    let of_column = |(column, title): (usize, &&str)| {
        let cells = || rows.iter().map(move |row| row[column].as_str());
        let width = cells().map(|cell| cell.chars().count()).chain([title.chars().count(), 3]).max();
        (width.unwrap_or_default(), cells().all(is_number))
    };
    let columns: Vec<_> = head.iter().enumerate().map(of_column).collect();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        for (cell, (width, is_right)) in cells.zip(&columns) {
            let _ = if *is_right { write!(page, "| {cell:>width$} ") } else { write!(page, "| {cell:<width$} ") };
        }
        page.push_str("|\n");
    };
    line(&mut head.iter().copied());
    let rule = |(width, is_right): &(usize, bool)| {
        "-".repeat(width - usize::from(*is_right)) + if *is_right { ":" } else { "" }
    };
    let rules: Vec<_> = columns.iter().map(rule).collect();
    line(&mut rules.iter().map(String::as_str));
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::cost::usage::{Call, Usage};

    fn counted(id: &str, cells: usize, usage: Usage) -> Case {
        let cells = vec!["40".to_owned(); cells];
        Case { id: id.to_owned(), title: "A title".to_owned(), outcome: "approved".to_owned(), cells, usage }
    }

    fn calls(action: &str, count: u64) -> Usage {
        let call =
            Call { worker: Some("w".to_owned()), action: action.to_owned(), table: None, is_in_transaction: false };
        Usage { calls: [(call, count)].into(), api_requests: 1, ..Usage::default() }
    }

    #[test]
    fn shows_costs_shares_and_months() {
        let approved = Usage { transitions: 40, api_requests: 0, ..calls("textract:AnalyzeID", 1) };
        let recording = Recording {
            paths: vec![counted(APPROVED, 1, approved)],
            conversations: vec![counted(CONVERSATION, 2, calls("textract:DetectDocumentText", 1))],
            requests: vec![
                counted(REGISTRATION, 1, calls("rekognition:IndexFaces", 4)),
                counted(VERIFICATION, 1, calls("rekognition:SearchFacesByImage", 1)),
            ],
            kept_face: KeptFace { picture: 100_000, record: 500, index: 300 },
            metrics: (0..10).map(|metric| metric.to_string()).collect(),
        };
        let on = Templates { record_days: 1.0, log_days: 1.0, ..Templates::default() };
        let page = cost(&recording, &on, &on, &Prices::included().unwrap()).unwrap();
        let cells = |start: &str| -> Vec<String> {
            let row = page.lines().find(|line| line.starts_with(start)).expect(start);
            row.split('|').map(|cell| cell.trim().to_owned()).collect()
        };
        // 0.025 + 40 × 0.000025 = 0.026; 0.025 is 96.2 % of it.
        assert_eq!(cells("| approved: A title")[2..7], ["approved", "0.02600", "40", "96.2 %", "3.8 %"]);
        // 4 × 0.001 + 0.0000035 + 0.000005 of a trace + 426 bytes of the log
        assert_eq!(cells("| nora: A title")[3], "0.004009");
        // A million vectors; 100,000 bytes each at 0.023 for a GB; 1,000 bytes each at 0.45 for a GB.
        let kept = page.split("## Faces that are kept").nth(1).unwrap();
        for usd in ["10.00", "2.14", "0.42", "12.56"] {
            assert!(kept.contains(&format!(" {usd} |")), "{usd} is missing in {kept}");
        }
        // A million pages: 2,500 + 9,000; 40 M transitions: 1,000; 10 metrics: 3.00.
        let months = page.split("## A month of applications").nth(1).unwrap();
        assert!(months.contains(" 12503.00 |"), "{months}");
        // 1 M × 0.001 of the first million pictures, 100,000 × 4 × 0.0008 beyond it; 1.1 M × (0.0000035 + 0.000005), and the log.
        let faces = page.split("## A month of the face API").nth(1).unwrap();
        let million = faces.lines().find(|line| line.contains(" 1000000 |")).unwrap();
        let usd: f64 = million.split('|').nth(3).unwrap().trim().parse().unwrap();
        assert!((usd - (1_000.0 + 320.0 + 9.35)).abs() < 0.5, "{usd}");
    }

    #[test]
    fn the_page_has_the_prices_of_the_list() {
        let page = include_str!("../../../docs/COST.md");
        let method = method(&Prices::included().unwrap());
        assert!(page.ends_with(&method), "prices or assumptions have changed: cargo xtask cost --write");
    }

    #[test]
    fn shows_numbers_without_exponents() {
        for (number, shown) in
            [(0.0, "0"), (0.000_025, "0.000025"), (0.15, "0.15"), (648_000.0, "648000"), (12.34, "12.3")]
        {
            assert_eq!(quantity(number), shown);
        }
    }
}
