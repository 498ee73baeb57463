//! The price list: one data file, each price with its source.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What AWS meters. Every one has exactly one price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "prices.json says of each one what its unit is")]
pub enum Meter {
    StateTransition,
    ExpressRequest,
    ExpressGigabyteHour,
    DetectTextPage,
    AnalyzeIdPage,
    RekognitionGroup1,
    RekognitionGroup2,
    FaceMonth,
    ApiRequest,
    LambdaRequest,
    LambdaSecondX86,
    LambdaSecondArm,
    DynamoDbWrite,
    DynamoDbRead,
    DynamoDbGigabyteMonth,
    SqsRequest,
    SnsPublish,
    S3Put,
    S3Get,
    S3GigabyteMonth,
    LogsGigabyte,
    LogsGigabyteMonth,
    MetricMonth,
    AlarmMonth,
    DashboardMonth,
    Trace,
    ServiceEvent,
    SecretMonth,
    SecretRequest,
    KeyMonth,
    KeyRequest,
}

/// Where a price was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// On the price page itself.
    Listed,
    /// Where somebody else cites the price page.
    Cited,
    /// Nowhere: it has been the list price for long.
    Known,
}

/// The price of one unit, which may fall with the month's quantity.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Under which it is billed.
    pub service: String,
    /// What one unit is.
    pub unit: String,
    tiers: Vec<Tier>,
    /// Where the price is from.
    pub source: String,
    /// How it was read there.
    pub basis: Basis,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Tier {
    /// Units a month up to which this tier reaches; the last one has no end.
    up_to: Option<f64>,
    usd: f64,
}

/// Something that the local AWS cannot tell.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assumption {
    /// In the unit that its name says.
    pub value: f64,
    /// What speaks for it.
    pub why: String,
}

/// What the local AWS cannot tell.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(missing_docs, reason = "prices.json says of each one what speaks for it")]
pub struct Assumed {
    /// Billed duration of one invocation on AWS, by worker.
    pub lambda_milliseconds: BTreeMap<String, Assumption>,
    pub express_milliseconds_per_call: Assumption,
    pub express_megabytes: Assumption,
    pub log_bytes_per_invocation: Assumption,
    pub log_bytes_per_api_request: Assumption,
    pub log_bytes_per_history_event: Assumption,
    pub log_bytes_per_line: Assumption,
    pub log_compression: Assumption,
    pub api_metrics_per_route: Assumption,
    pub transitions_per_scheduled_execution: Assumption,
    pub polls_per_queue_and_month: Assumption,
    pub key_requests_per_resource_and_month: Assumption,
    pub key_requests_per_object_request: Assumption,
}

/// The whole data file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceList {
    /// Where these prices hold.
    pub region: String,
    /// Of all amounts.
    pub currency: String,
    /// When they were put together, ISO 8601.
    pub date: String,
    #[expect(dead_code, reason = "for the reader of the file")]
    about: String,
    prices: BTreeMap<Meter, Price>,
    /// What is not recorded.
    pub assumed: Assumed,
}

/// Why a price list is refused.
#[derive(Debug, thiserror::Error)]
pub enum BadPrices {
    /// Not the shape of a price list, or a meter that is unknown.
    #[error("the price list is not understood")]
    NotUnderstood(#[source] serde_json::Error),
    /// A meter without a price, or tiers that do not cover every quantity in rising order.
    #[error("{0:?} has no usable price")]
    Unusable(Meter),
}

impl PriceList {
    /// The list that belongs to this version.
    ///
    /// # Errors
    /// When the file is damaged; a test keeps that from happening.
    pub fn included() -> Result<Self, BadPrices> {
        Self::parse(include_str!("../prices.json"))
    }

    /// Reads a price list.
    ///
    /// # Errors
    /// See [`BadPrices`].
    pub fn parse(text: &str) -> Result<Self, BadPrices> {
        let list: Self = serde_json::from_str(text).map_err(BadPrices::NotUnderstood)?;
        for meter in Meter::ALL {
            if !list.prices.get(&meter).is_some_and(Price::is_usable) {
                return Err(BadPrices::Unusable(meter));
            }
        }
        Ok(list)
    }

    /// The price of one meter.
    ///
    /// # Panics
    /// Never: every meter has a price in a list that was read.
    #[must_use]
    pub fn price(&self, meter: Meter) -> &Price {
        &self.prices[&meter]
    }

