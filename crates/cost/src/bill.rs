//! Quantities, and what they cost.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::prices::{Meter, PriceList};

/// How much of each meter was used.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage(BTreeMap<Meter, f64>);

impl Usage {
    /// So many units more.
    pub fn add(&mut self, meter: Meter, units: f64) {
        if units > 0.0 {
            *self.0.entry(meter).or_default() += units;
        }
    }

    /// Units of one meter.
    #[must_use]
    pub fn of(&self, meter: Meter) -> f64 {
        self.0.get(&meter).copied().unwrap_or_default()
    }

    /// The same `times` over.
    #[must_use]
    pub fn times(&self, times: f64) -> Self {
        Self(self.0.iter().map(|(meter, units)| (*meter, units * times)).collect())
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        for (meter, units) in &other.0 {
            self.add(*meter, *units);
        }
        self
    }

    /// In US dollars by service, each unit at the price of the first ones of a month; what is free is left out.
    #[must_use]
    pub fn at_first_prices(&self, list: &PriceList) -> Costs {
        self.billed(list, |price, units| price.first() * units)
    }

    /// In US dollars by service, as one month's whole use.
    #[must_use]
    pub fn as_month(&self, list: &PriceList) -> Costs {
        self.billed(list, crate::prices::Price::of_month)
    }

    fn billed(&self, list: &PriceList, bill: impl Fn(&crate::prices::Price, f64) -> f64) -> Costs {
        let mut costs = BTreeMap::new();
        for (meter, units) in &self.0 {
            let price = list.price(*meter);
            let usd = bill(price, *units);
            if usd > 0.0 {
                *costs.entry(price.service.clone()).or_default() += usd;
            }
        }
        Costs(costs)
    }
}

impl Serialize for Usage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(&self.0)
    }
}

/// US dollars by service.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Costs(BTreeMap<String, f64>);

impl Costs {
    /// In US dollars.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.0.values().sum()
    }

    /// In US dollars.
    #[must_use]
    pub fn of(&self, service: &str) -> f64 {
        self.0.get(service).copied().unwrap_or_default()
    }

    /// Service and US dollars, the dearest first.
    #[must_use]
    pub fn dearest_first(&self) -> Vec<(&str, f64)> {
        let mut costs: Vec<_> = self.0.iter().map(|(service, usd)| (service.as_str(), *usd)).collect();
        costs.sort_by(|one, other| other.1.total_cmp(&one.1));
        costs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> PriceList {
        PriceList::included().expect("the included list")
    }

    #[test]
    fn sums_services_by_hand() {
        let mut usage = Usage::default();
        usage.add(Meter::StateTransition, 40.0);
        usage.add(Meter::AnalyzeIdPage, 1.0);
        usage.add(Meter::RekognitionGroup1, 3.0);
        usage.add(Meter::RekognitionGroup2, 2.0);
        let costs = usage.at_first_prices(&list());
        // 40 × 0.000025 + 0.025 + 5 × 0.001
        assert!((costs.total() - 0.031).abs() < 1e-12);
        assert!((costs.of("Rekognition") - 0.005).abs() < 1e-12, "both groups are one service");
        assert_eq!(costs.dearest_first()[0].0, "Textract");
    }

    #[test]
    fn counts_tiers_over_a_whole_month() {
        let mut usage = Usage::default();
        usage.add(Meter::AnalyzeIdPage, 1.0);
        let costs = usage.times(1_000_000.0).as_month(&list());
        assert!((costs.total() - 11_500.0).abs() < 1e-6, "100,000 × 0.025 + 900,000 × 0.010");
    }

    #[test]
    fn leaves_out_what_is_free() {
        let mut usage = Usage::default();
        usage.add(Meter::ServiceEvent, 5.0);
        assert!(usage.at_first_prices(&list()).dearest_first().is_empty());
    }
}
