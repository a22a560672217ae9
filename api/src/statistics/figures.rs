//! The figures of many periods and many places, in five statements however many there are.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, QueryResult, Value};
use serde::Serialize;
use utoipa::ToSchema;

use super::comparison::named;
use super::kept::each;
use super::rate::Rate;
use crate::households::eligible;
use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::period::{Period, Week};
use crate::kernel::problem::Outcome;
use crate::rules::Category;

/// What is asked.
pub struct Question<'a> {
    /// Between which codes the villages lie.
    pub within: [Value; 2],
    /// How many digits of a village's code name the place that its figures count for.
    pub depth: usize,
    /// `None` is all time.
    pub periods: &'a [Option<Period>],
    /// Only what was known at this instant.
    pub as_of: Option<Instant>,
}

/// What was counted in one period and one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub eligible: i64,
    pub registered: i64,
    pub activated: i64,
    pub participating: i64,
    /// Points collected, less refunds.
    pub redeemed: i64,
    pub expired: i64,
    /// Points by the word of their category.
    pub by_category: BTreeMap<String, i64>,
}

impl Totals {
    pub fn cumulative(&self) -> i64 {
        self.by_category.values().sum()
    }

    pub fn participation(&self) -> Rate {
        Rate::of(self.participating, self.eligible)
    }

    pub fn redemption(&self) -> Rate {
        Rate::of(self.redeemed, self.cumulative())
    }

    /// All eight categories in the order of the reports.
    pub fn categories(&self) -> Vec<CategoryPoints> {
        let points = |category: Category| {
            let category = category.word();
            let points = self.by_category.get(&category).copied().unwrap_or_default();
            CategoryPoints { points, category }
        };
        Category::ALL.into_iter().map(points).collect()
    }
}

#[derive(Serialize, ToSchema)]
pub struct CategoryPoints {
    #[schema(example = "public_welfare")]
    pub category: String,
    #[schema(example = 1616)]
    pub points: i64,
}

/// Answers by the place of the period in the question, and by the code of the place; who has nothing is
/// not among them.
pub struct Answers(BTreeMap<(i64, String), Totals>);

impl Answers {
    /// What the `at`th period was in a place.
    pub fn of(&mut self, at: usize, place: &str) -> Totals {
        let at = i64::try_from(at).unwrap_or(i64::MAX);
        self.0.remove(&(at, place.to_owned())).unwrap_or_default()
    }
}

/// The periods as rows of SQL, and who asks.
struct Rows {
    /// `WITH p (n, period, week_from, week_to, starts, ends) AS …`
    with: String,
    /// `$1` and `$2` bound the villages; then five to a period.
    values: Vec<Value>,
    /// SQL for the place of a village column.
    depth: usize,
}

impl Rows {
    fn of(question: &Question<'_>) -> Self {
        let mut values = question.within.to_vec();
        let mut rows = Vec::new();
        for (at, period) in question.periods.iter().enumerate() {
            let first = values.len() + 1;
            let places = [0, 1, 2, 3, 4].map(|at| format!("${}", first + at));
            rows.push(format!("({at}, {})", places.join(", ")));
            values.extend(span(*period, question.as_of));
        }
        let with = format!(
            "WITH p (n, period, week_from, week_to, starts, ends) AS (VALUES {}) ",
            rows.join(", ")
        );
        Self { with, values, depth: question.depth }
    }

    /// The two columns that every answer has.
    fn key(&self, village: &str) -> String {
        format!("CAST(p.n AS BIGINT) AS n, substr({village}, 1, {}) AS place", self.depth)
    }

    fn group(&self, village: &str) -> String {
        format!("GROUP BY p.n, substr({village}, 1, {})", self.depth)
    }

    /// SQL: whether score line `l` existed: what a sheet awards since its week closed, what was taken back
    /// since it was decided. Its parameters are the two after the rows.
    fn known(&self) -> String {
        format!(
            "CASE WHEN l.kind = 'reversal' THEN l.approved_at < {} ELSE l.week < ${} END",
            self.after(),
            self.values.len() + 1
        )
    }

    /// SQL: the instant after `as_of`.
    fn after(&self) -> String {
        format!("${}", self.values.len() + 2)
    }

