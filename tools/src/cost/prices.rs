//! The price list, and bills: a list of meters with units.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// The data file of AWS's prices, and of assumptions that the local AWS cannot measure.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Prices {
    pub(super) region: String,
    pub(super) currency: String,
    /// The date of the list, ISO 8601.
    pub(super) date: String,
    #[expect(dead_code, reason = "for the reader of the file")]
    about: String,
    #[serde(rename = "prices")]
    pub(super) list: Vec<Price>,
    /// By worker.
    milliseconds: BTreeMap<String, Assumption>,
    assumed: BTreeMap<String, Assumption>,
}

/// The price of one unit of a meter, which may fall with the month's quantity.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Price {
    pub(super) meter: String,
    /// The service under which it is billed.
    pub(super) service: String,
    pub(super) unit: String,
    tiers: Vec<Tier>,
    /// The source of the price, and how it was derived from it.
    pub(super) source: String,
    pub(super) basis: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Tier {
    /// The last unit a month of this tier; absent for the last tier.
    up_to: Option<f64>,
    usd: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Assumption {
    what: Option<String>,
    value: f64,
    why: String,
}

impl Prices {
    /// The list of this version.
    ///
    /// # Errors
    /// When it is invalid.
    pub(super) fn included() -> Result<Self> {
        serde_json::from_str(include_str!("prices.json")).context("prices.json is invalid")
    }

    pub(super) fn price(&self, meter: &str) -> Result<&Price> {
        self.list.iter().find(|price| price.meter == meter).with_context(|| format!("{meter} has no price"))
    }

    pub(super) fn assumed(&self, name: &str) -> Result<f64> {
        Ok(self.assumed.get(name).with_context(|| format!("nothing is assumed for {name}"))?.value)
    }

    pub(super) fn milliseconds(&self, worker: &str) -> Result<f64> {
        Ok(self.milliseconds.get(worker).with_context(|| format!("no duration is assumed for {worker}"))?.value)
    }

    /// All assumptions: name, value, reason.
    pub(super) fn assumptions(&self) -> impl Iterator<Item = (String, f64, &str)> {
        let workers = self.milliseconds.iter().map(|(worker, one)| (format!("ms of a run of {worker}"), one));
        let others = self.assumed.iter().map(|(name, one)| (one.what.clone().unwrap_or_else(|| name.clone()), one));
        workers.chain(others).map(|(what, one)| (what, one.value, one.why.as_str()))
    }
}

impl Price {
    /// The price of the first units of a month in US dollars.
    pub(super) fn first(&self) -> f64 {
        self.tiers.first().map_or(0.0, |tier| tier.usd)
    }

    /// The price of so many units in one month in US dollars: each tier's units at its price.
    pub(super) fn of_month(&self, units: f64) -> f64 {
        let (mut from, mut sum) = (0.0, 0.0);
        for tier in &self.tiers {
            let to = tier.up_to.unwrap_or(f64::INFINITY).min(units).max(from);
            sum += (to - from) * tier.usd;
            from = to;
        }
        sum
    }
}

/// US dollars by service.
pub(super) type Costs = BTreeMap<String, f64>;

/// Units by meter.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Bill(BTreeMap<String, f64>);

impl Bill {
    pub(super) fn add(&mut self, meter: &str, units: f64) {
        if units > 0.0 {
            *self.0.entry(meter.to_owned()).or_default() += units;
        }
    }

    pub(super) fn of(&self, meter: &str) -> f64 {
        self.0.get(meter).copied().unwrap_or_default()
    }

    /// This bill multiplied, plus another bill.
    pub(super) fn times(&self, times: f64, and: &Self) -> Self {
        let mut sum = and.clone();
        self.0.iter().for_each(|(meter, units)| sum.add(meter, units * times));
        sum
    }

    /// The costs with each unit at the price of the first tier.
    pub(super) fn costs(&self, prices: &Prices) -> Result<Costs> {
        self.priced(prices, |price, units| price.first() * units)
    }

    /// The costs as the whole use of one month.
    pub(super) fn month(&self, prices: &Prices) -> Result<Costs> {
        self.priced(prices, Price::of_month)
    }

    fn priced(&self, prices: &Prices, usd: impl Fn(&Price, f64) -> f64) -> Result<Costs> {
        let mut costs = Costs::new();
        for (meter, units) in &self.0 {
            let price = prices.price(meter)?;
            *costs.entry(price.service.clone()).or_default() += usd(price, *units);
        }
        Ok(costs)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn near(left: f64, right: f64) {
        assert!((left - right).abs() < 1e-9, "{left} instead of {right}");
    }

    #[test]
    fn tiers_rise_to_an_endless_one() {
        for price in Prices::included().unwrap().list {
            let (last, before) = price.tiers.split_last().unwrap();
            let limits: Vec<_> = before.iter().map(|tier| tier.up_to.unwrap()).collect();
            assert!(last.up_to.is_none() && limits.is_sorted_by(|one, next| one < next), "{}", price.meter);
            assert!(["listed", "cited", "known"].contains(&price.basis.as_str()), "{}", price.meter);
        }
    }

    #[test]
    fn bills_each_tier_at_its_own_price() {
        let prices = Prices::included().unwrap();
        let of_month = |meter: &str, units: f64| prices.price(meter).unwrap().of_month(units);
        near(of_month("analyzeIdPage", 0.0), 0.0);
        near(of_month("analyzeIdPage", 100_000.0), 2_500.0);
        near(of_month("analyzeIdPage", 150_000.0), 100_000.0 * 0.025 + 50_000.0 * 0.010);
        near(of_month("rekognitionGroup1", 6_000_000.0), 1_000.0 + 3_200.0 + 600.0);
        // The third example of the price page, to the cent: 100 M executions of 10 s.
        assert!((of_month("expressGigabyteHour", 62_500_000.0 / 3_600.0) - 382.97).abs() < 0.01);
    }

    #[test]
    fn sums_a_bill_by_service() {
        let prices = Prices::included().unwrap();
        let mut bill = Bill::default();
        for (meter, units) in [("analyzeIdPage", 1.0), ("rekognitionGroup1", 3.0), ("rekognitionGroup2", 2.0)] {
            bill.add(meter, units);
        }
        let costs = bill.costs(&prices).unwrap();
        near(costs["Rekognition"], 0.005);
        near(costs["Textract"], 0.025);
        near(bill.times(1_000_000.0, &Bill::default()).month(&prices).unwrap()["Textract"], 11_500.0);
        bill.add("unknown", 1.0);
        bill.costs(&prices).unwrap_err();
    }
}
