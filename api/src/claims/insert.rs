//! Writing admitted claims: few statements, however many.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::admission::{Facts, Terms};
use super::facts::Sent;
use super::hearing;
use super::pictures;
use super::submit::{ConsentForm, NewClaim};
use super::weigh::{Filed, Weighed};
use crate::households::{Notice, tell_each};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::readable;
use crate::rules::{Book, Rule, Source};
use crate::{changes, register};

/// A claim that may be filed, and what it is written with.
struct Accepted<'a> {
    sent: &'a Sent<'a>,
    claim: &'a NewClaim,
    filed: &'a Filed,
    grid: &'a str,
    book: &'a Arc<Book>,
    rule: &'a Rule,
}

impl Accepted<'_> {
    fn source(&self, terms: &Terms<'_>) -> Source {
        terms.list.unwrap_or(self.rule.source)
    }
}

fn accepted<'a>(facts: &'a Facts, sent: &'a Sent<'a>, filed: &'a Filed) -> Option<Accepted<'a>> {
    let book = facts.book(sent)?;
    Some(Accepted {
        sent,
        claim: sent.claim,
        filed,
        grid: &facts.household(sent)?.grid,
        book,
        rule: book.rule(&sent.claim.rule)?,
    })
}

/// Those that one filer filed in one village, as a group of filings is taken apart.
type Filings<'a> = BTreeMap<(&'a Village, Uuid), Vec<&'a Accepted<'a>>>;

/// Writes those of the claims that may be filed, with their photos, audit rows and notices.
///
/// # Errors
/// `busy` if another writer was faster with the same deed.
pub async fn write(
    tx: &Tx,
    terms: &Terms<'_>,
    sent: &[Sent<'_>],
    weighed: &Weighed,
) -> Outcome<()> {
    let Weighed { filed, facts } = weighed;
    let all: Vec<_> = sent
        .iter()
        .zip(filed)
        .filter_map(|(sent, filed)| accepted(facts, sent, filed.as_ref().ok()?))
        .collect();
    if all.is_empty() {
        return Ok(());
    }
    let villages = all.iter().map(|it| it.sent.village).collect();
    let changed = changes::next_each(tx, &villages).await?;
    insert(tx, terms, &all, facts, &changed).await?;
    let mut filings = Filings::new();
    for it in &all {
        filings.entry((it.sent.village, it.sent.filer.person)).or_default().push(it);
    }
    let has_photos = |it: &&&Accepted<'_>| {
        !it.filed.shown.photos.is_empty() || !it.filed.shown.awaited.is_empty()
    };
    for ((village, person), all) in &filings {
        let shown: Vec<_> =
            all.iter().filter(has_photos).map(|it| (it.claim.id, &it.filed.shown)).collect();
        if !shown.is_empty() {
            pictures::write(tx, village, *person, &shown).await?;
        }
    }
    record(tx, &filings, facts.now).await?;
    let notices: Vec<_> = all.iter().filter_map(|it| notice(terms, it)).collect();
    tell_each(tx, facts.now, &notices).await?;
    announce(tx, &filings, facts.now).await
}

/// Tells the families whom deductions are to cost points; these are officials', and not grouped.
async fn announce(tx: &Tx, filings: &Filings<'_>, now: Instant) -> Outcome<()> {
    for ((village, _), all) in filings {
        let heard = all.iter().filter(|it| it.rule.requires_hearing);
        let deductions: Vec<_> = heard.map(|it| (it.claim.id, it.claim.household)).collect();
        if !deductions.is_empty() {
            hearing::announce(tx, village, &deductions, now).await?;
        }
    }
    Ok(())
}

