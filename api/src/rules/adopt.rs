//! `POST …/rule-sets/{set}/adoption`: the vote of the village on its rules, whatever it came to.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use chrono::{Months, NaiveDate};
use entity::rule_draft::Model as DraftRow;
use entity::rule_vote::Model as VoteRow;
use sea_orm::{ConnectionTrait, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::store::{Status, draft_in};
use super::vote::{Count, Electorate, VOTING_AGE, VoteError, carried};
use crate::app::App;
use crate::households::eligible;
use crate::http::path_id;
use crate::identity::{Decides, Overseer};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::{RegionCode, Village};
use crate::kernel::text::readable;

/// A vote as the minutes have it.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRuleVote {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    /// The day of the meeting: after the consultation, today or before.
    #[schema(value_type = String, format = Date, example = "2024-09-16")]
    pub held_on: NaiveDate,
    pub electorate: Electorate,
    /// How many representatives the village has; for the others it is counted here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 1, max = 1000))]
    #[schema(nullable = false, minimum = 1, maximum = 1000, example = 25)]
    pub entitled: Option<i64>,
    /// Persons who came, or households or representatives that were there.
    #[validate(range(min = 0, max = 100_000))]
    #[schema(minimum = 0, maximum = 100_000, example = 21)]
    pub present: i64,
    #[validate(range(min = 0, max = 100_000))]
    #[schema(minimum = 0, maximum = 100_000, example = 18)]
    pub in_favour: i64,
    #[validate(range(min = 0, max = 100_000))]
    #[schema(minimum = 0, maximum = 100_000, example = 2)]
    pub against: i64,
    /// Where the minutes are kept: a photo's id, the number of the record.
    #[validate(length(min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "村民会议记录 2024-09-16")]
    pub minutes: String,
}

/// A recorded vote and what the law makes of it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct RuleVote {
    pub id: Uuid,
    #[schema(example = "2024-09-16")]
    pub held_on: String,
    pub electorate: Electorate,
    /// Who could have come.
    #[schema(example = 25)]
    pub entitled: i64,
    #[schema(example = 21)]
    pub present: i64,
    #[schema(example = 18)]
    pub in_favour: i64,
    #[schema(example = 2)]
    pub against: i64,
    /// How many had to come.
    #[schema(example = 17)]
    pub present_needed: i64,
    /// How many of those who came had to be for it.
    #[schema(example = 11)]
    pub in_favour_needed: i64,
    pub carried: bool,
    /// `no_quorum` or `no_majority`, if it did not carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "no_quorum")]
    pub because: Option<String>,
    #[schema(example = "村民会议记录 2024-09-16")]
    pub minutes: String,
    pub recorded_at: Instant,
}

/// Record the village's vote on its rules; one that does not carry is recorded too
#[utoipa::path(tag = "rules", operation_id = "rule_sets_adopt", security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of the village"),
        ("set" = Uuid, Path, description = "The rule set's id")),
    request_body = NewRuleVote, responses((status = 201, body = RuleVote)),
    extensions(("x-codes" = json!("role_required wrong_state consultation_open id_taken \
        invalid_field"))))]
#[post("/v1/regions/{region}/rule-sets/{set}/adoption")]
async fn adopt_rule_set(
    member: Overseer<Decides>,
    request: HttpRequest,
    vote: Command<NewRuleVote>,
    app: Data<App>,
) -> Outcome<Answer<RuleVote>> {
    let id = path_id(&request, "set")?;
    let (region, caller) = (&member.region, &member.caller);
    let done = vote.once(&app, region.as_str(), caller.account, async |tx| {
        record(tx, region, id, &vote.body, caller.person, app.clock.now()).await
    });
    Ok(done.await?.created())
}

