//! `docs/THRESHOLDS.md` is generated and up to date.

#[test]
fn the_page_is_up_to_date() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/THRESHOLDS.md");
    let written = std::fs::read_to_string(page).expect("docs/THRESHOLDS.md can be read");
    assert!(
        written == bonafide_domain::thresholds_page(),
        "docs/THRESHOLDS.md is stale; run: cargo run --package bonafide-domain --example thresholds > docs/THRESHOLDS.md"
    );
}
