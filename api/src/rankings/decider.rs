//! Who may decide on an objection to a year's ranking: one answer for who asks and for who decides.

use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use super::year::ESCALATION_DAYS;
use crate::identity::{CONCERNED, Caller, Role, concerned_households};
use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::year::Year;

/// An official, and what they keep out of in a village's ranking of a year.
pub struct Decider {
    person: Uuid,
    governs: bool,
    /// Of the township, which decides first.
    first: bool,
    /// Whether the ranking awards a household whose matters they keep out of.
    stake: bool,
    /// The households whose matters they keep out of.
    concerned: Vec<Uuid>,
}

impl Decider {
    /// Reads what decides about all objections to the ranking, in two statements.
    pub async fn of(
        on: &impl ConnectionTrait,
        by: &Caller,
        village: &Village,
        year: Year,
    ) -> Outcome<Self> {
        let first = by.has(Role::Township, village.as_str());
        Ok(Self {
            person: by.person,
            governs: first || by.has(Role::County, village.as_str()),
            first,
            stake: has_a_stake(on, village, year, by.person).await?,
            concerned: concerned_households(on, village, by.person).await?,
        })
    }

    /// Whether they may decide on the objection now.
    ///
    /// # Errors
    /// `role_required`, for the county while it waits at the township; `wrong_state` once it is decided or
    /// lapsed; `conflict_of_interest` for whoever filed it, whom the filer's household concerns, or who
    /// has a stake in the ranking.
    pub fn admit(
        &self,
        objection: &entity::ranking_objection::Model,
        now: Instant,
    ) -> Result<(), Refusal> {
        if !self.governs {
            return Err(Code::RoleRequired.into());
        }
        if !self.first && now < Instant(objection.filed_at).plus_days(ESCALATION_DAYS) {
            return Err(Refusal::from(Code::RoleRequired).because("it waits at the township"));
        }
        if objection.status != "filed" {
            return Err(Refusal::wrong_state(&objection.status));
        }
        let own = objection.filed_by == self.person;
        if own || self.stake || self.concerned.contains(&objection.filer_household) {
            return Err(Code::ConflictOfInterest.into());
        }
        Ok(())
    }
}

/// Whether a person must keep out of the matters of a household that is awarded something by the ranking as
/// published: of the first ten ranks, or as many as the year's scheme awards, if those are more.
async fn has_a_stake(
    on: &impl ConnectionTrait,
    village: &Village,
    year: Year,
    person: Uuid,
) -> Outcome<bool> {
    let sql = format!(
        "SELECT COUNT(*) FROM year_rankings y JOIN final_standings f ON f.village = y.village \
           AND f.year = y.year AND f.revision = y.revision \
         WHERE y.village = $1 AND y.year = $3 AND f.rank <= (SELECT CASE WHEN MAX(i.rank_to) > 10 \
           THEN MAX(i.rank_to) ELSE 10 END FROM award_items i \
           WHERE i.village = $1 AND i.year = $3) \
         AND f.household IN ({CONCERNED})"
    );
    let values: [Value; 3] = [village.into(), person.into(), year.into()];
    Ok(db::number(on, &sql, values).await? > 0)
}
