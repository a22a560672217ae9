//! A board: which there are, and its bytes from SQL.

use std::fmt;
use std::str::FromStr;

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::groups::{AheadBy, groups};
use super::source::{Source, category, source, year_status};
use super::year::{YearRanking, year_ranking};
use crate::app::App;
use crate::households::{eligible, grid_then};
use crate::kernel::cache::Made;
use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::period::Period;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::RegionCode;
use crate::kernel::text::masked;
use crate::regions;
use crate::rules::Category;

/// How many ranks a board shows.
pub const ROWS: usize = 50;

/// What a board ranks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Of {
    #[default]
    Households,
    /// By points per household, as `AheadBy` says.
    Grids,
    /// By points per household, as `AheadBy` says.
    Villages,
}

impl Of {
    fn word(self) -> &'static str {
        match self {
            Self::Households => "households",
            Self::Grids => "grids",
            Self::Villages => "villages",
        }
    }
}

/// Which board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub region: RegionCode,
    pub period: Period,
    pub of: Of,
    pub category: Option<Category>,
}

/// Its name in the cache; what stands in braces keeps a region's together in a cluster.
impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { region, period, of, category } = self;
        let category = category.map_or("", Category::as_str);
        write!(f, "board:{{{region}}}:{period}:{}:{category}", of.word())
    }
}

impl FromStr for Asked {
    type Err = NoSuchBoard;

    fn from_str(name: &str) -> Result<Self, NoSuchBoard> {
        let parts: Vec<_> = name.split(':').collect();
        let ["board", region, period, of, word] = parts.as_slice() else { return Err(NoSuchBoard) };
        let region = region.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
        let ofs = [Of::Households, Of::Grids, Of::Villages];
        Ok(Self {
            region: region.and_then(|it| it.parse().ok()).ok_or(NoSuchBoard)?,
            period: period.parse().map_err(|_| NoSuchBoard)?,
            of: ofs.into_iter().find(|it| it.word() == *of).ok_or(NoSuchBoard)?,
            category: category(Some(*word).filter(|word| !word.is_empty()))
                .map_err(|_| NoSuchBoard)?,
        })
    }
}

/// The name is no board's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchBoard;

/// The best of a region in a period.
#[derive(Serialize, ToSchema)]
pub struct Board {
    pub region: RegionCode,
    pub period: Period,
    pub of: Of,
    /// Only points of this category; absent: of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub category: Option<Category>,
    /// `provisional` until every public list of the period is closed and every objection to it is
    /// decided, then `final`. A year's is `published` for seven days in between, and until every objection
    /// to the ranking itself is decided. All time is always `provisional`.
    #[schema(example = "provisional")]
    pub status: String,
    /// Since when the year's ranking of a village is published.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub published_at: Option<Instant>,
    /// Until when objections to the year's ranking of a village are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub objections_until: Option<Instant>,
    /// Why the year's ranking of a village was in publicity for longer than seven days.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "元月3日至5日停电断网，公示顺延一周")]
    pub extension_reason: Option<String>,
    /// Since when the year's ranking of a village is final.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub final_at: Option<Instant>,
    pub items: Vec<BoardRow>,
}

#[derive(Clone, Serialize, ToSchema)]
pub struct BoardRow {
    /// From 1; no two rows share one.
    #[schema(example = 1)]
    pub rank: usize,
    /// Of a household the head's name, masked, absent where the household keeps it to itself; else
    /// the region's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "张*")]
    pub name: Option<String>,
    /// The village, or the grid or village that is ranked.
    pub region: RegionCode,
    /// Earned in the period; spending does not count.
    #[schema(example = 39)]
    pub points: i64,
    /// Households that share the points; only of grids and villages.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 68)]
    pub households: Option<i64>,
    /// Equal points, of grids and villages per household, with a neighbour on the board: a tie was
    /// broken.
    pub tie: bool,
    /// The rule that put a grid or village before the next one. What decided between households is told
    /// to them alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ahead_by: Option<AheadBy>,
}

