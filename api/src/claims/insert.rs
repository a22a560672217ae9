//! Writing admitted claims: few statements, however many.

use std::sync::Arc;

use super::admission::{Facts, Filing};
use super::hearing;
use super::pictures;
use super::submit::{ConsentForm, NewClaim};
use super::weigh::{Filed, Weighed};
use crate::households::{Notice, tell};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::text::readable;
use crate::rules::{Book, Rule, Source};
use crate::{changes, register};

/// A claim that may be filed, and what it is written with.
struct Accepted<'a> {
    claim: &'a NewClaim,
    filed: &'a Filed,
    grid: &'a str,
    book: &'a Arc<Book>,
    rule: &'a Rule,
    own: bool,
}

impl Accepted<'_> {
    fn source(&self, filing: &Filing<'_>) -> Source {
        filing.list.unwrap_or(self.rule.source)
    }
}

fn accepted<'a>(
    filing: &Filing<'_>,
    facts: &'a Facts,
    claim: &'a NewClaim,
    filed: &'a Filed,
) -> Option<Accepted<'a>> {
    let household = facts.households.get(&claim.household)?;
    let book = facts.books.get(&claim.occurred_on)?;
    Some(Accepted {
        claim,
        filed,
        grid: &household.grid,
        book,
        rule: book.rule(&claim.rule)?,
        own: filing.filer.household_in(filing.village) == Some(claim.household),
    })
}

/// Writes those of the claims that may be filed, with their photos, audit rows and notices.
///
/// # Errors
/// `busy` if another writer was faster with the same deed.
pub async fn write(
    tx: &Tx,
    filing: &Filing<'_>,
    claims: &[NewClaim],
    weighed: &Weighed,
) -> Outcome<()> {
    let Weighed { filed, facts } = weighed;
    let all: Vec<_> = claims
        .iter()
        .zip(filed)
        .filter_map(|(claim, filed)| accepted(filing, facts, claim, filed.as_ref().ok()?))
        .collect();
    if all.is_empty() {
        return Ok(());
    }
    let changed = changes::next(tx, filing.village).await?;
    insert(tx, filing, &all, facts, changed).await?;
    let shown: Vec<_> = all.iter().map(|it| (it.claim.id, &it.filed.shown)).collect();
    pictures::write(tx, filing.village, filing.filer.person, &shown).await?;
    record(tx, filing, &all, facts.now).await?;
    let notices: Vec<_> = all.iter().filter_map(|it| notice(filing, it)).collect();
    tell(tx, filing.village, facts.now, &notices).await?;
    let deductions: Vec<_> = all
        .iter()
        .filter(|it| it.rule.requires_hearing)
        .map(|it| (it.claim.id, it.claim.household))
        .collect();
    hearing::announce(tx, filing.village, &deductions, facts.now).await
}