    /// All of them, in the order of the meters.
    pub fn prices(&self) -> impl Iterator<Item = (Meter, &Price)> {
        self.prices.iter().map(|(meter, price)| (*meter, price))
    }
}

impl Meter {
    /// Every one.
    pub const ALL: [Self; 31] = [
        Self::StateTransition,
        Self::ExpressRequest,
        Self::ExpressGigabyteHour,
        Self::DetectTextPage,
        Self::AnalyzeIdPage,
        Self::RekognitionGroup1,
        Self::RekognitionGroup2,
        Self::FaceMonth,
        Self::ApiRequest,
        Self::LambdaRequest,
        Self::LambdaSecondX86,
        Self::LambdaSecondArm,
        Self::DynamoDbWrite,
        Self::DynamoDbRead,
        Self::DynamoDbGigabyteMonth,
        Self::SqsRequest,
        Self::SnsPublish,
        Self::S3Put,
        Self::S3Get,
        Self::S3GigabyteMonth,
        Self::LogsGigabyte,
        Self::LogsGigabyteMonth,
        Self::MetricMonth,
        Self::AlarmMonth,
        Self::DashboardMonth,
        Self::Trace,
        Self::ServiceEvent,
        Self::SecretMonth,
        Self::SecretRequest,
        Self::KeyMonth,
        Self::KeyRequest,
    ];
}

impl Price {
    fn is_usable(&self) -> bool {
        let Some((last, before)) = self.tiers.split_last() else { return false };
        let limits: Vec<_> = before.iter().filter_map(|tier| tier.up_to).collect();
        last.up_to.is_none() && limits.len() == before.len() && limits.is_sorted_by(|one, next| one < next)
    }

    /// In US dollars, of the first units of a month.
    #[must_use]
    pub fn first(&self) -> f64 {
        self.tiers.first().map_or(0.0, |tier| tier.usd)
    }

    /// In US dollars, of so many units in one month: each tier's units at its price.
    #[must_use]
    pub fn of_month(&self, units: f64) -> f64 {
        let (mut from, mut sum) = (0.0, 0.0);
        for tier in &self.tiers {
            let to = tier.up_to.unwrap_or(f64::INFINITY).min(units);
            if to <= from {
                break;
            }
            sum += (to - from) * tier.usd;
            from = to;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9
    }

    #[test]
    fn every_meter_has_a_price_with_a_source() {
        let list = PriceList::included().expect("the included list");
        assert_eq!(list.prices().count(), Meter::ALL.len());
        assert!(list.prices().all(|(_, price)| !price.source.is_empty() && !price.unit.is_empty()));
    }

    #[test]
    fn bills_each_tier_at_its_own_price() {
        let list = PriceList::included().expect("the included list");
        let pages = list.price(Meter::AnalyzeIdPage);
        assert!(near(pages.of_month(0.0), 0.0));
        assert!(near(pages.of_month(40_000.0), 1_000.0), "40,000 × 0.025");
        assert!(near(pages.of_month(100_000.0), 2_500.0), "the limit itself is still dear");
        assert!(near(pages.of_month(150_000.0), 3_000.0), "100,000 × 0.025 + 50,000 × 0.010");
        let texts = list.price(Meter::DetectTextPage);
        assert!(near(texts.of_month(1_000.0), 1.5), "1.50 for a thousand");
        assert!(near(texts.of_month(1_500_000.0), 1_800.0), "1 M × 0.0015 + 0.5 M × 0.0006");
        let hours = list.price(Meter::ExpressGigabyteHour);
        // The third example of the price page, to the cent: 100 M executions of 10 s.
        assert!((hours.of_month(62_500_000.0 / 3_600.0) - 382.97).abs() < 0.01, "60 + 120 + 202.97");
        assert!(near(list.price(Meter::ExpressRequest).of_month(100_000_000.0), 100.0), "1.00 for a million");
        let images = list.price(Meter::RekognitionGroup1);
        assert!(near(images.of_month(6_000_000.0), 1_000.0 + 3_200.0 + 600.0), "1 M + 4 M + 1 M");
    }

    #[test]
    fn refuses_a_list_with_a_gap() {
        let text = include_str!("../prices.json");
        let without = text.replace("\"keyRequest\": {", "\"keyMonth2\": {");
        assert!(matches!(PriceList::parse(&without), Err(BadPrices::NotUnderstood(_))), "an unknown meter");
        let endless = text
            .replace("{ \"upTo\": 100000, \"usd\": 0.025 }, { \"usd\": 0.01 }", "{ \"upTo\": 100000, \"usd\": 0.025 }");
        assert!(matches!(PriceList::parse(&endless), Err(BadPrices::Unusable(Meter::AnalyzeIdPage))));
        let falling = text.replace("\"upTo\": 51200, \"usd\": 0.023", "\"upTo\": 999999, \"usd\": 0.023");
        assert!(matches!(PriceList::parse(&falling), Err(BadPrices::Unusable(Meter::S3GigabyteMonth))));
    }
}