    fn with_known(&self, as_of: Option<Instant>) -> Vec<Value> {
        let (open, after) = match as_of {
            Some(at) => (Week::of(at).to_string(), at.0.saturating_add(1)),
            None => (":".to_owned(), i64::MAX),
        };
        let known: [Value; 2] = [open.into(), after.into()];
        self.values.iter().cloned().chain(known).collect()
    }
}

/// The period; its first and last week; from when to when points are spent. Households are eligible as it
/// was when the period ended, or at `as_of`.
fn span(period: Option<Period>, as_of: Option<Instant>) -> [Value; 5] {
    let (first, last) = match period.map(Period::weeks) {
        Some((first, last)) => (first.to_string(), last.to_string()),
        None => ("0".to_owned(), ":".to_owned()),
    };
    let starts = period.map_or(i64::MIN, |period| period.starts_at().0);
    let end = period.map_or(i64::MAX, |period| period.ends_at().0);
    let ends = as_of.map_or(end, |at| end.min(at.0.saturating_add(1)));
    [named(period).into(), first.into(), last.into(), starts.into(), ends.into()]
}

/// Counts everything that is asked.
///
/// What was earned is a row per village, the last of its period that was known (`statistics/kept.rs`).
/// Redemptions and journals are read village by village along their indexes: a period costs what lies in
/// it, not what lies before.
pub async fn ask(on: &impl ConnectionTrait, question: &Question<'_>) -> Outcome<Answers> {
    let rows = Rows::of(question);
    let mut answers = BTreeMap::<(i64, String), Totals>::new();
    for row in people(on, &rows).await? {
        let of = answers.entry((row.n, row.place)).or_default();
        (of.eligible, of.registered, of.activated) = (row.eligible, row.registered, row.activated);
    }
    for row in kept(on, &rows, question.as_of).await? {
        let of = answers.entry((row.n, row.place)).or_default();
        (of.participating, of.by_category) = (row.households, row.by_category);
    }
    for row in ended(on, &rows, question.as_of).await? {
        answers.entry((row.n, row.place)).or_default().participating -= row.number;
    }
    for row in redeemed(on, &rows).await? {
        answers.entry((row.n, row.place)).or_default().redeemed += row.number;
    }
    for row in expired(on, &rows).await? {
        answers.entry((row.n, row.place)).or_default().expired = row.number;
    }
    Ok(Answers(answers))
}

#[derive(FromQueryResult)]
struct People {
    n: i64,
    place: String,
    eligible: i64,
    registered: i64,
    activated: i64,
}

#[derive(FromQueryResult)]
struct Number {
    n: i64,
    place: String,
    number: i64,
}

/// What lines came to, and households that took part, whether they are eligible or not.
struct Kept {
    n: i64,
    place: String,
    households: i64,
    by_category: BTreeMap<String, i64>,
}

impl FromQueryResult for Kept {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let points = |category: Category| {
            let points = row.try_get(prefix, category.as_str());
            points.map(|points| (category.word(), points))
        };
        Ok(Self {
            n: row.try_get(prefix, "n")?,
            place: row.try_get(prefix, "place")?,
            households: row.try_get(prefix, "households")?,
            by_category: Category::ALL.into_iter().map(points).collect::<Result<_, _>>()?,
        })
    }
}

async fn people(on: &impl ConnectionTrait, rows: &Rows) -> Outcome<Vec<People>> {
    let sql = format!(
        "{} SELECT {}, CAST(COUNT(*) AS BIGINT) AS eligible, \
           CAST(COUNT(CASE WHEN h.registered_at < p.ends THEN 1 END) AS BIGINT) AS registered, \
           CAST(COUNT(CASE WHEN h.registered_at < p.ends AND h.activated_at < p.ends THEN 1 END) \
             AS BIGINT) AS activated \
         FROM p CROSS JOIN households h WHERE h.village >= $1 AND h.village < $2 AND {} {}",
        rows.with,
        rows.key("h.village"),
        eligible("p.ends"),
        rows.group("h.village")
    );
    Ok(db::all(on, &sql, rows.values.clone()).await?)
}

