//! Awards (名次奖, 分红): what a village gives for a year, by its final ranking. They cost no points and are
//! nothing that was redeemed; they are collected at the counter, or lapse.
//!
//! A veto (一票否决) keeps a household's rank and skips its rank award and its honours of the year. It does
//! not touch a dividend: that is a share in what belongs to all, and what the household did has cost it
//! points already.

mod catalogue;
mod collect;
mod decide_dividend;
mod decide_veto;
mod dividends;
mod grant;
mod household;
mod put_scheme;
mod read;
mod rules;
mod scheme;
mod vetoes;

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

pub use catalogue::{CatalogueAward, builtin};
pub use grant::{FIRST_LAPSE, grant, lapse};
pub use household::{YearAward, of_household};

use crate::kernel::db;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;
use crate::kernel::routes::Routes;
use crate::kernel::year::Year;

/// Days for which an award can be collected.
pub const COLLECT_DAYS: i64 = 90;
/// Wrong pickup codes after which an award's code is locked.
pub const WRONG_CODES_MAX: i64 = 5;

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes
        .service(scheme::show_scheme)
        .service(put_scheme::put_scheme)
        .service(read::list_awards)
        .service(collect::collect_award)
        .service(dividends::propose_dividend)
        .service(dividends::list_dividends)
        .service(decide_dividend::decide_dividend)
        .service(vetoes::propose_veto)
        .service(vetoes::list_vetoes)
        .service(decide_veto::state_on_veto)
        .service(decide_veto::decide_veto);
}

/// What the second person makes of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    Approve,
    Reject,
}

/// Households of village `$1` that are vetoed in year `$2`, the weeks `$3` to `$4`: by a decision, or
/// because a deduction whose rule says so was confirmed and neither taken back nor put right.
const VETOED: &str = "SELECT v.household FROM vetoes v \
    WHERE v.village = $1 AND v.year = $2 AND v.status = 'approved' \
    UNION SELECT l.household FROM score_lines l \
    JOIN rules u ON u.rule_set = l.rule_set AND u.key = l.rule \
    JOIN public_list_lines p ON p.village = l.village AND p.line = l.id \
    WHERE l.village = $1 AND l.week BETWEEN $3 AND $4 AND l.kind = 'claim' AND l.awarded < 0 \
    AND u.veto IS NOT NULL AND p.confirmed_at IS NOT NULL \
    AND l.awarded + COALESCE((SELECT SUM(r.awarded) FROM score_lines r \
      WHERE r.village = l.village AND r.reverses = l.id), 0) \
      + COALESCE((SELECT SUM(r.awarded) FROM score_lines r \
      WHERE r.village = l.village AND r.remedies = l.id), 0) < 0";

/// The households that a village honours and awards nothing in a year. For those who decide: nobody else
/// is told.
pub async fn vetoed(
    on: &impl ConnectionTrait,
    village: &Village,
    year: Year,
) -> Outcome<Vec<Uuid>> {
    #[derive(FromQueryResult)]
    struct Row {
        household: Uuid,
    }
    let rows = db::all::<Row>(on, VETOED, span(village, year)).await?;
    Ok(rows.into_iter().map(|row| row.household).collect())
}

/// Whether a household is vetoed in a year.
pub async fn is_vetoed(
    on: &impl ConnectionTrait,
    village: &Village,
    household: Uuid,
    year: Year,
) -> Outcome<bool> {
    let sql = format!("SELECT COUNT(*) FROM ({VETOED}) AS vetoed WHERE household = $5");
    let values = span(village, year).into_iter().chain([household.into()]);
    Ok(db::number(on, &sql, values).await? > 0)
}

fn span(village: &Village, year: Year) -> [Value; 4] {
    let (first, last) = year.period().weeks();
    [village.into(), year.into(), first.to_string().into(), last.to_string().into()]
}
