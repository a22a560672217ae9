//! Deeds that were approved in a week, written as rows.

use api::kernel::db::{self, Column};
use api::kernel::period::Week;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::Life;

#[derive(FromQueryResult)]
struct Rule {
    rule_set: Uuid,
    key: String,
    category: String,
    source: String,
    default_points: i64,
}

struct Deed {
    home: usize,
    rule: usize,
    /// Since Monday.
    day: i64,
    id: Uuid,
}

impl Life<'_> {
    /// Some households' deeds of the week, over all small bonus rules and days.
    pub(super) async fn deeds(&mut self, week: Week) {
        let sql = "SELECT rule_set, key, category, source, default_points FROM rules \
                   WHERE direction = 'bonus' AND enabled AND default_points <= 5 \
                   ORDER BY rule_set, position";
        let rules = db::all::<Rule>(self.app.db.read(), sql, []).await.expect("the rules");
        // Counties have the same catalogue each: the first one's will do for all.
        let set = rules.first().expect("a rule").rule_set;
        let rules: Vec<_> = rules.into_iter().filter(|rule| rule.rule_set == set).collect();
        let mut deeds = Vec::new();
        for at in 0..self.homes.len() {
            let times = self.pace.deeds_per_hundred / 100
                + usize::from(self.draw(100) < self.pace.deeds_per_hundred % 100);
            if self.ended.contains(&self.homes[at].id) {
                continue;
            }
            for _ in 0..times {
                deeds.push(Deed {
                    home: at,
                    rule: self.draw(rules.len()),
                    day: i64::try_from(self.draw(4)).expect("a day"),
                    id: self.id(),
                });
            }
        }
        let monday = week.starts_at();
        let text =
            |get: &dyn Fn(&Deed) -> String| -> Vec<String> { deeds.iter().map(get).collect() };
        let number =
            |get: &dyn Fn(usize) -> i64| -> Vec<i64> { (0..deeds.len()).map(get).collect() };
        let now = self.now.0;
        let rule = |deed: &Deed| &rules[deed.rule];
        let home = |deed: &Deed| &self.homes[deed.home];
        let day = |deed: &Deed| monday.plus_days(deed.day).day().to_string();
        let columns = [
            Column::Text("village", text(&|it| home(it).village.clone())),
            Column::Uuid("id", deeds.iter().map(|it| it.id).collect()),
            Column::Uuid("household", deeds.iter().map(|it| home(it).id).collect()),
            Column::Text("grid", text(&|it| home(it).grid.clone())),
            Column::Text("field_grid", text(&|it| home(it).grid.clone())),
            Column::Uuid("member", deeds.iter().map(|it| home(it).head).collect()),
            Column::Uuid("rule_set", deeds.iter().map(|it| rule(it).rule_set).collect()),
            Column::Text("rule", text(&|it| rule(it).key.clone())),
            Column::Text("category", text(&|it| rule(it).category.clone())),
            Column::Text("source", text(&|it| rule(it).source.clone())),
            Column::Number("count", number(&|_| 1)),
            Column::Number("points", deeds.iter().map(|it| rule(it).default_points).collect()),
            Column::Text("occurred_on", text(&day)),
            Column::Text("event", text(&|it| it.id.to_string())),
            Column::Text("evidence", text(&|_| "[]".to_owned())),
            Column::Uuid("filed_by", deeds.iter().map(|it| home(it).head).collect()),
            Column::Flag("on_behalf", vec![false; deeds.len()]),
            Column::Number("submitted_at", number(&|_| now)),
            Column::Text("status", text(&|_| "approved".to_owned())),
            Column::Number("step", number(&|_| 1)),
            Column::Number("approved_at", number(&|at| now + i64::try_from(at).expect("a number"))),
            Column::Text("week", text(&|_| week.to_string())),
            Column::Text("dedupe", text(&|it| it.id.to_string())),
            Column::Number("version", number(&|_| 3)),
        ];
        let written =
            self.app.db.write(async |tx| Ok(db::bulk_insert(tx, "claims", &columns, "").await?));
        let written = written.await.expect("the deeds are written");
        *self.done.entry("deeds".to_owned()).or_default() += written;
    }
}
