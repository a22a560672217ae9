//! The persons in a new file: what is known of them, and who of them is known already.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

use super::create::NewMember;
use crate::identity::{IdNumber, Phone, initials, is_birthday, is_grown_up};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::text::readable;

/// A name has at most this many characters.
pub const NAME_MAX: usize = 50;

/// A member's facts, checked; nothing in clear but what may be shown.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub name: String,
    pub born_on: Option<NaiveDate>,
    /// Digest and masked form.
    pub phone: Option<(String, String)>,
    pub id_digest: Option<String>,
}

/// A fact that is none, by the name of its field; never what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Odd {
    pub field: &'static str,
    pub code: &'static str,
    pub detail: &'static str,
}

impl Facts {
    /// Reads what is told of a member; everything that is wrong with it, not the first thing only.
    pub fn of(member: &NewMember, secret: &[u8], today: NaiveDate) -> Result<Self, Vec<Odd>> {
        let mut odd = Vec::new();
        let mut refuse = |field, code, detail| odd.push(Odd { field, code, detail });
        let name = readable(&member.name).unwrap_or_default();
        if name.is_empty() || name.contains('\n') {
            refuse("name", "unreadable", "nothing readable is in it");
        } else if name.chars().count() > NAME_MAX {
            refuse("name", "length", "longer than 50 characters");
        }
        let phone = member.phone.as_ref().map(|text| Phone::parse(text.as_str())).transpose();
        let phone = phone.unwrap_or_else(|why| {
            refuse("phone", "malformed", why.0);
            None
        });
        let number = member.id_number.as_ref().map(|text| IdNumber::parse(text.as_str(), today));
        let number = number.transpose().unwrap_or_else(|why| {
            refuse("id_number", "malformed", why.0);
            None
        });
        let told = number.as_ref().map(IdNumber::born_on);
        if member.born_on.is_some_and(|day| !is_birthday(day, today)) {
            refuse("born_on", "range", "in the future, or more than 150 years ago");
        } else if member.born_on.is_some_and(|day| told.is_some_and(|told| told != day)) {
            refuse("born_on", "conflict", "not the birthday that the ID number tells");
        }
        if !odd.is_empty() {
            return Err(odd);
        }
        let id_digest = number.map(|number| number.digest(secret));
        let phone = phone.map(|phone| (phone.digest(secret), phone.masked()));
        Ok(Self { name, born_on: told.or(member.born_on), phone, id_digest })
    }

    pub fn is_grown_up(&self, today: NaiveDate) -> bool {
        is_grown_up(self.born_on, today)
    }

    fn birthday(&self) -> Option<String> {
        self.born_on.map(|day| day.to_string())
    }
}

/// A member on the way into a file. `person` becomes the row that is there already, if one is.
pub struct Entrant<'a> {
    pub household: Uuid,
    /// The member's place in the household's list.
    pub at: usize,
    pub member: &'a NewMember,
    pub facts: &'a Facts,
    pub person: Uuid,
    known: bool,
}

impl<'a> Entrant<'a> {
    pub fn new(household: Uuid, at: usize, member: &'a NewMember, facts: &'a Facts) -> Self {
        Self { household, at, member, facts, person: member.person, known: false }
    }
}

#[derive(FromQueryResult)]
struct KnownRow {
    id: Uuid,
    id_digest: String,
    bound: bool,
}

/// A person that is known by an ID number.
pub struct Known {
    pub id: Uuid,
    /// Belongs to an active household.
    pub bound: bool,
}

/// Who of these digests is known, by digest; on PostgreSQL kept unchanged until the transaction ends
/// when `lock` says so.
pub async fn known(
    on: &impl ConnectionTrait,
    digests: &BTreeSet<&str>,
    lock: bool,
) -> Outcome<BTreeMap<String, Known>> {
    let mut known = BTreeMap::new();
    let digests: Vec<_> = digests.iter().copied().collect();
    for some in digests.chunks(1_000) {
        let places: Vec<_> = (1..=some.len()).map(|at| format!("${at}")).collect();
        // Whether they are bound is asked of each by its own index: a join would be planned by what
        // was known of the tables before they grew.
        let sql = format!(
            "SELECT p.id, p.id_digest, (SELECT COUNT(*) FROM bindings b WHERE b.person = p.id \
               AND b.ended_at IS NULL) > 0 AS bound FROM persons p \
             WHERE p.id_digest IN ({}) ORDER BY p.id{}",
            places.join(", "),
            if lock { db::exclusively_of(on, "p") } else { String::new() }
        );
        let rows = db::all::<KnownRow>(on, &sql, some.iter().map(|it| (*it).into())).await?;
        let entry = |row: KnownRow| (row.id_digest, Known { id: row.id, bound: row.bound });
        known.extend(rows.into_iter().map(entry));
    }
    Ok(known)
}

