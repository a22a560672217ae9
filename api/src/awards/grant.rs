//! Giving the awards of a year when its ranking becomes final, and their lapse.

use std::collections::BTreeSet;

use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::put_scheme::fix;
use super::rules::{Candidate, Lot, allot};
use super::scheme::load;
use super::{COLLECT_DAYS, vetoed};
use crate::households::{Notice, tell};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::ledger::journal_id;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;
use crate::kernel::year::Year;
use crate::rankings;

/// When the first award of a village lapses.
pub const FIRST_LAPSE: &str =
    "SELECT MIN(lapses_at) FROM awards WHERE village = $1 AND status = 'granted'";

/// An award to be written.
pub struct Given {
    pub kind: &'static str,
    pub place: i64,
    pub rank: i64,
    pub household: Uuid,
    pub item: String,
    pub name_zh: String,
    pub name_en: String,
    pub value_fen: i64,
    pub funding: String,
    pub dividend: Option<Uuid>,
}

/// Gives the rank awards of a year by its final ranking: in order of rank to those whose files are open and
/// who are not vetoed. The catalogue's awards become the village's own, if it has set none.
pub async fn grant(tx: &Tx, village: &Village, year: Year, at: Instant) -> Outcome<()> {
    let scheme = load(tx, village, year).await?;
    if !scheme.fixed {
        fix(tx, village, year, &scheme.items, at).await?;
    }
    let vetoed: BTreeSet<_> = vetoed(tx, village, year).await?.into_iter().collect();
    let ranked = rankings::ranked(tx, village, year, at).await?;
    let candidate = |it: &rankings::Ranked| Candidate {
        rank: it.rank,
        household: it.household,
        fit: it.active && !vetoed.contains(&it.household),
    };
    let candidates: Vec<_> = ranked.iter().map(candidate).collect();
    let lot = |it: &super::scheme::AwardItem| Lot { from: it.rank_from, to: it.rank_to };
    let lots: Vec<_> = scheme.items.iter().map(lot).collect();
    let given = allot(&lots, &candidates).into_iter().filter_map(|it| {
        let item = scheme.items.get(it.lot)?.clone();
        Some(Given {
            kind: "rank_award",
            place: it.place,
            rank: it.rank,
            household: it.household,
            item: item.item,
            name_zh: item.name_zh,
            name_en: item.name_en,
            value_fen: item.value_fen,
            funding: item.funding,
            dividend: None,
        })
    });
    write(tx, village, year, &given.collect::<Vec<_>>(), at).await
}

/// Writes awards, collectable from `at` on, and tells the households.
pub async fn write(
    tx: &Tx,
    village: &Village,
    year: Year,
    given: &[Given],
    at: Instant,
) -> Outcome<()> {
    let count = given.len();
    // Of their meaning, so that a late run writes the same rows.
    let id = |it: &Given| journal_id(village, it.kind, &format!("{year}:{}", it.household));
    let ids: Vec<_> = given.iter().map(id).collect();
    let text = |get: fn(&Given) -> &str| given.iter().map(|it| get(it).to_owned()).collect();
    let number = |get: fn(&Given) -> i64| given.iter().map(get).collect();
    let lapses_at = at.plus_days(COLLECT_DAYS);
    let columns = [
        Column::Text("village", vec![village.to_string(); count]),
        Column::Uuid("id", ids.clone()),
        Column::Text("year", vec![year.to_string(); count]),
        Column::Text("kind", text(|it| it.kind)),
        Column::Number("place", number(|it| it.place)),
        Column::Number("rank", number(|it| it.rank)),
        Column::Uuid("household", given.iter().map(|it| it.household).collect()),
        Column::Text("item", text(|it| &it.item)),
        Column::Text("name_zh", text(|it| &it.name_zh)),
        Column::Text("name_en", text(|it| &it.name_en)),
        Column::Number("value_fen", number(|it| it.value_fen)),
        Column::Text("funding", text(|it| &it.funding)),
        Column::MaybeUuid("dividend", given.iter().map(|it| it.dividend).collect()),
        Column::Text("status", vec!["granted".to_owned(); count]),
        Column::Number("granted_at", vec![at.0; count]),
        Column::Number("lapses_at", vec![lapses_at.0; count]),
        Column::Number("wrong_codes", vec![0; count]),
        Column::Number("version", vec![1; count]),
    ];
    db::bulk_insert(tx, "awards", &columns, "").await?;
    let notice = |(id, it): (&Uuid, &Given)| {
        let (kind, what) = match it.dividend {
            None => ("award_granted", format!("年度第{}名，奖品：{}", it.rank, it.name_zh)),
            Some(_) => ("dividend_granted", format!("年度分红{}元", yuan(it.value_fen))),
        };
        let until = lapses_at.plus_days(-1).day();
        let detail =
            format!("本户获{year}{what}，请于{until}（含）前凭取货码到积分超市领取，不扣积分");
        Notice { recipient: it.household, kind, subject: *id, detail }
    };
    let notices: Vec<_> = ids.iter().zip(given).map(notice).collect();
    tell(tx, village, at, &notices).await
}

/// Fen as yuan with two decimals.
fn yuan(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

/// Ends what was not collected in its days.
pub async fn lapse(tx: &Tx, village: &Village, at: Instant) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        household: Uuid,
        name_zh: String,
    }
    let due = "village = $1 AND status = 'granted' AND lapses_at <= $2";
    let values = || -> [Value; 2] { [village.into(), at.0.into()] };
    let sql = format!("SELECT id, household, name_zh FROM awards WHERE {due} ORDER BY id");
    let rows = db::all::<Row>(tx, &sql, values()).await?;
    let sql = format!(
        "UPDATE awards SET status = 'lapsed', closed_at = $2, version = version + 1 WHERE {due}"
    );
    db::run(tx, &sql, values()).await?;
    let notice = |row: Row| Notice {
        recipient: row.household,
        kind: "award_lapsed",
        subject: row.id,
        detail: format!("{}：{COLLECT_DAYS}天内未领取，已失效", row.name_zh),
    };
    tell(tx, village, at, &rows.into_iter().map(notice).collect::<Vec<_>>()).await
}

#[cfg(test)]
mod tests {
    #[test]
    fn fen_are_shown_as_yuan() {
        let shown: Vec<_> = [333_305, 5, 100, 0].into_iter().map(super::yuan).collect();
        assert_eq!(shown, ["3333.05", "0.05", "1.00", "0.00"]);
    }
}
