//! Converts the answers of Textract to domain types, for the two workers that call it.

use aws_sdk_textract::operation::analyze_id::AnalyzeIdOutput;
use aws_sdk_textract::types::{AnalyzeIdDetections, Block, BlockType, IdentityDocument, IdentityDocumentField};
use bonafide_domain::{Bounds, ExtractedField, Personal, PrintedWord};

/// The fields of the first document in the answer. Those of several documents are never mixed: one of them may be another person's.
#[must_use]
pub fn extracted_fields(answer: &AnalyzeIdOutput) -> Vec<ExtractedField> {
    let first = answer.identity_documents().first();
    first.map_or_else(Vec::new, |document| document.identity_document_fields().iter().map(extracted_field).collect())
}

/// The words on the page of the first document in the answer, with their outlines.
#[must_use]
pub fn printed_words(answer: &AnalyzeIdOutput) -> Vec<PrintedWord> {
    let blocks = answer.identity_documents().first().map_or(&[][..], IdentityDocument::blocks);
    blocks.iter().filter(|block| block.block_type() == Some(&BlockType::Word)).filter_map(printed_word).collect()
}

fn printed_word(block: &Block) -> Option<PrintedWord> {
    Some(PrintedWord { text: Personal::new(block.text()?), bounds: bounds(block)? })
}

/// The outline of a block, if it has one.
#[must_use]
pub fn bounds(block: &Block) -> Option<Bounds> {
    let outline = block.geometry()?.bounding_box()?;
    let [left, top, width, height] = [outline.left(), outline.top(), outline.width(), outline.height()].map(f64::from);
    Some(Bounds { left, top, width, height })
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