async fn insert(
    tx: &Tx,
    filing: &Filing<'_>,
    all: &[Accepted<'_>],
    facts: &Facts,
    changed: i64,
) -> Outcome<()> {
    let count = all.len();
    let readable = |text: &Option<String>| text.as_deref().and_then(readable);
    let evidence = |it: &NewClaim| serde_json::to_string(&it.evidence).unwrap_or_default();
    let awaited = |it: &Accepted<'_>| i64::try_from(it.filed.shown.awaited.len()).unwrap_or(0);
    let late = |it: &Accepted<'_>| match it.filed.admitted.late {
        true => readable(&it.claim.late_reason),
        false => None,
    };
    let status = |it: &Accepted<'_>| if it.filed.approved { "approved" } else { "submitted" };
    let week = |it: &Accepted<'_>| facts.week.filter(|_| it.filed.approved);
    let form = |form: ConsentForm| form.as_str().to_owned();
    macro_rules! each {
        ($it:ident => $value:expr) => {
            all.iter().map(|$it| $value).collect()
        };
    }
    let columns = [
        Column::Text("village", vec![filing.village.to_string(); count]),
        Column::Uuid("id", each!(it => it.claim.id)),
        Column::Uuid("household", each!(it => it.claim.household)),
        Column::Text("grid", each!(it => it.grid.to_owned())),
        Column::Text("field_grid", each!(it => it.grid.to_owned())),
        Column::MaybeUuid("member", each!(it => it.claim.member)),
        Column::Uuid("rule_set", each!(it => it.book.id)),
        Column::Text("rule", each!(it => it.claim.rule.clone())),
        Column::Text("category", each!(it => it.rule.category.clone())),
        Column::Text("source", each!(it => it.source(filing).as_str().to_owned())),
        Column::Number("count", each!(it => it.claim.count)),
        Column::Number("points", each!(it => it.filed.admitted.points)),
        Column::MaybeText("level", each!(it => it.claim.level.clone())),
        Column::Text("occurred_on", each!(it => it.claim.occurred_on.to_string())),
        Column::MaybeText("event", each!(it => readable(&it.claim.event))),
        Column::MaybeText("note", each!(it => readable(&it.claim.note))),
        Column::Text("evidence", each!(it => evidence(it.claim))),
        Column::Number("photos_awaited", each!(it => awaited(it))),
        Column::MaybeUuid("possible_duplicate", each!(it => it.filed.possible_duplicate)),
        Column::Uuid("filed_by", vec![filing.filer.person; count]),
        Column::Flag("on_behalf", each!(it => !it.own)),
        Column::MaybeUuid("consent_by", each!(it => it.claim.consent.as_ref().map(|it| it.by))),
        Column::MaybeText(
            "consent_form",
            each!(it => it.claim.consent.as_ref().map(|it| form(it.form))),
        ),
        Column::MaybeNumber("device_at", each!(it => it.claim.device_at.map(|at| at.0))),
        Column::Number("submitted_at", vec![facts.now.0; count]),
        Column::MaybeText("late_reason", each!(it => late(it))),
        Column::Text("status", each!(it => status(it).to_owned())),
        Column::Number("step", vec![0; count]),
        Column::MaybeNumber("approved_at", each!(it => week(it).map(|_| facts.now.0))),
        Column::MaybeText("week", each!(it => week(it).map(|week| week.to_string()))),
        Column::Text("dedupe", each!(it => it.filed.admitted.dedupe.clone())),
        Column::MaybeText("content", each!(it => Some(it.filed.content.clone()))),
        Column::Number("changed", vec![changed; count]),
        Column::Number("version", vec![1; count]),
    ];
    let written = db::bulk_insert(tx, "claims", &columns, "ON CONFLICT DO NOTHING").await?;
    if written != count as u64 {
        // Another writer claimed the same deed between our look and our write.
        return Err(Refusal { retry_after: Some(1), ..Code::Busy.into() }.into());
    }
    Ok(())
}

/// One row for all that was filed, and one for each claim that the committee admits after its term.
async fn record(tx: &Tx, filing: &Filing<'_>, all: &[Accepted<'_>], now: Instant) -> Outcome<()> {
    let (region, actor) = (filing.village.as_str(), Some(filing.filer.person));
    let approved = all.iter().filter(|it| it.filed.approved).count();
    let first = all.first().map_or_else(String::new, |it| it.claim.id.to_string());
    let mut detail = serde_json::json!({ "claims": all.len() });
    if approved > 0 {
        detail["approved"] = approved.into();
    }
    let mut acts = vec![Act { region, actor, action: "claim.submit", subject: first, detail }];
    acts.extend(all.iter().filter(|it| it.filed.admitted.late).map(|it| Act {
        region,
        actor,
        action: "claim.admit_late",
        subject: it.claim.id.to_string(),
        detail: serde_json::json!({
            "household": it.claim.household,
            "occurred_on": it.claim.occurred_on,
            "reason": it.claim.late_reason.as_deref().and_then(readable),
        }),
    }));
    audit::record_all(tx, now, &acts).await?;
    let late = all.iter().filter(|it| it.filed.admitted.late).map(|it| register::Entry {
        kind: register::Kind::LateAdmission,
        subject: it.claim.id.to_string(),
        person: actor,
        note: it.claim.late_reason.as_deref().and_then(readable).unwrap_or_default(),
    });
    register::enter(tx, filing.village, now, &late.collect::<Vec<_>>()).await
}

/// A household is told what somebody filed for it with its consent, and what was approved unseen.
fn notice(filing: &Filing<'_>, it: &Accepted<'_>) -> Option<Notice<'static>> {
    let name = &it.rule.name_zh;
    let (kind, detail) = match (it.filed.approved, &it.claim.consent) {
        (true, _) => ("claim_approved", format!("{name}：已通过，本周评分后计入积分")),
        (false, Some(_)) if !it.own && it.source(filing) == Source::Claim => {
            ("claim_filed", format!("{name}：已代本户申报；如与事实不符，公示结束前可以否认"))
        }
        _ => return None,
    };
    Some(Notice { recipient: it.claim.household, kind, subject: it.claim.id, detail })
}