/// The last totals of each village and period that were known.
async fn kept(
    on: &impl ConnectionTrait,
    rows: &Rows,
    as_of: Option<Instant>,
) -> Outcome<Vec<Kept>> {
    let known = format!(
        "x.village = v.village AND x.period = p.period AND x.since < ${}",
        rows.values.len() + 1
    );
    let sql = format!(
        "{} SELECT {}, CAST(SUM(t.households) AS BIGINT) AS households, {} \
         FROM p CROSS JOIN villages v {} WHERE v.village >= $1 AND v.village < $2 {}",
        rows.with,
        rows.key("v.village"),
        each(|word| format!("CAST(SUM(t.{word}) AS BIGINT) AS {word}")),
        db::join_last(on, "period_totals", "t", &known, "x.since"),
        rows.group("v.village")
    );
    let after = as_of.map_or(i64::MAX, |at| at.0.saturating_add(1));
    Ok(db::all(on, &sql, rows.values.iter().cloned().chain([after.into()])).await?)
}

/// Households that took part and were not eligible any more when the period ended: few, each looked up
/// in its standings, and of those that have some along its lines until one is found.
async fn ended(
    on: &impl ConnectionTrait,
    rows: &Rows,
    as_of: Option<Instant>,
) -> Outcome<Vec<Number>> {
    let sql = format!(
        "{} SELECT {}, CAST(COUNT(*) AS BIGINT) AS number FROM p CROSS JOIN households h \
         WHERE h.village >= $1 AND h.village < $2 AND h.ended_at < p.ends AND CASE WHEN ( \
           SELECT s.points FROM standings s WHERE s.village = h.village AND s.period = p.period \
           AND s.household = h.id) IS NOT NULL THEN ( \
             SELECT 1 FROM score_lines l WHERE l.village = h.village AND l.household = h.id \
             AND l.week BETWEEN p.week_from AND p.week_to AND {} \
             AND l.kind <> 'reversal' AND l.remedies IS NULL AND l.awarded > COALESCE(( \
               SELECT -SUM(r.awarded) FROM score_lines r WHERE r.village = l.village \
               AND r.reverses = l.id AND r.week BETWEEN p.week_from AND p.week_to \
               AND r.approved_at < {}), 0) LIMIT 1) END = 1 {}",
        rows.with,
        rows.key("h.village"),
        rows.known(),
        rows.after(),
        rows.group("h.village")
    );
    Ok(db::all(on, &sql, rows.with_known(as_of)).await?)
}

/// Points of redemptions collected in each period, and apart from them refunds in it.
async fn redeemed(on: &impl ConnectionTrait, rows: &Rows) -> Outcome<Vec<Number>> {
    let sql = format!(
        "{with} SELECT {key}, CAST(SUM(x.points) AS BIGINT) AS number FROM p CROSS JOIN villages v \
         JOIN redemptions x ON x.village = v.village AND x.closed_at >= p.starts \
           AND x.closed_at < p.ends AND x.status IN ('collected', 'refunded') \
         WHERE v.village >= $1 AND v.village < $2 {group} \
         UNION ALL SELECT {key}, -CAST(SUM(f.points) AS BIGINT) AS number \
         FROM p CROSS JOIN villages v \
         JOIN refunds f ON f.village = v.village AND f.at >= p.starts AND f.at < p.ends \
         WHERE v.village >= $1 AND v.village < $2 {group}",
        with = rows.with,
        key = rows.key("v.village"),
        group = rows.group("v.village")
    );
    Ok(db::all(on, &sql, rows.values.clone()).await?)
}

async fn expired(on: &impl ConnectionTrait, rows: &Rows) -> Outcome<Vec<Number>> {
    // Each village's few journals of this kind are found by their key.
    let sql = format!(
        "{} SELECT {}, CAST(SUM(t.points) AS BIGINT) AS number FROM p CROSS JOIN villages v \
         JOIN journals j ON j.village = v.village AND j.kind = 'expire' AND j.at >= p.starts \
           AND j.at < p.ends \
         JOIN postings t ON t.village = j.village AND t.journal = j.id AND t.account = 'expired' \
         WHERE v.village >= $1 AND v.village < $2 {}",
        rows.with,
        rows.key("v.village"),
        rows.group("v.village")
    );
    Ok(db::all(on, &sql, rows.values.clone()).await?)
}
