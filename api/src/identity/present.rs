//! Who is calling, read afresh at every request; those who call at the same moment are looked up together.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::web::Data;
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::{Bearer, Caller, Grant, Home, Role};
use crate::app::App;
use crate::kernel::db::{self, Column};
use crate::kernel::group::{Group, Job};
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::Village;
use crate::regions::{self, VillageRow};

/// Whose token came, and which village they ask for.
pub struct Asked {
    bearer: Bearer,
    village: Option<Village>,
}

impl Job for Asked {
    /// Readers are in nobody's way.
    fn place(&self) -> &str {
        ""
    }
}

/// Who it is, and the village, if one was asked for and takes part.
pub struct Present {
    pub caller: Caller,
    pub policy: Option<VillageRow>,
}

/// Where those who call meet.
pub type Callers = Group<Asked, Present>;

/// Looks a caller up, and the village they ask for.
///
/// # Errors
/// `token_invalid` once the session has ended or the account is disabled.
pub async fn present(
    app: &Data<App>,
    bearer: Bearer,
    village: Option<&Village>,
) -> Outcome<Present> {
    let asked = Asked { bearer, village: village.cloned() };
    let (many, one) = (app.clone(), app.clone());
    let together = async move |asked: &[Asked]| look_up(&many, asked).await;
    let alone = async move |asked: &Asked| {
        let found = look_up(&one, std::slice::from_ref(asked)).await?;
        found.into_iter().next().unwrap_or_else(|| Err(Problem::fault("nobody was looked up")))
    };
    app.callers.join(asked, together, alone).await
}

/// A session's person with one of their grants, or without any.
#[derive(FromQueryResult)]
struct Row {
    account: Uuid,
    session: Uuid,
    person: Uuid,
    name: String,
    village: Option<String>,
    household: Option<Uuid>,
    kind: String,
    role: Option<String>,
    region: Option<String>,
}

impl Row {
    fn caller(&self) -> Caller {
        let village = self.village.as_ref().and_then(|village| village.parse().ok());
        let home = village.zip(self.household);
        Caller {
            account: self.account,
            session: self.session,
            person: self.person,
            name: self.name.clone(),
            home: home.map(|(village, household)| Home { village, household }),
            grants: Vec::new(),
        }
    }

    fn grant(&self) -> Option<Grant> {
        let role = Role::parse(self.role.as_deref()?)?;
        let region = self.region.as_ref()?.parse().ok()?;
        // Above a village nobody acts by a phone alone: that takes the password and the second factor.
        (self.kind != "wechat" || role.rank() < 2).then_some(Grant { role, region })
    }
}

async fn look_up(app: &App, asked: &[Asked]) -> Outcome<Vec<Outcome<Present>>> {
    let callers = callers(app, asked).await?;
    let villages: BTreeSet<_> = asked.iter().filter_map(|it| it.village.as_ref()).collect();
    let policies = regions::villages(app.db.read(), &villages).await?;
    let present = |Asked { bearer, village }: &Asked| {
        let caller = callers.get(bearer).cloned().ok_or(Code::TokenInvalid)?;
        let policy = village.as_ref().and_then(|village| policies.get(village.as_str()).cloned());
        Ok(Present { caller, policy })
    };
    Ok(asked.iter().map(present).collect())
}

async fn callers(app: &App, asked: &[Asked]) -> Outcome<BTreeMap<Bearer, Caller>> {
    let bearers: BTreeSet<_> = asked.iter().map(|it| it.bearer).collect();
    let given = [
        Column::Uuid("account", bearers.iter().map(|it| it.account).collect()),
        Column::Uuid("session", bearers.iter().map(|it| it.session).collect()),
    ];
    let given = db::given(app.db.read(), 3, "given", &given);
    let sql = format!(
        "SELECT a.id AS account, s.id AS session, a.person, p.name, b.village, b.household, s.kind, \
           g.role, g.region \
         FROM {} JOIN accounts a ON a.id = given.account AND a.status = 'active' \
         JOIN persons p ON p.id = a.person \
         JOIN sessions s ON s.account = a.id AND s.id = given.session AND s.ended_at IS NULL \
           AND s.expires_at > $1 \
         LEFT JOIN bindings b ON b.person = a.person AND b.ended_at IS NULL \
         LEFT JOIN grants g ON g.person = a.person AND g.starts_at <= $2 \
           AND (g.ends_at IS NULL OR g.ends_at > $2) ORDER BY g.id",
        given.table
    );
    let times: [Value; 2] = [app.token_clock.now().0.into(), app.clock.now().0.into()];
    let values = times.into_iter().chain(given.values);
    let mut callers = BTreeMap::new();
    for row in db::all::<Row>(app.db.read(), &sql, values).await? {
        let bearer = Bearer { account: row.account, session: row.session };
        let caller: &mut Caller = callers.entry(bearer).or_insert_with(|| row.caller());
        caller.grants.extend(row.grant());
    }
    Ok(callers)
}