async fn record(
    tx: &Tx,
    region: &RegionCode,
    id: Uuid,
    new: &NewRuleVote,
    by: Uuid,
    now: Instant,
) -> Outcome<RuleVote> {
    let (village, draft) = draft_in(tx, region, id, &[Status::Consulting]).await?;
    let minutes = readable(&new.minutes)
        .ok_or_else(|| Refusal::from(Code::InvalidField).at("/minutes", "unreadable", ""))?;
    held_after(&draft, new.held_on, now)?;
    let count = Count {
        electorate: new.electorate,
        entitled: entitled(tx, &village, new).await?,
        present: new.present,
        in_favour: new.in_favour,
        against: new.against,
    };
    let came_to = carried(&count);
    if let Err(VoteError::Impossible(field)) = came_to {
        let detail = format!("{} of {} entitled", count.present, count.entitled);
        let pointer = format!("/{field}");
        return Err(Refusal::from(Code::InvalidField).at(&pointer, "range", detail).into());
    }
    let row = VoteRow {
        village: village.to_string(),
        draft: id,
        id: new.id,
        held_on: new.held_on.to_string(),
        electorate: count.electorate.as_str().to_owned(),
        entitled: count.entitled,
        present: count.present,
        in_favour: count.in_favour,
        against: count.against,
        minutes,
        carried: came_to.is_ok(),
        recorded_by: by,
        at: now.0,
    };
    insert(tx, &row).await?;
    if came_to.is_ok() {
        let sql = "UPDATE rule_drafts SET status = 'adopted', adopted_by = $3, \
                   revision = revision + 1 WHERE village = $1 AND id = $2";
        db::run(tx, sql, [region.into(), id.into(), by.into()]).await?;
    } else {
        // What the village has voted down it is not asked again, in whatever form, before another week
        // of reading; a meeting that too few came to is only called again.
        let voted_down = came_to == Err(VoteError::NoMajority);
        let until = voted_down.then(|| Instant::at_midnight(now.day()).plus_days(7).0);
        let sql = "UPDATE rule_drafts SET consulting_until = COALESCE($3, consulting_until), \
                   revision = revision + 1 WHERE village = $1 AND id = $2";
        db::run(tx, sql, [region.into(), id.into(), until.into()]).await?;
    }
    let votes = of_draft(tx, &village, id).await?;
    let vote = votes.into_iter().find(|vote| vote.id == new.id);
    vote.ok_or_else(|| Problem::fault("a vote that was recorded is gone"))
}

/// Nobody votes on what the village could not yet read to the end.
fn held_after(draft: &DraftRow, held_on: NaiveDate, now: Instant) -> Result<(), Refusal> {
    let until = Instant(draft.consulting_until.unwrap_or(i64::MAX));
    if now < until {
        return Err(Refusal { opens_at: Some(until), ..Code::ConsultationOpen.into() });
    }
    if held_on < until.day() || held_on > now.day() {
        let what = format!("from {} to {}", until.day(), now.day());
        return Err(Refusal::from(Code::InvalidField).at("/held_on", "range", what));
    }
    Ok(())
}

/// Who could have come: counted from the village's files, but for representatives, whom only the village
/// knows. A person whose birthday is not known counts as grown up, which makes the quorum harder, never easier.
async fn entitled(on: &impl ConnectionTrait, village: &Village, new: &NewRuleVote) -> Outcome<i64> {
    let odd = |what| Refusal::from(Code::InvalidField).at("/entitled", "required", what);
    let end = Instant::at_midnight(new.held_on).plus_days(1);
    let open = eligible("$2");
    match (new.electorate, new.entitled) {
        (Electorate::Representatives, entitled) => {
            let entitled =
                entitled.ok_or_else(|| odd("how many representatives the village has"))?;
            let sql = format!("SELECT COUNT(*) FROM households h WHERE h.village = $1 AND {open}");
            let households = db::number(on, &sql, [village.into(), end.0.into()]).await?;
            // 村民委员会组织法, article 25: one representative for 5 to 15 households.
            let fewest = (households + 14) / 15;
            if entitled < fewest {
                let what = format!("at least {fewest}: one for 15 households");
                return Err(Refusal::from(Code::InvalidField)
                    .at("/entitled", "range", what)
                    .into());
            }
            Ok(entitled)
        }
        (_, Some(_)) => Err(odd("counted here: leave it out").into()),
        (Electorate::HouseholdDelegates, None) => {
            let sql = format!("SELECT COUNT(*) FROM households h WHERE h.village = $1 AND {open}");
            Ok(db::number(on, &sql, [village.into(), end.0.into()]).await?)
        }
        (Electorate::Adults, None) => {
            let born = new.held_on.checked_sub_months(Months::new(VOTING_AGE * 12));
            let sql = format!(
                "SELECT COUNT(DISTINCT m.person) FROM members m JOIN households h \
                   ON h.village = m.village AND h.id = m.household \
                 WHERE m.village = $1 AND {open} AND (m.left_at IS NULL OR m.left_at >= $2) \
                   AND (m.born_on IS NULL OR m.born_on <= $3)"
            );
            let born = born.unwrap_or(new.held_on).to_string();
            let values: [Value; 3] = [village.into(), end.0.into(), born.into()];
            Ok(db::number(on, &sql, values).await?)
        }
    }
}