async fn insert(
    tx: &Tx,
    terms: &Terms<'_>,
    all: &[Accepted<'_>],
    facts: &Facts,
    changed: &BTreeMap<String, i64>,
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
    let week = |it: &Accepted<'_>| facts.week(it.sent.village).filter(|_| it.filed.approved);
    let change = |it: &Accepted<'_>| changed.get(it.sent.village.as_str()).copied();
    let form = |form: ConsentForm| form.as_str().to_owned();
    macro_rules! each {
        ($it:ident => $value:expr) => {
            all.iter().map(|$it| $value).collect()
        };
    }
    let columns = [
        Column::Text("village", each!(it => it.sent.village.to_string())),
        Column::Uuid("id", each!(it => it.claim.id)),
        Column::Uuid("household", each!(it => it.claim.household)),
        Column::Text("grid", each!(it => it.grid.to_owned())),
        Column::Text("field_grid", each!(it => it.grid.to_owned())),
        Column::MaybeUuid("member", each!(it => it.claim.member)),
        Column::Uuid("rule_set", each!(it => it.book.id)),
        Column::Text("rule", each!(it => it.claim.rule.clone())),
        Column::Text("category", each!(it => it.rule.category.clone())),
        Column::Text("source", each!(it => it.source(terms).as_str().to_owned())),
        Column::Number("count", each!(it => it.claim.count)),
        Column::Number("points", each!(it => it.filed.admitted.points)),
        Column::MaybeText("level", each!(it => it.claim.level.clone())),
        Column::Text("occurred_on", each!(it => it.claim.occurred_on.to_string())),
        Column::MaybeText("event", each!(it => readable(&it.claim.event))),
        Column::MaybeText("note", each!(it => readable(&it.claim.note))),
        Column::Text("evidence", each!(it => evidence(it.claim))),
        Column::Number("photos_awaited", each!(it => awaited(it))),
        Column::MaybeUuid("possible_duplicate", each!(it => it.filed.possible_duplicate)),
        Column::Uuid("filed_by", each!(it => it.sent.filer.person)),
        Column::Flag("on_behalf", each!(it => !it.sent.is_own())),
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
        Column::Number("changed", each!(it => change(it).unwrap_or_default())),
        Column::Number("version", vec![1; count]),
    ];
    let written = db::bulk_insert(tx, "claims", &columns, "ON CONFLICT DO NOTHING").await?;
    if written != count as u64 {
        // Another writer claimed the same deed between our look and our write.
        return Err(Refusal { retry_after: Some(1), ..Code::Busy.into() }.into());
    }
    Ok(())
}

/// One row for all that somebody filed, and one for each claim that the committee admits after its term.
async fn record(tx: &Tx, filings: &Filings<'_>, now: Instant) -> Outcome<()> {
    let mut acts = Vec::new();
    for ((village, person), all) in filings {
        let (region, actor) = (village.as_str(), Some(*person));
        let approved = all.iter().filter(|it| it.filed.approved).count();
        let first = all.first().map_or_else(String::new, |it| it.claim.id.to_string());
        let mut detail = serde_json::json!({ "claims": all.len() });
        if approved > 0 {
            detail["approved"] = approved.into();
        }
        acts.push(Act { region, actor, action: "claim.submit", subject: first, detail });
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
    }
    audit::record_all(tx, now, &acts).await?;
    for ((village, person), all) in filings {
        let late = all.iter().filter(|it| it.filed.admitted.late).map(|it| register::Entry {
            kind: register::Kind::LateAdmission,
            subject: it.claim.id.to_string(),
            person: Some(*person),
            note: it.claim.late_reason.as_deref().and_then(readable).unwrap_or_default(),
        });
        register::enter(tx, village, now, &late.collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// A household is told what somebody filed for it with its consent, and what was approved unseen.
fn notice(terms: &Terms<'_>, it: &Accepted<'_>) -> Option<(Village, Notice<'static>)> {
    let name = &it.rule.name_zh;
    let (kind, detail) = match (it.filed.approved, &it.claim.consent) {
        (true, _) => ("claim_approved", format!("{name}：已通过，本周评分后计入积分")),
        (false, Some(_)) if !it.sent.is_own() && it.source(terms) == Source::Claim => {
            ("claim_filed", format!("{name}：已代本户申报；如与事实不符，公示结束前可以否认"))
        }
        _ => return None,
    };
    let (recipient, subject) = (it.claim.household, it.claim.id);
    Some((it.sent.village.clone(), Notice { recipient, kind, subject, detail }))
}
