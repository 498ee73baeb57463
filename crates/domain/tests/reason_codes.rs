//! `docs/REASON-CODES.md` is generated and up to date.

#[test]
fn the_page_is_up_to_date() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/REASON-CODES.md");
    let written = std::fs::read_to_string(page).expect("docs/REASON-CODES.md can be read");
    assert!(
        written == bonafide_domain::reason_codes_page(),
        "docs/REASON-CODES.md is stale; run: cargo run --package bonafide-domain --example reason-codes > docs/REASON-CODES.md"
    );
}
