//! The figures of many periods and many places, in five statements however many there are.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::Serialize;
use utoipa::ToSchema;

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
    /// `WITH p (n, week_from, week_to, starts, ends) AS …`
    with: String,
    /// `$1` and `$2` bound the villages; then four to a period.
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
            rows.push(format!("({at}, ${first}, ${}, ${}, ${})", first + 1, first + 2, first + 3));
            values.extend(span(*period, question.as_of));
        }
        let with = format!(
            "WITH p (n, week_from, week_to, starts, ends) AS (VALUES {}) ",
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

/// The first and last week; from when to when points are spent. Households are eligible as it was when the
/// period ended, or at `as_of`.
fn span(period: Option<Period>, as_of: Option<Instant>) -> [Value; 4] {
    let (first, last) = match period.map(Period::weeks) {
        Some((first, last)) => (first.to_string(), last.to_string()),
        None => ("0".to_owned(), ":".to_owned()),
    };
    let starts = period.map_or(i64::MIN, |period| period.starts_at().0);
    let end = period.map_or(i64::MAX, |period| period.ends_at().0);
    let ends = as_of.map_or(end, |at| end.min(at.0.saturating_add(1)));
    [first.into(), last.into(), starts.into(), ends.into()]
}

/// Counts everything that is asked.
///
/// Lines, redemptions and journals are read village by village along their indexes: a period costs what
/// lies in it, not what lies before.
pub async fn ask(on: &impl ConnectionTrait, question: &Question<'_>) -> Outcome<Answers> {
    let rows = Rows::of(question);
    let mut answers = BTreeMap::<(i64, String), Totals>::new();
    for row in people(on, &rows).await? {
        let of = answers.entry((row.n, row.place)).or_default();
        (of.eligible, of.registered, of.activated) = (row.eligible, row.registered, row.activated);
    }
    for row in participating(on, &rows, question.as_of).await? {
        answers.entry((row.n, row.place)).or_default().participating = row.number;
    }
    for row in by_category(on, &rows, question.as_of).await? {
        let of = answers.entry((row.n, row.place)).or_default();
        of.by_category.insert(row.category, row.points);
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

#[derive(FromQueryResult)]
struct Points {
    n: i64,
    place: String,
    category: String,
    points: i64,
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

async fn participating(
    on: &impl ConnectionTrait,
    rows: &Rows,
    as_of: Option<Instant>,
) -> Outcome<Vec<Number>> {
    let sql = format!(
        "{} SELECT {}, CAST(COUNT(DISTINCT l.household) AS BIGINT) AS number \
         FROM p CROSS JOIN villages v \
         JOIN score_lines l ON l.village = v.village AND l.week BETWEEN p.week_from AND p.week_to \
           AND l.village >= $1 AND l.village < $2 \
         JOIN households h ON h.village = l.village AND h.id = l.household \
         WHERE v.village >= $1 AND v.village < $2 AND {} \
         AND {} AND l.kind <> 'reversal' AND l.remedies IS NULL AND l.awarded > COALESCE(( \
           SELECT -SUM(r.awarded) FROM score_lines r WHERE r.village = l.village \
           AND r.reverses = l.id AND r.week BETWEEN p.week_from AND p.week_to \
           AND r.approved_at < {}), 0) {}",
        rows.with,
        rows.key("v.village"),
        rows.known(),
        eligible("p.ends"),
        rows.after(),
        rows.group("v.village")
    );
    Ok(db::all(on, &sql, rows.with_known(as_of)).await?)
}

async fn by_category(
    on: &impl ConnectionTrait,
    rows: &Rows,
    as_of: Option<Instant>,
) -> Outcome<Vec<Points>> {
    let sql = format!(
        "{} SELECT {}, l.category, CAST(SUM(l.awarded) AS BIGINT) AS points \
         FROM p CROSS JOIN villages v \
         JOIN score_lines l ON l.village = v.village AND l.week BETWEEN p.week_from AND p.week_to \
           AND l.village >= $1 AND l.village < $2 \
         WHERE v.village >= $1 AND v.village < $2 AND {} {}, l.category",
        rows.with,
        rows.key("v.village"),
        rows.known(),
        rows.group("v.village")
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
