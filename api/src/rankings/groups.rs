//! Boards of grids and of villages: by points per eligible household, whatever their size.

use std::cmp::Ordering;

use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::board::{Asked, BoardRow, ROWS};
use super::source::{Source, source};
use crate::app::App;
use crate::households::eligible;
use crate::kernel::db;
use crate::kernel::problem::{Outcome, Problem};

/// The rule that put one grid or village before the next. Their ranks are distinct, too: more points per
/// household, then fewer deducted points per household, then more of the households with points, then the
/// lower code. Shares are compared as fractions, without rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AheadBy {
    MorePerHousehold,
    FewerDeductionsPerHousehold,
    MoreHouseholdsWithPoints,
    LowerCode,
}

/// A grid or village in a period.
#[derive(Clone, Debug, FromQueryResult)]
struct Group {
    code: String,
    name: String,
    points: i64,
    /// Deducted points, as a positive number.
    deductions: i64,
    /// Households with more than 0 points.
    earning: i64,
    /// Eligible households, 1 or more.
    households: i64,
}

/// The best grids or villages of a region; `column` is the code of the one that household `h` counts for:
/// what it earned counts for the grid it was in when the period ended. Of a file that had ended by then
/// neither the points nor the household count; a veto changes no board, only who gets an award.
pub async fn groups(app: &App, asked: &Asked, column: &str) -> Outcome<Vec<BoardRow>> {
    let Source { standings, .. } = source(asked.period, asked.category);
    let sql = format!(
        "SELECT r.code, r.name, g.points, g.deductions, g.earning, g.households FROM ( \
           SELECT {column} AS code, CAST(COALESCE(SUM(s.points), 0) AS BIGINT) AS points, \
             CAST(COALESCE(SUM(s.deductions), 0) AS BIGINT) AS deductions, \
             CAST(COUNT(CASE WHEN s.points > 0 THEN 1 END) AS BIGINT) AS earning, \
             CAST(COUNT(*) AS BIGINT) AS households \
           FROM households h LEFT JOIN {standings} s ON s.village = h.village \
             AND s.household = h.id AND s.period = $1 \
           WHERE h.village >= $2 AND h.village < $3 AND {} GROUP BY 1) AS g \
         JOIN regions r ON r.code = g.code",
        eligible("$4")
    );
    let [from, to] = asked.region.bounds();
    let values = [asked.period.to_string().into(), from, to, asked.period.ends_at().0.into()];
    let mut groups = db::all::<Group>(app.db.read(), &sql, values).await?;
    groups.sort_by(|a, b| compare(a, b).0);
    let row = |at: usize| groups.get(at).map(|group| placed(&groups, at, group));
    (0..groups.len().min(ROWS)).filter_map(row).collect()
}

fn placed(groups: &[Group], at: usize, group: &Group) -> Outcome<BoardRow> {
    let ahead_by = groups.get(at + 1).map(|next| compare(group, next).1);
    let before = at.checked_sub(1).and_then(|at| groups.get(at));
    let behind_by = before.map(|before| compare(before, group).1);
    let is_tie = |by: &Option<AheadBy>| by.is_some_and(|by| by != AheadBy::MorePerHousehold);
    let region = group.code.parse();
    Ok(BoardRow {
        rank: at + 1,
        name: Some(group.name.clone()),
        region: region.map_err(|_| Problem::fault(format!("region {}", group.code)))?,
        points: group.points,
        households: Some(group.households),
        tie: is_tie(&ahead_by) || is_tie(&behind_by),
        ahead_by,
    })
}

/// Which of two stands before the other, and by which rule.
fn compare(a: &Group, b: &Group) -> (Ordering, AheadBy) {
    let more = |part: fn(&Group) -> i64| per_household(part(b), b, part(a), a);
    let rules = [
        (more(|it| it.points), AheadBy::MorePerHousehold),
        (more(|it| it.deductions).reverse(), AheadBy::FewerDeductionsPerHousehold),
        (more(|it| it.earning), AheadBy::MoreHouseholdsWithPoints),
    ];
    let decided = rules.into_iter().find(|(order, _)| order.is_ne());
    decided.unwrap_or_else(|| (a.code.cmp(&b.code), AheadBy::LowerCode))
}

/// Compares what falls on a household of `a` with what falls on one of `b`.
fn per_household(of_a: i64, a: &Group, of_b: i64, b: &Group) -> Ordering {
    let cross = |part: i64, of: &Group| i128::from(part) * i128::from(of.households);
    cross(of_a, b).cmp(&cross(of_b, a))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn group(code: &str, points: i64, deductions: i64, earning: i64, households: i64) -> Group {
        let (code, name) = (code.to_owned(), String::new());
        Group { code, name, points, deductions, earning, households }
    }

    #[test]
    fn a_small_village_is_not_behind_for_being_small() {
        let first = group("1", 10, 1, 1, 2);
        let cases = [
            (group("0", 40, 0, 10, 10), AheadBy::MorePerHousehold),
            (group("0", 20, 3, 4, 4), AheadBy::FewerDeductionsPerHousehold),
            (group("0", 20, 2, 1, 4), AheadBy::MoreHouseholdsWithPoints),
            (group("2", 20, 2, 2, 4), AheadBy::LowerCode),
        ];
        for (second, rule) in cases {
            assert_eq!(compare(&first, &second), (Ordering::Less, rule), "{second:?}");
            assert_eq!(compare(&second, &first), (Ordering::Greater, rule), "{second:?}");
        }
    }

    proptest! {
        /// Two of different codes never share a rank.
        #[test]
        fn ranks_are_distinct(
            a in (-3..3_i64, 0..3_i64, 0..3_i64, 1..4_i64),
            b in (-3..3_i64, 0..3_i64, 0..3_i64, 1..4_i64),
        ) {
            let (a, b) = (group("1", a.0, a.1, a.2, a.3), group("2", b.0, b.1, b.2, b.3));
            prop_assert_ne!(compare(&a, &b).0, Ordering::Equal);
            prop_assert_eq!(compare(&a, &b).0, compare(&b, &a).0.reverse());
        }
    }
}
