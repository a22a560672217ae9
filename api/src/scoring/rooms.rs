//! Which deeds a cap counts together, and what has been used of it.

use std::collections::HashMap;

use chrono::{Datelike, Months, NaiveDate};
use uuid::Uuid;

use crate::rules::{CapPeriod, CountedPer};

/// What a cap counts together: a household or a member of it, what is capped, and a span of deeds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Room {
    household: Uuid,
    member: Option<Uuid>,
    capped: Capped,
    span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Capped {
    Rule(String),
    AllBonus,
    AllDeduction,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Span {
    /// Its name; where none is asked for, the day stands for it.
    Event(String),
    /// The kind of span, its year, and the month it begins with.
    Months(CapPeriod, i32, u32),
    Ever,
}

/// Times and points, both positive, also of deductions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    pub times: i64,
    pub points: i64,
}

impl Used {
    /// What is more here than in an earlier count.
    pub fn less(self, earlier: Self) -> Self {
        Self { times: self.times - earlier.times, points: self.points - earlier.points }
    }
}

/// A deed as caps see it.
pub struct Deed<'a> {
    pub household: Uuid,
    pub member: Option<Uuid>,
    pub rule: &'a str,
    pub event: Option<&'a String>,
    pub occurred_on: NaiveDate,
    pub deduction: bool,
}

impl Deed<'_> {
    /// The room of the deed's rule, as a cap of this period counts it.
    pub fn room(&self, period: CapPeriod, per: CountedPer) -> Room {
        let members = per == CountedPer::Member || period == CapPeriod::LifetimeMember;
        Room {
            household: self.household,
            member: self.member.filter(|_| members),
            capped: Capped::Rule(self.rule.to_owned()),
            span: span(period, self.occurred_on, self.event),
        }
    }

    /// All of the household's bonus, or all of its deduction, of a natural month of deeds.
    pub fn month_room(&self) -> Room {
        let capped = if self.deduction { Capped::AllDeduction } else { Capped::AllBonus };
        let span = span(CapPeriod::Month, self.occurred_on, None);
        Room { household: self.household, member: None, capped, span }
    }
}

/// What has been used of every room, and in which ways each rule's deeds are counted on this sheet:
/// two versions of a rule may count by different spans, and each sees all deeds.
#[derive(Clone, Default)]
pub struct Book {
    used: HashMap<Room, Used>,
    ways: HashMap<String, Vec<(CapPeriod, CountedPer)>>,
}

impl Book {
    /// Deeds of this rule are counted in this way too; said before anything is counted.
    pub fn learn(&mut self, rule: &str, period: CapPeriod, per: CountedPer) {
        let way = (period, per);
        let ways = self.ways.entry(rule.to_owned()).or_default();
        if !ways.contains(&way) {
            ways.push(way);
        }
    }

    /// What has been used of a room.
    pub fn of(&self, room: &Room) -> Used {
        self.used.get(room).copied().unwrap_or_default()
    }

    /// Counts points (positive, also of a deduction) in every room that the deed lies in.
    pub fn count(&mut self, deed: &Deed<'_>, times: i64, points: i64) {
        let ways = self.ways.get(deed.rule).cloned().unwrap_or_default();
        let rooms = ways.into_iter().map(|(period, per)| deed.room(period, per));
        for (room, times) in rooms.map(|room| (room, times)).chain([(deed.month_room(), 0)]) {
            let used = self.used.entry(room).or_default();
            used.times += times;
            used.points += points;
        }
    }
}

/// The first and the last day of the span of deeds in which a cap counts this day; nothing for spans that
/// are not of the calendar.
pub fn days_of(period: CapPeriod, day: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    let Span::Months(_, year, from) = span(period, day, None) else { return None };
    let months = match period {
        CapPeriod::Quarter => 3,
        CapPeriod::HalfYear => 6,
        CapPeriod::Year => 12,
        _ => 1,
    };
    let first = NaiveDate::from_ymd_opt(year, from, 1)?;
    let last = first.checked_add_months(Months::new(months))?.pred_opt()?;
    Some((first, last))
}

/// Deeds of one span count together: its months are numbered by the first of them.
fn span(period: CapPeriod, day: NaiveDate, event: Option<&String>) -> Span {
    let from =
        |months: u32| Span::Months(period, day.year(), (day.month() - 1) / months * months + 1);
    match period {
        CapPeriod::Event => Span::Event(event.cloned().unwrap_or_else(|| day.to_string())),
        CapPeriod::Month => from(1),
        CapPeriod::Quarter => from(3),
        CapPeriod::HalfYear => from(6),
        CapPeriod::Year => from(12),
        CapPeriod::LifetimeMember => Span::Ever,
    }
}