async fn insert(tx: &Tx, row: &VoteRow) -> Outcome<()> {
    let values: [Value; 13] = [
        row.village.as_str().into(),
        row.draft.into(),
        row.id.into(),
        row.held_on.as_str().into(),
        row.electorate.as_str().into(),
        row.entitled.into(),
        row.present.into(),
        row.in_favour.into(),
        row.against.into(),
        row.minutes.as_str().into(),
        row.carried.into(),
        row.recorded_by.into(),
        row.at.into(),
    ];
    let sql = "INSERT INTO rule_votes (village, draft, id, held_on, electorate, entitled, present, \
                 in_favour, against, minutes, carried, recorded_by, at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
               ON CONFLICT DO NOTHING";
    if db::run(tx, sql, values).await? == 0 {
        return Err(Code::IdTaken.into());
    }
    let act = Act {
        region: &row.village,
        actor: Some(row.recorded_by),
        action: "rule_set.vote",
        subject: row.draft.to_string(),
        detail: serde_json::json!({ "vote": row.id, "carried": row.carried }),
    };
    audit::record(tx, Instant(row.at), act).await
}

/// The votes on a draft, in the order in which they were recorded.
pub async fn of_draft(
    on: &impl ConnectionTrait,
    village: &Village,
    draft: Uuid,
) -> Outcome<Vec<RuleVote>> {
    let sql = "SELECT * FROM rule_votes WHERE village = $1 AND draft = $2 ORDER BY at, id";
    let values: [Value; 2] = [village.into(), draft.into()];
    let rows = db::all::<VoteRow>(on, sql, values).await?;
    rows.into_iter().map(shown).collect()
}

fn shown(row: VoteRow) -> Outcome<RuleVote> {
    let electorate = Electorate::parse(&row.electorate);
    let count = Count {
        electorate: electorate.ok_or_else(|| Problem::fault(format!("vote {}", row.id)))?,
        entitled: row.entitled,
        present: row.present,
        in_favour: row.in_favour,
        against: row.against,
    };
    let because = match carried(&count) {
        Err(VoteError::NoQuorum) => Some("no_quorum".to_owned()),
        Err(VoteError::NoMajority) => Some("no_majority".to_owned()),
        _ => None,
    };
    Ok(RuleVote {
        id: row.id,
        held_on: row.held_on,
        electorate: count.electorate,
        entitled: row.entitled,
        present: row.present,
        in_favour: row.in_favour,
        against: row.against,
        present_needed: count.electorate.quorum(row.entitled),
        in_favour_needed: count.majority(),
        carried: row.carried,
        because,
        minutes: row.minutes,
        recorded_at: Instant(row.at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::age_on;
    use proptest::prelude::*;

    proptest! {
        /// What the query compares birthdays with is the age that the law asks for.
        #[test]
        fn who_was_born_by_then_is_of_age(born in 0_u64..40_000, held in 0_u64..40_000) {
            let first = NaiveDate::from_ymd_opt(1930, 1, 1).expect("a day");
            let [born, held] = [born, held].map(|days| first + chrono::Days::new(days));
            let cutoff = held.checked_sub_months(Months::new(VOTING_AGE * 12)).expect("a day");
            prop_assert_eq!(born <= cutoff, age_on(born, held) >= VOTING_AGE);
        }
    }
}
