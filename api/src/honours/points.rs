//! The claim by which an honour earns points, and what becomes of it when the honour is withdrawn.

use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::claims::{Retracted, retract};
use crate::identity::{Confirms, Official};
use crate::kernel::db::{self, Tx};
use crate::kernel::ledger::journal_id;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;
use crate::register::{self, Entry, Kind};

/// What became of an honour's points when it was withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HonourPoints {
    /// It had earned none.
    Nothing,
    /// Another honour in force earns the same points: they are still deserved.
    Kept,
    /// Its claim was not scored yet, and is withdrawn.
    Retracted,
    /// They were scored and not confirmed: the entry is struck.
    Struck,
    /// They are confirmed, contested on a closed list, or an appeal gives them back: the township's register
    /// says that a reversal has to be proposed.
    Stand,
}

impl HonourPoints {
    const ALL: [Self; 5] = [Self::Nothing, Self::Kept, Self::Retracted, Self::Struck, Self::Stand];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Kept => "kept",
            Self::Retracted => "retracted",
            Self::Struck => "struck",
            Self::Stand => "stand",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }

    /// What the household is told of it.
    pub fn told(self) -> &'static str {
        match self {
            Self::Nothing | Self::Kept => "",
            Self::Retracted => "，相应的积分申报已撤回",
            Self::Struck => "，相应积分尚未确认，已撤销",
            Self::Stand => "，相应积分已计入，须另行提请冲正",
        }
    }
}

/// The id of the claim by which an honour earns: of its meaning, so that of one honour there is one.
pub fn claim_of(village: &Village, honour: Uuid) -> Uuid {
    journal_id(village, "honour", &honour.to_string())
}

/// Takes back what an honour earned, as far as it is not confirmed; what stands is put on the register under
/// the entry's id. The caller holds the village alone.
///
/// # Errors
/// `busy` if the week ended since the request was let in.
pub async fn take_back(
    app: &App,
    tx: &Tx,
    by: &Official<Confirms>,
    honour: &entity::honour::Model,
    why: &str,
) -> Outcome<HonourPoints> {
    #[derive(FromQueryResult)]
    struct Same {
        id: Uuid,
        status: String,
    }
    let village = &by.village;
    let Some(claim) = honour.claim else { return Ok(HonourPoints::Nothing) };
    let sql = "SELECT id, status FROM honours WHERE village = $1 AND claim = $2";
    let same = db::all::<Same>(tx, sql, [village.into(), claim.into()]).await?;
    // Where the household had claimed the deed itself, no honour has paid for it.
    if !same.iter().any(|it| claim_of(village, it.id) == claim) {
        return Ok(HonourPoints::Nothing);
    }
    let in_force = |it: &Same| matches!(it.status.as_str(), "granted" | "withdrawing");
    if same.iter().any(|it| it.id != honour.id && in_force(it)) {
        return Ok(HonourPoints::Kept);
    }
    match retract(app, tx, village, by.person, claim, why).await? {
        Retracted::Nothing => Ok(HonourPoints::Nothing),
        Retracted::Claim => Ok(HonourPoints::Retracted),
        Retracted::Line => Ok(HonourPoints::Struck),
        Retracted::Stands => {
            let (kind, subject) = (Kind::HonourPointsStand, claim.to_string());
            let entry = Entry { kind, subject, person: Some(by.person), note: why.to_owned() };
            register::enter(tx, village, app.clock.now(), &[entry]).await?;
            Ok(HonourPoints::Stand)
        }
    }
}
