//! What is shown: one application per path, a month without any, and months with many.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::bill::{Costs, Usage};
use crate::deployment::Deployment;
use crate::facts::{Facts, KeptFace, Unpriced};
use crate::prices::{Basis, Meter, PriceList};

/// Applications a month, of the last table.
const MONTHS: [u32; 3] = [1_000, 100_000, 1_000_000];
/// The path that the months are made of.
const WHOLE_WAY: &str = "approved";
/// The conversation that is shown meter by meter.
const WHOLE_CONVERSATION: &str = "denmark";
/// The request to the face API that is shown meter by meter.
const WHOLE_REGISTRATION: &str = "nora";
/// And the one that is asked most.
const VERIFICATION: &str = "verify-nora";
/// Verifications a month, of the face API's table; one registration for each ten of them.
const VERIFICATIONS: [u32; 3] = [10_000, 100_000, 1_000_000];
/// Faces that are kept, of the face API's table.
const KEPT_FACES: u32 = 1_000_000;
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

/// A conversation that was led alone.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// Its name in the script, its title, its result, and what it left behind.
    pub path: Path,
    /// How often the model is asked: once for each thing that the person says, and once more for each function's answer.
    pub model_turns: u64,
}

/// A request to the face API that was sent alone.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its name in the script, its title, the status or code of the answer, and what it left behind.
    pub path: Path,
    /// `POST /register`
    pub route: String,
}

/// The face API: what was asked of it, and what it keeps.
#[derive(Debug, Clone)]
pub struct FaceApi {
    /// Each sent alone.
    pub requests: Vec<Request>,
    /// What is kept of one of the faces.
    pub kept: KeptFace,
}

/// A request with its price.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PricedRequest {
    #[serde(flatten)]
    priced: Priced,
    route: String,
}

/// A month with many verifications.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FaceMonth {
    verifications: u32,
    registrations: u32,
    usd: f64,
    usd_by_service: Costs,
}

/// A conversation with its price.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PricedConversation {
    #[serde(flatten)]
    priced: Priced,
    model_turns: u64,
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
    conversations: Vec<PricedConversation>,
    fixed_month: Fixed,
    fixed_month_with_customer_keys: Fixed,
    months: Vec<Month>,
    requests: Vec<PricedRequest>,
    kept_face: KeptFace,
    face_months: Vec<FaceMonth>,
    #[serde(skip)]
    list: &'list PriceList,
}