/// Lets those who are known by their ID number keep their person.
///
/// # Errors
/// `already_bound` for one who belongs to an active household; `id_taken` if the client gave such a
/// person the id of somebody else.
pub async fn recognise(tx: &Tx, entrants: &mut [Entrant<'_>]) -> Outcome<()> {
    let digests = entrants.iter().filter_map(|it| it.facts.id_digest.as_deref()).collect();
    let known = known(tx, &digests, true).await?;
    for entrant in entrants {
        let digest = entrant.facts.id_digest.as_ref();
        let Some(found) = digest.and_then(|digest| known.get(digest)) else { continue };
        if found.bound {
            let pointer = format!("/members/{}/id_number", entrant.at);
            let detail = "this person belongs to an active household";
            let refusal = Refusal::from(Code::AlreadyBound);
            return Err(refusal.at(&pointer, "already_bound", detail).into());
        }
        if entrant.member.person != found.id {
            let sql = "SELECT COUNT(*) FROM persons WHERE id = $1";
            if db::number(tx, sql, [entrant.member.person.into()]).await? > 0 {
                return Err(Code::IdTaken.into());
            }
        }
        (entrant.person, entrant.known) = (found.id, true);
    }
    Ok(())
}

/// Writes persons, what binds them to their households, and the households' members.
///
/// # Errors
/// `id_taken` if a person's id is in use.
pub async fn write(tx: &Tx, village: &str, entrants: &[Entrant<'_>], now: Instant) -> Outcome<()> {
    write_new(tx, entrants, now).await?;
    // Files and persons are there, and may be many more than before.
    db::forget_plans(tx).await?;
    for it in entrants.iter().filter(|it| it.known) {
        let (digest, masked) = it.facts.phone.clone().unzip();
        let values: [Value; 4] =
            [it.person.into(), it.facts.birthday().into(), digest.into(), masked.into()];
        // What is known already stays: nobody takes a login over by a new phone in a new roster.
        let sql = "UPDATE persons SET born_on = COALESCE(born_on, $2), \
                   phone_masked = CASE WHEN phone_digest IS NULL THEN $4 ELSE phone_masked END, \
                   phone_digest = COALESCE(phone_digest, $3) WHERE id = $1";
        db::run(tx, sql, values).await?;
    }
    let count = entrants.len();
    let columns = [
        Column::Uuid("person", entrants.iter().map(|it| it.person).collect()),
        Column::Text("village", vec![village.to_owned(); count]),
        Column::Uuid("household", entrants.iter().map(|it| it.household).collect()),
        Column::Number("bound_at", vec![now.0; count]),
    ];
    db::bulk_insert(tx, "bindings", &columns, "").await?;
    let columns = [
        Column::Text("village", vec![village.to_owned(); count]),
        Column::Uuid("household", entrants.iter().map(|it| it.household).collect()),
        Column::Uuid("person", entrants.iter().map(|it| it.person).collect()),
        Column::Text("name", entrants.iter().map(|it| it.facts.name.clone()).collect()),
        Column::Flag("is_head", entrants.iter().map(|it| it.member.is_head).collect()),
        Column::Text("initials", entrants.iter().map(|it| initials(&it.facts.name)).collect()),
        Column::MaybeText("born_on", entrants.iter().map(|it| it.facts.birthday()).collect()),
    ];
    db::bulk_insert(tx, "members", &columns, "").await?;
    Ok(())
}

async fn write_new(tx: &Tx, entrants: &[Entrant<'_>], now: Instant) -> Outcome<()> {
    let new: Vec<_> = entrants.iter().filter(|it| !it.known).collect();
    let digest = |it: &&Entrant<'_>| it.facts.phone.as_ref().map(|(digest, _)| digest.clone());
    let masked = |it: &&Entrant<'_>| it.facts.phone.as_ref().map(|(_, masked)| masked.clone());
    let columns = [
        Column::Uuid("id", new.iter().map(|it| it.person).collect()),
        Column::Text("name", new.iter().map(|it| it.facts.name.clone()).collect()),
        Column::Number("created_at", vec![now.0; new.len()]),
        Column::MaybeText("born_on", new.iter().map(|it| it.facts.birthday()).collect()),
        Column::MaybeText("phone_digest", new.iter().map(digest).collect()),
        Column::MaybeText("phone_masked", new.iter().map(masked).collect()),
        Column::MaybeText("id_digest", new.iter().map(|it| it.facts.id_digest.clone()).collect()),
    ];
    let written = db::bulk_insert(tx, "persons", &columns, "ON CONFLICT DO NOTHING").await?;
    if written != new.len() as u64 {
        return Err(Refusal::from(Code::IdTaken).because("a person's id is in use").into());
    }
    Ok(())
}
