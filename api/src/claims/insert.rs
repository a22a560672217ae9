//! Writing admitted claims: one statement, however many.

use std::sync::Arc;

use super::facts::HouseholdRow;
use super::hearing;
use super::rules::Admitted;
use super::submit::NewClaim;
use crate::identity::Caller;
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::Village;
use crate::kernel::text::readable;
use crate::rules::{Book, Rule, Source};

/// A claim, what it was admitted as, its household, and the rules of its day.
pub type Accepted<'a> = (&'a NewClaim, &'a Admitted, &'a HouseholdRow, &'a Arc<Book>);

/// Inserts claims that may be filed.
///
/// # Errors
/// `duplicate_claim` if another writer was faster with the same deed.
pub async fn insert(
    tx: &Tx,
    filer: &Caller,
    village: &Village,
    accepted: &[Accepted<'_>],
    import: Option<Source>,
    now: Instant,
) -> Outcome<()> {
    let count = accepted.len();
    let own = filer.household_in(village);
    let rule = |(claim, _, _, book): &Accepted<'_>| book.rule(&claim.rule).cloned();
    let rules: Vec<_> = accepted.iter().filter_map(rule).collect();
    let evidence = |claim: &NewClaim| serde_json::to_string(&claim.evidence).unwrap_or_default();
    let text = |text: &Option<String>| text.as_deref().and_then(readable);
    let claims: Vec<_> = accepted.iter().map(|(claim, ..)| *claim).collect();
    let source = |rule: &Rule| import.unwrap_or(rule.source).as_str().to_owned();
    let columns = [
        Column::Text("village", vec![village.to_string(); count]),
        Column::Uuid("id", claims.iter().map(|it| it.id).collect()),
        Column::Uuid("household", claims.iter().map(|it| it.household).collect()),
        Column::Text("grid", accepted.iter().map(|it| it.2.grid.clone()).collect()),
        Column::MaybeUuid("member", claims.iter().map(|it| it.member).collect()),
        Column::Uuid("rule_set", accepted.iter().map(|it| it.3.id).collect()),
        Column::Text("rule", claims.iter().map(|it| it.rule.clone()).collect()),
        Column::Text("category", rules.iter().map(|it| it.category.clone()).collect()),
        Column::Text("source", rules.iter().map(source).collect()),
        Column::Number("count", claims.iter().map(|it| it.count).collect()),
        Column::Number("points", accepted.iter().map(|it| it.1.points).collect()),
        Column::Text("occurred_on", claims.iter().map(|it| it.occurred_on.to_string()).collect()),
        Column::MaybeText("event", claims.iter().map(|it| text(&it.event)).collect()),
        Column::MaybeText("note", claims.iter().map(|it| text(&it.note)).collect()),
        Column::Text("evidence", claims.iter().map(|it| evidence(it)).collect()),
        Column::Uuid("filed_by", vec![filer.person; count]),
        Column::Flag("on_behalf", claims.iter().map(|it| own != Some(it.household)).collect()),
        Column::Number("submitted_at", vec![now.0; count]),
        Column::Text("status", vec!["submitted".to_owned(); count]),
        Column::Number("step", vec![0; count]),
        Column::Text("dedupe", accepted.iter().map(|it| it.1.dedupe.clone()).collect()),
        Column::Number("version", vec![1; count]),
    ];
    let written = db::bulk_insert(tx, "claims", &columns, "ON CONFLICT DO NOTHING").await?;
    if written != count as u64 {
        // Another writer claimed the same deed between our look and our write.
        return Err(Code::DuplicateClaim.into());
    }
    let heard = |(rule, claim): (&Rule, &&NewClaim)| {
        rule.requires_hearing.then_some((claim.id, claim.household))
    };
    let deductions: Vec<_> = rules.iter().zip(&claims).filter_map(heard).collect();
    hearing::announce(tx, village, &deductions, now).await
}
