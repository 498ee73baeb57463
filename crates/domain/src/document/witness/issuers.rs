//! Who issues licences in North America.

/// The issuer identification numbers that AAMVA assigns, with the postal code of state or province: its public list, November 2026.
const ISSUERS: [(u32, &str); 69] = [
    (604_426, "PE"),
    (604_427, "AS"),
    (604_428, "QC"),
    (604_429, "YT"),
    (604_430, "MP"),
    (604_431, "PR"),
    (604_432, "AB"),
    (604_433, "NU"),
    (604_434, "NT"),
    (636_000, "VA"),
    (636_001, "NY"),
    (636_002, "MA"),
    (636_003, "MD"),
    (636_004, "NC"),
    (636_005, "SC"),
    (636_006, "CT"),
    (636_007, "LA"),
    (636_008, "MT"),
    (636_009, "NM"),
    (636_010, "FL"),
    (636_011, "DE"),
    (636_012, "ON"),
    (636_013, "NS"),
    (636_014, "CA"),
    (636_015, "TX"),
    (636_016, "NL"),
    (636_017, "NB"),
    (636_018, "IA"),
    (636_019, "GU"),
    (636_020, "CO"),
    (636_021, "AR"),
    (636_022, "KS"),
    (636_023, "OH"),
    (636_024, "VT"),
    (636_025, "PA"),
    (636_026, "AZ"),
    (636_028, "BC"),
    (636_029, "OR"),
    (636_030, "MO"),
    (636_031, "WI"),
    (636_032, "MI"),
    (636_033, "AL"),
    (636_034, "ND"),
    (636_035, "IL"),
    (636_036, "NJ"),
    (636_037, "IN"),
    (636_038, "MN"),
    (636_039, "NH"),
    (636_040, "UT"),
    (636_041, "ME"),
    (636_042, "SD"),
    (636_043, "DC"),
    (636_044, "SK"),
    (636_045, "WA"),
    (636_046, "KY"),
    (636_047, "HI"),
    (636_048, "MB"),
    (636_049, "NV"),
    (636_050, "ID"),
    (636_051, "MS"),
    (636_052, "RI"),
    (636_053, "TN"),
    (636_054, "NE"),
    (636_055, "GA"),
    (636_058, "OK"),
    (636_059, "AK"),
    (636_060, "WY"),
    (636_061, "WV"),
    // The Department of State (636027) and the Mexican states (636056, 636057) have no postal code.
    (636_062, "VI"),
];

/// The code of the state or province with this issuer identification number.
pub(super) fn issuer(number: &str) -> Option<&'static str> {
    let number: u32 = number.parse().ok()?;
    ISSUERS.iter().find(|(known, _)| *known == number).map(|(_, code)| *code)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_issuer_has_one_number_and_one_code() {
        assert!(ISSUERS.is_sorted_by(|left, right| left.0 < right.0));
        let codes: HashSet<_> = ISSUERS.iter().map(|(_, code)| code).collect();
        assert_eq!(codes.len(), ISSUERS.len());
    }

    #[test]
    fn an_issuer_is_found_by_its_number() {
        assert_eq!((issuer("636026"), issuer("604431")), (Some("AZ"), Some("PR")));
        assert_eq!((issuer("636027"), issuer(""), issuer("AZ")), (None, None, None));
    }
}