impl<'list> Report<'list> {
    /// Prices recorded paths, conversations and requests on a deployment, and months of paths and requests; `with_keys` is the same deployment with keys of
    /// the account, and `metrics` the number of custom metrics that were seen.
    ///
    /// # Errors
    /// When something was recorded that has no price, or nothing was approved, or nobody was registered in a conversation, or by the face
    /// API, or verified.
    pub fn new(
        list: &'list PriceList,
        deployment: &Deployment,
        with_keys: &Deployment,
        metrics: u32,
        paths: Vec<Path>,
        conversations: Vec<Conversation>,
        faces: FaceApi,
    ) -> Result<Self, Unpriced> {
        let assumed = &list.assumed;
        if !conversations.iter().any(|conversation| conversation.path.id == WHOLE_CONVERSATION) {
            return Err(Unpriced(format!("the conversation {WHOLE_CONVERSATION}, which was not led")));
        }
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
        let face_months = face_months(list, deployment, &faces.requests)?;
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
            conversations: conversations
                .into_iter()
                .map(|Conversation { path, model_turns }| Ok(PricedConversation { priced: price(path)?, model_turns }))
                .collect::<Result<_, _>>()?,
            fixed_month,
            fixed_month_with_customer_keys,
            months: months.into(),
            requests: faces
                .requests
                .into_iter()
                .map(|Request { path, route }| Ok(PricedRequest { priced: price(path)?, route }))
                .collect::<Result<_, _>>()?,
            kept_face: faces.kept,
            face_months,
            list,
        })
    }

    /// The page, in Markdown, readable as it is.
    #[must_use]
    pub fn text(&self) -> String {
        let mut page = String::new();
        let columns = columns(self.paths.iter());
        self.write_paths(&mut page, &columns);
        if let Some(whole) = self.paths.iter().find(|path| path.id == WHOLE_WAY) {
            page.push_str("\n## What the whole way is made of\n\n");
            self.write_meters(&mut page, "path", whole);
        }
        self.write_conversations(&mut page);
        self.write_requests(&mut page);
        self.write_kept(&mut page);
        self.write_fixed(&mut page);
        self.write_months(&mut page, &columns);
        self.write_face_months(&mut page);
        page + &method(self.list)
    }

    fn write_paths(&self, page: &mut String, columns: &[&str]) {
        let Self { region, currency, prices_of, .. } = self;
        let _ = write!(
            page,
            "# What an application costs

Written by `cargo xtask cost --write`: each sample was run, each conversation led and each request sent alone on the local AWS, what it did was counted, and priced with the list prices of {region} ({currency}, {prices_of}, without free tiers, discounts and taxes).

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

    fn write_conversations(&self, page: &mut String) {
        page.push_str(
            "
## One conversation, by its way

All that follows from one session with the agent until it ends, with its storage; as above, each unit at the price of a month's first ones. AgentOnboarding is an Express machine: its executions are billed by number, time and memory, and its states are no transitions.

",
        );
        let columns = columns(self.conversations.iter().map(|conversation| &conversation.priced));
        let mut head = vec!["conversation", "result", "US$", "executions", "model turns"];
        head.extend(&columns);
        head.push("others");
        let rows = self.conversations.iter().map(|PricedConversation { priced, model_turns }| {
            let mut row = vec![
                format!("{}: {}", priced.id, priced.title),
                priced.outcome.clone(),
                format!("{:.5}", priced.usd),
                priced.facts.express.len().to_string(),
                model_turns.to_string(),
            ];
            row.extend(shares(&priced.usd_by_service, &columns));
            row
        });
        table(page, &head, rows);
        page.push_str(
            "
The model of the agent is not in these sums: how many tokens it reads and writes depends on the model, the instruction and what people say, and none answers here. It is asked once for each thing that the person says and once more for each function's answer (the model turns above), and reads the instruction, the schema of the functions and everything said so far each time. So an estimate is model turns × (tokens read × price of input + tokens written × price of output) at the prices of the stage's `agentModel`, with the tokens of some real sessions: `InputTokenCount` and `OutputTokenCount` divided by `Invocations`, of the namespace `AWS/Bedrock` in CloudWatch. How the sum goes: with 2,000 tokens read each time and US$ 1 for a million of them, nine turns cost US$ 0.018, ten times all the rest. What the national register asks for an answer is not in them either.
",
        );
        let whole = self.conversations.iter().find(|conversation| conversation.priced.id == WHOLE_CONVERSATION);
        if let Some(PricedConversation { priced, .. }) = whole {
            page.push_str("\n## What a registration in a conversation is made of\n\n");
            self.write_meters(page, "conversation", priced);
        }
    }

    fn write_requests(&self, page: &mut String) {
        page.push_str(
            "
## One request to the face API

All that follows from one request over HTTP, on one collection: each further one (`faceApiShards`) adds a search wherever one is made. What is kept of a registered face is a cost of each month, below.

",
        );
        let columns = columns(self.requests.iter().map(|request| &request.priced));
        let mut head = vec!["request", "route", "answer", "US$"];
        head.extend(&columns);
        head.push("others");
        let rows = self.requests.iter().map(|PricedRequest { priced, route }| {
            let mut row = vec![
                format!("{}: {}", priced.id, priced.title),
                format!("`{route}`"),
                priced.outcome.clone(),
                format!("{:.6}", priced.usd),
            ];
            row.extend(shares(&priced.usd_by_service, &columns));
            row
        });
        table(page, &head, rows);
        let whole = self.requests.iter().find(|request| request.priced.id == WHOLE_REGISTRATION);
        if let Some(PricedRequest { priced, .. }) = whole {
            page.push_str("\n## What a registration by the face API is made of\n\n");
            self.write_meters(page, "request", priced);
        }
    }

    fn write_kept(&self, page: &mut String) {
        let KeptFace { picture_bytes, record_bytes, index_bytes } = self.kept_face;
        let _ = write!(
            page,
            "
## Faces that are kept, for a month

A registered face stays until `DELETE /faces/{{faceId}}`: its vector, its picture ({picture_bytes} bytes, of the request `{WHOLE_REGISTRATION}`; a telephone's photograph is ten times as large, and costs ten times as much), its record ({record_bytes} bytes) and the record's entry in an index ({index_bytes} bytes).

"
        );
        let one = self.kept_face.month();
        let many = one.times(f64::from(KEPT_FACES));
        let rows = Meter::ALL.into_iter().filter(|meter| one.of(*meter) > 0.0).map(|meter| {
            let price = self.list.price(meter);
            vec![
                price.service.clone(),
                price.unit.clone(),
                quantity(many.of(meter)),
                quantity(price.first()),
                format!("{:.2}", price.of_month(many.of(meter))),
            ]
        });
        let usd = many.as_month(self.list).total();
        let total = vec!["all".into(), String::new(), String::new(), String::new(), format!("{usd:.2}")];
        let units = format!("units, {KEPT_FACES} faces");
        let head = ["service", "unit", units.as_str(), "US$ each", "US$ a month"];
        table(page, &head, rows.chain([total]));
    }

    fn write_face_months(&self, page: &mut String) {
        let _ = write!(
            page,
            "
## A month of the face API

As if every verification were `{VERIFICATION}`, with one registration (`{WHOLE_REGISTRATION}`) for ten of them; with the volume tiers, but without faces that are kept and what a month costs anyway.

"
        );
        let mut sums = BTreeMap::new();
        for month in &self.face_months {
            for (service, usd) in month.usd_by_service.dearest_first() {
                *sums.entry(service).or_default() += usd;
            }
        }
        let columns = dearest(sums);
        let mut head = vec!["verifications", "registrations", "US$ a month"];
        head.extend(&columns);
        head.push("others");
        let rows = self.face_months.iter().map(|month| {
            let mut row =
                vec![month.verifications.to_string(), month.registrations.to_string(), format!("{:.2}", month.usd)];
            row.extend(shares(&month.usd_by_service, &columns));
            row
        });
        table(page, &head, rows);
    }

    fn write_meters(&self, page: &mut String, what: &str, whole: &Priced) {
        let _ = write!(page, "The {what} `{}`, meter by meter.\n\n", whole.id);
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
        page.push_str("\nThe custom metrics are those that the samples, conversations and requests above caused, and the detailed metrics of each route of the face API. Each further reason adds its own, in the months in which it occurs.\n");
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

Recorded on the local AWS: state transitions and calls of the machines, from the histories; calls of the workers, from the local AWS's IAM decisions; runs, from their logs; sizes of rows, objects and lines. These are what AWS would see, since the template and the workers are those of AWS, with two limits: the local AWS's histories have fewer kinds of events than AWS's (of an Express machine, AWS logs the events and keeps no history), and the samples' pictures are smaller than photographs of telephones.

Not recorded, because the local AWS is no measure of AWS: durations and the lines that AWS itself logs. These are assumed:

",
        );
    let assumed = &list.assumed;
    let single = [
        ("ms of a call of an Express machine", &assumed.express_milliseconds_per_call),
        ("MB of an Express machine beside its definition and data", &assumed.express_megabytes),
        ("log bytes of AWS per run", &assumed.log_bytes_per_invocation),
        ("log bytes per request to an API", &assumed.log_bytes_per_api_request),
        ("log bytes per event of a history", &assumed.log_bytes_per_history_event),
        ("log bytes per line beside its text", &assumed.log_bytes_per_line),
        ("size of stored logs, of what was ingested", &assumed.log_compression),
        ("metrics of a route of an API", &assumed.api_metrics_per_route),
        ("state transitions of an execution by the clock", &assumed.transitions_per_scheduled_execution),
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

/// The services of all of them, the dearest first, as far as they get a column.
fn columns<'priced>(all: impl Iterator<Item = &'priced Priced>) -> Vec<&'priced str> {
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for priced in all {
        for (service, usd) in priced.usd_by_service.dearest_first() {
            *sums.entry(service).or_default() += usd;
        }
    }
    dearest(sums)
}

fn dearest(sums: BTreeMap<&str, f64>) -> Vec<&str> {
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by(|one, other| other.1.total_cmp(&one.1));
    sums.into_iter().take(COLUMNS).map(|(service, _)| service).collect()
}

fn face_months(list: &PriceList, on: &Deployment, requests: &[Request]) -> Result<Vec<FaceMonth>, Unpriced> {
    let usage = |id: &str| {
        let request = requests.iter().find(|request| request.path.id == id);
        let request = request.ok_or_else(|| Unpriced(format!("the request {id}, which was not sent")))?;
        request.path.facts.usage(on, &list.assumed)
    };
    let (verification, registration) = (usage(VERIFICATION)?, usage(WHOLE_REGISTRATION)?);
    let month = |verifications: u32| {
        let registrations = verifications / 10;
        let registered = registration.times(f64::from(registrations));
        let usd_by_service = verification.times(f64::from(verifications)).and(&registered).as_month(list);
        FaceMonth { verifications, registrations, usd: usd_by_service.total(), usd_by_service }
    };
    Ok(VERIFICATIONS.map(month).into())
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

    fn conversation() -> Conversation {
        let express = vec![crate::facts::Express::default(); 3];
        let worker_calls = vec![(
            crate::facts::WorkerCall {
                worker: "extract-identity".to_owned(),
                action: "textract:DetectDocumentText".to_owned(),
                table: None,
                is_in_transaction: false,
            },
            1,
        )];
        let facts = Facts { express, worker_calls, ..Facts::default() };
        let path = Path {
            id: WHOLE_CONVERSATION.to_owned(),
            title: "Step by step".to_owned(),
            outcome: "REGISTERED".to_owned(),
            facts,
        };
        Conversation { path, model_turns: 9 }
    }

    fn faces() -> FaceApi {
        let request = |id: &str, action: &str, calls: u64| {
            let call = crate::facts::WorkerCall {
                worker: "verify-face".to_owned(),
                action: format!("rekognition:{action}"),
                table: None,
                is_in_transaction: false,
            };
            let facts = Facts { api_requests: 1, worker_calls: vec![(call, calls)], ..Facts::default() };
            let path = Path { id: id.to_owned(), title: "A person".to_owned(), outcome: "200".to_owned(), facts };
            Request { path, route: "POST /x".to_owned() }
        };
        let kept = KeptFace { picture_bytes: 100_000, record_bytes: 500, index_bytes: 300 };
        FaceApi {
            requests: vec![request("nora", "IndexFaces", 4), request("verify-nora", "SearchFacesByImage", 1)],
            kept,
        }
    }

    #[test]
    fn shows_the_face_api_by_request_by_face_and_by_month() {
        let list = PriceList::included().expect("the included list");
        let deployment = Deployment { record_days: 1.0, log_days: 1.0, ..Deployment::default() };
        let report =
            Report::new(&list, &deployment, &deployment, 0, vec![path(WHOLE_WAY, 1)], vec![conversation()], faces());
        let text = report.expect("a report").text();
        let cells = |start: &str| -> Vec<String> {
            let row = text.lines().find(|line| line.starts_with(start)).expect(start);
            row.split('|').map(|cell| cell.trim().to_owned()).collect()
        };
        // 4 × 0.001 + 0.0000035 + 0.000005 of a trace + 426 bytes of the log
        let row = cells("| nora: A person");
        assert_eq!(row[2..6], ["`POST /x`", "200", "0.004009", "99.8 %"], "{row:?}");
        assert!(text.contains("The request `nora`, meter by meter."));
        // A million vectors; 100,000 bytes each at 0.023 for a GB; 1,000 bytes each at 0.45 for a GB.
        let kept = text.split("## Faces that are kept").nth(1).expect("the section");
        for usd in ["10.00", "2.14", "0.42", "12.56"] {
            assert!(kept.contains(&format!(" {usd} |")), "{usd} is missing in {kept}");
        }
        // 1 M × 0.001 of the first million pictures, 100,000 × 4 × 0.0008 beyond it; 1.1 M × (0.0000035 + 0.000005), and the log.
        let row = cells("|       1000000 |");
        assert_eq!(row[2], "100000");
        let usd: f64 = row[3].parse().expect("a number");
        assert!((usd - (1_000.0 + 320.0 + 9.35)).abs() < 0.5, "{usd}");
    }

    #[test]
    fn needs_a_registration_and_a_verification() {
        let list = PriceList::included().expect("the included list");
        let deployment = Deployment::default();
        for missing in [WHOLE_REGISTRATION, VERIFICATION] {
            let mut faces = faces();
            faces.requests.retain(|request| request.path.id != missing);
            let paths = vec![path(WHOLE_WAY, 1)];
            assert!(Report::new(&list, &deployment, &deployment, 0, paths, vec![conversation()], faces).is_err());
        }
    }

    #[test]
    fn shows_cost_and_shares_of_a_conversation() {
        let list = PriceList::included().expect("the included list");
        let deployment = Deployment { record_days: 1.0, log_days: 1.0, ..Deployment::default() };
        let report =
            Report::new(&list, &deployment, &deployment, 0, vec![path(WHOLE_WAY, 1)], vec![conversation()], faces());
        let text = report.expect("a report").text();
        // 0.0015 + 3 × 0.000001 = 0.001503, of which Textract is 99.8 %.
        let row = text.lines().find(|line| line.contains("denmark: Step by step")).expect("the conversation's row");
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        assert_eq!(cells[2..9], ["REGISTERED", "0.00150", "3", "9", "99.8 %", "0.2 %", "0.0 %"], "{row}");
        assert!(text.contains("The conversation `denmark`, meter by meter."));
        assert!(text.contains("`InputTokenCount`"), "how to estimate the model");
    }

    #[test]
    fn needs_a_registration_in_a_conversation() {
        let list = PriceList::included().expect("the included list");
        let deployment = Deployment::default();
        assert!(
            Report::new(&list, &deployment, &deployment, 0, vec![path(WHOLE_WAY, 1)], Vec::new(), faces()).is_err()
        );
    }

    #[test]
    fn shows_cost_and_shares_of_a_path() {
        let list = PriceList::included().expect("the included list");
        let deployment = Deployment { record_days: 1.0, log_days: 1.0, alarm_metrics: 12.0, ..Deployment::default() };
        let with_keys = Deployment { keys: 2.0, ..deployment.clone() };
        let report =
            Report::new(&list, &deployment, &with_keys, 10, vec![path(WHOLE_WAY, 1)], vec![conversation()], faces())
                .expect("a report");
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
        let report =
            Report::new(&list, &deployment, &deployment, 0, vec![path(WHOLE_WAY, 1)], vec![conversation()], faces())
                .expect("a report");
        let json = serde_json::to_value(&report).expect("JSON");
        assert_eq!(json["paths"][0]["usage"]["analyzeIdPage"], 1.0);
        assert_eq!(json["paths"][0]["usdByService"]["Textract"], 0.025);
        assert_eq!(json["conversations"][0]["usage"]["expressRequest"], 3.0);
        assert_eq!(json["conversations"][0]["modelTurns"], 9);
        assert_eq!(json["months"][2]["applications"], 1_000_000);
        assert_eq!(json["requests"][1]["usage"]["rekognitionGroup1"], 1.0);
        assert_eq!(json["keptFace"]["recordBytes"], 500);
        assert_eq!(json["faceMonths"][2]["verifications"], 1_000_000);
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
        assert!(
            Report::new(
                &list,
                &deployment,
                &deployment,
                0,
                vec![path("face-mismatch", 0)],
                vec![conversation()],
                faces()
            )
            .is_err()
        );
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
