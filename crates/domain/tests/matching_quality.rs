//! The quality of matching details with documents, on a labelled set. To print it:
//! `cargo run --package bonafide-domain --example matching-quality`.

mod labelled;

use std::sync::LazyLock;

use labelled::{Count, Field, Label, Report};

static REPORT: LazyLock<Report> = LazyLock::new(labelled::report);

#[test]
fn accepts_no_other_person_and_refers_nearly_no_applicant() {
    let report = &*REPORT;
    assert!(report.size >= 2_000, "{} pairs", report.size);
    let is_good = |count: &Count| {
        count.false_accepts() == 0
            && count.false_declines() == 0
            && count.false_referrals() * 100 < count.labelled(Label::Same)
    };
    let good = is_good(&report.pairs) && report.fields.len() == Field::ALL.len() && report.fields.values().all(is_good);
    assert!(good, "{}", report.text());
}

#[test]
fn the_set_has_the_same_and_others_for_each_field() {
    for (field, count) in &REPORT.fields {
        let same = count.labelled(Label::Same);
        let others = count.labelled(Label::Near) + count.labelled(Label::Other);
        assert!(same >= 200 && others >= 200, "{}", field.name());
    }
}
