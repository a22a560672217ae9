//! Claims as families' phones file them: tokens, requests, and how many are taken in a second.

use std::sync::Arc;

use api::app::App;
use api::identity::{self, Bearer};
use api::kernel::clock::Clock;
use api::kernel::db;
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::Done;
use crate::load::{Load, Requests, Tally};
use crate::process::TOKEN_SECRET;

/// The head of a household, who files for it.
#[derive(FromQueryResult)]
struct Head {
    account: Uuid,
    person: Uuid,
    village: String,
    household: Uuid,
}

/// Those who file, each with a session.
pub struct Filers {
    heads: Vec<Head>,
    day: String,
}

/// A filer's request up to what differs from claim to claim.
struct Filer {
    head: String,
    body: String,
}

impl Filers {
    /// At most `most` heads of households, spread over the villages first. Each gets a session with the
    /// account's own id.
    pub async fn of(app: &App, most: usize) -> Done<Self> {
        let sessions = "INSERT INTO sessions \
                          (account, id, kind, device, created_at, used_at, expires_at) \
                        SELECT id, id, 'wechat', id, 0, 0, 9000000000000 FROM accounts WHERE true \
                        ON CONFLICT DO NOTHING";
        app.db.schema().execute_unprepared(sessions).await?;
        let sql = format!(
            "SELECT a.id AS account, m.person, m.village, m.household FROM members m \
             JOIN households h ON h.village = m.village AND h.id = m.household \
             JOIN accounts a ON a.person = m.person WHERE m.is_head ORDER BY h.number, m.village \
             LIMIT {most}"
        );
        let heads = db::all::<Head>(app.db.read(), &sql, []).await?;
        Ok(Self { heads, day: app.clock.now().day().to_string() })
    }

    /// Fresh tokens: they live for a quarter of an hour.
    fn signed(&self) -> Done<Vec<Filer>> {
        let filer = |it: &Head| {
            let bearer = Bearer { account: it.account, session: it.account };
            let token = identity::issue(TOKEN_SECRET.as_bytes(), bearer, Clock::System.now())?;
            let head = format!(
                "POST /v1/villages/{}/claims HTTP/1.1\r\nHost: localhost\r\n\
                 Authorization: Bearer {token}\r\nContent-Type: application/json\r\n",
                it.village
            );
            let day = &self.day;
            let body = format!(
                "\"household\":\"{}\",\"member\":\"{}\",\"rule\":\"ent.training\",\"count\":1,\
                 \"occurred_on\":\"{day}\",\"evidence\":[{{\"kind\":\"sign_in_sheet\",\
                 \"reference\":\"签到表 {day}\"}}]",
                it.household, it.person
            );
            Ok(Filer { head, body })
        };
        self.heads.iter().map(filer).collect()
    }

    /// What a connection of so many sends: household after household, one claim each.
    fn source(
        &self,
        connections: usize,
    ) -> Done<impl Fn(usize) -> Requests + Clone + Send + use<>> {
        let filers = Arc::new(self.signed()?);
        Ok(move |connection| -> Requests {
            let filers = filers.clone();
            let mut turns = (connection..filers.len()).step_by(connections).cycle();
            Box::new(move |next: &mut Vec<u8>| {
                let filer = turns.next().and_then(|turn| filers.get(turn));
                next.extend(filer.map(request).unwrap_or_default().into_bytes());
            })
        })
    }

    /// Files claims; the first that is refused ends it.
    pub async fn submit(&self, load: Load, connections: usize) -> Done<Tally> {
        load.run_by(connections, self.source(connections)?).await
    }

    /// Files claims, and counts what is refused.
    pub async fn count(&self, load: Load, connections: usize) -> Done<Tally> {
        load.count_by(connections, self.source(connections)?).await
    }
}

/// A claim of a deed that nobody has claimed before.
fn request(filer: &Filer) -> String {
    let (id, event, key) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    let body = format!("{{\"id\":\"{id}\",\"event\":\"{event}\",{}}}", filer.body);
    let length = body.len();
    format!("{}Idempotency-Key: {key}\r\nContent-Length: {length}\r\n\r\n{body}", filer.head)
}
