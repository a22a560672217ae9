//! Which body an objection lies with now, and who of it may decide: computed when somebody asks, no job
//! moves it (2.3, 2.6). A village of one clan is the normal case.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::objection_row::Row;
use crate::claims::{concerned_officials, holders};
use crate::identity::{Caller, Grant, Role};
use crate::kernel::clock::{DAY_MS, Instant};
use crate::kernel::db;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::{RegionCode, Village};

/// A body has so many days before the matter goes to the next one.
pub const BODY_DAYS: i64 = 7;
/// From its receipt to the day on which an objection that nobody decided lapses.
pub const LAPSE_DAYS: i64 = 21;

/// Who decides objections, from below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecidingBody {
    /// The village's supervision committee.
    Committee,
    Township,
    County,
}

impl DecidingBody {
    const ALL: [Self; 3] = [Self::Committee, Self::Township, Self::County];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Committee => "committee",
            Self::Township => "township",
            Self::County => "county",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|body| body.as_str() == word)
    }

    /// One level up; the county has nobody above it.
    pub fn above(self) -> Self {
        match self {
            Self::Committee => Self::Township,
            Self::Township | Self::County => Self::County,
        }
    }

    fn role(self) -> Role {
        match self {
            Self::Committee => Role::Committee,
            Self::Township => Role::Township,
            Self::County => Role::County,
        }
    }
}

/// What is to be decided: whom it concerns, and since when it waits.
#[derive(Clone, Debug)]
pub struct Matter {
    pub households: Vec<Uuid>,
    /// Who has had a say in it before, by person.
    pub kept_out: BTreeSet<Uuid>,
    pub since: Instant,
    /// When it is over, decided or not.
    pub ends: Instant,
    /// The lowest body that may decide it.
    pub from: DecidingBody,
}

/// The body a matter lies with, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    pub body: DecidingBody,
    pub until: Instant,
}

/// The officials over a village, and what they keep out of.
pub struct Bodies {
    village: Village,
    grants: Vec<(Uuid, Grant)>,
    /// Person and household: a member, or kin of one.
    concerned: BTreeSet<(Uuid, Uuid)>,
    /// By line: who filed, reviewed, proposed, approved or took back what is behind it.
    heard: BTreeMap<Uuid, BTreeSet<Uuid>>,
}

impl Bodies {
    /// Reads what decides about these objections, in three statements.
    pub async fn read(
        on: &impl ConnectionTrait,
        village: &Village,
        rows: &[Row],
        now: Instant,
    ) -> Outcome<Self> {
        let region = village.region();
        Ok(Self {
            village: village.clone(),
            grants: holders(on, &region, now).await?,
            concerned: concerned_officials(on, &region).await?,
            heard: heard(on, village, rows).await?,
        })
    }

    /// How many of these objections in villages of a region the caller may decide now: two statements, and
    /// one more for each village.
    pub async fn acted_on(
        on: &impl ConnectionTrait,
        region: &RegionCode,
        villages: BTreeMap<Village, Vec<Row>>,
        caller: &Caller,
        now: Instant,
    ) -> Outcome<usize> {
        if villages.is_empty() {
            return Ok(0);
        }
        let mut grants = holders(on, region, now).await?;
        let mut concerned = concerned_officials(on, region).await?;
        let mut count = 0;
        for (village, rows) in villages {
            let heard = heard(on, &village, &rows).await?;
            let bodies = Self { village, grants, concerned, heard };
            count += rows.iter().filter(|row| bodies.acts(caller, row, now)).count();
            Self { grants, concerned, .. } = bodies;
        }
        Ok(count)
    }

    /// Whether the person belongs to the household, or is kin of one who does.
    fn is_concerned(&self, person: Uuid, household: Uuid) -> bool {
        self.concerned.contains(&(person, household))
    }

    /// Whether the person is of the household of an objection's line, kin of it, or of the one that took it in.
    pub fn is_kin(&self, person: Uuid, row: &Row) -> bool {
        self.is_concerned(person, row.line_household) || self.is_concerned(person, row.line_holder)
    }

    /// What is to be decided of an objection, in the first instance or on appeal; nothing if nothing is.
    pub fn matter(&self, row: &Row) -> Option<Matter> {
        let mut kept_out = self.heard.get(&row.line).cloned().unwrap_or_default();
        kept_out.insert(row.filed_by);
        // Also who took them in: the points are theirs now.
        let households =
            vec![row.line_household, row.line_holder, row.filer_household, row.filer_holder];
        if row.is_open() {
            let since = Instant(row.filed_at);
            let (ends, from) = (since.plus_days(LAPSE_DAYS), DecidingBody::Committee);
            return Some(Matter { households, kept_out, since, ends, from });
        }
        let appeal = row.appeal().filter(|_| row.status == "appealed")?;
        kept_out.extend(row.decided_by.into_iter().chain([appeal.filed_by]));
        let first = row.decided_body.as_deref().and_then(DecidingBody::parse);
        let from = first.unwrap_or(DecidingBody::Committee).above();
        let ends = appeal.filed_at.plus_days(BODY_DAYS);
        Some(Matter { households, kept_out, since: appeal.filed_at, ends, from })
    }

