//! Converts the answers of Textract's `AnalyzeID` to domain types, for the two workers that call it.

use aws_sdk_textract::operation::analyze_id::AnalyzeIdOutput;
use aws_sdk_textract::types::{AnalyzeIdDetections, IdentityDocumentField};
use bonafide_domain::{ExtractedField, Personal};

/// The fields of the first document in the answer. Those of several documents are never mixed: one of them may be another person's.
#[must_use]
pub fn extracted_fields(answer: &AnalyzeIdOutput) -> Vec<ExtractedField> {
    let first = answer.identity_documents().first();
    first.map_or_else(Vec::new, |document| document.identity_document_fields().iter().map(extracted_field).collect())
}

fn extracted_field(field: &IdentityDocumentField) -> ExtractedField {
    let value = field.value_detection();
    ExtractedField {
        name: field.r#type().map(|kind| kind.text().to_owned()).unwrap_or_default(),
        text: Personal::new(value.map_or("", AnalyzeIdDetections::text)),
        normalized_date: value.and_then(|value| value.normalized_value()?.value()).map(Personal::new),
        // Textract's confidence is 0 to 100.
        confidence: value
            .and_then(AnalyzeIdDetections::confidence)
            .map_or(0.0, |confidence| f64::from(confidence) / 100.0),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_textract::types::IdentityDocument;

    use super::*;

    #[test]
    fn fields_of_several_documents_are_never_mixed() {
        let detection = |text: &str| AnalyzeIdDetections::builder().text(text).confidence(98.0).build().ok();
        let document = |fields: &[(&str, &str)]| {
            let fields = fields.iter().map(|(name, text)| {
                IdentityDocumentField::builder().set_type(detection(name)).set_value_detection(detection(text)).build()
            });
            IdentityDocument::builder().set_identity_document_fields(Some(fields.collect())).build()
        };
        let answer = AnalyzeIdOutput::builder()
            .identity_documents(document(&[("FIRST_NAME", "JANE")]))
            .identity_documents(document(&[("FIRST_NAME", "JOHN"), ("LAST_NAME", "DOE")]))
            .build();
        let names: Vec<_> = extracted_fields(&answer).into_iter().map(|field| (field.name, field.text)).collect();
        assert_eq!(names, [("FIRST_NAME".to_owned(), Personal::new("JANE"))]);
        assert_eq!(extracted_fields(&AnalyzeIdOutput::builder().build()).len(), 0);
    }
}
