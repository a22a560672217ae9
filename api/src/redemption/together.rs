//! Orders of families that come at the same moment, as on opening morning: one transaction, a result for
//! each.

use actix_web::web::Data;

use super::helped::{inform, whose};
use super::orders::{self, Wish, redeem_each};
use super::read::{Redemption, load, load_each, with_code};
use super::redeem::{For, NewRedemption};
use crate::app::App;
use crate::households::Spender;
use crate::identity::Neighbour;
use crate::kernel::command::{self, Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::group::{Group, Job};
use crate::kernel::problem::{Code, Outcome, Refusal};

/// An order on its way into a group.
pub struct Waiting {
    caller: Neighbour,
    new: Command<NewRedemption>,
    /// The caller's own household, if it is one of a family for itself.
    own: Option<For>,
}

impl Job for Waiting {
    fn place(&self) -> &str {
        self.caller.village.as_str()
    }
}

impl Waiting {
    fn keyed(&self) -> command::Sent<'_, NewRedemption> {
        let (region, account) = (self.caller.village.as_str(), self.caller.account);
        command::Sent { command: &self.new, region, account }
    }

    fn wish<'a>(&'a self, to: &'a For) -> Wish<'a> {
        let Neighbour { village, policy, .. } = &self.caller;
        Wish { village, policy, to, new: &self.new.body }
    }
}

/// Where orders meet.
pub type Redemptions = Group<Waiting, Answer<Redemption>>;

/// Redeems points for a prize; a family for itself together with those that come meanwhile.
pub async fn redeem(
    app: &Data<App>,
    caller: Neighbour,
    new: Command<NewRedemption>,
) -> Outcome<Answer<Redemption>> {
    let own = own(app, &caller, &new.body);
    let waiting = Waiting { caller, new, own };
    if waiting.own.is_none() {
        return alone(app, &waiting).await;
    }
    let (many, one) = (app.clone(), app.clone());
    let together = async move |waiting: &[Waiting]| together(&many, waiting).await;
    app.redemptions.join(waiting, together, async move |it| alone(&one, it).await).await
}

/// For whom a family's own order is, while the shop is open. Officials have kin to keep out of, and while
/// it is closed a household's own term is asked for by itself.
fn own(app: &App, caller: &Neighbour, new: &NewRedemption) -> Option<For> {
    let household = caller.household_in(&caller.village)?;
    let Neighbour { village, policy, .. } = caller;
    let open = Spender { village, policy, household }.finds_open(app.clock.now());
    let plain = caller.grants.is_empty() && new.household_code.is_none() && new.bearer.is_none();
    (open && plain).then(|| For { household, person: caller.person, bearer: None })
}

async fn alone(app: &App, waiting: &Waiting) -> Outcome<Answer<Redemption>> {
    let Waiting { caller, new, .. } = waiting;
    let done = new.once(app, caller.village.as_str(), caller.account, async |tx| {
        let now = app.clock.now();
        let to = whose(app, tx, caller, &new.body).await?;
        let (order, orders) = orders::redeem(tx, waiting.wish(&to), now).await?;
        if to.bearer.is_some() {
            inform(tx, caller, &to, &new.body, (&order.prize_name, order.points), now).await?;
        }
        let answer = load(tx, caller, new.body.id).await?;
        orders.leave_stock(tx).await?;
        Ok(answer)
    });
    Ok(done.await?.map(|it| with_code(app, caller, it)))
}

async fn together(app: &App, waiting: &[Waiting]) -> Outcome<Vec<Outcome<Answer<Redemption>>>> {
    let done = app.db.write(async |tx| {
        db::wait_briefly(tx).await?;
        let sent: Vec<_> = waiting.iter().map(Waiting::keyed).collect();
        let order = async |fresh: &[usize]| order(app, tx, waiting, fresh).await;
        command::once_each(tx, app, &sent, order).await
    });
    let answers = waiting.iter().zip(done.await?);
    let with_code = |(it, answer): (&Waiting, Outcome<Answer<Redemption>>)| {
        answer.map(|answer| answer.map(|redemption| with_code(app, &it.caller, redemption)))
    };
    Ok(answers.map(with_code).collect())
}

/// Accepts those of the orders that did not come before.
async fn order(
    app: &App,
    tx: &Tx,
    waiting: &[Waiting],
    fresh: &[usize],
) -> Outcome<Vec<Result<Redemption, Refusal>>> {
    let waiting = fresh.iter().filter_map(|place| waiting.get(*place));
    let waiting: Vec<_> = waiting.filter_map(|it| Some((it, it.own.as_ref()?))).collect();
    let wishes: Vec<_> = waiting.iter().map(|(it, to)| it.wish(to)).collect();
    let orders = redeem_each(tx, &wishes, app.clock.now()).await?;
    let accepted = waiting.iter().zip(&orders.results).filter(|(_, result)| result.is_ok());
    let accepted: Vec<_> = accepted.map(|((it, _), _)| (&it.caller, it.new.body.id)).collect();
    let mut redemptions = load_each(tx, &accepted).await?;
    let answer = |((it, _), result): (&(&Waiting, &For), &Result<_, Refusal>)| {
        let place = (it.caller.village.to_string(), it.new.body.id);
        let found = redemptions.remove(&place).ok_or_else(|| Code::NotFound.into());
        result.as_ref().map_err(Clone::clone).and(found)
    };
    let answers = waiting.iter().zip(&orders.results).map(answer).collect();
    orders.leave_stock(tx).await?;
    Ok(answers)
}