    /// The body that decides now: the first from below that has its quorum of members who may act, and
    /// one higher for every [`BODY_DAYS`] that nobody decided. The highest keeps it to its end.
    pub fn seat(&self, matter: &Matter, now: Instant) -> Seat {
        let bodies = DecidingBody::ALL.into_iter().filter(|body| *body >= matter.from);
        let fit: Vec<_> = bodies.filter(|body| self.has_quorum(*body, matter)).collect();
        let waited = (now.0 - matter.since.0).max(0) / (BODY_DAYS * DAY_MS);
        let last = fit.len().saturating_sub(1);
        let up = usize::try_from(waited).unwrap_or_default().min(last);
        let body = fit.get(up).copied().unwrap_or(DecidingBody::County);
        let turns = i64::try_from(up + 1).unwrap_or(1);
        let until =
            if up == last { matter.ends } else { matter.since.plus_days(BODY_DAYS * turns) };
        Seat { body, until: until.min(matter.ends) }
    }

    /// Whether the person may decide the matter, were it their body's turn.
    fn may_act(&self, person: Uuid, matter: &Matter) -> bool {
        let concerned = |household: &Uuid| self.is_concerned(person, *household);
        !matter.kept_out.contains(&person) && !matter.households.iter().any(concerned)
    }

    /// More than half of a committee; above it one official is enough. A decision itself takes one.
    fn has_quorum(&self, body: DecidingBody, matter: &Matter) -> bool {
        let members: BTreeSet<_> = self
            .grants
            .iter()
            .filter(|(_, grant)| self.sits(grant, body))
            .map(|(person, _)| *person)
            .collect();
        let able = members.iter().filter(|person| self.may_act(**person, matter)).count();
        match body {
            DecidingBody::Committee => able > members.len() / 2,
            DecidingBody::Township | DecidingBody::County => able > 0,
        }
    }

    fn sits(&self, grant: &Grant, body: DecidingBody) -> bool {
        grant.role == body.role() && grant.region.contains(self.village.as_str())
    }

    /// Whether the caller may decide the objection now.
    pub fn acts(&self, caller: &Caller, row: &Row, now: Instant) -> bool {
        self.matter(row).is_some_and(|matter| self.admit(caller, &matter, now).is_ok())
    }

    /// The caller's body, if it is its turn.
    ///
    /// # Errors
    /// `conflict_of_interest` for who must keep out, `role_required` while it lies with another body.
    pub fn admit(
        &self,
        caller: &Caller,
        matter: &Matter,
        now: Instant,
    ) -> Result<DecidingBody, Refusal> {
        if !self.may_act(caller.person, matter) {
            return Err(Code::ConflictOfInterest.into());
        }
        let Seat { body, until } = self.seat(matter, now);
        if !caller.grants.iter().any(|grant| self.sits(grant, body)) {
            let why = format!("it lies with the {} until {until}", body.as_str());
            return Err(Refusal::from(Code::RoleRequired).because(why));
        }
        Ok(body)
    }
}

