//! Assessments around every limit, with their judgement: `tests/judgements.json`, by which the state machine is tested as well.

use bonafide_domain::{
    Assessment, Confidences, DocumentType, Facts, Similarities, Thresholds, WitnessSimilarities, WitnessVerdict,
};
use serde_json::{Map, json};

const LIMITS: Thresholds = Thresholds::STANDARD;

/// A change of a good assessment.
type Change = Box<dyn Fn(&mut Assessment)>;

/// One of the similarities.
type Similarity = fn(&mut Similarities) -> &mut f64;

/// One line for each case, which names what differs from a good assessment.
pub(crate) fn cases() -> String {
    let mut lines = Vec::new();
    for (document_type, has_details) in
        [(DocumentType::License, true), (DocumentType::Passport, true), (DocumentType::License, false)]
    {
        let good = good(document_type, has_details);
        let changes = changes(has_details);
        lines.push(case(&good, &good));
        for (index, first) in changes.iter().enumerate() {
            let mut one = good;
            first(&mut one);
            lines.push(case(&one, &good));
            // Some pairs are enough to see which of two reasons decides.
            for second in changes[index + 1..].iter().skip(index % 5).step_by(5) {
                let mut two = one;
                second(&mut two);
                lines.push(case(&two, &good));
            }
        }
    }
    format!("[\n{}\n]\n", lines.join(",\n"))
}

fn good(document_type: DocumentType, has_details: bool) -> Assessment {
    Assessment {
        similarities: has_details.then_some(Similarities {
            first_name: 100.0,
            last_name: 100.0,
            date_of_birth: 100.0,
            document_number: 100.0,
            address: 100.0,
        }),
        witness: None,
        confidences: Confidences {
            first_name: 1.0,
            last_name: 1.0,
            date_of_birth: 1.0,
            document_number: 1.0,
            expiration_date: 1.0,
            address: 1.0,
        },
        facts: Facts {
            expired: Some(false),
            under_age: Some(false),
            issue_date_possible: true,
            post_office_box: false,
            witness: WitnessVerdict::None,
        },
        document_type,
    }
}

fn changes(has_details: bool) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    let confidences: [fn(&mut Confidences) -> &mut f64; 6] = [
        |all| &mut all.first_name,
        |all| &mut all.last_name,
        |all| &mut all.date_of_birth,
        |all| &mut all.document_number,
        |all| &mut all.expiration_date,
        |all| &mut all.address,
    ];
    for of in confidences {
        for confidence in [LIMITS.field_confidence, LIMITS.field_confidence - 0.001] {
            changes.push(Box::new(move |assessment| *of(&mut assessment.confidences) = confidence));
        }
    }
    let similarities: [(Similarity, f64, f64); 5] = [
        (|all| &mut all.first_name, LIMITS.first_name_similarity, LIMITS.first_name_near),
        (|all| &mut all.last_name, LIMITS.last_name_similarity, LIMITS.last_name_near),
        (|all| &mut all.date_of_birth, LIMITS.birth_date_similarity, LIMITS.birth_date_near),
        (|all| &mut all.document_number, LIMITS.document_number_similarity, LIMITS.document_number_near),
        (|all| &mut all.address, LIMITS.address_similarity, LIMITS.address_near),
    ];
    for (of, same, near) in similarities.into_iter().filter(|_| has_details) {
        for similarity in [same, same - 0.5, near, (near - 0.5).max(0.0)] {
            changes.push(Box::new(move |assessment| {
                if let Some(similarities) = &mut assessment.similarities {
                    *of(similarities) = similarity;
                }
            }));
        }
    }
    for is_so in [Some(true), None] {
        changes.push(Box::new(move |assessment| assessment.facts.expired = is_so));
        changes.push(Box::new(move |assessment| assessment.facts.under_age = is_so));
    }
    changes.push(Box::new(|assessment| assessment.facts.issue_date_possible = false));
    changes.push(Box::new(|assessment| assessment.facts.post_office_box = true));
    for verdict in [WitnessVerdict::Agrees, WitnessVerdict::Differs, WitnessVerdict::Contradicts] {
        changes.push(Box::new(move |assessment| {
            assessment.facts.witness = verdict;
            let differs = verdict != WitnessVerdict::Agrees;
            assessment.witness =
                differs.then(|| WitnessSimilarities { last_name: Some(0.0), ..WitnessSimilarities::default() });
        }));
    }
    changes
}

fn case(assessment: &Assessment, good: &Assessment) -> String {
    let (outcome, reasons) = assessment.judgement(&LIMITS);
    let good = json!(good);
    let mut changed = Map::new();
    for (group, values) in json!(assessment).as_object().into_iter().flatten() {
        for (name, value) in values.as_object().into_iter().flatten() {
            if good[group][name] != *value {
                changed.insert(format!("{group}.{name}"), value.clone());
            }
        }
    }
    let case = json!({
        "documentType": assessment.document_type,
        "detailsExpected": assessment.similarities.is_some(),
        "changed": changed,
        "outcome": outcome,
        "reasons": reasons,
    });
    case.to_string()
}
