//! The countries in which conversations onboard applicants.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// One of the four countries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Country {
    /// `DK`
    #[serde(rename = "DK")]
    Denmark,
    /// `SE`
    #[serde(rename = "SE")]
    Sweden,
    /// `NO`
    #[serde(rename = "NO")]
    Norway,
    /// `FI`
    #[serde(rename = "FI")]
    Finland,
}

/// The text is not one of the codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown country")]
pub struct UnknownCountry;

impl Country {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Denmark, Self::Sweden, Self::Norway, Self::Finland];

    /// The two-letter code (ISO 3166-1 alpha-2).
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Denmark => "DK",
            Self::Sweden => "SE",
            Self::Norway => "NO",
            Self::Finland => "FI",
        }
    }

    /// The country of the three-letter code of an issuer in a machine-readable zone.
    pub(super) fn from_alpha_3(code: &str) -> Option<Self> {
        match code {
            "DNK" => Some(Self::Denmark),
            "SWE" => Some(Self::Sweden),
            "NOR" => Some(Self::Norway),
            "FIN" => Some(Self::Finland),
            _ => None,
        }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

impl FromStr for Country {
    type Err = UnknownCountry;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|country| country.code() == text).ok_or(UnknownCountry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_is_parsed_from_its_code() {
        for country in Country::ALL {
            assert_eq!(country.code().parse(), Ok(country));
            assert_eq!(serde_json::to_value(country).expect("json"), country.code());
        }
        for text in ["", "dk", "DE", "DNK"] {
            assert_eq!(text.parse::<Country>(), Err(UnknownCountry));
        }
    }
}