/// Who has had a say in what is behind these lines: filed or reviewed the claim, or proposed or approved the
/// adjustment; of a line that makes another good, also of that one, and who took it back: decided an
/// objection or an appeal, or proposed or decided a reversal.
async fn heard(
    on: &impl ConnectionTrait,
    village: &Village,
    rows: &[Row],
) -> Outcome<BTreeMap<Uuid, BTreeSet<Uuid>>> {
    #[derive(FromQueryResult)]
    struct Heard {
        line: Uuid,
        person: Option<Uuid>,
    }
    let lines: BTreeSet<_> = rows.iter().map(|row| row.line).collect();
    if lines.is_empty() {
        return Ok(BTreeMap::new());
    }
    let places: Vec<_> = (2..lines.len() + 2).map(|at| format!("${at}")).collect();
    let sql = format!(
        "WITH RECURSIVE roots (line, root) AS ( \
           SELECT id, id FROM score_lines WHERE village = $1 AND id IN ({}) \
           UNION SELECT r.line, a.restores FROM roots r JOIN adjustments a \
             ON a.village = $1 AND a.id = r.root AND a.restores IS NOT NULL), \
         struck AS (SELECT line, root FROM roots WHERE root <> line) \
         SELECT r.line AS line, c.filed_by AS person FROM roots r \
           JOIN claims c ON c.village = $1 AND c.id = r.root \
         UNION SELECT r.line, v.person FROM roots r \
           JOIN reviews v ON v.village = $1 AND v.claim = r.root \
         UNION SELECT r.line, a.proposed_by FROM roots r \
           JOIN adjustments a ON a.village = $1 AND a.id = r.root \
         UNION SELECT r.line, a.decided_by FROM roots r \
           JOIN adjustments a ON a.village = $1 AND a.id = r.root \
         UNION SELECT s.line, o.decided_by FROM struck s \
           JOIN objections o ON o.village = $1 AND o.line = s.root \
         UNION SELECT s.line, p.decided_by FROM struck s \
           JOIN objections o ON o.village = $1 AND o.line = s.root \
           JOIN appeals p ON p.village = o.village AND p.objection = o.id \
         UNION SELECT s.line, v.proposed_by FROM struck s \
           JOIN reversals v ON v.village = $1 AND v.line = s.root AND v.status = 'carried' \
         UNION SELECT s.line, v.decided_by FROM struck s \
           JOIN reversals v ON v.village = $1 AND v.line = s.root AND v.status = 'carried'",
        places.join(", ")
    );
    let values = std::iter::once(Value::from(village)).chain(lines.into_iter().map(Value::from));
    let mut heard = BTreeMap::<Uuid, BTreeSet<Uuid>>::new();
    for Heard { line, person } in db::all::<Heard>(on, &sql, values).await? {
        heard.entry(line).or_default().extend(person);
    }
    Ok(heard)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VILLAGE: &str = "460205100201";

    /// A committee of three, two officials of the township and one of the county.
    fn bodies(concerned: &[u128]) -> Bodies {
        let seats =
            [(1, VILLAGE), (2, VILLAGE), (3, VILLAGE), (50, "460205100"), (51, "460205100")];
        let grant = |(person, region): (u128, &str)| {
            let role = match region.len() {
                12 => Role::Committee,
                9 => Role::Township,
                _ => Role::County,
            };
            (Uuid::from_u128(person), Grant { role, region: region.parse().expect("a region") })
        };
        let household = |person: &u128| (Uuid::from_u128(*person), Uuid::nil());
        Bodies {
            village: VILLAGE.parse().expect("a village"),
            grants: seats.into_iter().chain([(60, "460205")]).map(grant).collect(),
            concerned: concerned.iter().map(household).collect(),
            heard: BTreeMap::new(),
        }
    }

    fn matter(kept_out: &[u128], from: DecidingBody) -> Matter {
        let since = Instant(0);
        Matter {
            households: vec![Uuid::nil(), Uuid::max()],
            kept_out: kept_out.iter().map(|person| Uuid::from_u128(*person)).collect(),
            since,
            ends: since.plus_days(LAPSE_DAYS),
            from,
        }
    }

    fn seat(bodies: &Bodies, matter: &Matter, ms: i64) -> (DecidingBody, i64) {
        let Seat { body, until } = bodies.seat(matter, Instant(ms));
        (body, until.0 / DAY_MS)
    }

    #[test]
    fn each_body_has_seven_days_and_the_last_keeps_it() {
        use DecidingBody::{Committee, County, Township};
        let (bodies, matter) = (bodies(&[]), matter(&[], Committee));
        let week = 7 * DAY_MS;
        assert_eq!(seat(&bodies, &matter, 0), (Committee, 7));
        assert_eq!(seat(&bodies, &matter, week - 1), (Committee, 7));
        assert_eq!(seat(&bodies, &matter, week), (Township, 14));
        assert_eq!(seat(&bodies, &matter, 2 * week - 1), (Township, 14));
        assert_eq!(seat(&bodies, &matter, 2 * week), (County, 21));
        assert_eq!(seat(&bodies, &matter, 9 * week), (County, 21));
    }

    #[test]
    fn a_committee_below_its_quorum_is_passed_by_and_its_days_are_not_waited_for() {
        use DecidingBody::{Committee, County, Township};
        let matter = matter(&[3], Committee);
        assert_eq!(seat(&bodies(&[]), &matter, 0), (Committee, 7));
        let clan = bodies(&[1]);
        assert_eq!(seat(&clan, &matter, 0), (Township, 7));
        assert_eq!(seat(&clan, &matter, 7 * DAY_MS), (County, 21));
        assert_eq!(seat(&bodies(&[1, 50]), &matter, 0), (Township, 7));
        assert_eq!(seat(&bodies(&[1, 50, 51]), &matter, 0), (County, 21));
        assert_eq!(seat(&bodies(&[1, 50, 51, 60]), &matter, 0), (County, 21));
    }

    #[test]
    fn an_appeal_begins_above_who_decided_first() {
        use DecidingBody::{Committee, County, Township};
        assert_eq!(
            (Committee.above(), Township.above(), County.above()),
            (Township, County, County)
        );
        assert_eq!(seat(&bodies(&[]), &matter(&[1], Township), 0).0, Township);
        assert_eq!(seat(&bodies(&[]), &matter(&[1, 50, 51], Township), 0).0, County);
    }
}