/// Rises with every close and decision in any village of the region, and with every village that begins.
pub async fn version(app: &App, region: &RegionCode) -> Outcome<String> {
    let sql = "SELECT CAST(COALESCE(SUM(version + 1), 0) AS BIGINT) FROM villages \
               WHERE village >= $1 AND village < $2";
    let sum = db::number(app.db.read(), sql, region.bounds()).await?;
    Ok(sum.to_string())
}

/// The board's bytes from SQL. Those of a final one of grids or villages last; a household can have its
/// name hidden at any time, so none with names does.
pub async fn made(app: &App, asked: &Asked) -> Outcome<Made> {
    let board = build(app, asked).await?;
    let lasting = board.status == "final" && asked.of != Of::Households;
    let bytes = serde_json::to_vec(&board).map_err(|error| Problem::fault(error.to_string()))?;
    Ok(Made { bytes, lasting })
}

async fn build(app: &App, asked: &Asked) -> Outcome<Board> {
    let Asked { region, period, of, category } = asked;
    regions::find(app.db.read(), region).await?;
    let items = match of {
        Of::Households => households(app, asked).await?,
        Of::Grids => groups(app, asked, &grid_then("$4")).await?,
        Of::Villages => groups(app, asked, "h.village").await?,
    };
    let status = status(app, region, *period).await?;
    let year = ranking(app, region, *period).await?;
    let published_at = year.as_ref().map(|it| Instant(it.published_at));
    let open = year.as_ref().filter(|it| !it.publicity_ended);
    Ok(Board {
        region: region.clone(),
        period: *period,
        of: *of,
        category: *category,
        status: status.to_owned(),
        published_at,
        objections_until: open.map(YearRanking::ends_at),
        extension_reason: year.as_ref().and_then(|it| it.extension_reason.clone()),
        final_at: year.and_then(|it| it.final_at).map(Instant),
        items,
    })
}

/// `provisional`, `published` or `final`.
pub async fn status(app: &App, region: &RegionCode, period: Period) -> Outcome<&'static str> {
    Ok(match period {
        Period::Year(_) => year_status(app.db.read(), region, period).await?,
        Period::All => "provisional",
        _ if is_final(app.db.read(), region.bounds(), period).await? => "final",
        _ => "provisional",
    })
}

/// The published ranking, if the board is a village's of a year.
async fn ranking(app: &App, region: &RegionCode, period: Period) -> Outcome<Option<YearRanking>> {
    let year = matches!(period, Period::Year(_)).then(|| period.to_string().parse().ok()).flatten();
    let village = region.village().filter(|village| village.as_str() == region.as_str());
    match village.zip(year) {
        Some((village, year)) => year_ranking(app.db.read(), &village, year).await,
        None => Ok(None),
    }
}

/// The first of a region's households, of whom the names are then looked up.
async fn households(app: &App, asked: &Asked) -> Outcome<Vec<BoardRow>> {
    #[derive(FromQueryResult)]
    struct Row {
        village: String,
        name: Option<String>,
        points: i64,
    }
    let Source { standings, number } = source(asked.period, asked.category);
    let sql = format!(
        "SELECT f.village, m.name, f.points FROM ( \
           SELECT s.village, s.household, s.points, s.deductions, s.categories, s.reached_at, \
             {number} AS number \
           FROM {standings} s JOIN households h ON h.village = s.village AND h.id = s.household \
           WHERE s.period = $1 AND s.village >= $2 AND s.village < $3 AND {} \
           ORDER BY s.points DESC, s.deductions, s.categories DESC, s.reached_at, s.village, \
             {number} LIMIT $4) AS f \
         LEFT JOIN shown_heads m ON m.village = f.village AND m.household = f.household \
         ORDER BY f.points DESC, f.deductions, f.categories DESC, f.reached_at, f.village, f.number",
        eligible("$5")
    );
    let [from, to] = asked.region.bounds();
    // One more than is shown, to know whether the last one broke a tie.
    let limit = i64::try_from(ROWS + 1).unwrap_or(i64::MAX);
    let values: [Value; 5] =
        [asked.period.to_string().into(), from, to, limit.into(), asked.period.ends_at().0.into()];
    let rows = db::all::<Row>(app.db.read(), &sql, values).await?;
    let row = |(rank, row): (usize, Row)| {
        let region = row.village.parse();
        Ok(BoardRow {
            rank,
            name: row.name.as_deref().map(masked),
            region: region.map_err(|_| Problem::fault(format!("village {}", row.village)))?,
            points: row.points,
            households: None,
            tie: false,
            ahead_by: None,
        })
    };
    let rows = (1..).zip(rows).map(row).collect::<Outcome<Vec<_>>>()?;
    Ok(with_ties(rows))
}

