//! A roster as rows of cells becomes new files, or a list of what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use super::create::{Consent, NewHousehold, NewMember};
use super::persons::Facts;
use super::roster_rows::{Cells, Findings, Header, RosterError};
use super::sheet::Row;
use crate::identity::Private;
use crate::kernel::region::Village;

const MEMBERS_MAX: usize = 30;

/// What a roster is read against.
pub struct Ground<'a> {
    pub village: &'a Village,
    /// The codes of the village's grids.
    pub grids: &'a BTreeSet<String>,
    pub secret: &'a [u8],
    pub today: NaiveDate,
}

/// A member as the database is asked about it.
pub struct Line {
    pub row: u32,
    pub number: i64,
    pub id_digest: Option<String>,
}

/// A roster, read.
#[derive(Default)]
pub struct Roster {
    pub households: Vec<NewHousehold>,
    /// What is known of each household's members; as told by `findings`, nothing of a wrong one.
    pub facts: Vec<Vec<Facts>>,
    /// One for each row below the header that has a number.
    pub lines: Vec<Line>,
    pub rows: usize,
    pub findings: Findings,
    /// Where the household of a number is in the list; none if it could not be begun.
    places: BTreeMap<i64, Option<usize>>,
    /// The numbers of the households where somebody is 14 or older.
    grown_up: BTreeSet<i64>,
    /// The row of each person known by an ID number.
    persons: BTreeMap<String, u32>,
}

impl Roster {
    /// Reads all rows; whatever is wrong is in `findings`.
    pub fn read(rows: &[Row], ground: &Ground<'_>) -> Self {
        let mut roster = Self::default();
        let mut rows = rows.iter();
        let header = Header::read(rows.next(), &mut roster.findings);
        if !roster.findings.is_empty() {
            return roster;
        }
        for row in rows {
            roster.rows += 1;
            roster.read_row(&Cells { row, header: &header }, ground);
        }
        roster.check_households();
        roster
    }

    /// A file that could not be read at all.
    pub fn unreadable(error: RosterError) -> Self {
        let mut roster = Self::default();
        roster.findings.tell(error);
        roster
    }

    fn refuse(&mut self, row: u32, field: &'static str, code: &str, detail: impl Into<String>) {
        self.findings.add(row, field, code, detail);
    }

    fn read_row(&mut self, cells: &Cells<'_>, ground: &Ground<'_>) {
        cells.check_width(&mut self.findings);
        let row = cells.row.line;
        let Some(number) = number(cells.text("number")) else {
            return self.refuse(row, "number", "invalid", "a whole number from 1 to 999999");
        };
        let member = self.member(cells);
        let facts = Facts::of(&member, ground.secret, ground.today).unwrap_or_else(|all| {
            for odd in all {
                self.refuse(row, odd.field, odd.code, odd.detail);
            }
            Facts::default()
        });
        if facts.is_grown_up(ground.today) {
            self.grown_up.insert(number);
        }
        let digest = facts.id_digest.clone();
        if let Some(first) = digest.and_then(|digest| self.persons.insert(digest, row)) {
            let detail = format!("the same person as in row {first}");
            self.refuse(row, "id_number", "repeated", detail);
        }
        let grid = self.grid(cells, ground);
        let consent = self.consent(cells);
        self.lines.push(Line { row, number, id_digest: facts.id_digest.clone() });
        self.add((row, number), grid, consent, (member, facts));
    }

    fn member(&mut self, cells: &Cells<'_>) -> NewMember {
        let line = cells.row.line;
        let relation = cells.text("relation").to_lowercase();
        if relation.is_empty() {
            self.refuse(line, "relation", "required", "户主 or head marks the head");
        }
        let private = |text: &str| (!text.is_empty()).then(|| Private::new(text));
        let born_on = cells.text("born_on");
        let day = day(born_on);
        if !born_on.is_empty() && day.is_none() {
            self.refuse(line, "born_on", "invalid", "not a day, e.g. 1949-12-31");
        }
        NewMember {
            person: Uuid::now_v7(),
            name: cells.text("name").to_owned(),
            is_head: matches!(relation.as_str(), "户主" | "head"),
            phone: private(cells.text("phone")),
            id_number: private(cells.text("id_number")),
            born_on: day,
        }
    }

