//! Converts the answers of Textract's `AnalyzeID` to domain types, for the two workers that call it.

use aws_sdk_textract::operation::analyze_id::AnalyzeIdOutput;
use aws_sdk_textract::types::{AnalyzeIdDetections, IdentityDocument, IdentityDocumentField};
use bonafide_domain::{ExtractedField, Personal};

/// The fields of all documents in the answer.
#[must_use]
pub fn extracted_fields(answer: &AnalyzeIdOutput) -> Vec<ExtractedField> {
    answer
        .identity_documents()
        .iter()
        .flat_map(IdentityDocument::identity_document_fields)
        .map(extracted_field)
        .collect()
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