fn with_ties(mut rows: Vec<BoardRow>) -> Vec<BoardRow> {
    let points: Vec<_> = rows.iter().map(|row| row.points).collect();
    for (at, row) in rows.iter_mut().enumerate() {
        let before = at.checked_sub(1).and_then(|at| points.get(at));
        row.tie = [before, points.get(at + 1)].contains(&Some(&row.points));
    }
    rows.truncate(ROWS);
    rows
}

/// Whether nothing in a period of less than a year can change any more, in all villages between two codes.
pub async fn is_final(
    on: &impl ConnectionTrait,
    [from, to]: [Value; 2],
    period: Period,
) -> Outcome<bool> {
    #[derive(FromQueryResult)]
    struct Row {
        missing: i64,
        undecided: i64,
        lists: i64,
    }
    let sql = "SELECT \
        (SELECT COUNT(*) FROM villages v WHERE v.village >= $1 AND v.village < $2 \
           AND v.starts_at < $5 AND NOT EXISTS (SELECT 1 FROM public_lists p \
             WHERE p.village = v.village AND p.month = $4 AND p.status = 'closed')) AS missing, \
        (SELECT COUNT(*) FROM objections o WHERE o.village >= $1 AND o.village < $2 \
           AND o.month BETWEEN $3 AND $4 AND o.status IN ('filed', 'investigating')) \
         + (SELECT COUNT(*) FROM public_lists p WHERE p.village >= $1 AND p.village < $2 \
           AND p.month BETWEEN $3 AND $4 AND p.status <> 'closed') AS undecided, \
        (SELECT COUNT(*) FROM public_lists p WHERE p.village >= $1 AND p.village < $2 \
           AND p.month = $4) AS lists";
    let first = period.weeks().0.month().to_string();
    let last = period.last_month().to_string();
    let values = [from, to, first.into(), last.into(), period.ends_at().0.into()];
    let row = db::one::<Row>(on, sql, values).await?;
    Ok(row.is_some_and(|row| row.missing == 0 && row.undecided == 0 && row.lists > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(rank: usize, points: i64) -> BoardRow {
        let region = "460205100201".parse().expect("a code");
        BoardRow {
            rank,
            name: Some("张*".to_owned()),
            region,
            points,
            households: None,
            tie: false,
            ahead_by: None,
        }
    }

    #[test]
    fn both_sides_of_a_tie_are_marked() {
        let rows = with_ties(vec![row(1, 9), row(2, 5), row(3, 5), row(4, 1)]);
        assert_eq!(rows.iter().map(|row| row.tie).collect::<Vec<_>>(), [false, true, true, false]);
    }

    #[test]
    fn a_boards_name_says_which_it_is() {
        for name in [
            "board:{460205}:2024-W35:households:",
            "board:{460205100201}:all:grids:law_abiding",
            "board:{46}:2024:villages:public_welfare",
        ] {
            assert_eq!(name.parse::<Asked>().map(|it| it.to_string()).as_deref(), Ok(name));
        }
        for name in ["rules:{46}:2024:grids:", "board:{46}:2024:cadres:", "board:{46}:2024:grids:x"]
        {
            assert_eq!(name.parse::<Asked>(), Err(NoSuchBoard), "{name}");
        }
    }
}
