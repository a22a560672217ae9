//! Claims of families that are filed at the same moment: one transaction, a result for each.

use actix_web::web::Data;

use super::admission::{Filing, Terms};
use super::facts::Sent;
use super::pictures;
use super::read::{Claim, load, load_each};
use super::submit::{NewClaim, submit_all, submit_each};
use super::weigh::again_if_outrun;
use crate::app::App;
use crate::identity::Neighbour;
use crate::kernel::command::{self, Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::group::{Group, Job};
use crate::kernel::problem::{Code, Outcome, Refusal};

/// A claim on its way into a group.
pub struct Waiting {
    caller: Neighbour,
    claim: Command<NewClaim>,
}

impl Job for Waiting {
    fn place(&self) -> &str {
        self.caller.village.as_str()
    }
}

impl Waiting {
    fn keyed(&self) -> command::Sent<'_, NewClaim> {
        let (region, account) = (self.caller.village.as_str(), self.caller.account);
        command::Sent { command: &self.claim, region, account }
    }

    fn sent(&self) -> Sent<'_> {
        let (filer, village) = (&self.caller.caller, &self.caller.village);
        Sent { filer, village, claim: &self.claim.body }
    }
}

/// Where claims meet.
pub type Claims = Group<Waiting, Answer<Claim>>;

/// Files a claim; a family's own together with those that arrive meanwhile.
pub async fn submit(
    app: &Data<App>,
    caller: Neighbour,
    claim: Command<NewClaim>,
) -> Outcome<Answer<Claim>> {
    let waiting = Waiting { caller, claim };
    if !is_simple(&waiting) {
        return alone(app, &waiting).await;
    }
    let (many, one) = (app.clone(), app.clone());
    let together = async move |waiting: &[Waiting]| together(&many, waiting).await;
    app.claims.join(waiting, together, async move |waiting| alone(&one, waiting).await).await
}

/// A family's own claim without photos: what it depends on is read for many at once. Officials' claims
/// depend on their kin, and pictures on locks that one claim takes better by itself.
fn is_simple(Waiting { caller, claim }: &Waiting) -> bool {
    caller.grants.is_empty()
        && caller.household_in(&caller.village) == Some(claim.body.household)
        && pictures::named(&claim.body.evidence).next().is_none()
}

async fn alone(app: &App, Waiting { caller, claim }: &Waiting) -> Outcome<Answer<Claim>> {
    let done = again_if_outrun(async || {
        let done = claim.once(app, caller.village.as_str(), caller.account, async |tx| {
            let (list, early_photos) = (None, false);
            let (filer, village) = (&caller.caller, &caller.village);
            let filing = Filing { app, filer, village, list, early_photos };
            let claims = std::slice::from_ref(&claim.body);
            submit_all(tx, &filing, claims).await?.into_iter().try_for_each(|it| it.map(|_| ()))?;
            load(app, tx, caller, claim.body.id).await
        });
        done.await
    });
    done.await
}

async fn together(app: &App, waiting: &[Waiting]) -> Outcome<Vec<Outcome<Answer<Claim>>>> {
    let done = app.db.write(async |tx| {
        db::wait_briefly(tx).await?;
        let sent: Vec<_> = waiting.iter().map(Waiting::keyed).collect();
        command::once_each(tx, app, &sent, async |fresh| file(app, tx, waiting, fresh).await).await
    });
    done.await
}

/// Files those of the claims that were not filed before.
async fn file(
    app: &App,
    tx: &Tx,
    waiting: &[Waiting],
    fresh: &[usize],
) -> Outcome<Vec<Result<Claim, Refusal>>> {
    let waiting: Vec<_> = fresh.iter().filter_map(|place| waiting.get(*place)).collect();
    let sent: Vec<_> = waiting.iter().map(|it| it.sent()).collect();
    let terms = Terms { app, list: None, early_photos: false };
    let filed = submit_each(tx, &terms, &sent).await?;
    let accepted = waiting.iter().zip(&filed).filter(|(_, filed)| filed.is_ok());
    let accepted: Vec<_> = accepted.map(|(it, _)| (&it.caller, it.claim.body.id)).collect();
    let mut claims = load_each(app, tx, &accepted).await?;
    let answer = |(it, filed): (&&Waiting, Result<_, Refusal>)| {
        let place = (it.caller.village.to_string(), it.claim.body.id);
        filed.and_then(|_| claims.remove(&place).ok_or_else(|| Code::NotFound.into()))
    };
    Ok(waiting.iter().zip(filed).map(answer).collect())
}
