//! The answer as an attribute of the submission, so that a retry does not pay for it again.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use bonafide_domain::{Confidences, DocumentType, Portrait};
use bonafide_worker::{column, text};

use crate::Output;

const DOCUMENT_TYPES: [(DocumentType, &str); 2] =
    [(DocumentType::License, "license"), (DocumentType::Passport, "passport")];

/// Writes an answer.
pub(crate) fn write(output: &Output) -> AttributeValue {
    let Confidences { first_name, last_name, date_of_birth, document_number, expiration_date, address } =
        output.confidences;
    let confidences = [
        ("firstName", first_name),
        ("lastName", last_name),
        ("dateOfBirth", date_of_birth),
        ("documentNumber", document_number),
        ("expirationDate", expiration_date),
        ("address", address),
    ]
    .map(|(name, confidence)| (name.to_owned(), AttributeValue::N(confidence.to_string())));
    let document_type = DOCUMENT_TYPES.iter().find(|(known, _)| *known == output.document_type);
    let reasons = output.reasons.iter().map(|reason| text(reason.code())).collect();
    let mut answer = HashMap::from([
        ("confidences".to_owned(), AttributeValue::M(confidences.into())),
        ("noFirstName".to_owned(), AttributeValue::N(output.no_first_name.to_string())),
        ("documentType".to_owned(), text(document_type.map_or("", |(_, name)| name))),
        ("reasons".to_owned(), AttributeValue::L(reasons)),
    ]);
    if let Some(Portrait { height, distance }) = output.portrait {
        let measures = [("height", height), ("distance", distance)];
        let measures = measures.map(|(name, measure)| (name.to_owned(), AttributeValue::N(measure.to_string())));
        answer.insert("portrait".to_owned(), AttributeValue::M(measures.into()));
    }
    answer.extend(output.model.as_deref().map(|model| ("model".to_owned(), text(model))));
    AttributeValue::M(answer)
}

/// Reads an answer; `None` when it has another format, as in another release.
pub(crate) fn read(value: &AttributeValue) -> Option<Output> {
    let answer = value.as_m().ok()?;
    let confidences = answer.get("confidences")?.as_m().ok()?;
    let number = |value: Option<&AttributeValue>| value?.as_n().ok()?.parse().ok();
    let confidence = |name: &str| number(confidences.get(name));
    let document_type = column(answer, "documentType")?;
    let reasons = answer.get("reasons")?.as_l().ok()?.iter();
    Some(Output {
        confidences: Confidences {
            first_name: confidence("firstName")?,
            last_name: confidence("lastName")?,
            date_of_birth: confidence("dateOfBirth")?,
            document_number: confidence("documentNumber")?,
            expiration_date: confidence("expirationDate")?,
            address: confidence("address")?,
        },
        no_first_name: number(answer.get("noFirstName"))?,
        portrait: answer.get("portrait").and_then(|measures| {
            let measures = measures.as_m().ok()?;
            Some(Portrait { height: number(measures.get("height"))?, distance: number(measures.get("distance"))? })
        }),
        model: column(answer, "model").map(str::to_owned),
        document_type: DOCUMENT_TYPES.iter().find(|(_, name)| *name == document_type)?.0,
        reasons: reasons.map(|code| code.as_s().ok()?.parse().ok()).collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use bonafide_domain::ReasonCode;

    use super::*;

    fn outputs() -> [Output; 2] {
        let confidences = Confidences {
            first_name: f64::from(98.765_43_f32) / 100.0,
            last_name: 1.0,
            date_of_birth: 0.5,
            document_number: 0.25,
            expiration_date: 0.125,
            address: 0.0,
        };
        let document_type = DocumentType::Passport;
        let read = Output {
            confidences,
            no_first_name: 0.75,
            portrait: Some(Portrait { height: 8.5, distance: 1.25 }),
            model: Some("1.0".to_owned()),
            document_type,
            reasons: Vec::new(),
        };
        [read, Output::refused(ReasonCode::DocumentTooLarge)]
    }

    #[test]
    fn an_answer_is_read_as_it_was_written() {
        for output in outputs() {
            assert_eq!(read(&write(&output)), Some(output));
        }
    }

    #[test]
    fn an_incomplete_answer_is_not_read() {
        let [output, _] = outputs();
        let complete = write(&output).as_m().expect("a map").clone();
        // A portrait that could not be measured is missing, and a model that Textract did not name.
        for name in complete.keys().filter(|name| !["portrait", "model"].contains(&name.as_str())) {
            let mut answer = complete.clone();
            answer.remove(name);
            assert_eq!(read(&AttributeValue::M(answer)), None, "{name}");
        }
    }
}