    /// The grid's code, if the row tells one: in full, or by its last one to three digits.
    fn grid(&mut self, cells: &Cells<'_>, ground: &Ground<'_>) -> Option<String> {
        let text: String = cells.text("grid").nfkc().collect();
        if text.is_empty() {
            return None;
        }
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let code = match text.len() {
            1..=3 if digits => format!("{}{text:0>3}", ground.village),
            _ => text,
        };
        if !ground.grids.contains(&code) {
            self.refuse(cells.row.line, "grid", "unknown", "the village has no such grid");
        }
        Some(code)
    }

    fn consent(&mut self, cells: &Cells<'_>) -> Option<Consent> {
        match cells.text("consent").to_lowercase().as_str() {
            "" => None,
            "纸质" | "paper" => Some(Consent::Paper),
            _ => {
                self.refuse(cells.row.line, "consent", "invalid", "纸质, paper or nothing");
                None
            }
        }
    }

    /// Puts a member into the household of this number.
    fn add(
        &mut self,
        (line, number): (u32, i64),
        grid: Option<String>,
        consent: Option<Consent>,
        (member, facts): (NewMember, Facts),
    ) {
        let named = grid.is_some();
        let grid = grid.and_then(|code| code.parse().ok());
        let Some(place) = self.places.get(&number).copied() else {
            let at = grid.is_some().then_some(self.households.len());
            self.places.insert(number, at);
            match grid {
                Some(grid) => {
                    let (id, members) = (Uuid::now_v7(), vec![member]);
                    self.households.push(NewHousehold { id, number, grid, consent, members });
                    self.facts.push(vec![facts]);
                }
                None if named => {}
                None => self.refuse(line, "grid", "required", "the first row tells the grid"),
            }
            return;
        };
        let Some(at) = place else { return };
        let (households, known) = (self.households.get_mut(at), self.facts.get_mut(at));
        let Some((household, known)) = households.zip(known) else { return };
        let moved = grid.is_some_and(|grid| grid != household.grid);
        let full = household.members.len() >= MEMBERS_MAX;
        let two_heads = member.is_head && household.members.iter().any(|it| it.is_head);
        household.consent = household.consent.or(consent);
        if !full {
            household.members.push(member);
            known.push(facts);
        }
        if moved {
            self.refuse(line, "grid", "conflict", "the household is in another grid above");
        }
        if two_heads {
            self.refuse(line, "relation", "two_heads", "the household has a head already");
        }
        if full {
            self.refuse(line, "number", "too_many_members", "at most 30 members");
        }
    }

    fn check_households(&mut self) {
        let mut first = BTreeMap::new();
        for line in &self.lines {
            first.entry(line.number).or_insert(line.row);
        }
        for household in &self.households {
            let row = first.get(&household.number).copied().unwrap_or(1);
            if !household.members.iter().any(|it| it.is_head) {
                let detail = "no row of this household is the head";
                self.findings.add(row, "relation", "no_head", detail);
            }
            if household.consent.is_some() && !self.grown_up.contains(&household.number) {
                self.findings.add(row, "consent", "guardian", "no member is 14 or older");
            }
        }
    }
}

fn number(text: &str) -> Option<i64> {
    let text: String = text.nfkc().collect();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.filter(|number| (1..=999_999).contains(number))
}

/// A day as people write it: 1949-12-31, 1949/12/31, 1949.12.31, 1949年12月31日, 19491231.
fn day(text: &str) -> Option<NaiveDate> {
    let text: String = text.nfkc().collect();
    let text = text.trim_end_matches('日').replace(['/', '.', '年', '月'], "-");
    let form = if text.contains('-') { "%Y-%m-%d" } else { "%Y%m%d" };
    let digits = text.split('-').next().is_some_and(|year| matches!(year.len(), 4 | 8));
    NaiveDate::parse_from_str(&text, form).ok().filter(|_| digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_numbers_are_read_as_people_write_them() {
        let last = "1949-12-31".parse().ok();
        for text in [
            "1949-12-31",
            "1949/12/31",
            "1949.12.31",
            "1949年12月31日",
            "19491231",
            "１９４９－１２－３１",
        ] {
            assert_eq!(day(text), last, "{text}");
        }
        for text in ["", "2010-02-30", "31/12/1949", "49-12-31", "1949-13-01", "昨天", "19491"] {
            assert_eq!(day(text), None, "{text}");
        }
        for (text, wanted) in [
            ("17", Some(17)),
            ("017", Some(17)),
            ("１７", Some(17)),
            ("0", None),
            ("1000000", None),
            ("-1", None),
            ("1.5", None),
            ("", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(number(text), wanted, "{text}");
        }
    }
}
